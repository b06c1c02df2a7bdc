/** A tiny workflow around a failover by roles, for its test. */
import { defineQuery, setHandler } from '@temporalio/workflow';
import type { ResolvedLink } from '../../src/model/link/spec';
import type { FailoverPlan } from '../../src/model/run/procedure';
import { equalLsnOf } from '../../src/workflows/link/equal-lsn';
import { initialLinkOwn } from '../../src/workflows/link/state';
import { LINK_WORKFLOWS } from '../../src/workflows/link/topology';
import { fenceAndCatchUp, isFenced, liftFence, swapRoles } from '../../src/workflows/run/fence-and-swap';
import { Run } from '../../src/workflows/run/run';
import { initialState } from '../../src/workflows/run/state';

export interface RoleSwapInput {
  readonly spec: ResolvedLink;
  readonly plan: FailoverPlan;
}

export interface RoleSwapSeen {
  readonly outcome: 'swapped' | 'withdrawn';
  readonly wasFenced: boolean;
  /** LSN of the point of no return; null where it was not passed. */
  readonly equalAt: string | null;
}

/** To the instance; what fails before the point of no return is withdrawn. */
export async function roleSwapWorkflow({ spec, plan }: RoleSwapInput): Promise<RoleSwapSeen> {
  const run = new Run(
    LINK_WORKFLOWS,
    { spec, visibility: false },
    initialState(spec, initialLinkOwn(spec)),
    'role-swap',
  );
  setHandler(defineQuery('problem'), () => run.state.blockedBy);
  run.enter('cutover');
  const equalAt = () => equalLsnOf(run.state.pointOfNoReturn)?.secondaryHardenedLsn ?? null;
  try {
    await fenceAndCatchUp(run, { plan, primary: 'server', throwIfHeld: () => undefined });
  } catch {
    const wasFenced = isFenced(run, plan);
    await liftFence(run, plan);
    return { outcome: 'withdrawn', wasFenced, equalAt: equalAt() };
  }
  const wasFenced = isFenced(run, plan);
  await swapRoles(run, { plan, to: 'instance' });
  return { outcome: 'swapped', wasFenced, equalAt: equalAt() };
}
