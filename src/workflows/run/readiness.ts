import { isCancellation } from '@temporalio/workflow';
import type { SiteId } from '../../model/run/site';
import type { Run } from './run';
import { until } from './until';

/** What the gate saw holds so long; it waits itself about as long between two looks. */
const HOLDS_MS = 15_000;
/** A slot is not kept for what is not ready: others wait for it. */
const LOOK_MS = 60_000;

/**
 * After a wait the replication is looked at again, for a short while.
 * @param waitedMs since the gate was passed
 * @returns false when it is not ready now, or `mustLeave` holds
 */
export async function recheckReadiness(
  run: Run,
  primary: SiteId,
  waitedMs: number,
  mustLeave: () => boolean,
): Promise<boolean> {
  if (waitedMs <= HOLDS_MS) return true;
  const look = async (): Promise<boolean> => {
    try {
      await run.watches.awaitReadiness({ spec: run.spec, primary });
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      return false;
    }
  };
  const seen = await run.waits.for(
    `the ${run.procedure.thing} to be as healthy and close as before the wait for its failover slot`,
    () => until(look, mustLeave, { withinMs: LOOK_MS }),
  );
  return !seen.left && seen.value && !mustLeave();
}
