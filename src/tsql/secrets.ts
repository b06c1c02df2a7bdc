import type { Statement } from '../model/statement';

/** What `display` shows in place of a secret literal. */
export const SECRET_MASK = "'********'";

/** What `display` shows in place of a secret binary constant: the hash of a password. */
export const HASH_MASK = '0x********';

/**
 * @returns the secrets that a statement sends, without quotes: its literals and binary constants that `display` has
 * not, where `display` masks something. Other differences (a time in a path) are no secrets.
 */
export function secretsOf(statement: Pick<Statement, 'text' | 'display'>): string[] {
  return [...maskedHashes(statement), ...maskedLiterals(statement)];
}

function maskedHashes({ text, display }: Pick<Statement, 'text' | 'display'>): string[] {
  if (!display.includes(HASH_MASK)) return [];
  return (text.match(/0x[0-9A-F]+/gi) ?? []).filter((constant) => !display.includes(constant));
}

function maskedLiterals(statement: Pick<Statement, 'text' | 'display'>): string[] {
  if (!statement.display.includes(SECRET_MASK)) return [];
  const literals = statement.text.match(/'(?:[^']|'')*'/g) ?? [];
  return literals
    .filter((literal) => !statement.display.includes(literal))
    .map((literal) => literal.slice(1, -1).replaceAll("''", "'"));
}
