/** Binds FROM: tables, views, functions, derived tables and joins. */
import { SqlError } from '../errors';
import { engineTableFunction } from '../functions/table-functions';
import type { ObjectName, RowSource, TypedValue } from '../host';
import type { Expression, TableSource } from '../syntax/ast';
import { formatName } from '../syntax/cursor';
import type { SqlColumn, SqlRow, SqlValue } from '../types';
import { type HashKey, hashKey, rowKey } from '../values/compare';
import { compile } from './compile';
import { comparable, compileCondition } from './conditions';
import type { CompileContext, Compiled, Condition, TableAccess } from './environment';
import { Frame, Scope } from './frame';
import { keyLookup } from './key-lookup';
import { bindQuery, renamed } from './query';

/** Rows of a FROM clause; `parent` is the frame around the query. */
export interface BoundSource {
  readonly width: number;
  rows(parent: Frame | undefined): Iterable<SqlRow>;
  /** Number of rows when it is known without reading them. */
  readonly size?: number;
}

export const invalidObject = (name: ObjectName, line?: number): SqlError =>
  new SqlError(208, `Invalid object name '${formatName(name)}'.`, line === undefined ? {} : { line });

/**
 * Binds a source and adds its columns to the context's scope.
 * @param where condition of the query: equalities in it make comma joins hash joins, and find rows by primary key.
 */
export function bindSource(
  source: TableSource,
  context: CompileContext,
  where: readonly Expression[],
): BoundSource {
  switch (source.kind) {
    case 'table':
      return bindTable(source, context, where);
    case 'given':
      return bindAccess(source.access, source.alias, context, where, source.name);
    case 'table-variable': {
      const access = context.environment.tableVariable(source.name);
      if (access === undefined) {
        throw new SqlError(1087, `Must declare the table variable "@${source.name}".`, { severity: 15 });
      }
      return bindAccess(access, source.alias ?? `@${source.name}`, context, where);
    }
    case 'table-function':
      return bindFunction(source, context);
    case 'derived': {
      const bound = bindQuery(source.query, context, context.scope.parent);
      const columns = renamed(bound.columns, source.columns, source.alias);
      context.scope.add({ alias: source.alias.toLowerCase(), columns });
      return { width: columns.length, rows: (parent) => bound.run(parent) };
    }
    case 'join':
      return bindJoin(source, context, where);
    case 'apply':
      return bindApply(source, context, where);
  }
}

function bindTable(
  source: Extract<TableSource, { kind: 'table' }>,
  context: CompileContext,
  where: readonly Expression[],
): BoundSource {
  const { name } = source;
  const cte = name.schema === undefined ? context.ctes.get(name.object.toLowerCase()) : undefined;
  if (cte !== undefined) {
    const bound = cte.bind(context.scope);
    context.scope.add({ alias: (source.alias ?? name.object).toLowerCase(), columns: bound.columns });
    return { width: bound.columns.length, rows: (parent) => bound.run(parent) };
  }
  const access = context.environment.table(name);
  if (access === undefined) throw invalidObject(name, source.line);
  return bindAccess(cached(access, name, context), source.alias, context, where, name.object);
}

/** Views are read once for each statement; user tables are a consistent snapshot anyway. */
function cached(access: TableAccess, name: ObjectName, context: CompileContext): TableAccess {
  if (access.size !== undefined) return access;
  const key = formatName({ ...name, object: name.object.toLowerCase() }).toLowerCase();
  return {
    ...access,
    rows() {
      const known = context.views.get(key) ?? [...access.rows()];
      context.views.set(key, known);
      return known;
    },
  };
}

function bindAccess(
  access: TableAccess,
  alias: string | undefined,
  context: CompileContext,
  where: readonly Expression[],
  objectName = '',
): BoundSource {
  const single = context.scope.sources.length === 0;
  context.scope.add(
    alias === undefined
      ? {
          alias: objectName.toLowerCase(),
          schema: access.schema.toLowerCase(),
          database: access.database.toLowerCase(),
          columns: access.columns,
        }
      : { alias: alias.toLowerCase(), columns: access.columns },
  );
  const lookup = single ? keyLookup(access, alias ?? objectName, where, context) : undefined;
  const width = access.columns.length;
  if (lookup !== undefined) return { width, rows: lookup };
  return { width, rows: () => access.rows(), ...(access.size === undefined ? {} : { size: access.size }) };
}

function bindFunction(
  source: Extract<TableSource, { kind: 'table-function' }>,
  context: CompileContext,
): BoundSource {
  const { scope } = context;
  const outer: CompileContext = { ...context, scope: scope.parent ?? new Scope() };
  const args = source.args.map((argument) => functionArgument(argument, outer));
  const call = (frame: Frame | undefined): RowSource => callFunction(source, args, frame, context);
  const probe = callFunction(source, args, undefined, context);
  const columns = renamed(probe.columns, source.columns, source.alias ?? source.name.object);
  scope.add({ alias: (source.alias ?? source.name.object).toLowerCase(), columns });
  return { width: columns.length, rows: (parent) => call(parent ?? new Frame([], undefined)).rows() };
}

function functionArgument(argument: Expression, context: CompileContext): Compiled {
  if (argument.kind !== 'default') return compile(argument, context);
  return { type: { kind: 'int' }, nullable: true, untyped: true, evaluate: () => null };
}

/** Without a frame the arguments are NULLs: only the columns are wanted then. */
function callFunction(
  source: Extract<TableSource, { kind: 'table-function' }>,
  args: readonly Compiled[],
  frame: Frame | undefined,
  context: CompileContext,
): RowSource {
  const values: TypedValue[] = args.map((argument) => ({
    type: argument.type,
    value: frame === undefined ? null : argument.evaluate(frame),
  }));
  const result =
    engineTableFunction(source.name, values) ?? context.environment.tableFunction(source.name, values);
  if (result === undefined) throw invalidObject(source.name, source.line);
  return result;
}

export const nullRow = (width: number): SqlRow => new Array<SqlValue>(width).fill(null);

function bindJoin(
  source: Extract<TableSource, { kind: 'join' }>,
  context: CompileContext,
  where: readonly Expression[],
): BoundSource {
  const { scope } = context;
  const start = scope.width;
  const left = bindSource(
    source.left,
    context,
    source.join === 'inner' || source.join === 'cross' ? where : [],
  );
  const right = bindSource(source.right, context, []);
  const { on } = source;
  const base = scope.base;
  scope.base = start;
  try {
    const condition = on === undefined ? undefined : compileCondition(on, context);
    const candidates = on === undefined ? where : conjuncts(on);
    const keys = candidates
      .map((part) => equalityKey(part, context, left.width, right.width))
      .filter((key) => key !== undefined);
    const width = left.width + right.width;
    return { width, rows: (parent) => joinRows(source.join, left, right, condition, keys, parent) };
  } finally {
    scope.base = base;
  }
}

/** Parts of a condition that must all hold. */
export function conjuncts(condition: Expression | undefined): readonly Expression[] {
  if (condition === undefined) return [];
  if (condition.kind === 'and') return [...conjuncts(condition.left), ...conjuncts(condition.right)];
  return [condition];
}

interface EqualityKey {
  left(frame: Frame): SqlValue;
  right(frame: Frame): SqlValue;
}

/** `a.x = b.y` with one column on each side of the join. The right side is read from a row of the right source alone. */
function equalityKey(
  part: Expression,
  context: CompileContext,
  leftWidth: number,
  rightWidth: number,
): EqualityKey | undefined {
  if (part.kind !== 'comparison' || part.operator !== '=') return undefined;
  if (part.left.kind !== 'column' || part.right.kind !== 'column') return undefined;
  const first = tryResolve(part.left.path, context.scope);
  const second = tryResolve(part.right.path, context.scope);
  if (first === undefined || second === undefined) return undefined;
  const [a, b] = first.index < second.index ? [first, second] : [second, first];
  if (a.index < 0 || a.index >= leftWidth || b.index < leftWidth || b.index >= leftWidth + rightWidth)
    return undefined;
  const pair = comparable(columnAt(a.index, a.column), columnAt(b.index - leftWidth, b.column));
  return { left: (frame) => pair.left.evaluate(frame), right: (frame) => pair.right.evaluate(frame) };
}

const columnAt = (index: number, column: SqlColumn): Compiled => ({
  type: column.type,
  nullable: column.nullable,
  evaluate: (frame) => frame.row[index] ?? null,
});

/** Columns of this level only; a comma join's WHERE may name sources that are not bound yet. */
function tryResolve(path: readonly string[], scope: Scope): { index: number; column: SqlColumn } | undefined {
  const alone = new Scope();
  alone.base = scope.base;
  alone.sources.push(...scope.sources);
  try {
    return alone.resolve(path);
  } catch (error) {
    if (error instanceof SqlError) return undefined;
    throw error;
  }
}

type JoinKind = Extract<TableSource, { kind: 'join' }>['join'];

function* joinRows(
  kind: JoinKind,
  left: BoundSource,
  right: BoundSource,
  condition: Condition | undefined,
  keys: readonly EqualityKey[],
  parent: Frame | undefined,
): Iterable<SqlRow> {
  const rightRows = [...right.rows(parent)];
  const index = keys.length === 0 ? undefined : hashRows(rightRows, keys, parent);
  const matched = kind === 'right' || kind === 'full' ? new Set<SqlRow>() : undefined;
  const frame = new Frame([], parent);
  for (const leftRow of left.rows(parent)) {
    let found = false;
    for (const rightRow of candidates(leftRow, rightRows, index, keys, frame)) {
      const row = [...leftRow, ...rightRow];
      frame.row = row;
      if (condition !== undefined && condition(frame) !== true) continue;
      found = true;
      matched?.add(rightRow);
      yield row;
    }
    if (!found && (kind === 'left' || kind === 'full')) yield [...leftRow, ...nullRow(right.width)];
  }
  if (matched === undefined) return;
  for (const rightRow of rightRows) if (!matched.has(rightRow)) yield [...nullRow(left.width), ...rightRow];
}

function hashRows(
  rows: readonly SqlRow[],
  keys: readonly EqualityKey[],
  parent: Frame | undefined,
): Map<HashKey, SqlRow[]> {
  const index = new Map<HashKey, SqlRow[]>();
  const frame = new Frame([], parent);
  for (const row of rows) {
    frame.row = row;
    const key = joinKey(keys.map((part) => part.right(frame)));
    if (key === undefined) continue;
    const bucket = index.get(key);
    if (bucket === undefined) index.set(key, [row]);
    else bucket.push(row);
  }
  return index;
}

/** NULL equals nothing, so such rows have no key. */
function joinKey(values: readonly SqlValue[]): HashKey | undefined {
  if (values.includes(null)) return undefined;
  return values.length === 1 ? hashKey(values[0] ?? null) : rowKey(values);
}

const NO_ROWS: readonly SqlRow[] = [];

function candidates(
  leftRow: SqlRow,
  all: readonly SqlRow[],
  index: Map<HashKey, SqlRow[]> | undefined,
  keys: readonly EqualityKey[],
  frame: Frame,
): readonly SqlRow[] {
  if (index === undefined) return all;
  frame.row = leftRow;
  const key = joinKey(keys.map((part) => part.left(frame)));
  return key === undefined ? NO_ROWS : (index.get(key) ?? NO_ROWS);
}

/** The right side of APPLY sees the left side's row as the row around it. */
function bindApply(
  source: Extract<TableSource, { kind: 'apply' }>,
  context: CompileContext,
  where: readonly Expression[],
): BoundSource {
  const { scope } = context;
  const start = scope.width;
  const left = bindSource(source.left, context, where);
  const lateral = new Scope(scope.parent);
  for (const { offset, ...placed } of scope.sources) {
    if (offset >= start) lateral.add(placed);
  }
  const inner = new Scope(lateral);
  const right = bindSource(source.right, { ...context, scope: inner }, []);
  if (lateral.correlated) scope.correlated = true;
  for (const { offset: _, ...placed } of inner.sources) scope.add(placed);
  return {
    width: left.width + right.width,
    *rows(parent) {
      for (const leftRow of left.rows(parent)) {
        let found = false;
        for (const rightRow of right.rows(new Frame(leftRow, parent))) {
          found = true;
          yield [...leftRow, ...rightRow];
        }
        if (!found && source.outer) yield [...leftRow, ...nullRow(right.width)];
      }
    },
  };
}
