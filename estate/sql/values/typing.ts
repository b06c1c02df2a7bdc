/** SQL types: names, precedence and the type that two operands meet at. */
import { SqlError } from '../errors';
import type { SqlType } from '../types';

export const BIT: SqlType = { kind: 'bit' };
export const INT: SqlType = { kind: 'int' };
export const BIGINT: SqlType = { kind: 'bigint' };
export const FLOAT: SqlType = { kind: 'float' };
export const MONEY: SqlType = { kind: 'money' };
export const DATETIME: SqlType = { kind: 'datetime' };
export const VARIANT: SqlType = { kind: 'sql_variant' };
export const GUID: SqlType = { kind: 'uniqueidentifier' };
export const SYSNAME: SqlType = { kind: 'nvarchar', length: 128 };
export const decimal = (precision: number, scale: number): SqlType => ({ kind: 'decimal', precision, scale });
export const varchar = (length: number | 'max'): SqlType => ({ kind: 'varchar', length });
export const nvarchar = (length: number | 'max'): SqlType => ({ kind: 'nvarchar', length });
export const varbinary = (length: number | 'max'): SqlType => ({ kind: 'varbinary', length });
export const datetime2 = (scale: number): SqlType => ({ kind: 'datetime2', scale });

export type SqlKind = SqlType['kind'];

/** "Data Type Precedence (Transact-SQL)", highest first. */
const PRECEDENCE: readonly SqlKind[] = [
  'sql_variant',
  'xml',
  'datetimeoffset',
  'datetime2',
  'datetime',
  'smalldatetime',
  'date',
  'time',
  'float',
  'real',
  'decimal',
  'money',
  'smallmoney',
  'bigint',
  'int',
  'smallint',
  'tinyint',
  'bit',
  'ntext',
  'text',
  'image',
  'uniqueidentifier',
  'nvarchar',
  'nchar',
  'varchar',
  'char',
  'varbinary',
  'binary',
];
const RANK = new Map(PRECEDENCE.map((kind, index) => [kind, PRECEDENCE.length - index]));

export const rankOf = (type: SqlType): number => RANK.get(type.kind) ?? 0;

const STRINGS: ReadonlySet<SqlKind> = new Set<SqlKind>([
  'char',
  'varchar',
  'nchar',
  'nvarchar',
  'text',
  'ntext',
  'xml',
]);
const INTEGERS: ReadonlySet<SqlKind> = new Set<SqlKind>(['bit', 'tinyint', 'smallint', 'int', 'bigint']);
const NUMERICS: ReadonlySet<SqlKind> = new Set<SqlKind>([
  ...INTEGERS,
  'decimal',
  'money',
  'smallmoney',
  'float',
  'real',
]);
const DATES: ReadonlySet<SqlKind> = new Set<SqlKind>([
  'date',
  'time',
  'datetime',
  'smalldatetime',
  'datetime2',
  'datetimeoffset',
]);

export const isString = (type: SqlType): boolean => STRINGS.has(type.kind);
export const isInteger = (type: SqlType): boolean => INTEGERS.has(type.kind);
export const isNumeric = (type: SqlType): boolean => NUMERICS.has(type.kind);
export const isDate = (type: SqlType): boolean => DATES.has(type.kind);
export const isBinary = (type: SqlType): boolean =>
  type.kind === 'binary' || type.kind === 'varbinary' || type.kind === 'image';
export const isUnicode = (type: SqlType): boolean =>
  type.kind === 'nchar' || type.kind === 'nvarchar' || type.kind === 'ntext' || type.kind === 'xml';
export const isMoney = (type: SqlType): boolean => type.kind === 'money' || type.kind === 'smallmoney';

/** Name as messages show it: `numeric` for decimal. */
export const typeName = (type: SqlType): string => (type.kind === 'decimal' ? 'numeric' : type.kind);

/** Characters or bytes that a type can hold; 'max' for the large ones. */
export function lengthOf(type: SqlType): number | 'max' {
  if ('length' in type) return type.length;
  if (type.kind === 'text' || type.kind === 'ntext' || type.kind === 'image' || type.kind === 'xml')
    return 'max';
  return displayLength(type);
}

/** Characters needed to show a value of a type that is not a string ("CAST and CONVERT", truncation table). */
function displayLength(type: SqlType): number {
  switch (type.kind) {
    case 'bit':
      return 1;
    case 'tinyint':
      return 3;
    case 'smallint':
      return 6;
    case 'int':
      return 12;
    case 'bigint':
      return 24;
    case 'decimal':
      return type.precision + 3;
    case 'uniqueidentifier':
      return 36;
    default:
      return 50;
  }
}

/** Digits of an integer type when it meets a decimal ("Precision, scale, and length"). */
export function asDecimal(type: SqlType): { precision: number; scale: number } {
  switch (type.kind) {
    case 'decimal':
      return type;
    case 'bit':
      return { precision: 1, scale: 0 };
    case 'tinyint':
      return { precision: 3, scale: 0 };
    case 'smallint':
      return { precision: 5, scale: 0 };
    case 'int':
      return { precision: 10, scale: 0 };
    case 'bigint':
      return { precision: 19, scale: 0 };
    case 'money':
      return { precision: 19, scale: 4 };
    case 'smallmoney':
      return { precision: 10, scale: 4 };
    default:
      return { precision: 38, scale: 0 };
  }
}

const longer = (a: number | 'max', b: number | 'max'): number | 'max' =>
  a === 'max' || b === 'max' ? 'max' : Math.max(a, b);

/** Type that both operands are converted to in comparisons, CASE, COALESCE, UNION. */
export function commonType(a: SqlType, b: SqlType): SqlType {
  if (a === b) return a;
  if (isString(a) && isString(b)) return commonString(a, b);
  if (isBinary(a) && isBinary(b)) {
    return {
      kind: rankOf(a) >= rankOf(b) ? widenBinary(a) : widenBinary(b),
      length: longer(lengthOf(a), lengthOf(b)),
    };
  }
  const high = rankOf(a) >= rankOf(b) ? a : b;
  const low = high === a ? b : a;
  if (high.kind === 'decimal' && isNumeric(low)) return commonDecimal(high, low);
  if ('scale' in high && 'scale' in low && high.kind !== 'decimal' && low.kind !== 'decimal') {
    return { kind: high.kind, scale: Math.max(high.scale, low.scale) };
  }
  return high;
}

function widenBinary(type: SqlType): 'binary' | 'varbinary' {
  return type.kind === 'binary' ? 'binary' : 'varbinary';
}

function commonString(a: SqlType, b: SqlType): SqlType {
  const high = rankOf(a) >= rankOf(b) ? a : b;
  const length = longer(lengthOf(a), lengthOf(b));
  const varying = a.kind.includes('var') || b.kind.includes('var') || length === 'max';
  if (high.kind === 'xml' || high.kind === 'text' || high.kind === 'ntext') return high;
  const unicode = isUnicode(a) || isUnicode(b);
  if (varying) return { kind: unicode ? 'nvarchar' : 'varchar', length };
  return { kind: unicode ? 'nchar' : 'char', length };
}

function commonDecimal(a: SqlType, b: SqlType): SqlType {
  const left = asDecimal(a);
  const right = asDecimal(b);
  const scale = Math.max(left.scale, right.scale);
  const integers = Math.max(left.precision - left.scale, right.precision - right.scale);
  const precision = Math.min(38, integers + scale);
  return decimal(precision, Math.min(scale, Math.max(0, 38 - integers)));
}

/** @throws SqlError 243 for a type that does not exist, 1001/1002/2716-like refusals for bad arguments. */
export function typeFromName(name: string, args: readonly (number | 'max')[], line: number): SqlType {
  const type = knownType(name.toLowerCase(), args[0], args[1], line);
  if (type === undefined) {
    throw new SqlError(243, `Type ${name} is not a defined system type.`, { line });
  }
  return type;
}

type Arg = number | 'max' | undefined;

function knownType(name: string, first: Arg, second: Arg, line: number): SqlType | undefined {
  switch (name) {
    case 'bit':
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'real':
    case 'money':
    case 'smallmoney':
    case 'text':
    case 'ntext':
    case 'image':
    case 'xml':
    case 'uniqueidentifier':
    case 'date':
    case 'datetime':
    case 'smalldatetime':
    case 'sql_variant':
      return { kind: name };
    case 'integer':
      return INT;
    case 'float':
      return { kind: typeof first === 'number' && first <= 24 ? 'real' : 'float' };
    case 'decimal':
    case 'dec':
    case 'numeric':
      return decimalType(first, second, line);
    case 'char':
    case 'character':
      return { kind: 'char', length: fixed(name, first, 8000, line) };
    case 'varchar':
      return { kind: 'varchar', length: varying(name, first, 8000, line) };
    case 'nchar':
      return { kind: 'nchar', length: fixed(name, first, 4000, line) };
    case 'nvarchar':
      return { kind: 'nvarchar', length: varying(name, first, 4000, line) };
    case 'binary':
      return { kind: 'binary', length: fixed(name, first, 8000, line) };
    case 'varbinary':
      return { kind: 'varbinary', length: varying(name, first, 8000, line) };
    case 'sysname':
      return SYSNAME;
    case 'rowversion':
    case 'timestamp':
      return { kind: 'binary', length: 8 };
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return { kind: name, scale: timeScale(first, line) };
    default:
      return undefined;
  }
}

function decimalType(first: Arg, second: Arg, line: number): SqlType {
  const precision = first === undefined || first === 'max' ? 18 : first;
  const scale = second === undefined || second === 'max' ? 0 : second;
  if (precision < 1 || precision > 38) {
    throw new SqlError(
      2750,
      `Column or parameter #1: Specified column precision ${precision} is greater than the maximum precision of 38.`,
      { line },
    );
  }
  if (scale > precision) {
    throw new SqlError(
      2751,
      `Column or parameter #1: Specified column scale ${scale} is greater than the specified precision of ${precision}.`,
      { line },
    );
  }
  return decimal(precision, scale);
}

function timeScale(first: Arg, line: number): number {
  const scale = first === undefined || first === 'max' ? 7 : first;
  if (scale > 7)
    throw new SqlError(1002, `Line ${line}: Specified scale ${scale} is invalid.`, { severity: 15, line });
  return scale;
}

function fixed(name: string, length: Arg, maximum: number, line: number): number {
  const value = length === undefined || length === 'max' ? 1 : length;
  return checkLength(name, value, maximum, line);
}

function varying(name: string, length: Arg, maximum: number, line: number): number | 'max' {
  if (length === 'max') return 'max';
  return checkLength(name, length ?? 1, maximum, line);
}

function checkLength(name: string, value: number, maximum: number, line: number): number {
  if (value < 1)
    throw new SqlError(1001, `Line ${line}: Length or precision specification ${value} is invalid.`, {
      severity: 15,
      line,
    });
  if (value > maximum) {
    throw new SqlError(
      131,
      `The size (${value}) given to the type '${name}' exceeds the maximum allowed for any data type (${maximum}).`,
      { severity: 15, line },
    );
  }
  return value;
}
