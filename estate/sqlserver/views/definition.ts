/** How a catalog view is written down: typed columns and a function that reads the world. */
import type { RowSource } from '../../sql/host';
import type { SqlColumn, SqlRow, SqlType, SqlValue } from '../../sql/types';
import type { SessionContext } from '../context';

export interface ColumnSpec {
  readonly type: SqlType;
  readonly nullable: boolean;
  /** First major version that has the column. */
  readonly since?: number;
}

type Columns = Readonly<Record<string, ColumnSpec>>;

export type RowOf<C extends Columns> = { readonly [Key in keyof C]?: SqlValue | undefined };

export interface ViewDefinition {
  readonly schema: string;
  readonly name: string;
  /** Only in this database (msdb's tables). */
  readonly database?: string;
  /** Server permission needed to read; error 300 otherwise. */
  readonly permission?: string;
  readonly since?: number;
  readonly managedInstanceOnly?: boolean;
  readonly columns: Columns;
  /** @param database the database whose view is read: the prefix of the name, or the session's current one */
  readonly rows: (context: SessionContext, database: string) => Iterable<RowOf<Columns>>;
}

interface ViewOptions<C extends Columns> {
  readonly database?: string;
  readonly permission?: string;
  readonly since?: number;
  readonly managedInstanceOnly?: boolean;
  readonly columns: C;
  readonly rows: (context: SessionContext, database: string) => Iterable<RowOf<C>>;
}

/** @param qualified `schema.name` */
export const defineView = <const C extends Columns>(
  qualified: string,
  options: ViewOptions<C>,
): ViewDefinition => {
  const [schema = 'sys', name = qualified] = qualified.split('.');
  return { schema, name, ...options };
};

const spec = (type: SqlType): ColumnSpec => ({ type, nullable: true });

export const int = spec({ kind: 'int' });
export const bigint = spec({ kind: 'bigint' });
export const smallint = spec({ kind: 'smallint' });
export const tinyint = spec({ kind: 'tinyint' });
export const bit = spec({ kind: 'bit' });
export const real = spec({ kind: 'real' });
export const float = spec({ kind: 'float' });
export const guid = spec({ kind: 'uniqueidentifier' });
export const datetime = spec({ kind: 'datetime' });
export const datetime2 = spec({ kind: 'datetime2', scale: 7 });
export const lsnColumn = spec({ kind: 'decimal', precision: 25, scale: 0 });
export const sysname = spec({ kind: 'nvarchar', length: 128 });
export const variantColumn = spec({ kind: 'sql_variant' });
export const decimal = (precision: number, scale: number): ColumnSpec =>
  spec({ kind: 'decimal', precision, scale });
export const nvarchar = (length: number | 'max'): ColumnSpec => spec({ kind: 'nvarchar', length });
export const varchar = (length: number | 'max'): ColumnSpec => spec({ kind: 'varchar', length });
export const char = (length: number): ColumnSpec => spec({ kind: 'char', length });
export const varbinary = (length: number | 'max'): ColumnSpec => spec({ kind: 'varbinary', length });
export const notNull = (column: ColumnSpec): ColumnSpec => ({ ...column, nullable: false });
export const since = (major: number, column: ColumnSpec): ColumnSpec => ({ ...column, since: major });

/** Columns of a view on a version. */
export const columnsOf = (view: ViewDefinition, major: number): SqlColumn[] =>
  Object.entries(view.columns)
    .filter(([, column]) => column.since === undefined || column.since <= major)
    .map(([name, column]) => ({ name, type: column.type, nullable: column.nullable }));

/** Reads a view for a session. */
export const rowSource = (view: ViewDefinition, context: SessionContext, database: string): RowSource => {
  const columns = columnsOf(view, context.major);
  return {
    columns,
    *rows(): Iterable<SqlRow> {
      for (const row of view.rows(context, database)) yield columns.map((column) => row[column.name] ?? null);
    },
  };
};
