/** What other hands did to what stands is followed: told, recorded, and gone on from. */

import { CancellationScope, sleep } from '@temporalio/workflow';
import type { DeletedExternallyNews, ExternalFailoverNews, Health } from '../../activities/run/api';
import { pacingOf } from '../../model/run/pacing';
import type { SiteId } from '../../model/run/site';
import { failoverRecordOf } from './failover-record';
import { lateFailover, noteLateFailover, tellLate } from './late-failover';
import type { Run } from './run';
import type { StandingRequest } from './standing-messages';
import type { Protection } from './state';
import { addFailover } from './state-entries';

/**
 * All sites agree on a primary that this run did not make one: it goes on from there.
 * @param told what people were told while a request was under way
 */
export async function adoptExternalFailover(
  run: Run,
  protection: Protection,
  news: ExternalFailoverNews,
  told: Set<string>,
): Promise<void> {
  const { primary, reason, platformTime, health } = news;
  const { name } = run.spec.settings;
  if (protection.request !== null) {
    await tellBesideRequest(run, protection.request, news, told);
    // A request under way has the word.
    await sleep(pacingOf(run.spec.settings.polling).besideRequestMs);
    return;
  }
  const wasSplit = protection.splitBrain !== null;
  const isSwapped = primary !== protection.primary;
  if (!isSwapped && !wasSplit) return;
  protection.splitBrain = null;
  run.state.health = null;
  run.state.lastLag = null;
  run.revision += 1;
  const late = isSwapped ? lateFailover(protection, primary) : undefined;
  if (isSwapped) {
    protection.primary = primary;
    run.state.failedOverAt = leadsSince(run, primary) ?? platformTime ?? run.now();
    if (late !== undefined) noteLateFailover(protection, late, reason);
    else noteFailoverByOthers(run, protection, reason);
  }
  if (late !== undefined) return tellLate(run, primary, reason);
  // The watch of the site that led is ended by this news: people hear of it all the same.
  await CancellationScope.nonCancellable(() =>
    run.notify(
      'warning',
      isSwapped ? 'failover.external' : 'split-brain.ended-externally',
      `${reason}: the ${run.site(primary).label} leads, and this run did not do it${wasSplit ? '; the split brain is over' : ''}. Last seen before: ${health.summary}`,
      `find out who did it, and whether the applications may log in there; it is watched from there on (sqlferry status ${name})`,
    ),
  );
}

/** It is seen at each look: told once (promise 15). */
async function tellBesideRequest(
  run: Run,
  { kind }: StandingRequest,
  { primary, reason }: ExternalFailoverNews,
  told: Set<string>,
): Promise<void> {
  const what = `${kind}: ${primary}`;
  if (told.has(what)) return;
  told.add(what);
  const { name } = run.spec.settings;
  await run.notify(
    'warning',
    'failover.external',
    `${reason}; the ${kind} that is under way does not go on from there by itself`,
    `sqlferry pause ${name} withdraws what waits at its gate; then: sqlferry resume ${name}`,
  );
}

/** What the platform does for a new primary counts from then, where the topology knows better than the news. */
const leadsSince = ({ topology, state }: Run, primary: SiteId): string | null =>
  topology.leadsSince?.(state, primary) ?? null;

/** In the list of failovers, so that nobody wonders how the roles came to be as they are. */
function noteFailoverByOthers(run: Run, protection: Protection, reason: string): void {
  const at = run.now();
  addFailover(
    protection,
    failoverRecordOf(
      { type: 'outside', to: protection.primary, by: 'outside' },
      {
        workflowId: run.workflowId,
        startedAt: at,
        endedAt: at,
        outcome: 'done',
        summary: `by others: ${reason}`,
      },
    ),
  );
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
    `${run.spec.kind}.deleted-externally`,
    `${reason}: somebody deleted the ${run.procedure.thing}, and nothing is replicated any more`,
    `find out who deleted it; sqlferry remove ${run.spec.settings.name} cleans up what is left of it`,
  );
}

/** It replicates again: whatever looked like a removal is over. */
export function noteExistsAgain(protection: Protection, health: Health): void {
  if (health.healthy) delete protection.deletedExternally;
}
