/** From the fence to the new primary: shared by the cutover of a migration and the failovers of what stands. */
import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { CatchUpEvidence } from '../../activities/run/api';
import { formatDuration } from '../../model/duration';
import { longestPause, pacingOf } from '../../model/run/pacing';
import { type FailoverPlan, type StepRef, withdrawalSteps } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import { ageMs } from '../../rules/run/age';
import { performPastNoReturn } from './past-no-return';
import type { Run } from './run';
import { personProblem } from './run-control';
import { Undo } from './undo-items';

/** What leads up to the point of no return. */
export interface FenceAndCatchUp {
  readonly plan: Pick<FailoverPlan, 'fence' | 'revocable'>;
  /** Site that is the primary now. */
  readonly primary: SiteId;
  /** Throws when somebody held the crossing since it began. */
  readonly throwIfHeld: () => void;
  /** Hooks behind the fence, which may still refuse. */
  readonly whenFenced?: () => Promise<void>;
}

/**
 * Fence, proof of catch-up, a last look, all within the limit: whatever does not answer now, applications do not
 * wait for it any longer. Throws when anything fails; the caller lifts the fence then (promise 8).
 */
export function fenceAndCatchUp(run: Run, approach: FenceAndCatchUp): Promise<void> {
  const { catchUpTimeout } = run.spec.settings.cutover;
  return withinLimit(run, catchUpTimeout, () => catchUpBehindFence(run, approach));
}

async function catchUpBehindFence(run: Run, approach: FenceAndCatchUp): Promise<void> {
  const { spec, state } = run;
  const { plan, primary } = approach;
  const old = run.site(primary).label;
  const stopIfHeld = (): void => {
    run.control.throwIfAborted();
    approach.throwIfHeld();
  };
  state.fencedAt = run.now();
  run.waitingFor = `the applications to be kept out of the ${old}`;
  // Where there is nothing to fence with, what is committed from now on is not waited for.
  let fencedAt = run.now();
  for (const step of plan.fence) {
    stopIfHeld();
    fencedAt = await performOnce(run, step, stopIfHeld);
  }
  for (const step of plan.revocable) {
    stopIfHeld();
    await performOnce(run, step, stopIfHeld);
  }
  await approach.whenFenced?.();
  stopIfHeld();
  run.waitingFor = `the ${run.otherSite(primary).label} to harden the last transaction of the ${old}`;
  const caughtUp = await run.untilItSucceeds.awaitCatchUp({ spec, primary, fencedAt });
  stopIfHeld();
  run.waitingFor = 'the last look before the point of no return';
  const confirmed = await run.untilItSucceeds.confirmPointOfNoReturn({ spec, primary, evidence: caughtUp });
  stopIfHeld();
  passPointOfNoReturn(run, confirmed);
}

/** Synchronous on purpose: no message can come between the last look and the decision. */
function passPointOfNoReturn(run: Run, evidence: CatchUpEvidence): void {
  run.state.pointOfNoReturn = evidence;
  run.fences.forget();
  run.logEvent('info', 'cutover.point-of-no-return', evidence.summary);
}

/**
 * Behind the fence nobody is waited for: a failure lifts the fence, and the attempt is made again later.
 * @returns when the step was done, ISO 8601
 */
async function performOnce(run: Run, step: StepRef, stopIfHeld: () => void): Promise<string> {
  run.step = step.title;
  const seen = await run.looking(step)();
  stopIfHeld();
  run.begin(step.id, seen.before, step.server, seen.planned);
  const outcome = await run.untilItSucceeds.performStep.executeWithOptions({ summary: step.title }, [
    run.inputOf(step),
  ]);
  run.journal(step, outcome.outcome, seen.planned, outcome.evidence, outcome.durationMs);
  run.step = null;
  // By the worker's clock, which also stamps the LSNs that are read next.
  return new Date(Date.parse(outcome.startedAt) + outcome.durationMs).toISOString();
}

/** @throws BehindFenceTooLong when the limit, in milliseconds, passes first. */
async function withinLimit<T>(run: Run, limitMs: number, work: () => Promise<T>): Promise<T> {
  let waitedFor: string | undefined;
  const scope = new CancellationScope();
  const working = scope.run(work);
  working.catch(() => undefined);
  const timer = new CancellationScope();
  const limit = timer.run(async () => {
    await sleep(limitMs);
    waitedFor = run.waitingFor;
    scope.cancel();
  });
  limit.catch(() => undefined);
  try {
    return await working;
  } catch (error) {
    if (waitedFor !== undefined) throw new BehindFenceTooLong(limitMs, waitedFor);
    throw error;
  } finally {
    timer.cancel();
  }
}

class BehindFenceTooLong extends Error {
  constructor(limitMs: number, waitedFor: string) {
    super(`${formatDuration(limitMs)} behind the fence were not enough for ${waitedFor}`);
  }
}

/** What goes forward only. */
export interface RoleSwap {
  readonly plan: FailoverPlan;
  /** Site that becomes the primary. */
  readonly to: SiteId;
  /** A look that begins once the roles are swapped. Applications do not wait for it: the proof admits them. */
  readonly lookBeside?: () => Promise<void>;
}

/**
 * Forward only: the swap of the roles, its proof, and the applications.
 * @returns a look that goes on beside: to be waited for once the applications are where they belong
 */
export async function swapRoles(
  run: Run,
  { plan, to, lookBeside }: RoleSwap,
): Promise<{ readonly looked: Promise<void> | undefined }> {
  const { state } = run;
  const { label } = run.site(to);
  run.waitingFor = 'the roles to swap';
  for (const step of plan.swap) {
    await performPastNoReturn(run, step, 'swap');
    state.failedOverAt ??= run.now();
  }
  const looked = lookBeside?.();
  // It is awaited later: until then its failure is nobody's.
  looked?.catch(() => undefined);
  run.waitingFor = 'the new primary to take a write';
  for (const step of plan.proof) {
    await performPastNoReturn(run, step, 'proof');
    state.firstWriteAt = run.now();
  }
  run.waitingFor = `the applications to be admitted to the ${label}`;
  for (const step of plan.admit) await performPastNoReturn(run, step, 'admit');
  run.waitingFor = '';
  state.rtoMs = ageMs(state.fencedAt, Date.now());
  const since = plan.fence.length === 0 ? 'it was asked for' : 'the fence';
  const after = state.rtoMs === null ? '' : `, ${formatDuration(state.rtoMs)} after ${since}`;
  run.logEvent('info', 'cutover.done', `the ${label} takes writes${after}`);
  await run.fences.tell();
  return { looked };
}

/** What a failover that is withdrawn gives back. */
type Withdrawn = Pick<FailoverPlan, 'fence' | 'revocable'>;

/**
 * Applications must not stay out because one statement failed: each step is tried, whatever became of the others; a
 * person is told what does not get through, and it is tried again, at once on resume.
 */
export async function liftFence(run: Run, plan: Withdrawn): Promise<void> {
  await withdrawal(run, plan).all();
  run.step = null;
}

/** As `liftFence`, once: the run is undone afterwards, and tries again what is left. */
export async function giveBackOnce(run: Run, plan: Withdrawn): Promise<void> {
  for (const left of await withdrawal(run, plan).once()) run.noteLeft(left);
  run.step = null;
}

/** A fence that was lifted is begun no longer. */
export const isFenced = (run: Run, { fence }: Pick<FailoverPlan, 'fence'>): boolean =>
  fence.some(({ id }) => run.hasBegun(id));

function withdrawal(run: Run, plan: Withdrawn): Undo {
  const items = withdrawalSteps(plan).flatMap(({ id }) =>
    run.begunOf([id]).map((begun) => run.undoItem(begun)),
  );
  const pauses = pacingOf(run.spec.settings.polling).withdrawal;
  return new Undo(run.control, items, {
    refused: 'wait',
    firstPauseMs: pauses.firstMs,
    longestPauseMs: (since) => longestPause(pauses, Date.now() - since),
    leaveCommand: null,
    title: ({ where }) => `Withdraw on ${where}`,
    onLeft: (left) => run.noteLeft(left),
  });
}

export function reasonOf(error: unknown, run: Run): string {
  const { abortRequest } = run.control;
  if (abortRequest !== undefined) return `abort requested by ${abortRequest.by}`;
  if (isCancellation(error)) return 'the run was cancelled';
  return personProblem(error)?.message ?? (error instanceof Error ? error.message : String(error));
}
