/** Runs queries of the product on the estate's engine over catalog views whose rows a test writes. */
import { SqlSession } from '../../estate/sql/engine';
import type {
  ObjectName,
  ProcedureCall,
  RowSource,
  ScalarFunction,
  SqlHost,
  TypedValue,
} from '../../estate/sql/host';
import {
  SqlDateTime,
  SqlDecimal,
  type SqlParameter,
  type SqlRow,
  type SqlValue,
  ticksFromUnixMs,
} from '../../estate/sql/types';
import type { SessionContext } from '../../estate/sqlserver/context';
import { columnsOf } from '../../estate/sqlserver/views/definition';
import { visibleViews } from '../../estate/sqlserver/views/registry';
import type { Query } from '../../src/model/statement';

export type CatalogRow = Readonly<Record<string, SqlValue>>;
/** Rows by the name of their view, without schema; columns that a row leaves out are NULL. */
export type Catalog = Readonly<Record<string, readonly CatalogRow[]>>;

export const NOW = Date.UTC(2026, 10, 22, 2, 3, 4, 500);
export const lsn = (text: string): SqlDecimal => new SqlDecimal(BigInt(text), 0);
export const time = (iso: string): SqlDateTime => new SqlDateTime(ticksFromUnixMs(Date.parse(`${iso}Z`)));

const NVARCHAR = { kind: 'nvarchar', length: 256 } as const;
const INT = { kind: 'int' } as const;

class CatalogHost implements SqlHost {
  readonly spid = 51;
  readonly currentDatabase = 'master';
  private readonly views: ReadonlyMap<string, RowSource>;

  /** @param major 13 = SQL Server 2016 ... 17 = 2025 */
  constructor(catalog: Catalog, major: number) {
    // Only what the registry looks at when it lists views.
    const context = { major, managedInstance: false } as unknown as SessionContext;
    this.views = new Map(
      visibleViews(context).map((view) => {
        const columns = columnsOf(view, major);
        const rows = (catalog[view.name] ?? []).map(
          (row): SqlRow => columns.map((column) => row[column.name] ?? null),
        );
        return [view.name.toLowerCase(), { columns, rows: () => rows }];
      }),
    );
  }

  now = (): SqlDateTime => new SqlDateTime(ticksFromUnixMs(NOW));
  use = (): void => undefined;
  view = (name: ObjectName): RowSource | undefined => this.views.get(name.object.toLowerCase());
  tableFunction = (): undefined => undefined;
  globalVariable = (name: string): TypedValue | undefined =>
    /servername/i.test(name) ? { type: NVARCHAR, value: 'SQL1' } : undefined;

  scalarFunction(name: ObjectName): ScalarFunction | undefined {
    switch (name.object.toLowerCase()) {
      case 'col_length':
        return ([view, column]) => ({ type: INT, value: this.hasColumn(view, column) ? 8 : null });
      case 'object_id':
        return ([object]) => ({ type: INT, value: this.views.has(lastPart(object)) ? 1 : null });
      case 'databasepropertyex':
        return () => ({ type: NVARCHAR, value: 'READ_ONLY' });
      default:
        return undefined;
    }
  }

  procedure(name: ObjectName): ((call: ProcedureCall) => Promise<number>) | undefined {
    throw new Error(`no procedure ${name.object}`);
  }

  storeForRead = (): never => refuse();
  storeForWrite = (): never => refuse();
  commit = async (): Promise<never> => refuse();
  parseStatement = (): undefined => undefined;
  execute = async (): Promise<never> => refuse();
  sleep = async (): Promise<void> => undefined;

  private hasColumn(view: TypedValue | undefined, column: TypedValue | undefined): boolean {
    const wanted = String(column?.value).toLowerCase();
    return this.views.get(lastPart(view))?.columns.some(({ name }) => name.toLowerCase() === wanted) ?? false;
  }
}

const lastPart = (name: TypedValue | undefined): string =>
  String(name?.value).split('.').at(-1)?.toLowerCase() ?? '';

function refuse(): never {
  throw new Error('queries of the catalog neither touch tables nor administer');
}

/** @returns the decoded rows, as the adapter would give them */
export async function runQuery<Row>(query: Query<Row>, catalog: Catalog, major = 16): Promise<Row[]> {
  const session = new SqlSession(new CatalogHost(catalog, major));
  const parameters = Object.entries(query.parameters).map(
    ([name, value]): SqlParameter => ({
      name,
      type: typeof value === 'string' ? { kind: 'nvarchar', length: 4000 } : INT,
      value,
      output: false,
    }),
  );
  const rows: Record<string, unknown>[] = [];
  let names: readonly string[] = [];
  const failures: string[] = [];
  await session.executeStatement(
    query.text,
    parameters,
    {
      columns: (columns) => {
        names = columns.map((column) => column.name);
      },
      row: (row) => {
        rows.push(Object.fromEntries(names.map((name, index) => [name, driverValue(row[index] ?? null)])));
      },
      endRows: () => undefined,
      affected: () => undefined,
      info: () => undefined,
      error: ({ number, message }) => {
        failures.push(`${number}: ${message}`);
      },
    },
    new AbortController().signal,
  );
  if (failures.length > 0) throw new Error(failures.join('; '));
  return rows.map((row) => query.decode(row));
}

/** As mssql gives it: bigint as text; what it would damage is refused, since no query should ask for it. */
function driverValue(value: SqlValue): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value !== null && typeof value === 'object')
    throw new Error('a decimal, time or binary left the server raw');
  return value;
}
