/** Rows that catalog views of objects and columns share. */
import type { StoredTable } from '../../sql/storage';
import type { SqlColumn } from '../../sql/types';
import type { SessionContext } from '../context';
import { typeFacts } from '../system-types';
import { dateTime, stableHash } from '../values';
import { bit, char, datetime, int, notNull, nvarchar, smallint, sysname, tinyint } from './definition';
import { defaultOf, tableObjectId, tablesOf } from './table-facts';

const schemas: readonly (readonly [string, number])[] = [
  ['dbo', 1],
  ['guest', 2],
  ['INFORMATION_SCHEMA', 3],
  ['sys', 4],
  ['db_owner', 16384],
  ['db_accessadmin', 16385],
  ['db_securityadmin', 16386],
  ['db_ddladmin', 16387],
  ['db_backupoperator', 16389],
  ['db_datareader', 16390],
  ['db_datawriter', 16391],
  ['db_denydatareader', 16392],
  ['db_denydatawriter', 16393],
];

/** Schemas of a database: the fixed ones and those that its tables use. */
export const schemasOf = (context: SessionContext, database: string): (readonly [string, number])[] => {
  const used = new Set(tablesOf(context, database).map((table) => table.definition.schema));
  const known = new Set(schemas.map(([name]) => name.toLowerCase()));
  const own = [...used]
    .filter((name) => !known.has(name.toLowerCase()))
    .map((name, index) => [name, 5 + index] as const);
  return [...schemas, ...own];
};

/** Stable object id of a system object: negative, as the resource database's have. */
export const systemObjectId = (schema: string, name: string): number =>
  -((stableHash(`system/${schema}.${name}`) & 0x3fffffff) + 1);

export const schemaId = (context: SessionContext, database: string, name: string): number =>
  schemasOf(context, database).find(([schema]) => schema.toLowerCase() === name.toLowerCase())?.[1] ?? 1;

export const objectColumns = {
  name: notNull(sysname),
  object_id: notNull(int),
  principal_id: int,
  schema_id: notNull(int),
  parent_object_id: notNull(int),
  type: char(2),
  type_desc: nvarchar(60),
  create_date: notNull(datetime),
  modify_date: notNull(datetime),
  is_ms_shipped: notNull(bit),
  is_published: notNull(bit),
  is_schema_published: notNull(bit),
} as const;

export const tableObject = (context: SessionContext, database: string, table: StoredTable) => {
  const created = dateTime(
    context.world.databases.find(context.instanceName, database)?.createdAt ?? context.instance.startedAt,
  );
  return {
    name: table.definition.name,
    object_id: tableObjectId(table),
    schema_id: schemaId(context, database, table.definition.schema),
    parent_object_id: 0,
    type: 'U ',
    type_desc: 'USER_TABLE',
    create_date: created,
    modify_date: created,
    is_ms_shipped: false,
    is_published: false,
    is_schema_published: false,
  };
};

export const columnColumns = {
  object_id: notNull(int),
  name: sysname,
  column_id: notNull(int),
  system_type_id: notNull(tinyint),
  user_type_id: notNull(int),
  max_length: notNull(smallint),
  precision: notNull(tinyint),
  scale: notNull(tinyint),
  collation_name: sysname,
  is_nullable: bit,
  is_ansi_padded: notNull(bit),
  is_rowguidcol: notNull(bit),
  is_identity: notNull(bit),
  is_computed: notNull(bit),
  is_filestream: notNull(bit),
  is_replicated: bit,
  is_xml_document: notNull(bit),
  xml_collection_id: notNull(int),
  default_object_id: notNull(int),
  rule_object_id: notNull(int),
  is_sparse: bit,
  is_column_set: bit,
} as const;

export const columnRow = (
  context: SessionContext,
  objectId: number,
  column: SqlColumn,
  index: number,
  identity: boolean,
) => {
  const facts = typeFacts(column.type);
  return {
    object_id: objectId,
    name: column.name,
    column_id: index + 1,
    system_type_id: facts.id,
    user_type_id: facts.id,
    max_length: facts.maxLength,
    precision: facts.precision,
    scale: facts.scale,
    collation_name: facts.character ? context.instance.collation : null,
    is_nullable: column.nullable,
    is_ansi_padded: true,
    is_rowguidcol: false,
    is_identity: identity,
    is_computed: false,
    is_filestream: false,
    is_replicated: false,
    is_xml_document: false,
    xml_collection_id: 0,
    default_object_id: 0,
    rule_object_id: 0,
    is_sparse: false,
    is_column_set: false,
  };
};

/** Object row of a constraint of a table. */
export const constraintObject = (
  context: SessionContext,
  database: string,
  constraint: { readonly table: StoredTable; readonly name: string; readonly objectId: number },
  type: 'PK' | 'D ',
) => ({
  ...tableObject(context, database, constraint.table),
  name: constraint.name,
  object_id: constraint.objectId,
  parent_object_id: tableObjectId(constraint.table),
  type,
  type_desc: type === 'PK' ? 'PRIMARY_KEY_CONSTRAINT' : 'DEFAULT_CONSTRAINT',
});

/** sys.columns' rows of one table. */
export const columnRowsOf = (context: SessionContext, table: StoredTable) =>
  table.definition.columns.map((column, index) => ({
    ...columnRow(context, tableObjectId(table), column, index, column.identity !== undefined),
    default_object_id: defaultOf(table, column, index + 1)?.objectId ?? 0,
  }));

/** Object row of something that the product brings along. */
export const systemObject = (schema: string, name: string, type: 'V ' | 'P ') => ({
  name,
  object_id: systemObjectId(schema, name),
  schema_id: schema === 'sys' ? 4 : 3,
  parent_object_id: 0,
  type,
  type_desc: type === 'V ' ? 'VIEW' : 'SQL_STORED_PROCEDURE',
  create_date: dateTime(Date.UTC(2022, 9, 8)),
  modify_date: dateTime(Date.UTC(2022, 9, 8)),
  is_ms_shipped: true,
  is_published: false,
  is_schema_published: false,
});
