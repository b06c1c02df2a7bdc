/** What the catalog says of a table beside its columns: constraints and the index of its primary key. */
import { primaryKeyName, type StoredTable, type TableColumn } from '../../sql/storage';
import type { SessionContext } from '../context';
import { catalogStore } from '../stores';
import { stableHash } from '../values';

/** Stable object id of a table: positive, as user objects have. */
export const tableObjectId = (table: StoredTable): number => userObjectId('table', table, '');

const userObjectId = (kind: string, table: StoredTable, part: string): number => {
  const { schema, name } = table.definition;
  const text = part === '' ? `${kind}/${schema}.${name}` : `${kind}/${schema}.${name}.${part}`;
  return (stableHash(text) & 0x7fffffff) | 0x4000_0000;
};

export interface KeyFacts {
  readonly table: StoredTable;
  readonly name: string;
  readonly objectId: number;
  readonly systemNamed: boolean;
  /** Key columns with their ids, in the order of the key. */
  readonly columns: readonly { readonly name: string; readonly id: number }[];
}

export interface DefaultFacts {
  readonly table: StoredTable;
  readonly column: TableColumn;
  readonly columnId: number;
  readonly name: string;
  readonly objectId: number;
  readonly systemNamed: boolean;
  /** As the catalog shows it: in parentheses, numbers in two pairs. */
  readonly definition: string;
}

/** User tables of a database, none when it cannot be opened. */
export const tablesOf = (context: SessionContext, database: string): readonly StoredTable[] =>
  catalogStore(context, database)?.tables() ?? [];

/** @returns undefined for a heap */
export const keyOf = (table: StoredTable): KeyFacts | undefined => {
  const { primaryKey, primaryKeyName: given, columns } = table.definition;
  if (primaryKey.length === 0) return undefined;
  return {
    table,
    name: primaryKeyName(table.definition),
    objectId: userObjectId('key', table, ''),
    systemNamed: given === undefined,
    columns: primaryKey.map((name) => {
      const at = columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase());
      return { name: columns[at]?.name ?? name, id: at + 1 };
    }),
  };
};

export const keysOf = (context: SessionContext, database: string): KeyFacts[] =>
  tablesOf(context, database)
    .map(keyOf)
    .filter((key) => key !== undefined);

/** DEFAULT 0 shows as ((0)), getdate() as (getdate()). */
const shownDefault = (text: string): string => {
  let bare = text.trim();
  while (isParenthesized(bare)) bare = bare.slice(1, -1).trim();
  return /^[-+]?[\d.]+$/.test(bare) ? `((${bare}))` : `(${bare})`;
};

const isParenthesized = (text: string): boolean => {
  if (!text.startsWith('(') || !text.endsWith(')')) return false;
  let depth = 0;
  for (let at = 0; at < text.length - 1; at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    if (depth === 0) return false;
  }
  return true;
};

/** DF__ with five letters of the table and of the column, as the server names them. */
const generatedName = (table: StoredTable, column: TableColumn, id: number): string =>
  `DF__${table.definition.name.slice(0, 9)}__${column.name.slice(0, 5)}__${id.toString(16).toUpperCase().padStart(8, '0')}`;

export const defaultOf = (
  table: StoredTable,
  column: TableColumn,
  columnId: number,
): DefaultFacts | undefined => {
  if (column.defaultExpression === undefined) return undefined;
  const objectId = userObjectId('default', table, column.name);
  return {
    table,
    column,
    columnId,
    name: column.defaultName ?? generatedName(table, column, objectId),
    objectId,
    systemNamed: column.defaultName === undefined,
    definition: shownDefault(column.defaultExpression),
  };
};

export const defaultsOf = (context: SessionContext, database: string): DefaultFacts[] =>
  tablesOf(context, database).flatMap((table) =>
    table.definition.columns
      .map((column, index) => defaultOf(table, column, index + 1))
      .filter((found) => found !== undefined),
  );
