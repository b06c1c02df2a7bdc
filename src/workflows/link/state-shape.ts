/**
 * The shape of what a run carries from one history to the next. Texts are as long as they were; words, sides, times and
 * numbers must be such. What is only shown, or handed back to an activity, is not looked into.
 */

import type { LinkHealth } from '../../activities/run/api';
import { LINK_PHASES, LINK_STEP_IDS } from '../../model/link/procedure';
import type { DrillUnderWay } from '../run/drill-messages';
import type { BlockedBy, CutoverAttempt, PhaseTimes, RunEvent } from '../run/messages';
import { requestShape } from '../run/request-shapes';
import {
  anyObject,
  anyText,
  anything,
  byKind,
  including,
  list,
  nullable,
  number,
  oneOf,
  optional,
  time,
  wholeNumber,
  yes,
  yesOrNo,
} from '../run/shapes';
import { acknowledgement, failoverRecord, unliftedFences } from '../run/signal-shapes';
import type { SplitBrain, StandingRequest } from '../run/standing-messages';
import { drillShape, failoverShape, repairShape, side } from '../run/standing-request-shapes';
import type { ObjectsState, Protection, RunState, StartedStep } from '../run/state';
import { changeSpecShape, scheduleShape, version } from './spec-shape';

const count = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const phase = oneOf(LINK_PHASES);
const MANY = 100_000;

export const health = including<LinkHealth>({
  observedAt: time,
  healthy: yesOrNo,
  summary: anyText,
  lagSeconds: nullable(number(0, Number.MAX_SAFE_INTEGER)),
  logUsedPercent: number(0, Number.MAX_SAFE_INTEGER),
});

const failover = including({ request: failoverShape, acknowledged: optional(acknowledgement) });

const pending = byKind<StandingRequest>({
  failover,
  drill: including({ request: drillShape, acknowledged: optional(acknowledgement) }),
  repair: including({ request: repairShape, begun: optional(yes) }),
  'change-spec': including({ request: changeSpecShape }),
  remove: including({ request: requestShape, begun: optional(yes) }),
});

const drill = including<DrillUnderWay>({
  request: drillShape,
  startedAt: time,
  from: side,
  there: failoverRecord,
  holdUntil: time,
  endedEarlyBy: optional(anyText),
  acceptsDrift: optional(yes),
});

const protection = including<Protection>({
  primary: side,
  failovers: list(failoverRecord),
  failoverCount: optional(count),
  request: nullable(pending),
  preemptedBy: optional(byKind<Extract<StandingRequest, { kind: 'failover' }>>({ failover })),
  proven: optional(yes),
  lateSwap: optional(yes),
  splitBrain: nullable(
    including<SplitBrain>({ since: time, reason: anyText, diverged: optional(nullable(anyObject())) }),
  ),
  deletedExternally: optional(including({ since: time, reason: anyText })),
  fullBackupAt: optional(time),
  drill: optional(drill),
  lastDrill: optional(anyObject()),
});

const blockedBy = including<BlockedBy>({
  since: time,
  stepId: anyText,
  code: anyText,
  message: anyText,
  remedy: anyText,
});

const begun = including<StartedStep>({
  stepId: oneOf(LINK_STEP_IDS),
  server: optional(anyText),
  before: anything,
  after: anything,
  byHand: optional(list(anyText)),
  undoing: optional(anyObject()),
});

const attempt = including<CutoverAttempt>({
  startedAt: time,
  endedAt: nullable(time),
  outcome: oneOf(['running', 'succeeded', 'withdrawn']),
  reason: anyText,
});

const event = including<RunEvent>({
  at: time,
  severity: oneOf(['info', 'warning', 'critical']),
  code: anyText,
  message: anyText,
  rule: optional(anyText),
});

const objects = including<ObjectsState>({
  primary: side,
  observedAt: time,
  mark: anyText,
  count,
  drift: list(anyObject()),
});

export const stateShape = including<RunState>({
  version,
  phase,
  route: nullable(oneOf(['planned-failover', 'delete-link'])),
  preflight: nullable(anyObject()),
  serverName: anyText,
  startedSteps: list(begun, 0, MANY),
  journal: list(anyObject(), 0, MANY),
  phases: list(including<PhaseTimes>({ phase, startedAt: time, endedAt: nullable(time) }), 0, MANY),
  events: list(event, 0, MANY),
  linkRequestedAt: nullable(time),
  seedingCompletedAt: nullable(time),
  seedingRestarts: count,
  logBackups: including({ count, lastAt: nullable(time) }),
  acceptedDrift: optional(including({ by: anyText, what: anyText })),
  lastBackupAt: optional(time),
  health: nullable(health),
  lastLag: optional(nullable(health)),
  logAlarmRaised: yesOrNo,
  foreignLogBackups: optional(list(anyText)),
  instanceObjects: optional(objects),
  paused: yesOrNo,
  approval: nullable(
    including<NonNullable<RunState['approval']>>({ by: anyText, at: time, acceptsDrift: optional(yes) }),
  ),
  groupLeader: optional(anyText),
  unliftedFences: optional(unliftedFences),
  approvalAsked: optional(yesOrNo),
  postponedUntil: nullable(time),
  schedule: scheduleShape,
  attempts: list(attempt, 0, MANY),
  earlierAttempts: optional(count),
  nextAttemptAt: nullable(time),
  blockedBy: nullable(blockedBy),
  fencedAt: nullable(time),
  pointOfNoReturn: nullable(anyObject()),
  forwardOnly: nullable(anyText),
  failedOverAt: nullable(time),
  unreplicatedTail: optional(anyText),
  rtoMs: nullable(number(0, Number.MAX_SAFE_INTEGER)),
  firstWriteAt: optional(time),
  hookCalls: optional(list(anyObject())),
  checks: optional(list(anyObject())),
  leftOutOfState: optional(anyObject()),
  watchProblem: optional(anyText),
  untold: optional(list(anyObject(), 0, MANY)),
  protection: nullable(protection),
});
