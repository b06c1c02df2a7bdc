/** Runs the statements of a parsed batch: control of flow, errors, and what each statement does. */
import { SqlError } from '../errors';
import type { SqlHost, TypedValue } from '../host';
import { compile } from '../query/compile';
import { compileCondition } from '../query/conditions';
import { EMPTY_FRAME } from '../query/frame';
import type { Expression, Statement } from '../syntax/ast';
import type { SqlType, SqlValue } from '../types';
import { INT } from '../values/typing';
import { alterTableAdd, createIndex, createTable, definitionOf, dropTables } from './ddl';
import { contextOf, type DmlResult, runDelete, runInsert, runTruncate, runUpdate } from './dml';
import { runExecute, runExecuteText } from './execute';
import { handleError, runCatch } from './failures';
import { MemoryTableStore } from './memory-store';
import { setOption } from './options';
import { type SessionOutput, sendRows } from './output';
import type { ParseCache } from './parse-cache';
import { raiseError, throwError } from './raise';
import { runQuery } from './select-statement';
import type { SessionState } from './state';
import { DatabaseWork } from './transaction';
import {
  beginTransaction,
  commitTransaction,
  endAutocommit,
  rollbackTransaction,
  saveTransaction,
} from './transactions';
import { assignVariable, coerceValue } from './variables';
import { waitFor } from './wait';

/** What the statements of one batch share. */
export interface RunContext {
  readonly state: SessionState;
  readonly host: SqlHost;
  readonly parser: ParseCache;
  readonly output: SessionOutput;
  readonly signal: AbortSignal;
  /** Inside BEGIN TRY: errors go to the CATCH block. */
  readonly inTry: boolean;
}

export type Flow = 'next' | 'break' | 'continue' | { readonly returned: number };

export async function runStatements(statements: readonly Statement[], context: RunContext): Promise<Flow> {
  for (const statement of statements) {
    const flow = await runStatement(statement, context);
    if (flow !== 'next') return flow;
  }
  return 'next';
}

export async function runStatement(statement: Statement, context: RunContext): Promise<Flow> {
  const { state } = context;
  context.signal.throwIfAborted();
  if (isOnlyParsed(statement, state)) return 'next';
  switch (statement.kind) {
    case 'block':
      return runStatements(statement.statements, context);
    case 'if':
    case 'while':
      return runConditional(statement, context);
    case 'try':
      return runCatch(statement, context);
    case 'break':
      return 'break';
    case 'continue':
      return 'continue';
    case 'return':
      return runReturn(statement, context);
    default:
      state.beginStatement();
      try {
        await runSimple(statement, context);
        if (statement.kind !== 'raiserror') state.lastError = 0;
      } catch (error) {
        await handleError(error, statement, context);
      }
      return 'next';
  }
}

/** Under SET NOEXEC ON and SET PARSEONLY ON nothing runs until a SET takes them back. */
const isOnlyParsed = (statement: Statement, { options }: SessionState): boolean =>
  ((options.noExec || options.parseOnly) && statement.kind !== 'set-option') ||
  (options.fmtOnly && changesSomething.has(statement.kind));

/** What SET FMTONLY ON leaves out: it asks for the columns of results alone. */
const changesSomething: ReadonlySet<Statement['kind']> = new Set<Statement['kind']>([
  'insert',
  'update',
  'delete',
  'truncate-table',
  'create-table',
  'drop-table',
  'alter-table-add',
  'administrative',
]);

async function runConditional(
  statement: Extract<Statement, { kind: 'if' | 'while' }>,
  context: RunContext,
): Promise<Flow> {
  if (statement.kind === 'if') {
    const chosen = (await testCondition(statement.condition, statement, context))
      ? statement.consequence
      : statement.otherwise;
    return chosen === undefined ? 'next' : runStatement(chosen, context);
  }
  for (let turn = 1; await testCondition(statement.condition, statement, context); turn++) {
    const flow = await runStatement(statement.body, context);
    if (flow === 'break') return 'next';
    if (typeof flow === 'object') return flow;
    // A loop of statements that never wait must still let an Attention through.
    if (turn % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    context.signal.throwIfAborted();
  }
  return 'next';
}

/** An error in a condition counts like one in a statement; the branch is not taken then. */
async function testCondition(
  condition: Expression,
  statement: Statement,
  context: RunContext,
): Promise<boolean> {
  context.state.beginStatement();
  try {
    return compileCondition(condition, contextOf(context.state))(EMPTY_FRAME) === true;
  } catch (error) {
    await handleError(error, statement, context);
    return false;
  }
}

async function runReturn(
  statement: Extract<Statement, { kind: 'return' }>,
  context: RunContext,
): Promise<Flow> {
  const value = statement.value === undefined ? 0 : evaluateAs(statement.value, INT, context.state);
  return { returned: Number(value ?? 0) };
}

export function evaluateExpression(expression: Expression, state: SessionState): TypedValue {
  const compiled = compile(expression, contextOf(state));
  return { type: compiled.type, value: compiled.evaluate(EMPTY_FRAME) };
}

export function evaluateAs(expression: Expression, type: SqlType, state: SessionState): SqlValue {
  const compiled = compile(expression, contextOf(state));
  return coerceValue(compiled, type);
}

async function runSimple(statement: Statement, context: RunContext): Promise<void> {
  const { state, signal, output } = context;
  switch (statement.kind) {
    case 'query':
      return runQuery(statement, context);
    case 'insert':
      return runWrite(context, 'insert', () => runInsert(state, statement, signal));
    case 'update':
      return runWrite(context, 'update', () => runUpdate(state, statement, signal));
    case 'delete':
      return runWrite(context, 'delete', () => runDelete(state, statement, signal));
    case 'truncate-table':
      return runDefinition(context, () => runTruncate(state, statement, signal));
    case 'create-table':
      return runDefinition(context, () => createTable(state, statement.name, statement.shape, signal));
    case 'drop-table':
      return runDefinition(context, () => dropTables(state, statement, signal));
    case 'alter-table-add':
      return runDefinition(context, () => alterTableAdd(state, statement, signal));
    case 'create-index':
      createIndex(state, statement.table);
      return output.affected(undefined, 'other');
    case 'drop-index':
      return output.affected(undefined, 'other');
    case 'declare':
      for (const { name, type, value } of statement.variables) {
        declareVariable(state, name, type, value === undefined ? null : evaluateAs(value, type, state));
      }
      return;
    case 'declare-table': {
      const work = new DatabaseWork('tempdb', new MemoryTableStore());
      work.record({ kind: 'create-table', table: definitionOf('dbo', statement.name, statement.shape) });
      state.scope.tables.set(statement.name, work);
      return;
    }
    case 'set-variable':
      assignVariable(state, statement.name, statement.operator, compile(statement.value, contextOf(state)));
      state.rowCount = 1;
      return;
    case 'set-option':
      return setOption(statement, context);
    case 'print':
      return runPrint(statement, context);
    case 'raiserror':
      return raiseError(statement, context);
    case 'throw':
      return throwError(statement, context);
    case 'waitfor':
      return waitFor(statement, context);
    case 'execute':
      return runExecute(statement, context);
    case 'execute-text':
      return runExecuteText(statement, context);
    case 'use':
      context.host.use(statement.database);
      output.useDatabase?.(context.host.currentDatabase);
      state.rowCount = 0;
      return;
    case 'begin-transaction':
      return beginTransaction(context, nameOf(statement.name, state));
    case 'commit':
      return commitTransaction(context);
    case 'rollback':
      return rollbackTransaction(context, nameOf(statement.name, state));
    case 'save':
      return saveTransaction(context, nameOf(statement.name, state) ?? '');
    case 'administrative':
      state.rowCount = 0;
      return context.host.execute(statement.statement, output, signal, (expression) =>
        evaluateExpression(expression as Expression, state),
      );
    case 'refused':
      throw statement.error;
    default:
      return;
  }
}

function declareVariable(state: SessionState, name: string, type: SqlType, value: SqlValue): void {
  const { variables } = state.scope;
  const known = variables.get(name);
  // A DECLARE in a loop runs again: the variable keeps its place.
  if (known !== undefined && known.type === type) known.value = value;
  else if (known !== undefined) {
    throw new SqlError(
      134,
      `The variable name '@${name}' has already been declared. Variable names must be unique within a query batch or stored procedure.`,
      { severity: 15, state: 2 },
    );
  } else variables.set(name, { type, value });
}

function nameOf(
  name: string | { readonly variable: string } | undefined,
  state: SessionState,
): string | undefined {
  if (name === undefined || typeof name === 'string') return name;
  return String(state.variable(name.variable).value ?? '');
}

function runPrint(statement: Extract<Statement, { kind: 'print' }>, context: RunContext): void {
  const value = evaluateAs(statement.value, { kind: 'nvarchar', length: 4000 }, context.state);
  context.output.info({
    number: 0,
    severity: 0,
    state: 1,
    message: String(value ?? ' '),
    line: statement.line,
  });
  context.state.rowCount = 0;
}

/** Runs a statement that changes rows: alone in its transaction, or taken back by itself when it fails. */
export async function runWrite(
  context: RunContext,
  command: 'insert' | 'update' | 'delete',
  write: () => Promise<DmlResult>,
): Promise<void> {
  const { state, output, signal } = context;
  const result = await atomically(context, write);
  state.rowCount = result.count;
  if (result.output !== undefined) await sendRows(output, result.output.columns, result.output.rows, signal);
  output.affected(state.options.noCount ? undefined : result.count, command);
}

export async function runDefinition(context: RunContext, define: () => Promise<void>): Promise<void> {
  await atomically(context, define);
  context.state.rowCount = 0;
  context.output.affected(undefined, 'other');
}

/** @throws SqlError 3930 in a transaction that can only be rolled back */
export async function atomically<T>(context: RunContext, work: () => Promise<T>): Promise<T> {
  const { state } = context;
  if (state.options.implicitTransactions && state.depth === 0) beginTransaction(context, undefined);
  if (state.transaction?.doomed === true) {
    throw new SqlError(
      3930,
      'The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.',
    );
  }
  const mark = state.transaction?.mark() ?? new Map();
  try {
    const result = await work();
    if (state.depth === 0) await endAutocommit(context);
    return result;
  } catch (error) {
    if (state.depth > 0) state.transaction?.rewind(mark);
    else {
      state.transaction?.rollback();
      state.transaction = undefined;
    }
    throw error;
  }
}
