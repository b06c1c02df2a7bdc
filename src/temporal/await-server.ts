/** A worker that is started before its Temporal server, or while that is down, waits for it: service managers start both at once. */
import { setTimeout as wait } from 'node:timers/promises';
import { connectClient, TemporalConnectionFailure, type TemporalTarget } from './connection';

/** How long one look for the server may take, milliseconds. */
const LOOK_MS = 2_000;
const PAUSE_MS = 1_000;

export interface Awaiting {
  /** One line of the log. */
  readonly log: (line: string) => void;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Milliseconds between two attempts. */
  readonly pauseMs?: number;
}

/**
 * Begins once Temporal answers. A server that is silent is waited for, which is told once, and again when the reason is
 * another one; what a person must mend (credentials, a certificate, a namespace that does not exist) is thrown at once.
 * @param begin is called again where the server went silent meanwhile
 * @returns undefined when the signal came first
 */
export async function whenTemporalAnswers<T>(
  target: TemporalTarget,
  { log, signal, pauseMs = PAUSE_MS }: Awaiting,
  begin: () => Promise<T>,
): Promise<T | undefined> {
  let told: string | undefined;
  while (!signal.aborted) {
    try {
      await orAborted(look(target), signal);
      if (signal.aborted) return undefined;
      const begun = await begin();
      if (told !== undefined) log(`Temporal at ${target.address} answers`);
      return begun;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof TemporalConnectionFailure) || !error.isSilent) throw error;
      const why = withoutTimes(error.message);
      if (why !== told) log(`waiting for Temporal, and trying again: ${error.message}`);
      told = why;
    }
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** By a connection that can be given up at any time, unlike the worker's own. @throws TemporalConnectionFailure */
async function look(target: TemporalTarget): Promise<void> {
  const client = await connectClient(target, LOOK_MS);
  await client.connection.close();
}

/** The same reason at another time is no news. */
const withoutTimes = (message: string): string => message.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, '');

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
