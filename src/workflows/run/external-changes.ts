/** What other hands did to a link that stays is followed: told, recorded, and gone on from. */

import { CancellationScope, sleep } from '@temporalio/workflow';
import type {
  DeletedExternallyNews,
  ExternalChangesInput,
  ExternalFailoverNews,
} from '../../activities/link/api';
import type { LinkHealth } from '../../activities/run/api';
import type { LinkSite } from '../../model/link/procedure';
import { bySite, otherSite } from '../../model/link/side';
import { siteName } from './change-requests';
import { isLateFailover, noteLateFailover } from './in-doubt';
import type { Run } from './run';
import { addFailover, type Protection } from './state';

/** A request under way has the word: what was seen is looked at again after this long. */
const LOOK_AGAIN_MS = 5 * 60_000;

export const externalChangesKnown = (protection: Protection): ExternalChangesInput => ({
  externalChanges: { deletionKnown: protection.deletedExternally !== undefined },
});

/** Azure's first full backup is looked for once the instance leads by a failover. */
export function fullBackupSince(run: Run, protection: Protection): { readonly fullBackupSince?: string } {
  const since = run.state.failedOverAt;
  return since === null || protection.fullBackupAt !== undefined ? {} : { fullBackupSince: since };
}

/** Both sides agree on a primary that this run did not make one: it goes on from there. */
export async function adoptExternalFailover(
  run: Run,
  protection: Protection,
  { primary, reason, instanceTime, health }: ExternalFailoverNews,
): Promise<void> {
  const { name } = run.spec.settings;
  if (protection.request !== null) {
    await run.notify(
      'warning',
      'failover.external',
      `${reason}; the ${protection.request.kind} that is under way does not go on from there by itself`,
      `sqlferry pause ${name} withdraws what waits at its gate; then: sqlferry resume ${name}`,
    );
    await sleep(LOOK_AGAIN_MS);
    return;
  }
  const wasSplit = protection.splitBrain !== null;
  const isSwapped = primary !== protection.primary;
  if (!isSwapped && !wasSplit) return;
  protection.splitBrain = null;
  run.state.health = null;
  run.state.lastLag = null;
  run.revision += 1;
  const isLate = isSwapped && isLateFailover(protection, primary);
  if (isSwapped) {
    protection.primary = primary;
    run.state.failedOverAt = backupsCountFrom(run, primary) ?? instanceTime ?? run.now();
    delete protection.fullBackupAt;
    if (isLate) noteLateFailover(protection, reason);
    else noteFailoverByOthers(run, protection, reason);
  }
  if (isLate) {
    await run.notify(
      'critical',
      'failover.late',
      `${reason}: the swap of the failover that had failed came through, and the ${siteName(primary)} leads; the applications are let in there`,
      `see whether they wrote on the ${siteName(otherSite(primary))} meanwhile (sqlferry status ${name})`,
    );
    return;
  }
  // The watch of the side that led is ended by this news: people hear of it all the same.
  await CancellationScope.nonCancellable(() =>
    run.notify(
      'warning',
      isSwapped ? 'failover.external' : 'split-brain.ended-externally',
      `${reason}: the ${siteName(primary)} leads, and this run did not do it${wasSplit ? '; the split brain is over' : ''}. Last seen before: ${health.summary}`,
      `find out who did it, and whether the applications may log in there; the link is watched from there on (sqlferry status ${name})`,
    ),
  );
}

/**
 * Nobody saw the swap itself. Azure takes full backups of an instance that leads only, so that each one since it followed
 * for the last time is of the new primary.
 */
const backupsCountFrom = ({ state }: Run, primary: LinkSite): string | null =>
  bySite(primary, { server: null, instance: state.failedOverAt ?? state.seedingCompletedAt });

/** In the list of failovers, so that nobody wonders how the roles came to be as they are. */
function noteFailoverByOthers(run: Run, protection: Protection, reason: string): void {
  addFailover(protection, {
    workflowId: run.workflowId,
    type: 'outside',
    to: protection.primary,
    by: 'outside',
    reason: null,
    startedAt: run.now(),
    endedAt: run.now(),
    outcome: 'done',
    summary: `by others: ${reason}`,
    rtoMs: null,
    evidence: null,
    loss: null,
  });
}

/** The database goes on being backed up by whoever leads it; only a person can say what becomes of the rest. */
export async function noteDeletedExternally(
  run: Run,
  protection: Protection,
  { reason, health }: DeletedExternallyNews,
): Promise<void> {
  if (protection.deletedExternally !== undefined) return;
  protection.deletedExternally = { since: run.now(), reason };
  run.state.health = health;
  run.revision += 1;
  await run.notify(
    'critical',
    'link.deleted-externally',
    `${reason}: somebody deleted the link, and nothing is replicated any more`,
    `find out who deleted it; sqlferry remove ${run.spec.settings.name} cleans up what is left of it`,
  );
}

/** It replicates again: whatever looked like a removal is over. */
export function noteExistsAgain(protection: Protection, health: LinkHealth): void {
  if (health.healthy) delete protection.deletedExternally;
}
