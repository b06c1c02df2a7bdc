/** Types as ODBC numbers and measures them (ODBC reference, appendix D; sp_columns, sp_datatype_info). */
import type { SqlType } from '../../sql/types';

export interface OdbcType {
  /** DATA_TYPE for ODBC 3. */
  readonly code: number;
  readonly precision: number | null;
  readonly length: number | null;
  readonly scale: number | null;
  readonly radix: number | null;
  /** Type of the TDS 4.2 days for columns that are NOT NULL, and for those that take NULL. */
  readonly legacy: readonly [number, number];
}

const fact = (
  code: number,
  precision: number | null,
  length: number | null,
  scale: number | null,
  radix: number | null,
  notNull: number,
  nullable = notNull,
): OdbcType => ({ code, precision, length, scale, radix, legacy: [notNull, nullable] });

const measured = (code: number, length: number | 'max', bytes: number, notNull: number, nullable: number) =>
  length === 'max'
    ? fact(code, 0, 0, null, null, notNull, nullable)
    : fact(code, length, length * bytes, null, null, notNull, nullable);

/** Text of a time: hh:mm:ss, a point and the fraction. */
const clockLength = (scale: number): number => (scale === 0 ? 8 : 9 + scale);

/** (max) types have precision 0, which ODBC reads as unlimited. */
export const odbcType = (type: SqlType): OdbcType => {
  switch (type.kind) {
    case 'bit':
      return fact(-7, 1, 1, null, null, 50);
    case 'tinyint':
      return fact(-6, 3, 1, 0, 10, 48, 38);
    case 'smallint':
      return fact(5, 5, 2, 0, 10, 52, 38);
    case 'int':
      return fact(4, 10, 4, 0, 10, 56, 38);
    case 'bigint':
      return fact(-5, 19, 8, 0, 10, 63, 108);
    case 'real':
      return fact(7, 24, 4, null, 2, 59, 109);
    case 'float':
      return fact(6, 53, 8, null, 2, 62, 109);
    case 'money':
      return fact(3, 19, 21, 4, 10, 60, 110);
    case 'smallmoney':
      return fact(3, 10, 12, 4, 10, 122, 110);
    case 'decimal':
      return fact(3, type.precision, type.precision + 2, type.scale, 10, 55, 106);
    case 'char':
      return measured(1, type.length, 1, 47, 39);
    case 'varchar':
      return measured(12, type.length, 1, 39, 39);
    case 'nchar':
      return measured(-8, type.length, 2, 39, 39);
    case 'nvarchar':
      return measured(-9, type.length, 2, 39, 39);
    case 'binary':
      return measured(-2, type.length, 1, 45, 37);
    case 'varbinary':
      return measured(-3, type.length, 1, 37, 37);
    case 'text':
      return fact(-1, 2_147_483_647, 2_147_483_647, null, null, 35);
    case 'ntext':
      return fact(-10, 1_073_741_823, 2_147_483_646, null, null, 35);
    case 'image':
      return fact(-4, 2_147_483_647, 2_147_483_647, null, null, 34);
    case 'xml':
      return fact(-152, 0, 0, null, null, 0);
    case 'uniqueidentifier':
      return fact(-11, 36, 16, null, null, 37);
    case 'date':
      return fact(91, 10, 6, 0, null, 0);
    case 'smalldatetime':
      return fact(93, 16, 16, 0, null, 58, 111);
    case 'datetime':
      return fact(93, 23, 16, 3, null, 61, 111);
    case 'time':
      return fact(-154, clockLength(type.scale), 12, type.scale, null, 0);
    case 'datetime2':
      return fact(93, 11 + clockLength(type.scale), 16, type.scale, null, 0);
    case 'datetimeoffset':
      return fact(-155, 18 + clockLength(type.scale), 20, type.scale, null, 0);
    case 'sql_variant':
      return fact(-150, 8000, 8000, null, null, 39);
  }
};

/** Dates had other numbers before ODBC 3. */
export const codeFor = (code: number, odbcVersion: number): number => {
  if (odbcVersion >= 3) return code;
  return code === 93 ? 11 : code === 91 ? 9 : code;
};

/** SQL_DATA_TYPE and SQL_DATETIME_SUB. */
export const verboseCode = (code: number): readonly [number, number | null] => {
  if (code === 93) return [9, 3];
  if (code === 91) return [9, 1];
  return [code, null];
};

/** Length of a column's text or bytes; null for other types. */
export const octetLength = ({ code, length }: OdbcType): number | null =>
  [1, 12, -1, -2, -3, -4, -8, -9, -10, -152].includes(code) ? length : null;
