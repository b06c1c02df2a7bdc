/** Binds and runs one SELECT: FROM, WHERE, GROUP BY, HAVING, select list, DISTINCT, ORDER BY, TOP. */
import { SqlError } from '../errors';
import type { Expression, OrderItem, Query, SelectBody, SelectItem, TopClause } from '../syntax/ast';
import type { SqlColumn, SqlRow, SqlValue } from '../types';
import { type HashKey, rowKey } from '../values/compare';
import { BIGINT, FLOAT } from '../values/typing';
import { computeAggregate, isAggregate, keyComparer } from './aggregate-slots';
import { coerce, compile } from './compile';
import { compileCondition } from './conditions';
import type { BoundQuery, CompileContext, Compiled, CompiledOrder, Condition, Grouping } from './environment';
import { expressionKey } from './expression-key';
import { EMPTY_FRAME, Frame, Scope } from './frame';
import { compilePage, ordinalOf } from './query';
import { type BoundSource, bindSource, conjuncts, nullRow } from './sources';
import { computeWindows } from './window-slots';

interface Item {
  readonly value: Compiled;
  readonly name: string;
  readonly expression?: Expression;
}

/** A select list and what it needs from grouping. */
interface Plan {
  readonly source: BoundSource | undefined;
  readonly where: Condition | undefined;
  readonly grouping: Grouping;
  readonly groupBy: readonly Compiled[];
  readonly having: Condition | undefined;
  readonly items: readonly Item[];
  readonly order: readonly CompiledOrder[];
  readonly body: SelectBody;
  readonly width: number;
}

export function bindSelect(
  body: SelectBody,
  query: Query,
  context: CompileContext,
  outer: Scope,
): BoundQuery {
  const { grouping: _, onRow, ...plain } = context;
  const scope = new Scope(outer);
  const inner: CompileContext = { ...plain, scope };
  const parts = conjuncts(body.where);
  const source = body.from === undefined ? undefined : bindSource(body.from, inner, parts);
  const where = body.where === undefined ? undefined : compileCondition(body.where, inner);
  const groupBy = body.groupBy.map((expression) => compile(expression, inner));
  const grouping: Grouping = {
    grouped: body.groupBy.length > 0 || usesAggregates(body, query.orderBy),
    keys: new Set(body.groupBy.map((expression) => expressionKey(expression, scope))),
    aggregates: [],
    windows: [],
    insideWindow: false,
  };
  const selecting: CompileContext = { ...inner, grouping };
  const items = body.items.flatMap((item) => bindItem(item, selecting, scope));
  const having = body.having === undefined ? undefined : compileCondition(body.having, selecting);
  const order = query.orderBy.map((item) => bindOrder(item, items, selecting, body));
  const plan: Plan = { source, where, grouping, groupBy, having, items, order, body, width: scope.width };
  const top = body.top === undefined ? undefined : bindTop(body.top, inner, order);
  const page = compilePage(query, inner);
  if (scope.correlated) outer.correlated = true;
  const columns = items.map(columnOf);
  if (onRow !== undefined) return assigning(plan, top, columns, onRow);
  return { columns, run: (parent) => page(runPlan(plan, top, parent), parent) };
}

const columnOf = ({ name, value }: Item): SqlColumn => ({ name, type: value.type, nullable: value.nullable });

function bindItem(item: SelectItem, context: CompileContext, scope: Scope): Item[] {
  if (item.kind === 'star') return expandStar(item.qualifier, context, scope);
  const value = compile(item.expression, context);
  if (item.kind === 'assignment') return [{ value, name: '' }];
  const name = item.alias ?? (item.expression.kind === 'column' ? (value.name ?? '') : '');
  return [{ value, name, expression: item.expression }];
}

/** @throws SqlError 263 for a star without FROM */
function expandStar(qualifier: readonly string[], context: CompileContext, scope: Scope): Item[] {
  if (scope.sources.length === 0)
    throw new SqlError(263, 'Must specify table to select from.', { severity: 15 });
  return scope.matching(qualifier).flatMap((source) =>
    source.columns.map((column, at) => {
      if (context.grouping?.grouped === true) {
        const expression: Expression = { kind: 'column', path: [source.alias, column.name] };
        return { value: compile(expression, context), name: column.name, expression };
      }
      const index = source.offset + at;
      const value: Compiled = {
        type: column.type,
        nullable: column.nullable,
        evaluate: (frame) => frame.row[index] ?? null,
      };
      return { value, name: column.name };
    }),
  );
}

/** Ordinal, alias of the select list, or an expression over the sources. */
function bindOrder(
  item: OrderItem,
  items: readonly Item[],
  context: CompileContext,
  body: SelectBody,
): CompiledOrder {
  const { expression, descending } = item;
  const ordinal = ordinalOf(expression, items.length);
  const chosen = ordinal === undefined ? aliased(expression, items) : items[ordinal];
  if (chosen !== undefined) return { value: chosen.value, descending };
  if (body.distinct && !isSelected(expression, items, context.scope)) {
    throw new SqlError(
      145,
      'ORDER BY items must appear in the select list if SELECT DISTINCT is specified.',
      { severity: 15 },
    );
  }
  return { value: compile(expression, context), descending };
}

function aliased(expression: Expression, items: readonly Item[]): Item | undefined {
  if (expression.kind !== 'column' || expression.path.length !== 1) return undefined;
  const wanted = expression.path[0]?.toLowerCase();
  const matches = items.filter((item) => item.name.toLowerCase() === wanted);
  const [first] = matches;
  if (matches.length > 1 && matches.some((item) => !sameColumn(item, first))) {
    throw new SqlError(209, `Ambiguous column name '${expression.path[0]}'.`);
  }
  return first;
}

const sameColumn = (a: Item, b: Item | undefined): boolean =>
  JSON.stringify(a.expression?.kind === 'column' ? a.expression.path : a.name).toLowerCase() ===
  JSON.stringify(b?.expression?.kind === 'column' ? b.expression.path : b?.name).toLowerCase();

function isSelected(expression: Expression, items: readonly Item[], scope: Scope): boolean {
  const key = expressionKey(expression, scope);
  return items.some((item) =>
    item.expression === undefined
      ? expression.kind === 'column' &&
        item.name.toLowerCase() === expression.path[expression.path.length - 1]?.toLowerCase()
      : expressionKey(item.expression, scope) === key,
  );
}

/** True when an aggregate of this query level stands in the select list, HAVING or ORDER BY. */
function usesAggregates(body: SelectBody, orderBy: readonly OrderItem[]): boolean {
  if (body.having !== undefined) return true;
  const expressions = body.items.flatMap((item) => (item.kind === 'star' ? [] : [item.expression]));
  return [...expressions, ...orderBy.map((item) => item.expression)].some(containsAggregate);
}

/** Looks through an expression, not into subqueries; an aggregate OVER a window does not group by itself. */
function containsAggregate(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (Array.isArray(node)) return node.some(containsAggregate);
  if ('kind' in node) {
    if (node.kind === 'subquery' || node.kind === 'exists' || node.kind === 'literal') return false;
    if (node.kind === 'call' && isAggregateCall(node)) return true;
  }
  return Object.entries(node).some(([key, value]) => key !== 'query' && containsAggregate(value));
}

function isAggregateCall(node: object): boolean {
  if ('over' in node && node.over !== undefined) return false;
  const name: unknown = 'name' in node ? node.name : undefined;
  if (typeof name !== 'object' || name === null || 'schema' in name || !('object' in name)) return false;
  return isAggregate(String(name.object).toLowerCase());
}

type Top = (rows: readonly Result[], parent: Frame | undefined) => readonly Result[];

interface Result {
  readonly row: SqlRow;
  readonly keys: readonly SqlValue[];
}

interface BoundTop {
  readonly cut: Top;
  /** Number of rows after which reading may stop, when the order does not matter. */
  limit(parent: Frame | undefined): number;
}

/** @throws SqlError 1060 for a count that is NULL or negative, 1062 for WITH TIES without ORDER BY */
export function bindTop(top: TopClause, context: CompileContext, order: readonly CompiledOrder[]): BoundTop {
  const count = coerce(compile(top.count, context), top.percent ? FLOAT : BIGINT);
  if (top.withTies && order.length === 0) {
    throw new SqlError(
      1062,
      'The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause.',
      { severity: 15 },
    );
  }
  const compare = keyComparer(order);
  const wanted = (parent: Frame | undefined): number => topCount(count.evaluate(parent ?? EMPTY_FRAME));
  return {
    limit: (parent) => (top.percent || top.withTies ? Number.POSITIVE_INFINITY : wanted(parent)),
    cut(rows, parent) {
      const number = wanted(parent);
      let end = top.percent ? Math.ceil((rows.length * Math.min(number, 100)) / 100) : number;
      const last = rows[end - 1];
      if (top.withTies && last !== undefined) {
        while (end < rows.length && compare(rows[end]?.keys ?? [], last.keys) === 0) end++;
      }
      return rows.slice(0, end);
    },
  };
}

function topCount(value: SqlValue): number {
  const number = value === null ? -1 : Number(value);
  if (number < 0) {
    throw new SqlError(
      1060,
      'The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.',
      { severity: 15 },
    );
  }
  return number;
}

function runPlan(plan: Plan, top: BoundTop | undefined, parent: Frame | undefined): readonly SqlRow[] {
  const { grouping, items, order, body } = plan;
  const quick = order.length === 0 && !body.distinct && grouping.windows.length === 0 && !grouping.grouped;
  const limit = quick && top !== undefined ? top.limit(parent) : Number.POSITIVE_INFINITY;
  const frames = grouping.grouped ? groupFrames(plan, parent) : plainFrames(plan, parent, limit);
  if (grouping.windows.length > 0) computeWindows(grouping.windows, frames);
  const values = items.map((item) => item.value);
  if (quick && top === undefined) return frames.map((frame) => values.map((value) => value.evaluate(frame)));
  let results: readonly Result[] = frames.map((frame) => ({
    row: values.map((value) => value.evaluate(frame)),
    keys: order.map((item) => item.value.evaluate(frame)),
  }));
  if (body.distinct) results = distinctResults(results);
  if (order.length > 0) {
    const compare = keyComparer(order);
    results = [...results].sort((a, b) => compare(a.keys, b.keys));
  }
  if (top !== undefined) results = top.cut(results, parent);
  return results.map((result) => result.row);
}

/** Rows in order first, their values one after the other: each may read what the row before has assigned. */
function assigning(
  plan: Plan,
  top: BoundTop | undefined,
  columns: readonly SqlColumn[],
  onRow: NonNullable<CompileContext['onRow']>,
): BoundQuery {
  return {
    columns,
    run(parent) {
      const { grouping, order } = plan;
      const frames = grouping.grouped
        ? groupFrames(plan, parent)
        : plainFrames(plan, parent, Number.POSITIVE_INFINITY);
      if (grouping.windows.length > 0) computeWindows(grouping.windows, frames);
      const compare = keyComparer(order);
      const keyed = frames.map((frame) => ({
        row: [],
        keys: order.map((item) => item.value.evaluate(frame)),
        frame,
      }));
      const sorted = order.length === 0 ? keyed : keyed.sort((a, b) => compare(a.keys, b.keys));
      const wanted = top === undefined ? sorted.length : top.cut(sorted, parent).length;
      for (const { frame } of sorted.slice(0, wanted)) {
        onRow(
          plan.items.map((item) => item.value.evaluate(frame)),
          columns,
        );
      }
      return [];
    },
  };
}

function distinctResults(results: readonly Result[]): Result[] {
  const seen = new Set<HashKey>();
  return results.filter(({ row }) => {
    const key = rowKey(row);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Rows after WHERE. */
function* sourceRows(plan: Plan, parent: Frame | undefined): Iterable<SqlRow> {
  const { source, where } = plan;
  const frame = new Frame([], parent);
  for (const row of source === undefined ? [[]] : source.rows(parent)) {
    frame.row = row;
    if (where === undefined || where(frame) === true) yield row;
  }
}

function plainFrames(plan: Plan, parent: Frame | undefined, limit: number): Frame[] {
  const frames: Frame[] = [];
  if (limit <= 0) return frames;
  for (const row of sourceRows(plan, parent)) {
    frames.push(new Frame(row, parent));
    if (frames.length >= limit) break;
  }
  return frames;
}

/** One frame for each group: its first row, and the values of the aggregates. */
function groupFrames(plan: Plan, parent: Frame | undefined): Frame[] {
  const counted = countOnly(plan);
  if (counted !== undefined) return [counted(parent)];
  const groups = collectGroups(plan, parent);
  const frames: Frame[] = [];
  for (const rows of groups) {
    const frame = new Frame(rows[0] ?? nullRow(plan.width), parent);
    frame.aggregates = plan.grouping.aggregates.map((slot) => computeAggregate(slot, rows, parent));
    if (plan.having === undefined || plan.having(frame) === true) frames.push(frame);
  }
  return frames;
}

/** `SELECT COUNT(*) FROM table` needs no rows at all when the table knows its size. */
function countOnly(plan: Plan): ((parent: Frame | undefined) => Frame) | undefined {
  const size = plan.source?.size;
  if (size === undefined || plan.where !== undefined || plan.groupBy.length > 0 || plan.having !== undefined)
    return undefined;
  if (!plan.grouping.aggregates.every((slot) => slot.argument === undefined)) return undefined;
  return (parent) => {
    const frame = new Frame(nullRow(plan.width), parent);
    frame.aggregates = plan.grouping.aggregates.map((slot) =>
      slot.type.kind === 'bigint' ? BigInt(size) : size,
    );
    return frame;
  };
}

/** Without GROUP BY there is always one group, even an empty one. */
function collectGroups(plan: Plan, parent: Frame | undefined): Iterable<SqlRow[]> {
  if (plan.groupBy.length === 0) return [[...sourceRows(plan, parent)]];
  const groups = new Map<HashKey, SqlRow[]>();
  const frame = new Frame([], parent);
  for (const row of sourceRows(plan, parent)) {
    frame.row = row;
    const key = rowKey(plan.groupBy.map((value) => value.evaluate(frame)));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups.values();
}
