/** The log backups of a database, by the backup history of its server, which all links of the server share. */
import { sameName } from '../../rules/names';
import { type BackupRow, readBackups, readRecentLogBackups } from '../../tsql/queries/backups';
import { type Observing, serverKey } from './observing';

/**
 * @param maxAgeMs how old a shared answer may be, milliseconds
 * @returns log backups by anybody, newest first; where none is recent, whatever backups there are
 */
export async function logBackups(
  { ports, spec, snapshots }: Observing,
  maxAgeMs: number,
): Promise<readonly BackupRow[]> {
  const { database } = spec.migration;
  // No signal: the answer is shared with others, whose waits go on when this one is cancelled.
  const recent = await snapshots.read(`log backups of ${serverKey(spec, 'source')}`, maxAgeMs, () =>
    ports.source.query(readRecentLogBackups()),
  );
  const own = recent.filter((backup) => sameName(backup.database, database));
  return own.length > 0 ? own : ports.source.query(readBackups(database));
}
