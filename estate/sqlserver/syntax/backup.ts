/** BACKUP and RESTORE, with the options that administrators and tools write. */
import type { TokenCursor } from '../../sql/host';
import type { BackupDevice, BackupOptions, RestoreOptions, Statement } from './ast';
import { integer, keywordAt, list, literal, name, nameOrVariable, oneOf, text } from './reader';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const device = (cursor: TokenCursor): BackupDevice => {
  const type = keywordAt(cursor);
  if ((type === 'DISK' || type === 'URL' || type === 'TAPE') && cursor.peek(1).text === '=') {
    cursor.next();
    cursor.next();
    return { type, path: text(cursor) };
  }
  return { type: 'LOGICAL', path: nameOrVariable(cursor) };
};

/** Options that change nothing in the simulation but must parse. */
const plainOptions = new Set([
  'NOFORMAT',
  'NOINIT',
  'SKIP',
  'NOSKIP',
  'REWIND',
  'NOREWIND',
  'UNLOAD',
  'NOUNLOAD',
  'NO_COMPRESSION',
  'NO_CHECKSUM',
  'STOP_ON_ERROR',
  'CONTINUE_AFTER_ERROR',
  'RESTART',
  'NO_LOG',
]);

const numericOptions = new Set(['BLOCKSIZE', 'BUFFERCOUNT', 'MAXTRANSFERSIZE', 'RETAINDAYS']);

const percent = (cursor: TokenCursor): number => (cursor.accept('=') ? integer(cursor) : 10);

const backupOption = (cursor: TokenCursor, options: Mutable<BackupOptions>): void => {
  const token = cursor.peek();
  const word = token.keyword;
  if (plainOptions.has(word)) {
    cursor.next();
    return;
  }
  if (numericOptions.has(word)) {
    cursor.next();
    cursor.expect('=');
    integer(cursor);
    return;
  }
  switch (word) {
    case 'COPY_ONLY':
      options.copyOnly = true;
      break;
    case 'COMPRESSION':
      cursor.next();
      options.compression = true;
      if (cursor.accept('(', 'ALGORITHM', '=')) {
        oneOf(cursor, 'MS_XPRESS', 'QAT_DEFLATE', 'ZSTD');
        cursor.expect(')');
      }
      return;
    case 'CHECKSUM':
      options.checksum = true;
      break;
    case 'DIFFERENTIAL':
      options.differential = true;
      break;
    case 'NORECOVERY':
      options.noRecovery = true;
      break;
    case 'NO_TRUNCATE':
      options.noTruncate = true;
      break;
    case 'INIT':
      options.init = true;
      break;
    case 'FORMAT':
      options.format = true;
      break;
    case 'STATS':
      cursor.next();
      options.stats = percent(cursor);
      return;
    case 'NAME':
    case 'DESCRIPTION':
    case 'MEDIANAME':
    case 'MEDIADESCRIPTION':
    case 'EXPIREDATE':
    case 'CREDENTIAL':
      cursor.next();
      cursor.expect('=');
      labelledText(cursor, word, options);
      return;
    default:
      cursor.fail(token);
  }
  cursor.next();
};

const labelledText = (cursor: TokenCursor, word: string, options: Mutable<BackupOptions>): void => {
  const value = text(cursor);
  if (word === 'NAME') options.name = value;
  if (word === 'DESCRIPTION') options.description = value;
  if (word === 'MEDIANAME') options.mediaName = value;
};

const backupOptions = (cursor: TokenCursor): BackupOptions => {
  const options: Mutable<BackupOptions> = {
    copyOnly: false,
    compression: false,
    checksum: false,
    differential: false,
    noRecovery: false,
    noTruncate: false,
    init: false,
    format: false,
  };
  if (cursor.accept('WITH')) list(cursor, () => backupOption(cursor, options));
  return options;
};

const privateKeyClause = (cursor: TokenCursor): string => {
  cursor.expect('(', 'FILE', '=');
  const path = literal(cursor);
  while (cursor.accept(',')) {
    oneOf(cursor, 'ENCRYPTION', 'DECRYPTION');
    cursor.expect('BY', 'PASSWORD', '=');
    literal(cursor);
  }
  cursor.expect(')');
  return path;
};

/** BACKUP CERTIFICATE c TO FILE = '..' WITH PRIVATE KEY (FILE = '..', ENCRYPTION BY PASSWORD = '..') */
const backupCertificate = (cursor: TokenCursor, line: number): Statement => {
  const certificate = name(cursor);
  cursor.expect('TO', 'FILE', '=');
  const path = literal(cursor);
  if (!cursor.accept('WITH', 'PRIVATE', 'KEY')) {
    return { kind: 'backup-certificate', name: certificate, path, line };
  }
  return {
    kind: 'backup-certificate',
    name: certificate,
    path,
    privateKeyPath: privateKeyClause(cursor),
    line,
  };
};

const backupMasterKey = (cursor: TokenCursor, line: number): Statement => {
  cursor.expect('TO', 'FILE', '=');
  const path = literal(cursor);
  cursor.expect('ENCRYPTION', 'BY', 'PASSWORD', '=');
  literal(cursor);
  return { kind: 'backup-master-key', path, line };
};

/** After BACKUP. */
export const backup = (cursor: TokenCursor, line: number): Statement => {
  if (cursor.accept('CERTIFICATE')) return backupCertificate(cursor, line);
  if (cursor.accept('MASTER', 'KEY')) return backupMasterKey(cursor, line);
  const what = oneOf(cursor, 'DATABASE', 'LOG');
  const database = nameOrVariable(cursor);
  cursor.expect('TO');
  const devices = list(cursor, () => device(cursor));
  return { kind: 'backup', what, database, devices, options: backupOptions(cursor), line };
};

const restoreOption = (
  cursor: TokenCursor,
  options: Mutable<RestoreOptions> & { moves: RestoreOptions['moves'][number][] },
): void => {
  const token = cursor.peek();
  const word = token.keyword;
  if (
    plainOptions.has(word) ||
    word === 'CHECKSUM' ||
    word === 'KEEP_REPLICATION' ||
    word === 'RESTRICTED_USER'
  ) {
    cursor.next();
    return;
  }
  if (numericOptions.has(word)) {
    cursor.next();
    cursor.expect('=');
    integer(cursor);
    return;
  }
  switch (word) {
    case 'RECOVERY':
    case 'NORECOVERY':
      cursor.next();
      options.recovery = word;
      return;
    case 'STANDBY':
      cursor.next();
      cursor.expect('=');
      text(cursor);
      options.recovery = 'STANDBY';
      return;
    case 'REPLACE':
      cursor.next();
      options.replace = true;
      return;
    case 'STATS':
      cursor.next();
      options.stats = percent(cursor);
      return;
    case 'FILE':
      cursor.next();
      cursor.expect('=');
      options.file = integer(cursor);
      return;
    case 'MOVE': {
      cursor.next();
      const logicalName = text(cursor);
      cursor.expect('TO');
      options.moves.push({ logicalName, path: text(cursor) });
      return;
    }
    case 'STOPAT':
    case 'CREDENTIAL':
    case 'MEDIANAME':
      cursor.next();
      cursor.expect('=');
      text(cursor);
      return;
    default:
      cursor.fail(token);
  }
};

const restoreOptions = (cursor: TokenCursor): RestoreOptions => {
  const options: Mutable<RestoreOptions> & { moves: RestoreOptions['moves'][number][] } = {
    recovery: 'RECOVERY',
    replace: false,
    moves: [],
  };
  if (cursor.accept('WITH')) list(cursor, () => restoreOption(cursor, options));
  return options;
};

/** After RESTORE. */
export const restore = (cursor: TokenCursor, line: number): Statement => {
  const what = oneOf(cursor, 'DATABASE', 'LOG', 'VERIFYONLY', 'HEADERONLY', 'FILELISTONLY', 'LABELONLY');
  if (what !== 'DATABASE' && what !== 'LOG') {
    cursor.expect('FROM');
    const devices = list(cursor, () => device(cursor));
    restoreOptions(cursor);
    return { kind: 'inspect-backup', what, devices, line };
  }
  const database = nameOrVariable(cursor);
  const devices = cursor.accept('FROM') ? list(cursor, () => device(cursor)) : [];
  return { kind: 'restore', what, database, devices, options: restoreOptions(cursor), line };
};
