import fc from 'fast-check';
import { addDays, localDate, weekday, zonedTime } from '../../../src/rules/run/time-zone';

const at = (zone: string, year: number, month: number, day: number, time: string): string => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return new Date(zonedTime({ year, month, day }, hours * 60 + minutes, zone)).toISOString();
};

test.each([
  ['UTC', 2027, 3, 1, '22:30', '2027-03-01T22:30:00.000Z'],
  ['Europe/Berlin', 2027, 1, 15, '22:30', '2027-01-15T21:30:00.000Z'],
  ['Europe/Berlin', 2027, 7, 15, '00:15', '2027-07-14T22:15:00.000Z'],
  ['America/New_York', 2027, 7, 15, '22:00', '2027-07-16T02:00:00.000Z'],
  ['Asia/Kolkata', 2027, 7, 15, '05:30', '2027-07-15T00:00:00.000Z'],
  ['Pacific/Kiritimati', 2027, 1, 1, '00:00', '2026-12-31T10:00:00.000Z'],
  // Summer time begins at 02:00: 02:30 is skipped and is taken as 03:30.
  ['Europe/Berlin', 2027, 3, 28, '02:30', '2027-03-28T01:30:00.000Z'],
  // It ends at 03:00: 02:30 comes twice, the first counts.
  ['Europe/Berlin', 2027, 10, 31, '02:30', '2027-10-31T00:30:00.000Z'],
  ['America/New_York', 2027, 11, 7, '01:30', '2027-11-07T05:30:00.000Z'],
])('%s %d-%d-%d %s is %s', (zone, year, month, day, time, expected) => {
  expect(at(zone, year, month, day, time)).toBe(expected);
});

test('the clock of the zone shows the date that was asked for, but on skipped hours at midnight', () => {
  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
    'Asia/Tokyo',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.integer({ min: 0, max: 3650 }),
      fc.integer({ min: 0, max: 1439 }),
      (zone, days, minutes) => {
        const date = addDays({ year: 2024, month: 1, day: 1 }, days);
        expect(localDate(zonedTime(date, minutes, zone), zone)).toEqual(date);
      },
    ),
  );
});

test('weekdays and months carry over', () => {
  expect(weekday({ year: 2027, month: 3, day: 1 })).toBe(1);
  expect(addDays({ year: 2028, month: 2, day: 28 }, 2)).toEqual({ year: 2028, month: 3, day: 1 });
});
