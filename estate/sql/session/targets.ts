/** Tables that statements write: found, locked, and joined with their row ids. */
import { SqlError } from '../errors';
import type { ObjectName } from '../host';
import type { TableAccess } from '../query/environment';
import { invalidObject } from '../query/sources';
import type { TableTarget } from '../syntax/ast';
import type { SqlColumn, SqlRow } from '../types';
import { INT } from '../values/typing';
import type { LockMode } from './locks';
import { tableKey } from './memory-store';
import type { SessionState } from './state';
import type { TableWork } from './table-work';
import { type DatabaseWork, LOCAL } from './transaction';

export interface Target {
  readonly work: DatabaseWork;
  readonly table: TableWork;
  /** Name for messages: `database.schema.table`. */
  readonly fullName: string;
  readonly schema: string;
  readonly name: string;
  /** Table variables are outside transactions. */
  readonly transactional: boolean;
}

/** Database and parts of a table name; #tables live in the session. */
export function placeOf(state: SessionState, name: ObjectName): { work: DatabaseWork; schema: string } {
  const transaction = state.currentTransaction();
  if (name.object.startsWith('#')) return { work: transaction.workOn(LOCAL, state.local), schema: 'dbo' };
  const database = name.database ?? state.host.currentDatabase;
  return {
    work: transaction.workOn(database, state.host.storeForWrite(database)),
    schema: name.schema ?? 'dbo',
  };
}

/** @throws SqlError 208, 259 (a catalog view), 1087, and what the host says of a database that cannot be written */
export function findTarget(state: SessionState, target: TableTarget): Target {
  if (target.kind === 'table-variable') return tableVariable(state, target.name);
  const { name } = target;
  if (!name.object.startsWith('#') && state.host.view(name) !== undefined) {
    throw new SqlError(259, 'Ad hoc updates to system catalogs are not allowed.');
  }
  const { work, schema } = placeOf(state, name);
  const table = work.table(schema, name.object);
  if (table === undefined) throw invalidObject(name, target.line);
  const database = work.database === LOCAL ? 'tempdb' : work.database;
  const fullName = `${database}.${table.definition.schema}.${table.definition.name}`;
  return { work, table, fullName, schema, name: name.object, transactional: true };
}

function tableVariable(state: SessionState, name: string): Target {
  const work = state.scope.tables.get(name);
  const table = work?.table('dbo', name);
  if (work === undefined || table === undefined) {
    throw new SqlError(1087, `Must declare the table variable "@${name}".`, { severity: 15, state: 2 });
  }
  return { work, table, fullName: `tempdb.dbo.@${name}`, schema: 'dbo', name, transactional: false };
}

/** Locks the table; afterwards the target must be looked up again, for another transaction may have changed it. */
export async function lockTable(
  state: SessionState,
  target: TableTarget,
  mode: LockMode,
  signal: AbortSignal,
): Promise<Target> {
  const found = findTarget(state, target);
  if (!found.transactional || found.work.database === LOCAL) return found;
  const resource = tableKey(found.schema, found.name);
  const wait = state.currentTransaction().lock(found.work, resource, mode, state.options.lockTimeout, signal);
  if (wait === undefined) return found;
  await wait;
  return findTarget(state, target);
}

const ROW_ID: SqlColumn = { name: '\u0000row id', type: INT, nullable: false };

/** The table with the row id as an extra last column, for UPDATE and DELETE. */
export function accessWithRowId({ table, work }: Target): TableAccess {
  const { definition } = table;
  const withId = (rowId: number, row: SqlRow): SqlRow => [...row, rowId];
  return {
    columns: [...definition.columns, ROW_ID],
    schema: definition.schema,
    database: work.database,
    size: table.size,
    primaryKey: definition.primaryKey,
    *rows() {
      for (const [rowId, row] of table.entries()) yield withId(rowId, row);
    },
    lookup(key) {
      const rowId = table.rowIdOf(key);
      const row = rowId === undefined ? undefined : table.get(rowId);
      return rowId === undefined || row === undefined ? undefined : withId(rowId, row);
    },
  };
}
