import type { DurationMs } from '../../model/duration';

/** 84 GB an hour: the sizing example of the troubleshooting page (100 GB in about 1.2 hours). */
export const DOCUMENTED_SEEDING_RATE = (84 * 1024 ** 3) / 3600;

export interface SeedingEstimate {
  readonly bytes: number;
  readonly bytesPerSecond: number;
  readonly durationMs: DurationMs;
}

/**
 * How long seeding will take, before it starts.
 * @param bytes size of the data files
 * @param bytesPerSecond measured or documented rate; parallel seedings share it
 */
export function estimateSeedingBeforeStart(
  bytes: number,
  bytesPerSecond: number = DOCUMENTED_SEEDING_RATE,
): SeedingEstimate {
  const durationMs =
    bytes <= 0 ? 0 : bytesPerSecond > 0 ? (bytes / bytesPerSecond) * 1000 : Number.POSITIVE_INFINITY;
  return { bytes, bytesPerSecond, durationMs };
}
