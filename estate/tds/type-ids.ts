/** Data type tokens, MS-TDS 2.2.5.4. */
export const TypeId = {
  null: 0x1f,
  image: 0x22,
  text: 0x23,
  uniqueidentifier: 0x24,
  intN: 0x26,
  date: 0x28,
  time: 0x29,
  datetime2: 0x2a,
  datetimeoffset: 0x2b,
  tinyint: 0x30,
  bit: 0x32,
  smallint: 0x34,
  int: 0x38,
  smalldatetime: 0x3a,
  real: 0x3b,
  money: 0x3c,
  datetime: 0x3d,
  float: 0x3e,
  sqlVariant: 0x62,
  ntext: 0x63,
  bitN: 0x68,
  decimalN: 0x6a,
  numericN: 0x6c,
  floatN: 0x6d,
  moneyN: 0x6e,
  datetimeN: 0x6f,
  smallmoney: 0x7a,
  bigint: 0x7f,
  varbinary: 0xa5,
  varchar: 0xa7,
  binary: 0xad,
  char: 0xaf,
  nvarchar: 0xe7,
  nchar: 0xef,
  xml: 0xf1,
} as const;

/** Length that marks varchar(max) and its kin, and NULL in a two-byte length. */
export const MAX_MARKER = 0xffff;

/** Largest value that fits outside the max types, in bytes. */
export const MAX_IN_ROW_BYTES = 8000;
