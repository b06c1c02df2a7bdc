/**
 * User tables of one copy of a database. The replication simulation treats changes as opaque log records: it
 * stores them with an LSN, ships them and applies them to the other copy; only the SQL engine looks inside.
 */
import type { SqlColumn, SqlRow } from './types';

export interface TableDefinition {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly TableColumn[];
  readonly primaryKey: readonly string[];
  /** Name of the constraint where the statement gave one. */
  readonly primaryKeyName?: string;
}

export interface TableColumn extends SqlColumn {
  readonly identity?: { readonly seed: bigint; readonly increment: bigint };
  /** T-SQL text of the DEFAULT expression. */
  readonly defaultExpression?: string;
  /** Name of the DEFAULT constraint where the statement gave one. */
  readonly defaultName?: string;
}

/** Constraint name of a primary key: the given one, or one made from the table's name. */
export const primaryKeyName = ({ name, primaryKeyName: given }: TableDefinition): string =>
  given ?? `PK_${name}`;

/** One redo record. Row ids are stable across copies, so that redo is exact and cheap. */
export type StorageChange =
  | { readonly kind: 'create-table'; readonly table: TableDefinition }
  | { readonly kind: 'drop-table'; readonly schema: string; readonly name: string }
  | {
      readonly kind: 'insert';
      readonly schema: string;
      readonly name: string;
      readonly rowId: number;
      readonly row: SqlRow;
    }
  | {
      readonly kind: 'update';
      readonly schema: string;
      readonly name: string;
      readonly rowId: number;
      readonly row: SqlRow;
    }
  | { readonly kind: 'delete'; readonly schema: string; readonly name: string; readonly rowId: number }
  | { readonly kind: 'truncate'; readonly schema: string; readonly name: string };

export interface StoredTable {
  readonly definition: TableDefinition;
  /** Rows by row id, in insertion order. */
  readonly rows: ReadonlyMap<number, SqlRow>;
  readonly nextRowId: number;
  readonly nextIdentity: bigint;
  /** Row with these primary-key values (in key order); absent when the table has no key index. */
  rowIdOf?(key: SqlRow): number | undefined;
}

/** Committed state of the user tables of one database copy. */
export interface TableStore {
  table(schema: string, name: string): StoredTable | undefined;
  tables(): readonly StoredTable[];
  /** Applies committed changes: at the primary on commit, at a secondary on redo. */
  apply(changes: readonly StorageChange[]): void;
  /** Independent copy, for seeding. */
  clone(): TableStore;
}
