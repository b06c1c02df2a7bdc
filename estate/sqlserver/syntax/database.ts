/** CREATE / ALTER / DROP DATABASE. */
import type { TokenCursor } from '../../sql/host';
import type { DatabaseOption, FileClause, HadrAction, Statement, Termination } from './ast';
import { type Dialect, integer, keywordAt, list, literal, name, nameOrLiteral, oneOf, onOff } from './reader';

const unitBytes = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 } as const;

/** `8192KB`, `64MB`: the tokenizer may give number and unit as one token or as two. Default unit is MB. */
const size = (cursor: TokenCursor): number => {
  const token = cursor.peek();
  const glued = /^(\d+)(KB|MB|GB|TB)$/i.exec(token.text);
  if (glued !== null) {
    cursor.next();
    return Number(glued[1]) * unitBytes[(glued[2] ?? 'MB').toUpperCase() as keyof typeof unitBytes];
  }
  const value = integer(cursor);
  const unit = keywordAt(cursor);
  if (unit !== 'KB' && unit !== 'MB' && unit !== 'GB' && unit !== 'TB') return value * unitBytes.MB;
  cursor.next();
  return value * unitBytes[unit];
};

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const fileClause = (cursor: TokenCursor): FileClause => {
  cursor.expect('(', 'NAME', '=');
  const file: Mutable<FileClause> = { logicalName: nameOrLiteral(cursor) };
  while (cursor.accept(',')) fileOption(cursor, file);
  cursor.expect(')');
  return file;
};

const fileOption = (cursor: TokenCursor, file: Mutable<FileClause>): void => {
  if (cursor.accept('OFFLINE')) return;
  const option = oneOf(cursor, 'FILENAME', 'SIZE', 'MAXSIZE', 'FILEGROWTH', 'NEWNAME');
  cursor.expect('=');
  switch (option) {
    case 'FILENAME':
      file.path = literal(cursor);
      return;
    case 'NEWNAME':
      file.newName = nameOrLiteral(cursor);
      return;
    case 'SIZE':
      file.sizeBytes = size(cursor);
      return;
    case 'MAXSIZE':
      file.maxSizeBytes = cursor.accept('UNLIMITED') ? 'UNLIMITED' : size(cursor);
      return;
    case 'FILEGROWTH': {
      if (cursor.peek(1).text === '%') {
        file.growthPercent = integer(cursor);
        cursor.next();
        return;
      }
      file.growthBytes = size(cursor);
    }
  }
};

/** After CREATE DATABASE. */
export const createDatabase = (cursor: TokenCursor, line: number): Statement => {
  const database = name(cursor);
  let data: FileClause[] = [];
  let log: FileClause[] = [];
  if (cursor.accept('CONTAINMENT', '=')) oneOf(cursor, 'NONE', 'PARTIAL');
  if (cursor.accept('ON')) {
    cursor.accept('PRIMARY');
    data = list(cursor, () => fileClause(cursor));
  }
  if (cursor.accept('LOG', 'ON')) log = list(cursor, () => fileClause(cursor));
  const collation = cursor.accept('COLLATE') ? name(cursor) : undefined;
  return {
    kind: 'create-database',
    name: database,
    data,
    log,
    ...(collation === undefined ? {} : { collation }),
    line,
  };
};

/** After DROP DATABASE. */
export const dropDatabase = (cursor: TokenCursor, line: number): Statement => {
  const ifExists = cursor.accept('IF', 'EXISTS');
  return { kind: 'drop-database', names: list(cursor, () => name(cursor)), ifExists, line };
};

const switches = new Set([
  'AUTO_CLOSE',
  'AUTO_SHRINK',
  'AUTO_CREATE_STATISTICS',
  'AUTO_UPDATE_STATISTICS',
  'AUTO_UPDATE_STATISTICS_ASYNC',
  'ALLOW_SNAPSHOT_ISOLATION',
  'READ_COMMITTED_SNAPSHOT',
  'TRUSTWORTHY',
  'DB_CHAINING',
  'ANSI_NULLS',
  'ANSI_NULL_DEFAULT',
  'ANSI_PADDING',
  'ANSI_WARNINGS',
  'ARITHABORT',
  'CONCAT_NULL_YIELDS_NULL',
  'NUMERIC_ROUNDABORT',
  'QUOTED_IDENTIFIER',
  'RECURSIVE_TRIGGERS',
  'CURSOR_CLOSE_ON_COMMIT',
  'DATE_CORRELATION_OPTIMIZATION',
  'HONOR_BROKER_PRIORITY',
  'MIXED_PAGE_ALLOCATION',
  'CHANGE_TRACKING',
  'QUERY_STORE',
]);

const values: Readonly<Record<string, readonly string[]>> = {
  PAGE_VERIFY: ['CHECKSUM', 'TORN_PAGE_DETECTION', 'NONE'],
  CURSOR_DEFAULT: ['GLOBAL', 'LOCAL'],
  PARAMETERIZATION: ['SIMPLE', 'FORCED'],
  CONTAINMENT: ['NONE', 'PARTIAL'],
  DELAYED_DURABILITY: ['DISABLED', 'ALLOWED', 'FORCED'],
};

const takesEquals = new Set(['CONTAINMENT', 'DELAYED_DURABILITY']);

const databaseOption = (cursor: TokenCursor, dialect: Dialect): DatabaseOption => {
  const token = cursor.peek();
  const word = token.keyword;
  if (cursor.accept('RECOVERY')) {
    return { kind: 'recovery', model: oneOf(cursor, 'FULL', 'SIMPLE', 'BULK_LOGGED') };
  }
  if (word === 'SINGLE_USER' || word === 'RESTRICTED_USER' || word === 'MULTI_USER') {
    cursor.next();
    return { kind: 'access', access: word };
  }
  if (word === 'ONLINE' || word === 'OFFLINE' || word === 'EMERGENCY') {
    cursor.next();
    return { kind: 'state', state: word };
  }
  if (word === 'READ_ONLY' || word === 'READ_WRITE') {
    cursor.next();
    return { kind: 'updatability', readOnly: word === 'READ_ONLY' };
  }
  if (word === 'ENABLE_BROKER' || word === 'DISABLE_BROKER' || word === 'NEW_BROKER') {
    cursor.next();
    return { kind: 'broker', mode: word };
  }
  if (cursor.accept('COMPATIBILITY_LEVEL', '=')) {
    return { kind: 'compatibility', level: integer(cursor) };
  }
  if (cursor.accept('ENCRYPTION')) return { kind: 'encryption', on: onOff(cursor) };
  if (dialect.major >= 15 && cursor.accept('ACCELERATED_DATABASE_RECOVERY', '=')) return adrOption(cursor);
  if (cursor.accept('TARGET_RECOVERY_TIME', '=')) {
    const seconds = integer(cursor) * (oneOf(cursor, 'SECONDS', 'MINUTES') === 'MINUTES' ? 60 : 1);
    return { kind: 'value', name: 'TARGET_RECOVERY_TIME', value: String(seconds) };
  }
  if (switches.has(word)) {
    cursor.next();
    cursor.accept('=');
    return { kind: 'switch', name: word, on: onOff(cursor) };
  }
  const allowed = values[word];
  if (allowed === undefined) return cursor.fail(token);
  cursor.next();
  if (takesEquals.has(word)) cursor.expect('=');
  return { kind: 'value', name: word, value: oneOf(cursor, ...allowed) };
};

const adrOption = (cursor: TokenCursor): DatabaseOption => {
  const on = onOff(cursor);
  if (!cursor.accept('(', 'PERSISTENT_VERSION_STORE_FILEGROUP', '=')) return { kind: 'adr', on };
  const filegroup = name(cursor);
  cursor.expect(')');
  return { kind: 'adr', on, filegroup };
};

const termination = (cursor: TokenCursor): Termination | undefined => {
  if (!cursor.accept('WITH')) return undefined;
  if (cursor.accept('NO_WAIT')) return { kind: 'no-wait' };
  cursor.expect('ROLLBACK');
  if (cursor.accept('IMMEDIATE')) return { kind: 'immediate' };
  cursor.expect('AFTER');
  const seconds = integer(cursor);
  cursor.accept('SECONDS');
  return { kind: 'after', seconds };
};

const hadrAction = (cursor: TokenCursor): HadrAction => {
  if (cursor.accept('AVAILABILITY', 'GROUP', '=')) return { kind: 'join', group: name(cursor) };
  switch (oneOf(cursor, 'OFF', 'SUSPEND', 'RESUME')) {
    case 'OFF':
      return { kind: 'off' };
    case 'SUSPEND':
      return { kind: 'suspend' };
    case 'RESUME':
      return { kind: 'resume' };
  }
};

const addClause = (cursor: TokenCursor, database: string | undefined, line: number): Statement => {
  if (cursor.accept('FILEGROUP')) {
    const filegroup = name(cursor);
    if (!cursor.accept('CONTAINS')) return { kind: 'alter-database-filegroup', database, filegroup, line };
    const contains = oneOf(cursor, 'FILESTREAM', 'MEMORY_OPTIMIZED_DATA');
    return { kind: 'alter-database-filegroup', database, filegroup, contains, line };
  }
  const log = cursor.accept('LOG');
  cursor.expect('FILE');
  const file = fileClause(cursor);
  const filegroup = !log && cursor.accept('TO', 'FILEGROUP') ? name(cursor) : undefined;
  return {
    kind: 'alter-database-files',
    database,
    action: log ? 'add-log' : 'add-file',
    file,
    ...(filegroup === undefined ? {} : { filegroup }),
    line,
  };
};

/** After ALTER DATABASE. */
export const alterDatabase = (cursor: TokenCursor, dialect: Dialect, line: number): Statement => {
  const current = keywordAt(cursor) === 'CURRENT';
  const database = current ? undefined : name(cursor);
  if (current) cursor.next();
  if (cursor.accept('ADD')) return addClause(cursor, database, line);
  if (cursor.accept('MODIFY', 'FILE')) {
    return { kind: 'alter-database-files', database, action: 'modify', file: fileClause(cursor), line };
  }
  if (cursor.accept('MODIFY', 'NAME', '=')) {
    if (database === undefined) return cursor.fail();
    return { kind: 'rename-database', database, newName: name(cursor), line };
  }
  if (cursor.accept('REMOVE', 'FILEGROUP')) {
    return { kind: 'alter-database-filegroup', database, filegroup: name(cursor), remove: true, line };
  }
  if (cursor.accept('REMOVE', 'FILE')) {
    return {
      kind: 'alter-database-files',
      database,
      action: 'remove',
      file: { logicalName: nameOrLiteral(cursor) },
      line,
    };
  }
  cursor.expect('SET');
  if (database !== undefined && cursor.accept('HADR')) {
    return { kind: 'alter-database-hadr', database, action: hadrAction(cursor), line };
  }
  const options = list(cursor, () => databaseOption(cursor, dialect));
  const end = termination(cursor);
  return {
    kind: 'alter-database-set',
    database,
    options,
    ...(end === undefined ? {} : { termination: end }),
    line,
  };
};
