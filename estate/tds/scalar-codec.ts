/**
 * The bytes of a value by its type, without any length or NULL marker around them. Rows, parameters and sql_variant
 * put different frames around the same bytes.
 */
import {
  SqlDateTime,
  SqlDateTimeOffset,
  SqlDecimal,
  type SqlScalar,
  SqlTime,
  type SqlType,
  SqlVariant,
} from '../sql/types';
import { type ByteWriter, ProtocolError } from './bytes';
import { decodeCharacters } from './collation';
import {
  decimalLength,
  readDecimal,
  readMoney,
  writeDecimal,
  writeMoney,
  writeSmallMoney,
} from './decimal-codec';
import {
  readDate,
  readDateTime2,
  readDateTimeOffset,
  readDatetime,
  readSmallDatetime,
  readTime,
  timeLength,
  writeDate,
  writeDateTime2,
  writeDateTimeOffset,
  writeDatetime,
  writeSmallDatetime,
  writeTime,
} from './temporal-codec';

export type FixedType = Exclude<
  SqlType,
  {
    kind:
      | 'char'
      | 'varchar'
      | 'nchar'
      | 'nvarchar'
      | 'binary'
      | 'varbinary'
      | 'text'
      | 'ntext'
      | 'image'
      | 'xml'
      | 'sql_variant';
  }
>;

/** Bytes of a value whose type alone tells its length. */
export function fixedLength(type: FixedType): number {
  switch (type.kind) {
    case 'bit':
    case 'tinyint':
      return 1;
    case 'smallint':
      return 2;
    case 'int':
    case 'real':
    case 'smallmoney':
    case 'smalldatetime':
      return 4;
    case 'bigint':
    case 'float':
    case 'money':
    case 'datetime':
      return 8;
    case 'decimal':
      return decimalLength(type.precision);
    case 'uniqueidentifier':
      return 16;
    case 'date':
      return 3;
    case 'time':
      return timeLength(type.scale);
    case 'datetime2':
      return timeLength(type.scale) + 3;
    case 'datetimeoffset':
      return timeLength(type.scale) + 5;
  }
}

function mismatch(type: SqlType, value: SqlScalar): TypeError {
  return new TypeError(`a ${typeof value} is no value of type ${type.kind}`);
}

function number(type: SqlType, value: SqlScalar): number {
  if (typeof value !== 'number') throw mismatch(type, value);
  return value;
}

/** SQL Server has neither NaN nor infinities. */
function finite(type: SqlType, value: SqlScalar): number {
  const result = number(type, value);
  if (!Number.isFinite(result)) throw new RangeError(`${result} is no value of type ${type.kind}`);
  return result;
}

export function text(type: SqlType, value: SqlScalar): string {
  if (typeof value !== 'string') throw mismatch(type, value);
  return value;
}

export function binary(type: SqlType, value: SqlScalar): Uint8Array {
  if (!(value instanceof Uint8Array)) throw mismatch(type, value);
  return value;
}

export function variant(type: SqlType, value: SqlScalar): SqlVariant {
  if (!(value instanceof SqlVariant)) throw mismatch(type, value);
  return value;
}

function instance<T>(type: SqlType, value: SqlScalar, expected: new (...args: never[]) => T): T {
  if (!(value instanceof expected)) throw mismatch(type, value);
  return value;
}

/** @throws TypeError when the value is not of the JavaScript type of `type`; RangeError when it is out of range */
export function writeFixed(writer: ByteWriter, type: FixedType, value: SqlScalar): void {
  switch (type.kind) {
    case 'bit':
      if (typeof value !== 'boolean') throw mismatch(type, value);
      writer.u8(value ? 1 : 0);
      return;
    case 'tinyint': {
      const small = number(type, value);
      if (!(small >= 0 && small <= 0xff)) throw new RangeError(`${small} is out of range for tinyint`);
      writer.u8(small);
      return;
    }
    case 'smallint':
      writer.i16(number(type, value));
      return;
    case 'int':
      writer.i32(number(type, value));
      return;
    case 'bigint':
      if (typeof value !== 'bigint') throw mismatch(type, value);
      writer.i64(value);
      return;
    case 'real':
      writer.f32(finite(type, value));
      return;
    case 'float':
      writer.f64(finite(type, value));
      return;
    case 'money':
      writeMoney(writer, instance(type, value, SqlDecimal));
      return;
    case 'smallmoney':
      writeSmallMoney(writer, instance(type, value, SqlDecimal));
      return;
    case 'decimal':
      writeDecimal(writer, instance(type, value, SqlDecimal), type.precision, type.scale);
      return;
    case 'uniqueidentifier':
      writer.bytes(guidBytes(text(type, value)));
      return;
    case 'date':
      writeDate(writer, instance(type, value, SqlDateTime));
      return;
    case 'datetime':
      writeDatetime(writer, instance(type, value, SqlDateTime));
      return;
    case 'smalldatetime':
      writeSmallDatetime(writer, instance(type, value, SqlDateTime));
      return;
    case 'time':
      writeTime(writer, instance(type, value, SqlTime), type.scale);
      return;
    case 'datetime2':
      writeDateTime2(writer, instance(type, value, SqlDateTime), type.scale);
      return;
    case 'datetimeoffset':
      writeDateTimeOffset(writer, instance(type, value, SqlDateTimeOffset), type.scale);
      return;
  }
}

/**
 * @param bytes the whole value. @param collation for char, varchar and text
 * @throws ProtocolError when the length does not suit the type
 */
export function readScalar(type: SqlType, bytes: Buffer, collation: Buffer): SqlScalar {
  switch (type.kind) {
    case 'char':
    case 'varchar':
    case 'text':
      return decodeCharacters(bytes, collation);
    case 'nchar':
    case 'nvarchar':
    case 'ntext':
      return bytes.toString('utf16le');
    case 'xml':
      return bytes.toString('utf16le').replace(/^\uFEFF/, '');
    case 'binary':
    case 'varbinary':
    case 'image':
      return Uint8Array.from(bytes);
    case 'sql_variant':
      throw new ProtocolError('a sql_variant cannot hold a sql_variant');
    default:
      return readFixed(type, bytes);
  }
}

function readFixed(type: FixedType, bytes: Buffer): SqlScalar {
  // A decimal may come in fewer bytes than its precision allows; everything else has one length.
  const expected = fixedLength(type);
  const shorterDecimal = type.kind === 'decimal' && bytes.length >= 2 && bytes.length <= 17;
  if (bytes.length !== expected && !shorterDecimal) {
    throw new ProtocolError(`${bytes.length} bytes for a value of type ${type.kind}`);
  }
  switch (type.kind) {
    case 'bit':
      return bytes[0] !== 0;
    case 'tinyint':
      return bytes.readUInt8();
    case 'smallint':
      return bytes.readInt16LE();
    case 'int':
      return bytes.readInt32LE();
    case 'bigint':
      return bytes.readBigInt64LE();
    case 'real':
      return bytes.readFloatLE();
    case 'float':
      return bytes.readDoubleLE();
    case 'money':
    case 'smallmoney':
      return readMoney(bytes);
    case 'decimal':
      return readDecimal(bytes, type.scale);
    case 'uniqueidentifier':
      return guidText(bytes);
    case 'date':
      return readDate(bytes);
    case 'datetime':
      return readDatetime(bytes);
    case 'smalldatetime':
      return readSmallDatetime(bytes);
    case 'time':
      return readTime(bytes, type.scale);
    case 'datetime2':
      return readDateTime2(bytes, type.scale);
    case 'datetimeoffset':
      return readDateTimeOffset(bytes, type.scale);
  }
}

/** The first three groups of a GUID are little-endian numbers, the rest is bytes in order. */
function swapGuid(bytes: Buffer): Buffer {
  const swapped = Buffer.from(bytes);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped;
}

function guidBytes(value: string): Buffer {
  const hex = value.replace(/[-{}]/g, '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new RangeError(`'${value}' is no uniqueidentifier`);
  return swapGuid(Buffer.from(hex, 'hex'));
}

function guidText(bytes: Buffer): string {
  const hex = swapGuid(bytes).toString('hex').toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
