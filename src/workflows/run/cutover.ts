import { CancellationScope, condition, isCancellation, workflowInfo } from '@temporalio/workflow';
import { formatDuration } from '../../model/duration';
import type { DatabaseProperties } from '../../model/run/failover-facts';
import { LONGEST_WAIT_MS } from '../../model/run/pacing';
import type { FailoverPlan } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import { waitVerdict } from './cutover-wait';
import { FailoverHooks, type FailoverOccasion } from './failover-hooks';
import { FailoverSlot } from './failover-slot';
import { fenceAndCatchUp, giveBackOnce, isFenced, liftFence, reasonOf, swapRoles } from './fence-and-swap';
import { historyIsLong } from './history';
import { readBefore } from './new-primary-checks';
import { runPostFailover } from './post-failover';
import { recheckReadiness } from './readiness';
import { ReplicationWatch } from './replication-watch';
import type { Run } from './run';
import { AbortRequested } from './run-control';
import { addAttempt, attemptsMade } from './state-entries';
import { hasObjects, keepObjectsWhile, passObjectsGate, switchObjects } from './unreplicated-objects';
import { throwIfLeftBadly, until } from './until';

/** One cutover: which site hands over to which, and how. */
export interface Cutover {
  readonly plan: FailoverPlan;
  readonly from: SiteId;
  readonly to: SiteId;
  /** False where the cutover ends the replication. */
  readonly replicates: boolean;
  /** A look that begins once the roles are swapped. Applications do not wait for it. */
  readonly lookBeside?: () => Promise<void>;
}

/**
 * It replicates and is watched, and the run waits until the cutover may begin; then it tries.
 * @returns 'cut-over', or 'new-history' when the history is long and this is a quiet point
 */
export async function replicateUntilCutOver(run: Run, cutover: Cutover): Promise<'cut-over' | 'new-history'> {
  const turn = new FailoverSlot(run);
  try {
    return await replicateInTurn(run, cutover, turn);
  } finally {
    await turn.release();
  }
}

async function replicateInTurn(
  run: Run,
  cutover: Cutover,
  turn: FailoverSlot,
): Promise<'cut-over' | 'new-history'> {
  for (;;) {
    run.enter('replicating');
    const watch = new ReplicationWatch(run, cutover.from);
    let ready: boolean;
    try {
      ready = await watch.beside(untilReady(run, cutover.from, turn));
    } finally {
      await CancellationScope.nonCancellable(() => watch.stop());
    }
    if (!ready) return 'new-history';
    // Somebody may have paused or postponed while the watch came to its end.
    if (waitVerdict(run).mayBegin) {
      run.enter('cutover');
      if (await attemptCutover(run, cutover, turn)) return 'cut-over';
    }
    await turn.release();
  }
}

/** @returns true when everything says that the cutover may begin; false when a new history should begin. */
async function untilReady(run: Run, from: SiteId, turn: FailoverSlot): Promise<boolean> {
  for (;;) {
    run.control.throwIfAborted();
    if (historyIsLong(run)) return false;
    const wait = waitVerdict(run);
    run.waitingFor = wait.reason;
    const seen = run.revision;
    await askForApproval(run, wait);
    if (wait.mayBegin) {
      if (hasObjects(run)) {
        await passObjectsGate(run, from, {
          acceptedBy: () => (run.state.approval?.acceptsDrift === true ? run.state.approval.by : null),
          mustLeave: () => mustLeave(run, seen),
        });
        if (mustLeave(run, seen)) continue;
      }
      if ((await isReady(run, from, seen)) && (await takeTurn(run, from, seen, turn))) return true;
      continue;
    }
    const untilMs = wait.until === null ? LONGEST_WAIT_MS : Date.parse(wait.until) - Date.now();
    const changed = condition(() => run.revision > seen, Math.min(Math.max(untilMs, 1), LONGEST_WAIT_MS));
    await keepObjectsWhile(run, from, changed);
  }
}

/** Told once for each approval that is needed: nobody looks at a status for weeks. */
async function askForApproval(run: Run, wait: ReturnType<typeof waitVerdict>): Promise<void> {
  const reason = wait.reasons.find(({ id }) => id.startsWith('gate.approval'))?.reason;
  if (reason === undefined) {
    run.state.approvalAsked = false;
    return;
  }
  if (run.state.approvalAsked === true) return;
  run.state.approvalAsked = true;
  await run.notify('info', 'cutover.approval-needed', reason, `sqlferry approve ${run.spec.settings.name}`);
}

/** Facts of the replication decide now; a message in between (postpone, pause) ends the wait. */
async function isReady(run: Run, from: SiteId, seen: number): Promise<boolean> {
  const gate = () =>
    run.control.untilDone('Cutover gate', () =>
      run.watches.awaitReadiness({ spec: run.spec, primary: from }),
    );
  run.waitingFor = `the ${run.procedure.thing} to be healthy and close enough behind for the cutover`;
  const passed = await until(gate, () => mustLeave(run, seen));
  throwIfLeftBadly(passed);
  return !passed.left && waitVerdict(run).mayBegin;
}

/** It is watched meanwhile, and nothing is fenced; what is asked of the run in between comes first. */
async function takeTurn(run: Run, from: SiteId, seen: number, turn: FailoverSlot): Promise<boolean> {
  const leave = () => mustLeave(run, seen);
  const waitedMs = await turn.acquire(leave);
  if (waitedMs !== null && (await recheckReadiness(run, from, waitedMs, leave))) return true;
  await turn.release();
  return false;
}

const mustLeave = (run: Run, seen: number): boolean =>
  (run.revision > seen && !waitVerdict(run).mayBegin) || historyIsLong(run);

/**
 * Fence, catch-up, point of no return, failover, proof. Anything that fails before the point of no return lifts
 * the fence (promise 8) and counts as an attempt; after it there is only forward.
 * @returns true when the new primary takes writes
 */
async function attemptCutover(run: Run, cutover: Cutover, turn: FailoverSlot): Promise<boolean> {
  const { plan, from, to, replicates, lookBeside } = cutover;
  const number = attemptsMade(run.state) + 1;
  addAttempt(run.state, { startedAt: run.now(), endedAt: null, outcome: 'running', reason: '' });
  run.logEvent('info', 'cutover.begun', `attempt ${number} of ${run.spec.settings.cutover.attempts}`);
  const heard = run.revision;
  const hooks = new FailoverHooks(run, cutoverOccasion(run, to, number));
  const isHeld = () => run.revision > heard && !waitVerdict(run).mayBegin;
  let before: DatabaseProperties | null = null;
  try {
    before = await readBefore(run, from);
    await callBeforeFence(run, from, hooks, isHeld);
    throwIfHeld(run, heard);
    await fenceAndCatchUp(run, {
      plan,
      primary: from,
      throwIfHeld: () => throwIfHeld(run, heard),
      whenFenced: () => hooks.mayRefuse('whenFenced', isHeld),
    });
  } catch (error) {
    try {
      await withdraw(run, error, plan);
    } finally {
      // Also when an abort ends the wait for a fence that cannot be lifted: it is lifted with the undoing of the run.
      await CancellationScope.nonCancellable(() => callWithdrawn(run, from, hooks, error));
    }
    if (error instanceof AbortRequested || isCancellation(error)) throw error;
    return false;
  }
  await CancellationScope.nonCancellable(async () => {
    const { looked } = await swapRoles(run, {
      plan,
      to,
      ...(lookBeside === undefined ? {} : { lookBeside }),
    });
    closeAttempt(run, 'succeeded', `the ${run.site(to).label} is the primary`);
    await turn.release();
    await runPostFailover(run, hooks, { site: to, before, replicates });
    await switchObjects(run, to);
    await looked;
  });
  return true;
}

const cutoverOccasion = ({ workflowId }: Run, to: SiteId, attempt: number): FailoverOccasion => ({
  // The id of a migration can be used again: its first run tells which one it was.
  attempt: `${workflowId}/${workflowInfo().firstExecutionRunId}/cutover-${attempt}`,
  kind: 'cutover',
  to,
  reason: null,
});

/** A drain may take its time: the replication is watched beside it. */
async function callBeforeFence(
  run: Run,
  from: SiteId,
  hooks: FailoverHooks,
  isHeld: () => boolean,
): Promise<void> {
  if (!hooks.has('beforeFailover')) return;
  const watch = new ReplicationWatch(run, from);
  try {
    await watch.beside(hooks.mayRefuse('beforeFailover', isHeld));
  } finally {
    await CancellationScope.nonCancellable(() => watch.stop());
  }
}

/** Applications write again by now: the replication is watched beside it, unless the run ends and all of it is undone. */
async function callWithdrawn(run: Run, from: SiteId, hooks: FailoverHooks, error: unknown): Promise<void> {
  const reason = reasonOf(error, run);
  const isOver = run.control.abortRequest !== undefined || isCancellation(error);
  if (isOver || !hooks.mayGiveBack) return hooks.withdrawn(reason);
  const watch = new ReplicationWatch(run, from);
  try {
    await watch.beside(hooks.withdrawn(reason));
  } finally {
    await watch.stop();
  }
}

/**
 * Somebody paused, postponed or rescheduled since the attempt began: it is withdrawn, as the answer promised. Time
 * alone (a window that ends, an approval that expires) does not stop what has begun.
 * @param heard `run.revision` when the attempt began
 */
function throwIfHeld(run: Run, heard: number): void {
  if (run.revision === heard) return;
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

/** Gives the old primary back to its applications, whatever happened. */
async function withdraw(run: Run, error: unknown, plan: FailoverPlan): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    const isStopped = run.control.abortRequest !== undefined || isCancellation(error);
    // A run that is being undone tries once more what is left, and reports it; any other must not leave it.
    const back = isStopped ? giveBackOnce : liftFence;
    try {
      await back(run, plan);
    } finally {
      // Also when an abort ends the wait for a person here: what is left is undone with the run then.
      run.state.fencedAt = null;
      run.waitingFor = '';
      closeAttempt(run, 'withdrawn', reasonOf(error, run));
    }
    const reason = reasonOf(error, run);
    const fenced = isFenced(run, plan) ? 'the fence could not be lifted yet' : run.fences.sentence;
    const next = isStopped ? 'nothing: what this run made is being undone' : nextTry(run, error);
    await run.notify('warning', 'cutover.withdrawn', `${reason}; ${fenced}`, next);
  });
}

function nextTry(run: Run, error: unknown): string {
  if (error instanceof HeldBehindFence) {
    return error.until === null
      ? 'resume or approve to try again'
      : `nothing: it may be tried again at ${error.until}`;
  }
  const { attempts, retryAfter } = run.spec.settings.cutover;
  const made = attemptsMade(run.state);
  if (made % attempts === 0) {
    run.state.approval = null;
    run.state.nextAttemptAt = null;
    if (!run.spec.settings.cutover.approval.required) run.state.paused = true;
    return 'find the cause, then approve the cutover again (or resume) to try again';
  }
  const wait = retryAfter[Math.min(made - 1, retryAfter.length - 1)] ?? 60_000;
  run.state.nextAttemptAt = new Date(Date.now() + wait).toISOString();
  return `it is tried again in ${formatDuration(wait)}`;
}

function closeAttempt(run: Run, outcome: 'succeeded' | 'withdrawn', reason: string): void {
  const last = run.state.attempts.pop();
  if (last !== undefined) addAttempt(run.state, { ...last, endedAt: run.now(), outcome, reason });
}
