import { SqlDateTime, SqlDateTimeOffset, SqlDecimal, type SqlScalar, SqlTime, type SqlType } from '../types';
import {
  DAY_1753,
  DAY_1900,
  END_OF_TIME,
  roundTicks,
  roundToDatetime,
  roundToMinute,
  TICKS_PER_DAY,
  TICKS_PER_MINUTE,
  timeOf,
} from './calendar';
import { numberOf } from './compare';
import { parseMoment } from './date-text';
import { isNumeric, isString, typeName } from './typing';
import { badDate, dateOutOfRange, overflow, typeClash } from './value-errors';

const TICKS_1900 = BigInt(DAY_1900) * TICKS_PER_DAY;
const TICKS_1753 = BigInt(DAY_1753) * TICKS_PER_DAY;
/** One past 2079-06-06, the last day of smalldatetime. */
const END_OF_SMALL = TICKS_1900 + 65_536n * TICKS_PER_DAY;

interface Moment {
  /** Local ticks. */
  readonly ticks: bigint;
  readonly offsetMinutes: number;
}

/** Converts to a date or time type. */
export function toDateKind(value: SqlScalar, from: SqlType, to: SqlType, style: number): SqlScalar {
  const moment = momentOf(value, from, to, style);
  switch (to.kind) {
    case 'date':
      return new SqlDateTime(moment.ticks - timeOf(moment.ticks));
    case 'time':
      return new SqlTime(roundTicks(timeOf(moment.ticks), to.scale) % TICKS_PER_DAY);
    case 'datetime':
      return new SqlDateTime(bounded(roundToDatetime(moment.ticks), TICKS_1753, END_OF_TIME, from, to));
    case 'smalldatetime':
      return new SqlDateTime(bounded(roundToMinute(moment.ticks), TICKS_1900, END_OF_SMALL, from, to));
    case 'datetime2':
      return new SqlDateTime(bounded(roundTicks(moment.ticks, to.scale), 0n, END_OF_TIME, from, to));
    case 'datetimeoffset': {
      const local = roundTicks(moment.ticks, to.scale);
      return new SqlDateTimeOffset(
        local - BigInt(moment.offsetMinutes) * TICKS_PER_MINUTE,
        moment.offsetMinutes,
      );
    }
    default:
      throw typeClash(typeName(from), typeName(to));
  }
}

function bounded(ticks: bigint, low: bigint, end: bigint, from: SqlType, to: SqlType): bigint {
  if (ticks < low || ticks >= end) throw dateOutOfRange(typeName(from), typeName(to));
  return ticks;
}

function momentOf(value: SqlScalar, from: SqlType, to: SqlType, style: number): Moment {
  if (value instanceof SqlDateTime) return { ticks: value.ticks, offsetMinutes: 0 };
  if (value instanceof SqlTime) return { ticks: TICKS_1900 + value.ticks, offsetMinutes: 0 };
  if (value instanceof SqlDateTimeOffset) {
    return {
      ticks: value.utcTicks + BigInt(value.offsetMinutes) * TICKS_PER_MINUTE,
      offsetMinutes: value.offsetMinutes,
    };
  }
  if (isString(from) && typeof value === 'string') return fromText(value, from, to, style);
  if (
    isNumeric(from) &&
    (typeof value === 'number' ||
      typeof value === 'bigint' ||
      typeof value === 'boolean' ||
      value instanceof SqlDecimal)
  ) {
    return fromDays(numberOf(value), to);
  }
  throw typeClash(typeName(from), typeName(to));
}

function fromText(text: string, from: SqlType, to: SqlType, style: number): Moment {
  const parsed = parseMoment(text, style);
  const old = to.kind === 'datetime' || to.kind === 'smalldatetime';
  if (parsed === 'range') throw old ? dateOutOfRange(typeName(from), typeName(to)) : badDate();
  if (parsed === undefined) throw badDate();
  if (old && parsed.offsetMinutes !== undefined && parsed.offsetMinutes !== 0) throw badDate();
  return { ticks: (parsed.day ?? TICKS_1900) + parsed.time, offsetMinutes: parsed.offsetMinutes ?? 0 };
}

/** Numbers are days since 1900-01-01 for datetime. */
function fromDays(days: number, to: SqlType): Moment {
  const whole = Math.floor(days);
  const ticks =
    TICKS_1900 + BigInt(whole) * TICKS_PER_DAY + BigInt(Math.round((days - whole) * Number(TICKS_PER_DAY)));
  if (ticks < TICKS_1753 || ticks >= END_OF_TIME) throw overflow('expression', typeName(to));
  return { ticks, offsetMinutes: 0 };
}
