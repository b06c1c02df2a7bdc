/**
 * sql_variant, MS-TDS 2.2.5.5.4: total length, base type, properties of the base type, bytes.
 * SERVERPROPERTY() and many catalog columns are of this type.
 */
import { type SqlScalar, type SqlType, SqlVariant } from '../sql/types';
import { ByteReader, type ByteWriter, ProtocolError } from './bytes';
import { COLLATION, COLLATION_LENGTH, encodeCharacters } from './collation';
import { binary, readScalar, text, writeFixed } from './scalar-codec';
import { MAX_IN_ROW_BYTES, TypeId } from './type-ids';

/** Maximum length that SQL Server announces for a sql_variant column. */
export const MAX_VARIANT_BYTES = 8009;

const CHARACTER_PROPERTIES = COLLATION_LENGTH + 2;

/** Writes the value with its length. NULL is written by the caller. @throws RangeError for a base type that cannot be held */
export function writeVariant(writer: ByteWriter, value: SqlVariant): void {
  writer.lengthPrefixed32(() => writeBase(writer, value.type, value.value));
}

function writeBase(writer: ByteWriter, type: SqlType, value: SqlScalar): void {
  switch (type.kind) {
    case 'char':
    case 'varchar':
    case 'nchar':
    case 'nvarchar': {
      const unicode = type.kind === 'nchar' || type.kind === 'nvarchar';
      const characters = text(type, value);
      const bytes = unicode ? Buffer.from(characters, 'utf16le') : encodeCharacters(characters);
      const maximum = declaredBytes(type.length, unicode ? 2 : 1, bytes.length);
      writer.u8(baseTypeId(type)).u8(CHARACTER_PROPERTIES).bytes(COLLATION).u16(maximum).bytes(bytes);
      return;
    }
    case 'binary':
    case 'varbinary': {
      const bytes = binary(type, value);
      writer
        .u8(baseTypeId(type))
        .u8(2)
        .u16(declaredBytes(type.length, 1, bytes.length))
        .bytes(bytes);
      return;
    }
    case 'decimal':
      writer.u8(TypeId.decimalN).u8(2).u8(type.precision).u8(type.scale);
      writeFixed(writer, type, value);
      return;
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      writer.u8(baseTypeId(type)).u8(1).u8(type.scale);
      writeFixed(writer, type, value);
      return;
    case 'text':
    case 'ntext':
    case 'image':
    case 'xml':
    case 'sql_variant':
      throw new RangeError(`sql_variant cannot hold ${type.kind}`);
    default:
      writer.u8(baseTypeId(type)).u8(0);
      writeFixed(writer, type, value);
  }
}

function declaredBytes(length: number | 'max', width: number, actual: number): number {
  const declared = length === 'max' ? MAX_IN_ROW_BYTES : Math.max(1, length) * width;
  if (actual > declared) throw new RangeError(`${actual} bytes exceed what this sql_variant may hold`);
  return declared;
}

function baseTypeId(type: SqlType): number {
  switch (type.kind) {
    case 'bit':
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'real':
    case 'float':
    case 'money':
    case 'smallmoney':
    case 'datetime':
    case 'smalldatetime':
    case 'uniqueidentifier':
    case 'date':
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
    case 'char':
    case 'varchar':
    case 'nchar':
    case 'nvarchar':
    case 'binary':
    case 'varbinary':
      return TypeId[type.kind];
    default:
      throw new RangeError(`sql_variant cannot hold ${type.kind}`);
  }
}

/** @param bytes the value without its length. @throws ProtocolError */
export function readVariant(bytes: Buffer): SqlVariant {
  const reader = new ByteReader(bytes);
  const id = reader.u8();
  const properties = new ByteReader(reader.bytes(reader.u8()));
  const { type, collation } = readBaseType(id, properties);
  return new SqlVariant(type, readScalar(type, reader.bytes(reader.remaining), collation));
}

function readBaseType(id: number, properties: ByteReader): { type: SqlType; collation: Buffer } {
  switch (id) {
    case TypeId.char:
    case TypeId.varchar: {
      const collation = properties.bytes(COLLATION_LENGTH);
      return { type: { kind: id === TypeId.char ? 'char' : 'varchar', length: properties.u16() }, collation };
    }
    case TypeId.nchar:
    case TypeId.nvarchar: {
      const collation = properties.bytes(COLLATION_LENGTH);
      const length = properties.u16() >> 1;
      return { type: { kind: id === TypeId.nchar ? 'nchar' : 'nvarchar', length }, collation };
    }
    default:
      return { type: readPlainBaseType(id, properties), collation: COLLATION };
  }
}

const SIMPLE_KINDS = {
  [TypeId.bit]: 'bit',
  [TypeId.tinyint]: 'tinyint',
  [TypeId.smallint]: 'smallint',
  [TypeId.int]: 'int',
  [TypeId.bigint]: 'bigint',
  [TypeId.real]: 'real',
  [TypeId.float]: 'float',
  [TypeId.money]: 'money',
  [TypeId.smallmoney]: 'smallmoney',
  [TypeId.datetime]: 'datetime',
  [TypeId.smalldatetime]: 'smalldatetime',
  [TypeId.uniqueidentifier]: 'uniqueidentifier',
  [TypeId.date]: 'date',
} as const;

type SimpleKind = (typeof SIMPLE_KINDS)[keyof typeof SIMPLE_KINDS];

const simpleKinds: ReadonlyMap<number, SimpleKind> = new Map(
  Object.entries(SIMPLE_KINDS).map(([id, kind]) => [Number(id), kind]),
);

/** Type of a fixed-length token such as INT4TYPE, if `id` is one. */
export function simpleType(id: number): SqlType | undefined {
  const kind = simpleKinds.get(id);
  return kind === undefined ? undefined : { kind };
}

function readPlainBaseType(id: number, properties: ByteReader): SqlType {
  switch (id) {
    case TypeId.binary:
    case TypeId.varbinary:
      return { kind: id === TypeId.binary ? 'binary' : 'varbinary', length: properties.u16() };
    case TypeId.decimalN:
    case TypeId.numericN:
      return { kind: 'decimal', precision: properties.u8(), scale: properties.u8() };
    case TypeId.time:
      return { kind: 'time', scale: readScale(properties) };
    case TypeId.datetime2:
      return { kind: 'datetime2', scale: readScale(properties) };
    case TypeId.datetimeoffset:
      return { kind: 'datetimeoffset', scale: readScale(properties) };
    default: {
      const type = simpleType(id);
      if (type === undefined) throw new ProtocolError(`0x${id.toString(16)} is no base type of sql_variant`);
      return type;
    }
  }
}

/** Scale of a time type: 0 to 7. */
export function readScale(reader: ByteReader): number {
  const scale = reader.u8();
  if (scale > 7) throw new ProtocolError(`scale ${scale} of a time type`);
  return scale;
}
