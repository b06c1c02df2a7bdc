/** TYPE_INFO and values as the server sends them in COLMETADATA, ROW, NBCROW and RETURNVALUE. MS-TDS 2.2.5.6, 2.2.5.5. */
import type { SqlScalar, SqlType, SqlValue } from '../sql/types';
import type { ByteWriter } from './bytes';
import { COLLATION, encodeCharacters } from './collation';
import { binary, fixedLength, text, variant, writeFixed } from './scalar-codec';
import { MAX_MARKER, TypeId } from './type-ids';
import { MAX_VARIANT_BYTES, writeVariant } from './variant-codec';

const PLP_NULL = 0xffff_ffff_ffff_ffffn;
/** Maximum lengths that SQL Server announces for the old large types. */
const MAX_LONG_BYTES = 0x7fff_ffff;
const MAX_LONG_UNICODE_BYTES = 0x7fff_fffe;
const TEXT_POINTER_LENGTH = 16;
const TIMESTAMP_LENGTH = 8;

/** text, ntext and image: they alone carry a table name in COLMETADATA and a text pointer in rows. */
export function isLongType(type: SqlType): boolean {
  return type.kind === 'text' || type.kind === 'ntext' || type.kind === 'image';
}

/** Writes the nullable form of every type (INTN for int and so on), which is valid for columns that are not nullable too. */
export function writeTypeInfo(writer: ByteWriter, type: SqlType): void {
  switch (type.kind) {
    case 'bit':
      writer.u8(TypeId.bitN).u8(1);
      return;
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      writer.u8(TypeId.intN).u8(fixedLength(type));
      return;
    case 'real':
    case 'float':
      writer.u8(TypeId.floatN).u8(fixedLength(type));
      return;
    case 'money':
    case 'smallmoney':
      writer.u8(TypeId.moneyN).u8(fixedLength(type));
      return;
    case 'decimal':
      writer.u8(TypeId.decimalN).u8(fixedLength(type)).u8(type.precision).u8(type.scale);
      return;
    case 'uniqueidentifier':
      writer.u8(TypeId.uniqueidentifier).u8(16);
      return;
    case 'date':
      writer.u8(TypeId.date);
      return;
    case 'datetime':
    case 'smalldatetime':
      writer.u8(TypeId.datetimeN).u8(fixedLength(type));
      return;
    case 'time':
      writer.u8(TypeId.time).u8(type.scale);
      return;
    case 'datetime2':
      writer.u8(TypeId.datetime2).u8(type.scale);
      return;
    case 'datetimeoffset':
      writer.u8(TypeId.datetimeoffset).u8(type.scale);
      return;
    case 'char':
    case 'varchar':
      writer
        .u8(type.kind === 'char' ? TypeId.char : TypeId.varchar)
        .u16(declaredBytes(type))
        .bytes(COLLATION);
      return;
    case 'nchar':
    case 'nvarchar':
      writer
        .u8(type.kind === 'nchar' ? TypeId.nchar : TypeId.nvarchar)
        .u16(declaredBytes(type))
        .bytes(COLLATION);
      return;
    case 'binary':
    case 'varbinary':
      writer.u8(type.kind === 'binary' ? TypeId.binary : TypeId.varbinary).u16(declaredBytes(type));
      return;
    case 'text':
      writer.u8(TypeId.text).u32(MAX_LONG_BYTES).bytes(COLLATION);
      return;
    case 'ntext':
      writer.u8(TypeId.ntext).u32(MAX_LONG_UNICODE_BYTES).bytes(COLLATION);
      return;
    case 'image':
      writer.u8(TypeId.image).u32(MAX_LONG_BYTES);
      return;
    case 'xml':
      writer.u8(TypeId.xml).u8(0); // no schema collection
      return;
    case 'sql_variant':
      writer.u8(TypeId.sqlVariant).u32(MAX_VARIANT_BYTES);
      return;
  }
}

type VariableType = Extract<SqlType, { length: number | 'max' }>;

/** Declared length in bytes, or the marker of the max types. */
function declaredBytes(type: VariableType): number {
  if (type.length === 'max') return MAX_MARKER;
  // A zero-length declaration does not exist in T-SQL: an empty literal has length 1.
  const units = Math.max(1, type.length);
  return type.kind === 'nchar' || type.kind === 'nvarchar' ? units * 2 : units;
}

/** Writes a value as it stands in a row. @throws TypeError or RangeError when the value does not suit the type */
export function writeValue(writer: ByteWriter, type: SqlType, value: SqlValue): void {
  if (value === null) {
    writeNull(writer, type);
    return;
  }
  switch (type.kind) {
    case 'char':
    case 'varchar':
      writeVariable(writer, type, encodeCharacters(text(type, value)), 0x20);
      return;
    case 'nchar':
    case 'nvarchar':
      writeUnicode(writer, type, text(type, value));
      return;
    case 'binary':
    case 'varbinary':
      writeVariable(writer, type, binary(type, value), 0);
      return;
    case 'text':
    case 'ntext':
    case 'image':
      writeLong(writer, longBytes(type, value));
      return;
    case 'xml':
      writePlp(writer, Buffer.from(text(type, value), 'utf16le'));
      return;
    case 'sql_variant':
      writeVariant(writer, variant(type, value));
      return;
    default:
      writer.u8(fixedLength(type));
      writeFixed(writer, type, value);
  }
}

function writeNull(writer: ByteWriter, type: SqlType): void {
  switch (type.kind) {
    case 'char':
    case 'varchar':
    case 'nchar':
    case 'nvarchar':
    case 'binary':
    case 'varbinary':
      if (type.length === 'max') writer.u64(PLP_NULL);
      else writer.u16(MAX_MARKER);
      return;
    case 'xml':
      writer.u64(PLP_NULL);
      return;
    case 'sql_variant':
      writer.u32(0);
      return;
    default:
      writer.u8(0); // also the length of an absent text pointer
  }
}

function checkLength(type: VariableType, bytes: number): void {
  const declared = declaredBytes(type);
  if (bytes > declared)
    throw new RangeError(`${bytes} bytes exceed the declared length of ${type.kind}(${type.length})`);
}

function writeUnicode(writer: ByteWriter, type: VariableType, value: string): void {
  if (type.length === 'max') {
    writePlp(writer, Buffer.from(value, 'utf16le'));
    return;
  }
  checkLength(type, value.length * 2);
  const padded = type.kind === 'nchar' ? value.padEnd(type.length, ' ') : value;
  writer.u16(padded.length * 2).ucs2(padded);
}

function writeVariable(writer: ByteWriter, type: VariableType, value: Uint8Array, padding: number): void {
  if (type.length === 'max') {
    writePlp(writer, value);
    return;
  }
  checkLength(type, value.length);
  const fixed = type.kind === 'char' || type.kind === 'binary';
  const missing = fixed ? type.length - value.length : 0;
  writer.u16(value.length + missing).bytes(value);
  if (missing > 0) writer.fill(padding, missing);
}

/** Partially length-prefixed: total, chunks, terminator. One chunk will do. */
function writePlp(writer: ByteWriter, value: Uint8Array): void {
  writer.u64(BigInt(value.length));
  if (value.length > 0) writer.u32(value.length).bytes(value);
  writer.u32(0);
}

function longBytes(type: SqlType, value: SqlScalar): Uint8Array {
  if (type.kind === 'image') return binary(type, value);
  const characters = text(type, value);
  return type.kind === 'ntext' ? Buffer.from(characters, 'utf16le') : encodeCharacters(characters);
}

/** The text pointer and timestamp only serve READTEXT and WRITETEXT, which the estate lacks: any bytes will do. */
function writeLong(writer: ByteWriter, value: Uint8Array): void {
  writer.u8(TEXT_POINTER_LENGTH).fill(0x64, TEXT_POINTER_LENGTH).fill(0x64, TIMESTAMP_LENGTH);
  writer.u32(value.length).bytes(value);
}
