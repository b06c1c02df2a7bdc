/**
 * Shapes of what the workflows of a link tell each other. Fields that are not known are let through: a later version
 * may send more. Kinds that are not known are not.
 */
import type { SlotKey, SlotRequest } from '../../rules/run/failover-slots';
import type { SlotMessage, SlotNews } from './failover-slot-messages';
import {
  anyObject,
  anyText,
  byKind,
  including,
  list,
  name,
  nullable,
  number,
  oneOf,
  optional,
  type Shape,
  time,
  wholeNumber,
  yesOrNo,
} from './shapes';
import type {
  AcceptedDrift,
  Acknowledgement,
  FailoverControl,
  FailoverNews,
  FailoverRecord,
  FromRun,
} from './standing-messages';
import { side } from './standing-request-shapes';
import type { UnliftedFence } from './state';

export const unliftedFences = list<UnliftedFence>(
  including<UnliftedFence>({
    server: anyText,
    logins: list(anyText),
    statement: anyText,
    since: time,
    told: yesOrNo,
  }),
);

export const acknowledgement = including<Acknowledgement>({ by: anyText, at: time, what: anyText });

/** What is reckoned with, or decides; the rest is only shown. */
export const failoverRecord = including<FailoverRecord>({
  workflowId: anyText,
  type: oneOf(['planned', 'forced', 'outside']),
  to: side,
  by: anyText,
  reason: nullable(anyText),
  startedAt: time,
  endedAt: time,
  outcome: oneOf(['done', 'withdrawn', 'failed']),
  summary: anyText,
  rtoMs: nullable(number(0, Number.MAX_SAFE_INTEGER)),
  evidence: nullable(anyObject()),
  loss: nullable(anyObject()),
  diverged: optional(nullable(anyObject())),
  acceptedDrift: optional(including<AcceptedDrift>({ by: anyText, what: anyText })),
  hooks: optional(list(anyObject())),
  checks: optional(list(anyObject())),
  acknowledged: optional(acknowledgement),
  drill: optional(oneOf(['there', 'back'])),
  preempted: optional(including({ fenceOn: nullable(side) })),
  unliftedFences: optional(unliftedFences),
});

/** Ids are as long as Temporal lets them be. */
const id = name('an id', 1_000);

/** Who says so, by workflow and run; whoever does not say it is a stranger. */
const sender = including<FromRun>({ from: optional(including({ workflowId: id, runId: id })) });

const signed =
  <Message>(shape: Shape<Message>): Shape<Message & FromRun> =>
  (value, at) => ({ ...shape(value, at), ...sender(value, at) });

const news = byKind<FailoverNews>({
  fencing: anyObject(),
  'new-primary-proven': including({ record: failoverRecord }),
  waiting: including({ waitingFor: nullable(anyText) }),
  problem: including({
    problem: nullable(including({ code: anyText, message: anyText, remedy: anyText, where: anyText })),
  }),
});

export const failoverNewsShape = signed(news);

const control = byKind<FailoverControl>({
  pause: anyObject(),
  retry: anyObject(),
  preempt: including({ by: name() }),
});

export const failoverControlShape = signed(control);

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
