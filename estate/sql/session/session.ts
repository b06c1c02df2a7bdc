/** One session's T-SQL engine. */
import { SqlError } from '../errors';
import type { SqlHost, TypedValue } from '../host';
import type { SqlParameter } from '../types';
import { type CallArgument, callProcedure, nameFromText, runNested } from './execute';
import { type SessionOutput, sendErrors } from './output';
import { ParseCache } from './parse-cache';
import { type RunContext, runStatements } from './runner';
import { defaultOptions, SessionState, VariableScope } from './state';
import {
  abandonTransaction,
  beginTransaction,
  commitTransaction,
  rollbackTransaction,
  saveTransaction,
} from './transactions';

export interface ProcedureResult {
  readonly returnStatus: number;
  /** OUTPUT parameters with their values, in the order of the call. */
  readonly outputs: readonly SqlParameter[];
}

const SILENT: SessionOutput = {
  columns() {},
  row() {},
  endRows() {},
  affected() {},
  info() {},
  error() {},
};

const NEVER_ABORTS = new AbortController().signal;

/**
 * Runs T-SQL for one connection. Requests must not overlap. Statement-level errors go to `output.error`; an error
 * that ends the batch is thrown (SqlError or SqlErrors), as is the signal's reason when it aborts.
 */
export class SqlSession {
  private readonly state: SessionState;
  private readonly parser: ParseCache;

  constructor(private readonly host: SqlHost) {
    this.state = new SessionState(host);
    this.parser = new ParseCache(host);
  }

  /** @@TRANCOUNT */
  get transactionDepth(): number {
    return this.state.depth;
  }

  get xactAbort(): boolean {
    return this.state.options.xactAbort;
  }

  get noCount(): boolean {
    return this.state.options.noCount;
  }

  /** Runs a batch: parsed whole first, so that a syntax error runs nothing. USE and SET stay in force. */
  async executeBatch(sql: string, output: SessionOutput, signal: AbortSignal): Promise<void> {
    this.state.scope = new VariableScope();
    const batch = this.parser.parse(sql);
    await this.guarded(output, signal, (context) => runStatements(batch.statements, context));
  }

  /**
   * Runs text with parameters, as sp_executesql does: its variables, USE and SET options end with it.
   * @returns the parameters declared as output, with their values; they and the status go to the output as well
   */
  async executeStatement(
    sql: string,
    parameters: readonly SqlParameter[],
    output: SessionOutput,
    signal: AbortSignal,
  ): Promise<ProcedureResult> {
    const values = await this.guarded(output, signal, (context) => runNested(sql, parameters, context));
    const outputs = parameters
      .filter((parameter) => parameter.output)
      .map((parameter) => ({
        ...parameter,
        value: values.get(parameter.name.replace(/^@/, '').toLowerCase())?.value ?? null,
      }));
    return report({ returnStatus: 0, outputs }, output);
  }

  /** Calls a procedure by its name as written (`master..sp_who`). @throws SqlError 2812 */
  async executeProcedure(
    name: string,
    parameters: readonly SqlParameter[],
    output: SessionOutput,
    signal: AbortSignal,
  ): Promise<ProcedureResult> {
    this.state.scope = new VariableScope();
    const args: CallArgument[] = parameters.map((parameter) => ({
      ...parameter,
      name: parameter.name.replace(/^@/, ''),
      named: parameter.name !== '',
    }));
    const values = new Map<CallArgument, TypedValue>();
    const returnStatus = await this.guarded(output, signal, (context) =>
      callProcedure(nameFromText(name), args, context, values),
    );
    const outputs = args
      .filter((argument) => argument.output)
      .map((argument) => {
        const result = values.get(argument) ?? argument;
        return { name: argument.name, type: result.type, value: result.value, output: true };
      });
    return report({ returnStatus, outputs }, output);
  }

  /** Transaction manager requests of the wire. */
  async beginTransaction(name?: string, output: SessionOutput = SILENT): Promise<void> {
    beginTransaction({ state: this.state, output }, name);
  }

  async commit(output: SessionOutput = SILENT, signal: AbortSignal = NEVER_ABORTS): Promise<void> {
    await commitTransaction({ state: this.state, host: this.host, output, signal });
  }

  async rollback(name?: string, output: SessionOutput = SILENT): Promise<void> {
    rollbackTransaction({ state: this.state, output }, name);
  }

  async save(name: string): Promise<void> {
    saveTransaction({ state: this.state }, name);
  }

  /** sp_reset_connection: options as at login, no #tables, no transaction unless it is kept. */
  reset(keepTransaction = false): void {
    if (!keepTransaction) {
      abandonTransaction({ state: this.state, output: SILENT });
      this.state.dropLocal();
    }
    this.state.options = defaultOptions();
    this.state.scope = new VariableScope();
    this.state.caught = undefined;
    this.state.rowCount = 0;
    this.state.lastError = 0;
    this.state.identity = undefined;
    this.state.scopeIdentity = undefined;
    this.state.nestLevel = 0;
  }

  /** Rolls back and drops what belongs to the session. */
  close(): void {
    this.reset(false);
  }

  private async guarded<T>(
    output: SessionOutput,
    signal: AbortSignal,
    run: (context: RunContext) => Promise<T>,
  ): Promise<T> {
    const { state, host, parser } = this;
    const context: RunContext = { state, host, parser, output, signal, inTry: false };
    state.caught = undefined;
    try {
      const result = await run(context);
      this.refuseDoomed(output);
      return result;
    } catch (error) {
      if (error instanceof SqlError && error.severity >= 20) abandonTransaction({ state, output });
      else if (state.transaction?.doomed === true) {
        abandonTransaction({ state, output });
        sendErrors(output, uncommittable());
      }
      throw error;
    } finally {
      // A statement that was cut off in the middle leaves a transaction without BEGIN behind.
      if (state.depth === 0) {
        state.transaction?.rollback();
        state.transaction = undefined;
      }
    }
  }

  /** @throws SqlError 3998 when the batch leaves a transaction behind that cannot be committed */
  private refuseDoomed(output: SessionOutput): void {
    if (this.state.transaction?.doomed !== true || this.state.depth === 0) return;
    abandonTransaction({ state: this.state, output });
    throw uncommittable();
  }
}

const uncommittable = (): SqlError =>
  new SqlError(
    3998,
    'Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.',
  );

function report(result: ProcedureResult, output: SessionOutput): ProcedureResult {
  for (const { name, type, value } of result.outputs) output.outputParameter?.(name, type, value);
  output.returnStatus?.(result.returnStatus);
  return result;
}
