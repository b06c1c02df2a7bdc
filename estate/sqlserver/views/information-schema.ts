/** INFORMATION_SCHEMA, as ISO 9075 names things; what the estate has no objects for is empty. */
import type { SqlType } from '../../sql/types';
import type { SessionContext } from '../context';
import { typeFacts } from '../system-types';
import {
  datetime,
  defineView,
  int,
  notNull,
  nvarchar,
  smallint,
  sysname,
  tinyint,
  varchar,
} from './definition';
import { schemasOf } from './object-rows';
import { defaultOf, keysOf, tablesOf } from './table-facts';

const catalogName = nvarchar(128);

const constraintColumns = {
  CONSTRAINT_CATALOG: catalogName,
  CONSTRAINT_SCHEMA: sysname,
  CONSTRAINT_NAME: notNull(sysname),
} as const;

const tableColumns = {
  TABLE_CATALOG: catalogName,
  TABLE_SCHEMA: sysname,
  TABLE_NAME: notNull(sysname),
} as const;

const constraintRow = (
  database: string,
  key: { name: string; table: { definition: { schema: string } } },
) => ({
  CONSTRAINT_CATALOG: database,
  CONSTRAINT_SCHEMA: key.table.definition.schema,
  CONSTRAINT_NAME: key.name,
});

const tableRow = (database: string, table: { definition: { schema: string; name: string } }) => ({
  TABLE_CATALOG: database,
  TABLE_SCHEMA: table.definition.schema,
  TABLE_NAME: table.definition.name,
});

/** Length in characters, and in bytes; -1 for (max). */
const lengths = (type: SqlType): readonly [number | null, number | null] => {
  if (type.kind === 'text' || type.kind === 'image') return [2_147_483_647, 2_147_483_647];
  if (type.kind === 'ntext') return [1_073_741_823, 2_147_483_646];
  if (!('length' in type)) return [null, null];
  if (type.length === 'max') return [-1, -1];
  const wide = type.kind === 'nchar' || type.kind === 'nvarchar';
  return [type.length, wide ? type.length * 2 : type.length];
};

interface NumberFacts {
  readonly precision: number;
  readonly radix: number;
  readonly scale: number | null;
}

const numberFacts = (type: SqlType): NumberFacts | undefined => {
  const { precision, scale } = typeFacts(type);
  switch (type.kind) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'money':
    case 'smallmoney':
    case 'decimal':
      return { precision, radix: 10, scale };
    case 'real':
    case 'float':
      return { precision, radix: 2, scale: null };
    default:
      return undefined;
  }
};

const datePrecision = (type: SqlType): number | null => {
  switch (type.kind) {
    case 'date':
    case 'smalldatetime':
      return 0;
    case 'datetime':
      return 3;
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return type.scale;
    default:
      return null;
  }
};

const columnRows = (context: SessionContext, database: string) =>
  tablesOf(context, database).flatMap((table) =>
    table.definition.columns.map((column, index) => {
      const [characters, octets] = lengths(column.type);
      const { character } = typeFacts(column.type);
      const numbers = numberFacts(column.type);
      return {
        ...tableRow(database, table),
        COLUMN_NAME: column.name,
        ORDINAL_POSITION: index + 1,
        COLUMN_DEFAULT: defaultOf(table, column, index + 1)?.definition ?? null,
        IS_NULLABLE: column.nullable ? 'YES' : 'NO',
        DATA_TYPE: column.type.kind,
        CHARACTER_MAXIMUM_LENGTH: characters,
        CHARACTER_OCTET_LENGTH: octets,
        NUMERIC_PRECISION: numbers?.precision ?? null,
        NUMERIC_PRECISION_RADIX: numbers?.radix ?? null,
        NUMERIC_SCALE: numbers?.scale ?? null,
        DATETIME_PRECISION: datePrecision(column.type),
        CHARACTER_SET_NAME: character ? (column.type.kind.startsWith('n') ? 'UNICODE' : 'iso_1') : null,
        COLLATION_NAME: character ? context.instance.collation : null,
      };
    }),
  );

const keyColumnRows = (context: SessionContext, database: string) =>
  keysOf(context, database).flatMap((key) =>
    key.columns.map((column, index) => ({
      ...constraintRow(database, key),
      ...tableRow(database, key.table),
      COLUMN_NAME: column.name,
      ORDINAL_POSITION: index + 1,
    })),
  );

const none = () => [];

export const informationSchemaViews = [
  defineView('INFORMATION_SCHEMA.SCHEMATA', {
    columns: {
      CATALOG_NAME: catalogName,
      SCHEMA_NAME: notNull(nvarchar(128)),
      SCHEMA_OWNER: nvarchar(128),
      DEFAULT_CHARACTER_SET_CATALOG: varchar(6),
      DEFAULT_CHARACTER_SET_SCHEMA: varchar(3),
      DEFAULT_CHARACTER_SET_NAME: sysname,
    },
    rows: (context, database) =>
      schemasOf(context, database).map(([name, id]) => ({
        CATALOG_NAME: database,
        SCHEMA_NAME: name,
        SCHEMA_OWNER: id < 5 || id >= 16384 ? name : 'dbo',
        DEFAULT_CHARACTER_SET_NAME: 'iso_1',
      })),
  }),
  defineView('INFORMATION_SCHEMA.TABLES', {
    columns: { ...tableColumns, TABLE_TYPE: varchar(10) },
    rows: (context, database) =>
      tablesOf(context, database).map((table) => ({
        ...tableRow(database, table),
        TABLE_TYPE: 'BASE TABLE',
      })),
  }),
  defineView('INFORMATION_SCHEMA.COLUMNS', {
    columns: {
      ...tableColumns,
      COLUMN_NAME: sysname,
      ORDINAL_POSITION: notNull(int),
      COLUMN_DEFAULT: nvarchar(4000),
      IS_NULLABLE: varchar(3),
      DATA_TYPE: nvarchar(128),
      CHARACTER_MAXIMUM_LENGTH: int,
      CHARACTER_OCTET_LENGTH: int,
      NUMERIC_PRECISION: tinyint,
      NUMERIC_PRECISION_RADIX: smallint,
      NUMERIC_SCALE: int,
      DATETIME_PRECISION: smallint,
      CHARACTER_SET_CATALOG: sysname,
      CHARACTER_SET_SCHEMA: sysname,
      CHARACTER_SET_NAME: sysname,
      COLLATION_CATALOG: sysname,
      COLLATION_SCHEMA: sysname,
      COLLATION_NAME: sysname,
      DOMAIN_CATALOG: sysname,
      DOMAIN_SCHEMA: sysname,
      DOMAIN_NAME: sysname,
    },
    rows: columnRows,
  }),
  defineView('INFORMATION_SCHEMA.TABLE_CONSTRAINTS', {
    columns: {
      ...constraintColumns,
      ...tableColumns,
      CONSTRAINT_TYPE: varchar(11),
      IS_DEFERRABLE: notNull(varchar(2)),
      INITIALLY_DEFERRED: notNull(varchar(2)),
    },
    rows: (context, database) =>
      keysOf(context, database).map((key) => ({
        ...constraintRow(database, key),
        ...tableRow(database, key.table),
        CONSTRAINT_TYPE: 'PRIMARY KEY',
        IS_DEFERRABLE: 'NO',
        INITIALLY_DEFERRED: 'NO',
      })),
  }),
  defineView('INFORMATION_SCHEMA.KEY_COLUMN_USAGE', {
    columns: {
      ...constraintColumns,
      ...tableColumns,
      COLUMN_NAME: sysname,
      ORDINAL_POSITION: notNull(int),
    },
    rows: keyColumnRows,
  }),
  defineView('INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE', {
    columns: { ...tableColumns, COLUMN_NAME: sysname, ...constraintColumns },
    rows: keyColumnRows,
  }),
  defineView('INFORMATION_SCHEMA.CONSTRAINT_TABLE_USAGE', {
    columns: { ...tableColumns, ...constraintColumns },
    rows: (context, database) =>
      keysOf(context, database).map((key) => ({
        ...tableRow(database, key.table),
        ...constraintRow(database, key),
      })),
  }),
  defineView('INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS', {
    columns: {
      ...constraintColumns,
      UNIQUE_CONSTRAINT_CATALOG: catalogName,
      UNIQUE_CONSTRAINT_SCHEMA: sysname,
      UNIQUE_CONSTRAINT_NAME: sysname,
      MATCH_OPTION: varchar(7),
      UPDATE_RULE: varchar(11),
      DELETE_RULE: varchar(11),
    },
    rows: none,
  }),
  defineView('INFORMATION_SCHEMA.CHECK_CONSTRAINTS', {
    columns: { ...constraintColumns, CHECK_CLAUSE: nvarchar(4000) },
    rows: none,
  }),
  defineView('INFORMATION_SCHEMA.VIEWS', {
    columns: {
      ...tableColumns,
      VIEW_DEFINITION: nvarchar(4000),
      CHECK_OPTION: varchar(7),
      IS_UPDATABLE: notNull(varchar(2)),
    },
    rows: none,
  }),
  defineView('INFORMATION_SCHEMA.SEQUENCES', {
    columns: {
      SEQUENCE_CATALOG: catalogName,
      SEQUENCE_SCHEMA: sysname,
      SEQUENCE_NAME: notNull(sysname),
      DATA_TYPE: nvarchar(128),
    },
    rows: none,
  }),
  defineView('INFORMATION_SCHEMA.ROUTINES', {
    columns: {
      SPECIFIC_CATALOG: catalogName,
      SPECIFIC_SCHEMA: sysname,
      SPECIFIC_NAME: notNull(sysname),
      ROUTINE_CATALOG: catalogName,
      ROUTINE_SCHEMA: sysname,
      ROUTINE_NAME: notNull(sysname),
      ROUTINE_TYPE: nvarchar(20),
      DATA_TYPE: sysname,
      CHARACTER_MAXIMUM_LENGTH: int,
      ROUTINE_BODY: nvarchar(30),
      ROUTINE_DEFINITION: nvarchar(4000),
      IS_DETERMINISTIC: nvarchar(10),
      SQL_DATA_ACCESS: nvarchar(30),
      IS_USER_DEFINED_CAST: nvarchar(10),
      CREATED: notNull(datetime),
      LAST_ALTERED: notNull(datetime),
    },
    rows: none,
  }),
  defineView('INFORMATION_SCHEMA.PARAMETERS', {
    columns: {
      SPECIFIC_CATALOG: catalogName,
      SPECIFIC_SCHEMA: sysname,
      SPECIFIC_NAME: notNull(sysname),
      ORDINAL_POSITION: notNull(int),
      PARAMETER_MODE: nvarchar(10),
      IS_RESULT: nvarchar(10),
      PARAMETER_NAME: sysname,
      DATA_TYPE: nvarchar(128),
      CHARACTER_MAXIMUM_LENGTH: int,
      NUMERIC_PRECISION: tinyint,
      NUMERIC_SCALE: int,
    },
    rows: none,
  }),
];
