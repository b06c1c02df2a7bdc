/** What a forced failover loses, held against what somebody accepted to lose (promise 7). */

/** What the rule needs of a loss that was measured or estimated. */
export interface LossFound {
  readonly method: 'measured' | 'estimate' | 'unknown';
  /** Seconds of committed transactions, an upper bound; null when it is not known. */
  readonly seconds: number | null;
  readonly summary: string;
}

/**
 * Room in the number that is offered for acceptance, seconds: while it is typed and carried out an estimate grows, and a
 * primary that is silent may be asked for some seconds more.
 */
const ROOM_SECONDS = 60;

/** @param seconds upper bound of the loss now @returns a number to accept that still covers it in a minute */
export const lossToAccept = (seconds: number): number => seconds + ROOM_SECONDS;

/**
 * An estimate is as old as what it was made from: all the time that passed since may be lost as well.
 * @param tookMs from before it was asked for until now, milliseconds by one clock
 */
export function withTimePassed<Found extends LossFound>(found: Found, tookMs: number): Found {
  const passed = Math.ceil(tookMs / 1_000);
  if (found.method !== 'estimate' || found.seconds === null || !(passed > 0)) return found;
  const seconds = found.seconds + passed;
  return { ...found, seconds, summary: `${found.summary}; ${passed} s later at most ${seconds} s` };
}

/**
 * The last look before a forced failover. A loss that is not known stops nothing: whoever accepted a number was told that
 * nobody can tell.
 * @param accepted seconds @returns why it must not go on; undefined when it may
 */
export function lossNotAccepted(
  { seconds, summary }: LossFound,
  accepted: number | undefined,
): string | undefined {
  if (seconds === null || accepted === undefined || seconds <= accepted) return undefined;
  return `more would be lost than was accepted (${accepted} s): ${summary}; to go on, accept it by name: --accept-loss-seconds ${lossToAccept(seconds)}`;
}
