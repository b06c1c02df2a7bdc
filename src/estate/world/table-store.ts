/** Committed user tables of one copy, kept in memory. Names compare without case. */
import type { StorageChange, StoredTable, TableDefinition, TableStore } from '../sql/storage';
import type { SqlRow } from '../sql/types';

interface MemoryTable {
  readonly definition: TableDefinition;
  readonly rows: Map<number, SqlRow>;
  nextRowId: number;
  nextIdentity: bigint;
}

export class MemoryTableStore implements TableStore {
  private readonly byName = new Map<string, MemoryTable>();

  table(schema: string, name: string): StoredTable | undefined {
    return this.byName.get(key(schema, name));
  }

  tables(): readonly StoredTable[] {
    return [...this.byName.values()];
  }

  apply(changes: readonly StorageChange[]): void {
    for (const change of changes) this.applyOne(change);
  }

  clone(): TableStore {
    const copy = new MemoryTableStore();
    for (const [name, table] of this.byName) copy.byName.set(name, { ...table, rows: new Map(table.rows) });
    return copy;
  }

  private applyOne(change: StorageChange): void {
    switch (change.kind) {
      case 'create-table':
        this.byName.set(key(change.table.schema, change.table.name), {
          definition: change.table,
          rows: new Map(),
          nextRowId: 1,
          nextIdentity: identityColumn(change.table)?.seed ?? 1n,
        });
        return;
      case 'drop-table':
        this.byName.delete(key(change.schema, change.name));
        return;
      case 'insert':
        insert(this.existing(change), change.rowId, change.row);
        return;
      case 'update':
        this.existing(change).rows.set(change.rowId, change.row);
        return;
      case 'delete':
        this.existing(change).rows.delete(change.rowId);
        return;
      case 'truncate': {
        const table = this.existing(change);
        table.rows.clear();
        table.nextIdentity = identityColumn(table.definition)?.seed ?? 1n;
        return;
      }
      default:
        change satisfies never;
    }
  }

  private existing(name: { readonly schema: string; readonly name: string }): MemoryTable {
    const table = this.byName.get(key(name.schema, name.name));
    if (!table) throw new Error(`redo of a change to ${name.schema}.${name.name}, which does not exist`);
    return table;
  }
}

function insert(table: MemoryTable, rowId: number, row: SqlRow): void {
  table.rows.set(rowId, row);
  table.nextRowId = Math.max(table.nextRowId, rowId + 1);
  const index = table.definition.columns.findIndex((column) => column.identity !== undefined);
  const identity = table.definition.columns[index]?.identity;
  const value = row[index];
  if (!identity || (typeof value !== 'bigint' && typeof value !== 'number')) return;
  const next = BigInt(value) + identity.increment;
  const ahead = identity.increment > 0n ? next > table.nextIdentity : next < table.nextIdentity;
  if (ahead) table.nextIdentity = next;
}

const identityColumn = (table: TableDefinition) =>
  table.columns.find((column) => column.identity !== undefined)?.identity;

const key = (schema: string, name: string): string => `${schema}.${name}`.toLowerCase();
