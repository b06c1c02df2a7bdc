import type { Statement } from '../model/statement';

/** What `display` shows in place of a secret literal. */
export const SECRET_MASK = "'********'";

/**
 * @returns the secrets that a statement sends, without quotes: its literals that `display` has not, where `display`
 * masks something. Other differences (a time in a path) are no secrets.
 */
export function secretsOf(statement: Pick<Statement, 'text' | 'display'>): string[] {
  if (!statement.display.includes(SECRET_MASK)) return [];
  const literals = statement.text.match(/'(?:[^']|'')*'/g) ?? [];
  return literals
    .filter((literal) => !statement.display.includes(literal))
    .map((literal) => literal.slice(1, -1).replaceAll("''", "'"));
}
