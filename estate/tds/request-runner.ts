/** Runs the requests of a logged-in connection, one after another. MS-TDS 2.2.6, 3.3.5 (server details). */
import { SqlError, SqlErrors } from '../sql/errors';
import type { SqlParameter, SqlValue } from '../sql/types';
import type { TdsRequest } from './backend';
import { ProtocolError } from './bytes';
import { bindToDeclaration } from './declarations';
import { PacketStatus, PacketType, type TdsMessageFrame } from './packets';
import type { Reply } from './reply';
import { stripHeaders } from './request-headers';
import { FATAL_SEVERITY, type RequestForm, RequestOutput } from './request-output';
import { baseName, bind, ProcedureId, parseRpc, type RpcCall, type RpcParameter } from './rpc';
import type { SessionState } from './session-state';
import { DoneStatus, writeDone } from './tokens';
import { parseTransactionRequest } from './transaction-request';

/** Why a running request is aborted. */
export type AbortCause = 'attention' | 'killed' | 'gone';

export class RequestAborted extends Error {
  override readonly name = 'RequestAborted';
  constructor(readonly abortCause: AbortCause) {
    super(`request aborted: ${abortCause}`);
  }
}

/** What a request may do to its connection. */
export interface ConnectionControl {
  drop(how: 'fin' | 'rst' | 'hang'): void;
  /** Closes once the reply has been sent. */
  closeAfterReply(): void;
}

/** CurCmd values of transaction statements. */
const TRANSACTION_COMMAND = { begin: 0xd4, commit: 0xd5, rollback: 0xd2, save: 0xd3 } as const;

interface Running {
  readonly reply: Reply;
  readonly signal: AbortSignal;
}

export class RequestRunner {
  constructor(
    private readonly state: SessionState,
    private readonly control: ConnectionControl,
  ) {}

  /** Runs one request and ends its reply. @throws ProtocolError when the request cannot be read */
  async run(frame: TdsMessageFrame, reply: Reply, signal: AbortSignal): Promise<void> {
    if ((frame.status & PacketStatus.ignore) !== 0) {
      // MS-TDS 2.2.1.7: a request that the client gave up while sending it
      writeDone(reply.writer, 'done', DoneStatus.error, this.state.dialect);
      reply.end();
      return;
    }
    const running = { reply, signal };
    const ready = await this.resetIfAsked(frame.status, running);
    if (ready) await this.dispatch(frame, running);
    reply.end();
  }

  /** @returns false when the reset failed, which ends the request */
  private async resetIfAsked(status: number, running: Running): Promise<boolean> {
    const skip = (status & PacketStatus.resetConnectionSkipTransaction) !== 0;
    if (!skip && (status & PacketStatus.resetConnection) === 0) return true;
    try {
      // No DONE: the acknowledgement only comes before the reply proper.
      await this.state.reset(running.reply.writer, skip);
      return true;
    } catch (error) {
      const output = this.output({ kind: 'batch' }, running);
      this.fail(output, error, running.signal);
      return false;
    }
  }

  private async dispatch(frame: TdsMessageFrame, running: Running): Promise<void> {
    switch (frame.type) {
      case PacketType.sqlBatch:
        await this.execute(
          { kind: 'batch', sql: this.body(frame).toString('utf16le') },
          { kind: 'batch' },
          running,
        );
        return;
      case PacketType.rpc:
        await this.rpc(this.body(frame), running);
        return;
      case PacketType.transactionManager:
        await this.transaction(this.body(frame), running);
        return;
      case PacketType.bulkLoad:
        await this.guarded(running, { kind: 'batch' }, () => Promise.reject(bulkLoadRefused()));
        return;
      default:
        throw new ProtocolError(`packet type ${frame.type} after the login`);
    }
  }

  private body(frame: TdsMessageFrame): Buffer {
    return stripHeaders(frame.data, this.state.dialect);
  }

  private async rpc(body: Buffer, running: Running): Promise<void> {
    let calls: readonly RpcCall[];
    try {
      calls = parseRpc(body, this.state.dialect);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      await this.guarded(running, rpcForm([], false, false), () => Promise.reject(error));
      return;
    }
    for (const [index, call] of calls.entries()) {
      const goOn = await this.call(call, index < calls.length - 1, running);
      if (!goOn) return;
    }
    if (calls.length === 0) writeDone(running.reply.writer, 'doneProc', DoneStatus.final, this.state.dialect);
  }

  /** @returns false when the connection or the whole request has ended */
  private call(call: RpcCall, moreCalls: boolean, running: Running): Promise<boolean> {
    const { parameters } = call;
    const form = rpcForm(parameters, moreCalls, call.procedureId !== undefined);
    return this.guarded(running, form, async (output) => {
      const run = (request: TdsRequest): Promise<void> =>
        this.state.session.execute(request, output, running.signal);
      switch (call.procedureId) {
        case ProcedureId.executeSql:
          return run(statement(textOf(parameters[0]), textOf(parameters[1]), parameters.slice(2)));
        case ProcedureId.prepare:
          this.prepare(parameters, output);
          return;
        case ProcedureId.prepExec: {
          const prepared = this.prepare(parameters, output);
          return run(statement(prepared.sql, prepared.declaration, parameters.slice(3)));
        }
        case ProcedureId.execute: {
          const prepared = this.state.prepared.get(argument(parameters[0]));
          return run(statement(prepared.sql, prepared.declaration, parameters.slice(1)));
        }
        case ProcedureId.unprepare:
          this.state.prepared.remove(argument(parameters[0]));
          return;
        case undefined:
          return this.procedure(call, run, running);
        default:
          throw cursorRefused(call.procedureId);
      }
    });
  }

  private async procedure(
    call: RpcCall,
    run: (request: TdsRequest) => Promise<void>,
    running: Running,
  ): Promise<void> {
    if (baseName(call.name) === 'sp_reset_connection') {
      await this.state.reset(running.reply.writer, false);
      return;
    }
    await run({ kind: 'procedure', name: call.name, parameters: procedureParameters(call.parameters) });
  }

  /** sp_prepare and sp_prepexec: @handle OUTPUT, declaration, statement. */
  private prepare(
    parameters: readonly RpcParameter[],
    output: RequestOutput,
  ): { sql: string; declaration: string } {
    const prepared = { declaration: textOf(parameters[1]), sql: textOf(parameters[2]) };
    const handle = this.state.prepared.add(prepared);
    output.outputParameter(parameters[0]?.name || 'handle', { kind: 'int' }, handle);
    return prepared;
  }

  private async transaction(body: Buffer, running: Running): Promise<void> {
    const { writer } = running.reply;
    await this.guarded(running, { kind: 'batch' }, async (output) => {
      let command = 0;
      for (const request of parseTransactionRequest(body)) {
        const before = this.state.inTransaction;
        await this.state.session.transaction(request);
        const after = this.state.inTransaction;
        if (!before && after) this.state.writeTransaction(writer, 'begin');
        if (before && !after)
          this.state.writeTransaction(writer, request.kind === 'commit' ? 'commit' : 'rollback');
        command = TRANSACTION_COMMAND[request.kind];
      }
      output.endTransactionRequest(command);
    });
  }

  private execute(request: TdsRequest, form: RequestForm, running: Running): Promise<boolean> {
    return this.guarded(running, form, (output) =>
      this.state.session.execute(request, output, running.signal),
    );
  }

  /**
   * Runs `work` and writes the end that it deserves.
   * @returns false when nothing more of this request may run
   */
  private async guarded(
    running: Running,
    form: RequestForm,
    work: (output: RequestOutput) => Promise<void>,
  ): Promise<boolean> {
    const output = this.output(form, running);
    try {
      await work(output);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      return this.fail(output, error, running.signal);
    }
    output.finish();
    return true;
  }

  private output(form: RequestForm, { reply, signal }: Running): RequestOutput {
    return new RequestOutput(reply, this.state, form, signal, (how) => this.control.drop(how));
  }

  private fail(output: RequestOutput, error: unknown, signal: AbortSignal): boolean {
    const reason: unknown = signal.aborted ? signal.reason : undefined;
    const cause = reason instanceof RequestAborted ? reason.abortCause : undefined;
    if (cause === 'attention' || cause === 'gone') {
      output.cancel();
      return false;
    }
    const errors = cause === 'killed' ? [killed()] : toSqlErrors(error);
    if (errors.some(({ severity }) => severity >= FATAL_SEVERITY)) {
      output.failFatally(errors);
      this.control.closeAfterReply();
      return false;
    }
    output.fail(errors);
    return true;
  }
}

function rpcForm(parameters: readonly RpcParameter[], moreCalls: boolean, isStatement: boolean): RequestForm {
  return { kind: 'rpc', parameters, moreCalls, statement: isStatement };
}

function argument(parameter: RpcParameter | undefined): SqlValue {
  return parameter?.value ?? null;
}

function textOf(parameter: RpcParameter | undefined): string {
  const value = argument(parameter);
  if (value === null) return '';
  if (typeof value === 'string') return value;
  // Error 214 is what sp_executesql and sp_prepare say of a parameter that is not Unicode text.
  throw new SqlError(214, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.", {
    state: 2,
  });
}

function statement(sql: string, declaration: string, values: readonly RpcParameter[]): TdsRequest {
  return { kind: 'statement', sql, parameters: bindToDeclaration(sql, declaration, values) };
}

function procedureParameters(parameters: readonly RpcParameter[]): SqlParameter[] {
  return parameters
    .filter(({ useDefault }) => !useDefault)
    .map((parameter) => bind(parameter, parameter.name));
}

function toSqlErrors(error: unknown): readonly SqlError[] {
  if (error instanceof SqlError) return [error];
  if (error instanceof SqlErrors) return error.errors;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return [new SqlError(50000, `Unexpected failure inside the simulated server. ${text}`)];
}

function killed(): SqlError {
  return new SqlError(596, 'Cannot continue the execution because the session is in the kill state.', {
    severity: 21,
  });
}

const OPENS_CURSOR: ReadonlySet<number> = new Set([
  ProcedureId.cursorOpen,
  ProcedureId.cursorPrepare,
  ProcedureId.cursorExecute,
  ProcedureId.cursorPrepExec,
]);

/** There are no API server cursors. 16937 says so and tells the user what to do instead. */
function cursorRefused(procedureId: number): SqlError {
  if (OPENS_CURSOR.has(procedureId)) {
    return new SqlError(
      16937,
      'A server cursor cannot be opened on the given statement or statements. Use a default result set or client cursor.',
    );
  }
  if (procedureId === ProcedureId.prepExecRpc) {
    return new SqlError(2812, "Could not find stored procedure 'sp_prepexecrpc'.", { state: 62 });
  }
  return new SqlError(16909, 'The cursor identifier value provided is not valid.');
}

/** 4002 is what SQL Server says of input that does not belong where it stands: no INSERT BULK is ever open here. */
function bulkLoadRefused(): SqlError {
  return new SqlError(
    4002,
    'The incoming tabular data stream (TDS) protocol stream is incorrect. The stream ended unexpectedly.',
  );
}
