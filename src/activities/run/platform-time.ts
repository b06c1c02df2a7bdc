/** Temporal's clock, as far as an activity can tell it: clocks of workers differ from it, and from one another. */
import type { Clock } from '../../ports/clock';

/** Times that leave an activity, or came into it from a workflow. ISO 8601 both ways. */
export interface PlatformTime {
  /** @param at by the clock of this worker @returns when that was by Temporal's clock, or somewhat earlier; never later */
  toPlatform(at: string): string;
  /** @param at by Temporal's clock @returns the same moment by the clock of this worker */
  fromPlatform(at: string): string;
}

/**
 * An attempt knows two things for certain: when Temporal scheduled it, by Temporal's clock, and how much time has passed
 * since it began, which no clock that is set wrong can change. What it lacks is how long it waited for a worker: what was
 * seen seems that much older then, never younger.
 * @param scheduledAt when this attempt was scheduled, milliseconds since 1970-01-01 UTC by Temporal's clock
 * @param steady milliseconds of a clock that nobody sets
 */
export function platformTime(
  clock: Clock,
  scheduledAt: number,
  steady: () => number = () => performance.now(),
): PlatformTime {
  const begunAt = steady();
  const now = (): number => scheduledAt + (steady() - begunAt);
  const moved = (at: string, from: number, to: number): string => {
    const time = to - (from - Date.parse(at));
    // What is no time stays what it is: whoever reads it refuses it.
    return Number.isNaN(time) ? at : new Date(time).toISOString();
  };
  return {
    toPlatform: (at) => moved(at, clock.now(), now()),
    fromPlatform: (at) => moved(at, now(), clock.now()),
  };
}

/** Of a call outside of Temporal: there is one clock only. */
export const ownTime: PlatformTime = { toPlatform: (at) => at, fromPlatform: (at) => at };
