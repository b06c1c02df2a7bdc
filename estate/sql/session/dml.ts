/** INSERT, UPDATE, DELETE and TRUNCATE over user tables. */
import { SqlError } from '../errors';
import { compileBinary } from '../query/arithmetic';
import { coerce, compile } from '../query/compile';
import { compileCondition } from '../query/conditions';
import type { CompileContext, Compiled, TableAccess } from '../query/environment';
import { EMPTY_FRAME, Frame, Scope } from '../query/frame';
import { bindQuery, withCtes } from '../query/query';
import { bindTop } from '../query/select';
import { bindSource, conjuncts } from '../query/sources';
import type {
  Assignment,
  Expression,
  OutputClause,
  Query,
  Statement,
  TableSource,
  TableTarget,
} from '../syntax/ast';
import { formatName } from '../syntax/cursor';
import type { SqlColumn, SqlRow, SqlValue } from '../types';
import { rowKey } from '../values/compare';
import { INT } from '../values/typing';
import { tableKey } from './memory-store';
import { type Change, outputRows } from './output-clause';
import { checkNulls, columnValue, defaultValue, duplicateKey, nextIdentity, nextRowId } from './rows';
import type { SessionState } from './state';
import { accessWithRowId, lockTable, type Target } from './targets';
import { forgetAllocation, LOCAL } from './transaction';

export interface DmlResult {
  readonly count: number;
  /** Rows of an OUTPUT clause without INTO. */
  readonly output?: { readonly columns: readonly SqlColumn[]; readonly rows: readonly SqlRow[] };
}

type Insert = Extract<Statement, { kind: 'insert' }>;
type Update = Extract<Statement, { kind: 'update' }>;
type Delete = Extract<Statement, { kind: 'delete' }>;

export function contextOf(state: SessionState): CompileContext {
  return { environment: state, scope: new Scope(), ctes: new Map(), views: new Map() };
}

/** @throws SqlError 109, 110, 207, 213, 515, 544, 2627, 2628 ... */
export async function runInsert(
  state: SessionState,
  statement: Insert,
  signal: AbortSignal,
): Promise<DmlResult> {
  const context = contextOf(state);
  const target = await lockTable(state, statement.target, 'insert', signal);
  const positions = insertColumns(target, statement.columns, state);
  const rows = sourceRows(statement, positions, context);
  const inserted: SqlRow[] = [];
  for (const values of rows)
    inserted.push(await insertRow(state, target, positions, values, context, signal));
  const pairs = inserted.map((row) => ({ inserted: row, deleted: undefined }));
  return finish(state, statement.output, target, pairs, context, signal);
}

/** Positions of the columns that values are given for. */
function insertColumns(target: Target, names: readonly string[] | undefined, state: SessionState): number[] {
  const { columns } = target.table.definition;
  if (names === undefined) {
    return columns.flatMap((column, at) =>
      column.identity === undefined || state.options.identityInsert ? [at] : [],
    );
  }
  const positions = names.map((name) => columnPosition(target, name));
  const repeated = positions.findIndex((position, at) => positions.indexOf(position) !== at);
  if (repeated >= 0) {
    throw new SqlError(
      264,
      `The column name '${names[repeated]}' is specified more than once in the SET clause or column list of an INSERT. A column cannot be assigned more than one value in the same clause. Modify the clause to make sure that a column is updated only once.`,
    );
  }
  const identity = positions.find((position) => columns[position]?.identity !== undefined);
  if (identity !== undefined && !state.options.identityInsert) {
    throw new SqlError(
      544,
      `Cannot insert explicit value for identity column in table '${target.name}' when IDENTITY_INSERT is set to OFF.`,
    );
  }
  return positions;
}

function columnPosition(target: Target, name: string): number {
  const wanted = name.toLowerCase();
  const position = target.table.definition.columns.findIndex(
    (column) => column.name.toLowerCase() === wanted,
  );
  if (position < 0) throw new SqlError(207, `Invalid column name '${name}'.`);
  return position;
}

/** A value for one column, or its DEFAULT. */
type Cell = { readonly value: SqlValue; readonly type: SqlColumn['type'] } | 'default';

function sourceRows(statement: Insert, positions: readonly number[], context: CompileContext): Cell[][] {
  const { source, columns } = statement;
  if (source.kind === 'default-values') return [positions.map(() => 'default')];
  const { query } = source;
  const plainValues = query.body.kind === 'values' && query.orderBy.length === 0;
  if (plainValues && query.body.kind === 'values') {
    const body = query.body;
    for (const row of body.rows) checkCount(row.length, positions.length, columns !== undefined, true);
    return body.rows.map((row) => row.map((expression) => valueCell(expression, context)));
  }
  const bound = bindQuery(limited(query, statement), context, undefined);
  checkCount(bound.columns.length, positions.length, columns !== undefined, false);
  const types = bound.columns.map((column) => column.type);
  return bound.run(undefined).map((row) => row.map((value, at) => ({ value, type: types[at] ?? INT })));
}

/** INSERT TOP (n) limits the query. */
function limited(query: Query, statement: Insert): Query {
  if (statement.top === undefined || query.body.kind !== 'select') return query;
  return { ...query, body: { ...query.body, top: statement.top } };
}

function valueCell(expression: Expression, context: CompileContext): Cell {
  if (expression.kind === 'default') return 'default';
  const compiled = compile(expression, context);
  return { value: compiled.evaluate(EMPTY_FRAME), type: compiled.type };
}

function checkCount(given: number, wanted: number, named: boolean, values: boolean): void {
  if (given === wanted) return;
  if (!named) {
    throw new SqlError(213, 'Column name or number of supplied values does not match table definition.');
  }
  const list = values ? 'VALUES clause' : 'SELECT list';
  const [few, many] = values ? [109, 110] : [120, 121];
  if (given < wanted) {
    throw new SqlError(
      few,
      values
        ? `There are more columns in the INSERT statement than values specified in the ${list}. The number of values in the ${list} must match the number of columns specified in the INSERT statement.`
        : `The select list for the INSERT statement contains fewer items than the insert list. The number of SELECT values must match the number of INSERT columns.`,
      { severity: 15 },
    );
  }
  throw new SqlError(
    many,
    values
      ? `There are fewer columns in the INSERT statement than values specified in the ${list}. The number of values in the ${list} must match the number of columns specified in the INSERT statement.`
      : `The select list for the INSERT statement contains more items than the insert list. The number of SELECT values must match the number of INSERT columns.`,
    { severity: 15 },
  );
}

async function insertRow(
  state: SessionState,
  target: Target,
  positions: readonly number[],
  cells: readonly Cell[],
  context: CompileContext,
  signal: AbortSignal,
): Promise<SqlRow> {
  const { columns } = target.table.definition;
  const row: SqlValue[] = columns.map((column, at) => {
    const cell = cells[positions.indexOf(at)];
    if (column.identity !== undefined && (cell === undefined || cell === 'default'))
      return nextIdentity(state, target, column);
    if (cell === undefined || cell === 'default') return defaultValue(column, target, context);
    return columnValue(cell.value, cell.type, column, target);
  });
  checkNulls(row, target, 'INSERT');
  await reserveKey(state, target, row, signal);
  const { schema, name } = target.table.definition;
  target.work.record({ kind: 'insert', schema, name, rowId: nextRowId(target), row });
  return row;
}

/** Locks the key against other inserters, then refuses a duplicate. */
async function reserveKey(
  state: SessionState,
  target: Target,
  row: SqlRow,
  signal: AbortSignal,
): Promise<void> {
  if (target.table.definition.primaryKey.length === 0) return;
  const key = target.table.keyOf(row);
  if (target.transactional && target.work.database !== LOCAL) {
    const resource = `${tableKey(target.schema, target.name)}/${String(rowKey(key))}`;
    const wait = state
      .currentTransaction()
      .lock(target.work, resource, 'exclusive', state.options.lockTimeout, signal);
    if (wait !== undefined) await wait;
  }
  if (target.table.rowIdOf(key) !== undefined) throw duplicateKey(target, key);
}

interface Candidates {
  readonly context: CompileContext;
  /** Joined rows, one for each row of the target, with the target's row id. */
  readonly rows: readonly { readonly rowId: number; readonly frame: Frame }[];
}

/** Rows of the target that WHERE and the joins of FROM choose. */
function chooseRows(
  statement: Update | Delete,
  target: Target,
  found: TableTarget,
  base: CompileContext,
): Candidates {
  const ctes = statement.ctes.length === 0 ? base.ctes : withCtes(statement.ctes, base);
  const scope = new Scope(new Scope());
  const context: CompileContext = { ...base, ctes, scope };
  const access = accessWithRowId(target);
  const tree = sourceTree(statement.from, found, access);
  const source = bindSource(tree.source, context, conjuncts(statement.where));
  const where = statement.where === undefined ? undefined : compileCondition(statement.where, context);
  const placed = scope.sources.find((candidate) => candidate.columns === access.columns);
  const idIndex = (placed?.offset ?? 0) + access.columns.length - 1;
  const rows = new Map<number, Frame>();
  const parent = new Frame([], undefined);
  const top = statement.top === undefined ? undefined : bindTop(statement.top, context, []);
  const limit = top?.limit(undefined) ?? Number.POSITIVE_INFINITY;
  const frame = new Frame([], parent);
  for (const row of limit === 0 ? [] : source.rows(parent)) {
    const rowId = row[idIndex];
    if (typeof rowId !== 'number' || rows.has(rowId)) continue;
    frame.row = row;
    if (where !== undefined && where(frame) !== true) continue;
    rows.set(rowId, new Frame(row, parent));
    if (rows.size >= limit) break;
  }
  return { context, rows: [...rows].map(([rowId, at]) => ({ rowId, frame: at })) };
}

/** FROM with the target's table replaced by one that carries row ids. */
function sourceTree(
  from: TableSource | undefined,
  target: TableTarget,
  access: TableAccess,
): { source: TableSource } {
  const own = target.kind === 'table' ? target.name.object : `@${target.name}`;
  const given: TableSource = { kind: 'given', access, name: own };
  if (from === undefined) return { source: given };
  const replaced = replaceTarget(from, target, access);
  if (replaced !== undefined) return { source: replaced };
  return { source: { kind: 'join', join: 'cross', left: given, right: from } };
}

function replaceTarget(
  source: TableSource,
  target: TableTarget,
  access: TableAccess,
): TableSource | undefined {
  if (source.kind === 'join' || source.kind === 'apply') {
    const left = replaceTarget(source.left, target, access);
    if (left !== undefined) return { ...source, left };
    const right = replaceTarget(source.right, target, access);
    return right === undefined ? undefined : { ...source, right };
  }
  if (!isTarget(source, target)) return undefined;
  const name =
    source.kind === 'table'
      ? source.name.object
      : target.kind === 'table'
        ? target.name.object
        : `@${target.name}`;
  const alias = 'alias' in source ? source.alias : undefined;
  return { kind: 'given', access, name, ...(alias === undefined ? {} : { alias }) };
}

function isTarget(source: TableSource, target: TableTarget): boolean {
  if (target.kind === 'table-variable')
    return source.kind === 'table-variable' && source.name === target.name;
  const wanted = target.name.object.toLowerCase();
  if ('alias' in source && source.alias !== undefined) {
    return target.name.schema === undefined && source.alias.toLowerCase() === wanted;
  }
  return source.kind === 'table' && source.name.object.toLowerCase() === wanted;
}

/** The table that a target names, when it names an alias of FROM. */
function resolveAlias(target: TableTarget, from: TableSource | undefined): TableTarget {
  if (target.kind !== 'table' || target.name.schema !== undefined || from === undefined) return target;
  const found = findAliased(from, target.name.object.toLowerCase());
  if (found === undefined) return target;
  if (found.kind === 'table') return { kind: 'table', name: found.name, line: found.line };
  if (found.kind === 'table-variable') return { kind: 'table-variable', name: found.name, line: target.line };
  throw new SqlError(
    4421,
    `Derived table '${target.name.object}' is not updatable because a column of the derived table is derived or constant.`,
  );
}

function findAliased(source: TableSource, alias: string): TableSource | undefined {
  if (source.kind === 'join' || source.kind === 'apply') {
    return findAliased(source.left, alias) ?? findAliased(source.right, alias);
  }
  return 'alias' in source && source.alias?.toLowerCase() === alias ? source : undefined;
}

interface CompiledAssignment {
  readonly column: number | undefined;
  readonly variable: string | undefined;
  readonly value: Compiled | 'default';
}

export async function runUpdate(
  state: SessionState,
  statement: Update,
  signal: AbortSignal,
): Promise<DmlResult> {
  const base = contextOf(state);
  const target = await lockTable(state, resolveAlias(statement.target, statement.from), 'exclusive', signal);
  const { context, rows } = chooseRows(statement, target, statement.target, base);
  const assignments = statement.assignments.map((assignment) =>
    compileAssignment(assignment, target, context),
  );
  const { schema, name } = target.table.definition;
  const changes: (Change & { rowId: number })[] = [];
  for (const { rowId, frame } of rows) {
    const before = target.table.get(rowId);
    if (before === undefined) continue;
    const after = assign(state, assignments, before, frame, target, context);
    checkNulls(after, target, 'UPDATE');
    changes.push({ rowId, deleted: before, inserted: after });
  }
  checkKeys(target, changes);
  for (const { rowId, inserted } of changes) {
    if (inserted !== undefined) target.work.record({ kind: 'update', schema, name, rowId, row: inserted });
  }
  return finish(state, statement.output, target, changes, context, signal);
}

/** Keys may change places within one statement, but must be different at its end. */
function checkKeys(target: Target, changes: readonly (Change & { rowId: number })[]): void {
  if (target.table.definition.primaryKey.length === 0) return;
  const moved = new Set(changes.map((change) => change.rowId));
  const seen = new Set<unknown>();
  for (const { inserted } of changes) {
    if (inserted === undefined) continue;
    const key = target.table.keyOf(inserted);
    const other = target.table.rowIdOf(key);
    if (seen.has(rowKey(key)) || (other !== undefined && !moved.has(other))) throw duplicateKey(target, key);
    seen.add(rowKey(key));
  }
}

function compileAssignment(
  assignment: Assignment,
  target: Target,
  context: CompileContext,
): CompiledAssignment {
  const { column, variable, operator, expression } = assignment;
  const position = column === undefined ? undefined : columnPosition(target, column[column.length - 1] ?? '');
  if (position !== undefined && target.table.definition.columns[position]?.identity !== undefined) {
    throw new SqlError(8102, `Cannot update identity column '${column?.[column.length - 1]}'.`);
  }
  if (expression.kind === 'default') return { column: position, variable, value: 'default' };
  const plain = compile(expression, context);
  if (operator === undefined) return { column: position, variable, value: plain };
  const current = compile(
    column === undefined ? { kind: 'variable', name: variable ?? '' } : { kind: 'column', path: column },
    context,
  );
  return { column: position, variable, value: compileBinary(operator, current, plain) };
}

function assign(
  state: SessionState,
  assignments: readonly CompiledAssignment[],
  before: SqlRow,
  frame: Frame,
  target: Target,
  context: CompileContext,
): SqlRow {
  const after = [...before];
  for (const { column, variable, value } of assignments) {
    const definition = column === undefined ? undefined : target.table.definition.columns[column];
    if (value === 'default') {
      if (definition !== undefined && column !== undefined)
        after[column] = defaultValue(definition, target, context);
      continue;
    }
    const result = value.evaluate(frame);
    if (definition !== undefined && column !== undefined) {
      after[column] = columnValue(result, value.type, definition, target);
    }
    if (variable !== undefined) {
      const slot = state.variable(variable);
      slot.value = coerce({ type: value.type, nullable: true, evaluate: () => result }, slot.type).evaluate(
        frame,
      );
    }
  }
  return after;
}

export async function runDelete(
  state: SessionState,
  statement: Delete,
  signal: AbortSignal,
): Promise<DmlResult> {
  const base = contextOf(state);
  const target = await lockTable(state, resolveAlias(statement.target, statement.from), 'exclusive', signal);
  const { context, rows } = chooseRows(statement, target, statement.target, base);
  const { schema, name } = target.table.definition;
  const changes: Change[] = [];
  for (const { rowId } of rows) {
    const before = target.table.get(rowId);
    if (before === undefined) continue;
    changes.push({ inserted: undefined, deleted: before });
    target.work.record({ kind: 'delete', schema, name, rowId });
  }
  return finish(state, statement.output, target, changes, context, signal);
}

export async function runTruncate(
  state: SessionState,
  statement: Extract<Statement, { kind: 'truncate-table' }>,
  signal: AbortSignal,
): Promise<void> {
  const { name, line } = statement;
  const target = await lockTable(state, { kind: 'table', name, line }, 'exclusive', signal).catch(
    (error: unknown) => {
      if (!(error instanceof SqlError) || error.number !== 208) throw error;
      throw new SqlError(
        4701,
        `Cannot find the object "${formatName(name)}" because it does not exist or you do not have permissions.`,
      );
    },
  );
  target.work.record({
    kind: 'truncate',
    schema: target.table.definition.schema,
    name: target.table.definition.name,
  });
  forgetAllocation(target.work.store, target.schema, target.name);
}

/** Counts the changes and runs the OUTPUT clause over them. */
async function finish(
  state: SessionState,
  output: OutputClause | undefined,
  target: Target,
  changes: readonly Change[],
  context: CompileContext,
  signal: AbortSignal,
): Promise<DmlResult> {
  if (output === undefined) return { count: changes.length };
  const rows = outputRows(output, target, changes, context);
  if (output.into === undefined) return { count: changes.length, output: rows };
  const into = await lockTable(state, output.into, 'insert', signal);
  const positions = insertColumns(into, output.intoColumns, state);
  checkCount(rows.columns.length, positions.length, output.intoColumns !== undefined, false);
  const types = rows.columns.map((column) => column.type);
  for (const row of rows.rows) {
    const cells = row.map((value, at): Cell => ({ value, type: types[at] ?? INT }));
    await insertRow(state, into, positions, cells, context, signal);
  }
  return { count: changes.length };
}
