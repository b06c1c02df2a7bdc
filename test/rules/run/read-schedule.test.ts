import { cutoverScheduleSchema } from '../../../src/model/run/settings';
import { readSchedule } from '../../../src/rules/run/read-schedule';

const WINDOW = { days: ['sat', 'sun'], from: '22:00', to: '04:00', timezone: 'Europe/Berlin' };

const GOOD: readonly unknown[] = [
  { type: 'as-soon-as-ready' },
  { type: 'at', time: '2026-12-01T22:00:00Z' },
  { type: 'at', time: '2026-12-01T22:00:00.5+01:00' },
  { type: 'in-windows', windows: [WINDOW] },
  { type: 'in-windows', windows: [WINDOW, { days: ['mon'], from: '00:00', to: '23:59' }] },
];

const BAD: readonly unknown[] = [
  undefined,
  null,
  'as-soon-as-ready',
  [],
  {},
  { type: 'later' },
  { type: 'as-soon-as-ready', time: 'now' },
  { type: 'at' },
  { type: 'at', time: 'tomorrow' },
  { type: 'at', time: '2026-12-01T22:00:00' },
  { type: 'at', time: 1 },
  { type: 'in-windows' },
  { type: 'in-windows', windows: [] },
  { type: 'in-windows', windows: ['night'] },
  { type: 'in-windows', windows: [{ ...WINDOW, days: [] }] },
  { type: 'in-windows', windows: [{ ...WINDOW, days: ['someday'] }] },
  { type: 'in-windows', windows: [{ ...WINDOW, from: '24:00' }] },
  { type: 'in-windows', windows: [{ ...WINDOW, to: '9:00' }] },
  { type: 'in-windows', windows: [{ ...WINDOW, reason: 'quiet' }] },
];

describe('a schedule in a message is read as the schema of the spec file reads it', () => {
  test.each(GOOD)('%j', (value) => {
    expect(readSchedule(value)).toEqual({ ok: true, schedule: cutoverScheduleSchema.parse(value) });
  });

  test.each(BAD.map((value) => [value]))('refused: %j', (value) => {
    expect(cutoverScheduleSchema.safeParse(value).success).toBe(false);
    expect(readSchedule(value)).toEqual({ ok: false, problem: expect.stringMatching(/\w/) });
  });
});

test('a time zone that does not exist is refused: nobody could say when the window opens', () => {
  const read = readSchedule({ type: 'in-windows', windows: [{ ...WINDOW, timezone: 'Europe/Atlantis' }] });
  expect(read).toEqual({ ok: false, problem: expect.stringContaining('Europe/Atlantis') });
});
