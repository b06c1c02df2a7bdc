/** Shapes of what failovers and the workflow that gives their slots tell each other. */
import type { SlotKey, SlotRequest, Slots } from '../../rules/run/failover-slots';
import type { SlotMessage, SlotNews, SlotsInput } from './failover-slot-messages';
import {
  anyObject,
  anyText,
  byKind,
  exactly,
  including,
  list,
  name,
  optional,
  type Shape,
  wholeNumber,
  yesOrNo,
} from './shapes';
import { id } from './signal-shapes';

/** "Up to 8 databases" of one instance at once; see `failoversAtOnceSchema`. */
export const slotLimit = wholeNumber(1, 8);

const slotKey = including<SlotKey>({ workflowId: id, runId: id });

const attempt = wholeNumber(0, Number.MAX_SAFE_INTEGER);

export const slotRequest: Shape<SlotRequest> = including<SlotRequest>({
  workflowId: id,
  runId: id,
  name: anyText,
  database: anyText,
  limit: slotLimit,
  forced: yesOrNo,
  attempt,
});

export const slotMessageShape = byKind<SlotMessage>({
  ask: including({ request: slotRequest }),
  leave: including({ key: slotKey }),
  'go-ahead': including({ request: slotRequest }),
});

export const slotNewsShape = byKind<SlotNews>({
  granted: including({ attempt }),
  waiting: including({ place: anyText, attempt }),
  ping: anyObject(),
});

const slots = including<Slots>({
  holders: list(slotRequest, 0, 100_000),
  queue: list(slotRequest, 0, 100_000),
});

export const slotsInputShape = exactly<SlotsInput>({
  resource: name('a resource id', 1_000),
  first: optional(slotRequest),
  maxHistoryEvents: optional(wholeNumber(1, 1_000_000)),
  state: optional(slots),
});
