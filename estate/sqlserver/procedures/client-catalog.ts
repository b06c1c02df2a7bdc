import { systemDatabases } from '../context';
import { filesOf } from '../views/files';
import { Arguments } from './arguments';
import { int, nvarchar, sendRows, sysnameType } from './results';
import type { Procedure } from './server';

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
