/** RPC requests, MS-TDS 2.2.6.6: one or more procedure calls with typed parameters. */
import { SqlError } from '../sql/errors';
import type { SqlParameter, SqlType, SqlValue } from '../sql/types';
import { ByteReader } from './bytes';
import type { TdsDialect } from './dialect';
import { readTypedValue } from './type-reader';

/** Procedures that have a number, MS-TDS 2.2.6.6 ProcID. */
export const ProcedureId = {
  cursor: 1,
  cursorOpen: 2,
  cursorPrepare: 3,
  cursorExecute: 4,
  cursorPrepExec: 5,
  cursorUnprepare: 6,
  cursorFetch: 7,
  cursorOption: 8,
  cursorClose: 9,
  executeSql: 10,
  prepare: 11,
  execute: 12,
  prepExec: 13,
  prepExecRpc: 14,
  unprepare: 15,
} as const;

const NAMES: readonly (readonly [string, number])[] = [
  ['sp_cursor', ProcedureId.cursor],
  ['sp_cursoropen', ProcedureId.cursorOpen],
  ['sp_cursorprepare', ProcedureId.cursorPrepare],
  ['sp_cursorexecute', ProcedureId.cursorExecute],
  ['sp_cursorprepexec', ProcedureId.cursorPrepExec],
  ['sp_cursorunprepare', ProcedureId.cursorUnprepare],
  ['sp_cursorfetch', ProcedureId.cursorFetch],
  ['sp_cursoroption', ProcedureId.cursorOption],
  ['sp_cursorclose', ProcedureId.cursorClose],
  ['sp_executesql', ProcedureId.executeSql],
  ['sp_prepare', ProcedureId.prepare],
  ['sp_execute', ProcedureId.execute],
  ['sp_prepexec', ProcedureId.prepExec],
  ['sp_prepexecrpc', ProcedureId.prepExecRpc],
  ['sp_unprepare', ProcedureId.unprepare],
];

const idByName: ReadonlyMap<string, number> = new Map(NAMES);
const nameById: ReadonlyMap<number, string> = new Map(NAMES.map(([name, id]) => [id, name]));

export interface RpcParameter {
  /** Without the @; empty when the client gave the parameter by position. */
  readonly name: string;
  readonly output: boolean;
  /** The client asks for the procedure's default: there is no value. */
  readonly useDefault: boolean;
  readonly type: SqlType;
  readonly value: SqlValue;
  /** Position in the call, from 0: the ordinal of its RETURNVALUE. */
  readonly ordinal: number;
}

export interface RpcCall {
  /** Set for the procedures of the protocol, whether called by number or by name. */
  readonly procedureId?: number;
  readonly name: string;
  readonly parameters: readonly RpcParameter[];
}

/** Of a call with all its arguments, those of sp_executesql itself among them (maximum capacity specifications). */
const MAXIMUM_PARAMETERS = 2100;

const BY_NUMBER = 0xffff;
const STATUS_OUTPUT = 0x01;
const STATUS_DEFAULT = 0x02;
const STATUS_ENCRYPTED = 0x08;

/** Marks between the calls of one request; the first one is of TDS 7.1. */
const BATCH_FLAG_71 = 0x80;
const BATCH_FLAG = 0xff;
const NO_EXECUTE_FLAG = 0xfe;

/** @param body the request after ALL_HEADERS. @throws ProtocolError; SqlError for parameter types that are not taken */
export function parseRpc(body: Buffer, dialect: TdsDialect): RpcCall[] {
  const reader = new ByteReader(body);
  const calls: RpcCall[] = [];
  while (!reader.atEnd) {
    const call = parseCall(reader, dialect);
    const flag = reader.atEnd ? BATCH_FLAG : reader.u8();
    if (flag !== NO_EXECUTE_FLAG) calls.push(call);
  }
  return calls;
}

function parseCall(reader: ByteReader, dialect: TdsDialect): RpcCall {
  const nameLength = reader.u16();
  const procedure = nameLength === BY_NUMBER ? byNumber(reader.u16()) : byName(reader.ucs2(nameLength));
  reader.u16(); // option flags: recompile, no metadata, reuse metadata
  const parameters: RpcParameter[] = [];
  while (!reader.atEnd && !isFlag(reader.peek(), dialect))
    parameters.push(parseParameter(reader, parameters.length));
  if (parameters.length > MAXIMUM_PARAMETERS) throw tooManyParameters();
  return { ...procedure, parameters };
}

const tooManyParameters = (): SqlError =>
  new SqlError(
    8003,
    `The incoming request has too many parameters. The server supports a maximum of ${MAXIMUM_PARAMETERS} parameters. Reduce the number of parameters and resend the request.`,
  );

function isFlag(byte: number | undefined, dialect: TdsDialect): boolean {
  return dialect.atLeast72 ? byte === BATCH_FLAG || byte === NO_EXECUTE_FLAG : byte === BATCH_FLAG_71;
}

function byNumber(id: number): Pick<RpcCall, 'name' | 'procedureId'> {
  const name = nameById.get(id);
  return name === undefined ? { name: String(id) } : { procedureId: id, name };
}

function byName(name: string): Pick<RpcCall, 'name' | 'procedureId'> {
  const procedureId = idByName.get(baseName(name));
  return procedureId === undefined ? { name } : { procedureId, name };
}

/** `[master].[sys].[sp_executesql]` and `sp_executesql` are the same to the protocol. */
export function baseName(name: string): string {
  const last = name.slice(name.lastIndexOf('.') + 1);
  return last.replace(/^\[|\]$|^"|"$/g, '').toLowerCase();
}

function parseParameter(reader: ByteReader, ordinal: number): RpcParameter {
  const name = reader.bVarchar().replace(/^@/, '');
  const status = reader.u8();
  if ((status & STATUS_ENCRYPTED) !== 0) {
    throw new SqlError(33299, 'Always Encrypted is not supported by this server.', { severity: 16 });
  }
  return {
    name,
    ordinal,
    output: (status & STATUS_OUTPUT) !== 0,
    useDefault: (status & STATUS_DEFAULT) !== 0,
    ...readTypedValue(reader),
  };
}

/** What the backend gets of a parameter, under the name that it is bound to. */
export function bind(parameter: RpcParameter, name: string): SqlParameter {
  const { type, value, output } = parameter;
  return { name, type, value, output };
}
