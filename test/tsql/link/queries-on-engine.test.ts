/** The joins of the link's queries, run by the estate's engine over a catalog written by hand. */
import { readAvailabilityGroups } from '../../../src/tsql/queries/availability-groups';
import { readBackups, readFullBackup } from '../../../src/tsql/queries/backups';
import { readDatabase } from '../../../src/tsql/queries/database';
import { readInstanceDatabase } from '../../../src/tsql/queries/instance-database';
import { readLinkReplicas } from '../../../src/tsql/queries/link/replicas';
import { readSeeding } from '../../../src/tsql/queries/link/seeding';
import { type Catalog, lsn, runQuery, time } from '../catalog-host';

const id = (n: number): string => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;

/** Two links, of Sales and of Stock, and a database that is in no group. */
const CATALOG: Catalog = {
  databases: [
    {
      name: 'Sales',
      database_id: 5,
      state_desc: 'ONLINE',
      replica_id: id(11),
      group_database_id: id(1),
      log_reuse_wait_desc: 'LOG_BACKUP',
    },
    {
      name: 'Stock',
      database_id: 6,
      state_desc: 'ONLINE',
      replica_id: id(21),
      group_database_id: id(2),
      log_reuse_wait_desc: 'NOTHING',
    },
    { name: 'Other', database_id: 7, state_desc: 'ONLINE', log_reuse_wait_desc: 'NOTHING' },
  ],
  availability_groups: [
    { group_id: id(10), name: 'AG_Sales', is_distributed: false, cluster_type_desc: 'NONE' },
    { group_id: id(20), name: 'AG_Stock', is_distributed: false, cluster_type_desc: 'NONE' },
    { group_id: id(100), name: 'DAG_Sales', is_distributed: true, cluster_type_desc: 'NONE' },
    { group_id: id(200), name: 'DAG_Stock', is_distributed: true, cluster_type_desc: 'NONE' },
  ],
  availability_replicas: [
    {
      replica_id: id(11),
      group_id: id(10),
      replica_server_name: 'SQL1',
      endpoint_url: 'TCP://sql1:5022',
      availability_mode_desc: 'SYNCHRONOUS_COMMIT',
    },
    {
      replica_id: id(21),
      group_id: id(20),
      replica_server_name: 'SQL1',
      endpoint_url: 'TCP://sql1:5022',
      availability_mode_desc: 'SYNCHRONOUS_COMMIT',
    },
    {
      replica_id: id(101),
      group_id: id(100),
      replica_server_name: 'AG_Sales',
      endpoint_url: 'TCP://sql1:5022',
      availability_mode_desc: 'ASYNCHRONOUS_COMMIT',
    },
    {
      replica_id: id(102),
      group_id: id(100),
      replica_server_name: 'AG_Sales_MI',
      endpoint_url: 'tcp://mi:5022;Server=[mi]',
      availability_mode_desc: 'ASYNCHRONOUS_COMMIT',
    },
    {
      replica_id: id(201),
      group_id: id(200),
      replica_server_name: 'AG_Stock',
      endpoint_url: 'TCP://sql1:5022',
      availability_mode_desc: 'ASYNCHRONOUS_COMMIT',
    },
    {
      replica_id: id(202),
      group_id: id(200),
      replica_server_name: 'AG_Stock_MI',
      endpoint_url: 'tcp://mi:5022;Server=[mi]',
      availability_mode_desc: 'SYNCHRONOUS_COMMIT',
    },
  ],
  dm_hadr_availability_replica_states: [
    {
      replica_id: id(11),
      group_id: id(10),
      is_local: true,
      role_desc: 'PRIMARY',
      connected_state_desc: 'CONNECTED',
    },
    {
      replica_id: id(21),
      group_id: id(20),
      is_local: true,
      role_desc: 'PRIMARY',
      connected_state_desc: 'CONNECTED',
    },
    {
      replica_id: id(101),
      group_id: id(100),
      is_local: true,
      role_desc: 'PRIMARY',
      connected_state_desc: 'CONNECTED',
    },
    {
      replica_id: id(102),
      group_id: id(100),
      is_local: false,
      role_desc: 'SECONDARY',
      connected_state_desc: 'CONNECTED',
    },
    {
      replica_id: id(201),
      group_id: id(200),
      is_local: true,
      role_desc: 'PRIMARY',
      connected_state_desc: 'CONNECTED',
    },
    {
      replica_id: id(202),
      group_id: id(200),
      is_local: false,
      role_desc: 'SECONDARY',
      connected_state_desc: 'DISCONNECTED',
      last_connect_error_number: 10060,
      last_connect_error_description: 'timed out',
    },
  ],
  dm_hadr_database_replica_states: [
    {
      group_id: id(10),
      database_id: 5,
      is_local: true,
      is_primary_replica: true,
      end_of_log_lsn: lsn('48000000143200001'),
    },
    {
      group_id: id(20),
      database_id: 6,
      is_local: true,
      is_primary_replica: true,
      end_of_log_lsn: lsn('91000000000100001'),
    },
    {
      group_id: id(100),
      database_id: 5,
      is_local: true,
      is_primary_replica: true,
      end_of_log_lsn: lsn('48000000143200001'),
    },
    {
      group_id: id(100),
      database_id: 5,
      is_local: false,
      last_hardened_lsn: lsn('48000000143100001'),
      synchronization_state_desc: 'SYNCHRONIZING',
      synchronization_health_desc: 'HEALTHY',
      log_send_queue_size: 12n,
      log_send_rate: 340n,
      redo_queue_size: 7n,
      redo_rate: 99n,
      secondary_lag_seconds: 3n,
      is_suspended: false,
    },
  ],
  dm_os_performance_counters: [
    {
      object_name: 'SQLServer:Databases',
      counter_name: 'Log File(s) Size (KB)',
      instance_name: 'Sales',
      cntr_value: 2048n,
    },
    {
      object_name: 'SQLServer:Databases',
      counter_name: 'Log File(s) Used Size (KB)',
      instance_name: 'Sales',
      cntr_value: 1024n,
    },
    {
      object_name: 'SQLServer:Databases',
      counter_name: 'Log File(s) Size (KB)',
      instance_name: '_Total',
      cntr_value: 9999n,
    },
  ],
  dm_hadr_automatic_seeding: [
    {
      start_time: time('2026-11-22T01:00:00'),
      ag_id: id(100),
      ag_db_id: id(1),
      operation_id: id(71),
      current_state: 'FAILED',
      failure_state: 21,
      number_of_attempts: 1,
    },
    {
      start_time: time('2026-11-22T02:00:00'),
      ag_id: id(100),
      ag_db_id: id(1),
      operation_id: id(72),
      current_state: 'SEEDING',
      number_of_attempts: 1,
    },
    {
      start_time: time('2026-11-22T01:30:00'),
      ag_id: id(10),
      ag_db_id: id(1),
      operation_id: id(73),
      current_state: 'COMPLETED',
      number_of_attempts: 1,
    },
  ],
  dm_hadr_physical_seeding_stats: [
    {
      local_physical_seeding_id: id(72),
      transferred_size_bytes: 500n,
      transfered_size_bytes: 500n,
      database_size_bytes: 1000n,
      transfer_rate_bytes_per_second: 50n,
    },
  ],
  dm_exec_requests: [
    { session_id: 30, database_id: 5, command: 'VDI_CLIENT_WORKER' },
    { session_id: 31, database_id: 6, command: 'BACKUP LOG' },
  ],
};

describe('link replicas', () => {
  test('one row for each link, with its own remote copy', async () => {
    const rows = await runQuery(readLinkReplicas(), CATALOG);
    expect(rows).toEqual([
      {
        serverTime: '2026-11-22T02:03:04.500Z',
        groupName: 'DAG_Sales',
        database: 'Sales',
        localRoleDesc: 'PRIMARY',
        connectedStateDesc: 'CONNECTED',
        lastConnectErrorNumber: null,
        lastConnectErrorDescription: null,
        synchronizationStateDesc: 'SYNCHRONIZING',
        synchronizationHealthDesc: 'HEALTHY',
        availabilityModeDesc: 'ASYNCHRONOUS_COMMIT',
        endOfLogLsn: '48000000143200001',
        remoteHardenedLsn: '48000000143100001',
        logSendQueueKb: 12,
        logSendRateKbPerSecond: 340,
        redoQueueKb: 7,
        redoRateKbPerSecond: 99,
        secondaryLagSeconds: 3,
        isSuspended: false,
        suspendReasonDesc: null,
        logReuseWaitDesc: 'LOG_BACKUP',
        logSizeBytes: 2_097_152,
        logUsedBytes: 1_048_576,
      },
      expect.objectContaining({
        groupName: 'DAG_Stock',
        database: 'Stock',
        connectedStateDesc: 'DISCONNECTED',
        lastConnectErrorNumber: 10060,
        availabilityModeDesc: 'SYNCHRONOUS_COMMIT',
        synchronizationStateDesc: null,
        // The distributed group has no database rows yet: the local group's end of log stands in.
        endOfLogLsn: '91000000000100001',
        remoteHardenedLsn: null,
        logSizeBytes: 0,
      }),
    ]);
  });
});

test.each([13, 16, 17])('seeding: the newest attempt of each link, on major version %i', async (major) => {
  expect(await runQuery(readSeeding(), CATALOG, major)).toEqual([
    {
      groupName: 'DAG_Sales',
      database: 'Sales',
      seeding: expect.objectContaining({
        operationId: id(72),
        currentState: 'SEEDING',
        transferredBytes: 500,
        databaseBytes: 1000,
        transferRateBytesPerSecond: 50,
        isStreaming: true,
      }),
    },
  ]);
});

test.each([
  [13, null],
  [14, 'NONE'],
  [17, 'NONE'],
])('groups on major version %i', async (major, clusterTypeDesc) => {
  const rows = await runQuery(readAvailabilityGroups(), CATALOG, major);
  expect(rows.map((row) => [row.name, row.replica?.name, row.database, row.clusterTypeDesc])).toEqual([
    ['AG_Sales', 'SQL1', 'Sales', clusterTypeDesc],
    ['AG_Stock', 'SQL1', 'Stock', clusterTypeDesc],
    ['DAG_Sales', 'AG_Sales', null, clusterTypeDesc],
    ['DAG_Sales', 'AG_Sales_MI', null, clusterTypeDesc],
    ['DAG_Stock', 'AG_Stock', null, clusterTypeDesc],
    ['DAG_Stock', 'AG_Stock_MI', null, clusterTypeDesc],
  ]);
});

test.each([
  [14, null],
  [16, true],
])('a database on major version %i', async (major, recovery) => {
  const catalog: Catalog = {
    ...CATALOG,
    databases: [
      {
        ...CATALOG.databases?.[0],
        user_access_desc: 'MULTI_USER',
        is_read_only: false,
        is_auto_close_on: false,
        recovery_model_desc: 'FULL',
        compatibility_level: 150,
        collation_name: 'Latin1_General_CI_AS',
        is_broker_enabled: true,
        is_cdc_enabled: false,
        is_published: false,
        is_encrypted: true,
        is_accelerated_database_recovery_on: true,
      },
    ],
    database_recovery_status: [{ database_id: 5, last_log_backup_lsn: lsn('48000000143000001') }],
    dm_database_encryption_keys: [
      { database_id: 5, encryptor_type: 'CERTIFICATE', encryptor_thumbprint: Uint8Array.of(1, 2) },
    ],
    certificates: [{ name: 'TDE_Cert', thumbprint: Uint8Array.of(1, 2) }],
  };
  expect(await runQuery(readDatabase('sales'), catalog, major)).toEqual([
    expect.objectContaining({
      name: 'Sales',
      availabilityGroupName: 'AG_Sales',
      lastLogBackupLsn: '48000000143000001',
      tdeCertificateName: 'TDE_Cert',
      isAcceleratedDatabaseRecoveryOn: recovery,
    }),
  ]);
  expect(await runQuery(readDatabase('absent'), catalog, major)).toEqual([]);
});

describe('backups', () => {
  const full = { database_name: 'Sales', server_name: 'SQL1', type: 'D', is_copy_only: false, time_zone: 8 };
  const catalog: Catalog = {
    backupset: [
      { ...full, backup_set_id: 1, media_set_id: 1, backup_finish_date: time('2026-11-21T22:00:00') },
      {
        ...full,
        backup_set_id: 2,
        media_set_id: 2,
        backup_finish_date: time('2026-11-22T01:00:00'),
        is_copy_only: true,
      },
      { ...full, backup_set_id: 3, media_set_id: 3, backup_finish_date: time('2026-11-22T02:00:00') },
      {
        ...full,
        backup_set_id: 4,
        media_set_id: 4,
        backup_finish_date: time('2026-11-22T03:00:00'),
        server_name: 'SQL9',
      },
      {
        ...full,
        backup_set_id: 5,
        media_set_id: 5,
        backup_finish_date: time('2026-11-22T04:00:00'),
        type: 'L',
        last_lsn: lsn('48000000143000001'),
      },
    ],
    backupmediafamily: [
      { media_set_id: 1, physical_device_name: 'D:\\backup\\Sales.bak' },
      { media_set_id: 3, physical_device_name: '{6F9619FF-8B86-D011-B42D-00C04FC964FF}' },
      { media_set_id: 5, physical_device_name: 'D:\\backup\\6F9619FF-8B86-D011-B42D-00C04FC964FF.trn' },
    ],
  };

  test('the newest full backup is no copy, no seeding and of this server; its time is UTC', async () => {
    expect(await runQuery(readFullBackup('Sales'), catalog)).toEqual([
      { finishedAt: '2026-11-21T20:00:00.000Z' },
    ]);
    expect(await runQuery(readFullBackup('Stock'), catalog)).toEqual([{ finishedAt: null }]);
  });

  test('all backups but seeding, newest first', async () => {
    const rows = await runQuery(readBackups('Sales'), catalog);
    expect(rows.map((row) => [row.type, row.finishedAt, row.lastLsn])).toEqual([
      ['L', '2026-11-22T02:00:00.000Z', '48000000143000001'],
      ['D', '2026-11-22T01:00:00.000Z', null],
      ['D', '2026-11-21T23:00:00.000Z', null],
      ['D', '2026-11-21T20:00:00.000Z', null],
    ]);
  });
});

describe('instance database', () => {
  test('of the rows of a Business Critical instance the primary counts', async () => {
    const catalog: Catalog = {
      ...CATALOG,
      dm_hadr_database_replica_states: [
        {
          database_id: 5,
          is_local: true,
          is_primary_replica: false,
          last_hardened_lsn: lsn('48000000143100001'),
        },
        {
          database_id: 5,
          is_local: false,
          is_primary_replica: true,
          last_hardened_lsn: lsn('48000000143200001'),
        },
        { database_id: 6, is_local: true, is_primary_replica: true, last_hardened_lsn: lsn('99') },
      ],
    };
    expect(await runQuery(readInstanceDatabase('Sales', 'DAG_Sales'), catalog)).toEqual([
      {
        stateDesc: 'ONLINE',
        updateability: 'READ_ONLY',
        groupRoleDesc: 'PRIMARY',
        lastHardenedLsn: '48000000143200001',
        lastFullBackupAt: null,
      },
    ]);
  });

  test('none of that name still gives a row', async () => {
    expect(await runQuery(readInstanceDatabase('absent', 'DAG_Sales'), CATALOG)).toEqual([
      expect.objectContaining({ stateDesc: null, lastHardenedLsn: null, groupRoleDesc: 'PRIMARY' }),
    ]);
  });
});
