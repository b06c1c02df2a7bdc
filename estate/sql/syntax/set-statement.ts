import type { Expression, Statement } from './ast';
import type { Cursor } from './cursor';
import { parseExpression } from './expressions';
import { assignmentOperator } from './queries';

/** Options that take ON or OFF, several with commas. */
const SWITCHES = new Set(
  `NOCOUNT XACT_ABORT ANSI_NULLS ANSI_PADDING ANSI_WARNINGS ANSI_DEFAULTS ANSI_NULL_DFLT_ON ANSI_NULL_DFLT_OFF ARITHABORT
  ARITHIGNORE CONCAT_NULL_YIELDS_NULL CURSOR_CLOSE_ON_COMMIT FMTONLY FORCEPLAN IMPLICIT_TRANSACTIONS NOEXEC
  NUMERIC_ROUNDABORT PARSEONLY QUOTED_IDENTIFIER REMOTE_PROC_TRANSACTIONS SHOWPLAN_ALL SHOWPLAN_TEXT SHOWPLAN_XML`
    .trim()
    .split(/\s+/),
);
const VALUED = new Set(
  'LOCK_TIMEOUT TEXTSIZE DEADLOCK_PRIORITY LANGUAGE DATEFORMAT DATEFIRST ROWCOUNT CONTEXT_INFO QUERY_GOVERNOR_COST_LIMIT'.split(
    ' ',
  ),
);

/** Parses what follows SET. */
export function parseSet(cursor: Cursor, line: number): Statement {
  const token = cursor.peek();
  if (token.kind === 'variable') return parseSetVariable(cursor, line);
  if (cursor.accept('TRANSACTION', 'ISOLATION', 'LEVEL')) return parseIsolation(cursor, line);
  if (cursor.accept('STATISTICS')) {
    do cursor.next();
    while (cursor.accept(','));
    return { kind: 'set-option', names: ['STATISTICS'], value: onOrOff(cursor), line };
  }
  if (cursor.accept('IDENTITY_INSERT')) {
    const table = cursor.objectName();
    return { kind: 'set-option', names: ['IDENTITY_INSERT'], table, value: onOrOff(cursor), line };
  }
  if (VALUED.has(token.keyword)) return parseValued(cursor, line);
  const names: string[] = [];
  do {
    const { keyword } = cursor.next();
    if (!SWITCHES.has(keyword)) cursor.fail(token);
    names.push(keyword);
  } while (cursor.accept(','));
  return { kind: 'set-option', names, value: onOrOff(cursor), line };
}

function onOrOff(cursor: Cursor): 'ON' | 'OFF' {
  if (cursor.accept('ON')) return 'ON';
  cursor.expect('OFF');
  return 'OFF';
}

function parseSetVariable(cursor: Cursor, line: number): Statement {
  const token = cursor.next();
  const compound = assignmentOperator(cursor.peek().text);
  if (compound === undefined || token.text.startsWith('@@')) cursor.fail();
  cursor.next();
  const name = token.text.slice(1).toLowerCase();
  const value = parseExpression(cursor);
  return compound === '='
    ? { kind: 'set-variable', name, value, line }
    : { kind: 'set-variable', name, operator: compound, value, line };
}

const LEVELS = [
  ['READ', 'UNCOMMITTED'],
  ['READ', 'COMMITTED'],
  ['REPEATABLE', 'READ'],
  ['SNAPSHOT'],
  ['SERIALIZABLE'],
];

function parseIsolation(cursor: Cursor, line: number): Statement {
  const level = LEVELS.find((words) => cursor.accept(...words));
  if (level === undefined) cursor.fail();
  return { kind: 'set-option', names: ['TRANSACTION ISOLATION LEVEL'], value: level.join(' '), line };
}

function parseValued(cursor: Cursor, line: number): Statement {
  const names = [cursor.next().keyword];
  const token = cursor.peek();
  let value: string | Expression;
  if (token.kind === 'identifier') value = cursor.next().text;
  else value = parseExpression(cursor);
  return { kind: 'set-option', names, value, line };
}
