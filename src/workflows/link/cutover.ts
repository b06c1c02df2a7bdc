import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { formatDuration } from '../../model/duration';
import type { LinkStepInfo } from '../../model/link/procedure';
import { cutoverWait } from '../../rules/link/cutover-wait';
import { AbortRequested } from '../run-control';
import { approachPointOfNoReturn, crossOver, reasonOf } from './crossing';
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
    if (wait.mayBegin) {
      if (await linkIsReady(run, seen)) return true;
      continue;
    }
    const untilMs = wait.until === null ? LONGEST_WAIT_MS : Date.parse(wait.until) - Date.now();
    await condition(() => run.changes > seen, Math.min(Math.max(untilMs, 1), LONGEST_WAIT_MS));
  }
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
    await run.control.untilDone('Cutover gate', () =>
      run.long.awaitCutoverReadiness({ spec: run.spec, primary: 'source' }),
    );
    ready = true;
  });
  looking.catch(() => undefined);
  run.waitingFor = 'the link to be healthy and close enough behind for the cutover';
  await Promise.race([looking, condition(() => run.changes > seen && !waitVerdict(run).mayBegin)]);
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
  try {
    await approachPointOfNoReturn(run, { fence, modes, primary: 'source' });
  } catch (error) {
    await withdraw(run, error, [...modes].reverse(), fence);
    if (error instanceof AbortRequested || isCancellation(error)) throw error;
    return false;
  }
  await CancellationScope.nonCancellable(() => crossOver(run, forward));
  closeAttempt(run, 'succeeded', 'the instance is the primary');
  return true;
}

/** Gives the source back to its applications, whatever happened. */
async function withdraw(
  run: LinkRun,
  error: unknown,
  modes: readonly LinkStepInfo[],
  fence: LinkStepInfo,
): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    for (const step of [...modes, fence]) await run.undo(step.id);
    run.state.fencedAt = null;
    run.waitingFor = '';
    const reason = reasonOf(error);
    closeAttempt(run, 'withdrawn', reason);
    await run.tell('warning', 'cutover.withdrawn', `${reason}; the fence is lifted`, nextTry(run));
  });
}

function nextTry(run: LinkRun): string {
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
