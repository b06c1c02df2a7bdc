/** Binds whole queries: common table expressions, set operations, VALUES, ORDER BY over them. */
import { SqlError } from '../errors';
import type { CommonTableExpression, Expression, OrderItem, Query, QueryBody } from '../syntax/ast';
import type { SqlColumn, SqlRow, SqlType } from '../types';
import { type HashKey, rowKey } from '../values/compare';
import { BIGINT, commonType, INT } from '../values/typing';
import { sortRows } from './aggregate-slots';
import { coerce, compile, meet } from './compile';
import type { BoundQuery, CompileContext, Compiled, CompiledOrder, CteBinding } from './environment';
import { expressionKey } from './expression-key';
import { EMPTY_FRAME, Frame, Scope } from './frame';
import { bindSelect } from './select';

/**
 * Binds a query.
 * @param outer scope of the row around a subquery; undefined at the top.
 * @returns a query whose rows are kept after the first run, unless they depend on the outer row.
 */
export function bindQuery(query: Query, context: CompileContext, outer: Scope | undefined): BoundQuery {
  const marker = new Scope(outer);
  const bound = bindQueryIn(query, context, marker);
  return marker.correlated ? withoutMarker(bound) : remembered(withoutMarker(bound));
}

/** The marker scope only notices outer references; at run time it has a frame like any other. */
function withoutMarker(bound: BoundQuery): BoundQuery {
  return { columns: bound.columns, run: (parent) => bound.run(new Frame([], parent)) };
}

function remembered(bound: BoundQuery): BoundQuery {
  let rows: readonly SqlRow[] | undefined;
  return {
    columns: bound.columns,
    run(parent) {
      rows ??= bound.run(parent);
      return rows;
    },
  };
}

function bindQueryIn(query: Query, context: CompileContext, outer: Scope): BoundQuery {
  const inner = query.ctes.length === 0 ? context : { ...context, ctes: withCtes(query.ctes, context) };
  if (query.body.kind === 'select') return bindSelect(query.body, query, inner, outer);
  const body = bindBody(query.body, inner, outer);
  return ordered(body, query, inner, outer);
}

function bindBody(body: QueryBody, context: CompileContext, outer: Scope): BoundQuery {
  switch (body.kind) {
    case 'select':
      return bindSelect(body, { ctes: [], body, orderBy: [] }, context, outer);
    case 'nested':
      return bindQueryIn(body.query, context, outer);
    case 'values':
      return bindValues(body.rows, context, outer);
    case 'set-operation': {
      const left = bindBody(body.left, context, outer);
      const right = bindBody(body.right, context, outer);
      return combine(body.operator, left, right);
    }
  }
}

function bindValues(
  rows: readonly (readonly Expression[])[],
  context: CompileContext,
  outer: Scope,
): BoundQuery {
  const scope = new Scope(outer);
  const compiled = rows.map((row) => row.map((expression) => compile(expression, { ...context, scope })));
  const width = compiled[0]?.length ?? 0;
  if (compiled.some((row) => row.length !== width)) {
    throw new SqlError(
      10709,
      'The number of columns for each row in a table value constructor must be the same.',
      { severity: 15 },
    );
  }
  const types: SqlType[] = [];
  for (let at = 0; at < width; at++) types.push(meet(compiled.flatMap((row) => row.slice(at, at + 1))));
  const values = compiled.map((row) => row.map((value, at) => coerce(value, types[at] ?? INT)));
  const columns = types.map((type, at) => ({
    name: '',
    type,
    nullable: compiled.some((row) => row[at]?.nullable === true),
  }));
  return {
    columns,
    run(parent) {
      const frame = new Frame([], parent);
      return values.map((row) => row.map((value) => value.evaluate(frame)));
    },
  };
}

type SetOperator = Extract<QueryBody, { kind: 'set-operation' }>['operator'];

/** @throws SqlError 205 when the column counts differ. */
function combine(operator: SetOperator, left: BoundQuery, right: BoundQuery): BoundQuery {
  if (left.columns.length !== right.columns.length) {
    throw new SqlError(
      205,
      'All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.',
    );
  }
  const columns = left.columns.map((column, at) => {
    const other = right.columns[at] ?? column;
    return {
      name: column.name,
      type: commonType(column.type, other.type),
      nullable: column.nullable || other.nullable,
    };
  });
  const convertLeft = rowConverter(left.columns, columns);
  const convertRight = rowConverter(right.columns, columns);
  return {
    columns,
    run(parent) {
      const a = left.run(parent).map(convertLeft);
      const b = right.run(parent).map(convertRight);
      return applySetOperator(operator, a, b);
    },
  };
}

/** Brings rows of one shape to the types of another. */
export function rowConverter(from: readonly SqlColumn[], to: readonly SqlColumn[]): (row: SqlRow) => SqlRow {
  const cells = from.map((column, at) =>
    coerce(
      { type: column.type, nullable: true, evaluate: (frame) => frame.row[at] ?? null },
      to[at]?.type ?? column.type,
    ),
  );
  return (row) => {
    const frame = new Frame(row, undefined);
    return cells.map((cell) => cell.evaluate(frame));
  };
}

function applySetOperator(
  operator: SetOperator,
  a: readonly SqlRow[],
  b: readonly SqlRow[],
): readonly SqlRow[] {
  if (operator === 'union-all') return [...a, ...b];
  if (operator === 'union') return distinctRows([...a, ...b]);
  const keys = new Set<HashKey>(b.map(rowKey));
  const wanted = operator === 'intersect';
  return distinctRows(a).filter((row) => keys.has(rowKey(row)) === wanted);
}

export function distinctRows(rows: readonly SqlRow[]): SqlRow[] {
  const seen = new Set<HashKey>();
  return rows.filter((row) => {
    const key = rowKey(row);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** ORDER BY of a set operation sees only the result's columns. */
function ordered(body: BoundQuery, query: Query, context: CompileContext, outer: Scope): BoundQuery {
  if (query.orderBy.length === 0) return body;
  const scope = new Scope(outer);
  scope.add({ alias: '', columns: body.columns });
  const inner = { ...context, scope };
  const order: CompiledOrder[] = query.orderBy.map((item) => ({
    value: orderValue(item, query.body, body.columns, inner),
    descending: item.descending,
  }));
  const page = compilePage(query, inner);
  return {
    columns: body.columns,
    run: (parent) => page(sortRows(body.run(parent), order, parent), parent),
  };
}

/** `ORDER BY t.c` over a UNION means the result's column that the first SELECT made of `t.c`. */
function writtenOrdinal(wanted: Expression, body: QueryBody): number | undefined {
  if (body.kind === 'set-operation') return writtenOrdinal(wanted, body.left);
  if (body.kind !== 'select' || wanted.kind !== 'column' || wanted.path.length < 2) return undefined;
  if (body.items.some((item) => item.kind === 'star')) return undefined;
  const key = expressionKey(wanted, new Scope());
  const at = body.items.findIndex(
    (item) => item.kind === 'expression' && expressionKey(item.expression, new Scope()) === key,
  );
  return at < 0 ? undefined : at;
}

function orderValue(
  item: OrderItem,
  body: QueryBody,
  columns: readonly SqlColumn[],
  context: CompileContext,
): Compiled {
  const ordinal = ordinalOf(item.expression, columns.length) ?? writtenOrdinal(item.expression, body);
  if (ordinal === undefined) return compile(item.expression, context);
  return {
    type: columns[ordinal]?.type ?? INT,
    nullable: true,
    evaluate: (frame) => frame.row[ordinal] ?? null,
  };
}

/** Zero-based column of `ORDER BY 2`. @throws SqlError 108 */
export function ordinalOf(expression: Expression, columns: number): number | undefined {
  if (expression.kind !== 'literal' || expression.type.kind !== 'int') return undefined;
  const position = Number(expression.value);
  if (position >= 1 && position <= columns) return position - 1;
  throw new SqlError(
    108,
    `The ORDER BY position number ${position} is out of range of the number of items in the select list.`,
  );
}

export type Page = (rows: readonly SqlRow[], parent: Frame | undefined) => readonly SqlRow[];

/** OFFSET and FETCH. @throws SqlError 10742, 10744 for negative counts */
export function compilePage(query: Query, context: CompileContext): Page {
  if (query.offset === undefined) return (rows) => rows;
  const offset = coerce(compile(query.offset, context), BIGINT);
  const fetch = query.fetch === undefined ? undefined : coerce(compile(query.fetch, context), BIGINT);
  return (rows, parent) => {
    const frame = parent ?? EMPTY_FRAME;
    const start = Number(offset.evaluate(frame) ?? 0);
    if (start < 0)
      throw new SqlError(10742, 'The offset specified in a OFFSET clause may not be negative.', {
        severity: 15,
      });
    if (fetch === undefined) return rows.slice(start);
    const count = Number(fetch.evaluate(frame) ?? 0);
    if (count < 1)
      throw new SqlError(10744, 'The number of rows provided for a FETCH clause must be greater then zero.', {
        severity: 15,
      });
    return rows.slice(start, start + count);
  };
}

/** Column names given after an alias. @throws SqlError 8155, 8158, 8159 */
export function renamed(
  columns: readonly SqlColumn[],
  names: readonly string[] | undefined,
  alias: string,
): readonly SqlColumn[] {
  if (names === undefined) {
    const unnamed = columns.findIndex((column) => column.name === '');
    if (unnamed < 0) return columns;
    throw new SqlError(8155, `No column name was specified for column ${unnamed + 1} of '${alias}'.`);
  }
  if (names.length !== columns.length) {
    const [number, word] = names.length < columns.length ? [8158, 'more'] : [8159, 'fewer'];
    throw new SqlError(number, `'${alias}' has ${word} columns than were specified in the column list.`);
  }
  return columns.map((column, at) => ({ ...column, name: names[at] ?? '' }));
}

const MAXIMUM_RECURSION = 100;

export function withCtes(
  definitions: readonly CommonTableExpression[],
  context: CompileContext,
): ReadonlyMap<string, CteBinding> {
  const ctes = new Map(context.ctes);
  for (const cte of definitions) {
    const visible: CompileContext = { ...context, ctes: new Map(ctes) };
    ctes.set(cte.name.toLowerCase(), cteBinding(cte, visible));
  }
  return ctes;
}

function cteBinding(cte: CommonTableExpression, context: CompileContext): CteBinding {
  const { body } = cte.query;
  const recursive =
    body.kind === 'set-operation' && body.operator === 'union-all' && mentions(body.right, cte.name);
  if (recursive) return { bind: () => bindRecursive(cte, body.left, body.right, context) };
  return {
    bind() {
      const bound = bindQuery(cte.query, context, undefined);
      return { columns: renamed(bound.columns, cte.columns, cte.name), run: () => bound.run(undefined) };
    },
  };
}

function mentions(body: QueryBody, name: string): boolean {
  const wanted = name.toLowerCase();
  return JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    .toLowerCase()
    .includes(`"object":${JSON.stringify(wanted)}`);
}

/** Anchor UNION ALL recursive member, which reads the rows of the step before. */
function bindRecursive(
  cte: CommonTableExpression,
  anchorBody: QueryBody,
  memberBody: QueryBody,
  context: CompileContext,
): BoundQuery {
  const anchor = bindBody(anchorBody, context, new Scope());
  const columns = renamed(anchor.columns, cte.columns, cte.name).map((column) => ({
    ...column,
    nullable: true,
  }));
  let working: readonly SqlRow[] = [];
  const self: CteBinding = {
    bind(scope) {
      scope?.markVolatile();
      return { columns, run: () => working };
    },
  };
  const ctes = new Map(context.ctes).set(cte.name.toLowerCase(), self);
  const member = bindBody(memberBody, { ...context, ctes }, new Scope());
  const convertRow = recursiveConverter(member.columns, columns, cte.name);
  return {
    columns,
    run() {
      const all = [...anchor.run(EMPTY_FRAME)];
      working = all.slice();
      for (let level = 0; working.length > 0; level++) {
        if (level > MAXIMUM_RECURSION) {
          throw new SqlError(
            530,
            'The statement terminated. The maximum recursion 100 has been exhausted before statement completion.',
          );
        }
        working = member.run(EMPTY_FRAME).map(convertRow);
        all.push(...working);
      }
      return all;
    },
  };
}

function recursiveConverter(
  from: readonly SqlColumn[],
  to: readonly SqlColumn[],
  name: string,
): (row: SqlRow) => SqlRow {
  if (from.length !== to.length) {
    throw new SqlError(
      205,
      'All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.',
    );
  }
  from.forEach((column, at) => {
    const wanted = to[at];
    if (wanted === undefined || wanted.type.kind === column.type.kind) return;
    throw new SqlError(
      240,
      `Types don't match between the anchor and the recursive part in column "${wanted.name}" of recursive query "${name}".`,
    );
  });
  return rowConverter(from, to);
}
