import type { SeedingFacts } from '../../../model/sql-server/observation';
import type { Query } from '../../../model/statement';
import { query } from '../../query';
import { readInteger, readNullableInteger, readNullableText, readText } from '../../rows';

export interface SeedingRow {
  readonly groupName: string;
  readonly database: string;
  readonly seeding: SeedingFacts;
}

/**
 * Newest seeding of every link and database of the instance, with its live numbers while bytes move.
 *
 * The pages of Microsoft spell the column both transfered_size_bytes (the view's own page) and transferred_size_bytes
 * (troubleshooting page), so it is looked up. The view of live numbers has rows only while a seeding runs.
 * Backup workers (VDI_CLIENT_WORKER) tell whether the backup stream is still being read from the database.
 */
export const readSeeding = (): Query<SeedingRow> =>
  query(
    'read-seeding',
    `
DECLARE @transferred nvarchar(60) = N'p.transferred_size_bytes';
IF COL_LENGTH(N'sys.dm_hadr_physical_seeding_stats', N'transferred_size_bytes') IS NULL
    SET @transferred = N'p.transfered_size_bytes';
DECLARE @text nvarchar(max) = N'
SELECT
    dag.name AS group_name, db.name AS database_name,
    CONVERT(varchar(36), s.operation_id) AS operation_id,
    CONVERT(nvarchar(128), s.current_state) AS current_state,
    CONVERT(int, s.failure_state) AS failure_state,
    s.failure_state_desc, s.error_code, s.number_of_attempts,
    ' + @transferred + N' AS transferred_bytes,
    p.database_size_bytes,
    p.transfer_rate_bytes_per_second,
    (SELECT COUNT(*) FROM sys.dm_exec_requests AS q
        WHERE q.database_id = db.database_id AND q.command = N''VDI_CLIENT_WORKER'') AS stream_workers
FROM sys.dm_hadr_automatic_seeding AS s
JOIN sys.availability_groups AS dag ON dag.group_id = s.ag_id AND dag.is_distributed = 1
JOIN sys.databases AS db ON db.group_database_id = s.ag_db_id
LEFT JOIN sys.dm_hadr_physical_seeding_stats AS p ON p.local_physical_seeding_id = s.operation_id
WHERE NOT EXISTS (SELECT 1 FROM sys.dm_hadr_automatic_seeding AS newer
    WHERE newer.ag_id = s.ag_id AND newer.ag_db_id = s.ag_db_id AND newer.start_time > s.start_time)
ORDER BY dag.name, db.name, s.start_time;';
EXEC sys.sp_executesql @text;
`,
    (row) => ({
      groupName: readText(row, 'group_name'),
      database: readText(row, 'database_name'),
      seeding: {
        operationId: readText(row, 'operation_id'),
        currentState: readNullableText(row, 'current_state') ?? '',
        failureState: readNullableInteger(row, 'failure_state'),
        failureStateDesc: readNullableText(row, 'failure_state_desc'),
        errorCode: readNullableInteger(row, 'error_code'),
        numberOfAttempts: readNullableInteger(row, 'number_of_attempts') ?? 0,
        transferredBytes: readNullableInteger(row, 'transferred_bytes'),
        databaseBytes: readNullableInteger(row, 'database_size_bytes'),
        transferRateBytesPerSecond: readNullableInteger(row, 'transfer_rate_bytes_per_second'),
        isStreaming: readInteger(row, 'stream_workers') > 0,
      },
    }),
  );
