/** Proleptic Gregorian calendar on 100 ns ticks since 0001-01-01. */
export const TICKS_PER_MILLISECOND = 10_000n;
export const TICKS_PER_SECOND = 10_000_000n;
export const TICKS_PER_MINUTE = 600_000_000n;
export const TICKS_PER_DAY = 864_000_000_000n;
/** One past the last tick of 9999-12-31. */
export const END_OF_TIME = 3_652_059n * TICKS_PER_DAY;
/** Days from 0001-01-01 to 1900-01-01 (day zero of datetime) and to 1753-01-01 (its first). */
export const DAY_1900 = 693_595;
export const DAY_1753 = 639_905;

export interface DateParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

export interface TimeParts {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 100 ns units within the second. */
  readonly fraction: number;
}

/** Days since 0001-01-01; algorithm of Howard Hinnant, "chrono-compatible low-level date algorithms". */
export function daysFromDate(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 306;
}

export function dateFromDays(days: number): DateParts {
  const shifted = days + 306;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

export const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

export const daysOf = (ticks: bigint): number => Number(ticks / TICKS_PER_DAY);
export const timeOf = (ticks: bigint): bigint => ticks % TICKS_PER_DAY;
export const dateParts = (ticks: bigint): DateParts => dateFromDays(daysOf(ticks));

export function timeParts(ticks: bigint): TimeParts {
  const inDay = Number(ticks % TICKS_PER_DAY);
  const seconds = Math.floor(inDay / 10_000_000);
  return {
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    fraction: inDay % 10_000_000,
  };
}

export function ticksOf(date: DateParts, time?: TimeParts): bigint {
  const days = BigInt(daysFromDate(date.year, date.month, date.day)) * TICKS_PER_DAY;
  return time === undefined ? days : days + ticksOfTime(time);
}

export const ticksOfTime = (time: TimeParts): bigint =>
  BigInt(((time.hour * 60 + time.minute) * 60 + time.second) * 10_000_000 + time.fraction);

/** Rounds to `scale` places of a second. */
export function roundTicks(ticks: bigint, scale: number): bigint {
  const unit = 10n ** BigInt(7 - scale);
  return unit === 1n ? ticks : ((ticks + unit / 2n) / unit) * unit;
}

/** datetime counts 1/300 s; the stored tick is the nearest to that instant. */
export function roundToDatetime(ticks: bigint): bigint {
  const day = ticks / TICKS_PER_DAY;
  const inDay = Number(ticks % TICKS_PER_DAY);
  const units = Math.round((inDay * 3) / 100_000);
  return day * TICKS_PER_DAY + BigInt(Math.round((units * 100_000) / 3));
}

export const roundToMinute = (ticks: bigint): bigint =>
  ((ticks + 300_000_000n) / TICKS_PER_MINUTE) * TICKS_PER_MINUTE;
