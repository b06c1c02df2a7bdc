import type { Clock } from '../../ports/clock';
import type { Checkpoint, Health, HealthChanged, WatchInput } from './api';
import { whatPasses } from './describe-failure';

/** What is down for one look is not news yet. */
const LOOKS_UNTIL_NEWS = 3;
/** A side that does not answer for this long is news: a restart is over sooner. */
export const UNREADABLE_MS = 2 * 60_000;

/** Tells a health that changed, also when nobody can look, and a checkpoint where nothing changes. */
export class HealthNews {
  private readonly startedAt: number;
  private looksOfOtherHealth = 0;
  private unreadableSince: number | undefined;
  private lastSeen: Health | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly input: Pick<WatchInput, 'knownHealthy' | 'checkpointAfterMs'>,
    private readonly signal: AbortSignal,
  ) {
    this.startedAt = clock.now();
  }

  /** The side answers. */
  answered(): void {
    this.unreadableSince = undefined;
  }

  /** The newest lag is remembered for the time when nobody can look any more. */
  saw(health: Health): void {
    if (health.lagSeconds !== null) this.lastSeen = health;
  }

  /**
   * After a look that failed.
   * @param toHealth how to tell it @returns undefined as long as it may be a short break
   * @throws the error when a person must act, or when it is known that nobody can look
   */
  ofFailure(error: unknown, toHealth: (message: string) => Health): HealthChanged | undefined {
    const { message } = whatPasses(error, this.signal);
    // Known already: Temporal tries again, and shows the last failure.
    if (!this.input.knownHealthy) throw error;
    this.unreadableSince ??= this.clock.now();
    if (this.clock.now() - this.unreadableSince < UNREADABLE_MS) return undefined;
    return {
      kind: 'health-changed',
      health: toHealth(message),
      ...(this.lastSeen === undefined ? {} : { lastSeen: this.lastSeen }),
    };
  }

  /** After a look without other news. */
  ofLook(health: Health): HealthChanged | Checkpoint | undefined {
    const isKnown = health.healthy === this.input.knownHealthy;
    this.looksOfOtherHealth = isKnown ? 0 : this.looksOfOtherHealth + 1;
    if (this.looksOfOtherHealth >= LOOKS_UNTIL_NEWS) return { kind: 'health-changed', health };
    const isOver = this.clock.now() - this.startedAt >= this.input.checkpointAfterMs;
    return isOver ? { kind: 'checkpoint', health } : undefined;
  }
}
