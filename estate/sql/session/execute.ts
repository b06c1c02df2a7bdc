/** EXECUTE: procedures of the host, sp_executesql, and text. */
import { SqlError } from '../errors';
import type { ObjectName, ProcedureCall, TypedValue } from '../host';
import type { ExecuteArgument, Statement } from '../syntax/ast';
import { Cursor, formatName, nameFromParts } from '../syntax/cursor';
import { parseExpression, parseType } from '../syntax/expressions';
import { tokenize } from '../syntax/tokenizer';
import type { SqlParameter, SqlType } from '../types';
import { convert } from '../values/convert';
import { textOf } from '../values/to-text';
import { INT, nvarchar, typeName } from '../values/typing';
import { markNested, markRaisedByProcedure } from './failures';
import { messageOf } from './output';
import { evaluateExpression, type RunContext, runStatements } from './runner';
import { VariableScope } from './state';
import { coerceValue } from './variables';

const MAXIMUM_NESTING = 32;

/** An argument of a call: its name without the @ ('' = positional), and the variable that takes an OUTPUT. */
export interface CallArgument extends SqlParameter {
  readonly named: boolean;
  readonly variable?: string;
}

export async function runExecute(
  statement: Extract<Statement, { kind: 'execute' }>,
  context: RunContext,
): Promise<void> {
  const { state } = context;
  const name =
    'variable' in statement.procedure
      ? nameFromText(String(state.variable(statement.procedure.variable).value ?? ''))
      : statement.procedure;
  const args = statement.args.map((argument) => evaluateArgument(argument, context));
  const outputs = new Map<CallArgument, TypedValue>();
  const status = await callProcedure(name, args, context, outputs);
  for (const [argument, value] of outputs) {
    if (argument.variable === undefined) continue;
    const variable = state.variable(argument.variable);
    variable.value = convert(value.value, value.type, variable.type);
  }
  if (statement.returnVariable === undefined) return;
  const target = state.variable(statement.returnVariable);
  target.value = coerceValue({ type: INT, nullable: false, evaluate: () => status }, target.type);
}

/** Splits `[a].[b]` and the like. */
export function nameFromText(text: string): ObjectName {
  try {
    const cursor = new Cursor(tokenize(text), text, parseExpression);
    const name = cursor.objectName();
    if (cursor.peek().kind === 'end') return name;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
  }
  return nameFromParts([text]);
}

function evaluateArgument(argument: ExecuteArgument, context: RunContext): CallArgument {
  const { value, output } = argument;
  const base = { name: argument.name ?? '', named: argument.name !== undefined, output };
  if (value.kind === 'default') return { ...base, type: nvarchar(4000), value: null };
  const typed = evaluateExpression(value, context.state);
  if (output && value.kind !== 'variable') {
    throw new SqlError(179, 'Cannot use the OUTPUT option when passing a constant to a stored procedure.', {
      severity: 15,
    });
  }
  return value.kind === 'variable' ? { ...base, ...typed, variable: value.name } : { ...base, ...typed };
}

/**
 * Runs a procedure.
 * @param outputs receives the OUTPUT values by argument
 * @returns its return status
 * @throws SqlError 2812 (no such procedure), 217 (nesting)
 */
export async function callProcedure(
  name: ObjectName,
  args: readonly CallArgument[],
  context: RunContext,
  outputs: Map<CallArgument, TypedValue>,
): Promise<number> {
  const schema = name.schema?.toLowerCase();
  if (
    name.object.toLowerCase() === 'sp_executesql' &&
    (schema === undefined || schema === 'sys' || schema === 'dbo')
  ) {
    return callExecuteSql(args, context, outputs);
  }
  const procedure = context.host.procedure(name);
  if (procedure === undefined) {
    throw new SqlError(2812, `Could not find stored procedure '${formatName(name)}'.`, { state: 62 });
  }
  const call: ProcedureCall = {
    name,
    arguments: args,
    output: context.output,
    signal: context.signal,
    execute: async (sql, parameters) => {
      await runNested(sql, parameters, context);
    },
    setOutput: (wanted, value) => {
      const argument = outputArgument(args, wanted, outputs);
      if (argument !== undefined) outputs.set(argument, value);
    },
    onRollback: (undo) => context.state.transaction?.onRollback(undo),
  };
  const { state } = context;
  state.nestLevel++;
  try {
    const status = await procedure(call);
    return status;
  } catch (error) {
    throw markNested(markRaisedByProcedure(error));
  } finally {
    state.nestLevel--;
  }
}

/** By name, or the first positional OUTPUT argument that has no value yet: the engine does not know the declaration. */
function outputArgument(
  args: readonly CallArgument[],
  wanted: string,
  outputs: ReadonlyMap<CallArgument, TypedValue>,
): CallArgument | undefined {
  const name = wanted.replace(/^@/, '').toLowerCase();
  const named = args.find(
    (argument) => argument.named && argument.name.replace(/^@/, '').toLowerCase() === name,
  );
  if (named !== undefined) return named.output ? named : undefined;
  return args.find((argument) => !argument.named && argument.output && !outputs.has(argument));
}

/** `sp_executesql @stmt, @params, @p1 = ..., ...`. @throws SqlError 214, 8178, 8145 */
async function callExecuteSql(
  args: readonly CallArgument[],
  context: RunContext,
  outputs: Map<CallArgument, TypedValue>,
): Promise<number> {
  const [statement, declaration, ...values] = args;
  if (statement === undefined || !isUnicodeText(statement.type)) {
    throw new SqlError(214, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.", {
      state: 2,
      procedure: 'sp_executesql',
    });
  }
  const declared = declaration === undefined ? [] : parseDeclarations(String(declaration.value ?? ''));
  const bound = bindParameters(declared, values);
  const results = await runNested(
    String(statement.value ?? ''),
    bound.map((item) => item.parameter),
    context,
  );
  for (const { parameter, argument } of bound) {
    const value = results.get(parameter.name.toLowerCase());
    if (argument?.output === true && parameter.output && value !== undefined) outputs.set(argument, value);
  }
  return 0;
}

const isUnicodeText = (type: SqlType): boolean => ['nvarchar', 'nchar', 'ntext'].includes(typeName(type));

interface Declaration {
  readonly name: string;
  readonly type: SqlType;
  readonly output: boolean;
  readonly fallback?: TypedValue;
}

function parseDeclarations(text: string): Declaration[] {
  const cursor = new Cursor(tokenize(text), text, parseExpression);
  const declared: Declaration[] = [];
  if (cursor.peek().kind === 'end') return declared;
  do {
    const token = cursor.next();
    if (token.kind !== 'variable') cursor.fail(token);
    cursor.accept('AS');
    const type = parseType(cursor);
    const initial = cursor.accept('=') ? parseExpression(cursor) : undefined;
    const fallback = initial?.kind === 'literal' ? { type: initial.type, value: initial.value } : undefined;
    const output = cursor.accept('OUTPUT') || cursor.accept('OUT');
    declared.push({
      name: token.text.slice(1),
      type,
      output,
      ...(fallback === undefined ? {} : { fallback }),
    });
  } while (cursor.accept(','));
  if (cursor.peek().kind !== 'end') cursor.fail();
  return declared;
}

interface BoundParameter {
  readonly parameter: SqlParameter;
  readonly argument: CallArgument | undefined;
}

function bindParameters(declared: readonly Declaration[], values: readonly CallArgument[]): BoundParameter[] {
  const names = new Set(declared.map((item) => item.name.toLowerCase()));
  const stray = values.find((value) => value.named && !names.has(value.name.replace(/^@/, '').toLowerCase()));
  if (stray !== undefined)
    throw new SqlError(
      8145,
      `@${stray.name.replace(/^@/, '')} is not a parameter for procedure sp_executesql.`,
      { state: 2 },
    );
  return declared.map((item, at) => {
    const positional = values[at];
    const argument =
      values.find(
        (value) => value.named && value.name.replace(/^@/, '').toLowerCase() === item.name.toLowerCase(),
      ) ?? (positional?.named === false ? positional : undefined);
    const given = argument ?? item.fallback;
    if (given === undefined) {
      throw new SqlError(
        8178,
        `The parameterized query expects the parameter '@${item.name}', which was not supplied.`,
      );
    }
    const value = convert(given.value, given.type, item.type);
    return { parameter: { name: item.name, type: item.type, value, output: item.output }, argument };
  });
}

/** EXEC('...' + ...) */
export async function runExecuteText(
  statement: Extract<Statement, { kind: 'execute-text' }>,
  context: RunContext,
): Promise<void> {
  const text = statement.parts
    .map((part) => evaluateExpression(part, context.state))
    .map(({ type, value }) => (value === null ? '' : textOf(value, type)))
    .join('');
  await runNested(text, [], context);
}

/**
 * Runs text in a scope of its own: its variables, USE and SET options end with it; #tables and transactions do not.
 * @returns the parameters' values at the end, by lower-case name
 */
export async function runNested(
  sql: string,
  parameters: readonly SqlParameter[],
  context: RunContext,
): Promise<Map<string, TypedValue>> {
  const { state, host, output } = context;
  if (state.nestLevel >= MAXIMUM_NESTING) {
    throw new SqlError(
      217,
      'Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).',
    );
  }
  const before = {
    scope: state.scope,
    options: state.options,
    database: host.currentDatabase,
    depth: state.depth,
  };
  const scope = new VariableScope();
  for (const { name, type, value } of parameters)
    scope.variables.set(name.replace(/^@/, '').toLowerCase(), { type, value });
  state.scope = scope;
  state.options = { ...before.options };
  state.nestLevel++;
  try {
    await runStatements(context.parser.parse(sql).statements, context);
    if (state.depth !== before.depth) reportMismatch(before.depth, state.depth, output);
    return new Map(
      [...scope.variables].map(([name, variable]) => [name, { type: variable.type, value: variable.value }]),
    );
  } catch (error) {
    throw markNested(error);
  } finally {
    state.nestLevel--;
    state.scope = before.scope;
    state.options = before.options;
    revertDatabase(before.database, context);
  }
}

function revertDatabase(database: string, { host, output }: RunContext): void {
  if (host.currentDatabase === database) return;
  host.use(database);
  output.useDatabase?.(database);
}

/** Error 266 is only reported: the transaction stays as it is. */
function reportMismatch(before: number, after: number, output: RunContext['output']): void {
  const text = `Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous count = ${before}, current count = ${after}.`;
  output.error(messageOf(new SqlError(266, text, { state: 2 })));
}
