/** `WHERE key = value` on a table with a primary key reads one row instead of all. */
import type { Expression } from '../syntax/ast';
import type { SqlRow, SqlType, SqlValue } from '../types';
import { convert } from '../values/convert';
import { isInteger, isString } from '../values/typing';
import { coerce, compile } from './compile';
import type { CompileContext, Compiled, TableAccess } from './environment';
import { Frame } from './frame';

/** @returns undefined when the condition does not fix every column of the key. */
export function keyLookup(
  access: TableAccess,
  alias: string,
  where: readonly Expression[],
  context: CompileContext,
): ((parent: Frame | undefined) => Iterable<SqlRow>) | undefined {
  const { primaryKey, lookup } = access;
  if (primaryKey === undefined || primaryKey.length === 0 || lookup === undefined) return undefined;
  const values: Compiled[] = [];
  for (const name of primaryKey) {
    const column = access.columns.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    const value = column === undefined ? undefined : fixedValue([alias, name], column.type, where, context);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return (parent) => {
    const frame = new Frame([], parent);
    const key: SqlValue[] = [];
    for (const value of values) {
      const part = value.evaluate(frame);
      if (part === null) return [];
      key.push(part);
    }
    const row = lookup.call(access, key);
    return row === undefined ? [] : [row];
  };
}

function fixedValue(
  name: readonly [alias: string, column: string],
  type: SqlType,
  where: readonly Expression[],
  context: CompileContext,
): Compiled | undefined {
  for (const part of where) {
    if (part.kind !== 'comparison' || part.operator !== '=') continue;
    const other = isColumn(part.left, name) ? part.right : isColumn(part.right, name) ? part.left : undefined;
    if (other === undefined || !isPlainValue(other)) continue;
    const value = compile(other, context);
    if (value.untyped === true) return undefined;
    if (isString(value.type) && isString(type)) return value;
    if (comparesAs(value.type, type)) return coerce(value, type);
    // A wider integer may lie outside the column's range: then no row has it.
    if (isInteger(value.type) && isInteger(type)) return narrowed(value, type);
  }
  return undefined;
}

function narrowed(value: Compiled, type: SqlType): Compiled {
  return {
    type,
    nullable: true,
    evaluate: (frame) => {
      try {
        return convert(value.evaluate(frame), value.type, type);
      } catch {
        return null;
      }
    },
  };
}

function isColumn(expression: Expression, [alias, column]: readonly [string, string]): boolean {
  if (expression.kind !== 'column' || expression.path.length > 2) return false;
  const [name, qualifier] = [...expression.path].reverse().map((part) => part.toLowerCase());
  return name === column.toLowerCase() && (qualifier === undefined || qualifier === alias.toLowerCase());
}

const isPlainValue = (expression: Expression): boolean =>
  expression.kind === 'literal' || expression.kind === 'variable';

/** True when comparing at the column's own type gives the same answer as at the common type. */
function comparesAs(value: SqlType, column: SqlType): boolean {
  if (value.kind === column.kind && value.kind !== 'decimal') return !('scale' in value);
  return isInteger(value) && column.kind === 'bigint';
}
