/** Table-valued functions of the engine itself. */
import type { ObjectName, RowSource, TypedValue } from '../host';
import type { SqlRow } from '../types';
import { BIGINT, INT, isUnicode, nvarchar, varchar } from '../values/typing';

/** @returns undefined when the name is not one of them. */
export function engineTableFunction(name: ObjectName, args: readonly TypedValue[]): RowSource | undefined {
  if (name.schema !== undefined) return undefined;
  switch (name.object.toLowerCase()) {
    case 'string_split':
      return stringSplit(args);
    case 'generate_series':
      return generateSeries(args);
    default:
      return undefined;
  }
}

function stringSplit([text, separator, ordinal]: readonly TypedValue[]): RowSource {
  const type = text !== undefined && isUnicode(text.type) ? nvarchar(4000) : varchar(8000);
  const numbered = ordinal !== undefined && Number(ordinal.value) === 1;
  const columns = [{ name: 'value', type, nullable: true }];
  const value = text?.value ?? null;
  const parts = value === null ? [] : String(value).split(String(separator?.value ?? ''));
  if (!numbered) return { columns, rows: () => parts.map((part): SqlRow => [part]) };
  return {
    columns: [...columns, { name: 'ordinal', type: BIGINT, nullable: true }],
    rows: () => parts.map((part, index): SqlRow => [part, BigInt(index + 1)]),
  };
}

function generateSeries([start, stop, step]: readonly TypedValue[]): RowSource {
  const big = start?.type.kind === 'bigint';
  return {
    columns: [{ name: 'value', type: big ? BIGINT : INT, nullable: true }],
    *rows() {
      if (start?.value == null || stop?.value == null) return;
      const from = Number(start.value);
      const to = Number(stop.value);
      const by = step?.value == null ? (from <= to ? 1 : -1) : Number(step.value);
      for (let value = from; by > 0 ? value <= to : by < 0 && value >= to; value += by) {
        yield [big ? BigInt(value) : value];
      }
    },
  };
}
