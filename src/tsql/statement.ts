import type { Statement } from '../model/statement';

interface StatementOptions {
  /** Given when it differs from the text: masked secrets, values learnt during the run. */
  readonly display?: string;
  /** Database context; `master` by default (availability group DDL is refused elsewhere: 35208). */
  readonly database?: string;
}

/** One statement as a value. @param id stable name of its builder, kebab-case */
export function statement(id: string, text: string, options: StatementOptions = {}): Statement {
  return { id, text, display: options.display ?? text, database: options.database ?? 'master' };
}

/** Joins the lines of a statement; empty parts are left out. */
export function lines(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('\n');
}
