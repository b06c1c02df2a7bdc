/** Compiles value expressions to closures with a known type. */
import { SqlError } from '../errors';
import { bindCall } from '../functions/bind-call';
import { atTimeZone } from '../functions/time-zone';
import type { Expression } from '../syntax/ast';
import { isPredicate } from '../syntax/ast';
import type { SqlType, SqlValue } from '../types';
import { convert, converter, isConversionError } from '../values/convert';
import { commonType, INT } from '../values/typing';
import { bindAggregate, isAggregate } from './aggregate-slots';
import { compileBinary, compileUnary } from './arithmetic';
import { compileCondition } from './conditions';
import type { CompileContext, Compiled } from './environment';
import { expressionKey } from './expression-key';
import type { Frame } from './frame';
import { bindQuery } from './query';
import { bindWindow, isWindowOnly } from './window-slots';

/**
 * Compiles a value expression in a context.
 * @throws SqlError 137, 147, 195, 206, 207, 209, 402, 8120 ... for what cannot be bound.
 */
export function compile(expression: Expression, context: CompileContext): Compiled {
  const grouped = groupedKey(expression, context);
  if (grouped !== undefined) return grouped;
  switch (expression.kind) {
    case 'literal':
      return literal(expression.type, expression.value);
    case 'null':
      return { type: INT, nullable: true, untyped: true, evaluate: () => null };
    case 'default':
      throw new SqlError(156, "Incorrect syntax near the keyword 'DEFAULT'.", { severity: 15 });
    case 'column':
      return compileColumn(expression.path, context);
    case 'variable': {
      const variable = context.environment.variable(expression.name);
      return { type: variable.type, nullable: true, evaluate: () => variable.value };
    }
    case 'global': {
      const { name } = expression;
      const { type } = context.environment.global(name);
      return { type, nullable: true, evaluate: () => context.environment.global(name).value };
    }
    case 'unary':
      return compileUnary(expression.operator, compile(expression.operand, context));
    case 'binary':
      return compileBinary(
        expression.operator,
        compile(expression.left, context),
        compile(expression.right, context),
      );
    case 'call':
      return compileCall(expression, context);
    case 'case':
      return compileCase(expression, context);
    case 'cast':
      return compileCast(expression, context);
    case 'at-time-zone':
      return atTimeZone(compile(expression.operand, context), compile(expression.zone, context));
    case 'subquery':
      return compileScalarSubquery(expression.query, context);
    default:
      throw new SqlError(4145, 'An expression of boolean type was found where a value is expected.', {
        severity: 15,
      });
  }
}

/** In a grouped query, an expression of GROUP BY is read from the group's first row. */
function groupedKey(expression: Expression, context: CompileContext): Compiled | undefined {
  const { grouping } = context;
  if (grouping === undefined || !grouping.grouped || grouping.keys.size === 0) return undefined;
  if (expression.kind === 'literal' || expression.kind === 'variable' || isPredicate(expression))
    return undefined;
  if (!grouping.keys.has(expressionKey(expression, context.scope))) return undefined;
  const { grouping: _, ...plain } = context;
  return compile(expression, plain);
}

function literal(type: SqlType, value: SqlValue): Compiled {
  const base = { type, nullable: false, evaluate: () => value };
  return type.kind === 'int' ? { ...base, literalDigits: String(Math.abs(Number(value))).length } : base;
}

function compileColumn(path: readonly string[], context: CompileContext): Compiled {
  const { depth, index, column } = context.scope.resolve(path);
  if (depth === 0 && context.grouping?.grouped === true) throw notGrouped(path);
  const base = { type: column.type, nullable: column.nullable, name: column.name };
  if (depth === 0) return { ...base, evaluate: (frame) => frame.row[index] ?? null };
  if (depth === 1) return { ...base, evaluate: (frame) => frame.parent?.row[index] ?? null };
  return { ...base, evaluate: (frame) => ancestor(frame, depth)?.row[index] ?? null };
}

function ancestor(frame: Frame, depth: number): Frame | undefined {
  let at: Frame | undefined = frame;
  for (let step = 0; step < depth; step++) at = at?.parent;
  return at;
}

const notGrouped = (path: readonly string[]): SqlError =>
  new SqlError(
    8120,
    `Column '${path.join('.')}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.`,
  );

function compileCall(expression: Extract<Expression, { kind: 'call' }>, context: CompileContext): Compiled {
  const plain = expression.name.schema === undefined ? expression.name.object.toLowerCase() : '';
  if (expression.over !== undefined || isWindowOnly(plain)) return bindWindow(expression, context);
  if (isAggregate(plain)) return bindAggregate(expression, context);
  if (expression.star) {
    throw new SqlError(102, "Incorrect syntax near '*'.", { severity: 15 });
  }
  return bindCall(expression, context);
}

/** Brings a value to a type by implicit conversion. @throws SqlError 206, 257 */
export function coerce(value: Compiled, type: SqlType, explicit = false): Compiled {
  if (value.untyped === true) return { type, nullable: true, evaluate: value.evaluate };
  const change = converter(value.type, type, { explicit });
  const { name: _, literalDigits: __, ...rest } = value;
  if (change === undefined) return { ...rest, type };
  return { type, nullable: value.nullable, evaluate: (frame) => change(value.evaluate(frame)) };
}

/** Type at which several values meet; NULL literals do not count. */
export function meet(values: readonly Compiled[]): SqlType {
  let type: SqlType | undefined;
  for (const value of values) {
    if (value.untyped === true) continue;
    type = type === undefined ? value.type : commonType(type, value.type);
  }
  return type ?? INT;
}

function compileCase(expression: Extract<Expression, { kind: 'case' }>, context: CompileContext): Compiled {
  const { operand, otherwise } = expression;
  const conditions = expression.branches.map(({ when }) =>
    compileCondition(
      operand === undefined ? when : { kind: 'comparison', operator: '=', left: operand, right: when },
      context,
    ),
  );
  const results = expression.branches.map(({ result }) => compile(result, context));
  const last = otherwise === undefined ? undefined : compile(otherwise, context);
  const all = last === undefined ? results : [...results, last];
  if (all.every((value) => value.untyped === true)) {
    throw new SqlError(
      8133,
      'At least one of the result expressions in a CASE specification must be an expression other than the NULL constant.',
    );
  }
  const type = meet(all);
  const branches = results.map((value) => coerce(value, type));
  const fallback = last === undefined ? undefined : coerce(last, type);
  return {
    type,
    nullable: fallback === undefined || all.some((value) => value.nullable),
    evaluate: (frame) => {
      for (let at = 0; at < conditions.length; at++) {
        if (conditions[at]?.(frame) === true) return branches[at]?.evaluate(frame) ?? null;
      }
      return fallback === undefined ? null : fallback.evaluate(frame);
    },
  };
}

function compileCast(expression: Extract<Expression, { kind: 'cast' }>, context: CompileContext): Compiled {
  const operand = compile(expression.operand, context);
  const { type, attempt } = expression;
  if (operand.untyped === true) return { type, nullable: true, evaluate: () => null };
  const style = expression.style === undefined ? undefined : coerce(compile(expression.style, context), INT);
  converter(operand.type, type, { explicit: true });
  const change = (frame: Frame): SqlValue => {
    const value = operand.evaluate(frame);
    if (style === undefined) return convert(value, operand.type, type, { explicit: true });
    const number = style.evaluate(frame);
    return number === null
      ? null
      : convert(value, operand.type, type, { style: Number(number), explicit: true });
  };
  const nullable = operand.nullable || attempt;
  return { type, nullable, evaluate: attempt ? (frame) => orNull(() => change(frame)) : change };
}

function orNull(change: () => SqlValue): SqlValue {
  try {
    return change();
  } catch (error) {
    if (isConversionError(error)) return null;
    throw error;
  }
}

function compileScalarSubquery(
  query: Extract<Expression, { kind: 'subquery' }>['query'],
  context: CompileContext,
): Compiled {
  const { grouping: _, ...plain } = context;
  const bound = bindQuery(query, plain, context.scope);
  const column = onlyColumn(bound.columns);
  return {
    type: column.type,
    nullable: true,
    evaluate: (frame) => {
      const rows = bound.run(frame);
      if (rows.length > 1) {
        throw new SqlError(
          512,
          'Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.',
        );
      }
      return rows[0]?.[0] ?? null;
    },
  };
}

export function onlyColumn<T>(columns: readonly T[]): T {
  const [column] = columns;
  if (columns.length === 1 && column !== undefined) return column;
  throw new SqlError(
    116,
    'Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.',
  );
}
