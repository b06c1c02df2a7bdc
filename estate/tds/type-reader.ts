/** TYPE_INFO and values as clients send them in RPC parameters. MS-TDS 2.2.6.6, 2.2.5.5, 2.2.5.6. */
import { SqlError } from '../sql/errors';
import type { SqlType, SqlValue } from '../sql/types';
import { type ByteReader, ProtocolError } from './bytes';
import { COLLATION, COLLATION_LENGTH } from './collation';
import { readScalar } from './scalar-codec';
import { MAX_MARKER, TypeId } from './type-ids';
import { readScale, readVariant, simpleType } from './variant-codec';

/** How the length of a value is written in front of it. */
type Framing = 'none' | 'byte' | 'short' | 'long' | 'plp' | 'variant';

interface WireType {
  readonly type: SqlType;
  readonly framing: Framing;
  readonly collation: Buffer;
}

const PLP_NULL = 0xffff_ffff_ffff_ffffn;
const LONG_NULL = 0xffff_ffff;

/** Reads a TYPE_INFO and the value after it. @throws ProtocolError; SqlError 8009 for types that are not accepted */
export function readTypedValue(reader: ByteReader): { type: SqlType; value: SqlValue } {
  const id = reader.u8();
  if (id === TypeId.null) return { type: { kind: 'nvarchar', length: 1 }, value: null };
  const wire = readTypeInfo(id, reader);
  const bytes = readFramed(wire, reader);
  if (bytes === null) return { type: wire.type, value: null };
  if (wire.type.kind === 'sql_variant') return { type: wire.type, value: readVariant(bytes) };
  return { type: wire.type, value: readScalar(wire.type, bytes, wire.collation) };
}

const byteFramed = (type: SqlType): WireType => ({ type, framing: 'byte', collation: COLLATION });

function readTypeInfo(id: number, reader: ByteReader): WireType {
  switch (id) {
    case TypeId.intN:
      return byteFramed(integerType(reader.u8()));
    case TypeId.bitN:
      reader.u8();
      return byteFramed({ kind: 'bit' });
    case TypeId.floatN:
      return byteFramed({ kind: wide(reader) ? 'float' : 'real' });
    case TypeId.moneyN:
      return byteFramed({ kind: wide(reader) ? 'money' : 'smallmoney' });
    case TypeId.datetimeN:
      return byteFramed({ kind: wide(reader) ? 'datetime' : 'smalldatetime' });
    case TypeId.uniqueidentifier:
      reader.u8();
      return byteFramed({ kind: 'uniqueidentifier' });
    case TypeId.decimalN:
    case TypeId.numericN:
      reader.u8();
      return byteFramed(decimalType(reader.u8(), reader.u8()));
    case TypeId.date:
      return byteFramed({ kind: 'date' });
    case TypeId.time:
      return byteFramed({ kind: 'time', scale: readScale(reader) });
    case TypeId.datetime2:
      return byteFramed({ kind: 'datetime2', scale: readScale(reader) });
    case TypeId.datetimeoffset:
      return byteFramed({ kind: 'datetimeoffset', scale: readScale(reader) });
    case TypeId.sqlVariant:
      reader.u32();
      return { type: { kind: 'sql_variant' }, framing: 'variant', collation: COLLATION };
    default:
      return readVariableTypeInfo(id, reader);
  }
}

function readVariableTypeInfo(id: number, reader: ByteReader): WireType {
  switch (id) {
    case TypeId.char:
    case TypeId.varchar:
      return lengthFramed(reader, 1, true, (length) => ({
        kind: id === TypeId.char ? 'char' : 'varchar',
        length,
      }));
    case TypeId.nchar:
    case TypeId.nvarchar:
      return lengthFramed(reader, 2, true, (length) => ({
        kind: id === TypeId.nchar ? 'nchar' : 'nvarchar',
        length,
      }));
    case TypeId.binary:
    case TypeId.varbinary:
      return lengthFramed(reader, 1, false, (length) => ({
        kind: id === TypeId.binary ? 'binary' : 'varbinary',
        length,
      }));
    case TypeId.text:
    case TypeId.ntext:
      reader.u32();
      return {
        type: { kind: id === TypeId.text ? 'text' : 'ntext' },
        framing: 'long',
        collation: reader.bytes(COLLATION_LENGTH),
      };
    case TypeId.image:
      reader.u32();
      return { type: { kind: 'image' }, framing: 'long', collation: COLLATION };
    case TypeId.xml:
      if (reader.u8() !== 0) skipXmlSchema(reader);
      return { type: { kind: 'xml' }, framing: 'plp', collation: COLLATION };
    default: {
      const type = simpleType(id);
      if (type !== undefined) return { type, framing: 'none', collation: COLLATION };
      throw unknownType(id);
    }
  }
}

/** Database, owning schema and schema collection of a typed xml parameter. */
function skipXmlSchema(reader: ByteReader): void {
  reader.bVarchar();
  reader.bVarchar();
  reader.usVarchar();
}

function lengthFramed(
  reader: ByteReader,
  width: number,
  collated: boolean,
  make: (length: number | 'max') => SqlType,
): WireType {
  const bytes = reader.u16();
  const collation = collated ? reader.bytes(COLLATION_LENGTH) : COLLATION;
  if (bytes === MAX_MARKER) return { type: make('max'), framing: 'plp', collation };
  return { type: make(Math.floor(bytes / width)), framing: 'short', collation };
}

function integerType(length: number): SqlType {
  switch (length) {
    case 1:
      return { kind: 'tinyint' };
    case 2:
      return { kind: 'smallint' };
    case 4:
      return { kind: 'int' };
    case 8:
      return { kind: 'bigint' };
    default:
      throw new ProtocolError(`INTN of ${length} bytes`);
  }
}

function wide(reader: ByteReader): boolean {
  const length = reader.u8();
  if (length !== 4 && length !== 8) throw new ProtocolError(`nullable type of ${length} bytes`);
  return length === 8;
}

function decimalType(precision: number, scale: number): SqlType {
  if (precision < 1 || precision > 38 || scale > precision) {
    throw new ProtocolError(`decimal(${precision},${scale})`);
  }
  return { kind: 'decimal', precision, scale };
}

const FIXED_LENGTHS: Partial<Record<SqlType['kind'], number>> = {
  bit: 1,
  tinyint: 1,
  smallint: 2,
  int: 4,
  real: 4,
  smallmoney: 4,
  smalldatetime: 4,
  bigint: 8,
  float: 8,
  money: 8,
  datetime: 8,
};

function readFramed(wire: WireType, reader: ByteReader): Buffer | null {
  switch (wire.framing) {
    case 'none':
      return reader.bytes(FIXED_LENGTHS[wire.type.kind] ?? 0);
    case 'byte': {
      const length = reader.u8();
      return length === 0 ? null : reader.bytes(length);
    }
    case 'short': {
      const length = reader.u16();
      return length === MAX_MARKER ? null : reader.bytes(length);
    }
    case 'long': {
      const length = reader.u32();
      return length === LONG_NULL ? null : reader.bytes(length);
    }
    case 'variant': {
      const length = reader.u32();
      return length === 0 ? null : reader.bytes(length);
    }
    case 'plp':
      return readPlp(reader);
  }
}

/** The announced total may be unknown and is not trusted: the chunks say what there is. */
function readPlp(reader: ByteReader): Buffer | null {
  if (reader.u64() === PLP_NULL) return null;
  const chunks: Buffer[] = [];
  for (let length = reader.u32(); length > 0; length = reader.u32()) chunks.push(reader.bytes(length));
  return Buffer.concat(chunks);
}

/**
 * 8009 is what SQL Server says of a type that it does not know; table-valued (0xF3) and CLR (0xF0) parameters are
 * types that this server does not take.
 */
function unknownType(id: number): SqlError {
  const hex = `0x${id.toString(16).toUpperCase().padStart(2, '0')}`;
  return new SqlError(
    8009,
    'The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect. ' +
      `Data type ${hex} is unknown.`,
    { state: 3 },
  );
}
