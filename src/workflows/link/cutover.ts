import { CancellationScope, condition, isCancellation, sleep } from '@temporalio/workflow';
import type { CatchUpEvidence } from '../../activities/link/api';
import { formatDuration } from '../../model/duration';
import type { LinkStepInfo } from '../../model/link/procedure';
import { cutoverWait } from '../../rules/link/cutover-wait';
import { AbortRequested, personProblem } from '../run-control';
import { historyIsLong, ReplicationGuard } from './guard';
import type { LinkRun } from './run';

/** A wait is looked at again after this long at most: windows and approvals are also a matter of time. */
const LONGEST_WAIT_MS = 7 * 24 * 3_600_000;

/**
 * The link replicates, log backups go on, and the run waits until the cutover may begin; then it tries.
 * @returns 'cut-over', or 'new-history' when the history is long and this is a quiet point
 */
export async function replicateUntilCutOver(run: LinkRun): Promise<'cut-over' | 'new-history'> {
  for (;;) {
    run.enter('replicating');
    const guard = new ReplicationGuard(run);
    let ready: boolean;
    try {
      ready = await untilReady(run);
    } finally {
      await CancellationScope.nonCancellable(() => guard.stop());
    }
    if (!ready) return 'new-history';
    // Somebody may have paused or postponed while the guard came to its end.
    if (!waitVerdict(run).mayBegin) continue;
    run.enter('cutover');
    if (await attemptCutover(run)) return 'cut-over';
  }
}

/** @returns true when everything says that the cutover may begin; false when a new history should begin. */
async function untilReady(run: LinkRun): Promise<boolean> {
  for (;;) {
    run.control.throwIfAborted();
    if (historyIsLong(run)) return false;
    const wait = waitVerdict(run);
    run.waitingFor = wait.reason;
    const seen = run.changes;
    await askForApproval(run, wait);
    if (wait.mayBegin) {
      if (await linkIsReady(run, seen)) return true;
      continue;
    }
    const untilMs = wait.until === null ? LONGEST_WAIT_MS : Date.parse(wait.until) - Date.now();
    await condition(() => run.changes > seen, Math.min(Math.max(untilMs, 1), LONGEST_WAIT_MS));
  }
}

/** Told once for each approval that is needed: nobody looks at a status for weeks. */
async function askForApproval(run: LinkRun, wait: ReturnType<typeof waitVerdict>): Promise<void> {
  const reason = wait.reasons.find(({ id }) => id.startsWith('gate.approval'))?.reason;
  if (reason === undefined) {
    run.state.approvalAsked = false;
    return;
  }
  if (run.state.approvalAsked === true) return;
  run.state.approvalAsked = true;
  await run.tell('info', 'cutover.approval-needed', reason, `sqlferry approve ${run.spec.migration.name}`);
}

export function waitVerdict(run: LinkRun) {
  const { state, spec } = run;
  return cutoverWait({
    now: run.now(),
    schedule: state.schedule,
    approval: state.approval,
    approvalPolicy: spec.migration.cutover.approval,
    postponedUntil: state.postponedUntil,
    paused: state.paused,
    nextAttemptAt: state.nextAttemptAt,
  });
}

/** Facts of the link decide now; a message in between (postpone, pause) ends the wait. */
async function linkIsReady(run: LinkRun, seen: number): Promise<boolean> {
  const scope = new CancellationScope();
  let ready = false;
  const looking = scope.run(async () => {
    await run.control.untilDone('Cutover gate', () => run.long.awaitCutoverReadiness({ spec: run.spec }));
    ready = true;
  });
  looking.catch(() => undefined);
  run.waitingFor = 'the link to be healthy and close enough behind for the cutover';
  const mustLeave = () => (run.changes > seen && !waitVerdict(run).mayBegin) || historyIsLong(run);
  await Promise.race([looking, condition(mustLeave)]);
  if (!ready) scope.cancel();
  await looking.catch((error) => {
    if (!isCancellation(error)) throw error;
  });
  return ready && waitVerdict(run).mayBegin;
}

/**
 * Fence, final LSNs, point of no return, failover, proof. Anything that fails before the point of no return lifts
 * the fence (promise 7) and counts as an attempt; after it there is only forward.
 * @returns true when the instance is the primary and takes writes
 */
async function attemptCutover(run: LinkRun): Promise<boolean> {
  const [fence, ...rest] = run.steps('cutover');
  if (fence === undefined) return false;
  const number = run.state.attempts.length + 1;
  run.state.attempts.push({ startedAt: run.now(), endedAt: null, outcome: 'running', reason: '' });
  run.event('info', 'cutover.begun', `attempt ${number} of ${run.spec.migration.cutover.attempts}`);
  const modes = rest.filter((step) => step.id === 'source.synchronous-commit');
  const forward = rest.filter((step) => step.id !== 'source.synchronous-commit');
  const { catchUpTimeout } = run.spec.migration.cutover;
  const heard = run.changes;
  try {
    // All of it, not only the catching up: whatever does not answer now, applications do not wait for it any longer.
    await withinLimit(run, catchUpTimeout, () => approachPointOfNoReturn(run, fence, modes, heard));
  } catch (error) {
    await withdraw(run, error, [...modes].reverse(), fence);
    if (error instanceof AbortRequested || isCancellation(error)) throw error;
    return false;
  }
  await CancellationScope.nonCancellable(() => crossOver(run, forward));
  closeAttempt(run, 'succeeded', 'the instance is the primary');
  return true;
}

async function approachPointOfNoReturn(
  run: LinkRun,
  fence: LinkStepInfo,
  modes: readonly LinkStepInfo[],
  heard: number,
): Promise<void> {
  const { spec, state } = run;
  state.fencedAt = run.now();
  run.waitingFor = 'the applications to be kept out of the source';
  const fencedAt = await performOnce(run, fence, heard);
  for (const step of modes) {
    throwIfStopped(run, heard);
    await performOnce(run, step, heard);
  }
  run.waitingFor = 'the instance to harden the last transaction of the source';
  const caughtUp = await run.quick.awaitCatchUp({ spec, fencedAt });
  throwIfStopped(run, heard);
  run.waitingFor = 'the last look before the point of no return';
  const confirmed = await run.quick.confirmPointOfNoReturn({ spec, evidence: caughtUp });
  throwIfStopped(run, heard);
  passPointOfNoReturn(run, confirmed);
}

/**
 * Somebody paused, postponed or rescheduled since the attempt began: it is withdrawn, as the answer promised. Time
 * alone (a window that ends, an approval that expires) does not stop what has begun.
 * @param heard `run.changes` when the attempt began
 */
function throwIfStopped(run: LinkRun, heard: number): void {
  run.control.throwIfAborted();
  if (run.changes === heard) return;
  const wait = waitVerdict(run);
  if (!wait.mayBegin) throw new HeldBehindFence(wait.reason, wait.until);
}

class HeldBehindFence extends Error {
  constructor(
    reason: string,
    readonly until: string | null,
  ) {
    super(`somebody held the cutover: ${reason.replace(/\.$/, '')}`);
  }
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
async function performOnce(run: LinkRun, step: LinkStepInfo, heard: number): Promise<string> {
  const { spec } = run;
  run.step = step.title;
  const seen = await run.quick.observeLinkStep({ spec, stepId: step.id });
  throwIfStopped(run, heard);
  run.begin(step.id, seen.before);
  const outcome = await run.quick.performLinkStep({ spec, stepId: step.id });
  run.record(step, outcome.outcome, seen.planned, outcome.evidence, outcome.durationMs);
  run.step = null;
  // By the worker's clock, which also stamps the LSNs that are read next.
  return new Date(Date.parse(outcome.startedAt) + outcome.durationMs).toISOString();
}

/** @throws BehindFenceTooLong when the limit, in milliseconds, passes first. */
async function withinLimit<T>(run: LinkRun, limitMs: number, work: () => Promise<T>): Promise<T> {
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

async function crossOver(run: LinkRun, forward: readonly LinkStepInfo[]): Promise<void> {
  for (const step of forward) {
    run.waitingFor =
      step.id === 'target.verify-writable' ? 'the new primary to take a write' : 'the roles to swap';
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

/** Gives the source back to its applications, whatever happened. */
async function withdraw(
  run: LinkRun,
  error: unknown,
  modes: readonly LinkStepInfo[],
  fence: LinkStepInfo,
): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    const isStopped = run.control.abortRequest !== undefined || isCancellation(error);
    const left: LinkStepInfo[] = [];
    for (const step of [...modes, fence]) {
      if ((await run.undo(step.id)) !== undefined) left.push(step);
    }
    // A run that is being undone tries these once more and reports them; any other must not leave them.
    if (!isStopped) await giveBack(run, left);
    run.state.fencedAt = null;
    run.waitingFor = '';
    const reason = reasonOf(error, run);
    closeAttempt(run, 'withdrawn', reason);
    const fenced = run.hasBegun(fence.id) ? 'the fence could not be lifted yet' : 'the fence is lifted';
    const next = isStopped ? 'nothing: what this run made is being undone' : nextTry(run, error);
    await run.tell('warning', 'cutover.withdrawn', `${reason}; ${fenced}`, next);
  });
}

/** Applications must not stay out because one statement failed: a person is told, and resume tries again. */
async function giveBack(run: LinkRun, steps: readonly LinkStepInfo[]): Promise<void> {
  for (const { id, title } of steps) {
    await run.control.untilDone(`Withdraw: ${title}`, () => run.undoOrFail(id));
  }
}

function nextTry(run: LinkRun, error: unknown): string {
  if (error instanceof HeldBehindFence) {
    return error.until === null
      ? 'resume or approve to try again'
      : `nothing: it may be tried again at ${error.until}`;
  }
  const { attempts, retryAfter } = run.spec.migration.cutover;
  const made = run.state.attempts.length;
  if (made % attempts === 0) {
    run.state.approval = null;
    run.state.nextAttemptAt = null;
    if (!run.spec.migration.cutover.approval.required) run.state.paused = true;
    return 'find the cause, then approve the cutover again (or resume) to try again';
  }
  const wait = retryAfter[Math.min(made - 1, retryAfter.length - 1)] ?? 60_000;
  run.state.nextAttemptAt = new Date(Date.now() + wait).toISOString();
  return `it is tried again in ${formatDuration(wait)}`;
}

function closeAttempt(run: LinkRun, outcome: 'succeeded' | 'withdrawn', reason: string): void {
  const last = run.state.attempts.pop();
  if (last !== undefined) run.state.attempts.push({ ...last, endedAt: run.now(), outcome, reason });
}

function reasonOf(error: unknown, run: LinkRun): string {
  const { abortRequest } = run.control;
  if (abortRequest !== undefined) return `abort requested by ${abortRequest.by}`;
  if (isCancellation(error)) return 'the run was cancelled';
  return personProblem(error)?.message ?? (error instanceof Error ? error.message : String(error));
}
