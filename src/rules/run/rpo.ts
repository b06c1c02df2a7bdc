/** How much would be lost if the primary were gone now (the recovery point that could be had). */
import { ageMs } from './age';

/** A look that knew a lag. */
export interface LagSeen {
  readonly lagSeconds: number;
  /** ISO 8601. */
  readonly observedAt: string;
}

export interface RpoEstimate {
  /** `lag-and-age`: the lag that was seen last plus the time since then; `unknown`: no lag was ever seen, or nobody knows when. */
  readonly method: 'lag-and-age' | 'unknown';
  /** Seconds of committed transactions, an upper bound; null when it is not known. */
  readonly seconds: number | null;
  readonly lagSeconds: number | null;
  readonly observedAt: string | null;
  readonly ageSeconds: number | null;
}

/**
 * An upper bound: all that was committed since the last look may be lost as well, and secondary_lag_seconds comes in
 * whole seconds, so that one more is added.
 * @param now milliseconds since 1970-01-01 UTC, by the clock that stamped the look
 */
export function rpoEstimate(seen: LagSeen | null, now: number): RpoEstimate {
  if (seen === null) {
    return { method: 'unknown', seconds: null, lagSeconds: null, observedAt: null, ageSeconds: null };
  }
  const { lagSeconds, observedAt } = seen;
  const age = ageMs(observedAt, now);
  // Seen by a clock that goes ahead: nobody knows how old it is.
  if (age === null) return { method: 'unknown', seconds: null, lagSeconds, observedAt, ageSeconds: null };
  const ageSeconds = age / 1_000;
  return {
    method: 'lag-and-age',
    seconds: Math.ceil(lagSeconds + 1 + ageSeconds),
    lagSeconds,
    observedAt,
    ageSeconds,
  };
}

/** The newer one of two looks; either may be missing. */
export function newerLag(one: LagSeen | null, other: LagSeen | null): LagSeen | null {
  if (one === null) return other;
  if (other === null) return one;
  return Date.parse(other.observedAt) > Date.parse(one.observedAt) ? other : one;
}
