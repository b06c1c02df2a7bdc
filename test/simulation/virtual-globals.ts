/**
 * The timers, the dates and the chance of this process, for libraries that know no port (the drivers of SQL Server and
 * Azure, the SDK of Temporal): while a simulation runs, all of them are virtual and belong to the party whose code asks.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import timers from 'node:timers';
import type { Chance } from './chance';
import type { Party, Scheduled, VirtualTime } from './virtual-time';

/** What `setTimeout` of Node gives: libraries call its methods. */
class VirtualTimer {
  private scheduled: Scheduled | undefined;
  private isReferenced = true;

  constructor(
    private readonly time: VirtualTime,
    private readonly party: Party,
    private readonly ms: number,
    private readonly repeats: boolean,
    private readonly fn: () => void,
  ) {
    this.start();
  }

  private start(): void {
    this.scheduled = this.time.schedule(this.party, this.ms, () => {
      if (this.repeats) this.start();
      this.fn();
    });
  }

  refresh(): this {
    this.close();
    this.start();
    return this;
  }

  close(): this {
    this.scheduled?.cancel();
    return this;
  }

  ref(): this {
    this.isReferenced = true;
    return this;
  }

  unref(): this {
    this.isReferenced = false;
    return this;
  }

  hasRef(): boolean {
    return this.isReferenced;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Node's shortest time; anything that is no number is that too. */
const delayOf = (ms: unknown): number => (typeof ms === 'number' && ms >= 1 ? ms : 1);

/** As Node's own: what runs later runs in the context of who asked for it. */
function inContext(fn: () => void): () => void {
  const run = AsyncLocalStorage.snapshot();
  return () => run(fn);
}

type Callback = (...args: unknown[]) => void;

/** @returns gives everything back */
export function installVirtualGlobals(time: VirtualTime, chance: Chance): () => void {
  const timer =
    (repeats: boolean) =>
    (fn: Callback, ms?: unknown, ...args: unknown[]): VirtualTimer =>
      new VirtualTimer(
        time,
        time.current,
        delayOf(ms),
        repeats,
        inContext(() => fn(...args)),
      );
  const clearOr =
    (real: (given: NodeJS.Timeout) => void) =>
    (given: unknown): void => {
      if (given instanceof VirtualTimer) given.close();
      else real(given as NodeJS.Timeout);
    };
  const immediates = new WeakMap<object, Scheduled>();
  const RealDate = Date;
  const VirtualDate = new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [time.shown] : args, newTarget) as object,
    get: (target, property, receiver) =>
      property === 'now' ? () => Math.floor(time.shown) : Reflect.get(target, property, receiver),
  });
  const start = time.now;
  const back = [
    replace(globalThis, 'setTimeout', timer(false)),
    replace(globalThis, 'setInterval', timer(true)),
    replace(globalThis, 'clearTimeout', clearOr(clearTimeout)),
    replace(globalThis, 'clearInterval', clearOr(clearInterval)),
    // The pool of the SQL driver begins its interval with the global, and ends it with this one.
    replace(timers, 'clearInterval', clearOr(clearInterval)),
    replace(globalThis, 'setImmediate', (fn: Callback, ...args: unknown[]) => {
      const handle = { hasRef: () => true, ref: () => handle, unref: () => handle };
      immediates.set(handle, time.immediately(inContext(() => fn(...args))));
      return handle;
    }),
    replace(globalThis, 'clearImmediate', (given: unknown) => {
      if (typeof given === 'object' && given !== null) immediates.get(given)?.cancel();
    }),
    replace(globalThis, 'Date', VirtualDate),
    replace(performance, 'now', () => time.now - start),
    replace(Math, 'random', () => chance.next()),
    replace(AbortSignal, 'timeout', (ms: number) => {
      const controller = new AbortController();
      const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
      timer(false)(() => controller.abort(reason), ms);
      return controller.signal;
    }),
  ];
  return () => {
    for (const giveBack of back.reverse()) giveBack();
  };
}

function replace(owner: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, before);
  };
}
