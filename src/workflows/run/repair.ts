/** After a split brain one site survives, and the other follows it. */
import type { SiteId } from '../../model/run/site';
import { FailoverHooks } from './failover-hooks';
import { runPostFailover } from './post-failover';
import type { Run } from './run';
import type { RepairRequest, StandingRequest } from './standing-messages';
import type { Protection } from './state';
import { switchObjects } from './unreplicated-objects';

/** Whatever a failover or a split brain left: the applications may log in where the primary is (promise 8). */
async function admitApplications(run: Run, primary: SiteId): Promise<void> {
  for (const step of run.procedure.failover(run.spec, 'planned', primary).admit) await run.perform(step);
  await run.fences.tell();
}

/** Two primaries: what the loser has alone is backed up, then it follows the survivor. */
export async function repair(
  run: Run,
  protection: Protection,
  { request }: Extract<StandingRequest, { kind: 'repair' }>,
): Promise<void> {
  for (const step of run.procedure.repair(run.spec, request.survivor)) await run.perform(step);
  run.waitingFor = `the ${run.procedure.thing} to replicate again`;
  const { evidence } = await run.control.untilDone('Resynchronisation', () =>
    run.watches.awaitHealthy({ spec: run.spec, primary: request.survivor }),
  );
  await admitApplications(run, request.survivor);
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
    `the ${run.procedure.thing} is whole again: ${evidence}`,
    isElsewhere ? toRepoint(run, request.survivor) : 'nothing',
  );
  if (isElsewhere) await surroundRepair(run, request);
  await switchObjects(run, request.survivor);
}

/** The applications may still point at the site that was demoted. */
function toRepoint(run: Run, survivor: SiteId): string {
  const here = run.site(survivor).name;
  const there = run.otherSite(survivor).name;
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
  await runPostFailover(run, hooks, { site: survivor, before: null, replicates: true });
}
