/** Transactions of one session: nesting, savepoints, and the changes of each database. */
import { SqlError } from '../errors';
import type { StorageChange, TableDefinition, TableStore } from '../storage';
import { type LockMode, locksOf } from './locks';
import { tableKey } from './memory-store';
import { TableWork } from './table-work';

/** Changes of one transaction in one database. */
export class DatabaseWork {
  readonly changes: StorageChange[] = [];
  private tables = new Map<string, TableWork | undefined>();

  constructor(
    readonly database: string,
    readonly store: TableStore,
  ) {}

  /** The table as the transaction sees it. */
  table(schema: string, name: string): TableWork | undefined {
    const key = tableKey(schema, name);
    const base = this.store.table(schema, name);
    if (this.tables.has(key)) {
      const known = this.tables.get(key);
      // Without own changes the transaction follows the committed table, which may have been made anew.
      if (known?.untouched !== true || known.base === base) return known;
    }
    if (base === undefined) return undefined;
    const work = new TableWork(base.definition, base);
    this.tables.set(key, work);
    return work;
  }

  record(change: StorageChange): void {
    this.changes.push(change);
    this.view(change);
  }

  /** Takes back every change after a mark. */
  rewind(length: number): void {
    if (this.changes.length === length) return;
    this.changes.length = length;
    this.tables = new Map();
    for (const change of this.changes) this.view(change);
  }

  private view(change: StorageChange): void {
    if (change.kind === 'create-table') {
      this.tables.set(
        tableKey(change.table.schema, change.table.name),
        new TableWork(change.table, undefined),
      );
    } else if (change.kind === 'drop-table') {
      this.tables.set(tableKey(change.schema, change.name), undefined);
    } else {
      this.table(change.schema, change.name)?.apply(change);
    }
  }
}

interface Savepoint {
  readonly name: string;
  readonly marks: ReadonlyMap<DatabaseWork, number>;
  /** Undo actions of procedures before it. */
  readonly undoable: number;
}

/** What a rollback to a savepoint or of a failed statement goes back to. */
export type Mark = ReadonlyMap<DatabaseWork, number>;

/** Database name under which a session keeps its own #tables. */
export const LOCAL = '#local';

export type CommitDatabase = (
  database: string,
  changes: readonly StorageChange[],
  signal: AbortSignal,
) => Promise<void>;

export class Transaction {
  /** Undoable: an error in TRY made it fit for rollback only. */
  doomed = false;
  private readonly works = new Map<string, DatabaseWork>();
  private savepoints: Savepoint[] = [];
  /** What takes back changes of system procedures, whose tables no store keeps. */
  private readonly undos: (() => void)[] = [];

  constructor(readonly name: string | undefined) {}

  /** Work in a database that the transaction has written or locked. */
  existing(database: string): DatabaseWork | undefined {
    return this.works.get(database.toLowerCase());
  }

  /** @throws SqlError 40515 when a second database would be written: its copies commit on their own. */
  workOn(database: string, store: TableStore): DatabaseWork {
    const key = database.toLowerCase();
    const known = this.works.get(key);
    if (known !== undefined && known.store === store) return known;
    if (known !== undefined && known.changes.length > 0) {
      throw new SqlError(
        983,
        `Unable to access availability database '${database}' because the database replica is not in the PRIMARY or SECONDARY role.`,
        { severity: 14 },
      );
    }
    const other = [...this.works.values()].find(
      (work) => work.database !== LOCAL && work.changes.length > 0 && work.database.toLowerCase() !== key,
    );
    if (other !== undefined && database !== LOCAL) {
      throw new SqlError(
        40515,
        `Reference to database '${database}' is not supported here: the transaction has already changed database '${other.database}'.`,
      );
    }
    const work = new DatabaseWork(database, store);
    this.works.set(key, work);
    return work;
  }

  lock(
    work: DatabaseWork,
    resource: string,
    mode: LockMode,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> | undefined {
    return locksOf(work.store).acquire(this, resource, mode, timeoutMs, signal);
  }

  mark(): Mark {
    return new Map([...this.works.values()].map((work) => [work, work.changes.length]));
  }

  rewind(mark: Mark): void {
    for (const work of this.works.values()) work.rewind(mark.get(work) ?? 0);
  }

  save(name: string): void {
    this.savepoints.push({ name: name.toLowerCase(), marks: this.mark(), undoable: this.undos.length });
  }

  onRollback(undo: () => void): void {
    this.undos.push(undo);
  }

  /** @returns false when there is no such savepoint. */
  rollbackTo(name: string): boolean {
    const index = this.savepoints.findLastIndex((savepoint) => savepoint.name === name.toLowerCase());
    const savepoint = this.savepoints[index];
    if (savepoint === undefined) return false;
    this.rewind(savepoint.marks);
    this.undoDownTo(savepoint.undoable);
    this.savepoints = this.savepoints.slice(0, index + 1);
    return true;
  }

  async commit(commitDatabase: CommitDatabase, signal: AbortSignal): Promise<void> {
    try {
      for (const work of this.works.values()) {
        if (work.changes.length === 0) continue;
        if (work.database === LOCAL) work.store.apply(work.changes);
        else await commitDatabase(work.database, work.changes, signal);
      }
    } finally {
      this.release();
    }
  }

  rollback(): void {
    this.undoDownTo(0);
    this.release();
  }

  private undoDownTo(length: number): void {
    for (const undo of this.undos.splice(length).reverse()) undo();
  }

  private release(): void {
    for (const work of this.works.values()) locksOf(work.store).releaseAll(this);
    this.works.clear();
  }
}

interface Allocation {
  nextRowId: number;
  nextIdentity: bigint;
}

const ALLOCATIONS = new WeakMap<TableStore, Map<string, Allocation>>();

/** Row ids and identity values are handed out at once, also to transactions that roll back: gaps are normal. */
export function allocationOf(work: DatabaseWork, definition: TableDefinition): Allocation {
  const tables = ALLOCATIONS.get(work.store) ?? new Map<string, Allocation>();
  ALLOCATIONS.set(work.store, tables);
  const key = tableKey(definition.schema, definition.name);
  const base = work.store.table(definition.schema, definition.name);
  const identity = definition.columns.find((column) => column.identity !== undefined)?.identity;
  const start = { nextRowId: base?.nextRowId ?? 1, nextIdentity: base?.nextIdentity ?? identity?.seed ?? 1n };
  const known = tables.get(key);
  if (known === undefined) {
    tables.set(key, start);
    return start;
  }
  known.nextRowId = Math.max(known.nextRowId, start.nextRowId);
  const ahead =
    (identity?.increment ?? 1n) > 0n
      ? start.nextIdentity > known.nextIdentity
      : start.nextIdentity < known.nextIdentity;
  if (ahead) known.nextIdentity = start.nextIdentity;
  return known;
}

/** A dropped or truncated table counts from its seed again. */
export function forgetAllocation(store: TableStore, schema: string, name: string): void {
  ALLOCATIONS.get(store)?.delete(tableKey(schema, name));
}
