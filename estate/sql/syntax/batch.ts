/** Parser of a whole batch: every statement is parsed before the first one runs, as SQL Server does. */
import { SqlError } from '../errors';
import type { SqlHost } from '../host';
import type { Batch, Statement } from './ast';
import { parseControl } from './control';
import { Cursor } from './cursor';
import { parseData } from './data';
import { parseExpression } from './expressions';
import { tokenize } from './tokenizer';

export type HostParser = Pick<SqlHost, 'parseStatement'>;

/** What a statement parser needs beyond the cursor. */
export interface ParseContext {
  readonly cursor: Cursor;
  readonly host: HostParser;
  /** Set when the host parsed a part of the batch. */
  administrative: boolean;
  /** True for the very first statement, where EXEC may be left out. */
  first: boolean;
}

/**
 * Parses a batch.
 * @throws SqlError 102, 105, 113, 156, 191 ... Nothing of the batch may run then.
 */
export function parseBatch(sql: string, host: HostParser): Batch {
  const cursor = new Cursor(tokenize(sql), sql, parseExpression);
  const context: ParseContext = { cursor, host, administrative: false, first: true };
  const statements: Statement[] = [];
  while (cursor.peek().kind !== 'end') {
    if (cursor.accept(';')) continue;
    statements.push(parseStatement(context));
    context.first = false;
  }
  return { statements, administrative: context.administrative };
}

export function parseStatement(context: ParseContext): Statement {
  const { cursor } = context;
  return cursor.nested(() => {
    const statement =
      parseControl(context) ??
      parseData(context) ??
      parseAdministrative(context) ??
      parseImplicitExecute(context);
    cursor.accept(';');
    return statement;
  });
}

function parseAdministrative(context: ParseContext): Statement | undefined {
  const { cursor, host } = context;
  const { line } = cursor.peek();
  const mark = cursor.mark();
  const statement = host.parseStatement(cursor);
  if (statement === undefined) {
    cursor.rewind(mark);
    return parseRefused(context);
  }
  context.administrative = true;
  return { kind: 'administrative', statement, line };
}

const REFUSED_OBJECTS = [
  'VIEW',
  'PROCEDURE',
  'PROC',
  'FUNCTION',
  'TRIGGER',
  'SCHEMA',
  'TYPE',
  'SEQUENCE',
  'SYNONYM',
];
const REFUSED_VERBS = ['MERGE', 'GOTO', 'FETCH', 'OPEN', 'CLOSE', 'DEALLOCATE'];

/** Statements of T-SQL that the estate does not run: refused by name, so that nobody takes it for a typing error. */
function parseRefused(context: ParseContext): Statement | undefined {
  const { cursor } = context;
  const { line, keyword } = cursor.peek();
  const object = cursor.peek(1).keyword;
  const ddl = keyword === 'CREATE' || keyword === 'ALTER' || keyword === 'DROP';
  if (ddl && REFUSED_OBJECTS.includes(object)) return refuse(context, `${keyword} ${object}`, line);
  if (REFUSED_VERBS.includes(keyword)) return refuse(context, keyword, line);
  return undefined;
}

/** The refused statement's own text is skipped to the end of the batch: its grammar is unknown here. */
function refuse(context: ParseContext, what: string, line: number): Statement {
  while (context.cursor.peek().kind !== 'end') context.cursor.next();
  const text = `Statement '${what}' is not supported in this version of SQL Server.`;
  return { kind: 'refused', error: new SqlError(40510, text, { line }), line };
}

/** `sp_who` alone: EXEC may be left out in the first statement of a batch. */
function parseImplicitExecute(context: ParseContext): Statement {
  const { cursor } = context;
  if (!context.first || !cursor.atIdentifier()) cursor.fail();
  const token = cursor.peek();
  const name = cursor.objectName();
  const end = cursor.peek();
  if (end.kind === 'symbol' && end.text !== ';' && end.text !== '-') cursor.fail(end);
  if (end.kind === 'identifier' && cursor.peek(1).kind !== 'end' && !cursor.at('DEFAULT')) cursor.fail(token);
  const control = parseControl(context, { name, line: token.line });
  return control ?? cursor.fail(token);
}
