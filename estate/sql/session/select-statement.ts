import { SqlError } from '../errors';
import { compileBinary } from '../query/arithmetic';
import { coerce } from '../query/compile';
import type { Compiled } from '../query/environment';
import { EMPTY_FRAME } from '../query/frame';
import { bindQuery } from '../query/query';
import type { Query, SelectItem, Statement } from '../syntax/ast';
import type { SqlColumn, SqlRow } from '../types';
import { selectInto } from './ddl';
import { contextOf } from './dml';
import { sendRows } from './output';
import { atomically, type RunContext } from './runner';

/** SELECT: to the client, into variables, or into a new table. */
export async function runQuery(
  statement: Extract<Statement, { kind: 'query' }>,
  context: RunContext,
): Promise<void> {
  const { query } = statement;
  const { state, output, signal } = context;
  const items = query.body.kind === 'select' ? query.body.items : [];
  if (items.some((item) => item.kind === 'assignment')) return assign(query, items, context);
  const bound = bindQuery(query, contextOf(state), undefined);
  const into = query.body.kind === 'select' ? query.body.into : undefined;
  const rows = limited(bound.run(undefined), state.options.rowCount);
  if (into === undefined) {
    state.rowCount = rows.length;
    return sendRows(output, bound.columns, state.options.fmtOnly ? [] : rows, signal);
  }
  await atomically(context, () => selectInto(state, into, bound.columns, rows, signal));
  state.rowCount = rows.length;
  output.affected(state.options.noCount ? undefined : rows.length, 'select');
}

/** SET ROWCOUNT */
const limited = (rows: readonly SqlRow[], limit: number): readonly SqlRow[] =>
  limit > 0 && rows.length > limit ? rows.slice(0, limit) : rows;

/** `SELECT @a = x, @b = y FROM ...`: assigned for every row, so the last one stays. @throws SqlError 141 */
function assign(query: Query, items: readonly SelectItem[], context: RunContext): void {
  const { state, output } = context;
  if (items.some((item) => item.kind !== 'assignment')) {
    throw new SqlError(
      141,
      'A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.',
      { severity: 15 },
    );
  }
  const targets = items.map((item) => (item.kind === 'assignment' ? item : undefined));
  const onRow: RowAction = (row, columns) => {
    targets.forEach((item, at) => {
      const column = columns[at];
      if (item === undefined || column === undefined) return;
      const variable = state.variable(item.variable);
      const value: Compiled = { type: column.type, nullable: true, evaluate: () => row[at] ?? null };
      const current: Compiled = { type: variable.type, nullable: true, evaluate: () => variable.value };
      const result = item.operator === undefined ? value : compileBinary(item.operator, current, value);
      variable.value = coerce(result, variable.type).evaluate(EMPTY_FRAME);
    });
  };
  const count = eachRow(query, context, onRow);
  state.rowCount = count;
  output.affected(state.options.noCount ? undefined : count, 'select');
}

type RowAction = (row: SqlRow, columns: readonly SqlColumn[]) => void;

/** Each row is computed after the assignments of the one before: `SELECT @list = @list + name` gathers them all. */
function eachRow(query: Query, context: RunContext, action: RowAction): number {
  const { state } = context;
  let count = 0;
  const bound = bindQuery(
    query,
    {
      ...contextOf(state),
      onRow: (row, columns) => {
        count++;
        action(row, columns);
      },
    },
    undefined,
  );
  bound.run(undefined);
  return count;
}
