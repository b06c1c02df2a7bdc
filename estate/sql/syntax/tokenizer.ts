/** Splits T-SQL text into tokens. QUOTED_IDENTIFIER is taken as ON, as every client driver sets it. */
import { SqlError, SqlErrors } from '../errors';
import type { Token, TokenKind } from '../host';

const IDENTIFIER_START = /[\p{L}_#]/u;
const IDENTIFIER_PART = /[\p{L}\p{Nd}\p{M}_#@$]/u;
const LONG_SYMBOLS = [
  '<=',
  '>=',
  '<>',
  '!=',
  '!<',
  '!>',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '&=',
  '|=',
  '^=',
  '::',
];
const SYMBOLS = '()[],.;=<>!+-*/%&|^~:?{}\\$@`"\'';

/**
 * @returns all tokens, with one of kind 'end' last.
 * @throws SqlErrors 105 and 102 (unclosed quote), SqlError 113 (unclosed comment), 102 (a character outside the language).
 */
export function tokenize(sql: string): Token[] {
  return new Tokenizer(sql).run();
}

class Tokenizer {
  private position = 0;
  private line = 1;
  private readonly tokens: Token[] = [];

  constructor(private readonly sql: string) {}

  run(): Token[] {
    for (;;) {
      this.skipBlanksAndComments();
      if (this.position >= this.sql.length) break;
      this.scan();
    }
    this.push('end', '', this.position, this.line);
    return this.tokens;
  }

  private skipBlanksAndComments(): void {
    while (this.position < this.sql.length) {
      const char = this.sql.charCodeAt(this.position);
      if (char === 10) this.line++;
      // U+00A0 and the byte order mark appear in pasted scripts; SQL Server takes them as blanks (inferred for the mark).
      if (char <= 32 || char === 0xa0 || char === 0xfeff) this.position++;
      else if (this.sql.startsWith('--', this.position)) this.skipLine();
      else if (this.sql.startsWith('/*', this.position)) this.skipBlockComment();
      else return;
    }
  }

  private skipLine(): void {
    const end = this.sql.indexOf('\n', this.position);
    this.position = end < 0 ? this.sql.length : end;
  }

  /** Block comments nest in T-SQL ("Slash Star (Block Comment)"). */
  private skipBlockComment(): void {
    let depth = 0;
    do {
      if (this.position >= this.sql.length) {
        throw new SqlError(113, "Missing end comment mark '*/'.", { severity: 15, line: this.line });
      }
      if (this.sql.startsWith('/*', this.position)) {
        depth++;
        this.position += 2;
      } else if (this.sql.startsWith('*/', this.position)) {
        depth--;
        this.position += 2;
      } else {
        if (this.sql.charCodeAt(this.position) === 10) this.line++;
        this.position++;
      }
    } while (depth > 0);
  }

  private scan(): void {
    const char = this.sql[this.position] ?? '';
    const next = this.sql[this.position + 1] ?? '';
    if (char === "'") this.quoted("'", 'string', this.position);
    else if ((char === 'N' || char === 'n') && next === "'") this.national();
    else if (char === '[') this.quoted(']', 'quoted-identifier', this.position);
    else if (char === '"') this.quoted('"', 'quoted-identifier', this.position);
    else if (char === '0' && (next === 'x' || next === 'X')) this.binary();
    else if (isDigit(char) || (char === '.' && isDigit(next))) this.number(this.position);
    else if (char === '$' && (isDigit(next) || next === '.')) this.number(this.position);
    else if (char === '@') this.variable();
    else if (IDENTIFIER_START.test(this.codePoint())) this.word();
    else this.symbol();
  }

  private codePoint(): string {
    return String.fromCodePoint(this.sql.codePointAt(this.position) ?? 0);
  }

  private national(): void {
    const start = this.position;
    this.position++;
    this.quoted("'", 'string', start, true);
  }

  private quoted(close: string, kind: TokenKind, start: number, national = false): void {
    const line = this.line;
    let text = '';
    let from = this.position + 1;
    for (;;) {
      const end = this.sql.indexOf(close, from);
      if (end < 0) throw this.unclosed(from, line);
      text += this.sql.slice(from, end);
      if (this.sql[end + 1] !== close) {
        this.position = end + 1;
        break;
      }
      text += close;
      from = end + 2;
    }
    this.line += countNewlines(text);
    this.push(kind, text, start, line, national);
  }

  private unclosed(from: number, line: number): SqlErrors {
    const rest = this.sql.slice(from, from + 128);
    const at = { severity: 15, line };
    return new SqlErrors([
      new SqlError(105, `Unclosed quotation mark after the character string '${rest}'.`, at),
      new SqlError(102, `Incorrect syntax near '${rest}'.`, at),
    ]);
  }

  private binary(): void {
    const start = this.position;
    this.position += 2;
    while (/[0-9a-fA-F]/.test(this.sql[this.position] ?? '')) this.position++;
    this.push('binary', this.sql.slice(start + 2, this.position), start, this.line);
  }

  private number(start: number): void {
    const match = /^\$?(\d+(\.\d*)?|\.\d*)([eE][+-]?\d*)?/.exec(this.sql.slice(start, start + 400));
    const text = match?.[0] ?? '';
    this.position = start + Math.max(text.length, 1);
    this.push('number', text, start, this.line);
  }

  private variable(): void {
    const start = this.position;
    this.position++;
    this.skipIdentifierPart();
    this.push('variable', this.sql.slice(start, this.position), start, this.line);
  }

  private word(): void {
    const start = this.position;
    this.skipIdentifierPart();
    this.push('identifier', this.sql.slice(start, this.position), start, this.line);
  }

  private skipIdentifierPart(): void {
    while (this.position < this.sql.length) {
      const point = this.codePoint();
      if (!IDENTIFIER_PART.test(point)) return;
      this.position += point.length;
    }
  }

  private symbol(): void {
    const start = this.position;
    const two = this.sql.slice(start, start + 2);
    const text = LONG_SYMBOLS.includes(two) ? two : this.codePoint();
    if (text.length === 1 && !SYMBOLS.includes(text)) throw this.strange(text);
    if (text.length === 2 && !LONG_SYMBOLS.includes(text)) throw this.strange(text);
    this.position += text.length;
    this.push('symbol', text, start, this.line);
  }

  private strange(text: string): SqlError {
    return new SqlError(102, `Incorrect syntax near '${text}'.`, { severity: 15, line: this.line });
  }

  private push(kind: TokenKind, text: string, offset: number, line: number, national = false): void {
    const keyword = kind === 'identifier' ? text.toUpperCase() : '';
    const token = { kind, text, keyword, offset, end: this.position, line };
    this.tokens.push(national ? { ...token, national } : token);
  }
}

const isDigit = (char: string): boolean => char >= '0' && char <= '9';

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
