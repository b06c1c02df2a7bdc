import type { ObservedAt } from '../../../model/sql-server/observation';
import type { Clock } from '../../../ports/clock';
import type { SqlCallOptions } from '../../../ports/sql-server';

export const observedAt = (clock: Clock): ObservedAt => new Date(clock.now()).toISOString();

export const withSignal = (signal: AbortSignal | undefined): SqlCallOptions =>
  signal === undefined ? {} : { signal };

/** How long a side that may be lost is asked for what it says, milliseconds: a server that hangs keeps its connections. */
export const LOST_SIDE_MS = 3_000;

/**
 * Asks a side that may be lost, while a forced failover waits for the answer (promise 9).
 * @param read with a deadline of its own, so that what hangs does not stay behind
 * @returns undefined when it fails, or does not answer soon
 */
export async function askLostSide<T>(
  read: (options: SqlCallOptions) => Promise<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<T | undefined> {
  const answered = new AbortController();
  const tooLate = clock.sleep(LOST_SIDE_MS, answered.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    const answer = read({ signal, deadlineMs: LOST_SIDE_MS }).catch(() => undefined);
    return await Promise.race([answer, tooLate]);
  } finally {
    answered.abort();
  }
}
