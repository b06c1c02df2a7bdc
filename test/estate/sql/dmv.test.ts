/** The monitoring queries of a Managed Instance link, over views with the shape of the real ones. */
import { SqlDecimal, type SqlRow, type SqlType } from '../../../estate/sql/types';
import { FakeServer, TestSession, view } from './fake-host';

const int: SqlType = { kind: 'int' };
const bit: SqlType = { kind: 'bit' };
const bigint: SqlType = { kind: 'bigint' };
const guid: SqlType = { kind: 'uniqueidentifier' };
const lsn: SqlType = { kind: 'decimal', precision: 25, scale: 0 };
const text = (length: number): SqlType => ({ kind: 'nvarchar', length });
const datetime: SqlType = { kind: 'datetime' };

const id = (digit: number): string => `${String(digit).repeat(8)}-0000-0000-0000-000000000000`;
const [AG, DAG, LOCAL, REMOTE, OWN, DB, OPERATION] = [1, 2, 3, 4, 5, 6, 7].map(id);
const LSN = new SqlDecimal(42000000012800001n, 0);

function linkServer(): FakeServer {
  const server = new FakeServer();
  const add = (name: string, columns: Record<string, SqlType>, rows: readonly unknown[][]): void => {
    server.views.set(name, view(columns, rows as readonly SqlRow[]));
  };
  add(
    'sys.availability_groups',
    { group_id: guid, name: text(128), is_distributed: bit, cluster_type_desc: text(60) },
    [
      [AG, 'AG', false, 'NONE'],
      [DAG, 'DAG', true, 'NONE'],
    ],
  );
  add(
    'sys.availability_replicas',
    {
      replica_id: guid,
      group_id: guid,
      replica_server_name: text(256),
      endpoint_url: text(256),
      availability_mode_desc: text(60),
    },
    [
      [OWN, AG, 'SQL1', 'TCP://10.0.0.4:5022', 'SYNCHRONOUS_COMMIT'],
      [LOCAL, DAG, 'AG', 'TCP://10.0.0.4:5022', 'ASYNCHRONOUS_COMMIT'],
      [REMOTE, DAG, 'AG_MI', 'tcp://mi:5022;Server=[mi]', 'ASYNCHRONOUS_COMMIT'],
    ],
  );
  add(
    'sys.dm_hadr_availability_replica_states',
    {
      replica_id: guid,
      group_id: guid,
      is_local: bit,
      role: { kind: 'tinyint' },
      role_desc: text(60),
      operational_state_desc: text(60),
      connected_state_desc: text(60),
      synchronization_health_desc: text(60),
      last_connect_error_number: int,
      last_connect_error_description: text(1024),
      last_connect_error_timestamp: datetime,
    },
    [
      [OWN, AG, true, 1, 'PRIMARY', 'ONLINE', 'CONNECTED', 'HEALTHY', null, null, null],
      [LOCAL, DAG, true, 1, 'PRIMARY', 'ONLINE', 'CONNECTED', 'HEALTHY', null, null, null],
      [REMOTE, DAG, false, 2, 'SECONDARY', null, 'CONNECTED', 'HEALTHY', null, null, null],
    ],
  );
  add(
    'sys.dm_hadr_database_replica_states',
    {
      database_id: int,
      group_id: guid,
      replica_id: guid,
      is_local: bit,
      is_primary_replica: bit,
      synchronization_state_desc: text(60),
      synchronization_health_desc: text(60),
      last_hardened_lsn: lsn,
      end_of_log_lsn: lsn,
      secondary_lag_seconds: bigint,
    },
    [
      [5, DAG, LOCAL, true, true, 'SYNCHRONIZED', 'HEALTHY', null, LSN, null],
      [5, DAG, REMOTE, false, false, 'SYNCHRONIZING', 'HEALTHY', LSN, LSN, 4n],
    ],
  );
  add(
    'sys.databases',
    {
      database_id: int,
      name: text(128),
      group_database_id: guid,
      state_desc: text(60),
      log_reuse_wait: { kind: 'tinyint' },
      log_reuse_wait_desc: text(60),
    },
    [
      [1, 'master', null, 'ONLINE', 0, 'NOTHING'],
      [5, 'orders', DB, 'ONLINE', 2, 'LOG_BACKUP'],
    ],
  );
  add(
    'sys.dm_hadr_automatic_seeding',
    {
      start_time: datetime,
      ag_id: guid,
      ag_db_id: guid,
      ag_remote_replica_id: guid,
      operation_id: guid,
      is_source: bit,
      current_state: text(60),
      failure_state: int,
    },
    [[null, DAG, DB, REMOTE, OPERATION, true, 'SEEDING', null]],
  );
  add(
    'sys.dm_hadr_physical_seeding_stats',
    {
      local_physical_seeding_id: guid,
      local_database_name: text(128),
      role_desc: text(60),
      transfer_rate_bytes_per_second: bigint,
      transferred_size_bytes: bigint,
      database_size_bytes: bigint,
    },
    [[OPERATION, 'orders', 'Source', 1000n, 400n, 1600n]],
  );
  add(
    'sys.dm_exec_requests',
    { session_id: { kind: 'smallint' }, database_id: { kind: 'smallint' }, command: text(32) },
    [[60, 5, 'VDI_CLIENT_WORKER']],
  );
  add(
    'sys.dm_db_log_space_usage',
    {
      database_id: int,
      total_log_size_in_bytes: bigint,
      used_log_space_in_bytes: bigint,
      used_log_space_in_percent: { kind: 'real' },
    },
    [[5, 1000n, 250n, 25]],
  );
  add('sys.symmetric_keys', { symmetric_key_id: int }, [[101]]);
  return server;
}

describe('queries of the link', () => {
  const session = new TestSession(linkServer());

  test('connection of the replicas', async () => {
    const rows = await session.rows(
      `SELECT r.replica_server_name, r.endpoint_url, rs.connected_state_desc, rs.last_connect_error_description, rs.last_connect_error_number, rs.last_connect_error_timestamp FROM sys.dm_hadr_availability_replica_states rs JOIN sys.availability_replicas r ON rs.replica_id = r.replica_id`,
    );
    expect(rows.map((row) => row.slice(0, 3))).toEqual([
      ['SQL1', 'TCP://10.0.0.4:5022', 'CONNECTED'],
      ['AG', 'TCP://10.0.0.4:5022', 'CONNECTED'],
      ['AG_MI', 'tcp://mi:5022;Server=[mi]', 'CONNECTED'],
    ]);
  });

  test('lag of the secondary, by sp_executesql', async () => {
    const output = await session.statement(
      `SELECT ag.name, ars1.role_desc, ars2.connected_state_desc, ars2.synchronization_health_desc, drs.secondary_lag_seconds
FROM sys.availability_groups ag
JOIN sys.dm_hadr_availability_replica_states ars1 ON ag.group_id = ars1.group_id
JOIN sys.dm_hadr_availability_replica_states ars2 ON ag.group_id = ars2.group_id
JOIN sys.dm_hadr_database_replica_states drs ON ars2.replica_id = drs.replica_id
WHERE ag.is_distributed = 1 AND ag.name = @dag AND ars1.is_local = 1 AND ars2.is_local = 0;`,
      [{ name: 'dag', type: text(4000), value: 'dag', output: false }],
    );
    expect(output.sets[0]?.rows).toEqual([['DAG', 'PRIMARY', 'CONNECTED', 'HEALTHY', 4n]]);
    expect(output.sets[0]?.columns.at(-1)?.type).toEqual(bigint);
  });

  test('LSNs of both sides', async () => {
    const output = await session.run(
      `SELECT drs.synchronization_state_desc, drs.end_of_log_lsn, drs.last_hardened_lsn FROM sys.dm_hadr_database_replica_states drs JOIN sys.databases db ON db.database_id = drs.database_id JOIN sys.availability_groups ag ON drs.group_id = ag.group_id WHERE ag.is_distributed = 1 AND db.name = N'orders'`,
    );
    expect(output.sets[0]?.rows).toEqual([
      ['SYNCHRONIZED', LSN, null],
      ['SYNCHRONIZING', LSN, LSN],
    ]);
    expect(output.sets[0]?.columns[1]?.type).toEqual(lsn);
  });

  test('role of the local side', async () => {
    const rows = await session.rows(
      "SELECT ag.name, rs.role_desc FROM sys.availability_groups ag JOIN sys.dm_hadr_availability_replica_states rs ON ag.group_id = rs.group_id WHERE rs.is_local = 1 AND ag.is_distributed = 1 AND ag.name = 'DAG'",
    );
    expect(rows).toEqual([['DAG', 'PRIMARY']]);
  });

  test('seeding joined with its groups, replicas and databases', async () => {
    const rows = await session.rows(`
      SELECT d.name, ag.name, r.replica_server_name, a.current_state, s.transferred_size_bytes * 100.0 / NULLIF(s.database_size_bytes, 0)
      FROM sys.dm_hadr_automatic_seeding AS a
      INNER JOIN sys.availability_groups AS ag ON ag.group_id = a.ag_id
      INNER JOIN sys.availability_replicas AS r ON r.replica_id = a.ag_remote_replica_id
      INNER JOIN sys.databases AS d ON d.group_database_id = a.ag_db_id
      LEFT JOIN sys.dm_hadr_physical_seeding_stats AS s ON s.local_physical_seeding_id = a.operation_id
      WHERE ag.is_distributed = 1 AND a.is_source = 1 ORDER BY a.start_time DESC`);
    expect(rows.map((row) => row.slice(0, 4))).toEqual([['orders', 'DAG', 'AG_MI', 'SEEDING']]);
    expect(rows[0]?.[4]).toMatchObject({ unscaled: 25n * 10n ** BigInt((rows[0]?.[4] as SqlDecimal).scale) });
  });

  test('gates of log backups', async () => {
    expect(
      await session.rows(
        "SELECT COUNT(*) FROM sys.dm_exec_requests WHERE database_id = DB_ID(N'orders') AND command = 'VDI_CLIENT_WORKER'",
      ),
    ).toEqual([[1]]);
    expect(
      await session.rows(
        'SELECT total_log_size_in_bytes, used_log_space_in_bytes, used_log_space_in_percent FROM sys.dm_db_log_space_usage',
      ),
    ).toEqual([[1000n, 250n, 25]]);
    expect(
      await session.rows(
        "SELECT log_reuse_wait, log_reuse_wait_desc FROM sys.databases WHERE name = N'ORDERS'",
      ),
    ).toEqual([[2, 'LOG_BACKUP']]);
    const output = await session.run(`
      DECLARE @file nvarchar(260) = N'/backup/' + REPLACE(N'orders', N' ', N'_') + N'.trn';
      IF sys.fn_hadr_is_primary_replica(N'orders') = 1 AND NOT EXISTS (SELECT 1 FROM sys.databases WHERE name = N'orders' AND state_desc <> N'ONLINE')
      BEGIN
        BACKUP LOG [orders] TO DISK = @file
      END
      IF NOT EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE symmetric_key_id = 101) PRINT 'no key'`);
    expect(output.errors).toEqual([]);
    expect(output.infos).toEqual([]);
    expect(session.host.administrative.map(({ path }) => path)).toEqual(['/backup/orders.trn']);
  });

  test('server properties in one row', async () => {
    const output = await session.run(
      "SELECT SERVERPROPERTY('ProductVersion'), SERVERPROPERTY('EngineEdition') AS edition, @@SERVERNAME;",
    );
    expect(output.sets[0]?.columns.map(({ name, type }) => [name, type.kind])).toEqual([
      ['', 'sql_variant'],
      ['edition', 'sql_variant'],
      ['', 'nvarchar'],
    ]);
  });
});
