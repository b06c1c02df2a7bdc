/** A worker whose clock is wrong by minutes still tells Temporal's time of what it saw. */
import { platformTime } from '../../../src/activities/run/platform-time';

const SCHEDULED = Date.parse('2026-11-26T12:00:00.000Z');
const MINUTE = 60_000;
const iso = (ms: number): string => new Date(ms).toISOString();

test.each([
  ['right', 0],
  ['seven minutes ahead', 7 * MINUTE],
  ['seven minutes behind', -7 * MINUTE],
])('a clock that is %s', (_, wrongBy) => {
  let passed = 0;
  const clock = { now: () => SCHEDULED + wrongBy + passed, sleep: async () => undefined };
  const platform = platformTime(clock, SCHEDULED, () => 123_456 + passed);
  passed = 10 * MINUTE;
  const seen = iso(clock.now() - 30_000);
  expect(platform.toPlatform(seen)).toBe(iso(SCHEDULED + 10 * MINUTE - 30_000));
  expect(platform.fromPlatform(platform.toPlatform(seen))).toBe(seen);
  // Read by another activity of this worker, before this one began.
  expect(platform.toPlatform(iso(clock.now() - 11 * MINUTE))).toBe(iso(SCHEDULED - MINUTE));
});

test('an attempt that waited for a worker tells an earlier time, never a later one', () => {
  const waited = 3 * MINUTE;
  const clock = { now: () => SCHEDULED + waited, sleep: async () => undefined };
  const told = Date.parse(platformTime(clock, SCHEDULED, () => 0).toPlatform(iso(clock.now())));
  expect(told).toBe(SCHEDULED);
  expect(told).toBeLessThanOrEqual(clock.now());
});

test('what is no time stays what it is', () => {
  const clock = { now: () => SCHEDULED, sleep: async () => undefined };
  expect(platformTime(clock, SCHEDULED, () => 0).toPlatform('soon')).toBe('soon');
});
