/** Small helpers over the shared token cursor: every statement parser is written with them. */
import type { Token, TokenCursor } from '../../sql/host';
import type { Text } from './ast';

/** What the grammar depends on: clauses came with versions. */
export interface Dialect {
  /** 13 = SQL Server 2016 ... 17 = 2025. */
  readonly major: number;
  readonly managedInstance: boolean;
}

/** Word of the next token as a keyword; quoted identifiers are never keywords. */
export const keywordAt = (cursor: TokenCursor, ahead = 0): string => cursor.peek(ahead).keyword;

/** Consumes one of these keywords. @throws 102 near the token otherwise. */
export const oneOf = <const Word extends string>(cursor: TokenCursor, ...words: readonly Word[]): Word => {
  const token = cursor.peek();
  const found = words.find((word) => word === token.keyword);
  if (found === undefined) return cursor.fail(token);
  cursor.next();
  return found;
};

/** A string literal. @throws 102 near anything else. */
export const literal = (cursor: TokenCursor): string => {
  const token = cursor.peek();
  if (token.kind !== 'string') return cursor.fail(token);
  cursor.next();
  return token.text;
};

/** A whole number without sign. */
export const integer = (cursor: TokenCursor): number => {
  const token = cursor.peek();
  if (token.kind !== 'number' || !/^\d+$/.test(token.text)) return cursor.fail(token);
  cursor.next();
  return Number(token.text);
};

/** A hexadecimal literal 0x... */
export const binary = (cursor: TokenCursor): Uint8Array => {
  const token = cursor.peek();
  if (token.kind !== 'binary') return cursor.fail(token);
  cursor.next();
  const digits = token.text.replace(/^0x/i, '');
  return Uint8Array.from(Buffer.from(digits.length % 2 === 1 ? `0${digits}` : digits, 'hex'));
};

/** A plain or quoted identifier, also where the word happens to be a keyword of this grammar. */
export const name = (cursor: TokenCursor): string => cursor.identifier();

/** A name that may be written as an identifier or as a string literal ('server' or [server]). */
export const nameOrLiteral = (cursor: TokenCursor): string =>
  cursor.peek().kind === 'string' ? literal(cursor) : name(cursor);

const continuesExpression = new Set(['+', '-', '*', '/', '%', '.', '&', '|', '^']);

/** A variable alone: T-SQL allows no expression in these places, so `@path + 'x'` is a syntax error here too. */
const variable = (cursor: TokenCursor): Text => {
  const follower: Token = cursor.peek(1);
  if (follower.kind === 'symbol' && continuesExpression.has(follower.text)) return cursor.fail(follower);
  return { kind: 'expression', expression: cursor.expression() };
};

/** A string literal or a variable. */
export const text = (cursor: TokenCursor): Text => {
  if (cursor.peek().kind === 'variable') return variable(cursor);
  return { kind: 'literal', text: literal(cursor) };
};

/** A name or a variable that holds one (BACKUP DATABASE @name). */
export const nameOrVariable = (cursor: TokenCursor): Text => {
  if (cursor.peek().kind === 'variable') return variable(cursor);
  return { kind: 'literal', text: name(cursor) };
};

/** ON or OFF. */
export const onOff = (cursor: TokenCursor): boolean => oneOf(cursor, 'ON', 'OFF') === 'ON';

/** `item, item, ...` */
export const list = <Item>(cursor: TokenCursor, item: () => Item): Item[] => {
  const items = [item()];
  while (cursor.accept(',')) items.push(item());
  return items;
};

/** `( item, item, ... )` */
export const parenthesized = <Item>(cursor: TokenCursor, item: () => Item): Item[] => {
  cursor.expect('(');
  const items = list(cursor, item);
  cursor.expect(')');
  return items;
};
