/**
 * The shape of what a run carries from one history to the next. Texts are as long as they were; words, sides, times and
 * numbers must be such. What is only shown, or handed back to an activity, is not looked into.
 */

import type { Health } from '../../activities/run/api';
import type { RunSpec } from '../../model/run/run-spec';
import type { Site } from '../../model/run/site';
import { readSchedule } from '../../rules/run/read-schedule';
import type { DrillUnderWay } from './drill-messages';
import type { BlockedBy, CutoverAttempt, PhaseTimes, RunEvent } from './messages';
import { BY_AND_REASON, requestShape } from './request-shapes';
import {
  anyObject,
  anyText,
  anything,
  bounded,
  byKind,
  exactly,
  type Fields,
  including,
  list,
  MalformedInput,
  nullable,
  number,
  oneOf,
  optional,
  type Shape,
  time,
  versionOne,
  wholeNumber,
  yes,
  yesOrNo,
} from './shapes';
import { acknowledgement, failoverRecordShape, id, unliftedFences } from './signal-shapes';
import type { ChangeSpecRequest, SplitBrain, StandingRequest } from './standing-messages';
import { drillShape, failoverShape, repairShape, siteShape } from './standing-request-shapes';
import type { Protection, RunState, StartedStep } from './state';
import type { WorkflowTopology } from './topology';

const count = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const MANY = 100_000;

/** A topology may keep more of it. */
export const healthShape = including<Health>({
  observedAt: time,
  healthy: yesOrNo,
  summary: anyText,
  lagSeconds: nullable(number(0, Number.MAX_SAFE_INTEGER)),
});

export const scheduleShape: Shape<RunState['schedule']> = (value, at) => {
  const read = readSchedule(value);
  if (read.ok) return read.schedule;
  throw new MalformedInput(`${at}: ${read.problem}`);
};

type PendingFailover = Extract<StandingRequest, { kind: 'failover' }>;

const pendingFailover = (sites: readonly Site[]) =>
  including<PendingFailover>({
    kind: oneOf<'failover'>(['failover']),
    request: failoverShape(sites),
    acknowledged: optional(acknowledgement),
  });

const pendingShape = (sites: readonly Site[], spec: Shape<RunSpec>): Shape<StandingRequest> =>
  byKind<StandingRequest>({
    failover: pendingFailover(sites),
    drill: including({ request: drillShape, acknowledged: optional(acknowledgement) }),
    repair: including({ request: repairShape(sites), begun: optional(yes) }),
    'change-spec': including({ request: changeSpecShape(spec) }),
    remove: including({ request: requestShape, begun: optional(yes) }),
  });

/** Each activity is handed the whole of a spec. */
export const SPEC_BYTES = 256 * 1024;

/** @param spec shape of the specs of the topology */
export const changeSpecShape = (spec: Shape<RunSpec>): Shape<ChangeSpecRequest> =>
  exactly<ChangeSpecRequest>({ ...BY_AND_REASON, spec: bounded(spec, SPEC_BYTES) });

const drillUnderWay = (sites: readonly Site[]) =>
  including<DrillUnderWay>({
    request: drillShape,
    startedAt: time,
    from: siteShape(sites),
    there: failoverRecordShape(sites),
    holdUntil: time,
    endedEarlyBy: optional(anyText),
    acceptsDrift: optional(yes),
  });

const protectionShape = (sites: readonly Site[], spec: Shape<RunSpec>): Shape<Protection> =>
  including<Protection>({
    primary: siteShape(sites),
    failovers: list(failoverRecordShape(sites)),
    failoverCount: optional(count),
    request: nullable(pendingShape(sites, spec)),
    preemptedBy: optional(pendingFailover(sites)),
    proven: optional(yes),
    givenUp: optional(yes),
    followUpOf: optional(id),
    failoverWorkflow: optional(id),
    splitBrain: nullable(
      including<SplitBrain>({ since: time, reason: anyText, diverged: optional(nullable(anyObject())) }),
    ),
    deletedExternally: optional(including({ since: time, reason: anyText })),
    drill: optional(drillUnderWay(sites)),
    lastDrill: optional(anyObject()),
  });

const blockedBy = including<BlockedBy>({
  since: time,
  stepId: anyText,
  code: anyText,
  message: anyText,
  remedy: anyText,
});

const startedStep = (stepIds: readonly string[]) =>
  including<StartedStep>({
    stepId: oneOf(stepIds),
    server: optional(anyText),
    before: anything,
    after: anything,
    byHand: optional(list(anyText)),
    undoing: optional(anyObject()),
    mayBeLeft: optional(yes),
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
  by: optional(anyText),
});

const approval = including<NonNullable<RunState['approval']>>({
  by: anyText,
  at: time,
  acceptsDrift: optional(yes),
});

/** Fields that every run keeps. */
const common = (
  { procedure, specShape }: Pick<WorkflowTopology, 'procedure' | 'specShape'>,
  sites: readonly Site[],
): Fields<RunState> => {
  const phase = oneOf(Object.keys(procedure.phases));
  return {
    version: versionOne,
    phase,
    preflight: nullable(anyObject()),
    startedSteps: list(startedStep(procedure.stepIds), 0, MANY),
    journal: list(anyObject(), 0, MANY),
    phases: list(including<PhaseTimes>({ phase, startedAt: time, endedAt: nullable(time) }), 0, MANY),
    events: list(event, 0, MANY),
    acceptedDrift: optional(including({ by: anyText, what: anyText })),
    health: nullable(healthShape),
    lastLag: optional(nullable(healthShape)),
    paused: yesOrNo,
    approval: nullable(approval),
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
    rtoMs: nullable(number(0, Number.MAX_SAFE_INTEGER)),
    firstWriteAt: optional(time),
    hookCalls: optional(list(anyObject())),
    checks: optional(list(anyObject())),
    leftOutOfState: optional(anyObject()),
    watchProblem: optional(anyText),
    untold: optional(list(anyObject(), 0, MANY)),
    protection: nullable(protectionShape(sites, specShape)),
  };
};

/** @param sites places that can lead, of the spec that the state belongs to */
export const stateShape = <Spec extends RunSpec, Own extends object>(
  topology: Pick<WorkflowTopology<Spec, Own>, 'procedure' | 'specShape' | 'ownShape'>,
  sites: readonly Site[],
): Shape<RunState & Own> => {
  const run = including(common(topology, sites));
  const own = including(topology.ownShape);
  return (value, at) => {
    run(value, at);
    return own(value, at) as RunState & Own;
  };
};
