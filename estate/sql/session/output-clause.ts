import { SqlError } from '../errors';
import { compile } from '../query/compile';
import type { CompileContext, Compiled } from '../query/environment';
import { Frame, Scope } from '../query/frame';
import type { OutputClause } from '../syntax/ast';
import type { SqlColumn, SqlRow } from '../types';
import type { Target } from './targets';

/** Rows before and after a change. */
export interface Change {
  readonly inserted: SqlRow | undefined;
  readonly deleted: SqlRow | undefined;
}

/** Rows of an OUTPUT clause, over `inserted` and `deleted`. */
export function outputRows(
  output: OutputClause,
  target: Target,
  changes: readonly Change[],
  context: CompileContext,
): { columns: readonly SqlColumn[]; rows: readonly SqlRow[] } {
  const { columns } = target.table.definition;
  const empty: SqlRow = columns.map(() => null);
  const rows = changes.map((change): SqlRow => [...(change.inserted ?? empty), ...(change.deleted ?? empty)]);
  // INSERT has no deleted rows, DELETE no inserted ones: such a prefix is unknown (4104).
  const scopeSources = [
    ...(changes.every((change) => change.inserted === undefined) && changes.length > 0 ? [] : ['inserted']),
    ...(changes.every((change) => change.deleted === undefined) && changes.length > 0 ? [] : ['deleted']),
  ];
  const scope = new Scope();
  for (const alias of ['inserted', 'deleted']) {
    scope.add({ alias: scopeSources.includes(alias) ? alias : `\u0000${alias}`, columns });
  }
  const inner: CompileContext = { ...context, scope };
  const items = output.items.flatMap((item) => {
    if (item.kind === 'assignment') throw new SqlError(102, "Incorrect syntax near '='.", { severity: 15 });
    if (item.kind === 'expression') {
      const value = compile(item.expression, inner);
      return [{ value, name: item.alias ?? value.name ?? '' }];
    }
    return scope.matching(item.qualifier).flatMap((source) =>
      source.columns.map((column, at) => {
        const index = source.offset + at;
        const value: Compiled = {
          type: column.type,
          nullable: true,
          evaluate: (frame) => frame.row[index] ?? null,
        };
        return { value, name: column.name };
      }),
    );
  });
  return {
    columns: items.map(({ value, name }) => ({ name, type: value.type, nullable: true })),
    rows: rows.map((row) => {
      const frame = new Frame(row, undefined);
      return items.map(({ value }) => value.evaluate(frame));
    }),
  };
}
