/** Catalog procedures about routines and types. */
import type { SqlType, SqlValue } from '../../sql/types';
import { typeFromName } from '../../sql/values/typing';
import { systemTypes } from '../system-types';
import { Arguments } from './arguments';
import { systemProcedures } from './names';
import { codeFor, odbcType, verboseCode } from './odbc-types';
import { matcher } from './pattern';
import {
  dataTypeColumns,
  int,
  nvarchar,
  sendRows,
  smallint,
  sysnameType,
  userTypeColumns,
  varchar,
} from './results';
import type { Procedure } from './server';

/** Users cannot make procedures here; the product's own are in sys. `;1` is the number of the group. */
export const storedProcedures: Procedure = async (context, call) => {
  const args = new Arguments(call, ['sp_name', 'sp_owner', 'sp_qualifier', 'fUsePattern']);
  const wildcards = args.number('fUsePattern') !== 0;
  const named = matcher(args.text('sp_name'), wildcards);
  const owned = matcher(args.text('sp_owner'), wildcards);
  await sendRows(
    call.output,
    [
      ['PROCEDURE_QUALIFIER', sysnameType],
      ['PROCEDURE_OWNER', sysnameType],
      ['PROCEDURE_NAME', nvarchar(134)],
      ['NUM_INPUT_PARAMS', int],
      ['NUM_OUTPUT_PARAMS', int],
      ['NUM_RESULT_SETS', int],
      ['REMARKS', varchar(254)],
      ['PROCEDURE_TYPE', smallint],
    ],
    (owned('sys') ? [...systemProcedures(context)] : [])
      .filter(named)
      .sort()
      .map((name) => [context.database, 'sys', `${name};1`, -1, -1, -1, null, 2]),
  );
  return 0;
};

/** Of the product's own procedures only the return value is told: their parameters are not in the catalog here. */
const procedureColumnsProcedure =
  (wide: boolean): Procedure =>
  async (context, call) => {
    const args = new Arguments(call, [
      'procedure_name',
      'procedure_owner',
      'procedure_qualifier',
      'column_name',
      'ODBCVer',
      'fUsePattern',
    ]);
    const wildcards = args.number('fUsePattern') !== 0;
    const named = matcher(args.text('procedure_name'), wildcards);
    const owned = matcher(args.text('procedure_owner'), wildcards);
    const wanted = matcher(args.text('column_name'), wildcards);
    const shown = owned('sys') && wanted('@RETURN_VALUE') ? [...systemProcedures(context)] : [];
    const row = (name: string): SqlValue[] => [
      context.database,
      'sys',
      `${name};1`,
      '@RETURN_VALUE',
      5,
      4,
      'int',
      10,
      4,
      0,
      10,
      0,
      null,
      null,
      4,
      null,
      null,
      0,
      'NO',
      ...(wide ? [null, null, null, null, null, null] : []),
      56,
    ];
    await sendRows(
      call.output,
      [
        ['PROCEDURE_QUALIFIER', sysnameType],
        ['PROCEDURE_OWNER', sysnameType],
        ['PROCEDURE_NAME', nvarchar(134)],
        ['COLUMN_NAME', sysnameType],
        ['COLUMN_TYPE', smallint],
        ...dataTypeColumns,
        ...(wide ? userTypeColumns : []),
        ['SS_DATA_TYPE', { kind: 'tinyint' }],
      ],
      shown.filter(named).sort().map(row),
    );
    return 0;
  };

export const procedureColumns = procedureColumnsProcedure(false);
export const procedureColumnsWide = procedureColumnsProcedure(true);

/** How a literal is written around, and what its declaration takes. */
const spelling: Readonly<Record<string, readonly [string | null, string | null, string | null]>> = {
  char: ["'", "'", 'length'],
  varchar: ["'", "'", 'max length'],
  nchar: ["N'", "'", 'length'],
  nvarchar: ["N'", "'", 'max length'],
  sysname: ["N'", "'", null],
  text: ["'", "'", null],
  ntext: ["N'", "'", null],
  xml: ["N'", "'", null],
  binary: ['0x', null, 'length'],
  varbinary: ['0x', null, 'max length'],
  image: ['0x', null, null],
  timestamp: ['0x', null, null],
  uniqueidentifier: ["'", "'", null],
  date: ["'", "'", null],
  time: ["'", "'", 'scale'],
  datetime: ["'", "'", null],
  smalldatetime: ["'", "'", null],
  datetime2: ["'", "'", 'scale'],
  datetimeoffset: ["'", "'", 'scale'],
  decimal: [null, null, 'precision,scale'],
  numeric: [null, null, 'precision,scale'],
  money: ['$', null, null],
  smallmoney: ['$', null, null],
};

const WIDEST: Readonly<Record<string, readonly number[]>> = {
  char: [8000],
  varchar: [8000],
  binary: [8000],
  varbinary: [8000],
  nchar: [4000],
  nvarchar: [4000],
  decimal: [38, 0],
  numeric: [38, 0],
};

/** A column of the system type at its widest. */
const widest = (name: string): SqlType => typeFromName(name, WIDEST[name] ?? [], 0);

const exact = new Set(['tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric', 'money', 'smallmoney']);
const integers = new Set(['tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric']);
const scaled = new Set(['time', 'datetime2', 'datetimeoffset']);

const typeRow = (name: string, odbcVersion: number, identity: boolean): SqlValue[] => {
  const type = widest(name);
  const facts = odbcType(type);
  const code = name === 'numeric' ? 2 : facts.code;
  const [prefix, suffix, parameters] = spelling[name] ?? [null, null, null];
  const [verbose, sub] = verboseCode(code);
  const isText = /char|text|xml|sysname/.test(name);
  const number = exact.has(name) || name === 'float' || name === 'real';
  const shown = identity ? `${name} identity` : name;
  const highest = name === 'decimal' || name === 'numeric' ? 38 : scaled.has(name) ? 7 : facts.scale;
  return [
    shown,
    codeFor(code, odbcVersion),
    facts.precision,
    prefix,
    suffix,
    parameters,
    identity || name === 'timestamp' ? 0 : 1,
    0,
    name === 'text' || name === 'ntext' ? 1 : name === 'image' || name === 'xml' ? 0 : isText ? 3 : 2,
    number ? (name === 'tinyint' ? 1 : 0) : null,
    name.endsWith('money') ? 1 : 0,
    number ? (identity ? 1 : 0) : null,
    shown,
    scaled.has(name) ? 0 : facts.scale,
    highest,
    verbose,
    sub,
    facts.radix,
    null,
    systemTypes.find((entry) => entry.name === name)?.userTypeId ?? 0,
  ];
};

export const datatypeInfo: Procedure = async (_context, call) => {
  const args = new Arguments(call, ['data_type', 'ODBCVer']);
  const asked = args.number('data_type') ?? 0;
  const version = args.number('ODBCVer') ?? 2;
  const rows = systemTypes.flatMap(({ name }) => [
    typeRow(name, version, false),
    ...(integers.has(name) ? [typeRow(name, version, true)] : []),
  ]);
  await sendRows(
    call.output,
    [
      ['TYPE_NAME', sysnameType],
      ['DATA_TYPE', smallint],
      ['PRECISION', int],
      ['LITERAL_PREFIX', varchar(32)],
      ['LITERAL_SUFFIX', varchar(32)],
      ['CREATE_PARAMS', varchar(32)],
      ['NULLABLE', smallint],
      ['CASE_SENSITIVE', smallint],
      ['SEARCHABLE', smallint],
      ['UNSIGNED_ATTRIBUTE', smallint],
      ['MONEY', smallint],
      ['AUTO_INCREMENT', smallint],
      ['LOCAL_TYPE_NAME', sysnameType],
      ['MINIMUM_SCALE', smallint],
      ['MAXIMUM_SCALE', smallint],
      ['SQL_DATA_TYPE', smallint],
      ['SQL_DATETIME_SUB', smallint],
      ['NUM_PREC_RADIX', int],
      ['INTERVAL_PRECISION', smallint],
      ['USERTYPE', smallint],
    ],
    rows
      .filter(([, code]) => asked === 0 || code === asked)
      .sort((left, right) => Number(left[1]) - Number(right[1])),
  );
  return 0;
};
