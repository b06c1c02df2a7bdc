/** CREATE TABLE, DROP TABLE, ALTER TABLE ADD, CREATE INDEX, SELECT INTO. */
import { SqlError } from '../errors';
import type { ObjectName } from '../host';
import type { TableColumn, TableDefinition } from '../storage';
import type { ColumnDefinition, Statement, TableShape } from '../syntax/ast';
import { formatName } from '../syntax/cursor';
import type { SqlColumn, SqlRow } from '../types';
import { contextOf } from './dml';
import { tableKey } from './memory-store';
import { defaultValue, nextRowId } from './rows';
import type { SessionState } from './state';
import { lockTable, placeOf } from './targets';
import { type DatabaseWork, forgetAllocation, LOCAL } from './transaction';

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** @throws SqlError 2705 (repeated column), 2714 (name taken) */
export async function createTable(
  state: SessionState,
  name: ObjectName,
  shape: TableShape,
  signal: AbortSignal,
): Promise<void> {
  const { work, schema } = placeOf(state, name);
  await lockName(state, work, schema, name.object, signal);
  const taken =
    work.table(schema, name.object) !== undefined ||
    (work.database !== LOCAL && state.host.view(name) !== undefined);
  if (taken)
    throw new SqlError(2714, `There is already an object named '${name.object}' in the database.`, {
      state: 6,
    });
  forgetAllocation(work.store, schema, name.object);
  work.record({ kind: 'create-table', table: definitionOf(schema, name.object, shape) });
}

async function lockName(
  state: SessionState,
  work: DatabaseWork,
  schema: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  if (work.database === LOCAL) return;
  const wait = state
    .currentTransaction()
    .lock(work, tableKey(schema, name), 'exclusive', state.options.lockTimeout, signal);
  if (wait !== undefined) await wait;
}

export function definitionOf(schema: string, name: string, shape: TableShape): TableDefinition {
  const seen = new Set<string>();
  for (const column of shape.columns) {
    const key = column.name.toLowerCase();
    if (seen.has(key)) {
      throw new SqlError(
        2705,
        `Column names in each table must be unique. Column name '${column.name}' in table '${name}' is specified more than once.`,
        { state: 3 },
      );
    }
    seen.add(key);
  }
  const { primaryKey, primaryKeyName } = shape;
  return {
    schema,
    name,
    columns: shape.columns.map(tableColumn),
    primaryKey,
    ...(primaryKeyName === undefined ? {} : { primaryKeyName }),
  };
}

/** Columns accept NULL unless told otherwise (ANSI_NULL_DFLT_ON, as drivers set it). */
function tableColumn(column: ColumnDefinition): TableColumn {
  const { name, type, nullable, identity, defaultExpression, defaultName } = column;
  return {
    name,
    type,
    nullable: nullable ?? true,
    ...(identity === undefined ? {} : { identity }),
    ...(defaultExpression === undefined ? {} : { defaultExpression: defaultExpression.text }),
    ...(defaultName === undefined ? {} : { defaultName }),
  };
}

export async function dropTables(
  state: SessionState,
  statement: Of<'drop-table'>,
  signal: AbortSignal,
): Promise<void> {
  for (const name of statement.names) {
    const { work, schema } = placeOf(state, name);
    await lockName(state, work, schema, name.object, signal);
    const table = work.table(schema, name.object);
    if (table === undefined) {
      if (statement.ifExists) continue;
      throw new SqlError(
        3701,
        `Cannot drop the table '${formatName(name)}', because it does not exist or you do not have permission.`,
        { severity: 11, state: 5 },
      );
    }
    work.record({ kind: 'drop-table', schema: table.definition.schema, name: table.definition.name });
    forgetAllocation(work.store, schema, name.object);
  }
}

/** The log has no record for a changed table: the table is written anew, with the row ids it had. */
export async function alterTableAdd(
  state: SessionState,
  statement: Of<'alter-table-add'>,
  signal: AbortSignal,
): Promise<void> {
  const { name, line } = statement;
  const target = await lockTable(state, { kind: 'table', name, line }, 'exclusive', signal).catch(
    (error: unknown) => {
      if (!(error instanceof SqlError) || error.number !== 208) throw error;
      throw new SqlError(
        4902,
        `Cannot find the object "${formatName(name)}" because it does not exist or you do not have permissions.`,
      );
    },
  );
  const { definition } = target.table;
  const added = statement.columns.map(tableColumn);
  const shape = definitionOf(definition.schema, definition.name, {
    columns: [...definition.columns.map(asColumn), ...statement.columns],
    primaryKey: definition.primaryKey,
    ...(definition.primaryKeyName === undefined ? {} : { primaryKeyName: definition.primaryKeyName }),
  });
  const rows = [...target.table.entries()];
  const filled = added.map((column) => {
    const value = column.nullable ? null : defaultValue(column, target, contextOf(state));
    if (!column.nullable && value === null && rows.length > 0) {
      throw new SqlError(
        4901,
        `ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition specified. Column '${column.name}' cannot be added to non-empty table '${definition.name}' because it does not satisfy these conditions.`,
      );
    }
    return value;
  });
  const { schema } = definition;
  target.work.record({ kind: 'drop-table', schema, name: definition.name });
  target.work.record({ kind: 'create-table', table: shape });
  for (const [rowId, row] of rows) {
    target.work.record({ kind: 'insert', schema, name: definition.name, rowId, row: [...row, ...filled] });
  }
}

function asColumn(column: TableColumn): ColumnDefinition {
  const { name, type, nullable, identity, defaultExpression, defaultName } = column;
  return {
    name,
    type,
    nullable,
    ...(identity === undefined ? {} : { identity }),
    ...(defaultExpression === undefined ? {} : { defaultExpression: { text: defaultExpression } }),
    ...(defaultName === undefined ? {} : { defaultName }),
  };
}

/** Indexes change no result here; only the table must exist. @throws SqlError 1088 */
export function createIndex(state: SessionState, table: ObjectName): void {
  if (state.table(table) !== undefined) return;
  throw new SqlError(
    1088,
    `Cannot find the object "${formatName(table)}" because it does not exist or you do not have permissions.`,
    { state: 12 },
  );
}

/** SELECT ... INTO: a new table with the columns of the result. @throws SqlError 1038 for a column without a name */
export async function selectInto(
  state: SessionState,
  name: ObjectName,
  columns: readonly SqlColumn[],
  rows: readonly SqlRow[],
  signal: AbortSignal,
): Promise<void> {
  if (columns.some((column) => column.name === '')) {
    throw new SqlError(
      1038,
      'An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name. For other statements, look for empty alias names. Aliases defined as "" or [] are not allowed. Change the alias to a valid name.',
      { severity: 15, state: 5 },
    );
  }
  const shape: TableShape = { columns: columns.map((column) => ({ ...column })), primaryKey: [] };
  await createTable(state, name, shape, signal);
  const target = await lockTable(state, { kind: 'table', name, line: 1 }, 'exclusive', signal);
  const { schema, name: tableName } = target.table.definition;
  for (const row of rows)
    target.work.record({ kind: 'insert', schema, name: tableName, rowId: nextRowId(target), row });
}
