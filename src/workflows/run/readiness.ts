import { ActivityFailure, RetryState, TimeoutFailure } from '@temporalio/common';
import { type ActivityInterfaceFor, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { RunWatches } from '../../activities/run/api';
import type { SiteId } from '../../model/run/site';
import { firstLook } from './activity-policies';
import type { Run } from './run';
import { until } from './until';

/** What the gate saw holds so long; it waits itself about as long between two looks. */
const HOLDS_MS = 15_000;
/** A slot is not kept for what is not ready: others wait for it. */
const LOOK_MS = 60_000;

/**
 * Waits until the replication is ready. Mostly it is, so it is first asked beside the steps: a worker takes such an
 * activity along with the task that asks for it, while one of the watches goes by way of the server. None stays there for
 * long.
 * @param firstLookMs how long the first look may take
 */
export async function awaitReadinessSoon(run: Run, primary: SiteId, firstLookMs: number): Promise<void> {
  const input = { spec: run.spec, primary };
  const steps: ActivityInterfaceFor<Pick<RunWatches, 'awaitReadiness'>> = proxyActivities(
    firstLook(run.spec.settings.polling, firstLookMs),
  );
  try {
    await steps.awaitReadiness(input);
  } catch (error) {
    if (!isOutOfTime(error)) throw error;
    await run.watches.awaitReadiness(input);
  }
}

/** Also where attempts failed in ways that pass: the watch tries again for as long as it takes. */
const isOutOfTime = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  (error.cause instanceof TimeoutFailure || error.retryState === RetryState.TIMEOUT);

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
