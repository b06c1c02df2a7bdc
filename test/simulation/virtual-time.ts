/**
 * One virtual clock for everything that a simulation holds, and the order in which it happens: one event at a time,
 * each to the end of all that follows from it at once. Time passes only between events.
 *
 * An event belongs to a party (a machine or a process). One that is dead hears nothing any more; one that is frozen
 * hears everything late, at once when it comes back.
 */

import { type Due, pop, push } from '../../estate/world/due-heap';

/** Taken before anything replaces it: what the loop itself waits with. */
const realSetImmediate = setImmediate;

export interface Party {
  readonly name: string;
  state: 'running' | 'frozen' | 'dead';
  /** What its wall clock shows beyond the simulation's time, milliseconds. */
  skewMs: number;
}

export interface Scheduled {
  cancel(): void;
}

interface Event extends Due {
  readonly party: Party;
  readonly run: () => void;
  cancelled: boolean;
}

/** Looks at every event before it happens, and may change the state of its party. */
export type BeforeEvent = (party: Party) => void;

export const newParty = (name: string): Party => ({ name, state: 'running', skewMs: 0 });

/** Enough for any run; a simulation that goes on for ever ends here, and says so. */
export class TooManyEvents extends Error {
  override readonly name = 'TooManyEvents';
}

export class VirtualTime {
  /** Whose code runs now. */
  current: Party;
  private readonly heap: Event[] = [];
  private readonly immediates: { readonly party: Party; readonly run: () => void; cancelled: boolean }[] = [];
  private readonly waiting = new Map<Party, Event[]>();
  private order = 0;
  private happened = 0;
  private time: number;

  /** @param start Unix milliseconds; @param outside the party of the code that begins everything */
  constructor(
    start: number,
    outside: Party,
    private readonly before: BeforeEvent = () => undefined,
  ) {
    this.time = start;
    this.current = outside;
  }

  /** Unix milliseconds, by the one true clock that no party has. */
  get now(): number {
    return this.time;
  }

  /** Unix milliseconds by the clock of whoever asks. */
  get shown(): number {
    return this.time + this.current.skewMs;
  }

  /** Events so far. */
  get events(): number {
    return this.happened;
  }

  /** @param afterMs milliseconds from now, not below 0 */
  schedule(party: Party, afterMs: number, run: () => void): Scheduled {
    this.order += 1;
    const event: Event = {
      due: this.time + Math.max(0, afterMs),
      order: this.order,
      party,
      run,
      cancelled: false,
    };
    push(this.heap, event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  /** Resolves later, at the party; rejects with the signal's reason when that aborts first. @param ms milliseconds */
  sleep(party: Party, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.schedule(party, ms, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Once all that follows from the event under way at once has happened, in the same event. */
  immediately(run: () => void): Scheduled {
    const immediate = { party: this.current, run, cancelled: false };
    this.immediates.push(immediate);
    return {
      cancel: () => {
        immediate.cancelled = true;
      },
    };
  }

  /** The party is back: what it missed happens now, in its order. */
  thaw(party: Party): void {
    if (party.state !== 'frozen') return;
    party.state = 'running';
    const missed = this.waiting.get(party) ?? [];
    this.waiting.delete(party);
    for (const event of missed) if (!event.cancelled) this.schedule(party, 0, event.run);
  }

  /**
   * @param until looked at after every event
   * @returns true when it holds; false when nothing is to happen any more before the time
   * @throws TooManyEvents
   */
  async run(
    until: () => boolean,
    limits: { readonly untilMs: number; readonly events: number },
  ): Promise<boolean> {
    await this.settle();
    while (!until()) {
      const event = this.take(limits.untilMs);
      if (event === undefined) return false;
      this.time = Math.max(this.time, event.due);
      await this.deliver(event);
      if (this.happened > limits.events) {
        throw new TooManyEvents(`nothing has come to an end after ${limits.events} events`);
      }
    }
    return true;
  }

  private async deliver(event: Event): Promise<void> {
    const { party } = event;
    if (party.state === 'running') this.before(party);
    if (party.state === 'dead') return;
    if (party.state === 'frozen') {
      const missed = this.waiting.get(party) ?? [];
      missed.push(event);
      this.waiting.set(party, missed);
      return;
    }
    this.happened += 1;
    this.current = party;
    event.run();
    await this.settle();
  }

  /** All reactions of promises, all ticks, and what was to come right after them. */
  private async settle(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => realSetImmediate(resolve));
      if (this.immediates.length === 0) return;
      for (const { party, run, cancelled } of this.immediates.splice(0)) {
        if (cancelled || party.state === 'dead') continue;
        this.current = party;
        run();
      }
    }
  }

  private take(untilMs: number): Event | undefined {
    for (;;) {
      const [first] = this.heap;
      if (first === undefined || (!first.cancelled && first.due > untilMs)) return undefined;
      pop(this.heap);
      if (!first.cancelled) return first;
    }
  }
}
