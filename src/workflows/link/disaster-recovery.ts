/** A link that stays for years: set up once, watched, failed over and back on request, taken down at last. */
import {
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { unknownWord } from '../../model/by-word';
import { firstPrimary } from '../../model/link/initial-primary';
import { LINK_PROCEDURE, type LinkSite } from '../../model/link/procedure';
import { bySite } from '../../model/link/side';
import { siteName, waitsAtGate } from '../run/change-requests';
import { beginDrill, goOnWithDrill, type RunFailover, whileHolding } from '../run/drill';
import { dropNewsOfOthers, isPreempted, runFailoverChild, unlessPreempted } from '../run/failover-child';
import { FailoverHooks } from '../run/failover-hooks';
import { historyIsLong } from '../run/history';
import { admitApplicationsOrTell, followSwap, hasFenceLeft, resolveInDoubt } from '../run/in-doubt';
import { checkInput } from '../run/incoming';
import { journalQuery, preflightQuery, type RunOutcome, specQuery, statusQuery } from '../run/messages';
import { occasionOf, runPostFailover, withPostFailover } from '../run/post-failover';
import { isForced, unlessForced } from '../run/preemption';
import { type LinkWatch, ReplicationWatch } from '../run/replication-watch';
import { Run } from '../run/run';
import { AbortRequested } from '../run/run-control';
import { withKnownSpec } from '../run/spec-version';
import type {
  FailoverRecord,
  FailoverRequest,
  RepairRequest,
  StandingRequest,
} from '../run/standing-messages';
import { handleProtectionMessages } from '../run/standing-requests';
import { addFailover, type Protection, type RunInput } from '../run/state';
import { boundState } from '../run/state-size';
import { stateOf } from '../run/state-version';
import { statusOf } from '../run/status';
import { failWith, tellLeftovers, undoRun } from '../run/undo';
import { hasObjects, keepObjectsWhile, switchJobs, tellKnownDrift } from '../sql-server/instance-objects';
import {
  adoptUnliftedFences,
  forgetUnliftedFences,
  liftOnceMore,
  tellUnliftedFences,
} from '../sql-server/unlifted-fences';
import { establish } from './establish-from-instance';
import { copyLeftRestoring } from './former-copy';
import { linkInputShape } from './input-shapes';
import { instanceWatch } from './instance-watch';
import { remove } from './removal';
import { serverWatch } from './server-watch';
import { applySpecChange, handleSpecChange } from './spec-change';

export interface DisasterRecoveryResult {
  readonly outcome: 'removed' | 'aborted';
  readonly failovers: number;
  readonly leftovers: readonly string[];
}

export async function disasterRecoveryLink(given: RunInput): Promise<DisasterRecoveryResult> {
  const input = withKnownSpec(given);
  checkInput('disasterRecoveryLink', linkInputShape, input);
  const state = stateOf(input);
  const run = new Run(input, state, workflowInfo().workflowId);
  let outcome: RunOutcome = 'running';
  setHandler(statusQuery, () => statusOf(run, outcome));
  setHandler(journalQuery, () => state.journal);
  setHandler(preflightQuery, () => state.preflight);
  setHandler(specQuery, () => run.spec);
  handleSpecChange(run);
  handleProtectionMessages(run);
  dropNewsOfOthers(run);
  try {
    const next = await run.control.abortable(() => protect(run));
    if (next === 'new-history') {
      // A request that comes meanwhile does not wait for a notifier: what is not delivered goes along.
      await run.notices.delivered(() => state.protection?.request !== null);
      await condition(allHandlersFinished);
      run.carryNoticesOver();
      return await continueAsNew<typeof disasterRecoveryLink>({ ...run.input, state: boundState(state) });
    }
    outcome = 'completed';
    run.leavePhase();
    const leftovers = [...copyLeftRestoring(run), ...(await liftOnceMore(run))];
    await run.notices.delivered();
    await condition(allHandlersFinished);
    return { outcome: 'removed', failovers: state.protection?.failoverCount ?? 0, leftovers };
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const standing = state.protection !== null;
    outcome = isCancellation(error) || error instanceof AbortRequested ? 'aborted' : 'failed';
    // A link that stands is data that others rely on: it is removed on request only.
    const leftovers = standing ? [] : await undoRun(run);
    if (!(error instanceof AbortRequested)) throw await failWith(run, error, leftovers);
    await tellLeftovers(run, leftovers);
    await run.notices.delivered();
    await condition(allHandlersFinished);
    return { outcome: 'aborted', failovers: 0, leftovers };
  }
}

async function protect(run: Run): Promise<'removed' | 'new-history'> {
  if (run.state.protection === null) {
    await establish(run);
    // An abort may have been accepted while the last activity was at its end: from the next line on there is none.
    run.control.throwIfAborted();
    run.state.protection = {
      primary: firstPrimary(run.spec),
      failovers: [],
      request: null,
      splitBrain: null,
    };
    run.state.forwardOnly = 'the link stands; it is taken down with: sqlferry remove';
  }
  const { protection } = run.state;
  let begun: LinkWatch | undefined;
  for (;;) {
    run.enter('replicating');
    run.forcedAt = isForced(protection.request) ? (run.forcedAt ?? Date.now()) : null;
    const ledBy = protection.primary;
    if (ledBy === 'instance') forgetUnliftedFences(run);
    const watch = begun ?? watchOf(run, protection);
    try {
      run.waitingFor = `a request; the ${siteName(protection.primary)} is the primary`;
      await watch.beside(keepObjectsWhile(run, ledBy, untilNextChange(run, protection, ledBy)));
      const { request, drill } = protection;
      // Others swapped the roles: the side that leads now is watched, and has the jobs.
      const isSwapped = protection.primary !== ledBy;
      if (isSwapped) await unlessForced(run, () => followSwap(run, protection));
      if (drill !== undefined) {
        if (!(await goOnWithDrill(run, protection, drill, swapWith(run, protection, watch))))
          return 'new-history';
        // What overtook its way back is next; what ended its hold is the request already.
        protection.request ??= preemptingRequest(protection);
        continue;
      }
      if (isSwapped) continue;
      // The one place that continues as new (promise 14); a request that comes now goes along in the state.
      if (request === null) return 'new-history';
      if (await carryOut(run, protection, request, watch)) return 'removed';
    } finally {
      begun = watch.next;
      await CancellationScope.nonCancellable(() => watch.stop());
    }
    protection.request = preemptingRequest(protection);
    run.revision += 1;
  }
}

const watchOf = (run: Run, protection: Protection): LinkWatch =>
  bySite<() => LinkWatch>(protection.primary, {
    server: () => new ReplicationWatch(run, serverWatch(run, protection)),
    instance: () => new ReplicationWatch(run, instanceWatch(run, protection)),
  })();

/** A request, roles that others swapped, the end of a drill's hold, or a history that is long. */
function untilNextChange(run: Run, protection: Protection, ledBy: LinkSite): Promise<unknown> {
  const isDue = (): boolean =>
    protection.request !== null || protection.primary !== ledBy || historyIsLong(run);
  const { drill } = protection;
  if (drill === undefined) return condition(isDue);
  run.waitingFor = `the end of the drill; the ${siteName(ledBy)} leads until ${drill.holdUntil}`;
  return whileHolding(run, protection, drill, isDue);
}

/** @returns true when the link is gone */
async function carryOut(
  run: Run,
  protection: Protection,
  asked: StandingRequest,
  watch: LinkWatch,
): Promise<boolean> {
  // A planned failover may wait long at its gate: the log is guarded meanwhile, until it closes in.
  const isPlanned = waitsAtGate(asked);
  if (!isPlanned) await CancellationScope.nonCancellable(() => watch.stop());
  // What is asked first may be how the other side is reached.
  if (isPreempted(run) && asked.kind !== 'change-spec') return false;
  switch (asked.kind) {
    case 'failover':
      if (asked.request.to === protection.primary) await tellLeadsAlready(run, asked.request);
      else await swapWith(run, protection, watch)(asked.request, asked);
      return false;
    case 'drill':
      await beginDrill(run, protection, asked, swapWith(run, protection, watch));
      return false;
    case 'repair':
      protection.request = { ...asked, begun: true };
      await repair(run, protection, asked);
      return false;
    case 'change-spec':
      applySpecChange(run, asked.request);
      return false;
    case 'remove':
      return remove(run, protection, asked);
    default:
      return unknownWord('request', asked);
  }
}

/** The forced failover for which the last one was ended. */
function preemptingRequest(protection: Protection): StandingRequest | null {
  const { preemptedBy } = protection;
  delete protection.preemptedBy;
  return preemptedBy ?? null;
}

/** The planned failover got through before it could be ended. */
function tellLeadsAlready(run: Run, { to, by }: FailoverRequest): Promise<void> {
  const message = `the ${siteName(to)} leads already, since the failover under way got through: the forced one that ${by} asked for was not needed`;
  return run.notify('warning', 'failover.not-needed', message, 'look at status');
}

const swapWith =
  (run: Run, protection: Protection, watch: LinkWatch): RunFailover =>
  (request, more) =>
    failOver(run, protection, request, more, watch);

async function failOver(
  run: Run,
  protection: Protection,
  request: FailoverRequest,
  { acknowledged, drill }: Pick<FailoverRecord, 'acknowledged' | 'drill'>,
  watch: LinkWatch,
): Promise<FailoverRecord> {
  run.enter('cutover');
  run.waitingFor = `the ${request.type} failover to the ${siteName(request.to)}`;
  if (request.type === 'forced' && hasObjects(run)) await tellKnownDrift(run);
  // Applications do not wait for the watch to hear that it is over.
  const stopWatch = () => {
    CancellationScope.nonCancellable(() => watch.stop()).catch(() => undefined);
  };
  const more = {
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(drill === undefined ? {} : { drill }),
  };
  const noteProven = (record: FailoverRecord): void => {
    if (protection.proven === true) return;
    stopWatch();
    addFailover(protection, { ...record, ...more });
    adoptUnliftedFences(run, record);
    noteSwapped(run, protection, record);
    protection.proven = true;
    run.revision += 1;
    watch.next = watchOf(run, protection);
  };
  const result = await runFailoverChild(run, request, stopWatch, noteProven).catch(async (error) => {
    // The link itself ends: so does the watch that was to go on.
    await CancellationScope.nonCancellable(async () => watch.next?.stop());
    throw error;
  });
  const done = { ...result, ...more };
  if (protection.proven === true) return endProven(run, protection, request, done);
  addFailover(protection, done);
  adoptUnliftedFences(run, done);
  run.waitingFor = '';
  // The forced failover that overtook it goes on from whatever it left.
  const isUnknown = done.outcome === 'failed' && !isPreempted(run);
  const swapped = isUnknown ? await resolveInDoubt(run, done.to) : done.outcome === 'done';
  if (swapped) noteSwapped(run, protection, done);
  if (done.outcome === 'withdrawn' && hasFenceLeft(protection))
    await admitApplicationsOrTell(run, protection.primary);
  if (isUnknown) {
    await unlessPreempted(run, async () => {
      await admitApplicationsOrTell(run, protection.primary);
      await postFailoverAfterLostChild(run, protection, request, done);
      if (hasObjects(run)) await switchJobs(run, protection.primary, request.type);
    });
  }
  await tellEnd(run, done);
  return done;
}

function noteSwapped(run: Run, protection: Protection, done: FailoverRecord): void {
  protection.primary = done.to;
  if (done.to === 'instance') forgetUnliftedFences(run);
  run.state.health = null;
  run.state.lastLag = null;
  delete protection.fullBackupAt;
  // Afterwards Azure takes a full backup of a new primary instance: a removal waits for it.
  run.state.failedOverAt = done.evidence?.instanceTime ?? done.loss?.newPrimaryTime ?? done.startedAt;
}

/** What the watch found meanwhile stays in the record. One that was ended by force still has its hooks before it. */
async function endProven(
  run: Run,
  protection: Protection,
  request: FailoverRequest,
  result: FailoverRecord,
): Promise<FailoverRecord> {
  delete protection.proven;
  run.waitingFor = '';
  const noted = protection.failovers.at(-1) ?? result;
  const isCut = result.outcome !== 'done';
  const done: FailoverRecord = {
    ...(isCut ? { ...noted, summary: `${noted.summary}; ${result.summary}` } : result),
    ...(noted.diverged === undefined ? {} : { diverged: noted.diverged }),
  };
  protection.failovers = [...protection.failovers.slice(0, -1), done];
  if (isCut) {
    await unlessPreempted(run, async () => {
      await postFailoverAfterLostChild(run, protection, request, done);
      if (hasObjects(run)) await switchJobs(run, protection.primary);
    });
  }
  await tellEnd(run, done);
  return done;
}

async function tellEnd(run: Run, done: FailoverRecord): Promise<void> {
  const severity = SEVERITY[done.outcome];
  await run.notify(
    done.type === 'forced' && severity === 'info' ? 'warning' : severity,
    `failover.${done.outcome}`,
    done.summary,
    'look at status',
  );
}

/** A failover that was ended by force called its first hooks, perhaps: the others are called in its place. */
async function postFailoverAfterLostChild(
  run: Run,
  protection: Protection,
  request: FailoverRequest,
  done: FailoverRecord,
): Promise<void> {
  const hooks = new FailoverHooks(run, occasionOf(done.workflowId, request));
  const swapped = protection.primary === done.to;
  if (swapped) await runPostFailover(run, hooks, { side: done.to, before: null, linkStands: true });
  else await hooks.withdrawnForOther(done.summary);
  protection.failovers = [...protection.failovers.slice(0, -1), withPostFailover(done, run, hooks)];
}

const SEVERITY = { done: 'info', withdrawn: 'warning', failed: 'critical' } as const;

/** Whatever a failover or a split brain left: the applications may log in where the primary is (promise 8). */
async function admitApplications(run: Run, primary: LinkSite): Promise<void> {
  for (const step of LINK_PROCEDURE.failover(run.spec, 'planned', primary).admit) await run.perform(step);
  await tellUnliftedFences(run);
}

/** Two primaries: what the loser has alone is backed up, then it follows the survivor. */
async function repair(
  run: Run,
  protection: Protection,
  { request }: Extract<StandingRequest, { kind: 'repair' }>,
): Promise<void> {
  for (const step of LINK_PROCEDURE.repair(run.spec, request.survivor)) await run.perform(step);
  run.waitingFor = 'the link to replicate again';
  const { evidence } = await run.control.untilDone('Resynchronisation', () =>
    run.watches.awaitHealthy({ spec: run.spec, primary: request.survivor }),
  );
  await admitApplications(run, request.survivor);
  if (hasObjects(run)) await switchJobs(run, request.survivor);
  // Where the applications were before it, as far as this run repointed them.
  const cameFrom = protection.primary;
  protection.primary = request.survivor;
  protection.splitBrain = null;
  run.state.health = null;
  run.state.lastLag = null;
  const isElsewhere = cameFrom !== request.survivor;
  await run.notify(
    isElsewhere ? 'warning' : 'info',
    'split-brain.repaired',
    `the link is whole again: ${evidence}`,
    isElsewhere ? toRepoint(run, request.survivor) : 'nothing',
  );
  if (isElsewhere) await surroundRepair(run, request);
}

/** The applications may still point at the side that was demoted. */
function toRepoint(run: Run, survivor: LinkSite): string {
  const { server, instance } = run.spec.settings;
  const [here, there] = bySite(survivor, {
    server: [server, instance],
    instance: [instance, server],
  } as const);
  return `see that the applications go to ${here} and no longer to ${there}; the hooks of afterFailover are called, where there are any`;
}

/** For the applications it is a failover: who leads is not whom they were pointed at. */
async function surroundRepair(run: Run, { survivor, reason }: RepairRequest): Promise<void> {
  const hooks = new FailoverHooks(run, {
    attempt: `${run.workflowId}/repair-${Date.now()}`,
    kind: 'repair',
    to: survivor,
    reason: reason ?? null,
  });
  await runPostFailover(run, hooks, { side: survivor, before: null, linkStands: true });
}
