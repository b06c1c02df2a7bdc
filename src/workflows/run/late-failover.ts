/** A swap that comes through after its failover was given up: what its own workflow would have done is done then. */

import type { SiteId } from '../../model/run/site';
import { FailoverHooks } from './failover-hooks';
import type { FailoverRecord } from './failover-record';
import { admitApplicationsOrTell } from './in-doubt';
import { occasionOfRecord, runPostFailover, withPostFailover } from './post-failover';
import { isForced } from './preemption';
import type { Run } from './run';
import type { Protection } from './state';
import { replaceFailover } from './state-entries';
import { switchObjects } from './unreplicated-objects';

/** No swap takes this long: whatever comes later is somebody's doing. */
const LATE_WITHIN_MS = 24 * 3_600_000;

/** The newest failover that nobody saw the end of, unless another one got through since. */
export function lostFailover({ failovers }: Protection): FailoverRecord | undefined {
  const last = failovers.findLast(({ outcome }) => outcome !== 'withdrawn');
  if (last?.outcome !== 'failed') return undefined;
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
  protection.lateSwap = late.workflowId;
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
export const hasLateSwap = ({ lateSwap, request }: Protection): boolean =>
  lateSwap !== undefined && !isForced(request);

/** Others swapped the roles, or a failover that was given up did. What a forced failover cuts short is done after it. */
export async function followSwap(run: Run, protection: Protection): Promise<void> {
  const { lateSwap } = protection;
  const late = protection.failovers.find(({ workflowId }) => workflowId === lateSwap);
  if (late !== undefined) await finishLateFailover(run, protection, late);
  await switchObjects(run, protection.primary);
  delete protection.lateSwap;
}

/** What its own workflow would have done behind the swap: the applications are let in, and repointed. */
async function finishLateFailover(run: Run, protection: Protection, late: FailoverRecord): Promise<void> {
  const occasion = occasionOfRecord(late);
  if (occasion === null || late.to !== protection.primary) return;
  await admitApplicationsOrTell(run, late.to);
  const hooks = new FailoverHooks(run, occasion);
  await runPostFailover(run, hooks, { site: late.to, before: null, replicates: true });
  replaceFailover(protection, withPostFailover(late, run, hooks));
}
