/** What other hands did to a link that stays is followed: told, recorded, and gone on from. */

import { CancellationScope, sleep } from '@temporalio/workflow';
import type { LinkGoneNews, LinkHealth, RolesNews, WatchOthers } from '../../activities/link/api';
import { opposite } from '../../model/link/change';
import type { LinkSide } from '../../model/link/procedure';
import { bySide } from '../../model/side';
import { cameLate, noteLateSwap } from './after-failed';
import { sideName } from './protection';
import type { LinkRun } from './run';
import { addFailover, type Protection } from './state';

/** A request under way has the word: what was seen is looked at again after this long. */
const LOOK_AGAIN_MS = 5 * 60_000;

export const watchOthers = (protection: Protection): WatchOthers => ({
  watchOthers: { linkGoneKnown: protection.removedByOthers !== undefined },
});

/** Azure's first full backup is looked for once the instance leads by a failover. */
export function fullBackupSince(run: LinkRun, protection: Protection): { readonly fullBackupSince?: string } {
  const since = run.state.failedOverAt;
  return since === null || protection.fullBackupAt !== undefined ? {} : { fullBackupSince: since };
}

/** Both sides agree on a primary that this run did not make one: it goes on from there. */
export async function followRoles(
  run: LinkRun,
  protection: Protection,
  { primary, reason, instanceTime, health }: RolesNews,
): Promise<void> {
  const { name } = run.spec.settings;
  if (protection.request !== null) {
    await run.tell(
      'warning',
      'failover.by-others',
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
  run.changes += 1;
  const isLate = isSwapped && cameLate(protection, primary);
  if (isSwapped) {
    protection.primary = primary;
    run.state.failedOverAt = backupsCountFrom(run, primary) ?? instanceTime ?? run.now();
    delete protection.fullBackupAt;
    if (isLate) noteLateSwap(protection, reason);
    else noteFailoverByOthers(run, protection, reason);
  }
  if (isLate) {
    await run.tell(
      'critical',
      'failover.came-late',
      `${reason}: the swap of the failover that had failed came through, and the ${sideName(primary)} leads; the applications are let in there`,
      `see whether they wrote on the ${sideName(opposite(primary))} meanwhile (sqlferry status ${name})`,
    );
    return;
  }
  // The watch of the side that led is ended by this news: people hear of it all the same.
  await CancellationScope.nonCancellable(() =>
    run.tell(
      'warning',
      isSwapped ? 'failover.by-others' : 'split-brain.ended-by-others',
      `${reason}: the ${sideName(primary)} leads, and this run did not do it${wasSplit ? '; the split brain is over' : ''}. Last seen before: ${health.summary}`,
      `find out who did it, and whether the applications may log in there; the link is watched from there on (sqlferry status ${name})`,
    ),
  );
}

/**
 * Nobody saw the swap itself. Azure takes full backups of an instance that leads only, so that each one since it followed
 * for the last time is of the new primary.
 */
const backupsCountFrom = ({ state }: LinkRun, primary: LinkSide): string | null =>
  bySide(primary, { server: null, instance: state.failedOverAt ?? state.seedingCompletedAt });

/** In the list of failovers, so that nobody wonders how the roles came to be as they are. */
function noteFailoverByOthers(run: LinkRun, protection: Protection, reason: string): void {
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
export async function noteLinkGone(
  run: LinkRun,
  protection: Protection,
  { reason, health }: LinkGoneNews,
): Promise<void> {
  if (protection.removedByOthers !== undefined) return;
  protection.removedByOthers = { since: run.now(), reason };
  run.state.health = health;
  run.changes += 1;
  await run.tell(
    'critical',
    'link.removed-by-others',
    `${reason}: somebody deleted the link, and nothing is replicated any more`,
    `find out who deleted it; sqlferry remove ${run.spec.settings.name} cleans up what is left of it`,
  );
}

/** It replicates again: whatever looked like a removal is over. */
export function noteLinkBack(protection: Protection, health: LinkHealth): void {
  if (health.healthy) delete protection.removedByOthers;
}
