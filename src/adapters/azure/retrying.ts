/**
 * Tries of a read. The driver's own retries are off: they would also send PUT and DELETE again, and on 429 they wait as
 * long as Azure says, where a step could rather report and be woken later.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AzureFailure } from '../../ports/failures';

const TRIES = 4;
const BASE_DELAY_MS = 500;
/** A longer wait is left to the caller, who can heartbeat meanwhile: it finds it in retryAfterMs. */
const LONGEST_DELAY_MS = 10_000;

/** @throws AzureFailure of the last try. */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  for (let done = 1; ; done += 1) {
    try {
      return await work();
    } catch (error) {
      const delayMs = delayBefore(error, done);
      if (delayMs === undefined || signal?.aborted === true) throw error;
      // Woken by the signal, the next try ends at once with `cancelled`.
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }
}

/** @returns undefined when another try is useless. */
function delayBefore(error: unknown, done: number): number | undefined {
  if (!(error instanceof AzureFailure) || done >= TRIES || !passesByItself(error)) return undefined;
  const delayMs = error.retryAfterMs ?? BASE_DELAY_MS * 2 ** (done - 1);
  return delayMs > LONGEST_DELAY_MS ? undefined : delayMs;
}

/** 408, 429 and 5xx but 501, and lost or refused connections: the set of the Azure SDKs' default policy. */
function passesByItself(failure: AzureFailure): boolean {
  const { status, transport } = failure;
  if (status !== undefined) return status === 408 || status === 429 || (status >= 500 && status !== 501);
  return transport === 'unreachable' || transport === 'connection-lost' || transport === 'timeout';
}
