/** Handles of sp_prepare and sp_prepexec. They live as long as the connection, or until it is reset. */
import { SqlError } from '../sql/errors';
import type { SqlValue } from '../sql/types';

export interface PreparedStatement {
  readonly declaration: string;
  readonly sql: string;
}

export class PreparedStatements {
  private readonly statements = new Map<number, PreparedStatement>();
  private lastHandle = 0;

  add(statement: PreparedStatement): number {
    this.lastHandle++;
    this.statements.set(this.lastHandle, statement);
    return this.lastHandle;
  }

  /** @throws SqlError 8179 */
  get(handle: SqlValue): PreparedStatement {
    const found = typeof handle === 'number' ? this.statements.get(handle) : undefined;
    if (found === undefined) throw notFound(handle);
    return found;
  }

  /** @throws SqlError 8179 */
  remove(handle: SqlValue): void {
    if (typeof handle !== 'number' || !this.statements.delete(handle)) throw notFound(handle);
  }

  clear(): void {
    this.statements.clear();
  }
}

function notFound(handle: SqlValue): SqlError {
  return new SqlError(8179, `Could not find prepared statement with handle ${handle ?? 0}.`, { state: 2 });
}
