import { SqlError } from '../errors';
import type { ObjectName, Token, TokenCursor } from '../host';
import { RESERVED, STATEMENT_STARTS } from './keywords';

/** Deeper nesting than this is refused with error 191, long before the JavaScript stack is at its end. */
const MAXIMUM_DEPTH = 250;

const END: Token = { kind: 'end', text: '', keyword: '', offset: 0, end: 0, line: 1 };

/** Position in the tokens of one batch. */
export class Cursor implements TokenCursor {
  private position = 0;
  private depth = 0;

  /** @param parseExpression parses one expression at this cursor; the host's statements contain expressions too. */
  constructor(
    private readonly tokens: readonly Token[],
    readonly source: string,
    private readonly parseExpression: (cursor: Cursor) => unknown,
  ) {}

  peek(ahead = 0): Token {
    return this.tokens[this.position + ahead] ?? this.tokens[this.tokens.length - 1] ?? END;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.position++;
    return token;
  }

  /** True when the next tokens are these keywords or symbols; consumes nothing. */
  at(...words: readonly string[]): boolean {
    return words.every((word, index) => matches(this.peek(index), word));
  }

  accept(...words: readonly string[]): boolean {
    if (!this.at(...words)) return false;
    this.position += words.length;
    return true;
  }

  expect(...words: readonly string[]): void {
    for (const word of words) {
      if (!matches(this.peek(), word)) this.fail();
      this.position++;
    }
  }

  atIdentifier(): boolean {
    const token = this.peek();
    if (token.kind === 'quoted-identifier') return true;
    return token.kind === 'identifier' && !RESERVED.has(token.keyword);
  }

  identifier(): string {
    if (!this.atIdentifier()) this.fail();
    const token = this.next();
    if (token.text.length > 128) {
      const start = token.text.slice(0, 128);
      throw new SqlError(
        103,
        `The identifier that starts with '${start}' is too long. Maximum length is 128.`,
        { severity: 15, state: 4, line: token.line },
      );
    }
    if (token.text === '') {
      const text =
        'An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name. ' +
        'For other statements, look for empty alias names. Aliases defined as "" or [] are not allowed. Change the alias to a valid name.';
      throw new SqlError(1038, text, { severity: 15, state: 4, line: token.line });
    }
    return token.text;
  }

  /** One to four parts; `a..b` leaves the schema out. */
  objectName(): ObjectName {
    const parts: (string | undefined)[] = [this.identifier()];
    while (this.accept('.')) {
      if (parts.length === 4) this.fail();
      parts.push(this.at('.') ? undefined : this.identifier());
    }
    return nameFromParts(parts);
  }

  expression(): unknown {
    return this.parseExpression(this);
  }

  fail(token: Token = this.peek()): never {
    if (token.kind === 'end') {
      const last = this.tokens[this.tokens.length - 2];
      throw syntaxError(102, last?.text ?? '', last?.line ?? 1);
    }
    if (token.kind === 'identifier' && RESERVED.has(token.keyword)) {
      throw syntaxError(156, token.text, token.line);
    }
    throw syntaxError(102, token.text, token.line);
  }

  atStatementEnd(): boolean {
    const token = this.peek();
    if (token.kind === 'end') return true;
    if (token.kind === 'symbol') return token.text === ';';
    return token.kind === 'identifier' && STATEMENT_STARTS.has(token.keyword);
  }

  mark(): number {
    return this.position;
  }

  rewind(mark: number): void {
    this.position = mark;
  }

  /** Source text between two marks, for what is stored as text (DEFAULT expressions). */
  textBetween(from: number, to: number): string {
    const first = this.tokens[from];
    const last = this.tokens[to - 1];
    return first === undefined || last === undefined ? '' : this.source.slice(first.offset, last.end);
  }

  /** Runs a nested parse and refuses nesting without measure. */
  nested<T>(parse: () => T): T {
    if (++this.depth > MAXIMUM_DEPTH) {
      throw new SqlError(
        191,
        'Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.',
        { severity: 15, line: this.peek().line },
      );
    }
    try {
      return parse();
    } finally {
      this.depth--;
    }
  }
}

function matches(token: Token, word: string): boolean {
  if (token.kind === 'symbol') return token.text === word;
  return token.kind === 'identifier' && token.keyword === word.toUpperCase();
}

function syntaxError(number: 102 | 156, text: string, line: number): SqlError {
  const near = number === 156 ? `the keyword '${text}'` : `'${text}'`;
  return new SqlError(number, `Incorrect syntax near ${near}.`, { severity: 15, line });
}

export function nameFromParts(parts: readonly (string | undefined)[]): ObjectName {
  const [object = '', schema, database, server] = [...parts].reverse();
  return {
    ...(server === undefined ? {} : { server }),
    ...(database === undefined ? {} : { database }),
    ...(schema === undefined ? {} : { schema }),
    object,
  };
}

/** The name as error messages show it. */
export function formatName(name: ObjectName): string {
  const parts = [name.server, name.database, name.schema, name.object];
  const first = parts.findIndex((part) => part !== undefined);
  return parts
    .slice(first)
    .map((part) => part ?? '')
    .join('.');
}
