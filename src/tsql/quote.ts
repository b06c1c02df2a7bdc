/** The only place in the product that turns names and values into T-SQL text. */

/** A value cannot be written as T-SQL. The message names the rule, never the value: it may be a secret. */
export class QuotingError extends Error {
  override readonly name = 'QuotingError';
}

/** In a pattern with the u flag, a surrogate that is half of a pair is no character of its own. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** sysname is nvarchar(128): 128 UTF-16 units, a surrogate pair counts as two. */
const MAX_IDENTIFIER_UNITS = 128;

/**
 * Delimited identifier: `[a]b]` becomes `[a]]b]`.
 * @param name 1 to 128 UTF-16 units, without NUL (identifiers with NUL cannot be stored)
 * @throws QuotingError when the length or a character does not fit
 */
export function quoteIdentifier(name: string): string {
  if (name.length === 0) throw new QuotingError('an identifier must have at least one character');
  if (name.length > MAX_IDENTIFIER_UNITS) {
    throw new QuotingError(`an identifier has at most 128 UTF-16 units, this one has ${name.length}`);
  }
  refuseUnwritable(name, 'an identifier');
  return `[${name.replaceAll(']', ']]')}]`;
}

/**
 * Unicode literal: N'...' with doubled quotes. Brackets, backslashes and line breaks need nothing, except that a
 * backslash right before a line break would continue the line (documented: "\ (Line continuation)"), so such a
 * value is refused.
 * @throws QuotingError
 */
export function quoteLiteral(value: string): string {
  return `N${quotePlain(value)}`;
}

/**
 * As {@link quoteLiteral} for text of any length and content: where a backslash stands before a line break the literal
 * is cut in two. An expression, so it fits where expressions do, not as the argument of a procedure.
 * @throws QuotingError
 */
export function quoteText(value: string): string {
  const pieces = value.split(/(?<=\\)(?=\r?\n)/).map(quoteLiteral);
  // Of short pieces alone the sum would be cut at 4000 characters.
  return pieces.length === 1 ? pieces.join('') : `CAST(N'' AS nvarchar(max)) + ${pieces.join(' + ')}`;
}

/**
 * Literal without N, in the form that the documented statements use for URLs and dates.
 * @param value printable ASCII only, so that no code page can change it
 * @throws QuotingError
 */
export function quoteAscii(value: string): string {
  if (!/^[\x20-\x7e]*$/.test(value)) {
    throw new QuotingError('a literal without N must be printable ASCII');
  }
  return quotePlain(value);
}

/**
 * Binary constant `0x...`.
 * @param hex an even number of hexadecimal digits, at least two, without 0x
 * @throws QuotingError
 */
export function binaryLiteral(hex: string): string {
  if (!/^(?:[0-9A-Fa-f]{2})+$/.test(hex)) {
    throw new QuotingError('a binary constant needs an even number of hexadecimal digits');
  }
  return `0x${hex.toUpperCase()}`;
}

/**
 * Whole number, for ports and flags.
 * @throws QuotingError when it is no integer from 0 to 2147483647
 */
export function integerLiteral(value: number): string {
  if (!Number.isInteger(value) || value < 0 || value > 2_147_483_647) {
    throw new QuotingError('a number must be an integer from 0 to 2147483647');
  }
  return String(value);
}

/**
 * Name of a permission: it cannot be quoted.
 * @throws QuotingError when it holds anything but capital letters and spaces
 */
export function permissionName(name: string): string {
  if (!/^[A-Z]+(?: [A-Z]+)*$/.test(name)) {
    throw new QuotingError('the name of a permission must be words in capital letters');
  }
  return name;
}

function quotePlain(value: string): string {
  refuseUnwritable(value, 'a literal');
  if (/\\\r?\n/.test(value)) {
    throw new QuotingError('a literal must not hold a backslash before a line break');
  }
  return `'${value.replaceAll("'", "''")}'`;
}

function refuseUnwritable(value: string, what: string): void {
  if (value.includes('\0')) throw new QuotingError(`${what} must not hold a NUL character`);
  // A lone surrogate does not survive every encoding on the way; a name that arrives changed is another name.
  if (LONE_SURROGATE.test(value)) throw new QuotingError(`${what} must be well-formed UTF-16`);
}
