/** What ends where it is, since a forced failover was asked for: whatever it waits for may be gone (promise 9). */

import type { Run } from './run';
import type { StandingRequest } from './standing-messages';
import { throwIfLeftBadly, until } from './until';

/**
 * All that stands before a forced failover has this long to stop, together: a statement that hangs on a dead host is
 * left to itself then. What the failover itself asks the lost side for has the rest of its 20 seconds.
 */
const STOPS_WITHIN_MS = 8_000;

/** How long what stands before a forced failover may still take, milliseconds; all of it while none is asked for. */
export const msLeftToStop = ({ forcedAt }: Pick<Run, 'forcedAt'>): number =>
  forcedAt === null ? STOPS_WITHIN_MS : Math.max(0, forcedAt + STOPS_WITHIN_MS - Date.now());

/** A turn is worth this wait also where all of that time is gone: mostly it comes within a moment. */
const LEAST_FOR_TURN_MS = 2_000;

/** How long a forced failover may wait for its turn. @param askedAt when it was asked for, ISO 8601; by default now */
export function msLeftForTurn(askedAt: string | undefined): number {
  const forcedAt = askedAt === undefined ? Date.now() : Date.parse(askedAt);
  return Math.max(LEAST_FOR_TURN_MS, msLeftToStop({ forcedAt }));
}

/** What has not ended by then will not end by itself: a forced failover is not to be delayed for longer (promise 9). */
export const STUCK_AFTER_MS = 20_000;

/** How long it is until a failover that was asked to give way counts as stuck, milliseconds. */
export const msUntilStuck = ({ forcedAt }: Pick<Run, 'forcedAt'>): number =>
  Math.max(1, (forcedAt ?? Date.now()) + STUCK_AFTER_MS - Date.now());

export const isForced = (request: StandingRequest | null): boolean =>
  request?.kind === 'failover' && request.request.type === 'forced';

/** Does something until it is done, or a forced failover is asked for. */
export async function unlessForced(run: Run, work: () => Promise<void>): Promise<void> {
  throwIfLeftBadly(await until(work, () => run.forcedAt !== null, { graceMs: () => msLeftToStop(run) }));
}

/** A forced failover was asked for while this one is under way. */
export const isPreempted = ({ state }: Run): boolean => state.protection?.preemptedBy !== undefined;

/**
 * Does what is left to do after a failover, unless the forced one that preempts it has to begin.
 * @returns whether it was done
 */
export async function unlessPreempted(run: Run, work: () => Promise<void>): Promise<boolean> {
  if (isPreempted(run)) return false;
  const done = await until(work, () => isPreempted(run), { graceMs: () => msLeftToStop(run) });
  throwIfLeftBadly(done);
  return !done.left;
}

export class Preempted extends Error {
  override readonly name = 'Preempted';
  constructor(by: string) {
    super(`ended for the forced failover that ${by} asked for`);
  }
}

export class Preemption {
  private asked: Preempted | undefined;

  constructor(private readonly run: Run) {}

  /** @param by who asked for the forced failover. @param at when, ISO 8601: the time that is left counts from then */
  ask(by: string, at: string): void {
    this.asked ??= new Preempted(by);
    this.run.forcedAt ??= Date.parse(at);
  }

  get reason(): string | null {
    return this.asked?.message ?? null;
  }

  /**
   * Does something until it is done, or way is given. Also inside of what cannot be cancelled otherwise. What came to its
   * end nevertheless, counts.
   * @throws Preempted
   */
  async until<T>(work: () => Promise<T>): Promise<T> {
    if (this.asked !== undefined) throw this.asked;
    const done = await until(work, () => this.asked !== undefined, { graceMs: () => msLeftToStop(this.run) });
    if (!done.left) return done.value;
    throw this.asked ?? new Error('left without a reason');
  }

  /** As `until`. @returns false when way was given first */
  async orLeave(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.until(work);
      return true;
    } catch (error) {
      if (error instanceof Preempted) return false;
      throw error;
    }
  }
}
