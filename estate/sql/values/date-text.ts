/** Dates and times as text: what CAST accepts, and the styles of CONVERT. */
import {
  type DateParts,
  dateParts,
  daysInMonth,
  TICKS_PER_DAY,
  type TimeParts,
  ticksOf,
  ticksOfTime,
  timeParts,
} from './calendar';

export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

export const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** Fraction digits of a second to `scale` places, with its point; '' for scale 0. */
export function fractionText(fraction: number, scale: number): string {
  return scale === 0 ? '' : `.${pad(fraction, 7).slice(0, scale)}`;
}

export function offsetText(minutes: number): string {
  const value = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(value / 60))}:${pad(value % 60)}`;
}

/**
 * Text of a date in a CONVERT style.
 * @param scale fraction digits of the type; datetime has three.
 * @returns undefined for a style that does not exist (error 281).
 */
export function formatStyle(ticks: bigint, style: number, scale: number): string | undefined {
  const date = dateParts(ticks);
  const time = timeParts(ticks);
  const { year, month, day } = date;
  const d = pad(day);
  const m = pad(month);
  const long = style >= 100 || style === 20 || style === 21 || style === 23 || style === 25;
  const y = long || style === 0 || style === 9 || style === 13 ? pad(year, 4) : pad(year % 100);
  const month3 = (MONTHS[month - 1] ?? '').slice(0, 3);
  const clock = `${pad(time.hour)}:${pad(time.minute)}:${pad(time.second)}`;
  const colonFraction = scale === 0 ? '' : `:${pad(time.fraction, 7).slice(0, scale)}`;
  switch (style >= 100 && style < 120 ? style - 100 : style) {
    case 0:
      return `${month3} ${String(day).padStart(2)} ${y} ${halfDay(time, '', ':', false)}`;
    case 1:
      return `${m}/${d}/${y}`;
    case 2:
      return `${y}.${m}.${d}`;
    case 3:
      return `${d}/${m}/${y}`;
    case 4:
      return `${d}.${m}.${y}`;
    case 5:
      return `${d}-${m}-${y}`;
    case 6:
      return `${d} ${month3} ${y}`;
    case 7:
      return `${month3} ${d}, ${y}`;
    case 8:
    case 24:
      return clock;
    case 9:
      return `${month3} ${String(day).padStart(2)} ${y} ${halfDay(time, colonFraction, ':', true)}`;
    case 10:
      return `${m}-${d}-${y}`;
    case 11:
      return `${y}/${m}/${d}`;
    case 12:
      return `${y}${m}${d}`;
    case 13:
      return `${d} ${month3} ${y} ${clock}${colonFraction}`;
    case 14:
      return `${clock}${colonFraction}`;
    case 20:
    case 120:
      return `${y}-${m}-${d} ${clock}`;
    case 21:
    case 25:
    case 121:
      return `${y}-${m}-${d} ${clock}${fractionText(time.fraction, scale)}`;
    case 23:
      return `${y}-${m}-${d}`;
    case 126:
      // Style 126 leaves out a fraction that is zero.
      return `${y}-${m}-${d}T${clock}${time.fraction === 0 ? '' : fractionText(time.fraction, scale)}`;
    case 127:
      return `${y}-${m}-${d}T${clock}${time.fraction === 0 ? '' : fractionText(time.fraction, scale)}Z`;
    default:
      return undefined;
  }
}

function halfDay(time: TimeParts, fraction: string, separator: string, seconds: boolean): string {
  const hour = time.hour % 12 === 0 ? 12 : time.hour % 12;
  const tail = seconds ? `${separator}${pad(time.second)}${fraction}` : '';
  return `${String(hour).padStart(2)}${separator}${pad(time.minute)}${tail}${time.hour < 12 ? 'AM' : 'PM'}`;
}

export interface ParsedMoment {
  /** Ticks of the date part, undefined when the text has only a time. */
  readonly day: bigint | undefined;
  readonly time: bigint;
  readonly offsetMinutes: number | undefined;
}

const TIME_PATTERN =
  /(\d{1,2}):(\d{2})(?::(\d{2})(?:[.:](\d{1,9}))?)?\s*([AaPp][Mm])?\s*(Z|[+-]\d{2}:\d{2})?$/;

/** Parses a date, a time or both. @returns undefined when it is none; 'range' when a field is out of range. */
export function parseMoment(input: string, style = 0): ParsedMoment | 'range' | undefined {
  const text = input.trim();
  if (text === '') return { day: undefined, time: 0n, offsetMinutes: undefined };
  const match = TIME_PATTERN.exec(text);
  if (match === null) {
    const date = parseDate(text, style);
    return date === undefined || date === 'range'
      ? date
      : { day: ticksOf(date), time: 0n, offsetMinutes: undefined };
  }
  const time = parseTime(match);
  if (time === 'range') return 'range';
  const before = text.slice(0, match.index).replace(/T$/i, '').trim();
  const date = before === '' ? undefined : parseDate(before, style);
  if (date === 'range') return 'range';
  if (before !== '' && date === undefined) return undefined;
  return { day: date === undefined ? undefined : ticksOf(date), time, offsetMinutes: parseOffset(match[6]) };
}

function parseOffset(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === 'Z') return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6));
  return text.startsWith('-') ? -minutes : minutes;
}

function parseTime(match: RegExpExecArray): bigint | 'range' {
  const half = match[5]?.toUpperCase();
  const written = Number(match[1]);
  const minute = Number(match[2]);
  const second = Number(match[3] ?? 0);
  const digits = (match[4] ?? '').padEnd(9, '0');
  if (half !== undefined && (written < 1 || written > 12)) return 'range';
  const hour = half === undefined ? written : (written % 12) + (half === 'PM' ? 12 : 0);
  if (hour > 23 || minute > 59 || second > 59) return 'range';
  const fraction = Math.round(Number(digits) / 100);
  const ticks = ticksOfTime({ hour, minute, second, fraction });
  return ticks >= TICKS_PER_DAY ? 'range' : ticks;
}

/** Language us_english, so slashes mean month/day/year unless the style says otherwise. */
function parseDate(text: string, style: number): DateParts | 'range' | undefined {
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(text) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  if (iso !== null) return checked(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const short = /^(\d{2})(\d{2})(\d{2})$/.exec(text);
  if (short !== null) return checked(fullYear(short[1] ?? ''), Number(short[2]), Number(short[3]));
  const mixed = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})$/.exec(text);
  if (mixed !== null) {
    const year = fullYear(mixed[3] ?? '');
    const dayFirst = [3, 4, 5, 103, 104, 105].includes(style);
    return dayFirst
      ? checked(year, Number(mixed[2]), Number(mixed[1]))
      : checked(year, Number(mixed[1]), Number(mixed[2]));
  }
  return parseNamedMonth(text);
}

function parseNamedMonth(text: string): DateParts | 'range' | undefined {
  const first = /^([A-Za-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4}|\d{2})$/.exec(text);
  if (first !== null) return named(first[1], first[2], first[3]);
  const second = /^(\d{1,2})[\s-]+([A-Za-z]{3,9})\.?,?[\s-]+(\d{4}|\d{2})$/.exec(text);
  return second === null ? undefined : named(second[2], second[1], second[3]);
}

function named(month = '', day = '', year = ''): DateParts | 'range' | undefined {
  const wanted = month.toLowerCase();
  const index = MONTHS.findIndex(
    (name) => name.toLowerCase() === wanted || name.slice(0, 3).toLowerCase() === wanted,
  );
  return index < 0 ? undefined : checked(fullYear(year), index + 1, Number(day));
}

/** Two-digit years up to 49 are in this century ("two digit year cutoff", default 2049). */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length > 2) return year;
  return year <= 49 ? 2000 + year : 1900 + year;
}

function checked(year: number, month: number, day: number): DateParts | 'range' {
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return 'range';
  return { year, month, day };
}
