/** A forced failover: what it loses is measured or estimated before, since nobody can tell afterwards (promise 7). */
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { LossReport } from '../../activities/run/api';
import { formatDuration } from '../../model/duration';
import type { FailoverPlan, StepRef } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import { lossNotAccepted, withTimePassed } from '../../rules/run/accepted-loss';
import { FailoverHooks, HookVeto } from './failover-hooks';
import { tellCrossed, tellGivenUp, tellPlace } from './failover-news';
import type { FailoverRecord } from './failover-record';
import { leftBehind, resultOf } from './failover-result';
import { FailoverSlot } from './failover-slot';
import { isFenced, reasonOf, swapRoles } from './fence-and-swap';
import { admitApplicationsOrTell, lookAtRoles } from './in-doubt';
import { occasionOf, runPostFailover, withPostFailover } from './post-failover';
import { msLeftForTurn, type Preemption } from './preemption';
import type { Run } from './run';
import { AbortRequested } from './run-control';
import type { FailoverInput } from './standing-messages';
import { switchObjects } from './unreplicated-objects';
import { until } from './until';

/**
 * What is lost is measured or estimated before, since nobody can tell afterwards. An old primary that still answers is
 * fenced first, as far as it lets itself be: what it commits meanwhile would be lost as well.
 */
export async function failOverForced(
  run: Run,
  input: FailoverInput,
  way: Preemption,
): Promise<FailoverRecord> {
  const startedAt = run.now();
  const { to } = input.request;
  const turn = new FailoverSlot(run, tellPlace);
  const hooks = new FailoverHooks(run, occasionOf(run.workflowId, input.request));
  let loss: LossReport;
  let found: LossReport | null = null;
  try {
    loss = await run.control.abortable(async () => {
      await turn.acquireUnconditionally(msLeftForTurn(input.askedAt));
      await hooks.mayRefuse('beforeFailover', () => false);
      run.state.fencedAt = startedAt;
      found = await measureLoss(run, input);
      const tooMuch = lossNotAccepted(found, input.request.acceptLossSeconds);
      if (tooMuch !== undefined) throw new LossNotAccepted(tooMuch);
      return found;
    });
    // A stop may have been accepted while the last look was at its end: from here on there is none.
    run.control.throwIfAborted();
  } catch (error) {
    await CancellationScope.nonCancellable(() => turn.release());
    const isStopped = error instanceof AbortRequested || isCancellation(error);
    if (!isStopped && !(error instanceof HookVeto) && !(error instanceof LossNotAccepted)) throw error;
    const why = reasonOf(error, run);
    const withdrawn = await CancellationScope.nonCancellable(() =>
      withdrawForced(run, input, { way, startedAt, hooks, why }),
    );
    // What was found is kept also where it is why nothing was done.
    return { ...withdrawn, loss: found };
  }
  run.state.forwardOnly = 'a forced failover is under way';
  const plan = run.procedure.failover(input.spec, 'forced', to);
  const done = () => ({ ...resultOf(run, input, startedAt, 'done', `forced: ${loss.summary}`), loss });
  await CancellationScope.nonCancellable(async () => {
    await swapRoles(run, { plan, to });
    await turn.release();
    tellCrossed(done);
    await way.orLeave(async () => {
      await runPostFailover(run, hooks, { site: to, before: null, replicates: true });
      await switchObjects(run, to, 'forced');
    });
  });
  return withPostFailover(done(), run, hooks);
}

/** What is found right before the act is more than what somebody accepted: the number at the request was of then. */
class LossNotAccepted extends Error {}

interface Withdrawal {
  readonly way: Preemption;
  readonly startedAt: string;
  readonly hooks: FailoverHooks;
  readonly why: string;
}

/** Before the act: the old primary is opened again as far as it answers. The next forced failover does not wait for it. */
async function withdrawForced(
  run: Run,
  input: FailoverInput,
  { way, startedAt, hooks, why }: Withdrawal,
): Promise<FailoverRecord> {
  tellGivenUp();
  const old = run.otherSite(input.request.to).id;
  const wasFenced = isFenced(run, fenceOfOld(run, input));
  let found = '';
  const open = async (): Promise<void> => {
    found = await whoElseLeads(run, input.request.to);
    if (found === '') await admitApplicationsOrTell(run, old);
  };
  const isOpen = !wasFenced || ((await way.orLeave(open)) && found === '');
  if (!isOpen) {
    const left = leftBehind(run, input, startedAt, way, { fenceOn: old, why: `${why}${found}` });
    return withPostFailover(left, run, hooks);
  }
  const isGivenBack = await way.orLeave(() => hooks.withdrawn(why));
  const end = wasFenced ? 'the old primary was opened again, as far as it answered' : 'nothing was changed';
  const withdrawn = resultOf(run, input, startedAt, 'withdrawn', `${why}; ${end}`);
  const left = isGivenBack ? {} : { preempted: { fenceOn: null } };
  return withPostFailover({ ...withdrawn, ...left }, run, hooks);
}

/** The swap of a failover before this one may have come through meanwhile: its old primary is not opened then. */
async function whoElseLeads(run: Run, to: SiteId): Promise<string> {
  const { isSwapped } = await lookAtRoles(run, to);
  return isSwapped ? `; the ${run.site(to).label} says that it is the primary` : '';
}

/** An old primary that answered a moment ago and hangs now is not waited for. */
const FENCED_WITHIN_MS = 5_000;

async function measureLoss(run: Run, { spec, request, lastHealth }: FailoverInput): Promise<LossReport> {
  const { to } = request;
  const measure = async () => {
    const askedAt = Date.now();
    const report = await run.control.untilDone('Loss of the forced failover', () =>
      run.untilItSucceeds.measureLoss({ spec, to, lastHealth }),
    );
    return withTimePassed(report, Date.now() - askedAt);
  };
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
      { withinMs: FENCED_WITHIN_MS, graceMs: () => 0 },
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
  for (const step of fence) {
    const on = run.inputOf(step);
    const { before, planned } = await run.fewAttempts.observeStep(on);
    run.begin(step.id, before, step.server, planned);
    const done = await run.fewAttempts.performStep(on);
    run.journal(step, done.outcome, done.effects, done.evidence, done.durationMs);
  }
}
