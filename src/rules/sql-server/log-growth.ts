/** How fast a transaction log fills, from the looks at it. */
import type { DurationMs } from '../../model/duration';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';

export interface LogUseSample {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly at: number;
  readonly usedBytes: number;
}

export interface LogGrowth {
  /** Bytes per second; 0 when it does not grow, null when that is not known. */
  readonly bytesPerSecond: number | null;
  /** Milliseconds until the log is full if it grows on as it did; null when it does not grow or that is not known. */
  readonly fullInMs: DurationMs | null;
}

/** Looks that are closer together than this say nothing of a rate: a single transaction would count for hours. */
const SHORTEST_WINDOW_MS = 10_000;

/**
 * The rate since the log was freed last: what lies before belongs to a log that is gone. A log file that may still grow
 * is full later than said.
 * @param samples in the order in which they were taken
 */
export function logGrowth(
  samples: readonly LogUseSample[],
  { logSizeBytes, logUsedBytes }: Pick<DistributedReplicaFacts, 'logSizeBytes' | 'logUsedBytes'>,
): LogGrowth {
  const recent = sinceFreed(samples);
  const first = recent[0];
  const last = recent.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < SHORTEST_WINDOW_MS) {
    return { bytesPerSecond: null, fullInMs: null };
  }
  const bytesPerMs = (last.usedBytes - first.usedBytes) / (last.at - first.at);
  if (bytesPerMs <= 0) return { bytesPerSecond: 0, fullInMs: null };
  return {
    bytesPerSecond: bytesPerMs * 1_000,
    fullInMs: Math.max(0, logSizeBytes - logUsedBytes) / bytesPerMs,
  };
}

function sinceFreed(samples: readonly LogUseSample[]): readonly LogUseSample[] {
  const fell = samples.findLastIndex((sample, index) => {
    const before = samples[index - 1];
    return before !== undefined && sample.usedBytes < before.usedBytes;
  });
  return samples.slice(Math.max(fell, 0));
}
