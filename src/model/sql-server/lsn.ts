/**
 * Log sequence numbers are decimal strings, compared as BigInt, never as JavaScript numbers (promise 10): the
 * DMVs give them as numeric(25,0), which a double cannot hold.
 */
export type Lsn = string & { readonly __lsn: unique symbol };

/** @returns the LSN without leading zeros; undefined when the text is no unsigned decimal number. */
export function parseLsn(text: string | null | undefined): Lsn | undefined {
  if (text === null || text === undefined || !/^\d{1,38}$/.test(text)) return undefined;
  return BigInt(text).toString() as Lsn;
}

/** @returns negative, zero or positive, as `a` is before, at or after `b`. */
export function compareLsn(a: Lsn, b: Lsn): number {
  const difference = BigInt(a) - BigInt(b);
  if (difference < 0n) return -1;
  return difference > 0n ? 1 : 0;
}
