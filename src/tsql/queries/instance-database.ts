import type { InstanceDatabaseFacts } from '../../model/sql-server/observation';
import type { Query } from '../../model/statement';
import { query } from '../query';
import { readNullableLsn, readNullableText, readNullableUtcTime } from '../rows';
import { utcOf } from './backup-time';

export type InstanceDatabaseRow = Omit<InstanceDatabaseFacts, 'observedAt' | 'database'>;

/**
 * The copy on the managed instance, read there. Always one row. A Business Critical instance has a row for each of
 * its own replicas: the one with is_primary_replica = 1 counts (failover how-to).
 * @param name database
 * @param groupName distributed availability group, for the role
 */
export const readInstanceDatabase = (name: string, groupName: string): Query<InstanceDatabaseRow> =>
  query(
    'read-instance-database',
    `
SELECT
    db.state_desc,
    CONVERT(nvarchar(60), DATABASEPROPERTYEX(@database, 'Updateability')) AS updateability,
    (SELECT TOP (1) s.role_desc
        FROM sys.availability_groups AS g
        JOIN sys.dm_hadr_availability_replica_states AS s ON s.group_id = g.group_id AND s.is_local = 1
        WHERE g.is_distributed = 1 AND g.name = @group) AS group_role_desc,
    (SELECT TOP (1) CONVERT(varchar(40), r.last_hardened_lsn)
        FROM sys.dm_hadr_database_replica_states AS r
        WHERE r.database_id = db.database_id AND r.last_hardened_lsn IS NOT NULL
        ORDER BY r.is_primary_replica DESC, r.is_local DESC) AS last_hardened_lsn,
    (SELECT CONVERT(varchar(33), MAX(${utcOf('backup_finish_date')}), 126)
        FROM msdb.dbo.backupset AS b
        WHERE b.database_name = @database AND b.type = 'D' AND b.is_copy_only = 0) AS last_full_backup_at
FROM (SELECT @database AS name) AS wanted
LEFT JOIN sys.databases AS db ON db.name = wanted.name;
`,
    (row) => ({
      stateDesc: readNullableText(row, 'state_desc'),
      updateability: readNullableText(row, 'updateability'),
      groupRoleDesc: readNullableText(row, 'group_role_desc'),
      lastHardenedLsn: readNullableLsn(row, 'last_hardened_lsn'),
      lastFullBackupAt: readNullableUtcTime(row, 'last_full_backup_at'),
    }),
    { parameters: { database: name, group: groupName } },
  );
