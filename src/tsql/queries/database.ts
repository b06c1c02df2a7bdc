import type { DatabaseFacts, DatabaseFileFacts } from '../../model/sql-server/observation';
import type { Query } from '../../model/statement';
import { query } from '../query';
import {
  readBoolean,
  readInteger,
  readNullableBoolean,
  readNullableLsn,
  readNullableText,
  readText,
} from '../rows';

export type DatabaseRow = Omit<
  DatabaseFacts,
  | 'observedAt'
  | 'files'
  | 'lastFullBackupAt'
  | 'hasFilestream'
  | 'hasFileTables'
  | 'hasMemoryOptimizedFilegroup'
>;

/**
 * One database as the catalog shows it; no row when there is none. The column for accelerated database recovery came
 * with 2019, and a missing column fails the whole batch when it is compiled, hence the dynamic text.
 */
export const readDatabase = (name: string): Query<DatabaseRow> =>
  query(
    'read-database',
    `
DECLARE @recovery nvarchar(60) = N'CONVERT(int, NULL)';
IF COL_LENGTH(N'sys.databases', N'is_accelerated_database_recovery_on') IS NOT NULL
    SET @recovery = N'CONVERT(int, d.is_accelerated_database_recovery_on)';
DECLARE @text nvarchar(max) = N'
SELECT
    d.name, d.database_id, d.state_desc, d.user_access_desc, d.is_read_only, d.is_auto_close_on,
    d.recovery_model_desc, d.compatibility_level, d.collation_name, d.is_broker_enabled, d.is_cdc_enabled,
    d.is_published, d.is_encrypted, d.log_reuse_wait_desc,
    k.encryptor_type, c.name AS encryptor_certificate_name,
    g.name AS availability_group_name,
    CONVERT(varchar(40), r.last_log_backup_lsn) AS last_log_backup_lsn,
    ' + @recovery + N' AS is_accelerated_database_recovery_on
FROM sys.databases AS d
LEFT JOIN sys.database_recovery_status AS r ON r.database_id = d.database_id
LEFT JOIN sys.dm_database_encryption_keys AS k ON k.database_id = d.database_id
LEFT JOIN sys.certificates AS c ON c.thumbprint = k.encryptor_thumbprint
LEFT JOIN sys.availability_replicas AS ar ON ar.replica_id = d.replica_id
LEFT JOIN sys.availability_groups AS g ON g.group_id = ar.group_id
WHERE d.name = @database;';
EXEC sys.sp_executesql @text, N'@database nvarchar(128)', @database = @database;
`,
    (row) => ({
      name: readText(row, 'name'),
      databaseId: readInteger(row, 'database_id'),
      stateDesc: readText(row, 'state_desc'),
      userAccessDesc: readText(row, 'user_access_desc'),
      isReadOnly: readBoolean(row, 'is_read_only'),
      isAutoCloseOn: readBoolean(row, 'is_auto_close_on'),
      recoveryModelDesc: readText(row, 'recovery_model_desc'),
      compatibilityLevel: readInteger(row, 'compatibility_level'),
      collationName: readNullableText(row, 'collation_name'),
      isBrokerEnabled: readBoolean(row, 'is_broker_enabled'),
      isCdcEnabled: readBoolean(row, 'is_cdc_enabled'),
      isPublished: readBoolean(row, 'is_published'),
      isEncrypted: readNullableBoolean(row, 'is_encrypted') ?? false,
      tdeEncryptorType: readNullableText(row, 'encryptor_type'),
      tdeCertificateName: readNullableText(row, 'encryptor_certificate_name'),
      isAcceleratedDatabaseRecoveryOn: readNullableBoolean(row, 'is_accelerated_database_recovery_on'),
      availabilityGroupName: readNullableText(row, 'availability_group_name'),
      lastLogBackupLsn: readNullableLsn(row, 'last_log_backup_lsn'),
      logReuseWaitDesc: readText(row, 'log_reuse_wait_desc'),
    }),
    { parameters: { database: name } },
  );

/** Files of a database, readable also while the database is not. size counts pages of 8 KiB. */
export const readDatabaseFiles = (name: string): Query<DatabaseFileFacts> =>
  query(
    'read-database-files',
    `
SELECT f.name, f.type_desc, f.state_desc, CONVERT(bigint, f.size) * 8192 AS size_bytes
FROM sys.master_files AS f
JOIN sys.databases AS d ON d.database_id = f.database_id
WHERE d.name = @database
ORDER BY f.file_id;
`,
    (row) => ({
      name: readText(row, 'name'),
      typeDesc: readText(row, 'type_desc'),
      stateDesc: readText(row, 'state_desc'),
      sizeBytes: readInteger(row, 'size_bytes'),
    }),
    { parameters: { database: name } },
  );

export type DatabaseFeaturesRow = Pick<
  DatabaseFacts,
  'hasFilestream' | 'hasFileTables' | 'hasMemoryOptimizedFilegroup'
>;

/** What only the database's own catalog tells; the database must be ONLINE. */
export const readDatabaseFeatures = (name: string): Query<DatabaseFeaturesRow> =>
  query(
    'read-database-features',
    `
SELECT
    CASE WHEN EXISTS (SELECT 1 FROM sys.filegroups WHERE type = 'FD') THEN 1 ELSE 0 END AS has_filestream,
    CASE WHEN EXISTS (SELECT 1 FROM sys.tables WHERE is_filetable = 1) THEN 1 ELSE 0 END AS has_file_tables,
    CASE WHEN EXISTS (SELECT 1 FROM sys.filegroups WHERE type = 'FX') THEN 1 ELSE 0 END AS has_memory_optimized_filegroup;
`,
    (row) => ({
      hasFilestream: readBoolean(row, 'has_filestream'),
      hasFileTables: readBoolean(row, 'has_file_tables'),
      hasMemoryOptimizedFilegroup: readBoolean(row, 'has_memory_optimized_filegroup'),
    }),
    { database: name },
  );
