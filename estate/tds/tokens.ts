/** Tokens of a reply, MS-TDS 2.2.7. Each function writes one token. */
import type { SqlColumn, SqlRow, SqlType, SqlValue } from '../sql/types';
import type { TdsMessage, TdsServerIdentity } from './backend';
import type { ByteWriter } from './bytes';
import type { TdsDialect } from './dialect';
import { typeForDialect, valueForDialect } from './legacy-types';
import { isLongType, writeTypeInfo, writeValue } from './type-writer';

const Token = {
  returnStatus: 0x79,
  columnMetadata: 0x81,
  error: 0xaa,
  info: 0xab,
  returnValue: 0xac,
  loginAck: 0xad,
  featureExtAck: 0xae,
  row: 0xd1,
  nbcRow: 0xd2,
  envChange: 0xe3,
  fedAuthInfo: 0xee,
  done: 0xfd,
  doneProc: 0xfe,
  doneInProc: 0xff,
} as const;

export const DoneStatus = {
  final: 0,
  more: 0x01,
  error: 0x02,
  inTransaction: 0x04,
  count: 0x10,
  attention: 0x20,
  serverError: 0x100,
} as const;

export type DoneKind = 'done' | 'doneProc' | 'doneInProc';

export const EnvChange = {
  database: 1,
  language: 2,
  packetSize: 4,
  collation: 7,
  beginTransaction: 8,
  commitTransaction: 9,
  rollbackTransaction: 10,
  resetConnection: 18,
  routing: 20,
} as const;

const EMPTY = Buffer.alloc(0);
/** First severity that is an error; 0 to 10 are informational. */
const ERROR_SEVERITY = 11;
/** Keeps the token within its two-byte length; SQL Server's own messages end at 2047 characters. */
const MAX_MESSAGE_CHARACTERS = 16_000;

const COLUMN_NULLABLE = 0x01;
/** "Updatable: unknown", what SQL Server sets for columns of a query (usUpdateable = 2). */
const COLUMN_UPDATE_UNKNOWN = 0x08;

/** "For compatibility reasons, the Database Engine converts severity 10 to severity 0" (Database Engine error severities). */
const STATUS_SEVERITY = 10;

/** ERROR or INFO by severity. */
export function writeMessage(
  w: ByteWriter,
  message: TdsMessage,
  serverName: string,
  dialect: TdsDialect,
): void {
  w.u8(message.severity >= ERROR_SEVERITY ? Token.error : Token.info);
  w.lengthPrefixed16(() => {
    w.i32(message.number)
      .u8(message.state & 0xff)
      .u8(message.severity === STATUS_SEVERITY ? 0 : message.severity);
    w.usVarchar(message.message.slice(0, MAX_MESSAGE_CHARACTERS));
    w.bVarchar(serverName).bVarchar(message.procedure ?? '');
    const line = message.line ?? 1;
    if (dialect.atLeast72) w.u32(line);
    else w.u16(line & 0xffff);
  });
}

export function writeDone(
  w: ByteWriter,
  kind: DoneKind,
  status: number,
  dialect: TdsDialect,
  rowCount = 0,
  command = 0,
): void {
  w.u8(Token[kind]).u16(status).u16(command);
  if (dialect.atLeast72) w.u64(BigInt(rowCount));
  else w.u32(rowCount);
}

export function writeReturnStatus(w: ByteWriter, status: number): void {
  w.u8(Token.returnStatus).i32(status);
}

/** An ENVCHANGE whose values are text: database, language, packet size. */
export function writeEnvText(w: ByteWriter, type: number, next: string, previous: string): void {
  w.u8(Token.envChange).lengthPrefixed16(() => w.u8(type).bVarchar(next).bVarchar(previous));
}

/** An ENVCHANGE whose values are bytes: collation, transaction descriptors, reset. */
export function writeEnvBytes(w: ByteWriter, type: number, next: Buffer, previous: Buffer = EMPTY): void {
  w.u8(Token.envChange).lengthPrefixed16(() => w.u8(type).bVarbyte(next).bVarbyte(previous));
}

/** Sends the client to another server (ENVCHANGE 20, protocol 0 = TCP). */
export function writeEnvRouting(w: ByteWriter, host: string, port: number): void {
  w.u8(Token.envChange).lengthPrefixed16(() => {
    w.u8(EnvChange.routing);
    w.lengthPrefixed16(() => w.u8(0).u16(port).usVarchar(host));
    w.u16(0);
  });
}

export function writeLoginAck(w: ByteWriter, identity: TdsServerIdentity, dialect: TdsDialect): void {
  const { major, minor, build } = identity.version;
  w.u8(Token.loginAck).lengthPrefixed16(() => {
    w.u8(1).u32be(dialect.ackVersion).bVarchar(identity.programName);
    w.u8(major).u8(minor).u16be(build);
  });
}

export interface FeatureAck {
  readonly id: number;
  readonly data: Buffer;
}

export function writeFeatureExtAck(w: ByteWriter, acks: readonly FeatureAck[]): void {
  w.u8(Token.featureExtAck);
  for (const { id, data } of acks) w.u8(id).u32(data.length).bytes(data);
  w.u8(0xff);
}

/** Tells the client where to fetch its access token: STS URL (id 1) and service principal name (id 2). */
export function writeFedAuthInfo(w: ByteWriter, stsUrl: string, spn: string): void {
  const options = [
    { id: 1, data: Buffer.from(stsUrl, 'utf16le') },
    { id: 2, data: Buffer.from(spn, 'utf16le') },
  ];
  w.u8(Token.fedAuthInfo).lengthPrefixed32(() => {
    w.u32(options.length);
    let offset = 4 + options.length * 9; // offsets count from the option count
    for (const { id, data } of options) {
      w.u8(id).u32(data.length).u32(offset);
      offset += data.length;
    }
    for (const { data } of options) w.bytes(data);
  });
}

function writeUserType(w: ByteWriter, dialect: TdsDialect): void {
  if (dialect.atLeast72) w.u32(0);
  else w.u16(0);
}

export function writeColumns(w: ByteWriter, columns: readonly SqlColumn[], dialect: TdsDialect): void {
  w.u8(Token.columnMetadata).u16(columns.length);
  for (const column of columns) {
    const type = typeForDialect(column.type, dialect);
    writeUserType(w, dialect);
    w.u16((column.nullable ? COLUMN_NULLABLE : 0) | COLUMN_UPDATE_UNKNOWN);
    writeTypeInfo(w, type);
    if (isLongType(type)) writeTableName(w, dialect);
    w.bVarchar(column.name);
  }
}

/** An empty name, in one part since 7.2: mssql-jdbc takes 1 to 4 parts and closes the connection at none. */
function writeTableName(w: ByteWriter, dialect: TdsDialect): void {
  if (dialect.atLeast72) w.u8(1);
  w.u16(0);
}

/**
 * ROW, or NBCROW when there are NULLs and the client knows it.
 * @throws TypeError or RangeError for values that do not suit their column; the caller takes back what was written
 */
export function writeRow(
  w: ByteWriter,
  columns: readonly SqlColumn[],
  row: SqlRow,
  dialect: TdsDialect,
): void {
  if (row.length !== columns.length)
    throw new TypeError(`${row.length} values for ${columns.length} columns`);
  const compressed = dialect.nbcRow && row.includes(null);
  w.u8(compressed ? Token.nbcRow : Token.row);
  if (compressed) w.bytes(nullBitmap(row));
  columns.forEach((column, index) => {
    const value = row[index] ?? null;
    if (compressed && value === null) return;
    writeColumnValue(w, column, value, dialect);
  });
}

function writeColumnValue(w: ByteWriter, column: SqlColumn, value: SqlValue, dialect: TdsDialect): void {
  try {
    writeValue(w, typeForDialect(column.type, dialect), valueForDialect(column.type, value, dialect));
  } catch (error) {
    if (error instanceof Error) error.message = `column '${column.name}': ${error.message}`;
    throw error;
  }
}

function nullBitmap(row: SqlRow): Buffer {
  const bitmap = Buffer.alloc(Math.ceil(row.length / 8));
  row.forEach((value, index) => {
    if (value !== null) return;
    bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
  });
  return bitmap;
}

/** @param ordinal position of the parameter in the RPC, from 0 and counting those of sp_executesql itself */
export function writeReturnValue(
  w: ByteWriter,
  ordinal: number,
  name: string,
  type: SqlType,
  value: SqlValue,
  dialect: TdsDialect,
): void {
  const sent = returnable(typeForDialect(type, dialect));
  w.u8(Token.returnValue).u16(ordinal).bVarchar(name).u8(0x01);
  writeUserType(w, dialect);
  w.u16(COLUMN_NULLABLE);
  writeTypeInfo(w, sent);
  writeValue(w, sent, valueForDialect(type, value, dialect));
}

/** text, ntext and image cannot be output parameters: there is no text pointer to return. */
function returnable(type: SqlType): SqlType {
  switch (type.kind) {
    case 'text':
      return { kind: 'varchar', length: 'max' };
    case 'ntext':
      return { kind: 'nvarchar', length: 'max' };
    case 'image':
      return { kind: 'varbinary', length: 'max' };
    default:
      return type;
  }
}
