/**
 * What the SQL engine asks of the simulated server around it. The engine knows T-SQL's query language,
 * variables, control of flow and transactions; the host knows databases, catalog views, functions,
 * procedures and every administrative statement (BACKUP, CREATE AVAILABILITY GROUP ...).
 */
import type { TdsCommand, TdsMessage } from '../tds/backend';
import type { StorageChange, TableStore } from './storage';
import type { SqlColumn, SqlDateTime, SqlParameter, SqlRow, SqlType, SqlValue } from './types';

/** `server.database.schema.object`; absent parts are undefined, `db..object` has schema undefined. */
export interface ObjectName {
  readonly server?: string;
  readonly database?: string;
  readonly schema?: string;
  readonly object: string;
}

export interface RowSource {
  readonly columns: readonly SqlColumn[];
  rows(): Iterable<SqlRow>;
}

export interface TypedValue {
  readonly type: SqlType;
  readonly value: SqlValue;
}

export type ScalarFunction = (args: readonly TypedValue[]) => TypedValue;

/** Result channel of statements that the host runs; the engine passes it on to the wire. */
export interface StatementOutput {
  columns(columns: readonly SqlColumn[]): void;
  row(row: SqlRow): void | Promise<void>;
  endRows(): void;
  affected(rowCount?: number, command?: TdsCommand): void;
  info(message: TdsMessage, flush?: boolean): void;
  error(message: TdsMessage): void;
}

export interface ProcedureCall {
  readonly name: ObjectName;
  readonly arguments: readonly (SqlParameter & { readonly named: boolean })[];
  readonly output: StatementOutput;
  readonly signal: AbortSignal;
  /** Runs T-SQL text in this session (for sp_executesql and the like). */
  execute(sql: string, parameters: readonly SqlParameter[]): Promise<void>;
  /** Sets an OUTPUT argument. */
  setOutput(name: string, value: TypedValue): void;
  /** Takes back what the procedure changed, should the session's transaction be rolled back. Nothing without one. */
  onRollback(undo: () => void): void;
}

/**
 * A parsed administrative statement: the host's own parser makes it from tokens, the engine keeps it in the batch
 * (also inside IF, BEGIN ... END, TRY) and hands it back when its turn comes. Expressions in it (a path in a
 * variable, for example) are given back to `evaluate`.
 */
export interface AdministrativeStatement {
  readonly kind: string;
  readonly line: number;
}

/** One per session. */
export interface SqlHost {
  readonly spid: number;
  /** Simulated UTC time; SYSUTCDATETIME() and GETDATE() (the server runs in UTC). */
  now(): SqlDateTime;
  /** Current database of the session; `use` throws 911, 916, 927, 976, 978 ... as the server would. */
  readonly currentDatabase: string;
  use(database: string): void;
  /** Collation compare is case-insensitive everywhere in the estate. */

  /** Catalog views, DMVs, INFORMATION_SCHEMA, msdb tables. Undefined = no such object (error 208). */
  view(name: ObjectName): RowSource | undefined;
  tableFunction(name: ObjectName, args: readonly TypedValue[]): RowSource | undefined;
  /** Built-ins about the server (SERVERPROPERTY, DB_ID, CERT_ID ...); pure ones (LEN, CONVERT) are the engine's. */
  scalarFunction(name: ObjectName): ScalarFunction | undefined;
  /**
   * @@SERVERNAME, @@VERSION, @@SPID ...; engine's own: @@ROWCOUNT, @@ERROR, @@TRANCOUNT, @@IDENTITY.
   * @param name upper case, with the @@
   */
  globalVariable(name: string): TypedValue | undefined;
  /** Runs a procedure and resolves to its return status. Undefined = no such procedure (error 2812). */
  procedure(name: ObjectName): ((call: ProcedureCall) => Promise<number>) | undefined;

  /** Readable user tables of a database; throws 911, 976, 978, 3906-like refusals for reads. */
  storeForRead(database: string): TableStore;
  /** Throws when the database cannot be written: 3906 (read-only), 976, 9002 (log full) ... */
  storeForWrite(database: string): TableStore;
  /**
   * Commits a transaction: hardens the log record (waits on synchronous replicas), then applies the changes.
   * Rejects when the database was lost or changed role meanwhile; then nothing is applied.
   */
  commit(database: string, changes: readonly StorageChange[], signal: AbortSignal): Promise<void>;

  /** WAITFOR: resolves after `milliseconds` of simulated time. Without it the engine waits in real time. */
  sleep?(milliseconds: number, signal: AbortSignal): Promise<void>;

  /** First keywords of administrative statements are offered here; undefined = not mine, the engine says 102/156. */
  parseStatement(tokens: TokenCursor): AdministrativeStatement | undefined;
  execute(
    statement: AdministrativeStatement,
    output: StatementOutput,
    signal: AbortSignal,
    evaluate: (expression: unknown) => TypedValue,
  ): Promise<void>;
}

export type TokenKind =
  | 'identifier'
  | 'quoted-identifier'
  | 'string'
  | 'number'
  | 'binary'
  | 'variable'
  | 'symbol'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Identifier without brackets, string without quotes, symbol as written; keywords are identifiers. */
  readonly text: string;
  /** Upper case of `text` for identifiers that are not quoted; '' otherwise. */
  readonly keyword: string;
  readonly offset: number;
  readonly end: number;
  readonly line: number;
  /** True for N'...' literals. */
  readonly national?: boolean;
}

/** Cursor over a batch's tokens, shared by the engine's and the host's parsers. */
export interface TokenCursor {
  /** Text of the whole batch; token offsets count in it. */
  readonly source?: string;
  peek(ahead?: number): Token;
  next(): Token;
  /** True and consumed when the next tokens are these keywords or symbols, in order. */
  accept(...words: readonly string[]): boolean;
  /** As accept, but throws 102 or 156 near the offending token. */
  expect(...words: readonly string[]): void;
  identifier(): string;
  objectName(): ObjectName;
  /** Parses a T-SQL expression to be given to `evaluate` later. */
  expression(): unknown;
  /** Throws error 102 "Incorrect syntax near '...'" at the token (156 when it is a reserved keyword). */
  fail(token?: Token): never;
  /** True at the end of a statement: end of batch, a semicolon, or a keyword that begins a new statement. */
  atStatementEnd(): boolean;
  mark(): number;
  rewind(mark: number): void;
}
