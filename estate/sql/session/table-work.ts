/** A table as one transaction sees it: the committed rows with the transaction's own changes over them. */
import type { StorageChange, StoredTable, TableDefinition } from '../storage';
import type { SqlRow } from '../types';
import type { HashKey } from '../values/compare';
import { rowKey } from '../values/compare';
import { keyIndexes, keyOf } from './memory-store';

export class TableWork {
  /** Changed rows; undefined = deleted. */
  private readonly changed = new Map<number, SqlRow | undefined>();
  private readonly ownKeys = new Map<HashKey, number>();
  private readonly indexes: readonly number[];
  private truncated = false;
  private delta = 0;

  /** @param base committed table; undefined for one that the transaction created */
  constructor(
    readonly definition: TableDefinition,
    readonly base: StoredTable | undefined,
  ) {
    this.indexes = keyIndexes(definition);
  }

  /** True while the transaction has changed nothing in a table that was there before it. */
  get untouched(): boolean {
    return this.base !== undefined && !this.truncated && this.changed.size === 0;
  }

  get size(): number {
    return (this.truncated ? 0 : (this.base?.rows.size ?? 0)) + this.delta;
  }

  get(rowId: number): SqlRow | undefined {
    if (this.changed.has(rowId)) return this.changed.get(rowId);
    return this.truncated ? undefined : this.base?.rows.get(rowId);
  }

  *entries(): IterableIterator<[number, SqlRow]> {
    if (!this.truncated && this.base !== undefined) {
      for (const [rowId, row] of this.base.rows) {
        if (!this.changed.has(rowId)) yield [rowId, row];
        else {
          const own = this.changed.get(rowId);
          if (own !== undefined) yield [rowId, own];
        }
      }
    }
    for (const [rowId, row] of this.changed) {
      if (row !== undefined && (this.truncated || this.base?.rows.has(rowId) !== true)) yield [rowId, row];
    }
  }

  rowIdOf(key: SqlRow): number | undefined {
    if (this.indexes.length === 0) return undefined;
    const own = this.ownKeys.get(rowKey(key));
    if (own !== undefined) return own;
    const rowId = this.truncated ? undefined : this.base?.rowIdOf?.(key);
    return rowId !== undefined && this.changed.has(rowId) ? undefined : rowId;
  }

  keyOf(row: SqlRow): SqlRow {
    return this.indexes.map((index) => row[index] ?? null);
  }

  apply(change: Extract<StorageChange, { kind: 'insert' | 'update' | 'delete' | 'truncate' }>): void {
    if (change.kind === 'truncate') {
      this.changed.clear();
      this.ownKeys.clear();
      this.truncated = true;
      this.delta = 0;
      return;
    }
    const before = this.get(change.rowId);
    if (before !== undefined) {
      this.delta--;
      const key = keyOf(this.indexes, before);
      if (this.ownKeys.get(key) === change.rowId) this.ownKeys.delete(key);
    }
    if (change.kind === 'delete') {
      this.changed.set(change.rowId, undefined);
      return;
    }
    this.delta++;
    this.changed.set(change.rowId, change.row);
    if (this.indexes.length > 0) this.ownKeys.set(keyOf(this.indexes, change.row), change.rowId);
  }
}
