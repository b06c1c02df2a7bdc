import { SqlDateTime, SqlDecimal, type SqlScalar, type SqlType } from '../types';
import { DAY_1900, TICKS_PER_DAY } from './calendar';
import { fitDecimal, parseDecimal, powerOfTen, rescale, truncateDecimal } from './decimals';
import { asDecimal, isBinary, isString, typeName } from './typing';
import {
  conversionFailed,
  errorConverting,
  integerStringOverflow,
  overflow,
  smallOverflow,
  typeClash,
} from './value-errors';

/** Bounds of the integer types. */
const RANGES = {
  tinyint: [0, 255],
  smallint: [-32_768, 32_767],
  int: [-2_147_483_648, 2_147_483_647],
} as const;
const BIGINT_LIMIT = 1n << 63n;
const FLOAT_PATTERN = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/;

/** Converts to one of the numeric types. */
export function toNumber(value: SqlScalar, from: SqlType, to: SqlType): SqlScalar {
  switch (to.kind) {
    case 'bit':
      return toBit(value, from);
    case 'tinyint':
    case 'smallint':
    case 'int':
      return toSmallInteger(value, from, to.kind);
    case 'bigint':
      return checkBigint(wholeNumber(value, from, 'bigint'), from);
    case 'real':
      return Math.fround(toFloat(value, from, 'real'));
    case 'float':
      return toFloat(value, from, 'float');
    case 'decimal':
      return fitDecimal(
        toDecimal(value, from, to.scale),
        to.precision,
        to.scale,
        isString(from) ? typeName(from) : undefined,
      );
    case 'money':
    case 'smallmoney':
      return toMoney(value, from, to.kind);
    default:
      throw typeClash(typeName(from), typeName(to));
  }
}

function toBit(value: SqlScalar, from: SqlType): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return textToBit(value, from);
  if (value instanceof SqlDecimal) return value.unscaled !== 0n;
  if (value instanceof Uint8Array) return value.some((byte) => byte !== 0);
  return Number(value) !== 0;
}

function textToBit(value: string, from: SqlType): boolean {
  const text = value.trim().toLowerCase();
  if (text === 'true') return true;
  if (text === 'false' || text === '') return false;
  if (/^[+-]?\d+$/.test(text)) return !/^[+-]?0+$/.test(text);
  throw conversionFailed(typeName(from), value, 'bit');
}

function toSmallInteger(value: SqlScalar, from: SqlType, kind: 'tinyint' | 'smallint' | 'int'): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const whole =
    typeof value === 'number' && Number.isInteger(value) ? value : Number(wholeNumber(value, from, kind));
  const [low, high] = RANGES[kind];
  if (whole >= low && whole <= high) return whole;
  if (typeof value === 'string') throw integerStringOverflow(typeName(from), value, kind);
  if (kind === 'int' || from.kind === 'decimal' || from.kind === 'float') {
    throw overflow(from.kind === 'bigint' ? 'expression' : typeName(from), kind);
  }
  throw smallOverflow(kind, String(whole));
}

/** Decimals and floats lose their fraction; text must be a whole number. */
function wholeNumber(value: SqlScalar, from: SqlType, kind: string): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw overflow(typeName(from), kind);
    return BigInt(Math.trunc(value));
  }
  if (value instanceof SqlDecimal) {
    const money = from.kind === 'money' || from.kind === 'smallmoney';
    return money ? rescale(value.unscaled, value.scale, 0) : truncateDecimal(value);
  }
  if (typeof value === 'string') {
    const text = value.trim();
    if (text === '') return 0n;
    if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace('+', ''));
    throw kind === 'bigint'
      ? errorConverting(typeName(from), kind)
      : conversionFailed(typeName(from), value, kind);
  }
  if (value instanceof Uint8Array) return binaryToInteger(value, kind);
  if (value instanceof SqlDateTime) return BigInt(Math.round(daysSince1900(value)));
  throw typeClash(typeName(from), kind);
}

function binaryToInteger(bytes: Uint8Array, kind: string): bigint {
  const width = kind === 'bigint' ? 8 : kind === 'int' ? 4 : kind === 'smallint' ? 2 : 1;
  const tail = Buffer.from(bytes).subarray(Math.max(0, bytes.length - width));
  const unsigned = tail.length === 0 ? 0n : BigInt(`0x${tail.toString('hex')}`);
  return kind === 'tinyint' || tail.length < width ? unsigned : BigInt.asIntN(width * 8, unsigned);
}

const daysSince1900 = (value: SqlDateTime): number =>
  Number(value.ticks - BigInt(DAY_1900) * TICKS_PER_DAY) / Number(TICKS_PER_DAY);

function checkBigint(value: bigint, from: SqlType): bigint {
  if (value >= -BIGINT_LIMIT && value < BIGINT_LIMIT) return value;
  throw overflow(isString(from) ? typeName(from) : 'expression', 'bigint');
}

function toFloat(value: SqlScalar, from: SqlType, kind: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value);
  if (value instanceof SqlDecimal) return Number(value.unscaled) / Number(powerOfTen(value.scale));
  if (typeof value === 'string') {
    if (value.trim() === '') return 0;
    if (!FLOAT_PATTERN.test(value)) throw errorConverting(typeName(from), kind);
    return Number(value);
  }
  if (value instanceof SqlDateTime) return daysSince1900(value);
  throw typeClash(typeName(from), kind);
}

function toDecimal(value: SqlScalar, from: SqlType, scale: number): SqlDecimal {
  if (value instanceof SqlDecimal) return value;
  if (typeof value === 'bigint') return new SqlDecimal(value, 0);
  if (typeof value === 'boolean') return new SqlDecimal(value ? 1n : 0n, 0);
  if (typeof value === 'number') return numberToDecimal(value, scale);
  if (typeof value === 'string') {
    const parsed = parseDecimal(value);
    if (parsed === undefined) throw errorConverting(typeName(from), 'numeric');
    return parsed;
  }
  if (value instanceof SqlDateTime) return numberToDecimal(daysSince1900(value), scale);
  if (isBinary(from) && value instanceof Uint8Array)
    return new SqlDecimal(binaryToInteger(value, 'bigint'), 0);
  throw typeClash(typeName(from), 'numeric');
}

function numberToDecimal(value: number, scale: number): SqlDecimal {
  if (Number.isInteger(value)) return new SqlDecimal(BigInt(value), 0);
  if (!Number.isFinite(value) || Math.abs(value) >= 1e38) throw overflow('float', 'numeric');
  return parseDecimal(plainNumber(value, scale)) ?? new SqlDecimal(0n, 0);
}

function plainNumber(value: number, scale: number): string {
  if (Math.abs(value) >= 1e21) return BigInt(value).toString();
  return value.toFixed(Math.min(scale + 2, 38));
}

const MONEY_LIMITS = { money: 1n << 63n, smallmoney: 1n << 31n } as const;

function toMoney(value: SqlScalar, from: SqlType, kind: 'money' | 'smallmoney'): SqlDecimal {
  const source =
    typeof value === 'string' ? parseDecimal(value.replace(/[$,]/g, '')) : toDecimal(value, from, 4);
  // "Cannot convert a char value to money. The char value has incorrect syntax."
  if (source === undefined) throw errorConverting(typeName(from), kind);
  const unscaled = rescale(source.unscaled, source.scale, asDecimal({ kind }).scale);
  const limit = MONEY_LIMITS[kind];
  if (unscaled >= limit || unscaled < -limit) throw overflow('expression', kind);
  return new SqlDecimal(unscaled, 4);
}
