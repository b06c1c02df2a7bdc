import fc from 'fast-check';
import type { CutoverSchedule, MaintenanceWindow } from '../../../src/model/run/settings';
import { scheduleVerdict } from '../../../src/rules/run/cutover-schedule';

const windows = (...list: readonly MaintenanceWindow[]): CutoverSchedule => ({
  type: 'in-windows',
  windows: [...list],
});
const night: MaintenanceWindow = { days: ['sat'], from: '22:00', to: '04:00', timezone: 'Europe/Berlin' };
const verdict = (schedule: CutoverSchedule, now: string) => scheduleVerdict(schedule, Date.parse(now));

test('as soon as ready is always open', () => {
  expect(verdict({ type: 'as-soon-as-ready' }, '2027-01-01T00:00:00Z')).toMatchObject({
    open: true,
    opensAt: null,
  });
});

test('at a time: closed before, open from then on', () => {
  const schedule: CutoverSchedule = { type: 'at', time: '2027-03-01T22:00:00+01:00' };
  expect(verdict(schedule, '2027-03-01T20:59:59Z')).toMatchObject({
    open: false,
    opensAt: '2027-03-01T21:00:00.000Z',
  });
  expect(verdict(schedule, '2027-03-01T21:00:00Z')).toMatchObject({ open: true, opensAt: null });
});

// 6 March 2027 is a Saturday.
test.each([
  ['2027-03-06T20:59:59Z', false, '2027-03-06T21:00:00.000Z', null],
  ['2027-03-06T21:00:00Z', true, null, '2027-03-07T03:00:00.000Z'],
  ['2027-03-07T02:59:59Z', true, null, '2027-03-07T03:00:00.000Z'],
  ['2027-03-07T03:00:00Z', false, '2027-03-13T21:00:00.000Z', null],
  // The night to 28 March is an hour shorter.
  ['2027-03-27T21:00:00Z', true, null, '2027-03-28T02:00:00.000Z'],
  // The night to 31 October is an hour longer.
  ['2027-10-30T20:00:00Z', true, null, '2027-10-31T03:00:00.000Z'],
])('the window over midnight at %s: open %s', (now, open, opensAt, closesAt) => {
  expect(verdict(windows(night), now)).toMatchObject({ open, opensAt, closesAt });
});

test('of several windows the next one counts, and overlapping ones close last', () => {
  const noon: MaintenanceWindow = { days: ['fri', 'sat'], from: '12:00', to: '23:00', timezone: 'UTC' };
  expect(verdict(windows(night, noon), '2027-03-05T10:00:00Z')).toMatchObject({
    opensAt: '2027-03-05T12:00:00.000Z',
  });
  expect(verdict(windows(night, noon), '2027-03-06T22:00:00Z')).toMatchObject({
    closesAt: '2027-03-07T03:00:00.000Z',
  });
});

test('a window that never opens is told', () => {
  expect(verdict(windows({ ...night, from: '22:00', to: '22:00' }), '2027-03-06T20:00:00Z')).toMatchObject({
    open: false,
    opensAt: null,
  });
});

const clock = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`);
const anyWindow: fc.Arbitrary<MaintenanceWindow> = fc
  .record({
    days: fc.subarray(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const, { minLength: 1 }),
    from: clock,
    to: clock,
    timezone: fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
    ),
  })
  .filter(({ from, to }) => from !== to)
  .map(({ days, ...rest }) => ({ days: [...days], ...rest }));
const anyTime = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2030, 0) });

test('the announced opening is the first: closed the moment before, open at it', () => {
  fc.assert(
    fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 3 }), anyTime, (list, now) => {
      const schedule = windows(...list);
      const first = scheduleVerdict(schedule, now);
      if (first.open) {
        const end = Date.parse(first.closesAt ?? '');
        expect(end).toBeGreaterThan(now);
        expect(scheduleVerdict(schedule, end - 1).open).toBe(true);
        return;
      }
      const opens = Date.parse(first.opensAt ?? '');
      expect(opens).toBeGreaterThan(now);
      expect(scheduleVerdict(schedule, opens).open).toBe(true);
      expect(scheduleVerdict(schedule, opens - 1).open).toBe(false);
    }),
    { numRuns: 300 },
  );
});
