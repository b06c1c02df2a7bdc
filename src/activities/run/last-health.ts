import type { Checkpoint, Health } from './api';

/**
 * A watch that is told to end leaves what it saw last: the loss of a forced failover is estimated from it, and nobody
 * may be able to look any more.
 */
export async function keepLastHealth<T>(
  signal: AbortSignal,
  watch: (keep: (health: Health) => void) => Promise<T>,
): Promise<T | Checkpoint> {
  let last: Health | undefined;
  try {
    return await watch((health) => {
      if (health.lagSeconds !== null) last = health;
    });
  } catch (error) {
    if (!signal.aborted || last === undefined) throw error;
    return { kind: 'checkpoint', health: last };
  }
}

/** A host that is dead answers nobody for long: whoever is told to stop need not wait for it. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
