/** A small host: a few views, functions and procedures, one writable database. */

import { MemoryTableStore, type SessionOutput, SqlSession } from '../../../estate/sql/engine';
import { SqlError } from '../../../estate/sql/errors';
import type {
  AdministrativeStatement,
  ObjectName,
  ProcedureCall,
  RowSource,
  ScalarFunction,
  SqlHost,
  StatementOutput,
  TokenCursor,
  TypedValue,
} from '../../../estate/sql/host';
import type { StorageChange, TableStore } from '../../../estate/sql/storage';
import {
  type SqlColumn,
  SqlDateTime,
  type SqlParameter,
  type SqlRow,
  type SqlType,
  SqlVariant,
  ticksFromUnixMs,
} from '../../../estate/sql/types';
import type { TdsMessage } from '../../../estate/tds/backend';

export const NOW_MS = Date.UTC(2026, 0, 15, 10, 30, 45, 123);
const nvarchar = (length: number): SqlType => ({ kind: 'nvarchar', length });

/** View from `name:type` headings and rows. */
export function view(columns: Record<string, SqlType>, rows: readonly SqlRow[]): RowSource {
  const list = Object.entries(columns).map(([name, type]): SqlColumn => ({ name, type, nullable: true }));
  return { columns: list, rows: () => rows };
}

/** What several sessions share. */
export class FakeServer {
  readonly databases = new Map<string, TableStore>([
    ['master', new MemoryTableStore()],
    ['orders', new MemoryTableStore()],
  ]);
  readonly views = new Map<string, RowSource>();
  readonly readOnly = new Set<string>();
  readonly committed: StorageChange[][] = [];
  failCommit: SqlError | undefined;

  session(): TestSession {
    return new TestSession(this);
  }
}

export class FakeHost implements SqlHost {
  readonly spid = 51;
  currentDatabase = 'orders';
  readonly slept: number[] = [];
  readonly administrative: { statement: AdministrativeStatement; path: unknown }[] = [];
  readonly calls: ProcedureCall[] = [];
  viewReads = 0;

  constructor(readonly server: FakeServer) {}

  now(): SqlDateTime {
    return new SqlDateTime(ticksFromUnixMs(NOW_MS));
  }

  use(database: string): void {
    if (!this.server.databases.has(database.toLowerCase())) {
      throw new SqlError(
        911,
        `Database '${database}' does not exist. Make sure that the name is entered correctly.`,
      );
    }
    this.currentDatabase = database.toLowerCase();
  }

  view(name: ObjectName): RowSource | undefined {
    const source = this.server.views.get(`${name.schema ?? ''}.${name.object}`.toLowerCase());
    if (source !== undefined) this.viewReads++;
    return source;
  }

  tableFunction(name: ObjectName, args: readonly TypedValue[]): RowSource | undefined {
    if (name.object.toLowerCase() !== 'fn_twice') return undefined;
    const value = args[0]?.value;
    return view({ value: { kind: 'int' } }, typeof value === 'number' ? [[value], [value * 2]] : []);
  }

  scalarFunction(name: ObjectName): ScalarFunction | undefined {
    switch (name.object.toLowerCase()) {
      case 'serverproperty':
        return ([property]) => ({
          type: { kind: 'sql_variant' },
          value: serverProperty(String(property?.value)),
        });
      case 'db_id':
        return ([database]) => ({ type: { kind: 'smallint' }, value: database?.value === 'master' ? 1 : 5 });
      case 'db_name':
        return () => ({ type: nvarchar(128), value: this.currentDatabase });
      case 'fn_hadr_is_primary_replica':
        return () => ({ type: { kind: 'bit' }, value: true });
      default:
        return undefined;
    }
  }

  globalVariable(name: string): TypedValue | undefined {
    if (name === '@@SERVERNAME') return { type: nvarchar(128), value: 'SQL1' };
    return name === '@@SPID' ? { type: { kind: 'smallint' }, value: this.spid } : undefined;
  }

  procedure(name: ObjectName): ((call: ProcedureCall) => Promise<number>) | undefined {
    switch (name.object.toLowerCase()) {
      case 'sp_double':
        return async (call) => {
          this.calls.push(call);
          call.setOutput('result', { type: { kind: 'int' }, value: Number(call.arguments[0]?.value) * 2 });
          return 7;
        };
      case 'sp_inner':
        return async (call) => {
          await call.execute('SELECT @x AS x', [
            { name: 'x', type: { kind: 'int' }, value: 3, output: false },
          ]);
          return 0;
        };
      default:
        return undefined;
    }
  }

  storeForRead(database: string): TableStore {
    const store = this.server.databases.get(database.toLowerCase());
    if (store === undefined) throw new SqlError(911, `Database '${database}' does not exist.`);
    return store;
  }

  storeForWrite(database: string): TableStore {
    const store = this.storeForRead(database);
    if (!this.server.readOnly.has(database.toLowerCase())) return store;
    throw new SqlError(3906, `Failed to update database "${database}" because the database is read-only.`);
  }

  async commit(database: string, changes: readonly StorageChange[]): Promise<void> {
    if (this.server.failCommit !== undefined) throw this.server.failCommit;
    this.server.committed.push([...changes]);
    this.storeForRead(database).apply(changes);
  }

  async sleep(milliseconds: number): Promise<void> {
    this.slept.push(milliseconds);
  }

  parseStatement(tokens: TokenCursor): AdministrativeStatement | undefined {
    const { line } = tokens.peek();
    if (!tokens.accept('BACKUP', 'LOG')) return undefined;
    tokens.identifier();
    tokens.expect('TO', 'DISK', '=');
    const path = tokens.expression();
    if (!tokens.atStatementEnd()) tokens.fail();
    return Object.assign({ kind: 'backup-log', line }, { path });
  }

  async execute(
    statement: AdministrativeStatement,
    output: StatementOutput,
    _signal: AbortSignal,
    evaluate: (expression: unknown) => TypedValue,
  ): Promise<void> {
    const path = 'path' in statement ? evaluate(statement.path).value : null;
    this.administrative.push({ statement, path });
    output.affected(undefined, 'other');
  }
}

function serverProperty(name: string): SqlVariant | null {
  switch (name.toLowerCase()) {
    case 'engineedition':
      return new SqlVariant({ kind: 'int' }, 3);
    case 'productversion':
      return new SqlVariant(nvarchar(128), '16.0.4125.3');
    default:
      return null;
  }
}

export interface ResultSet {
  readonly columns: readonly SqlColumn[];
  readonly rows: readonly SqlRow[];
}

/** Keeps everything that a request sends. */
export class Recorder implements SessionOutput {
  readonly sets: { columns: readonly SqlColumn[]; rows: SqlRow[] }[] = [];
  readonly counts: (number | undefined)[] = [];
  readonly infos: TdsMessage[] = [];
  readonly errors: TdsMessage[] = [];
  readonly databases: string[] = [];
  readonly transactions: string[] = [];

  columns(columns: readonly SqlColumn[]): void {
    this.sets.push({ columns, rows: [] });
  }
  row(row: SqlRow): void {
    this.sets.at(-1)?.rows.push(row);
  }
  endRows(): void {}
  affected(rowCount?: number): void {
    this.counts.push(rowCount);
  }
  info(message: TdsMessage): void {
    this.infos.push(message);
  }
  error(message: TdsMessage): void {
    this.errors.push(message);
  }
  useDatabase(name: string): void {
    this.databases.push(name);
  }
  transaction(change: string): void {
    this.transactions.push(change);
  }
}

export class TestSession {
  readonly host: FakeHost;
  readonly sql: SqlSession;
  readonly signal = new AbortController().signal;

  constructor(server: FakeServer = new FakeServer()) {
    this.host = new FakeHost(server);
    this.sql = new SqlSession(this.host);
  }

  async run(text: string): Promise<Recorder> {
    const output = new Recorder();
    await this.sql.executeBatch(text, output, this.signal);
    return output;
  }

  /** Rows of the first result set, each as written by the server. */
  async rows(text: string): Promise<readonly SqlRow[]> {
    return (await this.run(text)).sets[0]?.rows ?? [];
  }

  async value(expression: string): Promise<SqlRow[number]> {
    return (await this.rows(`SELECT ${expression}`))[0]?.[0] ?? null;
  }

  async type(expression: string): Promise<SqlType | undefined> {
    return (await this.run(`SELECT ${expression}`)).sets[0]?.columns[0]?.type;
  }

  async statement(text: string, parameters: readonly SqlParameter[] = []): Promise<Recorder> {
    const output = new Recorder();
    await this.sql.executeStatement(text, parameters, output, this.signal);
    return output;
  }

  /** Numbers of all errors, sent or thrown. */
  async errors(text: string): Promise<number[]> {
    const output = new Recorder();
    const numbers = (): number[] => output.errors.map((error) => error.number);
    try {
      await this.sql.executeBatch(text, output, this.signal);
      return numbers();
    } catch (error) {
      if (error instanceof SqlError) return [...numbers(), error.number];
      if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) {
        return [...numbers(), ...error.errors.map((one) => (one instanceof SqlError ? one.number : -1))];
      }
      throw error;
    }
  }
}
