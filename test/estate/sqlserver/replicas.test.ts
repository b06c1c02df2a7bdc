/** Availability groups with several replicas, as their statements make them, and links over them. */
import { GB } from '../../../estate/world/definition';
import { createTable, insertRow } from '../world/story';
import { Rig } from './harness';

const LISTENER = '10.0.1.50';
const endpoint = { certificate: undefined };

function rig(options: { update?: string; platform?: 'linux' } = {}): Rig {
  const server = (name: string, address: string, databases: { name: string; dataBytes: number }[]) => ({
    kind: 'sql-server' as const,
    name,
    version: '2022' as const,
    clustered: true,
    addresses: [address],
    endpoint,
    databases,
    ...options,
  });
  return new Rig({
    instances: [
      server('SQL1', '10.0.1.8', [{ name: 'Sales', dataBytes: GB }]),
      server('SQL2', '10.0.1.9', []),
      { kind: 'managed-instance', name: 'mi-west' },
    ],
  });
}

const replica = (name: string, address: string, mode = 'SYNCHRONOUS_COMMIT') =>
  `N'${name}' WITH (ENDPOINT_URL = 'TCP://${address}:5022', AVAILABILITY_MODE = ${mode},
    FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)`;

/** The documented statements: create, join, let it be seeded, listener. */
async function makeGroup(rig: Rig, clause = ''): Promise<void> {
  const one = await rig.connect('SQL1');
  const two = await rig.connect('SQL2');
  await one.ok(
    `CREATE AVAILABILITY GROUP [AG] ${clause} FOR DATABASE [Sales]
     REPLICA ON ${replica('SQL1', '10.0.1.8')}, ${replica('SQL2', '10.0.1.9')};`,
  );
  await two.ok(
    `ALTER AVAILABILITY GROUP [AG] JOIN ${clause}; ALTER AVAILABILITY GROUP [AG] GRANT CREATE ANY DATABASE;`,
  );
  await one.ok(
    `ALTER AVAILABILITY GROUP [AG] ADD LISTENER N'ag-sales' (WITH IP ((N'${LISTENER}', N'255.255.255.0')), PORT = 1433);`,
  );
}

/** All that the instance and one SQL Server need of each other. */
async function trust(rig: Rig, server: string): Promise<void> {
  const { world } = rig;
  const client = await rig.connect(server);
  await client.ok(
    `CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'Str0ng!Passw0rd';
     CREATE CERTIFICATE [Cert_${server}_endpoint] WITH SUBJECT = 'endpoint';
     ALTER ENDPOINT [database_mirroring_endpoint] STATE = STARTED AS TCP (LISTENER_PORT = 5022, LISTENER_IP = ALL)
       FOR DATABASE_MIRRORING (ROLE = ALL, AUTHENTICATION = WINDOWS NEGOTIATE CERTIFICATE [Cert_${server}_endpoint],
       ENCRYPTION = REQUIRED ALGORITHM AES);`,
  );
  const own = world.instances.get(server).certificates.get(`cert_${server.toLowerCase()}_endpoint`);
  world.certificates.putTrust('mi-west', `Cert_${server}_endpoint`, own?.der ?? new Uint8Array());
  await world.clock.advance(5_000);
  const fqdn = world.instances.get('mi-west').serverName;
  world.certificates.createFromBinary(server, fqdn, world.certificates.endpointCertificate('mi-west').der);
  const { microsoftPki, digiCertPki } = world.certificates.authorities();
  for (const [name, der] of [
    ['MicrosoftPKI', microsoftPki],
    ['DigiCertPKI', digiCertPki],
  ] as const) {
    const { certificateId } = world.certificates.createFromBinary(server, name, der);
    world.certificates.addIssuer(server, certificateId, '*.database.windows.net');
  }
}

async function link(rig: Rig, address = LISTENER, managed = 'mi-west', name = 'DAG'): Promise<void> {
  const { world } = rig;
  const client = await rig.connect('SQL1');
  const fqdn = world.instances.get(managed).serverName;
  const options = 'AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC';
  await client.ok(
    `CREATE AVAILABILITY GROUP [${name}] WITH (DISTRIBUTED) AVAILABILITY GROUP ON
       N'AG' WITH (LISTENER_URL = 'TCP://${address}:5022', ${options}, SESSION_TIMEOUT = 20),
       N'AG_MI' WITH (LISTENER_URL = 'tcp://${fqdn}:5022;Server=[${managed}]', ${options});`,
  );
  world.links.put(managed, {
    name,
    databaseName: 'Sales',
    partnerAvailabilityGroupName: 'AG',
    instanceAvailabilityGroupName: 'AG_MI',
    partnerEndpoint: `TCP://${address}:5022`,
    instanceLinkRole: 'Secondary',
    failoverMode: 'Manual',
    seedingMode: 'Automatic',
  });
  for (let step = 0; step < 60 && world.links.get(managed, name)?.seeded !== true; step += 1)
    await world.clock.advance(10_000);
}

const roles = (rig: Rig, group: string): string[] =>
  ['SQL1', 'SQL2'].map((name) => rig.world.groups.get(name, group)?.role ?? 'none');

describe('a group of two replicas', () => {
  let estate: Rig;
  beforeEach(() => {
    estate = rig();
  });
  afterEach(() => estate.stop());

  it('shows its replicas, their states and its listener in the views', async () => {
    await makeGroup(estate);
    const one = await estate.connect('SQL1');
    expect(
      await one.rows(
        `SELECT r.replica_server_name AS name, s.role_desc AS role, s.connected_state_desc AS connected
         FROM sys.availability_replicas AS r
         JOIN sys.dm_hadr_availability_replica_states AS s ON s.replica_id = r.replica_id ORDER BY name`,
      ),
    ).toEqual([
      { name: 'SQL1', role: 'PRIMARY', connected: 'CONNECTED' },
      { name: 'SQL2', role: 'SECONDARY', connected: 'CONNECTED' },
    ]);
    expect(
      await one.rows('SELECT synchronization_state_desc AS state FROM sys.dm_hadr_database_replica_states'),
    ).toEqual([{ state: 'SYNCHRONIZED' }, { state: 'SYNCHRONIZED' }]);
    const two = await estate.connect('SQL2');
    // A secondary knows all replicas, and the state of its own only.
    expect(await two.rows('SELECT replica_server_name AS name FROM sys.availability_replicas')).toHaveLength(
      2,
    );
    expect(await two.rows('SELECT role_desc AS role FROM sys.dm_hadr_availability_replica_states')).toEqual([
      { role: 'SECONDARY' },
    ]);
    expect(
      await two.rows(
        `SELECT l.dns_name AS name, l.port, i.ip_address AS ip FROM sys.availability_group_listeners AS l
         JOIN sys.availability_group_listener_ip_addresses AS i ON i.listener_id = l.listener_id`,
      ),
    ).toEqual([{ name: 'ag-sales', port: 1433, ip: LISTENER }]);
    expect(
      await two.rows('SELECT primary_replica AS name FROM sys.dm_hadr_availability_group_states'),
    ).toEqual([{ name: 'SQL1' }]);
    expect(estate.world.instances.byHost(LISTENER)?.name).toBe('SQL1');
  });

  it('refuses what belongs to the primary, and to those who are no replica', async () => {
    await makeGroup(estate);
    const one = await estate.connect('SQL1');
    const two = await estate.connect('SQL2');
    expect(await two.refusal("ALTER AVAILABILITY GROUP [AG] REMOVE LISTENER 'ag-sales'")).toEqual([41140]);
    expect(await two.refusal('USE [Sales]')).toEqual([976]);
    expect(await one.refusal('ALTER AVAILABILITY GROUP [AG] FAILOVER')).toEqual([41122]);
    expect(await two.refusal('ALTER AVAILABILITY GROUP [Other] JOIN')).toEqual([47106, 41158]);
    await one.ok("ALTER AVAILABILITY GROUP [AG] REMOVE REPLICA ON N'SQL2'");
    expect(roles(estate, 'AG')).toEqual(['PRIMARY', 'none']);
    expect(estate.world.databases.get('SQL2', 'Sales').state).toBe('RESTORING');
    expect(await two.refusal('ALTER AVAILABILITY GROUP [AG] JOIN')).toEqual([35237, 41158]);
  });

  it('does not join through endpoints that do not accept each other', async () => {
    const one = await estate.connect('SQL1');
    await one.ok(
      `CREATE AVAILABILITY GROUP [AG] FOR DATABASE [Sales]
       REPLICA ON ${replica('SQL1', '10.0.1.8')}, ${replica('SQL2', '10.0.1.9')};`,
    );
    const two = await estate.connect('SQL2');
    await two.ok('ALTER ENDPOINT [database_mirroring_endpoint] STATE = STOPPED');
    expect(await two.refusal('ALTER AVAILABILITY GROUP [AG] JOIN')).toEqual([47106, 41158]);
    await two.ok('ALTER ENDPOINT [database_mirroring_endpoint] STATE = STARTED');
    expect(await two.refusal('ALTER AVAILABILITY GROUP [AG] JOIN WITH (CLUSTER_TYPE = NONE)')).toEqual([
      47101, 41158,
    ]);
    await two.ok('ALTER AVAILABILITY GROUP [AG] JOIN');
    // Certificates alone, which the other side does not know, part the replicas.
    await one.ok(
      `CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'Str0ng!Passw0rd'; CREATE CERTIFICATE [c] WITH SUBJECT = 'c';
       ALTER ENDPOINT [database_mirroring_endpoint] FOR DATABASE_MIRRORING (AUTHENTICATION = CERTIFICATE [c]);`,
    );
    expect(
      await one.rows(
        'SELECT connected_state_desc AS state FROM sys.dm_hadr_availability_replica_states WHERE is_local = 0',
      ),
    ).toEqual([{ state: 'DISCONNECTED' }]);
  });

  it('fails over to the other replica with all that was committed', async () => {
    await makeGroup(estate);
    const { world } = estate;
    await estate.while(world.databases.commit('SQL1', 'Sales', [createTable, insertRow(1)]));
    const two = await estate.connect('SQL2');
    await two.ok('ALTER AVAILABILITY GROUP [AG] FAILOVER');
    expect(roles(estate, 'AG')).toEqual(['SECONDARY', 'PRIMARY']);
    await estate.while(world.databases.commit('SQL2', 'Sales', [insertRow(2)]));
    expect(world.databases.storeForRead('SQL2', 'Sales').table('dbo', 't')?.rows.size).toBe(2);
    await expect(world.databases.commit('SQL1', 'Sales', [insertRow(3)])).rejects.toMatchObject({
      number: 976,
    });
    expect(world.instances.byHost(LISTENER)?.name).toBe('SQL2');
  });

  it('goes to the other replica by hand where there is no cluster: demoted first, then forced', async () => {
    await makeGroup(estate, 'WITH (CLUSTER_TYPE = NONE)');
    const one = await estate.connect('SQL1');
    const two = await estate.connect('SQL2');
    expect(await two.refusal('ALTER AVAILABILITY GROUP [AG] FAILOVER')).toEqual([47122]);
    await one.ok('ALTER AVAILABILITY GROUP [AG] SET (ROLE = SECONDARY)');
    expect(roles(estate, 'AG')).toEqual(['SECONDARY', 'SECONDARY']);
    await two.ok('ALTER AVAILABILITY GROUP [AG] FORCE_FAILOVER_ALLOW_DATA_LOSS');
    expect(roles(estate, 'AG')).toEqual(['SECONDARY', 'PRIMARY']);
  });
});

describe('a link over the listener', () => {
  let estate: Rig;
  beforeEach(async () => {
    estate = rig();
    await makeGroup(estate);
    await trust(estate, 'SQL1');
  });
  afterEach(() => estate.stop());

  const connection = () => estate.world.links.get('mi-west', 'DAG');

  it('survives a local failover when the other replica has the trust, and moves all rows', async () => {
    const { world } = estate;
    await trust(estate, 'SQL2');
    await link(estate);
    expect(connection()).toMatchObject({ sqlServer: 'SQL1', connection: { state: 'CONNECTED' } });
    await estate.while(world.databases.commit('SQL1', 'Sales', [createTable, insertRow(1)]));
    const two = await estate.connect('SQL2');
    await two.ok('ALTER AVAILABILITY GROUP [AG] FAILOVER');
    expect(connection()?.connection.state).toBe('DISCONNECTED');
    await world.clock.advance(30_000);
    expect(connection()).toMatchObject({
      sqlServer: 'SQL2',
      connection: { state: 'CONNECTED' },
      seeded: true,
    });
    // Only the primary shows the distributed group.
    expect(roles(estate, 'DAG')).toEqual(['none', 'PRIMARY']);
    await estate.while(world.databases.commit('SQL2', 'Sales', [insertRow(2)]));
    await world.clock.advance(30_000);
    expect(world.databases.storeForRead('mi-west', 'Sales').table('dbo', 't')?.rows.size).toBe(2);
    await estate.while(two.ok('ALTER AVAILABILITY GROUP [DAG] FAILOVER'));
    expect(connection()?.instanceLinkRole).toBe('Primary');
    // The instance leads, and the local group moves once more: the link follows the forwarder.
    await (await estate.connect('SQL1')).ok('ALTER AVAILABILITY GROUP [AG] FAILOVER');
    await world.clock.advance(30_000);
    expect(connection()).toMatchObject({ sqlServer: 'SQL1', connection: { state: 'CONNECTED' } });
    await estate.while(world.databases.commit('mi-west', 'Sales', [insertRow(3)]));
    await world.clock.advance(30_000);
    world.databases.log('SQL1', 'Sales');
    expect(world.databases.get('SQL1', 'Sales').store.table('dbo', 't')?.rows.size).toBe(3);
  });

  it('breaks with the documented error when the other replica is a stranger to the instance', async () => {
    const { world } = estate;
    await link(estate);
    await (await estate.connect('SQL2')).ok('ALTER AVAILABILITY GROUP [AG] FAILOVER');
    await world.clock.advance(60_000);
    // Its endpoint has no certificate at all yet.
    expect(connection()).toMatchObject({ mostRecentError: '28036', connection: { state: 'DISCONNECTED' } });
    await trust(estate, 'SQL2');
    world.certificates.deleteTrust('mi-west', 'Cert_SQL2_endpoint');
    await world.clock.advance(60_000);
    expect(connection()).toMatchObject({ mostRecentError: '41973', connection: { state: 'DISCONNECTED' } });
  });

  it('does not follow the group when it names the address of one server', async () => {
    await trust(estate, 'SQL2');
    await link(estate, '10.0.1.8');
    await (await estate.connect('SQL2')).ok('ALTER AVAILABILITY GROUP [AG] FAILOVER');
    await estate.world.clock.advance(60_000);
    expect(connection()).toMatchObject({ mostRecentError: '41976', connection: { state: 'DISCONNECTED' } });
  });

  it('keeps the group as it is: no second database, and none leaves', async () => {
    await link(estate);
    const one = await estate.connect('SQL1');
    await one.ok('CREATE DATABASE [Other]');
    await estate.while(one.ok("BACKUP DATABASE [Other] TO DISK = N'C:\\Backup\\Other.bak'"));
    expect(await one.refusal('ALTER AVAILABILITY GROUP [AG] ADD DATABASE [Other]')).toEqual([47503]);
    expect(await one.refusal('ALTER AVAILABILITY GROUP [AG] REMOVE DATABASE [Sales]')).toEqual([47520]);
  });
});

describe('the mode of several databases', () => {
  it.each([
    ['CU16', [2812]],
    ['CU27', []],
  ])('is there from CU27 of 2022 on (%s)', async (update, expected) => {
    const estate = rig({ update });
    const one = await estate.connect('SQL1');
    expect(await one.refusal('EXEC sys.sp_multidb_milink')).toEqual(expected);
    if (expected.length === 0) {
      await one.ok('EXEC sys.sp_multidb_milink 1');
      expect((await one.ok('EXEC sys.sp_multidb_milink')).sets[0]?.rows).toEqual([[1]]);
    }
    estate.stop();
  });
});
