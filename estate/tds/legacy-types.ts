/**
 * Columns for clients older than the type: SQL Server sends them in the nearest type that the client knows
 * (learn.microsoft.com "Data type support for OLE DB date and time improvements": down-level clients get nvarchar;
 * max types and xml become text, ntext and image).
 */
import {
  SqlDateTime,
  SqlDateTimeOffset,
  type SqlScalar,
  SqlTime,
  type SqlType,
  type SqlValue,
  SqlVariant,
} from '../sql/types';
import type { TdsDialect } from './dialect';
import { formatDate, formatTime } from './temporal-codec';

const TICKS_PER_MINUTE = 600_000_000n;

/** The type under which a column of `type` goes to a client of this dialect. */
export function typeForDialect(type: SqlType, dialect: TdsDialect): SqlType {
  if (dialect.newDates) return type;
  switch (type.kind) {
    case 'date':
      return { kind: 'nvarchar', length: 10 };
    case 'time':
      return { kind: 'nvarchar', length: 16 };
    case 'datetime2':
      return { kind: 'nvarchar', length: 27 };
    case 'datetimeoffset':
      return { kind: 'nvarchar', length: 34 };
    default:
      return dialect.atLeast72 ? type : typeBefore72(type);
  }
}

function typeBefore72(type: SqlType): SqlType {
  switch (type.kind) {
    case 'varchar':
      return type.length === 'max' ? { kind: 'text' } : type;
    case 'nvarchar':
      return type.length === 'max' ? { kind: 'ntext' } : type;
    case 'varbinary':
      return type.length === 'max' ? { kind: 'image' } : type;
    case 'xml':
      return { kind: 'ntext' };
    default:
      return type;
  }
}

/** The value that goes with `typeForDialect`. */
export function valueForDialect(type: SqlType, value: SqlValue, dialect: TdsDialect): SqlValue {
  if (dialect.newDates || value === null) return value;
  if (value instanceof SqlVariant) return variantForDialect(value, dialect);
  return temporalText(type, value) ?? value;
}

/** The base type inside a sql_variant must be known to the client too (inferred: same mapping as for columns). */
function variantForDialect(variant: SqlVariant, dialect: TdsDialect): SqlVariant {
  const text = temporalText(variant.type, variant.value);
  return text === undefined ? variant : new SqlVariant(typeForDialect(variant.type, dialect), text);
}

function temporalText(type: SqlType, value: SqlScalar): string | undefined {
  if (type.kind === 'date' && value instanceof SqlDateTime) return formatDate(value.ticks);
  if (type.kind === 'time' && value instanceof SqlTime) return formatTime(value.ticks, type.scale);
  if (type.kind === 'datetime2' && value instanceof SqlDateTime) return dateTimeText(value.ticks, type.scale);
  if (type.kind !== 'datetimeoffset' || !(value instanceof SqlDateTimeOffset)) return undefined;
  const local = value.utcTicks + BigInt(value.offsetMinutes) * TICKS_PER_MINUTE;
  return `${dateTimeText(local, type.scale)} ${offsetText(value.offsetMinutes)}`;
}

function dateTimeText(ticks: bigint, scale: number): string {
  return `${formatDate(ticks)} ${formatTime(ticks, scale)}`;
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
