/** BEGIN, COMMIT, ROLLBACK and SAVE TRANSACTION. */
import { SqlError } from '../errors';
import type { RunContext } from './runner';
import { Transaction } from './transaction';

type Needs = Pick<RunContext, 'state' | 'host' | 'signal' | 'output'>;

export function beginTransaction(
  { state, output }: Pick<Needs, 'state' | 'output'>,
  name: string | undefined,
): void {
  state.rowCount = 0;
  if (state.depth++ > 0) return;
  state.transaction = new Transaction(name);
  output.transaction?.('begin');
}

/** Only the outermost COMMIT commits. @throws SqlError 3902, 3930, or what the host says of a commit that failed */
export async function commitTransaction(context: Needs): Promise<void> {
  const { state, output } = context;
  if (state.depth === 0)
    throw new SqlError(3902, 'The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.');
  if (state.transaction?.doomed === true) {
    throw new SqlError(
      3930,
      'The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.',
    );
  }
  state.rowCount = 0;
  if (state.depth > 1) {
    state.depth--;
    return;
  }
  try {
    await endAutocommit(context);
  } catch (error) {
    state.depth = 0;
    output.transaction?.('rollback');
    throw error;
  }
  state.depth = 0;
  output.transaction?.('commit');
}

/** Commits what has been changed and forgets the transaction. */
export async function endAutocommit({ state, host, signal }: Needs): Promise<void> {
  const { transaction } = state;
  state.transaction = undefined;
  await transaction?.commit((database, changes, stop) => host.commit(database, changes, stop), signal);
}

/** A name rolls back to its savepoint, or everything when the outermost BEGIN has it. @throws SqlError 3903, 6401, 3931 */
export function rollbackTransaction(
  { state, output }: Pick<Needs, 'state' | 'output'>,
  name: string | undefined,
): void {
  const { transaction } = state;
  if (state.depth === 0 || transaction === undefined) {
    throw new SqlError(3903, 'The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.');
  }
  state.rowCount = 0;
  if (name !== undefined && transaction.name?.toLowerCase() !== name.toLowerCase()) {
    if (transaction.doomed) {
      throw new SqlError(
        3931,
        'The current transaction cannot be committed and cannot be rolled back to a savepoint. Roll back the entire transaction.',
      );
    }
    if (transaction.rollbackTo(name)) return;
    throw new SqlError(6401, `Cannot roll back ${name}. No transaction or savepoint of that name was found.`);
  }
  abandonTransaction({ state, output });
}

/** Rolls everything back, without a word when there is nothing. */
export function abandonTransaction({ state, output }: Pick<Needs, 'state' | 'output'>): void {
  const open = state.depth > 0;
  state.transaction?.rollback();
  state.transaction = undefined;
  state.depth = 0;
  if (open) output.transaction?.('rollback');
}

/** @throws SqlError 628 outside a transaction */
export function saveTransaction({ state }: Pick<Needs, 'state'>, name: string): void {
  if (state.depth === 0 || state.transaction === undefined) {
    throw new SqlError(628, 'Cannot issue SAVE TRANSACTION when there is no active transaction.', {
      state: 0,
    });
  }
  state.transaction.save(name);
}
