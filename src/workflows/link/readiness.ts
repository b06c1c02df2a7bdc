import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { LinkSide } from '../../model/link/procedure';
import type { LinkRun } from './run';

/** What the gate saw holds so long; it waits itself about as long between two looks. */
const HOLDS_MS = 15_000;
/** A turn is not kept for a link that is not ready: others wait for it. */
const LOOK_MS = 60_000;

/**
 * After a wait the link is looked at again, for a short while.
 * @param waitedMs since the gate was passed
 * @returns false when it is not ready now, or `mustLeave` holds
 */
export async function isReadyStill(
  run: LinkRun,
  primary: LinkSide,
  waitedMs: number,
  mustLeave: () => boolean,
): Promise<boolean> {
  if (waitedMs <= HOLDS_MS) return true;
  run.waitingFor = 'the link to be as healthy and close as before the wait for its turn';
  const scope = new CancellationScope();
  let seen: 'ready' | 'failed' | undefined;
  const looking = scope.run(async () => {
    try {
      await run.watches.awaitCutoverReadiness({ spec: run.spec, primary });
      seen = 'ready';
    } catch (error) {
      seen = 'failed';
      if (isCancellation(error)) throw error;
    }
  });
  looking.catch(() => undefined);
  await condition(() => seen !== undefined || mustLeave(), LOOK_MS);
  if (seen === undefined) scope.cancel();
  await looking.catch((error) => {
    if (!isCancellation(error)) throw error;
  });
  return seen === 'ready' && !mustLeave();
}
