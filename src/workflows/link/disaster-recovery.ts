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
import { firstPrimary } from '../../model/link/initial-primary';
import { failoverProcedure, type LinkSide, REMOVAL, repairProcedure } from '../../model/link/procedure';
import { validateRequest } from '../messages';
import { AbortRequested } from '../run-control';
import { failWith, undoRun } from './abort';
import { forgetClosedDoors, lastOpening, markTold, noteClosedDoors, tellClosedDoors } from './closed-doors';
import {
  type FailoverRecord,
  type FailoverRequest,
  failoverUpdate,
  type LinkRequest,
  removeUpdate,
  repairUpdate,
} from './disaster-recovery-messages';
import { beginDrill, goOnWithDrill, type Swap, whileHolding } from './drill';
import { drillUpdate } from './drill-messages';
import { establish } from './establish-from-instance';
import { carryOutFailover } from './failover-under-way';
import { historyIsLong, ReplicationGuard } from './guard';
import { FailoverHooks } from './hooks';
import { hasObjects, keepObjectsWhile, switchJobs, tellKnownDrift } from './instance-objects';
import { mayDrop } from './link-migration';
import { journalQuery, preflightQuery, type RunOutcome, statusQuery } from './messages';
import {
  answerDrill,
  answerFailover,
  answerRemoval,
  answerRepair,
  sideName,
  validateFailover,
} from './protection';
import { ReversedGuard } from './reversed-guard';
import { LinkRun } from './run';
import { addFailover, initialState, type LinkMigrationInput, type Protection } from './state';
import { statusOf } from './status';
import { occasionOf, surround, surrounded } from './surroundings';

/** Each failover enters two phases: the newest ones are kept. */
const PHASES_KEPT = 100;

/** Watches the link by its role while nobody asks for anything. */
type LinkWatch = Pick<ReplicationGuard, 'stop' | 'beside'>;

export interface DisasterRecoveryResult {
  readonly outcome: 'removed' | 'aborted';
  readonly failovers: number;
  readonly leftovers: readonly string[];
}

export async function disasterRecoveryLink(input: LinkMigrationInput): Promise<DisasterRecoveryResult> {
  const state = input.state ?? initialState(input.spec);
  const run = new LinkRun(input, state, workflowInfo().workflowId);
  let outcome: RunOutcome = 'running';
  setHandler(statusQuery, () => statusOf(run, outcome));
  setHandler(journalQuery, () => state.journal);
  setHandler(preflightQuery, () => state.preflight);
  setHandler(failoverUpdate, (request) => answerFailover(run, request), { validator: validateFailover });
  setHandler(drillUpdate, (request) => answerDrill(run, request), { validator: validateFailover });
  setHandler(repairUpdate, (request) => answerRepair(run, request), { validator: validateRequest });
  setHandler(removeUpdate, (request) => answerRemoval(run, request), { validator: validateRequest });
  try {
    const next = await run.control.abortable(() => protect(run));
    if (next === 'new-history') {
      await condition(allHandlersFinished);
      return await continueAsNew<typeof disasterRecoveryLink>({ ...input, state });
    }
    outcome = 'completed';
    run.leavePhase();
    await condition(allHandlersFinished);
    return {
      outcome: 'removed',
      failovers: state.protection?.failoverCount ?? 0,
      leftovers: [...copyLeftRestoring(run), ...(await lastOpening(run))],
    };
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const standing = state.protection !== null;
    outcome = isCancellation(error) || error instanceof AbortRequested ? 'aborted' : 'failed';
    // A link that stands is data that others rely on: it is removed on request only.
    const leftovers = standing ? [] : await undoRun(run);
    if (!(error instanceof AbortRequested)) throw await failWith(run, error, leftovers);
    await condition(allHandlersFinished);
    return { outcome: 'aborted', failovers: 0, leftovers };
  }
}

async function protect(run: LinkRun): Promise<'removed' | 'new-history'> {
  if (run.state.protection === null) {
    await establish(run);
    run.state.protection = {
      primary: firstPrimary(run.spec),
      failovers: [],
      request: null,
      splitBrain: null,
    };
    run.state.forwardOnly = 'the link stands; it is taken down with: sqlferry remove';
  }
  const { protection } = run.state;
  for (;;) {
    run.enter('replicating');
    const ledBy = protection.primary;
    if (ledBy === 'target') forgetClosedDoors(run);
    const guard =
      ledBy === 'source' ? new ReplicationGuard(run, protection) : new ReversedGuard(run, protection);
    try {
      run.waitingFor = `a request; the ${sideName(protection.primary)} is the primary`;
      await guard.beside(keepObjectsWhile(run, ledBy, untilNextTurn(run, protection, ledBy)));
      const { request, drill } = protection;
      if (drill !== undefined) {
        if (await goOnWithDrill(run, protection, drill, swapWith(run, protection, guard))) continue;
        return 'new-history';
      }
      // Others swapped the roles: the side that leads now is watched.
      if (protection.primary !== ledBy) {
        if (hasObjects(run)) await switchJobs(run, protection.primary);
        continue;
      }
      // The one place that continues as new (promise 12); a request that comes now goes along in the state.
      if (request === null) return 'new-history';
      if (await carryOut(run, protection, request, guard)) return 'removed';
    } finally {
      await CancellationScope.nonCancellable(() => guard.stop());
    }
    protection.request = null;
    run.changes += 1;
    run.state.phases = run.state.phases.slice(-PHASES_KEPT);
  }
}

/** A request, roles that others swapped, the end of a drill's hold, or a history that is long. */
function untilNextTurn(run: LinkRun, protection: Protection, ledBy: LinkSide): Promise<unknown> {
  const isDue = (): boolean =>
    protection.request !== null || protection.primary !== ledBy || historyIsLong(run);
  const { drill } = protection;
  if (drill === undefined) return condition(isDue);
  run.waitingFor = `the end of the drill; the ${sideName(ledBy)} leads until ${drill.holdUntil}`;
  return whileHolding(run, protection, drill, isDue);
}

/** @returns true when the link is gone */
async function carryOut(
  run: LinkRun,
  protection: Protection,
  asked: LinkRequest,
  guard: LinkWatch,
): Promise<boolean> {
  // A planned failover may wait long at its gate: the log is guarded meanwhile, until it closes in.
  const isPlanned = asked.kind === 'drill' || (asked.kind === 'failover' && asked.request.type === 'planned');
  if (!isPlanned) await CancellationScope.nonCancellable(() => guard.stop());
  switch (asked.kind) {
    case 'failover':
      await swapWith(run, protection, guard)(asked.request, asked);
      return false;
    case 'drill':
      await beginDrill(run, protection, asked, swapWith(run, protection, guard));
      return false;
    case 'repair':
      await repair(run, protection, asked);
      return false;
    case 'remove':
      await remove(run, protection);
      return true;
  }
}

const swapWith =
  (run: LinkRun, protection: Protection, guard: LinkWatch): Swap =>
  (request, more) =>
    failOver(run, protection, request, more, guard);

async function failOver(
  run: LinkRun,
  protection: Protection,
  request: FailoverRequest,
  { acknowledged, drill }: Pick<FailoverRecord, 'acknowledged' | 'drill'>,
  guard: LinkWatch,
): Promise<FailoverRecord> {
  run.enter('cutover');
  run.waitingFor = `the ${request.type} failover to the ${sideName(request.to)}`;
  if (request.type === 'forced' && hasObjects(run)) await tellKnownDrift(run);
  // Applications do not wait for the guard to hear that it is over.
  const stopGuard = () => {
    CancellationScope.nonCancellable(() => guard.stop()).catch(() => undefined);
  };
  const done: FailoverRecord = {
    ...(await carryOutFailover(run, request, stopGuard)),
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(drill === undefined ? {} : { drill }),
  };
  addFailover(protection, done);
  adoptClosedDoors(run, done);
  run.waitingFor = '';
  const swapped = done.outcome === 'failed' ? await swappedAfterAll(run, done.to) : done.outcome === 'done';
  if (swapped) {
    protection.primary = done.to;
    run.state.health = null;
    run.state.lastLag = null;
    delete protection.fullBackupAt;
    // Afterwards Azure takes a full backup of a new primary instance: a removal waits for it.
    run.state.failedOverAt = done.evidence?.instanceTime ?? done.loss?.newPrimaryTime ?? done.startedAt;
  }
  if (done.outcome === 'failed') {
    await admitApplications(run, protection.primary);
    await surroundFailed(run, protection, request, done);
    if (hasObjects(run)) await switchJobs(run, protection.primary);
  }
  const severity = SEVERITY[done.outcome];
  await run.tell(
    done.type === 'forced' && severity === 'info' ? 'warning' : severity,
    `failover.${done.outcome}`,
    done.summary,
    'look at status',
  );
  return done;
}

/** A failover that was ended by force called its first hooks, perhaps: the others are called in its place. */
async function surroundFailed(
  run: LinkRun,
  protection: Protection,
  request: FailoverRequest,
  done: FailoverRecord,
): Promise<void> {
  const hooks = new FailoverHooks(run, occasionOf(done.workflowId, request));
  const swapped = protection.primary === done.to;
  if (swapped) await surround(run, hooks, { side: done.to, before: null, linkStands: true });
  else await hooks.withdrawnForOther(done.summary);
  protection.failovers = [...protection.failovers.slice(0, -1), surrounded(done, run, hooks)];
}

/** The failover told people; from here on the watch of the link looks after them. */
function adoptClosedDoors(run: LinkRun, { closedDoors }: FailoverRecord): void {
  noteClosedDoors(run, closedDoors);
  markTold(run);
}

const SEVERITY = { done: 'info', withdrawn: 'warning', failed: 'critical' } as const;

/** A failover that did not say how it ended: the roles themselves tell. */
async function swappedAfterAll(run: LinkRun, to: LinkSide): Promise<boolean> {
  const [act] = failoverProcedure('forced', to).forward;
  if (act === undefined) return false;
  run.waitingFor = 'the roles after a failover that did not tell how it ended';
  const seen = await run.control.untilDone('Roles of the link', () =>
    run.quick.observeLinkStep({ spec: run.spec, stepId: act.id }),
  );
  return seen.settled !== undefined;
}

/** Whatever a failover or a split brain left: the applications may log in where the primary is (promise 7). */
async function admitApplications(run: LinkRun, primary: LinkSide): Promise<void> {
  const admit = failoverProcedure('planned', primary).forward.at(-1);
  if (admit !== undefined) await run.perform(admit);
  await tellClosedDoors(run);
}

/** Two primaries: what the loser has alone is backed up, then it follows the survivor. */
async function repair(
  run: LinkRun,
  protection: Protection,
  { request }: Extract<LinkRequest, { kind: 'repair' }>,
): Promise<void> {
  for (const step of repairProcedure(request.survivor)) await run.perform(step);
  run.waitingFor = 'the link to replicate again';
  const { evidence } = await run.control.untilDone('Resynchronisation', () =>
    run.long.awaitLinkHealthy({ spec: run.spec, primary: request.survivor }),
  );
  await admitApplications(run, request.survivor);
  if (hasObjects(run)) await switchJobs(run, request.survivor);
  protection.primary = request.survivor;
  protection.splitBrain = null;
  run.state.health = null;
  run.state.lastLag = null;
  await run.tell('info', 'split-brain.repaired', `the link is whole again: ${evidence}`, 'nothing');
}

/** The copy of a SQL Server that only followed belongs to nobody once its link is gone. */
function copyLeftRestoring({ spec, state }: LinkRun): readonly string[] {
  if (state.protection?.primary !== 'target') return [];
  const { source, database } = spec.migration;
  return [
    `on ${source} the copy of ${database} is left restoring; drop it, or open it as it was with RESTORE DATABASE ... WITH RECOVERY`,
  ];
}

/** Link first, then the distributed group, then the group if this run made it. */
async function remove(run: LinkRun, protection: Protection): Promise<void> {
  run.enter('after');
  // Where others deleted the link already, there is nothing left to wait with.
  const isGone = protection.removedByOthers !== undefined;
  if (protection.primary === 'target' && run.state.failedOverAt !== null && !isGone) {
    const since = run.state.failedOverAt;
    run.waitingFor = 'the first full backup that Azure takes of the new primary';
    const { evidence } = await run.control.untilDone('Full backup by Azure', () =>
      run.long.awaitAzureFullBackup({ spec: run.spec, since }),
    );
    run.event('info', 'after.full-backup', evidence);
  }
  for (const step of REMOVAL.filter(({ id }) => mayDrop(run, id))) await run.perform(step);
}
