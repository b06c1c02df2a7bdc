/** What stands is taken down. */
import type { StepRef } from '../../model/run/procedure';
import { isPreempted, unlessPreempted } from './preemption';
import type { Run } from './run';
import type { StandingRequest } from './standing-messages';
import type { Protection } from './state';

/** @returns false when it gave way to a forced failover, before its first step */
export async function remove(
  run: Run,
  protection: Protection,
  asked: Extract<StandingRequest, { kind: 'remove' }>,
): Promise<boolean> {
  run.enter('after');
  await unlessPreempted(run, async () => run.topology.beforeRemoval?.(run, protection));
  if (isPreempted(run)) return false;
  protection.request = { ...asked, begun: true };
  for (const step of ofThisRun(run, run.procedure.remove(run.spec))) await run.perform(step);
  return true;
}

/** What stood there before this run is not this run's to drop. */
export const ofThisRun = <Step extends StepRef>(run: Run, steps: readonly Step[]): readonly Step[] =>
  steps.filter(({ madeBy }) => madeBy === undefined || madeBy.some((id) => run.hasBegun(id)));
