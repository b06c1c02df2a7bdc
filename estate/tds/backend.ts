/**
 * What the TDS server needs from whatever executes SQL behind it. The wire knows nothing of SQL Server;
 * a backend knows nothing of packets.
 */
import type { SqlColumn, SqlParameter, SqlRow, SqlType, SqlValue } from '../sql/types';

export interface TdsLogin {
  readonly user: string;
  readonly password: string;
  /** Entra access token, when the client logs in with one. */
  readonly accessToken?: string;
  readonly database: string;
  readonly hostName: string;
  readonly applicationName: string;
  readonly serverName: string;
  readonly libraryName: string;
  /** ApplicationIntent=ReadOnly (LOGIN7 TypeFlags). */
  readonly readOnlyIntent: boolean;
  readonly remoteAddress: string;
}

export interface TdsServerIdentity {
  /** Value of @@SERVERNAME, put in every message token. */
  readonly serverName: string;
  readonly programName: string;
  readonly version: {
    readonly major: number;
    readonly minor: number;
    readonly build: number;
    readonly revision: number;
  };
  /** Present when Entra logins are accepted (PRELOGIN FEDAUTHREQUIRED and FEDAUTHINFO). */
  readonly fedAuth?: { readonly stsUrl: string; readonly spn: string };
}

/** Sends results while a request runs. Every call may throw when the client has gone. */
export interface TdsOutput {
  columns(columns: readonly SqlColumn[]): void;
  row(row: SqlRow): void | Promise<void>;
  endRows(): void;
  /** Ends a statement without rows. @param rowCount undefined = no count (DDL, SET NOCOUNT ON). */
  affected(rowCount?: number, command?: TdsCommand): void;
  /** Message with severity 0..10. With flush the client sees it at once (BACKUP ... STATS). */
  info(message: TdsMessage, flush?: boolean): void;
  /** Error with severity 11..19; the request goes on. Throw SqlError(s) to end the request. */
  error(message: TdsMessage): void;
  useDatabase(name: string): void;
  outputParameter(name: string, type: SqlType, value: SqlValue): void;
  returnStatus(status: number): void;
  /** ENVCHANGE 8/9/10 for transactions begun or ended by T-SQL text. */
  transaction(change: 'begin' | 'commit' | 'rollback'): void;
  flush(): void;
  /** Ends the connection the hard way, for scripted faults: FIN, RST, or silence until the client gives up. */
  drop(how: 'fin' | 'rst' | 'hang'): void;
}

export type TdsCommand = 'select' | 'insert' | 'update' | 'delete' | 'other';

export interface TdsMessage {
  readonly number: number;
  readonly severity: number;
  readonly state: number;
  readonly message: string;
  readonly line?: number;
  readonly procedure?: string;
}

export type TdsRequest =
  | { readonly kind: 'batch'; readonly sql: string }
  /** sp_executesql, or an execution of a prepared handle; parameters are already bound to their declared names. */
  | { readonly kind: 'statement'; readonly sql: string; readonly parameters: readonly SqlParameter[] }
  | { readonly kind: 'procedure'; readonly name: string; readonly parameters: readonly SqlParameter[] };

export type IsolationLevel =
  | 'read uncommitted'
  | 'read committed'
  | 'repeatable read'
  | 'serializable'
  | 'snapshot';

export type TransactionRequest =
  /** @property isolationLevel set for the session from here on; absent = unchanged */
  | { readonly kind: 'begin'; readonly name?: string; readonly isolationLevel?: IsolationLevel }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback'; readonly name?: string }
  | { readonly kind: 'save'; readonly name: string };

/** One logged-in connection. Requests of one session never overlap. */
export interface TdsSession {
  /**
   * Runs one request. @param signal aborts on Attention or when the client goes away.
   * Throw SqlError or SqlErrors to end the request with errors.
   */
  execute(request: TdsRequest, output: TdsOutput, signal: AbortSignal): Promise<void>;
  transaction(request: TransactionRequest): Promise<void>;
  /** RESETCONNECTION (sp_reset_connection): back to the login's database, options, no transaction, no temp tables. */
  reset(keepTransaction: boolean): Promise<void>;
  readonly transactionDepth: number;
  readonly database: string;
  close(): void;
}

export type LoginVerdict =
  | { readonly kind: 'accepted'; readonly session: TdsSession }
  /** Messages in the order SQL Server sends them, for example 4060 and then 18456. */
  | { readonly kind: 'refused'; readonly errors: readonly TdsMessage[] }
  | { readonly kind: 'routed'; readonly host: string; readonly port: number }
  /** Scripted fault: never answer, or hang up. */
  | { readonly kind: 'dropped'; readonly how: 'fin' | 'rst' | 'hang' };

export interface TdsBackend {
  readonly identity: TdsServerIdentity;
  /** @param spid session id of the connection; @param terminate lets the backend end this connection (KILL). */
  login(login: TdsLogin, spid: number, terminate: () => void): Promise<LoginVerdict>;
}
