import type { StorageChange, StoredTable, TableDefinition, TableStore } from '../storage';
import type { SqlRow, SqlValue } from '../types';
import { SqlDecimal } from '../types';
import { type HashKey, rowKey } from '../values/compare';

/** Key of a table in a store. */
export const tableKey = (schema: string, name: string): string =>
  `${schema.toLowerCase()}.${name.toLowerCase()}`;

/** Index of each primary-key column in a row. */
export function keyIndexes(definition: TableDefinition): number[] {
  return definition.primaryKey.map((name) =>
    definition.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase()),
  );
}

export const keyOf = (indexes: readonly number[], row: SqlRow): HashKey =>
  rowKey(indexes.map((index) => row[index] ?? null));

/** One table: rows by id and an index over the primary key. */
class MemoryTable implements StoredTable {
  readonly rows: Map<number, SqlRow>;
  nextRowId: number;
  nextIdentity: bigint;
  private readonly indexes: readonly number[];
  private readonly identityIndex: number;
  private readonly byKey: Map<HashKey, number>;

  constructor(
    readonly definition: TableDefinition,
    source?: MemoryTable,
  ) {
    this.indexes = keyIndexes(definition);
    this.identityIndex = definition.columns.findIndex((column) => column.identity !== undefined);
    this.rows = new Map(source?.rows);
    this.byKey = new Map(source?.byKey);
    this.nextRowId = source?.nextRowId ?? 1;
    this.nextIdentity = source?.nextIdentity ?? definition.columns[this.identityIndex]?.identity?.seed ?? 1n;
  }

  rowIdOf(key: SqlRow): number | undefined {
    return this.indexes.length === 0 ? undefined : this.byKey.get(rowKey(key));
  }

  put(rowId: number, row: SqlRow): void {
    this.forgetKey(rowId);
    this.rows.set(rowId, row);
    if (this.indexes.length > 0) this.byKey.set(keyOf(this.indexes, row), rowId);
    if (rowId >= this.nextRowId) this.nextRowId = rowId + 1;
    this.advanceIdentity(row);
  }

  remove(rowId: number): void {
    this.forgetKey(rowId);
    this.rows.delete(rowId);
  }

  clear(): void {
    this.rows.clear();
    this.byKey.clear();
    this.nextIdentity = this.definition.columns[this.identityIndex]?.identity?.seed ?? 1n;
  }

  private forgetKey(rowId: number): void {
    const old = this.rows.get(rowId);
    if (old === undefined || this.indexes.length === 0) return;
    const key = keyOf(this.indexes, old);
    if (this.byKey.get(key) === rowId) this.byKey.delete(key);
  }

  private advanceIdentity(row: SqlRow): void {
    const identity = this.definition.columns[this.identityIndex]?.identity;
    if (identity === undefined) return;
    const next = wholeValue(row[this.identityIndex] ?? null) + identity.increment;
    const further = identity.increment > 0n ? next > this.nextIdentity : next < this.nextIdentity;
    if (further) this.nextIdentity = next;
  }
}

function wholeValue(value: SqlValue): bigint {
  if (value instanceof SqlDecimal) return value.unscaled;
  return typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : 0n;
}

/** User tables of one database copy, in memory. Applying the same changes to a clone gives the same state. */
export class MemoryTableStore implements TableStore {
  private readonly byName = new Map<string, MemoryTable>();

  table(schema: string, name: string): StoredTable | undefined {
    return this.byName.get(tableKey(schema, name));
  }

  tables(): readonly StoredTable[] {
    return [...this.byName.values()];
  }

  apply(changes: readonly StorageChange[]): void {
    for (const change of changes) this.applyOne(change);
  }

  clone(): TableStore {
    const copy = new MemoryTableStore();
    for (const [key, table] of this.byName) copy.byName.set(key, new MemoryTable(table.definition, table));
    return copy;
  }

  private applyOne(change: StorageChange): void {
    if (change.kind === 'create-table') {
      const { schema, name } = change.table;
      this.byName.set(tableKey(schema, name), new MemoryTable(change.table));
      return;
    }
    const key = tableKey(change.schema, change.name);
    const table = this.byName.get(key);
    if (table === undefined) return;
    switch (change.kind) {
      case 'drop-table':
        this.byName.delete(key);
        return;
      case 'insert':
      case 'update':
        table.put(change.rowId, change.row);
        return;
      case 'delete':
        table.remove(change.rowId);
        return;
      case 'truncate':
        table.clear();
        return;
    }
  }
}
