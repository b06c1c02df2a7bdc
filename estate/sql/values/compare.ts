/** Equality, order and hash keys of values. Collation: case-insensitive, accent-sensitive, trailing blanks ignored. */
import {
  SqlDateTime,
  SqlDateTimeOffset,
  SqlDecimal,
  type SqlScalar,
  SqlTime,
  type SqlType,
  type SqlValue,
  SqlVariant,
} from '../types';
import { compareDecimals, decimalToNumber, formatDecimal } from './decimals';

/** Case folding and padding of the collation; two strings are equal when their folds are. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  return lower.endsWith(' ') ? lower.replace(/ +$/, '') : lower;
}

export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const left = fold(a);
  const right = fold(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** uniqueidentifier sorts by its last group first (documented order of SqlGuid). */
function compareGuids(a: string, b: string): number {
  if (a === b) return 0;
  const left = guidKey(a);
  const right = guidKey(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function guidKey(guid: string): string {
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = guid.toUpperCase().split('-');
  return fifth + fourth + reverseBytes(third) + reverseBytes(second) + reverseBytes(first);
}

const reverseBytes = (hex: string): string => (hex.match(/../g) ?? []).reverse().join('');

/** Shorter binaries compare as if zero bytes followed. */
export function compareBinaries(a: Uint8Array, b: Uint8Array): number {
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const order = (a: bigint | number, b: bigint | number): number => (a < b ? -1 : a > b ? 1 : 0);

/** Compares two values of one representation (same SQL type, or converted to it). */
export function compareScalars(a: SqlScalar, b: SqlScalar): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'bigint' && typeof b === 'bigint') return order(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof SqlDateTime && b instanceof SqlDateTime) return order(a.ticks, b.ticks);
  if (a instanceof SqlDecimal && b instanceof SqlDecimal) return compareDecimals(a, b);
  if (a instanceof SqlDateTimeOffset && b instanceof SqlDateTimeOffset) return order(a.utcTicks, b.utcTicks);
  if (a instanceof SqlTime && b instanceof SqlTime) return order(a.ticks, b.ticks);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBinaries(a, b);
  if (a instanceof SqlVariant && b instanceof SqlVariant) return compareVariants(a, b);
  return 0;
}

export type Comparer = (a: SqlScalar, b: SqlScalar) => number;

export function comparerFor(type: SqlType): Comparer {
  if (type.kind === 'uniqueidentifier') return (a, b) => compareGuids(String(a), String(b));
  return compareScalars;
}

/** NULL sorts first. */
export function compareNullable(a: SqlValue, b: SqlValue, compare: Comparer): number {
  if (a === null) return b === null ? 0 : -1;
  return b === null ? 1 : compare(a, b);
}

/** Families of sql_variant, highest first ("sql_variant (Transact-SQL)", comparisons). */
function familyOf(type: SqlType): number {
  switch (type.kind) {
    case 'sql_variant':
      return 9;
    case 'date':
    case 'time':
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2':
    case 'datetimeoffset':
      return 8;
    case 'float':
    case 'real':
      return 7;
    case 'decimal':
    case 'money':
    case 'smallmoney':
    case 'bigint':
    case 'int':
    case 'smallint':
    case 'tinyint':
    case 'bit':
      return 6;
    case 'char':
    case 'varchar':
    case 'nchar':
    case 'nvarchar':
    case 'text':
    case 'ntext':
    case 'xml':
      return 5;
    case 'binary':
    case 'varbinary':
    case 'image':
      return 4;
    case 'uniqueidentifier':
      return 3;
  }
}

function compareVariants(a: SqlVariant, b: SqlVariant): number {
  const family = familyOf(a.type);
  if (family !== familyOf(b.type)) return family - familyOf(b.type);
  if (family === 6) return compareDecimals(exactNumber(a.value), exactNumber(b.value));
  if (family === 8) return order(instant(a.value), instant(b.value));
  return comparerFor(a.type)(a.value, b.value);
}

function exactNumber(value: SqlScalar): SqlDecimal {
  if (value instanceof SqlDecimal) return value;
  return new SqlDecimal(BigInt(typeof value === 'bigint' ? value : Number(value)), 0);
}

function instant(value: SqlScalar): bigint {
  if (value instanceof SqlDateTimeOffset) return value.utcTicks;
  return value instanceof SqlDateTime || value instanceof SqlTime ? value.ticks : 0n;
}

export type HashKey = string | number | bigint | boolean | null;

/** Key of a value in a Map: equal for values that compare equal. */
export function hashKey(value: SqlValue): HashKey {
  if (
    value === null ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    typeof value === 'boolean'
  ) {
    return value;
  }
  if (typeof value === 'string') return fold(value);
  if (value instanceof SqlDateTime || value instanceof SqlTime) return value.ticks;
  if (value instanceof SqlDateTimeOffset) return value.utcTicks;
  if (value instanceof SqlDecimal) return decimalKey(value);
  if (value instanceof SqlVariant) return variantKey(value);
  return Buffer.from(value)
    .toString('hex')
    .replace(/(00)+$/, '');
}

function decimalKey(value: SqlDecimal): string {
  const text = formatDecimal(value);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function variantKey(value: SqlVariant): string {
  const family = familyOf(value.type);
  const inner = family === 6 ? decimalKey(exactNumber(value.value)) : hashKey(value.value);
  return `${family}:${String(inner)}`;
}

/** Key of several values together. */
export function rowKey(values: readonly SqlValue[]): HashKey {
  if (values.length === 1) return hashKey(values[0] ?? null);
  let key = '';
  for (const value of values) {
    const part = hashKey(value);
    const text = part === null ? 'n' : `v${String(part)}`;
    key += `${text.length}:${text}`;
  }
  return key;
}

export const numberOf = (value: SqlScalar): number => {
  if (value instanceof SqlDecimal) return decimalToNumber(value);
  return Number(value);
};
