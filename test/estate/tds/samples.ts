/** One column of every type that a server can send, with a value that a sloppy codec would get wrong. */
import {
  type SqlColumn,
  SqlDateTime,
  SqlDateTimeOffset,
  SqlDecimal,
  SqlTime,
  type SqlType,
  type SqlValue,
  SqlVariant,
  ticksFromUnixMs,
} from '../../../estate/sql/types';

/** 2026-11-21 10:11:12.123 UTC. */
export const INSTANT_MS = Date.UTC(2026, 10, 21, 10, 11, 12, 123);
const MIDNIGHT_MS = Date.UTC(2026, 10, 21);
export const TIME_TICKS = BigInt(INSTANT_MS - MIDNIGHT_MS) * 10_000n;

const instant = new SqlDateTime(ticksFromUnixMs(INSTANT_MS));

interface Sample {
  readonly name: string;
  readonly type: SqlType;
  readonly value: SqlValue;
  /** What `mssql` makes of it. */
  readonly seen: unknown;
}

const long = `long ✓ ${'x'.repeat(9000)}`;
const blob = Buffer.alloc(20_000, 7);
const guid = '6F9619FF-8B86-D011-B42D-00C04FC964FF';

const variantSamples: readonly (readonly [string, SqlType, SqlVariant['value'], unknown])[] = [
  ['bit', { kind: 'bit' }, true, true],
  ['tinyint', { kind: 'tinyint' }, 200, 200],
  ['smallint', { kind: 'smallint' }, -300, -300],
  ['int', { kind: 'int' }, -7, -7],
  ['bigint', { kind: 'bigint' }, 9_007_199_254_740_993n, '9007199254740993'],
  ['real', { kind: 'real' }, 0.5, 0.5],
  ['float', { kind: 'float' }, -0.1, -0.1],
  ['money', { kind: 'money' }, new SqlDecimal(-1_234_567n, 4), -123.4567],
  ['smallmoney', { kind: 'smallmoney' }, new SqlDecimal(25_000n, 4), 2.5],
  ['decimal', { kind: 'decimal', precision: 18, scale: 3 }, new SqlDecimal(-12_345n, 3), -12.345],
  ['guid', { kind: 'uniqueidentifier' }, guid, guid],
  ['date', { kind: 'date' }, instant, new Date(MIDNIGHT_MS)],
  ['time', { kind: 'time', scale: 3 }, new SqlTime(TIME_TICKS), new Date(INSTANT_MS - MIDNIGHT_MS)],
  ['datetime', { kind: 'datetime' }, instant, new Date(INSTANT_MS)],
  ['datetime2', { kind: 'datetime2', scale: 7 }, instant, new Date(INSTANT_MS)],
  [
    'datetimeoffset',
    { kind: 'datetimeoffset', scale: 3 },
    new SqlDateTimeOffset(instant.ticks, 120),
    new Date(INSTANT_MS),
  ],
  ['smalldatetime', { kind: 'smalldatetime' }, instant, new Date(Date.UTC(2026, 10, 21, 10, 11))],
  // ASCII only: tedious reads the maximum length before the collation, which MS-TDS 2.2.5.5.4 has the other way round,
  // so it takes a wrong code page (the JDBC and Go drivers read it in the documented order).
  ['varchar', { kind: 'varchar', length: 20 }, 'Enterprise', 'Enterprise'],
  ['char', { kind: 'char', length: 3 }, 'abc', 'abc'],
  ['nvarchar', { kind: 'nvarchar', length: 128 }, 'näïve ✓', 'näïve ✓'],
  ['nchar', { kind: 'nchar', length: 2 }, 'ab', 'ab'],
  ['varbinary', { kind: 'varbinary', length: 4 }, Buffer.from([1, 2]), Buffer.from([1, 2])],
  ['binary', { kind: 'binary', length: 2 }, Buffer.from([3, 4]), Buffer.from([3, 4])],
];

export const SAMPLES: readonly Sample[] = [
  { name: 'bit', type: { kind: 'bit' }, value: true, seen: true },
  { name: 'tinyint', type: { kind: 'tinyint' }, value: 200, seen: 200 },
  { name: 'smallint', type: { kind: 'smallint' }, value: -5, seen: -5 },
  { name: 'int', type: { kind: 'int' }, value: -2_147_483_648, seen: -2_147_483_648 },
  { name: 'bigint', type: { kind: 'bigint' }, value: 9_007_199_254_740_993n, seen: '9007199254740993' },
  { name: 'real', type: { kind: 'real' }, value: 1.5, seen: 1.5 },
  { name: 'float', type: { kind: 'float' }, value: 0.1, seen: 0.1 },
  { name: 'money', type: { kind: 'money' }, value: new SqlDecimal(-1_234_567n, 4), seen: -123.4567 },
  { name: 'smallmoney', type: { kind: 'smallmoney' }, value: new SqlDecimal(99n, 2), seen: 0.99 },
  {
    name: 'decimal9',
    type: { kind: 'decimal', precision: 9, scale: 2 },
    value: new SqlDecimal(1_234_567n, 2),
    seen: 12345.67,
  },
  {
    name: 'lsn',
    type: { kind: 'decimal', precision: 25, scale: 0 },
    value: new SqlDecimal(1024n, 0),
    seen: 1024,
  },
  {
    name: 'decimal38',
    type: { kind: 'decimal', precision: 38, scale: 10 },
    value: new SqlDecimal(-12_345_000_000_000n, 10),
    seen: -1234.5,
  },
  { name: 'char', type: { kind: 'char', length: 5 }, value: 'ab', seen: 'ab   ' },
  { name: 'varchar', type: { kind: 'varchar', length: 50 }, value: 'latin é €', seen: 'latin é €' },
  {
    name: 'varcharmax',
    type: { kind: 'varchar', length: 'max' },
    value: 'é'.repeat(9000),
    seen: 'é'.repeat(9000),
  },
  { name: 'nchar', type: { kind: 'nchar', length: 4 }, value: '✓', seen: '✓   ' },
  { name: 'nvarchar', type: { kind: 'nvarchar', length: 50 }, value: 'näïve ✓ 😀', seen: 'näïve ✓ 😀' },
  { name: 'nvarcharmax', type: { kind: 'nvarchar', length: 'max' }, value: long, seen: long },
  { name: 'empty', type: { kind: 'nvarchar', length: 'max' }, value: '', seen: '' },
  {
    name: 'binary',
    type: { kind: 'binary', length: 4 },
    value: Buffer.from([1]),
    seen: Buffer.from([1, 0, 0, 0]),
  },
  {
    name: 'varbinary',
    type: { kind: 'varbinary', length: 16 },
    value: Buffer.from('0102ff', 'hex'),
    seen: Buffer.from('0102ff', 'hex'),
  },
  { name: 'varbinarymax', type: { kind: 'varbinary', length: 'max' }, value: blob, seen: blob },
  { name: 'text', type: { kind: 'text' }, value: 'old text é', seen: 'old text é' },
  { name: 'ntext', type: { kind: 'ntext' }, value: 'old text ✓', seen: 'old text ✓' },
  { name: 'image', type: { kind: 'image' }, value: blob, seen: blob },
  { name: 'xml', type: { kind: 'xml' }, value: '<a>✓</a>', seen: '<a>✓</a>' },
  { name: 'guid', type: { kind: 'uniqueidentifier' }, value: guid.toLowerCase(), seen: guid },
  { name: 'date', type: { kind: 'date' }, value: instant, seen: new Date(MIDNIGHT_MS) },
  {
    name: 'datetime',
    type: { kind: 'datetime' },
    value: instant,
    seen: new Date(INSTANT_MS),
  },
  {
    name: 'smalldatetime',
    type: { kind: 'smalldatetime' },
    value: instant,
    seen: new Date(Date.UTC(2026, 10, 21, 10, 11)),
  },
  {
    name: 'time',
    type: { kind: 'time', scale: 7 },
    value: new SqlTime(TIME_TICKS),
    seen: new Date(INSTANT_MS - MIDNIGHT_MS),
  },
  { name: 'datetime2', type: { kind: 'datetime2', scale: 7 }, value: instant, seen: new Date(INSTANT_MS) },
  {
    name: 'datetime2_0',
    type: { kind: 'datetime2', scale: 0 },
    value: instant,
    seen: new Date(Date.UTC(2026, 10, 21, 10, 11, 12)),
  },
  {
    name: 'datetimeoffset',
    type: { kind: 'datetimeoffset', scale: 3 },
    value: new SqlDateTimeOffset(instant.ticks, -330),
    seen: new Date(INSTANT_MS),
  },
  ...variantSamples.map(
    ([name, type, value, seen]): Sample => ({
      name: `variant_${name}`,
      type: { kind: 'sql_variant' },
      value: new SqlVariant(type, value),
      seen,
    }),
  ),
];

export const SAMPLE_COLUMNS: readonly SqlColumn[] = SAMPLES.map(({ name, type }) => ({
  name,
  type,
  nullable: true,
}));
export const SAMPLE_ROW: readonly SqlValue[] = SAMPLES.map(({ value }) => value);
