import type { Clock } from '../../ports/clock';

interface Snapshot {
  readonly startedAt: number;
  readonly value: Promise<unknown>;
}

/**
 * Shares reads among all who watch the same instance: a hundred runs ask once per interval, not a hundred times.
 * A snapshot is never older than its reader allows (promise 3).
 */
export class Snapshots {
  private readonly latest = new Map<string, Snapshot>();

  constructor(private readonly clock: Clock) {}

  /**
   * @param key what is read, with the instance; @param maxAgeMs how old the answer may be, milliseconds since the
   * read began; @param read done only when there is no such answer
   */
  async read<T>(key: string, maxAgeMs: number, read: () => Promise<T>): Promise<T> {
    const now = this.clock.now();
    const known = this.latest.get(key);
    // A key names one kind of read, so its values are of one type.
    if (known !== undefined && now - known.startedAt <= maxAgeMs) return known.value as Promise<T>;
    const value = read();
    const snapshot = { startedAt: now, value };
    this.latest.set(key, snapshot);
    try {
      return await value;
    } catch (error) {
      if (this.latest.get(key) === snapshot) this.latest.delete(key);
      throw error;
    }
  }
}

/**
 * All who watch a server look at the same moments of the clock, so that one read serves them, however many they are.
 * @returns milliseconds until the next of these moments
 */
export const untilNextLook = (now: number, everyMs: number): number => everyMs - (now % everyMs);

/** How old a shared answer may be for who looks in between, milliseconds: at the next moment it is too old. */
export const sharedAgeMs = (everyMs: number): number => everyMs * 0.9;
