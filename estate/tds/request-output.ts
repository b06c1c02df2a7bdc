/**
 * Turns what a backend says while it runs a request into tokens. The rules of DONE live here:
 * the end of a statement is only written when it is known whether something follows it.
 */
import type { SqlError } from '../sql/errors';
import type { SqlColumn, SqlRow, SqlType, SqlValue } from '../sql/types';
import type { TdsCommand, TdsMessage, TdsOutput } from './backend';
import type { Reply } from './reply';
import type { RpcParameter } from './rpc';
import type { SessionState } from './session-state';
import {
  DoneStatus,
  writeColumns,
  writeDone,
  writeMessage,
  writeReturnStatus,
  writeReturnValue,
  writeRow,
} from './tokens';

/** CurCmd of DONE: not documented, but drivers look at those of data changes. */
const CURRENT_COMMAND: Record<TdsCommand, number> = {
  select: 0xc1,
  insert: 0xc3,
  delete: 0xc4,
  update: 0xc5,
  other: 0,
};

/** Errors from this severity on end the connection. */
export const FATAL_SEVERITY = 20;

/** Return status of a procedure that ended by an error (inferred: what SQL Server gives when a statement fails). */
const FAILED_PROCEDURE_STATUS = -6;

interface StatementEnd {
  readonly status: number;
  readonly rowCount: number;
  readonly command: number;
}

interface OutputValue {
  readonly name: string;
  readonly type: SqlType;
  readonly value: SqlValue;
}

/** How the request came, which decides the DONE tokens. */
export type RequestForm =
  | { readonly kind: 'batch' }
  | {
      readonly kind: 'rpc';
      readonly parameters: readonly RpcParameter[];
      /** Another call of the same RPC request follows. */
      readonly moreCalls: boolean;
      /** sp_executesql returns the error's number as its status, a procedure a small negative number. */
      readonly statement: boolean;
    };

export class RequestOutput implements TdsOutput {
  private openColumns: readonly SqlColumn[] | undefined;
  private rowCount = 0;
  private pending: StatementEnd | undefined;
  /** An error was sent that belongs to the statement under way. */
  private statementFailed = false;
  private lastError: number | undefined;
  private status: number | undefined;
  private readonly outputs: OutputValue[] = [];
  private ended = false;

  constructor(
    private readonly reply: Reply,
    private readonly state: SessionState,
    private readonly form: RequestForm,
    private readonly signal: AbortSignal,
    private readonly dropConnection: (how: 'fin' | 'rst' | 'hang') => void,
  ) {}

  columns(columns: readonly SqlColumn[]): void {
    this.guard();
    this.endRows();
    this.settle();
    this.write(() => writeColumns(this.reply.writer, columns, this.state.dialect));
    this.openColumns = columns;
    this.rowCount = 0;
  }

  row(row: SqlRow): void | Promise<void> {
    this.guard();
    const columns = this.openColumns;
    if (columns === undefined) throw new Error('row() before columns()');
    this.write(() => writeRow(this.reply.writer, columns, row, this.state.dialect));
    this.rowCount++;
    this.reply.advance();
    return this.reply.pause();
  }

  endRows(): void {
    if (this.openColumns === undefined) return;
    this.openColumns = undefined;
    this.endStatement(DoneStatus.count, this.rowCount, CURRENT_COMMAND.select);
  }

  affected(rowCount?: number, command: TdsCommand = 'other'): void {
    this.guard();
    this.endRows();
    if (this.pending !== undefined) this.writePending();
    const counted = rowCount === undefined ? 0 : DoneStatus.count;
    this.endStatement(counted, rowCount ?? 0, CURRENT_COMMAND[command]);
  }

  info(message: TdsMessage, flush = false): void {
    this.guard();
    this.message(message);
    if (flush) this.reply.flush();
  }

  error(message: TdsMessage): void {
    this.guard();
    this.message(message);
    this.statementFailed = true;
    this.lastError = message.number;
  }

  useDatabase(name: string): void {
    this.guard();
    this.settle();
    this.write(() => this.state.writeDatabase(this.reply.writer, name));
  }

  outputParameter(name: string, type: SqlType, value: SqlValue): void {
    this.outputs.push({ name: name.replace(/^@/, ''), type, value });
  }

  returnStatus(status: number): void {
    this.status = status;
  }

  transaction(change: 'begin' | 'commit' | 'rollback'): void {
    this.guard();
    this.settle();
    this.write(() => this.state.writeTransaction(this.reply.writer, change));
  }

  flush(): void {
    this.guard();
    if (this.pending !== undefined && this.openColumns === undefined) this.writePending();
    this.reply.flush();
  }

  drop(how: 'fin' | 'rst' | 'hang'): void {
    this.dropConnection(how);
  }

  /** A Transaction Manager request has no rows and no count, only its command. */
  endTransactionRequest(command: number): void {
    this.endStatement(0, 0, command);
  }

  /** The request ran to its end. */
  finish(): void {
    this.endRows();
    this.ended = true;
    if (this.form.kind === 'rpc') this.finishRpc(this.form);
    else this.finishBatch();
  }

  /** The request ended by errors; an open result set ends without a DONE of its own. */
  fail(errors: readonly SqlError[]): void {
    this.openColumns = undefined;
    for (const error of errors) {
      this.message(toMessage(error));
      this.lastError = error.number;
    }
    this.statementFailed = true;
    this.finish();
  }

  /** An error that ends the connection: nothing comes after its DONE. */
  failFatally(errors: readonly SqlError[]): void {
    this.ended = true;
    for (const error of errors) this.message(toMessage(error));
    this.done(this.finalKind(), DoneStatus.error | DoneStatus.serverError);
  }

  /** The request was cancelled: what was pending is forgotten, and the Attention is acknowledged in another message. */
  cancel(): void {
    this.ended = true;
    this.done(this.finalKind(), DoneStatus.error);
  }

  private finalKind(): 'done' | 'doneProc' {
    return this.form.kind === 'rpc' ? 'doneProc' : 'done';
  }

  private finishBatch(): void {
    const end = this.pending ?? { status: this.errorBit(), rowCount: 0, command: 0 };
    this.done('done', end.status, end.rowCount, end.command);
  }

  private finishRpc(form: RequestForm & { kind: 'rpc' }): void {
    if (this.pending !== undefined) this.writePending();
    else if (this.statementFailed) this.done('doneInProc', DoneStatus.error | DoneStatus.more);
    writeReturnStatus(this.reply.writer, this.status ?? this.impliedStatus(form));
    this.writeOutputs(form);
    const failed = this.lastError === undefined ? 0 : DoneStatus.error;
    this.done('doneProc', failed | (form.moreCalls ? DoneStatus.more : 0));
  }

  private impliedStatus(form: RequestForm & { kind: 'rpc' }): number {
    if (this.lastError === undefined) return 0;
    return form.statement ? this.lastError : FAILED_PROCEDURE_STATUS;
  }

  private writeOutputs(form: RequestForm & { kind: 'rpc' }): void {
    const free = form.parameters.filter((parameter) => parameter.output);
    for (const { name, type, value } of this.outputs) {
      const index = matchOutput(free, name);
      const [parameter] = index === -1 ? [] : free.splice(index, 1);
      if (parameter === undefined) continue; // the caller did not ask for this one
      const label = `@${parameter.name === '' ? name : parameter.name}`;
      this.write(() =>
        writeReturnValue(this.reply.writer, parameter.ordinal, label, type, value, this.state.dialect),
      );
    }
  }

  /** A request that was cancelled or has ended must not write into somebody else's reply. */
  private guard(): void {
    this.signal.throwIfAborted();
    if (this.ended) throw new Error('the request has ended');
  }

  /** Writes a token whole or not at all. */
  private write(token: () => void): void {
    const start = this.reply.writer.length;
    try {
      token();
    } catch (error) {
      this.reply.writer.truncate(start);
      throw error;
    }
  }

  private message(message: TdsMessage): void {
    if (this.pending !== undefined) this.writePending();
    writeMessage(this.reply.writer, message, this.state.serverName, this.state.dialect);
    this.reply.advance();
  }

  private errorBit(): number {
    return this.statementFailed ? DoneStatus.error : 0;
  }

  private endStatement(status: number, rowCount: number, command: number): void {
    this.pending = { status: status | this.errorBit(), rowCount, command };
    this.statementFailed = false;
  }

  /** Writes the end of the statement before, because another one begins. */
  private settle(): void {
    if (this.pending !== undefined) this.writePending();
    else if (this.statementFailed) this.done(this.statementKind(), DoneStatus.error | DoneStatus.more);
    this.statementFailed = false;
  }

  private writePending(): void {
    const end = this.pending;
    if (end === undefined) return;
    this.pending = undefined;
    this.done(this.statementKind(), end.status | DoneStatus.more, end.rowCount, end.command);
  }

  private statementKind(): 'done' | 'doneInProc' {
    return this.form.kind === 'rpc' ? 'doneInProc' : 'done';
  }

  private done(kind: 'done' | 'doneProc' | 'doneInProc', status: number, rowCount = 0, command = 0): void {
    const transaction = this.state.inTransaction ? DoneStatus.inTransaction : 0;
    writeDone(this.reply.writer, kind, status | transaction, this.state.dialect, rowCount, command);
    this.reply.advance();
  }
}

/** By name; parameters that the client gave by position take the outputs in order. */
function matchOutput(free: readonly RpcParameter[], name: string): number {
  const named = free.findIndex((parameter) => parameter.name.toLowerCase() === name.toLowerCase());
  return named === -1 ? free.findIndex((parameter) => parameter.name === '') : named;
}

export function toMessage(error: SqlError): TdsMessage {
  const { number, severity, state, message, line, procedure } = error;
  return { number, severity, state, message, line, procedure };
}
