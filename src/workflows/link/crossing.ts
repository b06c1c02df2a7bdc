/** The crossing itself, shared by the cutover of a migration and the failovers of a link that stays. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { CatchUpEvidence } from '../../activities/link/api';
import { formatDuration } from '../../model/duration';
import type { LinkSide, LinkStepInfo } from '../../model/link/procedure';
import { AbortRequested, personProblem } from '../run-control';
import type { LinkRun } from './run';

/** What leads up to the point of no return. */
export interface Approach {
  readonly fence: LinkStepInfo;
  /** Steps behind the fence that are undone with it. */
  readonly modes: readonly LinkStepInfo[];
  /** Side that is the primary now. */
  readonly primary: LinkSide;
}

/**
 * Fence, equal and stable LSNs, a last look. Throws when anything fails; the caller lifts the fence then (promise 7).
 */
export async function approachPointOfNoReturn(
  run: LinkRun,
  { fence, modes, primary }: Approach,
): Promise<void> {
  const { spec, state } = run;
  const { catchUpTimeout } = spec.migration.cutover;
  state.fencedAt = run.now();
  run.waitingFor = 'the applications to be kept out of the source';
  const fencedAt = await performOnce(run, fence);
  for (const step of modes) await performOnce(run, step);
  run.waitingFor = 'the instance to harden the last transaction of the source';
  const caughtUp = await withinLimit(catchUpTimeout, () =>
    run.quick.awaitCatchUp({ spec, primary, fencedAt }),
  );
  run.control.throwIfAborted();
  const confirmed = await run.quick.confirmPointOfNoReturn({ spec, primary, evidence: caughtUp });
  run.control.throwIfAborted();
  passPointOfNoReturn(run, confirmed);
}

/** Synchronous on purpose: no message can come between the last look and the decision. */
function passPointOfNoReturn(run: LinkRun, evidence: CatchUpEvidence): void {
  run.state.pointOfNoReturn = evidence;
  run.event(
    'info',
    'cutover.point-of-no-return',
    `source and instance are equal at LSN ${evidence.targetHardenedLsn} (${evidence.samples} samples behind the fence)`,
  );
}

/**
 * Behind the fence nobody is waited for: a failure lifts the fence, and the attempt is made again later.
 * @returns when the step was done, ISO 8601
 */
async function performOnce(run: LinkRun, step: LinkStepInfo): Promise<string> {
  const { spec } = run;
  run.step = step.title;
  const seen = await run.quick.observeLinkStep({ spec, stepId: step.id });
  run.begin(step.id, seen.before);
  const outcome = await run.quick.performLinkStep({ spec, stepId: step.id });
  run.record(step, outcome.outcome, seen.planned, outcome.evidence, outcome.durationMs);
  run.step = null;
  // By the worker's clock, which also stamps the LSNs that are read next.
  return new Date(Date.parse(outcome.startedAt) + outcome.durationMs).toISOString();
}

/** @throws CatchUpTimedOut when the limit, in milliseconds, passes first. */
async function withinLimit<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  let timedOut = false;
  const scope = new CancellationScope();
  const working = scope.run(work);
  working.catch(() => undefined);
  const limit = condition(() => false, limitMs).then(() => {
    timedOut = true;
    scope.cancel();
  });
  limit.catch(() => undefined);
  try {
    return await working;
  } catch (error) {
    if (timedOut) throw new CatchUpTimedOut(limitMs);
    throw error;
  }
}

class CatchUpTimedOut extends Error {
  constructor(limitMs: number) {
    super(`the instance did not catch up within ${formatDuration(limitMs)} behind the fence`);
  }
}

/** Forward only: the failover and its proof. */
export async function crossOver(run: LinkRun, forward: readonly LinkStepInfo[]): Promise<void> {
  for (const step of forward) {
    run.waitingFor = step.id.endsWith('verify-writable')
      ? 'the new primary to take a write'
      : 'the roles to swap';
    await run.perform(step);
    run.state.failedOverAt ??= run.now();
  }
  run.waitingFor = '';
  run.state.rtoMs = Date.now() - Date.parse(run.state.fencedAt ?? run.now());
  run.event(
    'info',
    'cutover.done',
    `the instance takes writes, ${formatDuration(run.state.rtoMs)} after the fence`,
  );
}

export function reasonOf(error: unknown): string {
  if (error instanceof AbortRequested) return error.message;
  if (isCancellation(error)) return 'the run was cancelled';
  return personProblem(error)?.message ?? (error instanceof Error ? error.message : String(error));
}
