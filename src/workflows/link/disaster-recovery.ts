/** A link that stays for years: set up once, watched, failed over and back on request, taken down at last. */
import {
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { REMOVAL, repairProcedure } from '../../model/link/procedure';
import { validateRequest } from '../messages';
import { AbortRequested } from '../run-control';
import { failWith, undoRun } from './abort';
import {
  type FailoverRecord,
  failoverUpdate,
  type LinkRequest,
  removeUpdate,
  repairUpdate,
} from './disaster-recovery-messages';
import { linkFailover } from './failover';
import { historyIsLong, ReplicationGuard } from './guard';
import { establishLink, mayDrop } from './link-migration';
import { journalQuery, preflightQuery, type RunOutcome, statusQuery } from './messages';
import { answerFailover, answerRemoval, answerRepair, sideName } from './protection';
import { ReversedGuard } from './reversed-guard';
import { LinkRun } from './run';
import { initialState, type LinkMigrationInput, type Protection } from './state';
import { statusOf } from './status';

/** Failovers kept in the state; older ones have workflows of their own. */
const FAILOVERS_KEPT = 50;

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
  setHandler(failoverUpdate, (request) => answerFailover(run, request), { validator: validateRequest });
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
    return { outcome: 'removed', failovers: state.protection?.failovers.length ?? 0, leftovers: [] };
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
    await establishLink(run);
    run.state.protection = { primary: 'source', failovers: [], request: null, splitBrain: null };
    run.state.forwardOnly = 'the link stands; it is taken down with: sqlferry remove';
  }
  const { protection } = run.state;
  for (;;) {
    run.enter('replicating');
    const request = await nextRequest(run, protection);
    if (request === undefined) return 'new-history';
    if (await carryOut(run, protection, request)) return 'removed';
    protection.request = null;
    run.changes += 1;
  }
}

/** Guards the link by its role until somebody asks for something. @returns undefined when a new history should begin */
async function nextRequest(run: LinkRun, protection: Protection): Promise<LinkRequest | undefined> {
  const guard =
    protection.primary === 'source' ? new ReplicationGuard(run) : new ReversedGuard(run, protection);
  run.waitingFor = `a request; the ${sideName(protection.primary)} is the primary`;
  try {
    await guard.beside(condition(() => protection.request !== null || historyIsLong(run)));
  } finally {
    await CancellationScope.nonCancellable(() => guard.stop());
  }
  return protection.request ?? undefined;
}

/** @returns true when the link is gone */
async function carryOut(run: LinkRun, protection: Protection, asked: LinkRequest): Promise<boolean> {
  switch (asked.kind) {
    case 'failover':
      await failOver(run, protection, asked);
      return false;
    case 'repair':
      await repair(run, protection, asked);
      return false;
    case 'remove':
      await remove(run, protection);
      return true;
  }
}

async function failOver(
  run: LinkRun,
  protection: Protection,
  { request }: Extract<LinkRequest, { kind: 'failover' }>,
): Promise<void> {
  run.enter('cutover');
  const number = protection.failovers.length + 1;
  run.waitingFor = `the ${request.type} failover to the ${sideName(request.to)}`;
  const done: FailoverRecord = await executeChild(linkFailover, {
    workflowId: `${run.workflowId}/failover-${number}-${Date.now()}`,
    args: [{ spec: run.spec, request, lastHealth: run.state.health }],
    staticSummary: `${request.type} failover to the ${sideName(request.to)}, asked by ${request.by}`,
  });
  protection.failovers = [...protection.failovers, done].slice(-FAILOVERS_KEPT);
  run.waitingFor = '';
  if (done.outcome === 'done') {
    protection.primary = done.to;
    run.state.health = null;
    // Afterwards Azure takes a full backup of a new primary instance: a removal waits for it.
    run.state.failedOverAt = done.evidence?.instanceTime ?? done.loss?.newPrimaryTime ?? done.startedAt;
  }
  const severity = done.type === 'forced' || done.outcome === 'withdrawn' ? 'warning' : 'info';
  await run.tell(severity, `failover.${done.outcome}`, done.summary, 'look at status');
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
  protection.primary = request.survivor;
  protection.splitBrain = null;
  await run.tell('info', 'split-brain.repaired', `the link is whole again: ${evidence}`, 'nothing');
}

/** Link first, then the distributed group, then the group if this run made it. */
async function remove(run: LinkRun, protection: Protection): Promise<void> {
  run.enter('after');
  if (protection.primary === 'target' && run.state.failedOverAt !== null) {
    const since = run.state.failedOverAt;
    run.waitingFor = 'the first full backup that Azure takes of the new primary';
    const { evidence } = await run.control.untilDone('Full backup by Azure', () =>
      run.long.awaitAzureFullBackup({ spec: run.spec, since }),
    );
    run.event('info', 'after.full-backup', evidence);
  }
  for (const step of REMOVAL.filter(({ id }) => mayDrop(run, id))) await run.perform(step);
}
