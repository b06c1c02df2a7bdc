import {
  readDistributedReplicaFacts,
  readLinkPreflightFacts,
} from '../../../src/activities/link/observe-link';
import { FactMissing } from '../../../src/activities/run/failures';
import {
  readDatabaseFacts,
  readInstanceDatabaseFacts,
} from '../../../src/activities/sql-server/observe/database';
import { readServerFacts } from '../../../src/activities/sql-server/observe/server';
import type { ResolvedLink } from '../../../src/model/link/spec';
import type { Clock } from '../../../src/ports/clock';
import type { ManagedInstancePort } from '../../../src/ports/managed-instance';
import { type DriverRow, ScriptedPort } from './scripted-port';

const clock: Clock = { now: () => Date.UTC(2026, 10, 22, 2, 0, 0), sleep: async () => undefined };
const OBSERVED_AT = '2026-11-22T02:00:00.000Z';

const SERVER_ROW: DriverRow = {
  server_time: '2026-11-22T02:03:04',
  server_name: 'SQL1',
  product_version: '16.0.4165.4',
  product_level: 'RTM',
  product_update_level: 'CU14',
  edition: 'Enterprise Edition (64-bit)',
  engine_edition: 3,
  host_platform: 'Windows',
  is_hadr_enabled: 1,
  collation: 'SQL_Latin1_General_CP1_CI_AS',
  is_sysadmin: 1,
  has_master_key: 1,
  can_validate_certificate_chain: 1,
  can_trust_certificate_issuers: 1,
};

const database: DriverRow = {
  name: 'Sales',
  database_id: 5,
  state_desc: 'ONLINE',
  user_access_desc: 'MULTI_USER',
  is_read_only: false,
  is_auto_close_on: false,
  recovery_model_desc: 'FULL',
  compatibility_level: 160,
  collation_name: 'SQL_Latin1_General_CP1_CI_AS',
  is_broker_enabled: true,
  is_cdc_enabled: false,
  is_published: false,
  is_encrypted: false,
  log_reuse_wait_desc: 'NOTHING',
  encryptor_type: null,
  encryptor_certificate_name: null,
  availability_group_name: null,
  last_log_backup_lsn: '48000000143200001',
  is_accelerated_database_recovery_on: null,
};

const databaseAnswers = {
  'read-database': [database],
  'read-database-files': [
    { name: 'Sales', type_desc: 'ROWS', state_desc: 'ONLINE', size_bytes: '8388608' },
    { name: 'Sales_log', type_desc: 'LOG', state_desc: 'ONLINE', size_bytes: '8388608' },
  ],
  'read-full-backup': [{ finished_at: '2026-11-21T22:00:00' }],
  'read-database-features': [{ has_filestream: 0, has_file_tables: 0, has_memory_optimized_filegroup: 1 }],
};

describe('server', () => {
  test('trace flags that are off do not count', async () => {
    const port = new ScriptedPort('s', {
      'read-server': [SERVER_ROW],
      'read-trace-flags': [
        { TraceFlag: 1800, Status: 1, Global: 1, Session: 0 },
        { TraceFlag: 9567, Status: 0, Global: 1, Session: 0 },
      ],
    });
    expect(await readServerFacts(port, clock)).toMatchObject({
      observedAt: OBSERVED_AT,
      serverTime: '2026-11-22T02:03:04.000Z',
      serverName: 'SQL1',
      traceFlags: [1800],
    });
  });

  test('no row is an error', async () => {
    const port = new ScriptedPort('s', { 'read-server': [], 'read-trace-flags': [] });
    await expect(readServerFacts(port, clock)).rejects.toBeInstanceOf(FactMissing);
  });
});

describe('database', () => {
  test('is put together', async () => {
    const facts = await readDatabaseFacts(new ScriptedPort('s', databaseAnswers), clock, 'Sales');
    expect(facts).toMatchObject({
      observedAt: OBSERVED_AT,
      name: 'Sales',
      lastLogBackupLsn: '48000000143200001',
      lastFullBackupAt: '2026-11-21T22:00:00.000Z',
      hasMemoryOptimizedFilegroup: true,
      isAcceleratedDatabaseRecoveryOn: null,
    });
    expect(facts?.files.map((file) => [file.typeDesc, file.sizeBytes])).toEqual([
      ['ROWS', 8_388_608],
      ['LOG', 8_388_608],
    ]);
  });

  test('none of that name is null', async () => {
    const port = new ScriptedPort('s', {
      ...databaseAnswers,
      'read-database': [],
      'read-database-files': [],
      'read-full-backup': [{ finished_at: null }],
    });
    expect(await readDatabaseFacts(port, clock, 'Sales')).toBeNull();
    expect(port.asked).not.toContain('read-database-features');
  });

  test('a database that is not online is not entered', async () => {
    const port = new ScriptedPort('s', {
      ...databaseAnswers,
      'read-database': [{ ...database, state_desc: 'RESTORING', collation_name: null }],
    });
    const facts = await readDatabaseFacts(port, clock, 'Sales');
    expect(facts).toMatchObject({ stateDesc: 'RESTORING', hasFilestream: false });
    expect(port.asked).not.toContain('read-database-features');
  });

  test('the copy on the instance', async () => {
    const port = new ScriptedPort('mi', {
      'read-instance-database': [
        {
          state_desc: 'ONLINE',
          updateability: 'READ_ONLY',
          group_role_desc: 'SECONDARY',
          last_hardened_lsn: '48000000143200001',
          last_full_backup_at: '2026-11-22T01:00:00',
        },
      ],
    });
    expect(await readInstanceDatabaseFacts(port, clock, 'Sales', 'DAG_Sales')).toEqual({
      observedAt: OBSERVED_AT,
      database: 'Sales',
      stateDesc: 'ONLINE',
      updateability: 'READ_ONLY',
      groupRoleDesc: 'SECONDARY',
      lastHardenedLsn: '48000000143200001',
      lastFullBackupAt: '2026-11-22T01:00:00.000Z',
    });
  });
});

const replica = (link: string, name: string): DriverRow => ({
  server_time: '2026-11-22T02:03:04',
  group_name: link,
  database_name: name,
  local_role_desc: 'PRIMARY',
  connected_state_desc: 'CONNECTED',
  last_connect_error_number: null,
  last_connect_error_description: null,
  synchronization_state_desc: 'NOT SYNCHRONIZING',
  synchronization_health_desc: 'NOT_HEALTHY',
  availability_mode_desc: 'ASYNCHRONOUS_COMMIT',
  end_of_log_lsn: '48000000143200001',
  remote_hardened_lsn: null,
  log_send_queue_size: null,
  log_send_rate: null,
  redo_queue_size: null,
  redo_rate: null,
  secondary_lag_seconds: null,
  is_suspended: 0,
  suspend_reason_desc: null,
  log_reuse_wait_desc: 'AVAILABILITY_REPLICA',
  log_size_kb: '1024',
  log_used_kb: '512',
});

const seeding = (link: string, name: string, state: string): DriverRow => ({
  group_name: link,
  database_name: name,
  operation_id: 'A',
  current_state: state,
  failure_state: null,
  failure_state_desc: null,
  error_code: null,
  number_of_attempts: 1,
  transferred_bytes: null,
  database_size_bytes: null,
  transfer_rate_bytes_per_second: null,
  stream_workers: 0,
});

describe('links', () => {
  test('two queries, whatever the number of links; seedings find their link, the newest wins', async () => {
    const port = new ScriptedPort('s', {
      'read-link-replicas': [replica('DAG_A', 'A'), replica('DAG_B', 'B')],
      'read-seeding': [
        seeding('DAG_B', 'B', 'FAILED'),
        seeding('DAG_B', 'B', 'SEEDING'),
        seeding('DAG_C', 'A', 'COMPLETED'),
      ],
    });
    const facts = await readDistributedReplicaFacts(port, clock);
    expect(facts.map(({ groupName, seeding: own }) => [groupName, own?.currentState])).toEqual([
      ['DAG_A', undefined],
      ['DAG_B', 'SEEDING'],
    ]);
    expect(port.asked).toEqual(['read-link-replicas', 'read-seeding']);
  });

  test('preflight reads both ends and names the logins that are missing', async () => {
    const common = { 'read-server': [SERVER_ROW], 'read-trace-flags': [] };
    const server = new ScriptedPort('s', {
      ...common,
      ...databaseAnswers,
      'read-certificates': [],
      'read-endpoints': [],
      'read-availability-groups': [],
      'read-link-mode': [{ enabled: 1 }],
      'read-group-listeners': [
        { group_name: 'AG', dns_name: 'l', port: 1433, ip_address: '10.0.1.50' },
        { group_name: 'AG', dns_name: 'l', port: 1433, ip_address: '10.0.2.50' },
      ],
      'read-logins': [{ name: 'APP', is_disabled: false }],
    });
    const instance = { name: 'mi' };
    const overTds = new ScriptedPort('mi', common);
    const facts = await readLinkPreflightFacts(
      { server, instance: overTds, sites: { server, instance: overTds }, azure: azurePort(instance) },
      specWithFence('Sales', ['app', 'gone']),
      clock,
    );
    expect(facts).toMatchObject({
      server: { serverName: 'SQL1' },
      database: { name: 'Sales' },
      missingFenceLogins: ['gone'],
      instance,
      instanceServer: { serverName: 'SQL1' },
      trustCertificates: [{ name: 'c' }],
      group: {
        multiDatabase: true,
        listeners: [{ group: 'AG', dnsName: 'l', addresses: ['10.0.1.50', '10.0.2.50'] }],
        members: [],
        isMultiDatabase: false,
      },
    });
  });
});

/** Only what preflight reads of it. */
const azurePort = (instance: object): ManagedInstancePort =>
  ({
    name: 'mi',
    readInstance: async () => instance,
    readLink: async () => undefined,
    readTrustCertificates: async () => [{ name: 'c', thumbprint: 'AB' }],
  }) as unknown as ManagedInstancePort;

const specWithFence = (name: string, disableLogins: readonly string[]): ResolvedLink =>
  ({
    settings: { database: name, initialPrimary: 'server', cutover: { fence: { disableLogins } } },
    names: { distributedGroup: 'DAG', availabilityGroup: 'AG' },
  }) as unknown as ResolvedLink;
