import type { Statement } from '../model/statement';
import { quoteIdentifier, quoteLiteral } from './quote';
import { lines, statement } from './statement';

/** Error by which the batch of {@link backupLog} refuses: of the range that is free for users. */
export const HELD_FOR_SEEDING = 51_412;

export interface LogBackup {
  readonly database: string;
  /** Path on the server, or an http(s) URL for BACKUP TO URL. */
  readonly path: string;
  /** The path as `plan` shows it, with `<time>` where the run puts the time. */
  readonly displayPath: string;
  /** Backup set name. */
  readonly name: string;
  readonly compression: boolean;
  /**
   * Distributed group of who backs up: the server refuses while this or any other distributed group makes a copy of
   * the database. Absent: it backs up whatever happens.
   */
  readonly heldForSeeding?: { readonly ownGroup: string };
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
  const { database, heldForSeeding } = backup;
  const text = (path: string): string =>
    lines(
      heldForSeeding === undefined ? undefined : refuseWhileSeeding(database, heldForSeeding.ownGroup),
      `BACKUP LOG ${quoteIdentifier(database)}`,
      `    TO ${toUrl ? 'URL' : 'DISK'} = ${quoteLiteral(path)}`,
      `    WITH ${options};`,
    );
  return statement('backup-log', text(backup.path), { display: text(backup.displayPath) });
}

const WAITING = `N'PENDING', N'CHECK_IF_SEEDING_NEEDED', N'LIMIT_CONCURRENT_BACKUPS'`;

/**
 * The last look before a log backup, in its batch: whoever else begins a copy of this database is seen by the server
 * itself, whatever was read before. It is the gate of the link's troubleshooting page (safe before the database is read,
 * and while backup workers read it; not until the copy is healthy), with three differences: while it is read a backup
 * must be what the log waits for; of two copies that run the workers do not say which one is read; and an operation of
 * the own group that is over does not count, for a link that is merely down needs its backups.
 */
function refuseWhileSeeding(database: string, ownGroup: string): string {
  const own = quoteLiteral(ownGroup);
  const why = quoteLiteral(`No log backup of ${database}: it could free log that the copy of `);
  return `DECLARE @copy nvarchar(128) = (
    SELECT TOP (1) dag.name
    FROM sys.databases AS db
    JOIN sys.dm_hadr_automatic_seeding AS s ON s.ag_db_id = db.group_database_id
    JOIN sys.availability_groups AS dag ON dag.group_id = s.ag_id AND dag.is_distributed = 1
    LEFT JOIN sys.dm_hadr_availability_replica_states AS there
        ON there.group_id = dag.group_id AND there.is_local = 0
    LEFT JOIN sys.dm_hadr_database_replica_states AS remote
        ON remote.group_id = dag.group_id AND remote.is_local = 0 AND remote.database_id = db.database_id
    WHERE db.name = ${quoteLiteral(database)}
        AND NOT EXISTS (SELECT 1 FROM sys.dm_hadr_automatic_seeding AS newer
            WHERE newer.ag_id = s.ag_id AND newer.ag_db_id = s.ag_db_id AND newer.start_time > s.start_time)
        AND ISNULL(s.current_state, N'') NOT IN (${WAITING}, N'FAILED')
        AND (dag.name = ${own} OR there.connected_state_desc = N'CONNECTED')
        AND (ISNULL(s.current_state, N'') <> N'COMPLETED'
            OR dag.name <> ${own} AND (ISNULL(remote.synchronization_health_desc, N'') <> N'HEALTHY'
                OR ISNULL(remote.synchronization_state_desc, N'') NOT IN (N'SYNCHRONIZING', N'SYNCHRONIZED')))
        AND NOT (ISNULL(s.current_state, N'') <> N'COMPLETED' AND db.log_reuse_wait_desc = N'LOG_BACKUP'
            AND EXISTS (SELECT 1 FROM sys.dm_exec_requests AS q
                WHERE q.database_id = db.database_id AND q.command = N'VDI_CLIENT_WORKER')
            AND (SELECT COUNT(*) FROM sys.dm_hadr_automatic_seeding AS beside
                WHERE beside.ag_db_id = s.ag_db_id
                    AND ISNULL(beside.current_state, N'') NOT IN (${WAITING}, N'COMPLETED', N'FAILED')) = 1)
    ORDER BY dag.name);
IF @copy IS NOT NULL
BEGIN
    DECLARE @why nvarchar(2048) = ${why} + @copy + N' needs until it is healthy (errors 1408, 1412).';
    THROW ${HELD_FOR_SEEDING}, @why, 1;
END;`;
}
