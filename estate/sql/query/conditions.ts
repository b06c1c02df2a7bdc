/** Compiles predicates to three-valued conditions: true, false or null (unknown). */
import { SqlError } from '../errors';
import type { ComparisonOperator, Expression, Query } from '../syntax/ast';
import type { SqlScalar, SqlType, SqlValue } from '../types';
import { comparerFor, type HashKey, hashKey } from '../values/compare';
import { commonType, isString, nvarchar, typeName } from '../values/typing';
import { invalidArgumentType } from '../values/value-errors';
import { coerce, compile, meet, onlyColumn } from './compile';
import type { CompileContext, Compiled, Condition } from './environment';
import type { Frame } from './frame';
import { likeMatcher } from './like';
import { bindQuery } from './query';

type Test = (difference: number) => boolean;

const TESTS: Record<ComparisonOperator, Test> = {
  '=': (difference) => difference === 0,
  '<>': (difference) => difference !== 0,
  '<': (difference) => difference < 0,
  '<=': (difference) => difference <= 0,
  '>': (difference) => difference > 0,
  '>=': (difference) => difference >= 0,
};

export function compileCondition(expression: Expression, context: CompileContext): Condition {
  switch (expression.kind) {
    case 'and': {
      const left = compileCondition(expression.left, context);
      const right = compileCondition(expression.right, context);
      return (frame) => and(left, right, frame);
    }
    case 'or': {
      const left = compileCondition(expression.left, context);
      const right = compileCondition(expression.right, context);
      return (frame) => or(left, right, frame);
    }
    case 'not':
      return negate(compileCondition(expression.operand, context), true);
    case 'comparison':
      return comparison(
        expression.operator,
        compile(expression.left, context),
        compile(expression.right, context),
      );
    case 'between':
      return compileBetween(expression, context);
    case 'is-null': {
      const operand = compile(expression.operand, context);
      const { negated } = expression;
      return (frame) => (operand.evaluate(frame) === null) !== negated;
    }
    case 'in-list':
      return compileInList(expression, context);
    case 'in-query':
      return negate(compileInQuery(expression.operand, expression.query, context), expression.negated);
    case 'like':
      return compileLike(expression, context);
    case 'distinct-from':
      return compileDistinct(expression, context);
    case 'exists':
      return compileExists(expression.query, context);
    case 'quantified':
      return compileQuantified(expression, context);
    default:
      throw new SqlError(
        4145,
        'An expression of non-boolean type specified in a context where a condition is expected.',
        { severity: 15 },
      );
  }
}

function and(left: Condition, right: Condition, frame: Frame): boolean | null {
  const a = left(frame);
  if (a === false) return false;
  const b = right(frame);
  if (b === false) return false;
  return a === null || b === null ? null : true;
}

function or(left: Condition, right: Condition, frame: Frame): boolean | null {
  const a = left(frame);
  if (a === true) return true;
  const b = right(frame);
  if (b === true) return true;
  return a === null || b === null ? null : false;
}

function negate(condition: Condition, negated: boolean): Condition {
  if (!negated) return condition;
  return (frame) => {
    const value = condition(frame);
    return value === null ? null : !value;
  };
}

/** Both sides at their common type. */
export function comparable(
  left: Compiled,
  right: Compiled,
): { left: Compiled; right: Compiled; type: SqlType } {
  const type = meet([left, right]);
  if (type.kind === 'text' || type.kind === 'ntext' || type.kind === 'image' || type.kind === 'xml') {
    throw new SqlError(
      402,
      `The data types ${typeName(left.type)} and ${typeName(right.type)} are incompatible in the equal to operator.`,
    );
  }
  // Texts compare at their own lengths: cutting one to the other's would change the answer.
  if (isString(left.type) && isString(right.type)) return { left, right, type };
  return { left: coerce(left, type), right: coerce(right, type), type };
}

export function comparison(operator: ComparisonOperator, first: Compiled, second: Compiled): Condition {
  const { left, right, type } = comparable(first, second);
  const compare = comparerFor(type);
  const test = TESTS[operator];
  return (frame) => {
    const a = left.evaluate(frame);
    if (a === null) return null;
    const b = right.evaluate(frame);
    return b === null ? null : test(compare(a, b));
  };
}

function compileBetween(
  expression: Extract<Expression, { kind: 'between' }>,
  context: CompileContext,
): Condition {
  const operand = compile(expression.operand, context);
  const low = comparison('>=', operand, compile(expression.low, context));
  const high = comparison('<=', operand, compile(expression.high, context));
  return negate((frame) => and(low, high, frame), expression.negated);
}

function compileInList(
  expression: Extract<Expression, { kind: 'in-list' }>,
  context: CompileContext,
): Condition {
  const operand = compile(expression.operand, context);
  const items = expression.items.map((item) => comparison('=', operand, compile(item, context)));
  return negate((frame) => {
    let unknown = false;
    for (const item of items) {
      const equal = item(frame);
      if (equal === true) return true;
      if (equal === null) unknown = true;
    }
    return unknown ? null : false;
  }, expression.negated);
}

/** The subquery's values as a set: built once unless it depends on the row around it. */
function compileInQuery(operandExpression: Expression, query: Query, context: CompileContext): Condition {
  const operand = compile(operandExpression, context);
  const bound = bindQuery(query, withoutGrouping(context), context.scope);
  const column = onlyColumn(bound.columns);
  const type = meet([operand, { type: column.type, nullable: true, evaluate: () => null }]);
  const texts = isString(operand.type) && isString(column.type);
  const wanted = texts ? operand : coerce(operand, type);
  const found = coerce(
    { type: column.type, nullable: true, evaluate: (frame) => frame.row[0] ?? null },
    texts ? column.type : type,
  );
  const sets = new WeakMap<object, { keys: Set<HashKey>; hasNull: boolean }>();
  return (frame) => {
    const rows = bound.run(frame);
    const set = sets.get(rows) ?? keySet(rows.map((row) => found.evaluate({ ...frame, row })));
    sets.set(rows, set);
    const value = wanted.evaluate(frame);
    if (set.keys.size === 0 && !set.hasNull) return false;
    if (value === null) return null;
    if (set.keys.has(hashKey(value))) return true;
    return set.hasNull ? null : false;
  };
}

function keySet(values: readonly SqlValue[]): { keys: Set<HashKey>; hasNull: boolean } {
  const keys = new Set<HashKey>();
  let hasNull = false;
  for (const value of values) {
    if (value === null) hasNull = true;
    else keys.add(hashKey(value));
  }
  return { keys, hasNull };
}

export function withoutGrouping(context: CompileContext): CompileContext {
  const { grouping: _, ...plain } = context;
  return plain;
}

function compileLike(expression: Extract<Expression, { kind: 'like' }>, context: CompileContext): Condition {
  const operand = textOperand(compile(expression.operand, context), 1);
  const pattern = textOperand(compile(expression.pattern, context), 2);
  const escapeMark =
    expression.escape === undefined ? undefined : textOperand(compile(expression.escape, context), 3);
  return negate((frame) => {
    const value = operand.evaluate(frame);
    const wanted = pattern.evaluate(frame);
    if (value === null || wanted === null) return null;
    const mark = escapeMark?.evaluate(frame);
    if (mark === null) return null;
    return likeMatcher(String(wanted), mark === undefined ? undefined : String(mark)).test(String(value));
  }, expression.negated);
}

function textOperand(value: Compiled, position: number): Compiled {
  if (value.type.kind === 'sql_variant') throw invalidArgumentType('sql_variant', position, 'like');
  return isString(value.type) ? value : coerce(value, nvarchar(4000));
}

function compileDistinct(
  expression: Extract<Expression, { kind: 'distinct-from' }>,
  context: CompileContext,
): Condition {
  const { left, right, type } = comparable(
    compile(expression.left, context),
    compile(expression.right, context),
  );
  const compare = comparerFor(type);
  const { negated } = expression;
  return (frame) => {
    const a = left.evaluate(frame);
    const b = right.evaluate(frame);
    const same = a === null || b === null ? a === b : compare(a, b) === 0;
    return same === negated;
  };
}

function compileExists(query: Query, context: CompileContext): Condition {
  const bound = bindQuery(query, withoutGrouping(context), context.scope);
  return (frame) => bound.run(frame).length > 0;
}

function compileQuantified(
  expression: Extract<Expression, { kind: 'quantified' }>,
  context: CompileContext,
): Condition {
  const operand = compile(expression.left, context);
  const bound = bindQuery(expression.query, withoutGrouping(context), context.scope);
  const column = onlyColumn(bound.columns);
  const type = commonType(operand.type, column.type);
  const wanted = coerce(operand, type);
  const compare = comparerFor(type);
  const test = TESTS[expression.operator];
  const found = coerce(
    { type: column.type, nullable: true, evaluate: (frame) => frame.row[0] ?? null },
    type,
  );
  const any = expression.quantifier === 'any';
  return (frame) => {
    const value = wanted.evaluate(frame);
    let unknown = false;
    for (const row of bound.run(frame)) {
      const other: SqlScalar | null = found.evaluate({ ...frame, row });
      if (value === null || other === null) unknown = true;
      else if (test(compare(value, other)) === any) return any;
    }
    return unknown ? null : !any;
  };
}
