import { formatDuration } from '../model/duration';

/**
 * Why facts are too old to decide on (promise 3), or undefined when they are fresh.
 * @param observedAt ISO 8601 time of reading
 * @param now milliseconds since 1970-01-01 UTC, by the same clock
 * @param maxAgeMs oldest age that is still fresh
 */
export function staleness(observedAt: string, now: number, maxAgeMs: number): string | undefined {
  const age = now - Date.parse(observedAt);
  if (Number.isNaN(age)) return `the facts carry no time of reading ("${observedAt}")`;
  if (age < 0)
    return `the facts were read ${formatDuration(-age)} ahead of now: nobody knows how old they are`;
  if (age <= maxAgeMs) return undefined;
  return `the facts were read ${formatDuration(age)} ago; at most ${formatDuration(maxAgeMs)} are allowed`;
}
