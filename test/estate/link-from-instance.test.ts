/** Links that a managed instance leads from the beginning: T-SQL by the mssql driver, Azure by its own SDK. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SqlManagementClient } from '@azure/arm-sql';
import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { ClientSecretCredential } from '@azure/identity';
import sql from 'mssql';
import { type RunningEstate, startEstate } from '../../estate/estate';
import type { EstateDefinitionInput } from '../../estate/world/definition';

const GB = 1024 ** 3;
const LINK = 'DAG_Sales';
type Instances = NonNullable<EstateDefinitionInput['instances']>;
type Server = Extract<Instances[number], { kind: 'sql-server' }>;
type Managed = Extract<Instances[number], { kind: 'managed-instance' }>;

interface Parts {
  readonly server?: Partial<Server>;
  readonly managed?: Partial<Managed>;
  readonly database?: Record<string, unknown>;
}

let directory: string;
let estate: RunningEstate;
let client: SqlManagementClient;
let pools: sql.ConnectionPool[] = [];

async function open({ server, managed, database }: Parts = {}): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), 'estate-'));
  estate = await startEstate(
    {
      clock: { mode: 'manual' },
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL1',
          update: 'CU16',
          masterKey: true,
          certificates: [{ name: 'Own', subject: 'own' }],
          endpoint: { certificate: 'Own' },
          ...server,
        },
        {
          kind: 'managed-instance',
          name: 'mi-west',
          databases: [{ name: 'Sales', dataBytes: 2 * GB, ...database }],
          ...managed,
        },
      ],
    },
    { caFile: join(directory, 'ca.pem') },
  );
  const { azure } = estate;
  const tlsOptions = { ca: estate.caPem };
  client = new SqlManagementClient(
    new ClientSecretCredential(azure.tenantId, azure.clientId, azure.clientSecret, {
      authorityHost: azure.authorityHost,
      disableInstanceDiscovery: true,
      tlsOptions,
    }),
    azure.subscriptionId,
    {
      endpoint: azure.endpoint,
      credentialScopes: 'https://management.azure.com/.default',
      tlsOptions,
      retryOptions: { maxRetries: 0 },
    },
  );
}

afterEach(async () => {
  for (const pool of pools) await pool.close();
  pools = [];
  await estate.close();
  await rm(directory, { recursive: true });
});

/** Both sides accept each other's certificates. */
function trust(): void {
  const { certificates, instances } = estate.world;
  if (!instances.get('SQL1').certificates.has('own')) return;
  certificates.createFromBinary('SQL1', fqdn(), certificates.endpointCertificate('mi-west').der);
  const roots = certificates.authorities();
  for (const [name, der] of [
    ['MicrosoftPKI', roots.microsoftPki],
    ['DigiCertPKI', roots.digiCertPki],
  ] as const) {
    const { certificateId } = certificates.createFromBinary('SQL1', name, der);
    certificates.addIssuer('SQL1', certificateId, '*.database.windows.net');
  }
  const own = instances.get('SQL1').certificates.get('own');
  certificates.putTrust('mi-west', 'Own', own?.der ?? new Uint8Array());
}

const fqdn = (): string => estate.world.instances.get('mi-west').serverName;

async function on(name: string): Promise<sql.ConnectionPool> {
  const { host, port, adminLogin, adminPassword } = estate.instance(name);
  const pool = new sql.ConnectionPool({
    server: host,
    port,
    database: 'master',
    user: adminLogin,
    password: adminPassword,
    requestTimeout: 20_000,
    pool: { max: 1 },
    options: { encrypt: true, cryptoCredentialsDetails: { ca: estate.caPem } },
  });
  pool.on('error', () => undefined);
  pools.push(await pool.connect());
  return pool;
}

/** Moves the clock while something on a socket goes on. */
async function during<T>(work: Promise<T>): Promise<T> {
  let done = false;
  const watched = work.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  while (!done) {
    await wait(1);
    await estate.world.clock.advance(1_000);
  }
  return watched;
}

/** Numbers of the errors that a statement is refused with, the cause first. */
async function refusal(pool: sql.ConnectionPool, text: string): Promise<number[]> {
  try {
    await during(pool.request().query(text));
    return [];
  } catch (error) {
    if (!(error instanceof sql.RequestError)) throw error;
    const earlier = 'precedingErrors' in error ? (error.precedingErrors as { number: number }[]) : [];
    return [...earlier.map(({ number }) => number), error.number ?? 0];
  }
}

const GROUP = `CREATE AVAILABILITY GROUP [AG_Sales] WITH (CLUSTER_TYPE = NONE) FOR
REPLICA ON N'SQL1' WITH (ENDPOINT_URL = N'TCP://SQL1:5022', FAILOVER_MODE = MANUAL,
  AVAILABILITY_MODE = SYNCHRONOUS_COMMIT, SEEDING_MODE = AUTOMATIC);`;
const GRANT = 'ALTER AVAILABILITY GROUP [AG_Sales] GRANT CREATE ANY DATABASE;';
const READABLE = `ALTER AVAILABILITY GROUP [AG_Sales] MODIFY REPLICA ON 'SQL1' WITH (SECONDARY_ROLE (ALLOW_CONNECTIONS = ALL));`;

/** As the scripts page has it since 2025. */
const joinLink = (listener = ';Server=[mi-west];Database=[Sales]') => `ALTER AVAILABILITY GROUP [${LINK}]
JOIN AVAILABILITY GROUP ON
 'AG_MI' WITH (LISTENER_URL = 'tcp://${fqdn()}:5022${listener}',
   AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC),
 'AG_Sales' WITH (LISTENER_URL = 'TCP://SQL1:5022',
   AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC);`;

/** As it had it in 2024. */
const older = () => `CREATE AVAILABILITY GROUP [${LINK}] WITH (DISTRIBUTED) AVAILABILITY GROUP ON
 N'AG_Sales' WITH (LISTENER_URL = 'TCP://SQL1:5022', AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,
   FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC, SESSION_TIMEOUT = 20),
 N'AG_MI' WITH (LISTENER_URL = 'tcp://${fqdn()}:5022;Server=[mi-west];Database=[Sales]',
   AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC);`;

interface Answer {
  readonly status: number;
  readonly body: { readonly operation?: string; readonly error?: { readonly code: string } };
  readonly poll: string;
}

async function put(change: Record<string, unknown> = {}, link = LINK): Promise<Answer> {
  const url = `${estate.azure.endpoint}${estate.instance('mi-west').resourceId}/distributedAvailabilityGroups/${link}?api-version=2023-08-01`;
  const properties = {
    databases: [{ databaseName: 'Sales' }],
    instanceAvailabilityGroupName: 'AG_MI',
    partnerAvailabilityGroupName: 'AG_Sales',
    partnerEndpoint: 'TCP://SQL1:5022',
    instanceLinkRole: 'Primary',
    failoverMode: 'Manual',
    seedingMode: 'Automatic',
    ...change,
  };
  const response = await client.sendRequest(
    createPipelineRequest({
      url,
      method: 'PUT',
      body: JSON.stringify({ properties }),
      headers: createHttpHeaders({ 'content-type': 'application/json' }),
    }),
  );
  return {
    status: response.status,
    body: JSON.parse(response.bodyAsText ?? '{}'),
    poll: response.headers.get('azure-asyncoperation') ?? '',
  };
}

async function operation(
  poll: string,
): Promise<{ status: string; error?: { code: string; message: string } }> {
  const response = await client.sendRequest(createPipelineRequest({ url: poll, method: 'GET' }));
  return JSON.parse(response.bodyAsText ?? '{}');
}

/** The instance makes its side of the link first, some seconds after the request. */
async function joined(server: sql.ConnectionPool): Promise<void> {
  await advance(15_000);
  await during(server.request().query(joinLink()));
}

const codeOf = async (answer: Promise<Answer>) => {
  const { status, body } = await answer;
  return [status, body.error?.code];
};

async function groups(server: sql.ConnectionPool): Promise<void> {
  for (const text of [GROUP, GRANT, READABLE]) await server.request().query(text);
}

const ROLES = `SELECT rs.role_desc, rs.synchronization_health_desc FROM sys.availability_groups ag
JOIN sys.dm_hadr_availability_replica_states rs ON ag.group_id = rs.group_id
WHERE rs.is_local = 1 AND ag.is_distributed = 1`;
const STATE = `SELECT state_desc FROM sys.databases WHERE name = 'Sales'`;
const SEEDING = `SELECT s.is_source, s.current_state, p.role_desc, p.transferred_size_bytes
FROM sys.dm_hadr_automatic_seeding s
LEFT JOIN sys.dm_hadr_physical_seeding_stats p ON p.local_physical_seeding_id = s.operation_id`;

const one = async (pool: sql.ConnectionPool, text: string) => (await pool.request().query(text)).recordset[0];

async function advance(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) await estate.world.clock.advance(1_000);
}

test.each([
  ['JOIN after the PUT', false],
  ['the older CREATE before the PUT', true],
])('%s: seeds from the instance, replicates, fails over and back', async (_form, isOlder) => {
  await open();
  trust();
  await advance(5_000);
  const server = await on('SQL1');
  const instance = await on('mi-west');
  await instance
    .request()
    .query('CREATE TABLE Sales.dbo.t (id int PRIMARY KEY); INSERT INTO Sales.dbo.t VALUES (1)');
  await groups(server);
  if (isOlder) await server.request().query(older());
  const accepted = await put();
  expect([accepted.status, accepted.body.operation]).toEqual([
    202,
    'DistributedAvailabilityGroupsLinkCreateFromMI',
  ]);
  if (!isOlder) await joined(server);
  await advance(40_000);
  expect(await one(server, STATE)).toEqual({ state_desc: 'RESTORING' });
  const [there, here] = [await one(instance, SEEDING), await one(server, SEEDING)];
  expect(there).toMatchObject({ is_source: true, current_state: 'SEEDING', role_desc: 'Source' });
  expect(here).toMatchObject({ is_source: false, role_desc: 'Destination' });
  expect(Number(here.transferred_size_bytes)).toBeGreaterThan(0);
  expect(await operation(accepted.poll)).toMatchObject({ status: 'InProgress' });
  await advance(120_000);
  expect(await operation(accepted.poll)).toMatchObject({ status: 'Succeeded' });
  expect([await one(instance, ROLES), await one(server, ROLES)]).toEqual([
    { role_desc: 'PRIMARY', synchronization_health_desc: 'HEALTHY' },
    { role_desc: 'SECONDARY', synchronization_health_desc: 'HEALTHY' },
  ]);
  await instance.request().query('INSERT INTO Sales.dbo.t VALUES (2)');
  await advance(2_000);
  expect((await server.request().query('SELECT id FROM Sales.dbo.t ORDER BY id')).recordset).toEqual([
    { id: 1 },
    { id: 2 },
  ]);
  expect(await refusal(server, 'INSERT INTO Sales.dbo.t VALUES (3)')).toEqual([3906]);
  await during(instance.request().query(`ALTER AVAILABILITY GROUP [${LINK}] FAILOVER`));
  expect(await one(server, ROLES)).toMatchObject({ role_desc: 'PRIMARY' });
  await server.request().query('INSERT INTO Sales.dbo.t VALUES (3)');
  await during(server.request().query(`ALTER AVAILABILITY GROUP [${LINK}] FAILOVER`));
  expect((await instance.request().query('SELECT id FROM Sales.dbo.t')).recordset).toHaveLength(3);
  expect(estate.world.links.get('mi-west', LINK)).toMatchObject({ instanceLinkRole: 'Primary' });
});

test('a JOIN while the instance has no such group times out with 47106, then 41158', async () => {
  await open();
  trust();
  await advance(5_000);
  const server = await on('SQL1');
  await groups(server);
  expect(await refusal(server, joinLink())).toEqual([47106, 41158]);
  await put();
  await advance(20_000);
  // The listener of such a link names the database.
  expect(await refusal(server, joinLink(';Server=[mi-west]'))).toEqual([47106, 41158]);
  estate.world.network.disconnect('SQL1', 'mi-west');
  expect(await refusal(server, joinLink())).toEqual([47106, 41158]);
  estate.world.network.reconnect('SQL1', 'mi-west');
  expect(await refusal(server, joinLink())).toEqual([]);
  expect(await refusal(server, joinLink())).toEqual([41042]);
});

test('the link is given up after five minutes, and its database is on its own again', async () => {
  await open();
  trust();
  await advance(5_000);
  const server = await on('SQL1');
  await groups(server);
  const { poll } = await put();
  await advance(290_000);
  expect(await operation(poll)).toMatchObject({ status: 'InProgress' });
  await advance(20_000);
  expect(await operation(poll)).toMatchObject({
    status: 'Failed',
    error: { code: 'ManagedInstanceLinkConnectivityIsNotEstablished' },
  });
  expect(estate.world.links.get('mi-west', LINK)).toMatchObject({ state: 'LinkInitError' });
  expect(estate.world.instances.get('mi-west').groups.size).toBe(0);
  expect(await refusal(server, joinLink())).toEqual([47106, 41158]);
  // It may be asked for again.
  expect((await put()).status).toBe(202);
});

test('without CREATE ANY DATABASE nothing is seeded until it is granted, and not after five minutes', async () => {
  await open();
  trust();
  await advance(5_000);
  const server = await on('SQL1');
  await server.request().query(GROUP);
  const { poll } = await put();
  await joined(server);
  await advance(60_000);
  expect(await one(server, SEEDING)).toMatchObject({ current_state: 'FAILED' });
  expect(
    estate.world.instances
      .get('SQL1')
      .errorLog.map(({ text }) => text)
      .join('\n'),
  ).toContain('does not have permission to create databases');
  await advance(300_000);
  expect(await operation(poll)).toMatchObject({
    status: 'Failed',
    error: { code: 'ManagedInstanceLinkConnectivityIsNotEstablished' },
  });
  expect((await put()).status).toBe(202);
  await advance(60_000);
  await server.request().query(GRANT);
  await advance(180_000);
  expect(await one(server, STATE)).toEqual({ state_desc: 'ONLINE' });
});

test('a lost connection starts the seeding over; a deleted link leaves a half copy behind', async () => {
  await open();
  trust();
  await advance(5_000);
  const server = await on('SQL1');
  await groups(server);
  await put();
  await joined(server);
  await advance(45_000);
  estate.world.network.disconnect('SQL1', 'mi-west', 5_000);
  await advance(40_000);
  expect(
    (await server.request().query('SELECT number_of_attempts AS n FROM sys.dm_hadr_automatic_seeding'))
      .recordset,
  ).toEqual([{ n: 1 }, { n: 2 }]);
  await client.distributedAvailabilityGroups
    .beginDelete('rg-ferry', 'mi-west', LINK, { updateIntervalInMs: 5 })
    .then((poller) => during(poller.pollUntilDone()));
  expect(await one(server, STATE)).toEqual({ state_desc: 'RESTORING' });
  expect(await refusal(server, 'DROP DATABASE Sales')).toEqual([3752]);
  for (const group of [LINK, 'AG_Sales']) await server.request().query(`DROP AVAILABILITY GROUP [${group}]`);
  expect(await one(server, STATE)).toEqual({ state_desc: 'RESTORING' });
  await server.request().query('DROP DATABASE Sales');
  expect(estate.world.instances.get('mi-west').databases.get('sales')).toMatchObject({ state: 'ONLINE' });
  expect(estate.world.instances.get('mi-west').databases.get('sales')?.groupName).toBeUndefined();
});

test('a database of that name on the SQL Server is never overwritten', async () => {
  await open({ server: { databases: [{ name: 'Sales', dataBytes: GB }] } });
  trust();
  await advance(5_000);
  const server = await on('SQL1');
  await groups(server);
  await put();
  await joined(server);
  await advance(60_000);
  expect(await one(server, SEEDING)).toMatchObject({ current_state: 'FAILED' });
  expect(estate.world.links.get('mi-west', LINK)).toMatchObject({ mostRecentError: '41977' });
  expect(estate.world.databases.get('SQL1', 'Sales').dataBytes).toBe(GB);
});

describe('refused at once', () => {
  test.each([
    ['2022 CU9', { version: '2022' as const, update: '16.0.4085.2' }, [35104], [35104]],
    ['2019', { version: '2019' as const, update: 'CU27' }, [35104], [35104]],
  ])('by %s, in both forms', async (_name, version, joined, created) => {
    await open({ server: version });
    const server = await on('SQL1');
    await server.request().query(GROUP);
    expect(await refusal(server, joinLink())).toEqual(joined);
    expect(await refusal(server, older())).toEqual(created);
  });

  test('by Azure, when the update policy is not the version', async () => {
    await open({ managed: { databaseFormat: 'AlwaysUpToDate' } });
    expect(await codeOf(put())).toEqual([
      400,
      'CloudLifterChimeraBoxAndMiOnDifferentDbVersionsFailoverModeManual',
    ]);
    expect(await codeOf(put({ failoverMode: 'None' }))).toEqual([
      400,
      'CloudLifterChimeraBoxAndMiOnDifferentDbVersionsFailoverModeManual',
    ]);
  });

  test('a database under a key of the service; one under a key of its own is taken', async () => {
    await open({ database: { tdeKey: 'service-managed' } });
    expect(await codeOf(put())).toEqual([409, 'DistributedAvailabilityGroupDbEncryptedWithSmk']);
    const instance = await on('mi-west');
    expect(
      await one(instance, 'SELECT encryptor_type FROM sys.dm_database_encryption_keys WHERE database_id > 4'),
    ).toEqual({ encryptor_type: 'CERTIFICATE' });
  });

  test('a database that is linked, absent, and a group name that is taken', async () => {
    await open({
      managed: {
        databases: [
          { name: 'Sales', dataBytes: GB },
          { name: 'Stock', dataBytes: GB },
        ],
      },
    });
    expect((await put()).status).toBe(202);
    expect(await codeOf(put({ instanceAvailabilityGroupName: 'AG_2' }, 'DAG_2'))).toEqual([
      400,
      'OperationCanNotStartDueToMiLink',
    ]);
    expect(
      await codeOf(
        put({ databases: [{ databaseName: 'Nowhere' }], instanceAvailabilityGroupName: 'AG_3' }, 'DAG_3'),
      ),
    ).toEqual([400, 'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequestDatabases']);
    expect(await codeOf(put({ databases: [{ databaseName: 'Stock' }] }, 'DAG_4'))).toEqual([
      400,
      'CloudLifterChimeraMIAgNameIsAlreadyUsed',
    ]);
    await advance(20_000);
    const instance = await on('mi-west');
    expect(await refusal(instance, 'ALTER DATABASE Sales SET ENCRYPTION ON')).toContain(41980);
  });
});
