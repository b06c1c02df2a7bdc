import type { Lsn } from '../../model/sql-server/lsn';
import type { Query } from '../../model/statement';
import { query } from '../query';
import {
  type DriverRow,
  readBoolean,
  readNullableLsn,
  readNullableText,
  readNullableUtcTime,
  readText,
  readUtcTime,
} from '../rows';
import { utcOf } from './backup-time';

/**
 * Automatic seeding leaves rows in the backup history whose device is a GUID ("Automatic seeding for secondary
 * replicas"): nothing that can be restored.
 */
const NOT_SEEDING = `NOT EXISTS (
    SELECT 1 FROM msdb.dbo.backupmediafamily AS m
    WHERE m.media_set_id = b.media_set_id
        AND m.physical_device_name LIKE N'%________-____-____-____-____________%'
        AND LEN(m.physical_device_name) <= 38)`;

export interface FullBackupRow {
  /** Null when there is none. ISO 8601 UTC. */
  readonly finishedAt: string | null;
}

/** Newest full backup that begins a log chain (1475): made by this server, not copy-only, not by seeding. One row. */
export const readFullBackup = (database: string): Query<FullBackupRow> =>
  query(
    'read-full-backup',
    `
SELECT CONVERT(varchar(33), MAX(${utcOf('backup_finish_date')}), 126) AS finished_at
FROM msdb.dbo.backupset AS b
WHERE b.database_name = @database AND b.type = 'D' AND b.is_copy_only = 0 AND b.server_name = @@SERVERNAME
    AND ${NOT_SEEDING};
`,
    (row) => ({ finishedAt: readNullableUtcTime(row, 'finished_at') }),
    { parameters: { database } },
  );

export interface BackupRow {
  /** D full, I differential, L log. */
  readonly type: string;
  readonly name: string | null;
  /** ISO 8601 UTC. */
  readonly startedAt: string | null;
  readonly finishedAt: string;
  readonly isCopyOnly: boolean;
  readonly firstLsn: Lsn | null;
  readonly lastLsn: Lsn | null;
}

/** The newest 50 finished backups of a database, newest first, seeding left out. */
export const readBackups = (database: string): Query<BackupRow> =>
  query(
    'read-backups',
    `
SELECT TOP (50)
    b.type, b.name,
    CONVERT(varchar(33), ${utcOf('backup_start_date')}, 126) AS started_at,
    CONVERT(varchar(33), ${utcOf('backup_finish_date')}, 126) AS finished_at,
    b.is_copy_only,
    CONVERT(varchar(40), b.first_lsn) AS first_lsn,
    CONVERT(varchar(40), b.last_lsn) AS last_lsn
FROM msdb.dbo.backupset AS b
WHERE b.database_name = @database AND b.backup_finish_date IS NOT NULL
    AND ${NOT_SEEDING}
ORDER BY b.backup_finish_date DESC, b.backup_set_id DESC;
`,
    backupOf,
    { parameters: { database } },
  );

function backupOf(row: DriverRow): BackupRow {
  return {
    type: readText(row, 'type'),
    name: readNullableText(row, 'name'),
    startedAt: readNullableUtcTime(row, 'started_at'),
    finishedAt: readUtcTime(row, 'finished_at'),
    isCopyOnly: readBoolean(row, 'is_copy_only'),
    firstLsn: readNullableLsn(row, 'first_lsn'),
    lastLsn: readNullableLsn(row, 'last_lsn'),
  };
}
