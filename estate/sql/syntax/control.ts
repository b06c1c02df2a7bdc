/** Parser of control of flow, variables, options, transactions and EXECUTE. */
import { SqlError } from '../errors';
import type { ObjectName } from '../host';
import type { ExecuteArgument, Expression, Statement } from './ast';
import { type ParseContext, parseStatement } from './batch';
import type { Cursor } from './cursor';
import { parseCondition, parseExpression, parseType } from './expressions';
import { parseSet } from './set-statement';
import { parseTableShape } from './tables';

/**
 * Parses a statement of this group at the cursor.
 * @param implicit name of a procedure already read (EXEC left out).
 * @returns undefined when another statement stands here.
 */
export function parseControl(
  context: ParseContext,
  implicit?: { readonly name: ObjectName; readonly line: number },
): Statement | undefined {
  const { cursor } = context;
  if (implicit !== undefined) return executeProcedure(cursor, implicit.name, implicit.line);
  const { keyword, line } = cursor.peek();
  switch (keyword) {
    case 'DECLARE':
      cursor.next();
      return parseDeclare(cursor, line);
    case 'SET':
      cursor.next();
      return parseSet(cursor, line);
    case 'IF':
      cursor.next();
      return parseIf(context, line);
    case 'WHILE': {
      cursor.next();
      const condition = parseCondition(cursor);
      return { kind: 'while', condition, body: parseInner(context), line };
    }
    case 'BEGIN':
      return parseBegin(context, line);
    case 'BREAK':
      cursor.next();
      return { kind: 'break', line };
    case 'CONTINUE':
      cursor.next();
      return { kind: 'continue', line };
    case 'RETURN':
      cursor.next();
      return cursor.atStatementEnd()
        ? { kind: 'return', line }
        : { kind: 'return', value: parseExpression(cursor), line };
    case 'PRINT':
      cursor.next();
      return { kind: 'print', value: parseExpression(cursor), line };
    case 'RAISERROR':
      cursor.next();
      return parseRaiserror(cursor, line);
    case 'THROW':
      cursor.next();
      return parseThrow(cursor, line);
    case 'WAITFOR':
      cursor.next();
      return parseWaitfor(cursor, line);
    case 'EXEC':
    case 'EXECUTE':
      cursor.next();
      return parseExecute(cursor, line);
    case 'USE':
      cursor.next();
      return { kind: 'use', database: cursor.identifier(), line };
    case 'COMMIT':
      cursor.next();
      acceptTransactionWord(cursor);
      return { kind: 'commit', line };
    case 'ROLLBACK':
      cursor.next();
      return { kind: 'rollback', ...acceptTransactionWord(cursor), line };
    case 'SAVE':
      return parseSave(cursor, line);
    default:
      return undefined;
  }
}

function parseInner(context: ParseContext): Statement {
  context.first = false;
  return parseStatement(context);
}

function parseDeclare(cursor: Cursor, line: number): Statement {
  const variables: { name: string; type: ReturnType<typeof parseType>; value?: Expression }[] = [];
  do {
    const token = cursor.next();
    if (token.kind !== 'variable') cursor.fail(token);
    const name = token.text.slice(1).toLowerCase();
    cursor.accept('AS');
    if (cursor.accept('TABLE')) return { kind: 'declare-table', name, shape: parseTableShape(cursor), line };
    if (cursor.at('CURSOR')) {
      throw new SqlError(
        40510,
        "Statement 'DECLARE CURSOR' is not supported in this version of SQL Server.",
        { line },
      );
    }
    const type = parseType(cursor);
    const value = cursor.accept('=') ? parseExpression(cursor) : undefined;
    variables.push(value === undefined ? { name, type } : { name, type, value });
  } while (cursor.accept(','));
  return { kind: 'declare', variables, line };
}

function parseIf(context: ParseContext, line: number): Statement {
  const { cursor } = context;
  const condition = parseCondition(cursor);
  const consequence = parseInner(context);
  if (!cursor.accept('ELSE')) return { kind: 'if', condition, consequence, line };
  return { kind: 'if', condition, consequence, otherwise: parseInner(context), line };
}

function parseBegin(context: ParseContext, line: number): Statement {
  const { cursor } = context;
  if (cursor.accept('BEGIN', 'TRY')) return parseTry(context, line);
  if (cursor.accept('BEGIN', 'TRANSACTION') || cursor.accept('BEGIN', 'TRAN'))
    return parseBeginTransaction(cursor, line);
  if (cursor.accept('BEGIN', 'DISTRIBUTED')) {
    throw new SqlError(
      40510,
      "Statement 'BEGIN DISTRIBUTED TRANSACTION' is not supported in this version of SQL Server.",
      { line },
    );
  }
  cursor.expect('BEGIN');
  const statements = parseUntilEnd(context);
  cursor.expect('END');
  if (statements.length === 0) cursor.fail();
  return { kind: 'block', statements, line };
}

function parseUntilEnd(context: ParseContext): Statement[] {
  const { cursor } = context;
  const statements: Statement[] = [];
  while (!cursor.at('END')) {
    if (cursor.accept(';')) continue;
    if (cursor.peek().kind === 'end') cursor.fail();
    statements.push(parseInner(context));
  }
  return statements;
}

function parseTry(context: ParseContext, line: number): Statement {
  const { cursor } = context;
  const body = parseUntilEnd(context);
  cursor.expect('END', 'TRY');
  cursor.accept(';');
  cursor.expect('BEGIN', 'CATCH');
  const handler = parseUntilEnd(context);
  cursor.expect('END', 'CATCH');
  return { kind: 'try', body, handler, line };
}

type TransactionName = string | { readonly variable: string };

function parseBeginTransaction(cursor: Cursor, line: number): Statement {
  const name = acceptName(cursor);
  if (cursor.accept('WITH', 'MARK') && cursor.peek().kind === 'string') cursor.next();
  return name === undefined ? { kind: 'begin-transaction', line } : { kind: 'begin-transaction', name, line };
}

function acceptTransactionWord(cursor: Cursor): { name?: TransactionName } {
  if (cursor.accept('WORK')) return {};
  if (!cursor.accept('TRANSACTION') && !cursor.accept('TRAN')) return {};
  const name = acceptName(cursor);
  if (cursor.at('WITH', '(', 'DELAYED_DURABILITY')) {
    cursor.next();
    while (!cursor.accept(')')) cursor.next();
  }
  return name === undefined ? {} : { name };
}

function acceptName(cursor: Cursor): TransactionName | undefined {
  const token = cursor.peek();
  if (token.kind === 'variable') {
    cursor.next();
    return { variable: token.text.slice(1).toLowerCase() };
  }
  if (!cursor.atIdentifier() || token.keyword === 'THROW') return undefined;
  return cursor.identifier();
}

function parseSave(cursor: Cursor, line: number): Statement {
  cursor.next();
  if (!cursor.accept('TRANSACTION')) cursor.expect('TRAN');
  const name = acceptName(cursor);
  return name === undefined ? cursor.fail() : { kind: 'save', name, line };
}

function parseRaiserror(cursor: Cursor, line: number): Statement {
  cursor.expect('(');
  const message = parseExpression(cursor);
  cursor.expect(',');
  const severity = parseExpression(cursor);
  cursor.expect(',');
  const state = parseExpression(cursor);
  const args: Expression[] = [];
  while (cursor.accept(',')) args.push(parseExpression(cursor));
  cursor.expect(')');
  const options: string[] = [];
  if (cursor.accept('WITH')) {
    do options.push(cursor.next().text.toUpperCase());
    while (cursor.accept(','));
  }
  return { kind: 'raiserror', message, severity, state, args, options, line };
}

function parseThrow(cursor: Cursor, line: number): Statement {
  if (cursor.atStatementEnd()) return { kind: 'throw', line };
  const number = parseExpression(cursor);
  cursor.expect(',');
  const message = parseExpression(cursor);
  cursor.expect(',');
  const state = parseExpression(cursor);
  return { kind: 'throw', error: { number, message, state }, line };
}

function parseWaitfor(cursor: Cursor, line: number): Statement {
  if (cursor.accept('DELAY'))
    return { kind: 'waitfor', until: 'delay', value: parseExpression(cursor), line };
  cursor.expect('TIME');
  return { kind: 'waitfor', until: 'time', value: parseExpression(cursor), line };
}

function parseExecute(cursor: Cursor, line: number): Statement {
  if (cursor.accept('(')) return parseExecuteText(cursor, line);
  const token = cursor.peek();
  if (token.kind === 'variable') {
    cursor.next();
    const variable = token.text.slice(1).toLowerCase();
    if (!cursor.accept('=')) return finishExecute(cursor, { variable }, line);
    return finishExecute(cursor, parseProcedureName(cursor), line, variable);
  }
  return finishExecute(cursor, cursor.objectName(), line);
}

function parseProcedureName(cursor: Cursor): ObjectName | { readonly variable: string } {
  const token = cursor.peek();
  if (token.kind !== 'variable') return cursor.objectName();
  cursor.next();
  return { variable: token.text.slice(1).toLowerCase() };
}

function parseExecuteText(cursor: Cursor, line: number): Statement {
  const parts = [parseExpression(cursor)];
  while (cursor.accept(',')) parts.push(parseExpression(cursor));
  cursor.expect(')');
  if (cursor.at('AT')) {
    throw new SqlError(40510, "Statement 'EXECUTE AT' is not supported in this version of SQL Server.", {
      line,
    });
  }
  return { kind: 'execute-text', parts, line };
}

const executeProcedure = (cursor: Cursor, name: ObjectName, line: number): Statement =>
  finishExecute(cursor, name, line);

function finishExecute(
  cursor: Cursor,
  procedure: ObjectName | { readonly variable: string },
  line: number,
  returnVariable?: string,
): Statement {
  const args: ExecuteArgument[] = [];
  if (!cursor.atStatementEnd() && !cursor.at('WITH')) {
    do args.push(parseExecuteArgument(cursor));
    while (cursor.accept(','));
  }
  if (cursor.accept('WITH')) cursor.next();
  return {
    kind: 'execute',
    procedure,
    args,
    line,
    ...(returnVariable === undefined ? {} : { returnVariable }),
  };
}

/** A bare word is a string here: `EXEC sp_helpdb master`. */
function parseExecuteArgument(cursor: Cursor): ExecuteArgument {
  const token = cursor.peek();
  let name: string | undefined;
  if (token.kind === 'variable' && cursor.peek(1).text === '=' && cursor.peek(1).kind === 'symbol') {
    name = token.text.slice(1);
    cursor.next();
    cursor.next();
  }
  const value = parseArgumentValue(cursor);
  const output = cursor.accept('OUTPUT') || cursor.accept('OUT');
  return name === undefined ? { value, output } : { name, value, output };
}

function parseArgumentValue(cursor: Cursor): Expression {
  if (cursor.accept('DEFAULT')) return { kind: 'default' };
  if (cursor.atIdentifier()) {
    const text = cursor.identifier();
    return { kind: 'literal', type: { kind: 'nvarchar', length: 4000 }, value: text };
  }
  return parseExpression(cursor);
}
