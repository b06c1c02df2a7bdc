/** Finds the function of a call: the engine's own first, then the host's. */
import { SqlError } from '../errors';
import type { ScalarFunction, TypedValue } from '../host';
import { compile } from '../query/compile';
import type { CompileContext, Compiled } from '../query/environment';
import { Frame } from '../query/frame';
import type { CallExpression, Expression } from '../syntax/ast';
import { formatName } from '../syntax/cursor';
import type { SqlType } from '../types';
import { convert } from '../values/convert';
import { VARIANT } from '../values/typing';
import { bindPartFunction, DATE_FUNCTIONS, PART_FUNCTIONS } from './dates';
import type { FunctionDefinition } from './define';
import { GENERAL_FUNCTIONS } from './general';
import { NUMBER_FUNCTIONS } from './numbers';
import { STRING_FUNCTIONS } from './strings';

const DEFINITIONS: ReadonlyMap<string, FunctionDefinition> = new Map([
  ...Object.entries(STRING_FUNCTIONS),
  ...Object.entries(NUMBER_FUNCTIONS),
  ...Object.entries(DATE_FUNCTIONS),
  ...Object.entries(GENERAL_FUNCTIONS),
]);

/** @throws SqlError 174, 189 (argument count), 195 (no such built-in), 4121 (no such function with a schema) */
export function bindCall(call: CallExpression, context: CompileContext): Compiled {
  const name = call.name.object.toLowerCase();
  const builtIn = call.name.schema === undefined;
  if (builtIn && PART_FUNCTIONS.has(name)) {
    const [part, ...rest] = call.args;
    return bindPartFunction(
      name,
      part,
      rest.map((argument) => compile(argument, context)),
    );
  }
  const definition = builtIn ? DEFINITIONS.get(name) : undefined;
  if (definition === undefined) return bindHostCall(call, context);
  checkCount(name, call.args.length, definition);
  return definition.bind(
    call.args.map((argument) => compile(argument, context)),
    context,
  );
}

function checkCount(name: string, count: number, { minimum, maximum }: FunctionDefinition): void {
  if (count >= minimum && count <= maximum) return;
  const at = { severity: 15 };
  if (minimum === maximum)
    throw new SqlError(174, `The ${name} function requires ${minimum} argument(s).`, at);
  throw new SqlError(189, `The ${name} function requires ${minimum} to ${maximum} arguments.`, at);
}

function bindHostCall(call: CallExpression, context: CompileContext): Compiled {
  const implementation = context.environment.scalarFunction(call.name);
  if (implementation === undefined) throw unknownFunction(call);
  const args = call.args.map((argument) => argumentOf(argument, context));
  const values = (frame: Frame): TypedValue[] =>
    args.map((argument) => ({ type: argument.type, value: argument.evaluate(frame) }));
  const type = resultType(call.args, args, implementation, values);
  return {
    type,
    nullable: true,
    evaluate: (frame) => {
      const result = implementation(values(frame));
      return result.type.kind === type.kind
        ? result.value
        : convert(result.value, result.type, type, { explicit: true });
    },
  };
}

const argumentOf = (argument: Expression, context: CompileContext): Compiled =>
  argument.kind === 'default'
    ? { type: { kind: 'int' }, nullable: true, untyped: true, evaluate: () => null }
    : compile(argument, context);

/**
 * The host tells a result's type only with a result. Constant arguments are tried as they are; otherwise the
 * function is asked about NULLs.
 */
function resultType(
  expressions: readonly Expression[],
  args: readonly Compiled[],
  implementation: ScalarFunction,
  values: (frame: Frame) => TypedValue[],
): SqlType {
  const constant = expressions.every(
    (expression) => expression.kind === 'literal' || expression.kind === 'variable',
  );
  if (constant) return implementation(values(new Frame([], undefined))).type;
  try {
    return implementation(args.map((argument) => ({ type: argument.type, value: null }))).type;
  } catch (error) {
    if (error instanceof SqlError) return VARIANT;
    throw error;
  }
}

function unknownFunction(call: CallExpression): SqlError {
  const name = formatName(call.name);
  if (call.name.schema === undefined) {
    return new SqlError(195, `'${name}' is not a recognized built-in function name.`, {
      severity: 15,
      state: 10,
    });
  }
  return new SqlError(
    4121,
    `Cannot find either column "${call.name.schema}" or the user-defined function or aggregate "${name}", or the name is ambiguous.`,
  );
}
