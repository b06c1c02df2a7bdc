/**
 * Ages (promise 3): an age is the difference of two readings of one clock, and one that cannot be is not known. Not known is
 * never 0.
 */

/**
 * @param since earlier reading, milliseconds since 1970-01-01 UTC or ISO 8601
 * @param now later reading of the same clock, milliseconds since 1970-01-01 UTC
 * @returns milliseconds; null when that is not known: no time, or one that lies ahead, which another clock must have told
 */
export function ageMs(since: number | string | null | undefined, now: number): number | null {
  if (since === null || since === undefined) return null;
  const age = now - (typeof since === 'string' ? Date.parse(since) : since);
  return Number.isFinite(age) && age >= 0 ? age : null;
}
