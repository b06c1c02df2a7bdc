/** One failover of a link that stays, as a workflow of its own: id, result and evidence apart from the link's. */
import { CancellationScope, condition, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import type { LossReport } from '../../activities/link/api';
import { byWord } from '../../model/by-word';
import { formatDuration } from '../../model/duration';
import type { LinkSite } from '../../model/link/procedure';
import { bySite } from '../../model/link/side';
import type { DatabaseProperties } from '../../model/run/failover-facts';
import type { FailoverPlan, StepRef } from '../../model/run/procedure';
import { failoverInputShape } from '../link/input-shapes';
import { hasObjects, passObjectsGate, switchJobs } from '../sql-server/instance-objects';
import { fenceIsLifted } from '../sql-server/unlifted-fences';
import { otherSite, siteName } from './change-requests';
import { handleFailoverMessages } from './failover-control';
import { FailoverHooks, HookVeto } from './failover-hooks';
import { tellCrossed, tellLink, tellPlace, tellProblems, tellRefusals } from './failover-news';
import { FailoverSlot } from './failover-slot';
import { fenceAndCatchUp, isFenced, liftFence, reasonOf, swapRoles } from './fence-and-swap';
import { admitApplicationsOrTell } from './in-doubt';
import { checkInput } from './incoming';
import { journalQuery, statusQuery } from './messages';
import { readBefore } from './new-primary-checks';
import { pauseOfFailover } from './pause-notes';
import { occasionOf, runPostFailover, withPostFailover } from './post-failover';
import { msLeftForTurn, Preemption } from './preemption';
import { recheckReadiness } from './readiness';
import { Run } from './run';
import { AbortRequested } from './run-control';
import { withKnownSpec } from './spec-version';
import type { FailoverInput, FailoverRecord } from './standing-messages';
import { initialState } from './state';
import { statusOf } from './status';
import { throwIfLeftBadly, until } from './until';

export async function failover(given: FailoverInput): Promise<FailoverRecord> {
  const input = withKnownSpec(given);
  checkInput('failover', failoverInputShape, input);
  const { workflowId } = workflowInfo();
  const run = new Run({ spec: input.spec, visibility: false }, initialState(input.spec), workflowId);
  setHandler(statusQuery, () => statusOf(run, 'running'));
  setHandler(journalQuery, () => run.state.journal);
  run.pauseNote = () => pauseOfFailover(input.request.type);
  const way = new Preemption(run);
  handleFailoverMessages(run, way);
  run.enter('cutover');
  const telling = new CancellationScope();
  telling.run(() => tellProblems(run)).catch(() => undefined);
  telling.run(() => tellRefusals(run)).catch(() => undefined);
  try {
    const carryOut = byWord('type of a failover', input.request.type, {
      planned: failOverPlanned,
      forced: failOverForced,
    });
    return await carryOut(run, input, way);
  } finally {
    telling.cancel();
    await CancellationScope.nonCancellable(() => run.notices.delivered(() => way.reason !== null));
  }
}

/** Gate, turn, fence, equal LSNs, swap, proof. Before the point of no return everything that fails withdraws it. */
async function failOverPlanned(
  run: Run,
  { spec, request }: FailoverInput,
  way: Preemption,
): Promise<FailoverRecord> {
  const startedAt = run.now();
  const plan = run.procedure.failover(spec, 'planned', request.to);
  const primary = otherSite(request.to);
  const turn = new FailoverSlot(run, tellPlace);
  const hooks = new FailoverHooks(run, occasionOf(run.workflowId, request));
  let before: DatabaseProperties | null = null;
  try {
    await run.control.abortable(() =>
      way.until(async () => {
        if (hasObjects(run)) {
          await passObjectsGate(run, primary, {
            acceptedBy: () => (request.acceptDrift === true ? request.by : null),
            mustLeave: () => run.state.paused,
          });
          throwIfPaused(run);
        }
        before = await passGateAndLook(run, primary, turn);
        await hooks.mayRefuse('beforeFailover', () => run.state.paused);
        throwIfPaused(run);
        tellLink({ kind: 'fencing' }).catch(() => undefined);
        await fenceAndCatchUp(run, {
          plan,
          primary,
          throwIfHeld: () => throwIfPaused(run),
          whenFenced: () => hooks.mayRefuse('whenFenced', () => run.state.paused),
        });
      }),
    );
  } catch (error) {
    const reason = reasonOf(error, run);
    const wasFenced = isFenced(run, plan);
    let isWithdrawn = false;
    await CancellationScope.nonCancellable(async () => {
      // The forced failover fences an old primary that answers again, and calls the hooks: nothing is given back for it.
      isWithdrawn = await way.orLeave(() => liftFence(run, plan));
      await turn.release();
      if (isWithdrawn) await way.orLeave(() => hooks.withdrawn(reason));
    });
    if (!isWithdrawn) {
      const where = isFenced(run, plan) ? primary : null;
      return withPostFailover(leftBehind(run, { spec, request }, startedAt, way, where), run, hooks);
    }
    const end = wasFenced ? fenceIsLifted(run) : 'nothing was changed';
    const withdrawn = record(run, { spec, request }, startedAt, 'withdrawn', `${reason}; ${end}`);
    return withPostFailover(withdrawn, run, hooks);
  }
  const summary = `the ${siteName(request.to)} is the primary; nothing was lost`;
  const done = () => record(run, { spec, request }, startedAt, 'done', summary);
  let isCrossed = false;
  await CancellationScope.nonCancellable(async () => {
    isCrossed = await way.orLeave(() => swapRoles(run, { plan, to: request.to }));
    await turn.release();
    if (!isCrossed) return;
    tellCrossed(done);
    await way.orLeave(async () => {
      await runPostFailover(run, hooks, { side: request.to, before, linkStands: true });
      if (hasObjects(run)) await switchJobs(run, request.to);
    });
  });
  if (!isCrossed) {
    return withPostFailover(leftBehind(run, { spec, request }, startedAt, way, primary), run, hooks);
  }
  return withPostFailover(done(), run, hooks);
}

/** A turn is not kept longer than this for a gate that stays shut. */
const TURN_KEPT_MS = 5_000;
/** What was seen of the database before a long wait is looked at again. */
const LOOK_HOLDS_MS = 60_000;

/**
 * Mostly the link is ready and no other failover of the instance under way: gate, turn and the look at the database are
 * asked for at once then, since somebody waits. Where they are not, one comes after the other.
 */
async function passGateAndLook(
  run: Run,
  primary: LinkSite,
  turn: FailoverSlot,
): Promise<DatabaseProperties | null> {
  const startedAt = Date.now();
  const looking = readBefore(run, primary);
  looking.catch(() => undefined);
  if (!(await passBothAtOnce(run, primary, turn))) await passGateInTurn(run, primary, turn);
  const before = await looking;
  return Date.now() - startedAt <= LOOK_HOLDS_MS ? before : readBefore(run, primary);
}

/** @returns false when the gate stays shut: there is no turn then */
async function passBothAtOnce(run: Run, primary: LinkSite, turn: FailoverSlot): Promise<boolean> {
  const isPaused = () => run.state.paused;
  let isOpen = false;
  let isOver = false;
  const scope = new CancellationScope();
  const gate = scope.run(async () => {
    try {
      await passGate(run, primary);
      isOpen = true;
    } finally {
      isOver = true;
    }
  });
  gate.catch(() => undefined);
  const waitedMs = await turn.acquire(isPaused);
  await condition(() => isOver || isPaused(), TURN_KEPT_MS);
  if (waitedMs !== null && isOpen && (await recheckReadiness(run, primary, waitedMs, isPaused))) return true;
  scope.cancel();
  await turn.release();
  await gate.catch((error) => {
    if (!isCancellation(error)) throw error;
  });
  throwIfPaused(run);
  return false;
}

/** What the gate saw is old once its turn comes late: the link is looked at again, and a turn is not kept for long. */
async function passGateInTurn(run: Run, primary: LinkSite, turn: FailoverSlot): Promise<void> {
  for (;;) {
    await passGate(run, primary);
    const waitedMs = await turn.acquire(() => run.state.paused);
    throwIfPaused(run);
    if (waitedMs !== null && (await recheckReadiness(run, primary, waitedMs, () => run.state.paused))) return;
    await turn.release();
    throwIfPaused(run);
  }
}

/** Waits for the link to be healthy and close enough behind, unless somebody pauses. */
async function passGate(run: Run, primary: LinkSite): Promise<void> {
  const gate = () =>
    run.control.untilDone('Failover gate', () => run.watches.awaitReadiness({ spec: run.spec, primary }));
  const passed = await run.waits.for('the link to be healthy and close enough behind', () =>
    until(gate, () => run.state.paused),
  );
  throwIfLeftBadly(passed);
  throwIfPaused(run);
}

/** A pause is no reason to keep applications waiting behind the fence: the failover is withdrawn. */
function throwIfPaused(run: Run): void {
  if (run.state.paused) throw new Error('the failover was paused');
}

/**
 * What is lost is measured or estimated before, since nobody can tell afterwards. An old primary that still answers is
 * fenced first, as far as it lets itself be: what it commits meanwhile would be lost as well.
 */
async function failOverForced(run: Run, input: FailoverInput, way: Preemption): Promise<FailoverRecord> {
  const startedAt = run.now();
  const { to } = input.request;
  const turn = new FailoverSlot(run, tellPlace);
  const hooks = new FailoverHooks(run, occasionOf(run.workflowId, input.request));
  let loss: LossReport;
  try {
    loss = await run.control.abortable(async () => {
      await turn.acquireUnconditionally(msLeftForTurn(input.askedAt));
      await hooks.mayRefuse('beforeFailover', () => false);
      run.state.fencedAt = startedAt;
      return measureLoss(run, input);
    });
    // A stop may have been accepted while the last look was at its end: from here on there is none.
    run.control.throwIfAborted();
  } catch (error) {
    await CancellationScope.nonCancellable(() => turn.release());
    const isStopped = error instanceof AbortRequested || isCancellation(error);
    if (!isStopped && !(error instanceof HookVeto)) throw error;
    return CancellationScope.nonCancellable(() => withdrawForced(run, input, startedAt, hooks, error));
  }
  run.state.forwardOnly = 'a forced failover is under way';
  const plan = run.procedure.failover(input.spec, 'forced', to);
  const done = () => ({ ...record(run, input, startedAt, 'done', `forced: ${loss.summary}`), loss });
  await CancellationScope.nonCancellable(async () => {
    await swapRoles(run, { plan, to });
    await turn.release();
    tellCrossed(done);
    await way.orLeave(async () => {
      await runPostFailover(run, hooks, { side: to, before: null, linkStands: true });
      if (hasObjects(run)) await switchJobs(run, to, 'forced');
    });
  });
  return withPostFailover(done(), run, hooks);
}

/** Before the act: the old primary is opened again as far as it answers, and is not waited for. */
async function withdrawForced(
  run: Run,
  input: FailoverInput,
  startedAt: string,
  hooks: FailoverHooks,
  error: unknown,
): Promise<FailoverRecord> {
  const reason = reasonOf(error, run);
  const wasFenced = isFenced(run, fenceOfOld(run, input));
  if (wasFenced) await admitApplicationsOrTell(run, otherSite(input.request.to));
  await hooks.withdrawn(reason);
  const end = wasFenced ? 'the old primary was opened again, as far as it answered' : 'nothing was changed';
  return withPostFailover(record(run, input, startedAt, 'withdrawn', `${reason}; ${end}`), run, hooks);
}

/** The record of a failover that gave way: what it leaves to the forced one, by name. */
function leftBehind(
  run: Run,
  input: Pick<FailoverInput, 'spec' | 'request'>,
  startedAt: string,
  { reason }: Preemption,
  fenceOn: LinkSite | null,
): FailoverRecord {
  const { cutover, server, instance } = input.spec.settings;
  const { disableLogins } = cutover.fence;
  const fence =
    fenceOn === null
      ? 'nothing was changed'
      : disableLogins.length === 0
        ? 'no logins were to be fenced'
        : `the fence stays on ${bySite(fenceOn, { server, instance })} (disabled there: ${disableLogins.join(', ')})`;
  const hasPassed = run.state.pointOfNoReturn !== null;
  const swap = hasPassed ? '; the swap of the roles may have begun, or be done' : '';
  return {
    ...record(run, input, startedAt, hasPassed ? 'failed' : 'withdrawn', `${reason}; ${fence}${swap}`),
    preempted: { fenceOn: disableLogins.length === 0 ? null : fenceOn },
  };
}

/** An old primary that answered a moment ago and hangs now is not waited for. */
const FENCED_WITHIN_MS = 5_000;

async function measureLoss(run: Run, { spec, request, lastHealth }: FailoverInput): Promise<LossReport> {
  const { to } = request;
  const measure = () =>
    run.control.untilDone('Loss of the forced failover', () =>
      run.untilItSucceeds.measureLoss({ spec, to, lastHealth }),
    );
  run.waitingFor = 'the loss to be measured or estimated';
  const seen = await measure();
  if (seen.method !== 'measured') return seen;
  const { fence } = fenceOfOld(run, { spec, request });
  if (fence.length === 0) return seen;
  run.waitingFor = 'the applications to be kept out of the old primary, which still answers';
  try {
    const fenced = await until(
      () => fenceOnce(run, fence),
      () => false,
      { withinMs: FENCED_WITHIN_MS, graceMs: 0 },
    );
    if (fenced.left) throw new Error(`no answer within ${formatDuration(FENCED_WITHIN_MS)}`);
  } catch (error) {
    if (isCancellation(error)) throw error;
    run.logEvent(
      'warning',
      'failover.old-primary-open',
      `${fence.map(({ title }) => title).join(', ')}: ${reasonOf(error, run)}`,
    );
    return seen;
  }
  return measure();
}

/** An old primary that answers is fenced as for a planned failover: a forced one has no fence of its own. */
const fenceOfOld = (
  { procedure }: Run,
  { spec, request }: Pick<FailoverInput, 'spec' | 'request'>,
): Pick<FailoverPlan, 'fence'> => procedure.failover(spec, 'planned', request.to);

async function fenceOnce(run: Run, fence: readonly StepRef[]): Promise<void> {
  const { spec } = run;
  for (const step of fence) {
    const { before, planned } = await run.fewAttempts.observeStep({ spec, stepId: step.id });
    run.begin(step.id, before, undefined, planned);
    const done = await run.fewAttempts.performStep({ spec, stepId: step.id });
    run.journal(step, done.outcome, done.effects, done.evidence, done.durationMs);
  }
}

function record(
  run: Run,
  { request }: Pick<FailoverInput, 'spec' | 'request'>,
  startedAt: string,
  outcome: FailoverRecord['outcome'],
  summary: string,
): FailoverRecord {
  const { type, to, by, reason } = request;
  run.leavePhase();
  return {
    workflowId: run.workflowId,
    type,
    to,
    by,
    reason: reason ?? null,
    startedAt,
    endedAt: run.now(),
    outcome,
    summary,
    rtoMs: outcome === 'done' ? run.state.rtoMs : null,
    evidence: run.state.pointOfNoReturn,
    loss: null,
    ...(run.state.acceptedDrift === undefined ? {} : { acceptedDrift: run.state.acceptedDrift }),
    ...(run.state.unliftedFences === undefined ? {} : { unliftedFences: run.state.unliftedFences }),
  };
}
