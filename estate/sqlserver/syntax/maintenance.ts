/** KILL, DBCC, RECONFIGURE, CHECKPOINT, SHUTDOWN. */
import type { TokenCursor } from '../../sql/host';
import type { DbccArgument, Statement } from './ast';
import { integer, list, name } from './reader';

const dbccCommands = new Set([
  'TRACEON',
  'TRACEOFF',
  'TRACESTATUS',
  'SQLPERF',
  'OPENTRAN',
  'LOGINFO',
  'CHECKDB',
  'SHRINKFILE',
  'SHRINKDATABASE',
  'USEROPTIONS',
  'FREEPROCCACHE',
  'DROPCLEANBUFFERS',
  'INPUTBUFFER',
]);

const dbccArgument = (cursor: TokenCursor): DbccArgument => {
  const token = cursor.peek();
  if (token.kind === 'variable') return { expression: cursor.expression() };
  if (cursor.accept('-')) return -integer(cursor);
  if (token.kind === 'number') return integer(cursor);
  if (token.kind === 'string') {
    cursor.next();
    return token.text;
  }
  return name(cursor);
};

/** After DBCC. An unknown command is refused where it stands, as the product does (2526 needs the same token). */
export const dbcc = (cursor: TokenCursor, line: number): Statement => {
  const command = cursor.peek();
  if (!dbccCommands.has(command.keyword)) return cursor.fail(command);
  cursor.next();
  let args: DbccArgument[] = [];
  if (cursor.accept('(')) {
    if (!cursor.accept(')')) {
      args = list(cursor, () => dbccArgument(cursor));
      cursor.expect(')');
    }
  }
  const options = cursor.accept('WITH') ? list(cursor, () => name(cursor).toUpperCase()) : [];
  return { kind: 'dbcc', command: command.keyword, arguments: args, options, line };
};

/** After KILL. */
export const kill = (cursor: TokenCursor, line: number): Statement => {
  const spid = integer(cursor);
  const statusOnly = cursor.accept('WITH', 'STATUSONLY');
  return { kind: 'kill', spid, statusOnly, line };
};

/** After RECONFIGURE. */
export const reconfigure = (cursor: TokenCursor, line: number): Statement => ({
  kind: 'reconfigure',
  override: cursor.accept('WITH', 'OVERRIDE'),
  line,
});

/** After CHECKPOINT; a duration may follow. */
export const checkpoint = (cursor: TokenCursor, line: number): Statement => {
  if (cursor.peek().kind === 'number') integer(cursor);
  return { kind: 'checkpoint', line };
};

/** After SHUTDOWN. */
export const shutdown = (cursor: TokenCursor, line: number): Statement => ({
  kind: 'shutdown',
  noWait: cursor.accept('WITH', 'NOWAIT'),
  line,
});
