/** A swap that comes through after its failover was given up: what its own workflow would have done is done then. */

import { byWord } from '../../model/by-word';
import type { FailoverType } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import { FailoverHooks } from './failover-hooks';
import type { FailoverRecord } from './failover-record';
import { admitApplicationsOrTell } from './in-doubt';
import { occasionOfRecord, runPostFailover, withPostFailover } from './post-failover';
import { isForced } from './preemption';
import type { Run } from './run';
import type { Protection } from './state';
import { failoverOf, replaceFailover } from './state-entries';
import { switchObjects } from './unreplicated-objects';

/** No swap takes this long: whatever comes later is somebody's doing. */
const LATE_WITHIN_MS = 24 * 3_600_000;

/** The newest failover that nobody saw the end of, unless its swap was seen, or another one got through since. */
export function lostFailover({ failovers, primary }: Protection): FailoverRecord | undefined {
  const last = failovers.findLast(({ outcome }) => outcome !== 'withdrawn');
  if (last?.outcome !== 'failed' || last.to === primary) return undefined;
  return Date.now() - Date.parse(last.endedAt) <= LATE_WITHIN_MS ? last : undefined;
}

/** The swap of a failover that is in the list as failed came through when nobody waited for it any more. */
export function lateFailover(protection: Protection, primary: SiteId): FailoverRecord | undefined {
  const lost = lostFailover(protection);
  return lost?.to === primary ? lost : undefined;
}

export function noteLateFailover(protection: Protection, late: FailoverRecord, reason: string): void {
  const summary = `${late.summary}; its swap came through afterwards: ${reason}`;
  replaceFailover(protection, { ...late, outcome: 'done', summary });
  protection.followUpOf = late.workflowId;
}

export function tellLate(run: Run, primary: SiteId, reason: string): Promise<void> {
  return run.notify(
    'critical',
    'failover.late',
    `${reason}: the swap of the failover that had failed came through, and the ${run.site(primary).label} leads; the applications are let in there`,
    `see whether they wrote on the ${run.otherSite(primary).label} meanwhile (sqlferry status ${run.spec.settings.name})`,
  );
}

/** A forced failover that is asked for comes first. */
export const owesFollowUp = ({ followUpOf, request, preemptedBy }: Protection): boolean =>
  followUpOf !== undefined && !isForced(request) && preemptedBy === undefined;

/**
 * Others swapped the roles, or a failover whose own workflow did not do what follows. What a forced failover cuts short is
 * begun anew after one that was withdrawn.
 */
export async function followSwap(run: Run, protection: Protection): Promise<void> {
  const { followUpOf, primary } = protection;
  const late = failoverOf(protection, followUpOf);
  if (late?.to === primary) await finishFailover(run, protection, late);
  await switchObjects(run, primary, swappedBy(late));
  // The watch hears meanwhile of those who swap the roles again.
  if (protection.primary !== primary || protection.followUpOf !== followUpOf)
    return followSwap(run, protection);
  delete protection.followUpOf;
}

const swappedBy = (late: FailoverRecord | undefined): FailoverType =>
  byWord('type of a failover', late?.type ?? 'outside', {
    planned: 'planned',
    forced: 'forced',
    outside: 'planned',
  });

/** What its own workflow would have done behind the swap: the applications are let in, and repointed. */
async function finishFailover(run: Run, protection: Protection, late: FailoverRecord): Promise<void> {
  const occasion = occasionOfRecord(late);
  if (occasion === null) return;
  await admitApplicationsOrTell(run, late.to);
  const hooks = new FailoverHooks(run, occasion);
  await runPostFailover(run, hooks, { site: late.to, before: null, replicates: true });
  const now = failoverOf(protection, late.workflowId);
  if (now !== undefined) replaceFailover(protection, withPostFailover(now, run, hooks));
}
