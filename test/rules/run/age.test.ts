import fc from 'fast-check';
import { ageMs } from '../../../src/rules/run/age';
import { rpoEstimate } from '../../../src/rules/run/rpo';

const NOW = Date.parse('2026-11-26T12:00:00.000Z');
const SEVEN_MINUTES = 7 * 60_000;
const iso = (ms: number): string => new Date(ms).toISOString();

test.each<[string, string | number | null | undefined, number | null]>([
  ['a moment ago', NOW - 250, 250],
  ['just now', iso(NOW), 0],
  ['by a clock that goes ahead', iso(NOW + SEVEN_MINUTES), null],
  ['one millisecond ahead', NOW + 1, null],
  ['at no time', 'yesterday', null],
  ['never', null, null],
  ['never either', undefined, null],
])('%s', (_, since, age) => expect(ageMs(since, NOW)).toBe(age));

test('what lies ahead is not known, and never 0', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1e9, max: 1e9 }),
      fc.integer({ min: 0, max: 1_000 }),
      (age, lagSeconds) => {
        const { method, seconds, ageSeconds } = rpoEstimate({ lagSeconds, observedAt: iso(NOW - age) }, NOW);
        if (age < 0) expect([method, seconds, ageSeconds]).toEqual(['unknown', null, null]);
        else expect(seconds).toBeGreaterThanOrEqual(lagSeconds + 1 + age / 1_000);
      },
    ),
  );
});
