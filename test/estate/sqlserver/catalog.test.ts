/** The queries that the link's pages and the product's reference tell people to run, word for word. */
import { type Client, Rig } from './harness';

/** Queries that must run; those with a result say what it must be. */
const queries: readonly (readonly [string, unknown?])[] = [
  [
    "SELECT SERVERPROPERTY('ProductVersion'), SERVERPROPERTY('ProductLevel'), SERVERPROPERTY('ProductUpdateLevel'), SERVERPROPERTY('Edition'), SERVERPROPERTY('EngineEdition'), SERVERPROPERTY('IsHadrEnabled'), SERVERPROPERTY('Collation'), @@SERVERNAME;",
  ],
  [
    "SELECT CONVERT(varchar(30), SERVERPROPERTY('ProductVersion')) AS v, CAST(SERVERPROPERTY('EngineEdition') AS int) AS e",
    [{ v: '16.0.4165.4', e: 3 }],
  ],
  ["SELECT OBJECT_ID('sys.sp_certificate_add_issuer') AS present", [{ present: expect.any(Number) }]],
  ["SELECT OBJECT_ID('sys.no_such_thing') AS present", [{ present: null }]],
  ['SELECT 1 AS one FROM sys.symmetric_keys WHERE symmetric_key_id = 101', []],
  [
    'SELECT e.name, e.type_desc, e.state_desc, role_desc, connection_auth_desc, is_encryption_enabled, encryption_algorithm_desc, certificate_id, port FROM sys.database_mirroring_endpoints e JOIN sys.tcp_endpoints t ON e.endpoint_id = t.endpoint_id',
    [],
  ],
  [
    'SELECT db.name, cer.name AS certificate, dek.encryptor_thumbprint, dek.encryptor_type FROM sys.dm_database_encryption_keys dek LEFT JOIN sys.certificates cer ON dek.encryptor_thumbprint = cer.thumbprint JOIN sys.databases db ON dek.database_id = db.database_id WHERE dek.encryption_state = 3',
    [expect.objectContaining({ name: 'Payroll', encryptor_type: 'CERTIFICATE' })],
  ],
  [
    "DECLARE @db sysname = N'Sales'; SELECT TOP 1 database_name, is_copy_only FROM msdb.dbo.backupset WHERE database_name=@db AND type='D' AND is_copy_only=0 AND server_name=@@SERVERNAME ORDER BY backup_finish_date DESC",
    [{ database_name: 'Sales', is_copy_only: false }],
  ],
  [
    'SELECT d.name FROM sys.database_recovery_status r JOIN sys.databases d ON d.database_id = r.database_id WHERE r.last_log_backup_lsn IS NOT NULL ORDER BY d.name',
    [{ name: 'Sales' }],
  ],
  [
    "SELECT COUNT(*) AS logs FROM sys.master_files WHERE type = 1 AND database_id = DB_ID('Sales')",
    [{ logs: 1 }],
  ],
  ["SELECT name FROM Sales.sys.filegroups WHERE type = 'FD'", []],
  ['SELECT name FROM sys.tables WHERE is_filetable = 1', []],
  [
    "SELECT DATABASEPROPERTYEX('Sales', 'IsXTPSupported') AS x, CONVERT(varchar(20), DATABASEPROPERTYEX('Sales', 'Recovery')) AS r",
    [{ x: expect.anything(), r: 'FULL' }],
  ],
  ["SELECT name FROM Sales.sys.database_files WHERE state_desc = 'DEFUNCT'", []],
  [
    "SELECT is_accelerated_database_recovery_on AS adr, is_broker_enabled AS broker, compatibility_level AS level, is_cdc_enabled AS cdc, is_published AS published, replica_id, group_database_id FROM sys.databases WHERE name = 'Sales'",
    [
      {
        adr: true,
        broker: false,
        level: 160,
        cdc: false,
        published: false,
        replica_id: null,
        group_database_id: null,
      },
    ],
  ],
  ['SELECT name, group_id, is_distributed, cluster_type_desc FROM sys.availability_groups', []],
  [
    'SELECT r.replica_server_name, r.endpoint_url, rs.connected_state_desc, rs.last_connect_error_description, rs.last_connect_error_number, rs.last_connect_error_timestamp FROM sys.dm_hadr_availability_replica_states rs JOIN sys.availability_replicas r ON rs.replica_id = r.replica_id',
    [],
  ],
  [
    `DECLARE @dag sysname = N'DAG';
SELECT ag.name, ars1.role_desc, ars2.connected_state_desc, ars2.synchronization_health_desc, drs.secondary_lag_seconds
FROM sys.availability_groups ag
JOIN sys.dm_hadr_availability_replica_states ars1 ON ag.group_id = ars1.group_id
JOIN sys.dm_hadr_availability_replica_states ars2 ON ag.group_id = ars2.group_id
JOIN sys.dm_hadr_database_replica_states drs ON ars2.replica_id = drs.replica_id
WHERE ag.is_distributed = 1 AND ag.name = @dag AND ars1.is_local = 1 AND ars2.is_local = 0;`,
    [],
  ],
  [
    "DECLARE @db sysname = N'Sales'; SELECT drs.synchronization_state_desc, drs.end_of_log_lsn, drs.last_hardened_lsn FROM sys.dm_hadr_database_replica_states drs JOIN sys.databases db ON db.database_id = drs.database_id JOIN sys.availability_groups ag ON drs.group_id = ag.group_id WHERE ag.is_distributed = 1 AND db.name = @db",
    [],
  ],
  [
    'SELECT name, certificate_id, thumbprint, start_date, expiry_date, pvt_key_encryption_type_desc FROM sys.certificates',
    [],
  ],
  ["SELECT sys.fn_hadr_is_primary_replica('Sales') AS p", [{ p: null }]],
  [
    'SELECT s.local_database_name, a.current_state FROM sys.dm_hadr_physical_seeding_stats s JOIN sys.dm_hadr_automatic_seeding a ON s.local_physical_seeding_id = a.operation_id',
    [],
  ],
  [
    "SELECT name FROM sys.all_columns WHERE object_id = OBJECT_ID('sys.dm_hadr_physical_seeding_stats') AND name LIKE 'transfer%red_size_bytes'",
    [{ name: 'transferred_size_bytes' }],
  ],
  [
    "SELECT sp.name, sp.sid, sp.type, sp.is_disabled, sp.default_database_name, sp.default_language_name, sl.password_hash, sl.is_policy_checked, sl.is_expiration_checked FROM sys.server_principals sp LEFT JOIN sys.sql_logins sl ON sl.principal_id = sp.principal_id WHERE sp.type IN ('S','G','U') AND sp.name <> 'sa'",
    [],
  ],
  [
    "SELECT dp.name FROM Sales.sys.database_principals dp LEFT JOIN sys.server_principals sp ON dp.sid = sp.sid WHERE sp.sid IS NULL AND dp.authentication_type_desc = 'INSTANCE'",
    [{ name: 'orphan' }],
  ],
  [
    "SELECT CONVERT(varchar(514), LOGINPROPERTY('sa','PasswordHash'), 1) AS h",
    [{ h: expect.stringMatching(/^0x0200[0-9A-F]{136}$/) }],
  ],
  [
    'USE Sales; SELECT database_id, total_log_size_in_bytes, used_log_space_in_bytes, log_space_in_bytes_since_last_backup FROM sys.dm_db_log_space_usage',
    [expect.objectContaining({ database_id: 5 })],
  ],
  ["SELECT * FROM sys.dm_os_performance_counters WHERE instance_name LIKE '%dag%'", []],
  [
    'SELECT session_id, login_name FROM sys.dm_exec_sessions WHERE is_user_process = 1',
    [expect.objectContaining({ login_name: 'sa' })],
  ],
];

describe('catalog queries', () => {
  let rig: Rig;
  let client: Client;

  beforeAll(async () => {
    rig = new Rig({
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL1',
          update: 'CU16',
          databases: [
            { name: 'Sales', dataBytes: 1024 ** 3, users: [{ name: 'orphan' }] },
            { name: 'Payroll', dataBytes: 1024 ** 3, fullBackup: false, tdeCertificate: 'TdeCert' },
          ],
        },
        { kind: 'sql-server', name: 'OLD', version: '2016', clustered: true },
        { kind: 'managed-instance', name: 'mi1' },
      ],
    });
    client = await rig.connect('SQL1');
  });
  afterAll(() => rig.stop());

  test.each(queries.map(([query, expected]) => [query, { expected }] as const))('%s', async (query, {
    expected,
  }) => {
    const answer = await client.ok(query);
    await client.ok('USE master');
    expect(answer.sets).toHaveLength(1);
    if (expected === undefined) return;
    const [set] = answer.sets;
    const rows = set?.rows.map((row) =>
      Object.fromEntries(set.columns.map((column, index) => [column.name, row[index]])),
    );
    expect(rows).toEqual(expected);
  });

  test('columns follow the version', async () => {
    const old = await rig.connect('OLD');
    const has = async (on: Client, view: string, column: string) =>
      (
        await on.rows(
          `SELECT COUNT(*) AS n FROM sys.all_columns WHERE object_id = OBJECT_ID('${view}') AND name = '${column}'`,
        )
      )[0]?.n;
    expect(await has(old, 'sys.availability_groups', 'cluster_type')).toBe(0);
    expect(await has(client, 'sys.availability_groups', 'cluster_type')).toBe(1);
    expect(await old.refusal('SELECT is_accelerated_database_recovery_on FROM sys.databases')).toEqual([207]);
    expect(await old.refusal('SELECT * FROM sys.dm_os_host_info')).toEqual([208]);
    expect(await old.refusal('EXEC sp_validate_certificate_ca_chain 1')).toEqual([2812]);
  });

  test('LSNs are decimal(25,0)', async () => {
    const answer = await client.ok(
      'SELECT end_of_log_lsn, last_hardened_lsn FROM sys.dm_hadr_database_replica_states',
    );
    expect(answer.sets[0]?.columns.map((column) => column.type)).toEqual([
      { kind: 'decimal', precision: 25, scale: 0 },
      { kind: 'decimal', precision: 25, scale: 0 },
    ]);
  });

  test('a managed instance has its fabric, a SQL Server none', async () => {
    const managed = await rig.connect('mi1');
    const parameter = (name: string) =>
      managed.rows(`SELECT value FROM sys.dm_hadr_fabric_config_parameters WHERE parameter_name = '${name}'`);
    const properties = rig.world.instances.get('mi1').managed;
    expect(await parameter('DnsRecordName')).toEqual([{ value: properties?.fullyQualifiedDomainName }]);
    expect(await parameter('HadrPort')).toEqual([{ value: String(properties?.hadrPort) }]);
    const nodes = await managed.rows(
      "SELECT fn.node_name FROM sys.dm_hadr_fabric_partitions fp JOIN sys.dm_hadr_fabric_replicas fr ON fp.partition_id = fr.partition_id JOIN sys.dm_hadr_fabric_nodes fn ON fr.node_name = fn.node_name WHERE service_name LIKE '%ManagedServer%' AND replica_role = 2",
    );
    expect(nodes).toEqual([{ node_name: properties?.fabricNode }]);
    expect(await client.refusal('SELECT * FROM sys.dm_hadr_fabric_nodes')).toEqual([208]);
    expect(
      await managed.rows("SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS e, @@SERVERNAME AS s"),
    ).toEqual([{ e: 8, s: properties?.fullyQualifiedDomainName }]);
    const [key] = await managed.rows('EXEC sp_get_endpoint_certificate 4');
    expect(Object.values(key ?? {})).toEqual([rig.world.certificates.endpointCertificate('mi1').der]);
  });

  test('state views need VIEW SERVER STATE', async () => {
    await client.ok("CREATE LOGIN reader WITH PASSWORD = 'Reader!Passw0rd'");
    const reader = await rig.connect('SQL1', { user: 'reader', password: 'Reader!Passw0rd' });
    expect(await reader.refusal('SELECT * FROM sys.dm_hadr_database_replica_states')).toEqual([300, 297]);
    expect(await reader.rows('SELECT session_id FROM sys.dm_exec_sessions')).toEqual([
      { session_id: reader.spid },
    ]);
    expect(await reader.rows("SELECT password_hash FROM sys.sql_logins WHERE name = 'sa'")).toEqual([
      { password_hash: null },
    ]);
    await client.ok('GRANT VIEW SERVER STATE TO reader');
    expect(await reader.refusal('SELECT * FROM sys.dm_hadr_database_replica_states')).toEqual([]);
  });
});

test('every view of every kind of server can be read whole', async () => {
  const rig = new Rig({
    instances: [
      { kind: 'sql-server', name: 'SQL13', version: '2016', clustered: true, databases: [{ name: 'A' }] },
      {
        kind: 'sql-server',
        name: 'SQL17',
        version: '2025',
        databases: [{ name: 'A', memoryOptimized: true }],
      },
      { kind: 'managed-instance', name: 'mi1', databases: [{ name: 'A' }] },
    ],
  });
  for (const instance of ['SQL13', 'SQL17', 'mi1']) {
    const client = await rig.connect(instance);
    const views = await client.rows(
      "SELECT s.name AS s, o.name AS n FROM sys.all_objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE o.is_ms_shipped = 1 AND o.type = 'V'",
    );
    expect(views.length).toBeGreaterThan(60);
    for (const { s, n } of views) expect((await client.ok(`SELECT * FROM ${s}.${n}`)).sets).toHaveLength(1);
    for (const table of [
      'backupset',
      'backupmediafamily',
      'sysjobs',
      'sysjobsteps',
      'sysjobhistory',
      'sysjobactivity',
      'sysjobstepslogs',
      'sysoperators',
      'suspect_pages',
    ]) {
      await client.ok(`SELECT * FROM msdb.dbo.${table}`);
    }
    for (const call of [
      "sys.dm_db_log_stats(DB_ID('A'))",
      "sys.dm_db_log_info(DB_ID('A'))",
      'sys.dm_io_virtual_file_stats(NULL, NULL)',
    ]) {
      expect((await client.rows(`SELECT * FROM ${call}`)).length).toBeGreaterThan(0);
    }
    for (const call of [
      'sp_who',
      'sp_who2',
      'sp_helpdb',
      'sp_configure',
      'sp_readerrorlog',
      'sp_databases',
      'sp_linkedservers',
      'sp_datatype_info',
      'sp_server_info',
      'sp_tables',
      'sp_helpsrvrolemember',
      'xp_msver',
    ]) {
      expect((await client.ok(`EXEC ${call}`)).sets).toHaveLength(1);
    }
  }
  rig.stop();
});
