/**
 * Tries of a read. The driver's own retries are off: they would also send PUT and DELETE again, and on 429 they wait as
 * long as Azure says, where a step could rather report and be woken later.
 */
import { AZURE_READ, growingPause } from '../../model/run/pacing';
import type { Clock } from '../../ports/clock';
import { AzureFailure } from '../../ports/failures';

const TRIES = 4;

/** @throws AzureFailure of the last try. */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Result> {
  for (let done = 1; ; done += 1) {
    try {
      return await work();
    } catch (error) {
      const delayMs = delayBefore(error, done);
      if (delayMs === undefined || signal?.aborted === true) throw error;
      // Woken by the signal, the next try ends at once with `cancelled`.
      await clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }
}

/** @returns undefined when another try is useless. */
function delayBefore(error: unknown, done: number): number | undefined {
  if (!(error instanceof AzureFailure) || done >= TRIES || !passesByItself(error)) return undefined;
  const delayMs = error.retryAfterMs ?? growingPause(AZURE_READ, done);
  // The caller finds it in retryAfterMs.
  return delayMs > AZURE_READ.longestMs ? undefined : delayMs;
}

/** 408, 429 and 5xx but 501, and lost or refused connections: the set of the Azure SDKs' default policy. */
function passesByItself(failure: AzureFailure): boolean {
  const { status, transport } = failure;
  if (status !== undefined) return status === 408 || status === 429 || (status >= 500 && status !== 501);
  return transport === 'unreachable' || transport === 'connection-lost' || transport === 'timeout';
}
