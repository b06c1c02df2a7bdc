/** Binds aggregate calls to slots that grouping fills in, and computes the slots of a group. */
import { SqlError } from '../errors';
import type { CallExpression } from '../syntax/ast';
import type { SqlRow, SqlType, SqlValue } from '../types';
import { compareNullable, comparerFor } from '../values/compare';
import { BIGINT, FLOAT, INT, isString, isUnicode, nvarchar, typeName, varchar } from '../values/typing';
import { accumulator, distinctAccumulator, sumType } from './aggregates';
import { coerce, compile } from './compile';
import type { AggregateSlot, CompileContext, Compiled, CompiledOrder } from './environment';
import { Frame } from './frame';

const AGGREGATES = new Set(
  'count count_big sum avg min max stdev stdevp var varp string_agg checksum_agg'.split(' '),
);

/** @param name lower case */
export const isAggregate = (name: string): boolean => AGGREGATES.has(name);

/** @throws SqlError 147 (aggregate where none may stand), 130, 8117, 174 */
export function bindAggregate(call: CallExpression, context: CompileContext): Compiled {
  const { grouping } = context;
  if (grouping === undefined) {
    throw new SqlError(
      147,
      'An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list, and the column being aggregated is an outer reference.',
      { severity: 15 },
    );
  }
  const slot = aggregateSlot(call, context);
  const index = grouping.aggregates.push(slot) - 1;
  const name = call.name.object.toLowerCase();
  return {
    type: slot.type,
    nullable: !name.startsWith('count'),
    evaluate: (frame) => frame.aggregates[index] ?? null,
  };
}

/** The slot alone, for aggregates OVER a window too. */
export function aggregateSlot(call: CallExpression, context: CompileContext): AggregateSlot {
  const { grouping: _, ...inner } = context;
  const name = call.name.object.toLowerCase();
  const [first, second] = call.args;
  if (call.star) {
    if (!name.startsWith('count')) throw new SqlError(102, "Incorrect syntax near '*'.", { severity: 15 });
    return {
      call,
      argument: undefined,
      type: name === 'count' ? INT : BIGINT,
      order: [],
      separator: undefined,
    };
  }
  const expected = name === 'string_agg' ? 2 : 1;
  if (first === undefined || call.args.length !== expected) {
    throw new SqlError(174, `The ${name} function requires ${expected} argument(s).`, { severity: 15 });
  }
  const compiled = compileAggregated(() => compile(first, inner));
  const argument =
    name === 'string_agg' && !isString(compiled.type) ? coerce(compiled, nvarchar(4000)) : compiled;
  return {
    call,
    argument,
    type: resultType(name, argument),
    order: (call.withinGroup ?? []).map((item) => ({
      value: compile(item.expression, inner),
      descending: item.descending,
    })),
    separator: second === undefined ? undefined : compile(second, inner),
  };
}

/** An aggregate inside an aggregate is error 130, not 147. */
function compileAggregated(bind: () => Compiled): Compiled {
  try {
    return bind();
  } catch (error) {
    if (!(error instanceof SqlError) || error.number !== 147) throw error;
    throw new SqlError(
      130,
      'Cannot perform an aggregate function on an expression containing an aggregate or a subquery.',
      { severity: 15 },
    );
  }
}

function resultType(name: string, argument: Compiled): SqlType {
  switch (name) {
    case 'count':
    case 'checksum_agg':
      return INT;
    case 'count_big':
      return BIGINT;
    case 'min':
    case 'max':
      if (argument.untyped === true || argument.type.kind === 'bit') throw invalidOperand(argument, name);
      return argument.type;
    case 'string_agg':
      return aggregatedText(argument.type);
    case 'sum':
    case 'avg': {
      const type = argument.untyped === true ? undefined : sumType(argument.type, name === 'avg');
      if (type === undefined) throw invalidOperand(argument, name);
      return type;
    }
    default:
      return FLOAT;
  }
}

function aggregatedText(type: SqlType): SqlType {
  const unicode = isUnicode(type);
  if ('length' in type && type.length === 'max') return unicode ? nvarchar('max') : varchar('max');
  return unicode ? nvarchar(4000) : varchar(8000);
}

const invalidOperand = (argument: Compiled, name: string): SqlError =>
  new SqlError(
    8117,
    `Operand data type ${argument.untyped === true ? 'NULL' : typeName(argument.type)} is invalid for ${name} operator.`,
  );

/** Computes one slot over the rows of a group or of a window frame. */
export function computeAggregate(
  slot: AggregateSlot,
  rows: readonly SqlRow[],
  parent: Frame | undefined,
): SqlValue {
  const name = slot.call.name.object.toLowerCase();
  const { argument } = slot;
  if (argument === undefined) return name === 'count' ? rows.length : BigInt(rows.length);
  if (name === 'string_agg') return joinTexts(slot, argument, rows, parent);
  const plain = accumulator(name, argument.type, slot.type);
  const target = slot.call.distinct ? distinctAccumulator(plain) : plain;
  const frame = new Frame([], parent);
  for (const row of rows) {
    frame.row = row;
    const value = argument.evaluate(frame);
    if (value !== null) target.add(value);
  }
  return target.result();
}

function joinTexts(
  slot: AggregateSlot,
  argument: Compiled,
  rows: readonly SqlRow[],
  parent: Frame | undefined,
): SqlValue {
  const frame = new Frame([], parent);
  const ordered = slot.order.length === 0 ? rows : sortRows(rows, slot.order, parent);
  const texts: string[] = [];
  let separator = '';
  for (const row of ordered) {
    frame.row = row;
    const value = argument.evaluate(frame);
    if (value === null) continue;
    separator = String(slot.separator?.evaluate(frame) ?? '');
    texts.push(String(value));
  }
  return texts.length === 0 ? null : texts.join(separator);
}

/** Stable sort of rows by expressions over them. */
export function sortRows(
  rows: readonly SqlRow[],
  order: readonly CompiledOrder[],
  parent: Frame | undefined,
): SqlRow[] {
  const keyed = rows.map((row) => {
    const frame = new Frame(row, parent);
    return { row, keys: order.map((item) => item.value.evaluate(frame)) };
  });
  const compare = keyComparer(order);
  return keyed.sort((a, b) => compare(a.keys, b.keys)).map(({ row }) => row);
}

export function keyComparer(
  order: readonly CompiledOrder[],
): (a: readonly SqlValue[], b: readonly SqlValue[]) => number {
  const comparers = order.map((item) => comparerFor(item.value.type));
  return (a, b) => {
    for (let at = 0; at < order.length; at++) {
      const compare = comparers[at];
      if (compare === undefined) break;
      const difference = compareNullable(a[at] ?? null, b[at] ?? null, compare);
      if (difference !== 0) return order[at]?.descending === true ? -difference : difference;
    }
    return 0;
  };
}
