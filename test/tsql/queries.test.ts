import { tokenize } from '../../estate/sql/syntax/tokenizer';
import { groupAvailabilityGroups } from '../../src/tsql/queries/availability-groups';
import { readCertificatePublicKey, readCertificates } from '../../src/tsql/queries/certificates';
import { readInstanceDatabase } from '../../src/tsql/queries/instance-database';
import { readLinkReplicas } from '../../src/tsql/queries/link/replicas';
import { readSeeding } from '../../src/tsql/queries/link/seeding';
import { readLogins, readSessions } from '../../src/tsql/queries/logins';
import { readServer } from '../../src/tsql/queries/server';
import { RowShapeError } from '../../src/tsql/rows';
import { everyQuery } from './catalog';

const HOSTILE = "x'; DROP DATABASE y; --";

const QUERIES = everyQuery(HOSTILE);

describe.each(QUERIES.map((query) => [query.id, query] as const))('%s', (_id, query) => {
  test('its text holds no value, its variables are declared or parameters', () => {
    expect(query.text).not.toContain('DROP DATABASE');
    const variables = (sql: string) =>
      tokenize(sql)
        .filter((token) => token.kind === 'variable' && !token.text.startsWith('@@'))
        .map((token) => token.text.replace(/^@/, ''));
    const declared = [...query.text.matchAll(/DECLARE @(\w+)/g)].map((match) => match[1]);
    const known = new Set([...declared, ...Object.keys(query.parameters)]);
    expect(variables(query.text).filter((name) => !known.has(name))).toEqual([]);
    const used = new Set(variables(query.text));
    expect(Object.keys(query.parameters).filter((name) => !used.has(name))).toEqual([]);
  });

  test('every LSN leaves the server as text (promise 10)', () => {
    const rest = query.text
      .replaceAll(/CONVERT\(varchar\(40\), (?:[\w.]+|COALESCE\([^()]*\))\)/g, '')
      .replaceAll(/\bAS \w+_lsn\b/g, '')
      .replaceAll(/[\w.]+_lsn IS NOT NULL/g, '');
    expect(rest).not.toMatch(/_lsn\b/);
  });

  test('a row of another shape is refused', () => {
    expect(() => query.decode({})).toThrow(RowShapeError);
  });
});

test('server', () => {
  const row = {
    server_time: '2026-11-22T02:03:04.1234567',
    server_name: 'SQL1',
    product_version: '13.0.7000.253',
    product_level: 'SP3',
    product_update_level: null,
    edition: 'Standard Edition (64-bit)',
    engine_edition: 2,
    host_platform: null,
    is_hadr_enabled: 1,
    collation: 'SQL_Latin1_General_CP1_CI_AS',
    is_sysadmin: 0,
    has_master_key: 1,
    can_validate_certificate_chain: 0,
    can_trust_certificate_issuers: 1,
  };
  expect(readServer().decode(row)).toEqual({
    serverTime: '2026-11-22T02:03:04.123Z',
    serverName: 'SQL1',
    productVersion: '13.0.7000.253',
    productLevel: 'SP3',
    productUpdateLevel: null,
    edition: 'Standard Edition (64-bit)',
    engineEdition: 2,
    hostPlatform: null,
    isHadrEnabled: true,
    collation: 'SQL_Latin1_General_CP1_CI_AS',
    isSysadmin: false,
    hasMasterKey: true,
    canValidateCertificateChain: false,
    canTrustCertificateIssuers: true,
  });
  expect(readServer().decode({ ...row, is_hadr_enabled: null })).toMatchObject({ isHadrEnabled: false });
});

test('certificates: thumbprints in upper case, dates in UTC', () => {
  const row = {
    name: 'c',
    certificate_id: 256,
    subject: 's',
    issuer_name: 'i',
    start_date: '2026-01-01T00:00:00',
    expiry_date: '2027-01-01T00:00:00',
    thumbprint: 'ab01',
    pvt_key_encryption_type: 'MK',
  };
  expect(readCertificates().decode(row)).toMatchObject({
    thumbprint: 'AB01',
    expiryDate: '2027-01-01T00:00:00.000Z',
    privateKeyEncryptionType: 'MK',
  });
  expect(readCertificatePublicKey('c').decode({ public_key: '3082ab' })).toEqual({ publicKey: '3082AB' });
  expect(readCertificatePublicKey('c').decode({ public_key: null })).toEqual({ publicKey: null });
});

test('lists become parameters', () => {
  const query = readLogins(['app', 'b']);
  expect(query.text).toContain('name IN (@login0, @login1)');
  expect(query.parameters).toEqual({ login0: 'app', login1: 'b' });
  expect(readLogins([]).text).toContain('name IN (NULL)');
  expect(readSessions({ logins: ['app'] }).parameters).toEqual({ login0: 'app' });
});

const replicaRow = {
  server_time: '2026-11-22T02:03:04',
  group_name: 'DAG',
  database_name: 'Sales',
  local_role_desc: 'PRIMARY',
  connected_state_desc: 'CONNECTED',
  last_connect_error_number: null,
  last_connect_error_description: null,
  synchronization_state_desc: 'SYNCHRONIZING',
  synchronization_health_desc: 'HEALTHY',
  availability_mode_desc: 'ASYNCHRONOUS_COMMIT',
  end_of_log_lsn: '0048000000143200001',
  remote_hardened_lsn: '48000000143100001',
  log_send_queue_size: '12',
  log_send_rate: '340',
  redo_queue_size: '0',
  redo_rate: null,
  secondary_lag_seconds: '3',
  is_suspended: 0,
  suspend_reason_desc: null,
  log_reuse_wait_desc: 'LOG_BACKUP',
  log_size_kb: '2048',
  log_used_kb: '1024',
};

test('link replicas', () => {
  expect(readLinkReplicas().decode(replicaRow)).toEqual({
    serverTime: '2026-11-22T02:03:04.000Z',
    groupName: 'DAG',
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
    redoQueueKb: 0,
    redoRateKbPerSecond: null,
    secondaryLagSeconds: 3,
    isSuspended: false,
    suspendReasonDesc: null,
    logReuseWaitDesc: 'LOG_BACKUP',
    logSizeBytes: 2_097_152,
    logUsedBytes: 1_048_576,
  });
});

test('states that nobody knows yet are kept as they came (promise 12)', () => {
  const row = { ...replicaRow, synchronization_state_desc: 'QUANTUM', local_role_desc: null };
  expect(readLinkReplicas().decode(row)).toMatchObject({
    synchronizationStateDesc: 'QUANTUM',
    localRoleDesc: 'RESOLVING',
  });
});

test('seeding', () => {
  const row = {
    group_name: 'DAG',
    database_name: 'Sales',
    operation_id: '6F9619FF-8B86-D011-B42D-00C04FC964FF',
    current_state: 'SEEDING',
    failure_state: null,
    failure_state_desc: null,
    error_code: null,
    number_of_attempts: 1,
    transferred_bytes: '1099511627776',
    database_size_bytes: '2199023255552',
    transfer_rate_bytes_per_second: '104857600',
    stream_workers: 2,
  };
  expect(readSeeding().decode(row)).toEqual({
    groupName: 'DAG',
    database: 'Sales',
    seeding: {
      operationId: '6F9619FF-8B86-D011-B42D-00C04FC964FF',
      currentState: 'SEEDING',
      failureState: null,
      failureStateDesc: null,
      errorCode: null,
      numberOfAttempts: 1,
      transferredBytes: 1_099_511_627_776,
      databaseBytes: 2_199_023_255_552,
      transferRateBytesPerSecond: 104_857_600,
      isStreaming: true,
    },
  });
});

test('instance database that is not there', () => {
  const row = {
    state_desc: null,
    updateability: null,
    group_role_desc: null,
    last_hardened_lsn: null,
    last_full_backup_at: null,
  };
  expect(readInstanceDatabase('d', 'l').decode(row)).toEqual({
    stateDesc: null,
    updateability: null,
    groupRoleDesc: null,
    lastHardenedLsn: null,
    lastFullBackupAt: null,
  });
});

test('rows of groups are put together', () => {
  const replica = (name: string) => ({
    name,
    endpointUrl: `TCP://${name}:5022`,
    availabilityModeDesc: 'SYNCHRONOUS_COMMIT',
  });
  const row = { isDistributed: false, clusterTypeDesc: 'NONE', localRoleDesc: 'PRIMARY' };
  const groups = groupAvailabilityGroups([
    { ...row, name: 'AG', replica: replica('A'), database: 'd1' },
    { ...row, name: 'AG', replica: replica('A'), database: 'd2' },
    { ...row, name: 'AG', replica: replica('B'), database: null },
    { ...row, name: 'DAG', isDistributed: true, replica: replica('AG'), database: null },
    { ...row, name: 'empty', replica: null, database: null },
  ]);
  expect(groups).toEqual([
    { ...row, name: 'AG', replicas: [replica('A'), replica('B')], databases: ['d1', 'd2'] },
    { ...row, name: 'DAG', isDistributed: true, replicas: [replica('AG')], databases: [] },
    { ...row, name: 'empty', replicas: [], databases: [] },
  ]);
});
