/** Conversion of values between SQL types: CAST, CONVERT with styles, and the implicit conversions. */
import { SqlError } from '../errors';
import { type SqlScalar, type SqlType, type SqlValue, SqlVariant } from '../types';
import { toBinary } from './to-binary';
import { toDateKind } from './to-date';
import { toNumber } from './to-number';
import { toText } from './to-text';
import { isBinary, isDate, isNumeric, isString, typeName } from './typing';
import { badGuid, explicitNotAllowed, implicitNotAllowed, typeClash } from './value-errors';

export interface ConvertOptions {
  /** CONVERT's style. */
  readonly style?: number;
  /** What happens to text that is too long: CAST and variables cut it, columns refuse it elsewhere. */
  readonly explicit?: boolean;
}

/**
 * Converts one value.
 * @throws SqlError 245, 8114, 8115, 220, 241, 242, 8169, 529 ... as the server would.
 */
export function convert(value: SqlValue, from: SqlType, to: SqlType, options: ConvertOptions = {}): SqlValue {
  if (value === null) return null;
  if (value instanceof SqlVariant) return convertScalar(value.value, value.type, to, options);
  return convertScalar(value, from, to, options);
}

function convertScalar(value: SqlScalar, from: SqlType, to: SqlType, options: ConvertOptions): SqlValue {
  const style = options.style ?? 0;
  if (to.kind === 'sql_variant') return new SqlVariant(from, value);
  if (isNumeric(to)) return toNumber(value, from, to);
  if (isString(to)) return toText(value, from, to, style);
  if (isDate(to)) return toDateKind(value, from, to, style);
  if (isBinary(to)) return toBinary(value, from, to, style);
  return toGuid(value, from);
}

const GUID_PATTERN = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?/i;

function toGuid(value: SqlScalar, from: SqlType): string {
  if (from.kind === 'uniqueidentifier') return String(value);
  if (typeof value === 'string') {
    const match = GUID_PATTERN.exec(value.trim());
    if (match === null) throw badGuid();
    return (match[1] ?? '').toUpperCase();
  }
  if (value instanceof Uint8Array) return guidFromBytes(value);
  throw typeClash(typeName(from), 'uniqueidentifier');
}

/** The first three groups are stored with their low byte first. */
export function guidFromBytes(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).subarray(0, 16).toString('hex').padEnd(32, '0').toUpperCase();
  const swap = (part: string): string => (part.match(/../g) ?? []).reverse().join('');
  const head = `${swap(hex.slice(0, 8))}-${swap(hex.slice(8, 12))}-${swap(hex.slice(12, 16))}`;
  return `${head}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

type Compatibility = 'free' | 'explicit' | 'never';

/** The conversion table of "CAST and CONVERT (Transact-SQL)", as far as the estate's types go. */
function compatibility(from: SqlType, to: SqlType): Compatibility {
  if (from.kind === to.kind || to.kind === 'sql_variant') return 'free';
  if (from.kind === 'sql_variant')
    return to.kind === 'xml' || to.kind.endsWith('text') ? 'never' : 'explicit';
  if (isString(from)) return isBinary(to) ? 'explicit' : 'free';
  if (isString(to)) return isBinary(from) && to.kind === 'xml' ? 'explicit' : 'free';
  if (isBinary(from)) return from.kind === 'image' && isDate(to) ? 'never' : 'free';
  if (isBinary(to)) return isDate(from) ? 'explicit' : 'free';
  if (isNumeric(from) && isNumeric(to)) return 'free';
  if (isDate(from) && isDate(to)) {
    const dateToTime =
      (from.kind === 'date' && to.kind === 'time') || (from.kind === 'time' && to.kind === 'date');
    return dateToTime ? 'never' : 'free';
  }
  const oldDate = (type: SqlType): boolean => type.kind === 'datetime' || type.kind === 'smalldatetime';
  if (isNumeric(from) && oldDate(to)) return 'free';
  if (oldDate(from) && isNumeric(to)) return 'explicit';
  return 'never';
}

/**
 * A converter chosen once for a pair of types, so that rows pay only for the work itself.
 * @throws SqlError 257 or 206 for an implicit conversion that does not exist, 529 for an explicit one.
 */
export function converter(
  from: SqlType,
  to: SqlType,
  options: ConvertOptions = {},
): ((value: SqlValue) => SqlValue) | undefined {
  const allowed = compatibility(from, to);
  if (allowed === 'never') {
    throw options.explicit === true
      ? explicitNotAllowed(typeName(from), typeName(to))
      : typeClash(typeName(from), typeName(to));
  }
  if (allowed === 'explicit' && options.explicit !== true) {
    throw implicitNotAllowed(typeName(from), typeName(to));
  }
  if (keepsValue(from, to)) return undefined;
  return (value) => convert(value, from, to, options);
}

/** True when every value of `from` is already a value of `to`. */
function keepsValue(from: SqlType, to: SqlType): boolean {
  if (from === to) return true;
  if (from.kind !== to.kind) return keepsText(from, to);
  if ('length' in from && 'length' in to) {
    if (from.kind === 'char' || from.kind === 'nchar' || from.kind === 'binary')
      return from.length === to.length;
    return to.length === 'max' || (from.length !== 'max' && from.length <= to.length);
  }
  if (from.kind === 'decimal' && to.kind === 'decimal') {
    return from.scale === to.scale && from.precision <= to.precision;
  }
  if ('scale' in from && 'scale' in to) return from.scale <= to.scale;
  return true;
}

function keepsText(from: SqlType, to: SqlType): boolean {
  if (from.kind !== 'varchar' || to.kind !== 'nvarchar') return false;
  return to.length === 'max' || (from.length !== 'max' && from.length <= to.length);
}

/** TRY_CAST and TRY_CONVERT swallow errors of values, not those of types that have no conversion. */
export const isConversionError = (error: unknown): boolean =>
  error instanceof SqlError && [220, 241, 242, 244, 245, 248, 8114, 8115, 8169, 234].includes(error.number);
