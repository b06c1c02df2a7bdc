import { withinTime } from '../../src/adapters/time-limit';
import type { Clock } from '../../src/ports/clock';

/** Time that passes when a test says so. */
class Timers implements Clock {
  readonly running = new Set<() => void>();

  now(): number {
    return 0;
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.running.add(resolve);
      signal?.addEventListener('abort', () => {
        this.running.delete(resolve);
        reject(signal.reason);
      });
    });
  }

  pass(): void {
    for (const resolve of this.running) resolve();
    this.running.clear();
  }
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test.each([
  ['an answer', async () => 'answer', 'answer'],
  ['a failure', () => Promise.reject(new Error('refused')), 'refused'],
])('no timer stays behind after %s', async (_, work, end) => {
  const timers = new Timers();
  const done = await withinTime<string>(timers, 1_000, work).catch((error: Error) => error.message);
  expect(done).toBe(end);
  expect(timers.running.size).toBe(0);
});

test('work ends with its time, and knows why', async () => {
  const timers = new Timers();
  const done = withinTime(timers, 1_000, ({ signal, isOver }) =>
    untilAborted(signal).catch((error: Error) => [error.name, isOver()]),
  );
  timers.pass();
  expect(await done).toEqual(['TimeoutError', true]);
});

test("the caller's signal ends it as well, and that is no lack of time", async () => {
  const timers = new Timers();
  const caller = new AbortController();
  const work = ({ signal, isOver }: { signal: AbortSignal; isOver: () => boolean }) =>
    untilAborted(signal).catch((error: Error) => [error.message, isOver()]);
  const done = withinTime(timers, 1_000, work, caller.signal);
  caller.abort(new Error('asked to stop'));
  expect(await done).toEqual(['asked to stop', false]);
  expect(timers.running.size).toBe(0);
});
