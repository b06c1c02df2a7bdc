/** sys.databases and the views about files, logs and recovery of databases. */

import type { SqlValue } from '../../sql/types';
import { type Database, LOG_REUSE_WAIT_CODE } from '../../world/model';
import { isSystemDatabase, type SessionContext, systemDatabases } from '../context';
import { settingColumns } from '../statements/database';
import { big, dateTime, lsn, stableGuid } from '../values';
import {
  bigint,
  bit,
  char,
  datetime,
  defineView,
  guid,
  int,
  lsnColumn,
  notNull,
  nvarchar,
  real,
  since,
  smallint,
  sysname,
  tinyint,
  varbinary,
} from './definition';
import { type FileFacts, filesOf } from './files';

const stateCode = {
  ONLINE: 0,
  RESTORING: 1,
  RECOVERING: 2,
  RECOVERY_PENDING: 3,
  SUSPECT: 4,
  EMERGENCY: 5,
  OFFLINE: 6,
} as const;
const recoveryCode = { FULL: 1, BULK_LOGGED: 2, SIMPLE: 3 } as const;
const accessCode = { MULTI_USER: 0, SINGLE_USER: 1, RESTRICTED_USER: 2 } as const;

const saSid = Uint8Array.of(1);

const databaseColumns = {
  name: notNull(sysname),
  database_id: notNull(int),
  source_database_id: int,
  owner_sid: varbinary(85),
  create_date: notNull(datetime),
  compatibility_level: notNull(tinyint),
  collation_name: sysname,
  user_access: tinyint,
  user_access_desc: nvarchar(60),
  is_read_only: bit,
  is_auto_close_on: notNull(bit),
  is_auto_shrink_on: bit,
  state: tinyint,
  state_desc: nvarchar(60),
  is_in_standby: bit,
  is_cleanly_shutdown: bit,
  is_supplemental_logging_enabled: bit,
  snapshot_isolation_state: tinyint,
  snapshot_isolation_state_desc: nvarchar(60),
  is_read_committed_snapshot_on: bit,
  recovery_model: tinyint,
  recovery_model_desc: nvarchar(60),
  page_verify_option: tinyint,
  page_verify_option_desc: nvarchar(60),
  is_auto_create_stats_on: bit,
  is_auto_create_stats_incremental_on: bit,
  is_auto_update_stats_on: bit,
  is_auto_update_stats_async_on: bit,
  is_ansi_null_default_on: bit,
  is_ansi_nulls_on: bit,
  is_ansi_padding_on: bit,
  is_ansi_warnings_on: bit,
  is_arithabort_on: bit,
  is_concat_null_yields_null_on: bit,
  is_numeric_roundabort_on: bit,
  is_quoted_identifier_on: bit,
  is_recursive_triggers_on: bit,
  is_cursor_close_on_commit_on: bit,
  is_local_cursor_default: bit,
  is_fulltext_enabled: bit,
  is_trustworthy_on: bit,
  is_db_chaining_on: bit,
  is_parameterization_forced: bit,
  is_master_key_encrypted_by_server: notNull(bit),
  is_query_store_on: bit,
  is_published: notNull(bit),
  is_subscribed: notNull(bit),
  is_merge_published: notNull(bit),
  is_distributor: notNull(bit),
  is_sync_with_backup: notNull(bit),
  service_broker_guid: notNull(guid),
  is_broker_enabled: notNull(bit),
  log_reuse_wait: tinyint,
  log_reuse_wait_desc: nvarchar(60),
  is_date_correlation_on: notNull(bit),
  is_cdc_enabled: notNull(bit),
  is_encrypted: bit,
  is_honor_broker_priority_on: bit,
  replica_id: guid,
  group_database_id: guid,
  resource_pool_id: int,
  default_language_lcid: smallint,
  default_language_name: nvarchar(128),
  default_fulltext_language_lcid: int,
  default_fulltext_language_name: nvarchar(128),
  is_nested_triggers_on: bit,
  is_transform_noise_words_on: bit,
  two_digit_year_cutoff: smallint,
  containment: tinyint,
  containment_desc: nvarchar(60),
  target_recovery_time_in_seconds: int,
  delayed_durability: int,
  delayed_durability_desc: nvarchar(60),
  is_memory_optimized_elevate_to_snapshot_on: bit,
  is_federation_member: bit,
  is_remote_data_archive_enabled: bit,
  is_mixed_page_allocation_on: bit,
  is_temporal_history_retention_enabled: since(14, bit),
  catalog_collation_type: since(15, int),
  catalog_collation_type_desc: since(15, nvarchar(60)),
  physical_database_name: since(15, sysname),
  is_result_set_caching_on: since(15, bit),
  is_accelerated_database_recovery_on: since(15, bit),
  is_tempdb_spill_to_remote_store: since(15, bit),
  is_stale_page_detection_on: since(15, bit),
  is_memory_optimized_enabled: since(15, bit),
  is_data_retention_enabled: since(16, bit),
  is_ledger_on: since(16, bit),
  is_change_feed_enabled: since(16, bit),
} as const;

/** What every database has alike; the rest is overwritten per database. */
const commonColumns = (context: SessionContext) => ({
  is_auto_shrink_on: false,
  is_in_standby: false,
  is_cleanly_shutdown: false,
  is_supplemental_logging_enabled: false,
  page_verify_option: 2,
  page_verify_option_desc: 'CHECKSUM',
  is_auto_create_stats_on: true,
  is_auto_create_stats_incremental_on: false,
  is_auto_update_stats_on: true,
  is_auto_update_stats_async_on: false,
  is_ansi_null_default_on: false,
  is_ansi_nulls_on: false,
  is_ansi_padding_on: false,
  is_ansi_warnings_on: false,
  is_arithabort_on: false,
  is_concat_null_yields_null_on: false,
  is_numeric_roundabort_on: false,
  is_quoted_identifier_on: false,
  is_recursive_triggers_on: false,
  is_cursor_close_on_commit_on: false,
  is_local_cursor_default: false,
  is_fulltext_enabled: false,
  is_db_chaining_on: false,
  is_parameterization_forced: false,
  is_query_store_on: context.major >= 16,
  is_subscribed: false,
  is_merge_published: false,
  is_distributor: false,
  is_sync_with_backup: false,
  is_date_correlation_on: false,
  is_honor_broker_priority_on: false,
  containment: 0,
  containment_desc: 'NONE',
  target_recovery_time_in_seconds: 60,
  delayed_durability: 0,
  delayed_durability_desc: 'DISABLED',
  is_memory_optimized_elevate_to_snapshot_on: false,
  is_federation_member: false,
  is_remote_data_archive_enabled: false,
  is_mixed_page_allocation_on: false,
  is_temporal_history_retention_enabled: true,
  catalog_collation_type: 0,
  catalog_collation_type_desc: 'DATABASE_DEFAULT',
  is_result_set_caching_on: false,
  is_tempdb_spill_to_remote_store: false,
  is_stale_page_detection_on: false,
  is_memory_optimized_enabled: true,
  is_data_retention_enabled: false,
  is_ledger_on: false,
  is_change_feed_enabled: false,
});

const systemRow = (context: SessionContext, system: { id: number; name: string }) => {
  const simple = system.name !== 'model';
  return {
    ...commonColumns(context),
    name: system.name,
    database_id: system.id,
    owner_sid: saSid,
    create_date: dateTime(system.id === 2 ? context.instance.startedAt : Date.UTC(2003, 3, 8, 9, 13, 36)),
    compatibility_level: context.major * 10,
    collation_name: context.instance.collation,
    user_access: 0,
    user_access_desc: 'MULTI_USER',
    is_read_only: false,
    is_auto_close_on: false,
    state: 0,
    state_desc: 'ONLINE',
    snapshot_isolation_state: system.id === 1 || system.id === 4 ? 1 : 0,
    snapshot_isolation_state_desc: system.id === 1 || system.id === 4 ? 'ON' : 'OFF',
    is_read_committed_snapshot_on: false,
    recovery_model: simple ? recoveryCode.SIMPLE : recoveryCode.FULL,
    recovery_model_desc: simple ? 'SIMPLE' : 'FULL',
    is_trustworthy_on: system.id === 4,
    is_master_key_encrypted_by_server: system.id === 1 && context.instance.masterKey !== undefined,
    is_published: false,
    service_broker_guid: stableGuid(`broker/${context.instanceName}/${system.name}`),
    is_broker_enabled: system.id === 2 || system.id === 4,
    log_reuse_wait: 0,
    log_reuse_wait_desc: 'NOTHING',
    is_cdc_enabled: false,
    is_encrypted: false,
    physical_database_name: system.name,
    is_accelerated_database_recovery_on: false,
  };
};

const userRow = (context: SessionContext, database: Database) => {
  const { options } = database;
  const log = context.world.databases.log(context.instanceName, database.name);
  return {
    ...commonColumns(context),
    name: database.name,
    database_id: database.databaseId,
    owner_sid: database.ownerSid,
    create_date: dateTime(database.createdAt),
    compatibility_level: options.compatibilityLevel,
    collation_name: database.state === 'ONLINE' ? options.collation : null,
    user_access: accessCode[options.userAccess],
    user_access_desc: options.userAccess,
    is_read_only: options.readOnly,
    is_auto_close_on: options.autoClose,
    state: stateCode[database.state],
    state_desc: database.state,
    snapshot_isolation_state: options.snapshotIsolation ? 1 : 0,
    snapshot_isolation_state_desc: options.snapshotIsolation ? 'ON' : 'OFF',
    is_read_committed_snapshot_on: options.readCommittedSnapshot,
    recovery_model: recoveryCode[options.recoveryModel],
    recovery_model_desc: options.recoveryModel,
    is_trustworthy_on: options.trustworthy,
    is_master_key_encrypted_by_server: false,
    is_published: options.published,
    service_broker_guid: stableGuid(`broker/${database.familyGuid}`),
    is_broker_enabled: options.brokerEnabled,
    log_reuse_wait: LOG_REUSE_WAIT_CODE[log.reuseWait],
    log_reuse_wait_desc: log.reuseWait,
    is_cdc_enabled: options.cdcEnabled,
    is_encrypted: options.tdeThumbprint !== undefined,
    replica_id: database.replicaId ?? null,
    group_database_id: database.groupDatabaseId ?? null,
    physical_database_name: database.name,
    is_accelerated_database_recovery_on: options.acceleratedRecovery,
    ...shownSettings(context, database.name),
  };
};

/** Options kept only to be shown: ON and OFF are bits, words stay words, numbers numbers. */
const shownSettings = (context: SessionContext, database: string): Record<string, SqlValue> => {
  const settings = context.state.databaseSettings.get(database.toLowerCase());
  const shown: Record<string, SqlValue> = {};
  for (const [option, value] of settings ?? []) {
    const column = settingColumns[option];
    if (column === undefined) continue;
    shown[column] = column.startsWith('is_')
      ? value === 'ON'
      : column.endsWith('_seconds')
        ? Number(value)
        : value;
  }
  return shown;
};

const pages = (bytes: number): number => Math.ceil(bytes / 8192);

const fileColumns = {
  file_id: notNull(int),
  file_guid: guid,
  type: notNull(tinyint),
  type_desc: nvarchar(60),
  data_space_id: notNull(int),
  name: notNull(sysname),
  physical_name: notNull(nvarchar(260)),
  state: tinyint,
  state_desc: nvarchar(60),
  size: notNull(int),
  max_size: notNull(int),
  growth: notNull(int),
  is_media_read_only: notNull(bit),
  is_read_only: notNull(bit),
  is_sparse: notNull(bit),
  is_percent_growth: notNull(bit),
  is_name_reserved: notNull(bit),
  create_lsn: lsnColumn,
  drop_lsn: lsnColumn,
  read_only_lsn: lsnColumn,
  read_write_lsn: lsnColumn,
  differential_base_lsn: lsnColumn,
  differential_base_guid: guid,
  differential_base_time: datetime,
  redo_start_lsn: lsnColumn,
  redo_start_fork_guid: guid,
  redo_target_lsn: lsnColumn,
  redo_target_fork_guid: guid,
  backup_lsn: lsnColumn,
} as const;

const fileRow = (file: FileFacts) => ({
  file_id: file.fileId,
  type: file.type,
  type_desc: file.typeDesc,
  data_space_id: file.dataSpaceId,
  name: file.name,
  physical_name: file.physicalName,
  state: file.state,
  state_desc: file.stateDesc,
  size: pages(file.sizeBytes),
  // A log without limit still stops at 2 TB: 268435456 pages.
  max_size: file.maxSizeBytes === undefined ? (file.isLog ? 268_435_456 : -1) : pages(file.maxSizeBytes),
  growth: pages(file.growthBytes),
  is_media_read_only: false,
  is_read_only: false,
  is_sparse: false,
  is_percent_growth: false,
  is_name_reserved: false,
});

const allDatabaseNames = (context: SessionContext): string[] => [
  ...systemDatabases.map((database) => database.name),
  ...context.userDatabases().map((database) => database.name),
];

const typeDescription = {
  FG: 'ROWS_FILEGROUP',
  FD: 'FILESTREAM_DATA_FILEGROUP',
  FX: 'MEMORY_OPTIMIZED_DATA_FILEGROUP',
};

const filegroupsOf = (context: SessionContext, name: string) => {
  if (isSystemDatabase(name))
    return [{ dataSpaceId: 1, name: 'PRIMARY', type: 'FG' as const, isDefault: true }];
  return context.world.databases.find(context.instanceName, name)?.filegroups ?? [];
};

const dataSpaceColumns = {
  name: notNull(sysname),
  data_space_id: notNull(int),
  type: notNull(char(2)),
  type_desc: nvarchar(60),
  is_default: bit,
  is_system: bit,
} as const;

const dataSpaceRows = (context: SessionContext, database: string) =>
  filegroupsOf(context, database).map((group) => ({
    name: group.name,
    data_space_id: group.dataSpaceId,
    type: group.type,
    type_desc: typeDescription[group.type],
    is_default: group.isDefault,
    is_system: false,
  }));

export const databaseViews = [
  defineView('sys.databases', {
    columns: databaseColumns,
    rows: (context) => [
      ...systemDatabases.map((system) => systemRow(context, system)),
      ...context.userDatabases().map((database) => userRow(context, database)),
    ],
  }),
  defineView('sys.master_files', {
    columns: { database_id: notNull(int), ...fileColumns, credential_id: int },
    rows: (context) =>
      allDatabaseNames(context)
        .flatMap((name) => filesOf(context, name))
        .map((file) => ({ database_id: file.databaseId, ...fileRow(file) })),
  }),
  defineView('sys.database_files', {
    columns: fileColumns,
    rows: (context, database) => filesOf(context, database).map(fileRow),
  }),
  defineView('sys.filegroups', {
    columns: {
      ...dataSpaceColumns,
      filegroup_guid: guid,
      log_filegroup_id: int,
      is_read_only: bit,
      is_autogrow_all_files: bit,
    },
    rows: (context, database) =>
      dataSpaceRows(context, database).map((row) => ({
        ...row,
        is_read_only: false,
        is_autogrow_all_files: false,
      })),
  }),
  defineView('sys.data_spaces', { columns: dataSpaceColumns, rows: dataSpaceRows }),
  defineView('sys.database_recovery_status', {
    columns: {
      database_id: notNull(int),
      database_guid: guid,
      family_guid: guid,
      last_log_backup_lsn: lsnColumn,
      recovery_fork_guid: guid,
      first_recovery_fork_guid: guid,
      fork_point_lsn: lsnColumn,
    },
    rows: (context) =>
      context.userDatabases().map((database) => ({
        database_id: database.databaseId,
        database_guid: stableGuid(`database/${database.instance}/${database.name}`),
        family_guid: database.familyGuid,
        last_log_backup_lsn: lsn(database.lastLogBackupLsn),
        recovery_fork_guid: database.recoveryForkGuid,
      })),
  }),
  defineView('sys.dm_db_log_space_usage', {
    permission: 'VIEW SERVER STATE',
    columns: {
      database_id: notNull(int),
      total_log_size_in_bytes: bigint,
      used_log_space_in_bytes: bigint,
      used_log_space_in_percent: real,
      log_space_in_bytes_since_last_backup: bigint,
    },
    rows: (context, database) => {
      const id = context.databaseId(database) ?? 0;
      if (isSystemDatabase(database)) {
        return [
          {
            database_id: id,
            total_log_size_in_bytes: 8_380_416n,
            used_log_space_in_bytes: 838_041n,
            used_log_space_in_percent: 10,
            log_space_in_bytes_since_last_backup: 0n,
          },
        ];
      }
      const log = context.world.databases.log(context.instanceName, database);
      return [
        {
          database_id: id,
          total_log_size_in_bytes: big(log.sizeBytes),
          used_log_space_in_bytes: big(log.usedBytes),
          used_log_space_in_percent: Math.fround(log.usedPercent),
          log_space_in_bytes_since_last_backup: big(log.bytesSinceLastBackup),
        },
      ];
    },
  }),
  defineView('sys.dm_database_encryption_keys', {
    permission: 'VIEW SERVER STATE',
    columns: {
      database_id: int,
      encryption_state: int,
      create_date: datetime,
      regenerate_date: datetime,
      modify_date: datetime,
      set_date: datetime,
      opened_date: datetime,
      key_algorithm: nvarchar(32),
      key_length: int,
      encryptor_thumbprint: varbinary(20),
      encryptor_type: nvarchar(32),
      percent_complete: real,
      encryption_state_desc: since(15, nvarchar(32)),
      encryption_scan_state: since(15, int),
      encryption_scan_state_desc: since(15, nvarchar(32)),
      encryption_scan_modify_date: since(15, datetime),
    },
    rows: (context) =>
      context.userDatabases().flatMap((database) => {
        const thumbprint = database.options.tdeThumbprint;
        if (thumbprint === undefined) return [];
        return [
          {
            database_id: database.databaseId,
            encryption_state: 3,
            create_date: dateTime(database.createdAt),
            regenerate_date: dateTime(database.createdAt),
            modify_date: dateTime(database.createdAt),
            set_date: dateTime(database.createdAt),
            opened_date: dateTime(database.createdAt),
            key_algorithm: 'AES',
            key_length: 256,
            encryptor_thumbprint: Uint8Array.from(Buffer.from(thumbprint, 'hex')),
            // A key of Key Vault is asymmetric; a key of the service shows as a certificate.
            encryptor_type: database.options.tdeKey === 'customer-managed' ? 'ASYMMETRIC KEY' : 'CERTIFICATE',
            percent_complete: 0,
            encryption_state_desc: 'ENCRYPTED',
            encryption_scan_state: 4,
            encryption_scan_state_desc: 'COMPLETE',
          },
        ];
      }),
  }),
];
