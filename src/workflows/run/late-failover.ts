/** A swap that comes through after its failover was given up: what its own workflow would have done is done then. */

import type { SiteId } from '../../model/run/site';
import { FailoverHooks } from './failover-hooks';
import { admitApplicationsOrTell } from './in-doubt';
import { occasionOf, runPostFailover, withPostFailover } from './post-failover';
import type { Run } from './run';
import type { Protection } from './state';
import { switchObjects } from './unreplicated-objects';

/** The swap of a failover that is in the list as failed came through when nobody waited for it any more. */
export const isLateFailover = ({ failovers }: Protection, primary: SiteId): boolean => {
  const last = failovers.at(-1);
  return last?.outcome === 'failed' && last.to === primary;
};

export function noteLateFailover(protection: Protection, reason: string): void {
  const last = protection.failovers.at(-1);
  if (last === undefined) return;
  const summary = `${last.summary}; its swap came through afterwards: ${reason}`;
  protection.failovers = [...protection.failovers.slice(0, -1), { ...last, outcome: 'done', summary }];
  protection.lateSwap = true;
}

/** Others swapped the roles, or a failover that was given up did. */
export async function followSwap(run: Run, protection: Protection): Promise<void> {
  if (protection.lateSwap === true) await finishLateFailover(run, protection);
  await switchObjects(run, protection.primary);
}

/** What its own workflow would have done behind the swap: the applications are let in, and repointed. */
async function finishLateFailover(run: Run, protection: Protection): Promise<void> {
  const last = protection.failovers.at(-1);
  delete protection.lateSwap;
  if (last === undefined || last.type === 'outside') return;
  await admitApplicationsOrTell(run, last.to);
  const hooks = new FailoverHooks(
    run,
    occasionOf(last.workflowId, {
      type: last.type,
      to: last.to,
      by: last.by,
      ...(last.reason === null ? {} : { reason: last.reason }),
    }),
  );
  await runPostFailover(run, hooks, { site: last.to, before: null, replicates: true });
  protection.failovers = [...protection.failovers.slice(0, -1), withPostFailover(last, run, hooks)];
}
