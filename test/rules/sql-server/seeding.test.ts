import fc from 'fast-check';
import { describeSeedingFailure } from '../../../src/rules/link/seeding-failure';
import {
  type SeedingSample,
  seedingDeadline,
  seedingPhase,
  seedingProgress,
  seedingRestart,
} from '../../../src/rules/sql-server/seeding';
import {
  DOCUMENTED_SEEDING_RATE,
  estimateSeedingBeforeStart,
} from '../../../src/rules/sql-server/seeding-estimate';
import { NOW } from '../link/facts';
import { replica, seeding } from '../link/replica';

const GB = 1024 ** 3;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const sample = (
  at: number,
  transferredBytes: number | null,
  rest: Partial<SeedingSample> = {},
): SeedingSample => ({
  at,
  operationId: 'op-1',
  attempts: 1,
  transferredBytes,
  databaseBytes: 1000,
  ...rest,
});

test.each([
  [null, 'SYNCHRONIZING', 'HEALTHY', 'completed'],
  [null, 'NOT SYNCHRONIZING', 'NOT_HEALTHY', 'not-started'],
  ['PENDING', null, null, 'not-started'],
  ['CHECK_IF_SEEDING_NEEDED', null, null, 'not-started'],
  ['LIMIT_CONCURRENT_BACKUPS', null, null, 'not-started'],
  ['SEEDING', null, null, 'catching-up'],
  ['NOVEL_STATE', 'SYNCHRONIZING', 'HEALTHY', 'catching-up'],
  ['COMPLETED', 'NOT SYNCHRONIZING', 'NOT_HEALTHY', 'catching-up'],
  ['COMPLETED', 'SYNCHRONIZING', 'PARTIALLY_HEALTHY', 'catching-up'],
  ['COMPLETED', 'SYNCHRONIZING', 'HEALTHY', 'completed'],
  ['COMPLETED', 'SYNCHRONIZED', 'HEALTHY', 'completed'],
  ['FAILED', 'SYNCHRONIZING', 'HEALTHY', 'completed'],
  ['FAILED', null, null, 'failed'],
] as const)('%s with a remote row %s and %s is %s', (currentState, state, health, phase) => {
  const operation = currentState === null ? null : seeding({ currentState });
  expect(
    seedingPhase(
      replica({ seeding: operation, synchronizationStateDesc: state, synchronizationHealthDesc: health }),
    ),
  ).toBe(phase);
});

test('while the database is read it is streaming, whatever the state says', () => {
  expect(seedingPhase(replica({ seeding: seeding({ currentState: 'PENDING', isStreaming: true }) }))).toBe(
    'streaming',
  );
});

describe('progress', () => {
  test('rate and remaining time over the window', () => {
    const progress = seedingProgress(
      [sample(0, 100), sample(10_000, 200), sample(20_000, 500)],
      20_000,
      HOUR,
    );
    expect(progress).toMatchObject({
      percent: 50,
      bytesPerSecond: 20,
      remainingMs: 25_000,
      stalled: false,
      restart: undefined,
    });
  });

  test('nothing is made up: no sample, one sample, no bytes', () => {
    expect(seedingProgress([], 0, HOUR)).toBeUndefined();
    expect(seedingProgress([sample(0, 100)], 0, HOUR)).toMatchObject({
      bytesPerSecond: null,
      remainingMs: null,
    });
    expect(seedingProgress([sample(0, null), sample(1000, null)], 1000, HOUR)).toMatchObject({
      percent: null,
      bytesPerSecond: null,
    });
  });

  test('complete needs no time', () => {
    expect(seedingProgress([sample(0, 1000)], 0, HOUR)).toMatchObject({ percent: 100, remainingMs: 0 });
  });

  test('stalled when no byte moved for long enough', () => {
    const still = [sample(0, 100), sample(HOUR, 100)];
    expect(seedingProgress(still, HOUR, HOUR)).toMatchObject({
      stalled: true,
      stillForMs: HOUR,
      remainingMs: null,
    });
    expect(seedingProgress([...still, sample(HOUR, 101)], HOUR, HOUR)).toMatchObject({ stalled: false });
  });

  test('after a restart only what came since counts', () => {
    const progress = seedingProgress(
      [sample(0, 900), sample(1000, 10, { attempts: 2 }), sample(2000, 20, { attempts: 2 })],
      2000,
      HOUR,
    );
    expect(progress).toMatchObject({ bytesPerSecond: 10, percent: 2, restart: 'attempt 2 after attempt 1' });
  });

  test('more time left to send never shortens the estimate', () => {
    const bytes = fc.integer({ min: 1, max: 1e12 });
    fc.assert(
      fc.property(bytes, bytes, bytes, fc.integer({ min: 1, max: 1e8 }), (done, left, more, elapsed) => {
        const remaining = (databaseBytes: number) =>
          seedingProgress(
            [sample(0, 0, { databaseBytes }), sample(elapsed, done, { databaseBytes })],
            elapsed,
            HOUR,
          )?.remainingMs ?? Number.NaN;
        expect(remaining(done + left + more)).toBeGreaterThanOrEqual(remaining(done + left));
      }),
    );
  });
});

test.each([
  [sample(0, 100), sample(1, 100), undefined],
  [sample(0, 100), sample(1, 200), undefined],
  [sample(0, 100), sample(1, null), undefined],
  [sample(0, 100), sample(1, 99), undefined],
  [sample(0, 1000), sample(1, 101), undefined],
  [sample(0, 1000), sample(1, 100), 'transferred bytes fell from 1000 B to 100 B'],
  [sample(0, 100), sample(1, 0), 'transferred bytes fell from 100 B to 0 B'],
  [sample(0, 100), sample(1, 200, { operationId: 'op-2' }), 'operation op-2 took the place of op-1'],
  [sample(0, 100), sample(1, 200, { attempts: 2 }), 'attempt 2 after attempt 1'],
])('restart from %j to %j: %s', (before, after, reason) =>
  expect(seedingRestart(before, after)).toBe(reason));

const bytes = fc.integer({ min: 0, max: 1e13 });

test('of one attempt of one operation, bytes that are set right by a little are no restart', () => {
  fc.assert(
    fc.property(bytes, fc.double({ min: 0, max: 0.89, noNaN: true }), (sent, fall) => {
      const after = sample(1, Math.ceil(sent * (1 - fall)));
      expect(seedingRestart(sample(0, sent), after)).toBeUndefined();
      // Nor is it anything else: no rate below zero, no time left below it.
      const progress = seedingProgress([sample(0, sent, { databaseBytes: 1e13 }), after], 2, HOUR);
      expect(progress?.bytesPerSecond ?? 0).toBeGreaterThanOrEqual(0);
      expect(progress?.remainingMs ?? 0).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('another operation, another attempt, and bytes that fell to about nothing are a restart', () => {
  fc.assert(
    fc.property(bytes, bytes, (sent, now) => {
      expect(seedingRestart(sample(0, sent), sample(1, now, { operationId: 'op-2' }))).toBeDefined();
      expect(seedingRestart(sample(0, sent), sample(1, now, { attempts: 2 }))).toBeDefined();
      if (now <= sent * 0.1 && now < sent) {
        expect(seedingRestart(sample(0, sent), sample(1, now))).toBeDefined();
      }
    }),
  );
});

test('looks that lie ahead are of another clock: nobody knows how long no byte moved', () => {
  const ahead = seedingProgress([sample(7 * 60_000, 10)], 0, 1);
  expect(ahead).toMatchObject({ stillForMs: null, stalled: false });
});

describe('deadline', () => {
  const policy = { deadline: 6 * DAY, warnBefore: [DAY, 6 * HOUR, HOUR] };

  test.each([
    [5 * DAY - 1, null, 'seeding.in-time', []],
    [5 * DAY, null, 'seeding.warning-due', [DAY]],
    [6 * DAY - HOUR, null, 'seeding.warning-due', [HOUR, 6 * HOUR, DAY]],
    [6 * DAY - 1, null, 'seeding.warning-due', [HOUR, 6 * HOUR, DAY]],
    [6 * DAY, null, 'seeding.deadline-passed', [HOUR, 6 * HOUR, DAY]],
    [DAY, 6 * DAY, 'seeding.will-be-late', []],
    [DAY, 5 * DAY, 'seeding.in-time', []],
  ])('after %d ms with %s left to send: %s', (elapsed, remainingMs, ruleId, warningsDue) => {
    expect(seedingDeadline(NOW, policy, NOW + elapsed, remainingMs)).toMatchObject({
      ruleId,
      warningsDue,
      leftMs: 6 * DAY - elapsed,
    });
  });

  test('time only ever brings more warnings', () => {
    const moment = fc.integer({ min: 0, max: 7 * DAY });
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const earlier = seedingDeadline(NOW, policy, NOW + Math.min(a, b)).warningsDue;
        const later = seedingDeadline(NOW, policy, NOW + Math.max(a, b)).warningsDue;
        expect(later).toEqual(expect.arrayContaining([...earlier]));
      }),
    );
  });
});

describe('estimate before the start', () => {
  test('100 GB take about 1.2 hours at the documented 84 GB an hour', () => {
    expect(estimateSeedingBeforeStart(100 * GB).durationMs / HOUR).toBeCloseTo(1.19, 2);
  });

  test('is monotonic in size and rate, and zero for nothing', () => {
    const size = fc.integer({ min: 0, max: 1e13 });
    const rate = fc.integer({ min: 1, max: 1e9 });
    fc.assert(
      fc.property(size, size, rate, rate, (bytes, more, r, faster) => {
        const base = estimateSeedingBeforeStart(bytes, r).durationMs;
        expect(estimateSeedingBeforeStart(bytes + more, r).durationMs).toBeGreaterThanOrEqual(base);
        expect(estimateSeedingBeforeStart(bytes, r + faster).durationMs).toBeLessThanOrEqual(base);
      }),
    );
    expect(estimateSeedingBeforeStart(0, DOCUMENTED_SEEDING_RATE).durationMs).toBe(0);
    expect(estimateSeedingBeforeStart(1, 0).durationMs).toBe(Number.POSITIVE_INFINITY);
  });
});

test.each([
  [23, 'Database with this name exists already (failure state 23)'],
  [223, 'Database with this name exists already (on the instance, failure state 223)'],
  [106, 'Transport (on the SQL Server, failure state 106)'],
  [99, 'Unknown failure (failure state 99)'],
])('failure state %d', (state, words) => expect(describeSeedingFailure(state)).toBe(words));
