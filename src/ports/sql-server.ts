import type { Query, Statement } from '../model/statement';

/** A server message of severity 0 to 10, for example the progress of a backup. */
export interface ServerMessage {
  readonly number: number;
  readonly text: string;
}

export interface SqlCallOptions {
  /** Own deadline in milliseconds; a driver's time-out ends at the first response packet (reference: tedious). */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly onMessage?: (message: ServerMessage) => void;
}

/**
 * One SQL Server or managed instance over TDS. Rejects with SqlServerFailure (src/ports/failures.ts): all error
 * numbers of the request, the cause first.
 */
export interface SqlServerPort {
  /** Name in the inventory, for messages. */
  readonly name: string;
  query<Row>(query: Query<Row>, options?: SqlCallOptions): Promise<readonly Row[]>;
  execute(statement: Statement, options?: SqlCallOptions): Promise<void>;
}
