/** A linked database seen and driven from both servers by T-SQL. */
import { type Client, Rig } from './harness';

const dag = `CREATE AVAILABILITY GROUP [DAG] WITH (DISTRIBUTED) AVAILABILITY GROUP ON
 N'AG' WITH (LISTENER_URL = 'TCP://10.0.0.4:5022', AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC, SESSION_TIMEOUT = 20),
 N'AG_MI' WITH (LISTENER_URL = 'tcp://FQDN:5022;Server=[mi1]', AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)`;

const role = `SELECT rs.role_desc AS role FROM sys.availability_groups ag JOIN sys.dm_hadr_availability_replica_states rs ON ag.group_id = rs.group_id
 WHERE rs.is_local = 1 AND ag.is_distributed = 1 AND ag.name = 'DAG'`;

describe('a linked database', () => {
  let rig: Rig;
  let source: Client;
  let target: Client;

  beforeAll(async () => {
    rig = new Rig({
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL1',
          update: 'CU16',
          addresses: ['10.0.0.4'],
          masterKey: true,
          certificates: [{ name: 'Own', subject: 'own' }],
          endpoint: { certificate: 'Own' },
          databases: [{ name: 'Sales', dataBytes: 100 * 1024 ** 2 }],
        },
        { kind: 'managed-instance', name: 'mi1' },
      ],
    });
    source = await rig.connect('SQL1');
    target = await rig.connect('mi1');
    const fqdn = rig.world.instances.get('mi1').managed?.fullyQualifiedDomainName ?? '';
    const hex = (der: Uint8Array) => `0x${Buffer.from(der).toString('hex')}`;
    const { microsoftPki, digiCertPki } = rig.world.certificates.authorities();
    await source.ok('CREATE TABLE Sales.dbo.t (id int PRIMARY KEY); INSERT INTO Sales.dbo.t VALUES (1), (2)');
    await source.ok(
      `CREATE CERTIFICATE [${fqdn}] FROM BINARY = ${hex(rig.world.certificates.endpointCertificate('mi1').der)}`,
    );
    for (const [name, der] of [
      ['MicrosoftPKI', microsoftPki],
      ['DigiCertPKI', digiCertPki],
    ] as const) {
      await source.ok(
        `CREATE CERTIFICATE [${name}] FROM BINARY = ${hex(der)}; DECLARE @id int = CERT_ID('${name}'); EXEC sp_certificate_add_issuer @id, N'*.database.windows.net'`,
      );
    }
    rig.world.certificates.putTrust(
      'mi1',
      'Own',
      rig.world.instances.get('SQL1').certificates.get('own')?.der ?? new Uint8Array(),
    );
    await rig.world.clock.advance(10_000);
    await source.ok(
      "CREATE AVAILABILITY GROUP [AG] WITH (CLUSTER_TYPE = NONE) FOR DATABASE [Sales] REPLICA ON N'SQL1' WITH (ENDPOINT_URL = 'TCP://10.0.0.4:5022', AVAILABILITY_MODE = SYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)",
    );
    await source.ok(dag.replace('FQDN', fqdn));
    rig.world.links.put('mi1', {
      name: 'DAG',
      databaseName: 'Sales',
      partnerAvailabilityGroupName: 'AG',
      instanceAvailabilityGroupName: 'AG_MI',
      partnerEndpoint: 'TCP://10.0.0.4:5022',
      instanceLinkRole: 'Secondary',
      failoverMode: 'Manual',
      seedingMode: 'Automatic',
    });
    await rig.world.clock.advance(300_000);
  });
  afterAll(() => rig.stop());

  test('both sides know their role and the same log position', async () => {
    expect([await source.rows(role), await target.rows(role)]).toEqual([
      [{ role: 'PRIMARY' }],
      [{ role: 'SECONDARY' }],
    ]);
    const [here] = await source.rows(
      'SELECT CONVERT(varchar(30), drs.end_of_log_lsn) AS l FROM sys.dm_hadr_database_replica_states drs JOIN sys.availability_groups ag ON drs.group_id = ag.group_id WHERE ag.is_distributed = 1 AND drs.is_local = 1',
    );
    const [there] = await target.rows(
      "SELECT CONVERT(varchar(30), drs.last_hardened_lsn) AS l FROM sys.dm_hadr_database_replica_states drs JOIN sys.databases db ON db.database_id = drs.database_id WHERE db.name = 'Sales' AND drs.is_local = 1",
    );
    expect(here?.l).toMatch(/^\d{15,25}$/);
    expect(there?.l).toBe(here?.l);
    expect(await source.rows("SELECT sys.fn_hadr_is_primary_replica('Sales') AS p")).toEqual([{ p: true }]);
  });

  test('the secondary is read but not written', async () => {
    expect(await target.rows('SELECT id FROM Sales.dbo.t ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await target.refusal('INSERT INTO Sales.dbo.t VALUES (3)')).toEqual([3906]);
    expect(await target.refusal('DROP DATABASE Sales')).toEqual([3752]);
    expect(await target.refusal('ALTER AVAILABILITY GROUP [DAG] FAILOVER')).toEqual([47517]);
  });

  test('files that a managed instance cannot hold are refused', async () => {
    expect(
      await source.refusal("ALTER DATABASE Sales ADD LOG FILE (NAME = 'second', FILENAME = 'C:\\l.ldf')"),
    ).toEqual([47508, 5069]);
    expect(await source.refusal('ALTER DATABASE Sales ADD FILEGROUP fs CONTAINS FILESTREAM')).toEqual([
      47509,
    ]);
    expect(
      await source.refusal('ALTER DATABASE Sales ADD FILEGROUP xtp CONTAINS MEMORY_OPTIMIZED_DATA'),
    ).toEqual([47507]);
  });

  test('a planned failover by T-SQL changes the roles and loses nothing', async () => {
    await source.ok('INSERT INTO Sales.dbo.t VALUES (3)');
    await rig.while(source.ok('ALTER AVAILABILITY GROUP [DAG] FAILOVER'));
    expect([await source.rows(role), await target.rows(role)]).toEqual([
      [{ role: 'SECONDARY' }],
      [{ role: 'PRIMARY' }],
    ]);
    expect(await target.rows('SELECT id FROM Sales.dbo.t ORDER BY id')).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ]);
    expect(await target.refusal('INSERT INTO Sales.dbo.t VALUES (4)')).toEqual([]);
    expect(await source.refusal('INSERT INTO Sales.dbo.t VALUES (5)')).toEqual([expect.any(Number)]);
    expect(await source.rows("SELECT sys.fn_hadr_is_primary_replica('Sales') AS p")).toEqual([{ p: false }]);
  });
});
