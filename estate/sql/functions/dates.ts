/** Date and time functions. */
import { SqlError } from '../errors';
import { coerce } from '../query/compile';
import type { CompileContext, Compiled } from '../query/environment';
import type { Expression } from '../syntax/ast';
import { SqlDateTime, SqlDateTimeOffset, type SqlScalar, SqlTime, type SqlType } from '../types';
import {
  DAY_1900,
  dateParts,
  daysFromDate,
  daysInMonth,
  daysOf,
  END_OF_TIME,
  roundToDatetime,
  TICKS_PER_DAY,
  TICKS_PER_MINUTE,
  ticksOf,
  ticksOfTime,
  timeOf,
  timeParts,
} from '../values/calendar';
import { convert } from '../values/convert';
import { MONTHS, offsetText, WEEKDAYS } from '../values/date-text';
import { BIGINT, DATETIME, datetime2, INT, isDate, isString, nvarchar, typeName } from '../values/typing';
import { dateOverflow } from '../values/value-errors';
import { type Definitions, define, numberArgument, strictCall } from './define';

const PARTS: Record<string, string> = {
  year: 'year',
  yy: 'year',
  yyyy: 'year',
  quarter: 'quarter',
  qq: 'quarter',
  q: 'quarter',
  month: 'month',
  mm: 'month',
  m: 'month',
  dayofyear: 'dayofyear',
  dy: 'dayofyear',
  y: 'dayofyear',
  day: 'day',
  dd: 'day',
  d: 'day',
  week: 'week',
  wk: 'week',
  ww: 'week',
  iso_week: 'iso_week',
  isowk: 'iso_week',
  isoww: 'iso_week',
  weekday: 'weekday',
  dw: 'weekday',
  w: 'weekday',
  hour: 'hour',
  hh: 'hour',
  minute: 'minute',
  mi: 'minute',
  n: 'minute',
  second: 'second',
  ss: 'second',
  s: 'second',
  millisecond: 'millisecond',
  ms: 'millisecond',
  microsecond: 'microsecond',
  mcs: 'microsecond',
  nanosecond: 'nanosecond',
  ns: 'nanosecond',
  tzoffset: 'tzoffset',
  tz: 'tzoffset',
};

/** Ticks of the parts with a fixed length; nanosecond is below one tick. */
const UNIT_TICKS: Record<string, bigint> = {
  week: 7n * TICKS_PER_DAY,
  day: TICKS_PER_DAY,
  dayofyear: TICKS_PER_DAY,
  weekday: TICKS_PER_DAY,
  hour: 36_000_000_000n,
  minute: TICKS_PER_MINUTE,
  second: 10_000_000n,
  millisecond: 10_000n,
  microsecond: 10n,
};

/** Functions whose first argument is a date part, not an expression. */
export const PART_FUNCTIONS = new Set([
  'dateadd',
  'datediff',
  'datediff_big',
  'datepart',
  'datename',
  'datetrunc',
]);

/** @throws SqlError 155 for a word that is no date part, 174 for a wrong number of arguments */
export function bindPartFunction(
  name: string,
  part: Expression | undefined,
  args: readonly Compiled[],
): Compiled {
  const expected = name === 'datepart' || name === 'datename' || name === 'datetrunc' ? 1 : 2;
  if (args.length !== expected)
    throw new SqlError(174, `The ${name} function requires ${expected + 1} argument(s).`, { severity: 15 });
  const word = part?.kind === 'column' && part.path.length === 1 ? (part.path[0] ?? '') : '';
  const unit = PARTS[word.toLowerCase()];
  if (unit === undefined) {
    throw new SqlError(155, `'${word}' is not a recognized ${name} option.`, { severity: 15 });
  }
  const [first, second] = args;
  if (first === undefined)
    throw new SqlError(174, `The ${name} function requires arguments.`, { severity: 15 });
  switch (name) {
    case 'dateadd':
      return bindDateAdd(unit, first, second ?? first);
    case 'datediff':
    case 'datediff_big':
      return bindDateDiff(unit, first, second ?? first, name === 'datediff_big');
    case 'datename': {
      const value = dateArgument(first);
      return strictCall([value], nvarchar(30), (moment) => dateName(unit, moment));
    }
    case 'datetrunc': {
      const value = dateArgument(first);
      return strictCall([value], value.type, (moment) =>
        fromTicks(truncate(unit, localTicks(moment)), moment),
      );
    }
    default: {
      const value = dateArgument(first);
      return strictCall([value], INT, (moment) => datePart(unit, moment));
    }
  }
}

/** Text becomes datetimeoffset-capable datetime2(7); numbers become datetime. */
function dateArgument(value: Compiled): Compiled {
  if (value.untyped === true) return coerce(value, DATETIME);
  if (isDate(value.type)) return value;
  if (isString(value.type)) return coerce(value, datetime2(7));
  return coerce(value, DATETIME);
}

function localTicks(value: SqlScalar): bigint {
  if (value instanceof SqlDateTime) return value.ticks;
  if (value instanceof SqlTime) return BigInt(DAY_1900) * TICKS_PER_DAY + value.ticks;
  if (value instanceof SqlDateTimeOffset)
    return value.utcTicks + BigInt(value.offsetMinutes) * TICKS_PER_MINUTE;
  return 0n;
}

function fromTicks(ticks: bigint, like: SqlScalar): SqlScalar {
  if (like instanceof SqlTime)
    return new SqlTime(((timeOf(ticks) % TICKS_PER_DAY) + TICKS_PER_DAY) % TICKS_PER_DAY);
  if (like instanceof SqlDateTimeOffset) {
    return new SqlDateTimeOffset(ticks - BigInt(like.offsetMinutes) * TICKS_PER_MINUTE, like.offsetMinutes);
  }
  return new SqlDateTime(ticks);
}

function bindDateAdd(unit: string, amount: Compiled, date: Compiled): Compiled {
  const value = isString(date.type) ? coerce(date, DATETIME) : dateArgument(date);
  const type = value.type;
  return strictCall([coerce(amount, BIGINT), value], type, (count, moment) => {
    if (moment === undefined) return null;
    const ticks = addTo(localTicks(moment), unit, BigInt(String(count)));
    if (ticks < 0n || ticks >= END_OF_TIME) throw dateOverflow(typeName(type));
    return fromTicks(type.kind === 'datetime' ? roundToDatetime(ticks) : ticks, moment);
  });
}

export function addTo(ticks: bigint, unit: string, count: bigint): bigint {
  const fixed = UNIT_TICKS[unit];
  if (fixed !== undefined) return ticks + fixed * count;
  if (unit === 'nanosecond') return ticks + count / 100n;
  const months = Number(count) * (unit === 'year' ? 12 : unit === 'quarter' ? 3 : 1);
  const { year, month, day } = dateParts(ticks);
  const index = year * 12 + month - 1 + months;
  const newYear = Math.floor(index / 12);
  if (newYear < 1 || newYear > 9999) throw dateOverflow('datetime');
  const newMonth = (index % 12) + 1;
  const clamped = Math.min(day, daysInMonth(newYear, newMonth));
  return ticksOf({ year: newYear, month: newMonth, day: clamped }) + timeOf(ticks);
}

function bindDateDiff(unit: string, start: Compiled, end: Compiled, big: boolean): Compiled {
  return strictCall([dateArgument(start), dateArgument(end)], big ? BIGINT : INT, (from, to) => {
    if (from === undefined || to === undefined) return null;
    const difference = boundaries(unit, utcOrLocal(from), utcOrLocal(to));
    if (big) return difference;
    if (difference > 2_147_483_647n || difference < -2_147_483_648n) {
      throw new SqlError(
        535,
        'The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is too large. Try to use datediff with a less precise datepart.',
      );
    }
    return Number(difference);
  });
}

const utcOrLocal = (value: SqlScalar): bigint =>
  value instanceof SqlDateTimeOffset ? value.utcTicks : localTicks(value);

/** DATEDIFF counts the boundaries crossed. */
function boundaries(unit: string, from: bigint, to: bigint): bigint {
  if (unit === 'nanosecond') return (to - from) * 100n;
  if (unit === 'week') return weekIndex(to) - weekIndex(from);
  const fixed = UNIT_TICKS[unit];
  if (fixed !== undefined) return to / fixed - from / fixed;
  const a = dateParts(from);
  const b = dateParts(to);
  if (unit === 'year') return BigInt(b.year - a.year);
  const months = (b.year - a.year) * 12 + b.month - a.month;
  if (unit === 'quarter') {
    return BigInt((b.year - a.year) * 4 + Math.ceil(b.month / 3) - Math.ceil(a.month / 3));
  }
  return BigInt(months);
}

/** Weeks begin on Sunday for DATEDIFF; 0001-01-01 was a Monday. */
const weekIndex = (ticks: bigint): bigint => BigInt(Math.floor((daysOf(ticks) + 1) / 7));

/** 0 = Monday */
const weekdayIndex = (ticks: bigint): number => daysOf(ticks) % 7;

function datePart(unit: string, moment: SqlScalar | undefined): number | null {
  if (moment === undefined) return null;
  const ticks = localTicks(moment);
  const { year, month, day } = dateParts(ticks);
  const time = timeParts(ticks);
  switch (unit) {
    case 'year':
      return year;
    case 'quarter':
      return Math.ceil(month / 3);
    case 'month':
      return month;
    case 'day':
      return day;
    case 'dayofyear':
      return daysOf(ticks) - daysFromDate(year, 1, 1) + 1;
    case 'week': {
      const first = daysFromDate(year, 1, 1);
      return Math.floor((daysOf(ticks) - first + ((first + 1) % 7)) / 7) + 1;
    }
    case 'iso_week':
      return isoWeek(daysOf(ticks));
    case 'weekday':
      // DATEFIRST 7: Sunday is 1.
      return ((weekdayIndex(ticks) + 1) % 7) + 1;
    case 'hour':
      return time.hour;
    case 'minute':
      return time.minute;
    case 'second':
      return time.second;
    case 'millisecond':
      return Math.floor(time.fraction / 10_000);
    case 'microsecond':
      return Math.floor(time.fraction / 10);
    case 'nanosecond':
      return time.fraction * 100;
    default:
      return moment instanceof SqlDateTimeOffset ? moment.offsetMinutes : 0;
  }
}

function isoWeek(days: number): number {
  const thursday = days - (days % 7) + 3;
  const { year } = dateParts(BigInt(thursday) * TICKS_PER_DAY);
  return Math.floor((thursday - daysFromDate(year, 1, 1)) / 7) + 1;
}

function dateName(unit: string, moment: SqlScalar | undefined): string | null {
  if (moment === undefined) return null;
  if (unit === 'month') return MONTHS[dateParts(localTicks(moment)).month - 1] ?? null;
  if (unit === 'weekday') return WEEKDAYS[weekdayIndex(localTicks(moment))] ?? null;
  if (unit === 'tzoffset') return offsetText(moment instanceof SqlDateTimeOffset ? moment.offsetMinutes : 0);
  return String(datePart(unit, moment));
}

function truncate(unit: string, ticks: bigint): bigint {
  const { year, month } = dateParts(ticks);
  if (unit === 'year') return ticksOf({ year, month: 1, day: 1 });
  if (unit === 'quarter') return ticksOf({ year, month: Math.floor((month - 1) / 3) * 3 + 1, day: 1 });
  if (unit === 'month') return ticksOf({ year, month, day: 1 });
  if (unit === 'week') return (ticks / TICKS_PER_DAY - BigInt((weekdayIndex(ticks) + 1) % 7)) * TICKS_PER_DAY;
  if (unit === 'iso_week') return (ticks / TICKS_PER_DAY - BigInt(weekdayIndex(ticks))) * TICKS_PER_DAY;
  const fixed = UNIT_TICKS[unit] ?? 1n;
  return (ticks / fixed) * fixed;
}

const clock = (type: SqlType) =>
  define(0, 0, (_, context: CompileContext) => ({
    type,
    nullable: false,
    evaluate: () => {
      const now = context.environment.now;
      return type.kind === 'datetimeoffset'
        ? new SqlDateTimeOffset(now.ticks, 0)
        : convert(now, datetime2(7), type);
    },
  }));

const part = (unit: string) =>
  define(1, 1, ([value]) =>
    bindPartFunction('datepart', { kind: 'column', path: [unit] }, value === undefined ? [] : [value]),
  );

export const DATE_FUNCTIONS: Definitions = {
  getdate: clock(DATETIME),
  getutcdate: clock(DATETIME),
  current_timestamp: clock(DATETIME),
  sysdatetime: clock(datetime2(7)),
  sysutcdatetime: clock(datetime2(7)),
  sysdatetimeoffset: clock({ kind: 'datetimeoffset', scale: 7 }),
  year: part('year'),
  month: part('month'),
  day: part('day'),
  eomonth: define(1, 2, ([date, months]) => {
    const value = dateArgument(date ?? numberArgument(undefined, DATETIME));
    const shift =
      months === undefined
        ? numberArgument({ type: INT, nullable: false, evaluate: () => 0 }, INT)
        : coerce(months, INT);
    return strictCall([value, shift], { kind: 'date' }, (moment, count) => {
      if (moment === undefined) return null;
      const { year, month } = dateParts(addTo(localTicks(moment), 'month', BigInt(Number(count))));
      return new SqlDateTime(ticksOf({ year, month, day: daysInMonth(year, month) }));
    });
  }),
  datefromparts: define(3, 3, (args) =>
    strictCall(
      args.map((argument) => coerce(argument, INT)),
      { kind: 'date' },
      (year, month, day) => new SqlDateTime(dateFromParts(Number(year), Number(month), Number(day), 'date')),
    ),
  ),
  datetimefromparts: define(7, 7, (args) =>
    strictCall(
      args.map((argument) => coerce(argument, INT)),
      DATETIME,
      (...values) => {
        const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = values.map(Number);
        const time = timeFromParts(hour, minute, second, ms * 10_000, 'datetime');
        return new SqlDateTime(roundToDatetime(dateFromParts(year, month, day, 'datetime') + time));
      },
    ),
  ),
  datetime2fromparts: define(8, 8, (args) =>
    strictCall(
      args.map((argument) => coerce(argument, INT)),
      datetime2(7),
      (...values) => {
        const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0, precision = 0] =
          values.map(Number);
        const time = timeFromParts(hour, minute, second, fraction * 10 ** (7 - precision), 'datetime2');
        return new SqlDateTime(dateFromParts(year, month, day, 'datetime2') + time);
      },
    ),
  ),
  isdate: define(1, 1, ([value]) => ({
    type: INT,
    nullable: false,
    evaluate: (frame) => {
      const text = value?.evaluate(frame) ?? null;
      if (text === null || value === undefined) return 0;
      try {
        convert(text, value.type, DATETIME, { explicit: true });
        return 1;
      } catch {
        return 0;
      }
    },
  })),
  switchoffset: define(2, 2, ([value, zone]) => {
    const type: SqlType = { kind: 'datetimeoffset', scale: 7 };
    return strictCall(
      [numberArgument(value, type), numberArgument(zone, nvarchar(10))],
      type,
      (moment, text) =>
        moment instanceof SqlDateTimeOffset
          ? new SqlDateTimeOffset(moment.utcTicks, offsetFromText(String(text)))
          : null,
    );
  }),
  todatetimeoffset: define(2, 2, ([value, zone]) => {
    const type: SqlType = { kind: 'datetimeoffset', scale: 7 };
    return strictCall(
      [numberArgument(value, datetime2(7)), numberArgument(zone, nvarchar(10))],
      type,
      (moment, text) => {
        const offset = offsetFromText(String(text));
        return moment === undefined
          ? null
          : new SqlDateTimeOffset(localTicks(moment) - BigInt(offset) * TICKS_PER_MINUTE, offset);
      },
    );
  }),
};

function offsetFromText(text: string): number {
  const match = /^([+-])(\d{2}):(\d{2})$/.exec(text.trim());
  if (match === null && !/^-?\d+$/.test(text)) {
    throw new SqlError(9812, 'The timezone provided to builtin function switchoffset is invalid.');
  }
  if (match === null) return Number(text);
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === '-' ? -minutes : minutes;
}

function badParts(type: string): SqlError {
  return new SqlError(
    289,
    `Cannot construct data type ${type}, some of the arguments have values which are not valid.`,
  );
}

function dateFromParts(year: number, month: number, day: number, type: string): bigint {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month))
    throw badParts(type);
  return ticksOf({ year, month, day });
}

function timeFromParts(hour: number, minute: number, second: number, fraction: number, type: string): bigint {
  if (
    hour < 0 ||
    hour > 23 ||
    minute < 0 ||
    minute > 59 ||
    second < 0 ||
    second > 59 ||
    fraction < 0 ||
    fraction >= 10_000_000
  ) {
    throw badParts(type);
  }
  return ticksOfTime({ hour, minute, second, fraction });
}
