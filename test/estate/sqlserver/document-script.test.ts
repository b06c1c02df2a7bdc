/** The documented scripts of the link, as they stand in "Configure link with scripts", from an empty server on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, objects, Rig } from './harness';

const sections = new Map(
  readFileSync(join(__dirname, 'link-with-scripts.sql'), 'utf8')
    .split(/^--## /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end + 1)] as const;
    }),
);

const definition = {
  instances: [
    {
      kind: 'sql-server' as const,
      name: 'SQL1',
      version: '2022' as const,
      update: 'CU16',
      addresses: ['10.0.0.4'],
      databases: [
        { name: 'Sales', dataBytes: 2 * 1024 ** 3, fullBackup: false, recoveryModel: 'SIMPLE' as const },
      ],
    },
    { kind: 'managed-instance' as const, name: 'sqlmi1' },
  ],
};

describe('the documented script', () => {
  let rig: Rig;
  let client: Client;
  let fqdn: string;

  beforeAll(async () => {
    rig = new Rig(definition);
    client = await rig.connect('SQL1');
    fqdn = rig.world.instances.get('sqlmi1').managed?.fullyQualifiedDomainName ?? '';
  });
  afterAll(() => rig.stop());

  const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex').toUpperCase()}`;

  /** Runs a section's batches with the placeholders filled in. @returns the answer of its last batch */
  const run = async (name: string, more: Readonly<Record<string, string>> = {}) => {
    const values: Record<string, string> = {
      DatabaseName: 'Sales',
      DiskPath: 'C:\\backup\\Sales.bak',
      strong_password: 'Str0ng!Passw0rd',
      ManagedInstanceFQDN: fqdn,
      ManagedInstanceName: 'sqlmi1',
      PublicKey: hex(rig.world.certificates.endpointCertificate('sqlmi1').der),
      SQL_SERVER_CERTIFICATE: 'Cert_SQL1_endpoint',
      SQLServerCertName: 'Cert_SQL1_endpoint',
      YourExistingEndpointName: 'database_mirroring_endpoint',
      AGNameOnSQLServer: 'AG_Sales',
      AGName: 'AG_Sales',
      AGNameOnSQLMI: 'AG_Sales_MI',
      DAGName: 'DAG_Sales',
      SQLServerName: 'SQL1',
      SQLServerIP: '10.0.0.4',
      ...more,
    };
    const text = (sections.get(name) ?? '').replace(/<(\w+)>/g, (whole, key: string) => values[key] ?? whole);
    // The document's roots are Microsoft's own; in this world others stand in their place.
    const authorities = rig.world.certificates.authorities();
    const roots: Record<string, Uint8Array> = {
      MicrosoftPKI: authorities.microsoftPki,
      DigiCertPKI: authorities.digiCertPki,
    };
    const trusted = text.replace(
      /\[(MicrosoftPKI|DigiCertPKI)\] FROM BINARY = 0x[0-9A-F]+/,
      (_whole, root: string) => `[${root}] FROM BINARY = ${hex(roots[root] ?? new Uint8Array())}`,
    );
    let answer = await rig.while(client.ok('SELECT 1'));
    for (const batch of trusted.split(/^GO\s*$/m)) {
      if (batch.trim() !== '') answer = await rig.while(client.ok(batch));
    }
    return answer;
  };

  test('every section runs in order', async () => {
    const backup = await run('backup');
    expect(backup.infos.map((info) => info.number)).toEqual([4035, 3014]);
    expect((await run('master key')).infos[0]?.message).toContain('Creating master key.');
    expect((await run('master key')).infos[0]?.message).toBe('Master key already exists.');
    // The document's own date has passed in this world's time; what is left is to choose a later one, as it says.
    sections.set('certificate', (sections.get('certificate') ?? '').replace('03/30/2025', '03/30/2030'));
    expect((await run('certificate')).infos[0]?.message).toContain('CREATE CERTIFICATE [Cert_SQL1_endpoint]');
    const [own] = objects(await run('verify certificate'));
    expect(own).toMatchObject({
      name: 'Cert_SQL1_endpoint',
      pvt_key_encryption_type: 'MK',
      subject: 'Certificate for Cert_SQL1_endpoint',
    });
    const keys = await run('public key');
    expect(objects(keys, 0)).toEqual([{ SQLServerCertName: 'Cert_SQL1_endpoint' }]);
    const der = objects(keys, 1)[0]?.SQLServerPublicKey;
    expect(der).toEqual(rig.world.instances.get('SQL1').certificates.get('cert_sql1_endpoint')?.der);
    await run('import instance certificate');
    await run('microsoft root');
    await run('digicert root');
    expect((await run('digicert root')).infos[0]?.message).toBe('Certificate DigiCertPKI already exists.');
    expect(objects(await run('all certificates')).map((row) => row.name)).toEqual([
      'Cert_SQL1_endpoint',
      fqdn,
      'MicrosoftPKI',
      'DigiCertPKI',
    ]);
    const [found] = objects(await run('find instance certificate'));
    expect(found).toMatchObject({ name: fqdn });
    await run('validate chain', { certificate_id: String(found?.certificate_id) });
    expect(objects(await run('look for endpoint'))).toEqual([]);
    await run('certificate name');
    await run('create endpoint');
    expect(objects(await run('view endpoint'))).toEqual([
      {
        name: 'database_mirroring_endpoint',
        type_desc: 'DATABASE_MIRRORING',
        state_desc: 'STARTED',
        role_desc: 'ALL',
        connection_auth_desc: 'CERTIFICATE',
        is_encryption_enabled: true,
        encryption_algorithm_desc: 'AES',
      },
    ]);
    await run('alter endpoint');
    expect(objects(await run('view endpoint'))).toMatchObject([
      { connection_auth_desc: 'NEGOTIATE, CERTIFICATE' },
    ]);
    expect(objects(await run('server name'))).toEqual([{ SQLServerName: 'SQL1' }]);
    await run('create group');
    await run('create distributed group');
    expect(objects(await run('view groups'))).toMatchObject([
      { name: 'AG_Sales', is_distributed: false, cluster_type_desc: 'none' },
      { name: 'DAG_Sales', is_distributed: true },
    ]);
    const states = objects(await run('connected state'));
    expect(states).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Replica: 'SQL1', 'Connected state': 'CONNECTED' }),
        expect.objectContaining({ Replica: 'AG_Sales_MI', 'Connected state': 'DISCONNECTED' }),
      ]),
    );
  });

  test('the link is created, seeds, and takes its first log backup', async () => {
    rig.world.certificates.putTrust(
      'sqlmi1',
      'Cert_SQL1_endpoint',
      rig.world.instances.get('SQL1').certificates.get('cert_sql1_endpoint')?.der ?? new Uint8Array(),
    );
    await rig.world.clock.advance(60_000);
    rig.world.links.put('sqlmi1', {
      name: 'DAG_Sales',
      databaseName: 'Sales',
      partnerAvailabilityGroupName: 'AG_Sales',
      instanceAvailabilityGroupName: 'AG_Sales_MI',
      partnerEndpoint: 'TCP://10.0.0.4:5022',
      instanceLinkRole: 'Secondary',
      failoverMode: 'Manual',
      seedingMode: 'Automatic',
    });
    await rig.world.clock.advance(25_000);
    const seeding = await client.rows(
      'SELECT s.local_database_name, s.role_desc, a.current_state FROM sys.dm_hadr_physical_seeding_stats s JOIN sys.dm_hadr_automatic_seeding a ON s.local_physical_seeding_id = a.operation_id',
    );
    expect(seeding).toEqual([
      { local_database_name: 'Sales', role_desc: 'Source', current_state: 'SEEDING' },
    ]);
    expect(
      await client.rows(
        "SELECT command FROM sys.dm_exec_requests WHERE database_id = DB_ID('Sales') AND command = 'VDI_CLIENT_WORKER'",
      ),
    ).not.toEqual([]);
    await rig.world.clock.advance(600_000);
    const health = await client.rows(
      `SELECT drs.synchronization_state_desc AS state, rs.synchronization_health_desc AS health
       FROM sys.availability_groups ag JOIN sys.dm_hadr_availability_replica_states rs ON ag.group_id = rs.group_id
       JOIN sys.dm_hadr_database_replica_states drs ON rs.replica_id = drs.replica_id
       WHERE ag.is_distributed = 1 AND rs.is_local = 0`,
    );
    expect(health).toEqual([{ state: 'SYNCHRONIZING', health: 'HEALTHY' }]);
    const backup = await rig.while(
      client.ok(
        "BACKUP LOG [Sales] TO DISK = N'C:\\backup\\Sales.trn' WITH NOFORMAT, NOINIT, NAME = N'first', SKIP, NOREWIND, NOUNLOAD, COMPRESSION, STATS = 10",
      ),
    );
    expect(backup.infos.filter((info) => info.number === 3211).map((info) => info.message)).toEqual(
      [10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((percent) => `${percent} percent processed.`),
    );
  });

  test('the groups are dropped as documented', async () => {
    const drop = rig.world.links.delete('sqlmi1', 'DAG_Sales');
    await rig.world.clock.advance(60_000);
    expect(drop.operation.status).toBe('Succeeded');
    await run('drop distributed group');
    await run('drop group');
    expect(await client.rows('SELECT name FROM sys.availability_groups')).toEqual([]);
    await run('drop instance certificate');
    expect(await client.refusal(`DROP CERTIFICATE [${fqdn}]`)).toEqual([15151]);
  });

  test("Microsoft's own root blobs of the document parse", async () => {
    const other = new Rig(definition);
    const fresh = await other.connect('SQL1');
    await fresh.ok(sections.get('microsoft root')?.replace(/^GO\s*$/gm, '') ?? '');
    await fresh.ok(sections.get('digicert root')?.replace(/^GO\s*$/gm, '') ?? '');
    expect(await fresh.rows('SELECT name, YEAR(expiry_date) AS expires FROM sys.certificates')).toEqual([
      { name: 'MicrosoftPKI', expires: 2042 },
      { name: 'DigiCertPKI', expires: 2038 },
    ]);
    other.stop();
  });
});
