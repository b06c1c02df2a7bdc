import type { Statement } from '../model/statement';
import { quoteIdentifier, quoteLiteral } from './quote';
import { lines, statement } from './statement';

export interface LogBackup {
  readonly database: string;
  /** Path on the server, or an http(s) URL for BACKUP TO URL. */
  readonly path: string;
  /** The path as `plan` shows it, with `<time>` where the run puts the time. */
  readonly displayPath: string;
  /** Backup set name. */
  readonly name: string;
  readonly compression: boolean;
}

/**
 * BACKUP LOG in the form that the link's best practices give. STATS = 5 makes the server send a sign of life every
 * five percent. Options of media sets are left out for a URL, which has none ("SQL Server backup to URL", supported
 * arguments).
 */
export function backupLog(backup: LogBackup): Statement {
  const toUrl = /^https?:\/\//i.test(backup.path);
  const options = [
    ...(toUrl ? [] : ['NOFORMAT', 'NOINIT']),
    `NAME = ${quoteLiteral(backup.name)}`,
    ...(toUrl ? [] : ['SKIP', 'NOREWIND', 'NOUNLOAD']),
    backup.compression ? 'COMPRESSION' : 'NO_COMPRESSION',
    'STATS = 5',
  ].join(', ');
  const text = (path: string): string =>
    lines(
      `BACKUP LOG ${quoteIdentifier(backup.database)}`,
      `    TO ${toUrl ? 'URL' : 'DISK'} = ${quoteLiteral(path)}`,
      `    WITH ${options};`,
    );
  return statement('backup-log', text(backup.path), { display: text(backup.displayPath) });
}
