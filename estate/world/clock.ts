/**
 * Simulated time: base + elapsed real time x speed, or moved by hand in tests. Timers are kept in one heap ordered by
 * due time and then by registration, so that a manual run is the same each time. While timers run, `now()` is exactly
 * the due time of the running one in manual mode.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, TimerHandle } from './api';
import { type Due, pop, push } from './due-heap';

interface Timer extends TimerHandle, Due {
  readonly run: () => void;
  cancelled: boolean;
}

/** Node's timers take at most this many milliseconds. */
const MAX_REAL_DELAY = 2_147_483_647;

export interface ClockOptions {
  readonly mode: 'real' | 'manual';
  readonly speed: number;
  /** Simulated Unix ms at the start. */
  readonly base: number;
}

export class SimulatedClock implements Clock {
  readonly mode: 'real' | 'manual';
  private readonly heap: Timer[] = [];
  private readonly sleepers = new Set<(reason: Error) => void>();
  private readonly realStart = performance.now();
  private simulatedBase: number;
  private realBase: number;
  private currentSpeed: number;
  private order = 0;
  private pending: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(options: ClockOptions) {
    this.mode = options.mode;
    this.currentSpeed = options.speed;
    this.simulatedBase = options.base;
    this.realBase = this.realStart;
  }

  now(): number {
    if (this.mode === 'manual') return this.simulatedBase;
    return this.simulatedBase + (performance.now() - this.realBase) * this.currentSpeed;
  }

  get speed(): number {
    return this.currentSpeed;
  }

  set speed(speed: number) {
    if (!(speed > 0)) throw new RangeError(`clock speed must be positive, got ${speed}`);
    this.simulatedBase = this.now();
    this.realBase = performance.now();
    this.currentSpeed = speed;
    this.arm();
  }

  realMs(): number {
    return performance.now() - this.realStart;
  }

  at(simMs: number, fn: () => void): TimerHandle {
    this.order += 1;
    // Timers share one Node timer: each runs in the context of who asked for it, not of who armed that one.
    const inOwnContext = AsyncLocalStorage.snapshot();
    const timer: Timer = {
      due: simMs,
      order: this.order,
      run: () => inOwnContext(fn),
      cancelled: false,
      cancel: () => {
        timer.cancelled = true;
      },
    };
    if (this.stopped) return timer;
    push(this.heap, timer);
    if (this.heap[0] === timer) this.arm();
    return timer;
  }

  after(simMs: number, fn: () => void): TimerHandle {
    return this.at(this.now() + simMs, fn);
  }

  sleep(simMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(asError(signal.reason));
      const finish = (act: () => void) => {
        timer.cancel();
        this.sleepers.delete(fail);
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const fail = (reason: Error) => finish(() => reject(reason));
      const onAbort = () => fail(asError(signal?.reason));
      const timer = this.after(simMs, () => finish(resolve));
      this.sleepers.add(fail);
      signal?.addEventListener('abort', onAbort);
    });
  }

  async advance(simMs: number): Promise<void> {
    if (this.mode !== 'manual') throw new Error('advance() needs the manual clock');
    const target = this.simulatedBase + simMs;
    await settleReactions();
    for (;;) {
      const timer = this.takeDue(target);
      if (!timer) break;
      this.simulatedBase = Math.max(this.simulatedBase, timer.due);
      timer.run();
      await settleReactions();
    }
    this.simulatedBase = target;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.pending);
    this.heap.length = 0;
    for (const fail of [...this.sleepers]) fail(new Error('the estate has stopped'));
  }

  private takeDue(limit: number): Timer | undefined {
    for (;;) {
      const first = this.heap[0];
      if (!first) return undefined;
      if (!first.cancelled && first.due > limit) return undefined;
      pop(this.heap);
      if (!first.cancelled) return first;
    }
  }

  /** Real mode: one Node timer, for the earliest due time. It keeps no process alive by itself. */
  private arm(): void {
    if (this.mode === 'manual' || this.stopped) return;
    clearTimeout(this.pending);
    const first = this.heap[0];
    if (!first) return;
    const delay = Math.ceil(Math.max(0, (first.due - this.now()) / this.currentSpeed));
    this.pending = setTimeout(() => this.runDue(), Math.min(delay, MAX_REAL_DELAY));
    this.pending.unref();
  }

  private runDue(): void {
    const limit = this.now();
    for (let timer = this.takeDue(limit); timer; timer = this.takeDue(limit)) timer.run();
    this.arm();
  }
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error('aborted'));

/** Lets every promise reaction that is due run before the next timer does. */
const settleReactions = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
