import { standingNextSteps, standingStatus } from './change-requests';
import { waitVerdict } from './cutover-wait';
import type { RunOutcome, RunStatus } from './messages';
import type { Run } from './run';
import { leftOutSentences } from './state-size';

/** What people and machines see of a run; the state itself stays inside. */
/** @param now when it is looked at, milliseconds since 1970-01-01 UTC */
export function statusOf(run: Run, outcome: RunOutcome, now: number): RunStatus {
  const { state, spec } = run;
  const at = new Date(now).toISOString();
  const { settings } = spec;
  const wait = state.phase === 'replicating' && state.protection === null ? waitVerdict(run, at) : null;
  return {
    kind: spec.kind,
    name: settings.name,
    database: settings.database,
    ...(state.unliftedFences === undefined ? {} : { unliftedFences: state.unliftedFences }),
    outcome,
    phase: state.phase,
    step: run.step,
    waitingFor: waitingFor(run, outcome),
    phases: state.phases,
    events: state.events,
    ...(state.leftOutOfState === undefined ? {} : { notKept: leftOutSentences(state) }),
    paused: state.paused,
    blockedBy: state.blockedBy,
    approval: approvalView(run),
    postponedUntil: state.postponedUntil,
    schedule: state.schedule,
    nextCutoverAt: wait?.until ?? null,
    health: state.health,
    attempts: state.attempts,
    pointOfNoReturn: state.pointOfNoReturn,
    rtoMs: state.rtoMs,
    nextSteps: nextSteps(run, outcome, at),
    protection: standingStatus(run, now),
    ...surroundingsOf(run),
  };
}

/** Of what stands, what surrounded its newest failover. */
function surroundingsOf({ state }: Run): Pick<RunStatus, 'hooks' | 'checks'> {
  const { hooks, checks } = state.protection?.failovers.at(-1) ?? {
    hooks: state.hookCalls,
    checks: state.checks,
  };
  return { ...(hooks === undefined ? {} : { hooks }), ...(checks === undefined ? {} : { checks }) };
}

function waitingFor(run: Run, outcome: RunOutcome): string {
  if (outcome !== 'running') return '';
  if (run.state.blockedBy !== null) return `a person: ${run.state.blockedBy.message}`;
  if (run.state.paused) return 'resume: the run is paused';
  if (run.waitingFor !== '') return run.waitingFor;
  return run.step ?? run.procedure.phases[run.state.phase] ?? run.state.phase;
}

function approvalView(run: Run): RunStatus['approval'] {
  const { approval } = run.state;
  if (approval === null) return null;
  const { validFor } = run.spec.settings.cutover.approval;
  return { ...approval, expiresAt: new Date(Date.parse(approval.at) + validFor).toISOString() };
}

function nextSteps(run: Run, outcome: RunOutcome, now: string): readonly string[] {
  const { name } = run.spec.settings;
  const { state } = run;
  if (outcome !== 'running') return [];
  if (run.control.isUndoing) {
    if (state.blockedBy === null) return [];
    return [state.blockedBy.remedy, `sqlferry resume ${name}`, `sqlferry leave ${name}`];
  }
  if (state.blockedBy !== null) {
    return [state.blockedBy.remedy, `sqlferry resume ${name}`, ...abortStep(run)];
  }
  if (state.paused) return [`sqlferry resume ${name}`, ...abortStep(run)];
  if (state.protection !== null) return standingNextSteps(run);
  const waitsForApproval =
    state.phase === 'replicating' &&
    waitVerdict(run, now).reasons.some(({ id }) => id.startsWith('gate.approval'));
  if (waitsForApproval) {
    return [`sqlferry approve ${name}`, `sqlferry postpone ${name} --until TIME`, ...abortStep(run)];
  }
  return abortStep(run);
}

const abortStep = (run: Run): readonly string[] =>
  run.state.pointOfNoReturn === null && run.state.forwardOnly === null
    ? [`sqlferry abort ${run.spec.settings.name}`]
    : [];
