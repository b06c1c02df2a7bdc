import { systemDatabases } from '../context';
import { catalogStore } from '../stores';
import { systemTypes } from '../system-types';
import { filesOf } from '../views/files';
import { Arguments } from './arguments';
import { int, nvarchar, sendRows, smallint, sysnameType } from './results';
import { megabytes, type Procedure } from './server';

export const databases: Procedure = async (context, call) => {
  const names = [
    ...systemDatabases.map((entry) => entry.name),
    ...context.userDatabases().map((entry) => entry.name),
  ];
  await sendRows(
    call.output,
    [
      ['DATABASE_NAME', sysnameType],
      ['DATABASE_SIZE', int],
      ['REMARKS', nvarchar(254)],
    ],
    names
      .sort()
      .map((name) => [
        name,
        Math.round(filesOf(context, name).reduce((sum, file) => sum + file.sizeBytes, 0) / 1024),
        null,
      ]),
  );
  return 0;
};

/** ODBC type codes of sp_datatype_info. */
const odbcTypes: Readonly<Record<string, number>> = {
  bit: -7,
  tinyint: -6,
  bigint: -5,
  varbinary: -3,
  binary: -2,
  char: 1,
  numeric: 2,
  decimal: 3,
  int: 4,
  smallint: 5,
  float: 6,
  real: 7,
  varchar: 12,
  nchar: -8,
  nvarchar: -9,
  uniqueidentifier: -11,
  date: 91,
  datetime: 93,
  datetime2: 93,
  time: -154,
  datetimeoffset: -155,
  sysname: -9,
};

export const datatypeInfo: Procedure = async (_context, call) => {
  const asked = new Arguments(call, ['data_type', 'odbcver']).number('data_type') ?? 0;
  const rows = systemTypes
    .map((type) => [type.name, odbcTypes[type.name] ?? -150, type.precision || type.maxLength] as const)
    .filter(([, code]) => asked === 0 || code === asked);
  await sendRows(
    call.output,
    [
      ['TYPE_NAME', sysnameType],
      ['DATA_TYPE', smallint],
      ['PRECISION', int],
    ],
    rows,
  );
  return 0;
};

export const serverInformation: Procedure = async (context, call) => {
  const asked = new Arguments(call, ['attribute_id']).number('attribute_id');
  const rows: [number, string, string][] = [
    [1, 'DBMS_NAME', 'Microsoft SQL Server'],
    [
      2,
      'DBMS_VER',
      `Microsoft SQL Server ${context.instance.version.year} - ${context.instance.version.productVersion}`,
    ],
    [10, 'OWNER_TERM', 'owner'],
    [11, 'TABLE_TERM', 'table'],
    [12, 'MAX_OWNER_NAME_LENGTH', '128'],
    [16, 'IDENTIFIER_CASE', 'MIXED'],
    [18, 'COLLATION_SEQ', `charset=iso_1 sort_order=nocase_iso charset_num=1 sort_order_num=52`],
  ];
  await sendRows(
    call.output,
    [
      ['attribute_id', int],
      ['attribute_name', nvarchar(60)],
      ['attribute_value', nvarchar(255)],
    ],
    rows.filter(([id]) => asked === null || id === asked),
  );
  return 0;
};

export const tables: Procedure = async (context, call) => {
  const asked = new Arguments(call, [
    'table_name',
    'table_owner',
    'table_qualifier',
    'table_type',
    'fusepattern',
  ]).text('table_name');
  const pattern =
    asked === null
      ? undefined
      : new RegExp(
          `^${asked
            .replace(/[.*+?^${}()|\\]/g, '\\$&')
            .replace(/%/g, '.*')
            .replace(/_/g, '.')}$`,
          'i',
        );
  const rows = (catalogStore(context, context.database)?.tables() ?? [])
    .filter((table) => pattern === undefined || pattern.test(table.definition.name))
    .map((table) => [context.database, table.definition.schema, table.definition.name, 'TABLE', null]);
  await sendRows(
    call.output,
    [
      ['TABLE_QUALIFIER', sysnameType],
      ['TABLE_OWNER', sysnameType],
      ['TABLE_NAME', sysnameType],
      ['TABLE_TYPE', nvarchar(32)],
      ['REMARKS', nvarchar(254)],
    ],
    rows,
  );
  return 0;
};

export const columns: Procedure = async (context, call) => {
  const args = new Arguments(call, [
    'table_name!',
    'table_owner',
    'table_qualifier',
    'column_name',
    'odbcver',
  ]);
  const table = catalogStore(context, context.database)?.table(
    args.text('table_owner') ?? 'dbo',
    args.text('table_name') ?? '',
  );
  const rows = (table?.definition.columns ?? []).map((column, index) => [
    context.database,
    table?.definition.schema ?? 'dbo',
    table?.definition.name ?? '',
    column.name,
    odbcTypes[column.type.kind] ?? -150,
    column.type.kind,
    column.nullable ? 1 : 0,
    index + 1,
  ]);
  await sendRows(
    call.output,
    [
      ['TABLE_QUALIFIER', sysnameType],
      ['TABLE_OWNER', sysnameType],
      ['TABLE_NAME', sysnameType],
      ['COLUMN_NAME', sysnameType],
      ['DATA_TYPE', smallint],
      ['TYPE_NAME', sysnameType],
      ['NULLABLE', smallint],
      ['ORDINAL_POSITION', int],
    ],
    rows,
  );
  return 0;
};

export const spaceUsed: Procedure = async (context, call) => {
  new Arguments(call, ['objname', 'updateusage', 'mode', 'oneresultset']);
  const size = filesOf(context, context.database).reduce((sum, file) => sum + file.sizeBytes, 0);
  await sendRows(
    call.output,
    [
      ['database_name', sysnameType],
      ['database_size', nvarchar(18)],
      ['unallocated space', nvarchar(18)],
    ],
    [[context.database, megabytes(size).trim(), '0.00 MB']],
  );
  return 0;
};

export const serverVersion: Procedure = async (context, call) => {
  const rows: [number, string, number | null, string][] = [
    [1, 'ProductName', null, 'Microsoft SQL Server'],
    [2, 'ProductVersion', null, context.instance.version.productVersion],
    [3, 'Language', 1033, 'English (United States)'],
    [4, 'Platform', null, 'NT x64'],
    [16, 'ProcessorCount', 8, '8'],
    [19, 'PhysicalMemory', 65_536, '65536'],
  ];
  await sendRows(
    call.output,
    [
      ['Index', int],
      ['Name', nvarchar(128)],
      ['Internal_Value', int],
      ['Character_Value', nvarchar(256)],
    ],
    rows,
  );
  return 0;
};
