/** Result sets of procedures. */
import type { StatementOutput } from '../../sql/host';
import type { SqlType, SqlValue } from '../../sql/types';

/** Name and type of a column of a result set. */
export type Column = readonly [string, SqlType];

/** Sends one result set. */
export const sendRows = async (
  output: StatementOutput,
  columns: readonly Column[],
  rows: Iterable<readonly SqlValue[]>,
): Promise<void> => {
  output.columns(columns.map(([name, type]) => ({ name, type, nullable: true })));
  for (const row of rows) await output.row(row);
  output.endRows();
};

export const sysnameType: SqlType = { kind: 'nvarchar', length: 128 };
export const int: SqlType = { kind: 'int' };
export const smallint: SqlType = { kind: 'smallint' };
export const datetime: SqlType = { kind: 'datetime' };
export const nvarchar = (length: number | 'max'): SqlType => ({ kind: 'nvarchar', length });
export const varchar = (length: number | 'max'): SqlType => ({ kind: 'varchar', length });
export const varbinary = (length: number | 'max'): SqlType => ({ kind: 'varbinary', length });

/** What SQLColumns and SQLProcedureColumns of ODBC both tell of a data type. */
export const dataTypeColumns: readonly Column[] = [
  ['DATA_TYPE', smallint],
  ['TYPE_NAME', sysnameType],
  ['PRECISION', int],
  ['LENGTH', int],
  ['SCALE', smallint],
  ['RADIX', smallint],
  ['NULLABLE', smallint],
  ['REMARKS', varchar(254)],
  ['COLUMN_DEF', nvarchar(4000)],
  ['SQL_DATA_TYPE', smallint],
  ['SQL_DATETIME_SUB', smallint],
  ['CHAR_OCTET_LENGTH', int],
  ['ORDINAL_POSITION', int],
  ['IS_NULLABLE', varchar(254)],
];

/** CLR type and XML schema collection: told by the procedures whose names end in 100. */
export const userTypeColumns: readonly Column[] = [
  ['SS_UDT_CATALOG_NAME', sysnameType],
  ['SS_UDT_SCHEMA_NAME', sysnameType],
  ['SS_UDT_ASSEMBLY_TYPE_NAME', nvarchar(4000)],
  ['SS_XML_SCHEMACOLLECTION_CATALOG_NAME', sysnameType],
  ['SS_XML_SCHEMACOLLECTION_SCHEMA_NAME', sysnameType],
  ['SS_XML_SCHEMACOLLECTION_NAME', sysnameType],
];
