import type { TdsMessage } from '../../tds/backend';
import { SqlError, SqlErrors } from '../errors';
import type { StatementOutput } from '../host';
import type { SqlColumn, SqlRow, SqlType, SqlValue } from '../types';

/** Where a session's results go. The optional parts are what the wire also wants to know; TdsOutput fits. */
export interface SessionOutput extends StatementOutput {
  useDatabase?(name: string): void;
  transaction?(change: 'begin' | 'commit' | 'rollback'): void;
  outputParameter?(name: string, type: SqlType, value: SqlValue): void;
  returnStatus?(status: number): void;
}

export const messageOf = (error: SqlError): TdsMessage => ({
  number: error.number,
  severity: error.severity,
  state: error.state,
  message: error.message,
  line: error.line,
  procedure: error.procedure,
});

export function sendErrors(output: StatementOutput, error: SqlError | SqlErrors): void {
  for (const one of errorsOf(error)) output.error(messageOf(one));
}

export const errorsOf = (error: SqlError | SqlErrors): readonly SqlError[] =>
  error instanceof SqlErrors ? error.errors : [error];

export const isSqlError = (error: unknown): error is SqlError | SqlErrors =>
  error instanceof SqlError || error instanceof SqlErrors;

export async function sendRows(
  output: StatementOutput,
  columns: readonly SqlColumn[],
  rows: Iterable<SqlRow>,
  signal: AbortSignal,
): Promise<void> {
  output.columns(columns);
  for (const row of rows) {
    const sent = output.row(row);
    if (sent === undefined) continue;
    await sent;
    signal.throwIfAborted();
  }
  output.endRows();
}

/** A message of severity 10 or less, as PRINT and RAISERROR send it. */
export function sendInfo(
  output: StatementOutput,
  text: string,
  line: number,
  flush = false,
  severity = 0,
  state = 1,
  number = 0,
): void {
  output.info({ number, severity, state, message: text, line }, flush);
}
