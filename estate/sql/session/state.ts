/** State of one session: options, variables, counters, the open transaction, and the tables it can see. */
import { SqlError } from '../errors';
import type { ObjectName, RowSource, ScalarFunction, SqlHost, TypedValue } from '../host';
import type { CaughtError, Environment, TableAccess, Variable } from '../query/environment';
import type { StoredTable, TableStore } from '../storage';
import { SqlDateTime, type SqlRow, type SqlValue } from '../types';
import { convert } from '../values/convert';
import { BIGINT, decimal, INT, nvarchar } from '../values/typing';
import { MemoryTableStore } from './memory-store';
import type { TableWork } from './table-work';
import { type DatabaseWork, LOCAL, Transaction } from './transaction';

export interface SessionOptions {
  noCount: boolean;
  xactAbort: boolean;
  implicitTransactions: boolean;
  /** Milliseconds; -1 = wait for ever. */
  lockTimeout: number;
  /** SET ROWCOUNT; 0 = no limit. */
  rowCount: number;
  fmtOnly: boolean;
  noExec: boolean;
  parseOnly: boolean;
  identityInsert: boolean;
}

export const defaultOptions = (): SessionOptions => ({
  noCount: false,
  xactAbort: false,
  implicitTransactions: false,
  lockTimeout: -1,
  rowCount: 0,
  fmtOnly: false,
  noExec: false,
  parseOnly: false,
  identityInsert: false,
});

/** Variables of one batch, or of one sp_executesql. */
export class VariableScope {
  readonly variables = new Map<string, Variable>();
  readonly tables = new Map<string, DatabaseWork>();
}

const NEVER = new SqlDateTime(0n);

export class SessionState implements Environment {
  options = defaultOptions();
  scope = new VariableScope();
  transaction: Transaction | undefined;
  depth = 0;
  local: TableStore = new MemoryTableStore();
  rowCount = 0;
  lastError = 0;
  identity: bigint | undefined;
  scopeIdentity: bigint | undefined;
  nestLevel = 0;
  caught: CaughtError | undefined;
  private seed = 42;
  private moment: SqlDateTime = NEVER;

  constructor(readonly host: SqlHost) {}

  /** The clock stands still within a statement. */
  beginStatement(): void {
    this.moment = NEVER;
  }

  get now(): SqlDateTime {
    if (this.moment === NEVER) this.moment = this.host.now();
    return this.moment;
  }

  get transactionState(): -1 | 0 | 1 {
    if (this.depth === 0) return 0;
    return this.transaction?.doomed === true ? -1 : 1;
  }

  variable(name: string): Variable {
    const variable = this.scope.variables.get(name);
    if (variable !== undefined) return variable;
    throw new SqlError(137, `Must declare the scalar variable "@${name}".`, { severity: 15, state: 2 });
  }

  global(name: string): TypedValue {
    const own = this.ownGlobal(name);
    if (own !== undefined) return own;
    const value = this.host.globalVariable(name);
    if (value !== undefined) return value;
    throw new SqlError(137, `Must declare the scalar variable "${name}".`, { severity: 15, state: 2 });
  }

  private ownGlobal(name: string): TypedValue | undefined {
    const int = (value: number): TypedValue => ({ type: INT, value });
    switch (name) {
      case '@@ROWCOUNT':
        return int(this.rowCount);
      case '@@ERROR':
        return int(this.lastError);
      case '@@TRANCOUNT':
        return int(this.depth);
      case '@@NESTLEVEL':
        return int(this.nestLevel);
      case '@@LOCK_TIMEOUT':
        return int(this.options.lockTimeout);
      case '@@DATEFIRST':
        return { type: { kind: 'tinyint' }, value: 7 };
      case '@@LANGUAGE':
        return { type: nvarchar(128), value: 'us_english' };
      case '@@TEXTSIZE':
        return int(2_147_483_647);
      case '@@MAX_PRECISION':
        return { type: { kind: 'tinyint' }, value: 38 };
      case '@@FETCH_STATUS':
        return int(0);
      case '@@IDENTITY': {
        const type = decimal(38, 0);
        return { type, value: convert(this.identity ?? null, BIGINT, type) };
      }
      default:
        return undefined;
    }
  }

  scalarFunction(name: ObjectName): ScalarFunction | undefined {
    return this.host.scalarFunction(name);
  }

  tableFunction(name: ObjectName, args: readonly TypedValue[]): RowSource | undefined {
    return this.host.tableFunction(name, args);
  }

  /** Mulberry32: a small generator with a seed, so that a run can be repeated. */
  random(seed?: number): number {
    if (seed !== undefined) this.seed = Math.trunc(seed);
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  table(name: ObjectName): TableAccess | undefined {
    if (name.server !== undefined && name.database === undefined) return undefined;
    if (name.object.startsWith('#')) return this.localTable(name.object);
    const view = this.host.view(name);
    if (view !== undefined) return viewAccess(view, name, this.host.currentDatabase);
    return this.userTable(name);
  }

  private localTable(name: string): TableAccess | undefined {
    const work = this.transaction?.existing(LOCAL)?.table('dbo', name);
    if (work !== undefined) return workAccess(work, 'tempdb');
    if (this.transaction?.existing(LOCAL) !== undefined) return undefined;
    const table = this.local.table('dbo', name);
    return table === undefined ? undefined : storedAccess(table, 'tempdb');
  }

  private userTable(name: ObjectName): TableAccess | undefined {
    if (name.server !== undefined) {
      throw new SqlError(
        7202,
        `Could not find server '${name.server}' in sys.servers. Verify that the correct server name was specified. If necessary, execute the stored procedure sp_addlinkedserver to add the server to sys.servers.`,
        { severity: 11, state: 2 },
      );
    }
    const database = name.database ?? this.host.currentDatabase;
    const schema = name.schema ?? 'dbo';
    const work = this.transaction?.existing(database);
    if (work !== undefined) {
      const own = work.table(schema, name.object);
      return own === undefined ? undefined : workAccess(own, database);
    }
    const table = this.host.storeForRead(database).table(schema, name.object);
    return table === undefined ? undefined : storedAccess(table, database);
  }

  tableVariable(name: string): TableAccess | undefined {
    const work = this.scope.tables.get(name)?.table('dbo', name);
    return work === undefined ? undefined : workAccess(work, 'tempdb');
  }

  /** The transaction that a writing statement works in; without an open one, a transaction of its own. */
  currentTransaction(): Transaction {
    this.transaction ??= new Transaction(undefined);
    return this.transaction;
  }

  /** Drops #tables. */
  dropLocal(): void {
    this.local = new MemoryTableStore();
  }
}

function viewAccess(view: RowSource, name: ObjectName, database: string): TableAccess {
  return {
    columns: view.columns,
    schema: name.schema ?? 'dbo',
    database: name.database ?? database,
    rows: () => view.rows(),
  };
}

function storedAccess(table: StoredTable, database: string): TableAccess {
  const { definition } = table;
  return {
    columns: definition.columns,
    schema: definition.schema,
    database,
    size: table.rows.size,
    primaryKey: table.rowIdOf === undefined ? [] : definition.primaryKey,
    rows: () => table.rows.values(),
    lookup: (key) => rowAt(table, key),
  };
}

function rowAt(table: StoredTable, key: readonly SqlValue[]): SqlRow | undefined {
  const rowId = table.rowIdOf?.(key);
  return rowId === undefined ? undefined : table.rows.get(rowId);
}

function workAccess(work: TableWork, database: string): TableAccess {
  const { definition } = work;
  return {
    columns: definition.columns,
    schema: definition.schema,
    database,
    size: work.size,
    primaryKey: definition.primaryKey,
    *rows() {
      for (const [, row] of work.entries()) yield row;
    },
    lookup(key) {
      const rowId = work.rowIdOf(key);
      return rowId === undefined ? undefined : work.get(rowId);
    },
  };
}
