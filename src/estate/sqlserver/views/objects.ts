/** Objects of a database: tables with their columns, and the system views themselves. */
import type { StoredTable } from '../../sql/storage';
import type { SqlColumn, SqlType } from '../../sql/types';
import type { SessionContext } from '../context';
import { catalogStore } from '../stores';
import { systemTypes, typeFacts } from '../system-types';
import { dateTime, stableHash } from '../values';
import {
  bit,
  char,
  columnsOf,
  datetime,
  defineView,
  int,
  notNull,
  nvarchar,
  smallint,
  sysname,
  tinyint,
  type ViewDefinition,
  varchar,
  variantColumn,
} from './definition';

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
  const used = new Set(
    (catalogStore(context, database)?.tables() ?? []).map((table) => table.definition.schema),
  );
  const known = new Set(schemas.map(([name]) => name.toLowerCase()));
  const own = [...used]
    .filter((name) => !known.has(name.toLowerCase()))
    .map((name, index) => [name, 5 + index] as const);
  return [...schemas, ...own];
};

/** Stable object id of a table: positive, as user objects have. */
export const tableObjectId = (table: StoredTable): number =>
  (stableHash(`table/${table.definition.schema}.${table.definition.name}`) & 0x7fffffff) | 0x4000_0000;

/** Stable object id of a system object: negative, as the resource database's have. */
export const systemObjectId = (schema: string, name: string): number =>
  -((stableHash(`system/${schema}.${name}`) & 0x3fffffff) + 1);

const tables = (context: SessionContext, database: string): readonly StoredTable[] =>
  catalogStore(context, database)?.tables() ?? [];

const schemaId = (context: SessionContext, database: string, name: string): number =>
  schemasOf(context, database).find(([schema]) => schema.toLowerCase() === name.toLowerCase())?.[1] ?? 1;

const objectColumns = {
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

const tableObject = (context: SessionContext, database: string, table: StoredTable) => {
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

const columnColumns = {
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

const columnRow = (
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

const tableColumnRows = (context: SessionContext, database: string) =>
  tables(context, database).flatMap((table) =>
    table.definition.columns.map((column, index) =>
      columnRow(context, tableObjectId(table), column, index, column.identity !== undefined),
    ),
  );

/** @param visible all views that this server has, these ones included */
export const objectViews = (
  visible: (context: SessionContext) => readonly ViewDefinition[],
): ViewDefinition[] => {
  const systemObjects = (context: SessionContext) =>
    visible(context)
      .filter((view) => view.database === undefined)
      .map((view) => ({
        name: view.name,
        object_id: systemObjectId(view.schema, view.name),
        schema_id: view.schema === 'sys' ? 4 : 3,
        parent_object_id: 0,
        type: 'V ',
        type_desc: 'VIEW',
        create_date: dateTime(Date.UTC(2022, 9, 8)),
        modify_date: dateTime(Date.UTC(2022, 9, 8)),
        is_ms_shipped: true,
        is_published: false,
        is_schema_published: false,
      }));
  const systemColumns = (context: SessionContext) =>
    visible(context)
      .filter((view) => view.database === undefined)
      .flatMap((view) =>
        columnsOf(view, context.major).map((column, index) =>
          columnRow(context, systemObjectId(view.schema, view.name), column, index, false),
        ),
      );
  const userObjects = (context: SessionContext, database: string) =>
    tables(context, database).map((table) => tableObject(context, database, table));
  return [
    defineView('sys.objects', { columns: objectColumns, rows: userObjects }),
    defineView('sys.all_objects', {
      columns: objectColumns,
      rows: (context, database) => [...userObjects(context, database), ...systemObjects(context)],
    }),
    defineView('sys.system_objects', { columns: objectColumns, rows: systemObjects }),
    defineView('sys.views', { columns: objectColumns, rows: () => [] }),
    defineView('sys.all_views', { columns: objectColumns, rows: systemObjects }),
    defineView('sys.procedures', { columns: objectColumns, rows: () => [] }),
    defineView('sys.tables', {
      columns: {
        ...objectColumns,
        lob_data_space_id: int,
        filestream_data_space_id: int,
        max_column_id_used: int,
        is_filetable: bit,
        is_memory_optimized: bit,
        durability: tinyint,
        durability_desc: nvarchar(60),
        temporal_type: tinyint,
        temporal_type_desc: nvarchar(60),
        is_external: bit,
        is_replicated: bit,
        is_tracked_by_cdc: bit,
      },
      rows: (context, database) =>
        tables(context, database).map((table) => ({
          ...tableObject(context, database, table),
          lob_data_space_id: 0,
          max_column_id_used: table.definition.columns.length,
          is_filetable: false,
          is_memory_optimized: false,
          durability: 0,
          durability_desc: 'SCHEMA_AND_DATA',
          temporal_type: 0,
          temporal_type_desc: 'NON_TEMPORAL_TABLE',
          is_external: false,
          is_replicated: false,
          is_tracked_by_cdc: false,
        })),
    }),
    defineView('sys.columns', { columns: columnColumns, rows: tableColumnRows }),
    defineView('sys.all_columns', {
      columns: columnColumns,
      rows: (context, database) => [...tableColumnRows(context, database), ...systemColumns(context)],
    }),
    defineView('sys.system_columns', { columns: columnColumns, rows: systemColumns }),
    defineView('sys.schemas', {
      columns: { name: notNull(sysname), schema_id: notNull(int), principal_id: int },
      rows: (context, database) =>
        schemasOf(context, database).map(([name, id]) => ({
          name,
          schema_id: id,
          principal_id: id < 5 || id >= 16384 ? id : 1,
        })),
    }),
    defineView('sys.types', {
      columns: {
        name: notNull(sysname),
        system_type_id: notNull(tinyint),
        user_type_id: notNull(int),
        schema_id: notNull(int),
        max_length: notNull(smallint),
        precision: notNull(tinyint),
        scale: notNull(tinyint),
        is_nullable: bit,
        is_user_defined: notNull(bit),
        is_assembly_type: notNull(bit),
        is_table_type: notNull(bit),
      },
      rows: () =>
        systemTypes.map((type) => ({
          name: type.name,
          system_type_id: type.id,
          user_type_id: type.userTypeId ?? type.id,
          schema_id: 4,
          max_length: type.maxLength,
          precision: type.precision,
          scale: type.scale,
          is_nullable: true,
          is_user_defined: false,
          is_assembly_type: false,
          is_table_type: false,
        })),
    }),
    defineView('sys.indexes', {
      columns: {
        object_id: notNull(int),
        name: sysname,
        index_id: notNull(int),
        type: notNull(tinyint),
        type_desc: nvarchar(60),
        is_unique: bit,
        data_space_id: int,
        is_primary_key: bit,
        is_unique_constraint: bit,
        is_disabled: bit,
      },
      rows: (context, database) =>
        tables(context, database).map((table) => {
          const keyed = table.definition.primaryKey.length > 0;
          return {
            object_id: tableObjectId(table),
            name: keyed ? `PK_${table.definition.name}` : null,
            index_id: keyed ? 1 : 0,
            type: keyed ? 1 : 0,
            type_desc: keyed ? 'CLUSTERED' : 'HEAP',
            is_unique: keyed,
            data_space_id: 1,
            is_primary_key: keyed,
            is_unique_constraint: false,
            is_disabled: false,
          };
        }),
    }),
    defineView('sys.extended_properties', {
      columns: {
        class: notNull(tinyint),
        class_desc: nvarchar(60),
        major_id: notNull(int),
        minor_id: notNull(int),
        name: notNull(sysname),
        value: variantColumn,
      },
      rows: () => [],
    }),
    defineView('INFORMATION_SCHEMA.TABLES', {
      columns: {
        TABLE_CATALOG: nvarchar(128),
        TABLE_SCHEMA: sysname,
        TABLE_NAME: notNull(sysname),
        TABLE_TYPE: varchar(10),
      },
      rows: (context, database) =>
        tables(context, database).map((table) => ({
          TABLE_CATALOG: database,
          TABLE_SCHEMA: table.definition.schema,
          TABLE_NAME: table.definition.name,
          TABLE_TYPE: 'BASE TABLE',
        })),
    }),
    defineView('INFORMATION_SCHEMA.COLUMNS', {
      columns: {
        TABLE_CATALOG: nvarchar(128),
        TABLE_SCHEMA: nvarchar(128),
        TABLE_NAME: notNull(sysname),
        COLUMN_NAME: sysname,
        ORDINAL_POSITION: notNull(int),
        COLUMN_DEFAULT: nvarchar(4000),
        IS_NULLABLE: varchar(3),
        DATA_TYPE: nvarchar(128),
        CHARACTER_MAXIMUM_LENGTH: int,
        CHARACTER_OCTET_LENGTH: int,
        NUMERIC_PRECISION: tinyint,
        NUMERIC_SCALE: int,
        DATETIME_PRECISION: smallint,
        COLLATION_NAME: sysname,
      },
      rows: (context, database) =>
        tables(context, database).flatMap((table) =>
          table.definition.columns.map((column, index) => ({
            TABLE_CATALOG: database,
            TABLE_SCHEMA: table.definition.schema,
            TABLE_NAME: table.definition.name,
            COLUMN_NAME: column.name,
            ORDINAL_POSITION: index + 1,
            COLUMN_DEFAULT: column.defaultExpression ?? null,
            IS_NULLABLE: column.nullable ? 'YES' : 'NO',
            DATA_TYPE: column.type.kind,
            CHARACTER_MAXIMUM_LENGTH: characterLength(column.type),
            COLLATION_NAME: typeFacts(column.type).character ? context.instance.collation : null,
          })),
        ),
    }),
  ];
};

const characterLength = (type: SqlType): number | null => {
  if (!('length' in type)) return null;
  return type.length === 'max' ? -1 : type.length;
};
