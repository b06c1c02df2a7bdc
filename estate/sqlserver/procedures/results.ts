/** Result sets of procedures. */
import type { StatementOutput } from '../../sql/host';
import type { SqlType, SqlValue } from '../../sql/types';

/** Sends one result set. */
export const sendRows = async (
  output: StatementOutput,
  columns: readonly (readonly [string, SqlType])[],
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
export const varbinary = (length: number | 'max'): SqlType => ({ kind: 'varbinary', length });
