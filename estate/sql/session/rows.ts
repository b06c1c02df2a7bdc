/** Builds rows for a table: conversions, defaults, identity, NOT NULL, primary key. */
import { SqlError } from '../errors';
import { compile } from '../query/compile';
import type { CompileContext } from '../query/environment';
import { EMPTY_FRAME, Scope } from '../query/frame';
import { primaryKeyName, type TableColumn, type TableDefinition } from '../storage';
import { SqlDecimal, type SqlRow, type SqlScalar, type SqlType, type SqlValue } from '../types';
import { convert, converter } from '../values/convert';
import { formatDecimal } from '../values/decimals';
import { textOf } from '../values/to-text';
import { BIGINT, isBinary, isString, lengthOf } from '../values/typing';
import { parseDefaultExpression } from './parse-cache';
import type { SessionState } from './state';
import type { Target } from './targets';
import { allocationOf } from './transaction';

/**
 * Converts a value for a column.
 * @throws SqlError 2628 (text too long), 515 (NULL), and the conversion errors
 */
export function columnValue(value: SqlValue, from: SqlType, column: TableColumn, target: Target): SqlValue {
  if (value === null) return null;
  const { type } = column;
  const limit = isString(type) || isBinary(type) ? lengthOf(type) : 'max';
  if (limit !== 'max' && (isString(type) ? isString(from) : isBinary(from)))
    checkFits(value, from, column, limit, target);
  converter(from, type);
  return convert(value, from, type);
}

function checkFits(
  value: SqlScalar,
  from: SqlType,
  column: TableColumn,
  limit: number,
  target: Target,
): void {
  const length =
    typeof value === 'string'
      ? value.replace(/ +$/, '').length
      : value instanceof Uint8Array
        ? value.length
        : 0;
  if (length <= limit) return;
  const kept = textOf(value, from).slice(0, limit);
  throw new SqlError(
    2628,
    `String or binary data would be truncated in table '${target.fullName}', column '${column.name}'. Truncated value: '${kept}'.`,
  );
}

/** @throws SqlError 515 */
export function checkNulls(row: SqlRow, target: Target, verb: 'INSERT' | 'UPDATE'): void {
  const { columns } = target.table.definition;
  for (let at = 0; at < columns.length; at++) {
    const column = columns[at];
    if (column === undefined || column.nullable || row[at] !== null) continue;
    throw new SqlError(
      515,
      `Cannot insert the value NULL into column '${column.name}', table '${target.fullName}'; column does not allow nulls. ${verb} fails.`,
      { state: 2 },
    );
  }
}

export function defaultValue(column: TableColumn, target: Target, context: CompileContext): SqlValue {
  if (column.defaultExpression === undefined) return null;
  const value = compile(parseDefaultExpression(column.defaultExpression), { ...context, scope: new Scope() });
  return columnValue(value.evaluate(EMPTY_FRAME), value.type, column, target);
}

/** Next identity value of the table, as a value of the column's type. */
export function nextIdentity(state: SessionState, target: Target, column: TableColumn): SqlValue {
  const allocation = allocationOf(target.work, target.table.definition);
  const value = allocation.nextIdentity;
  allocation.nextIdentity = value + (column.identity?.increment ?? 1n);
  state.identity = value;
  state.scopeIdentity = value;
  return convert(value, BIGINT, column.type);
}

export function nextRowId(target: Target): number {
  const allocation = allocationOf(target.work, target.table.definition);
  return allocation.nextRowId++;
}

/** @throws SqlError 2627 */
export function duplicateKey(target: Target, key: SqlRow): SqlError {
  const { definition } = target.table;
  const values = key.map((value, at) => keyText(value, definition, at)).join(', ');
  return new SqlError(
    2627,
    `Violation of PRIMARY KEY constraint '${primaryKeyName(definition)}'. Cannot insert duplicate key in object '${definition.schema}.${definition.name}'. The duplicate key value is (${values}).`,
    { severity: 14 },
  );
}

function keyText(value: SqlValue, definition: TableDefinition, at: number): string {
  if (value === null) return '<NULL>';
  if (value instanceof SqlDecimal) return formatDecimal(value);
  const name = definition.primaryKey[at]?.toLowerCase();
  const column = definition.columns.find((candidate) => candidate.name.toLowerCase() === name);
  return column === undefined ? '' : textOf(value, column.type);
}
