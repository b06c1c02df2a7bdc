/** The whole estate on its sockets, reached as a product reaches it: real drivers and SDKs, certificates verified. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqlManagementClient } from '@azure/arm-sql';
import { ClientSecretCredential } from '@azure/identity';
import sql from 'mssql';
import { parseDefinitionText, readDefinitionFile } from '../../estate/definition-file';
import { type RunningEstate, type RunningInstance, startEstate } from '../../estate/estate';
import { verify, WorkloadWriter } from '../../estate/workload/writer';
import { DefinitionError } from '../../estate/world/definition';
import { type RawResponse, rawRequest } from './azure/raw';

const GB = 1024 ** 3;

let directory: string;
let estate: RunningEstate;
const pools: sql.ConnectionPool[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estate-'));
  estate = await startEstate(
    {
      clock: { speed: 600 },
      instances: [
        { kind: 'sql-server', name: 'SQL1', databases: [{ name: 'Sales', dataBytes: 4 * GB }] },
        { kind: 'managed-instance', name: 'mi-west' },
      ],
    },
    { caFile: join(directory, 'ca.pem') },
  );
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});
afterAll(async () => {
  await estate.close();
  await rm(directory, { recursive: true });
});

interface LoginOptions {
  readonly server?: string;
  readonly serverName?: string;
  readonly database?: string;
  readonly ca?: string | undefined;
  readonly token?: string;
}

async function connect(instance: RunningInstance, options: LoginOptions = {}): Promise<sql.ConnectionPool> {
  const { server = instance.host, serverName, database = 'master', token } = options;
  const ca = 'ca' in options ? options.ca : estate.caPem;
  const login =
    token === undefined
      ? { user: instance.adminLogin, password: instance.adminPassword }
      : {
          authentication: { type: 'azure-active-directory-access-token' as const, options: { token } },
        };
  const pool = new sql.ConnectionPool({
    server,
    port: instance.port,
    database,
    ...login,
    pool: { max: 1 },
    options: {
      encrypt: true,
      trustServerCertificate: false,
      ...(serverName === undefined ? {} : { serverName }),
      ...(ca === undefined ? {} : { cryptoCredentialsDetails: { ca } }),
    },
  });
  pool.on('error', () => undefined);
  await pool.connect();
  pools.push(pool);
  return pool;
}

const SQL1 = () => estate.instance('SQL1');
const MI = () => estate.instance('mi-west');

function credential(): ClientSecretCredential {
  const { tenantId, clientId, clientSecret, authorityHost } = estate.azure;
  return new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost,
    disableInstanceDiscovery: true,
    tlsOptions: { ca: estate.caPem },
  });
}

async function control(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${estate.control.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  expect({ status: response.status, answer }).toMatchObject({ status: 200 });
  return answer as Record<string, unknown>;
}

describe('logins', () => {
  test.each([
    ['SQL1', 'SQL1'],
    ['mi-west', 'mi-west.a1b2c3d4e5f6.database.windows.net'],
  ])('%s takes its administrator, under every name in its certificate', async (name, serverName) => {
    const instance = estate.instance(name);
    expect(instance.fqdn).toBe(serverName);
    for (const way of [{}, { server: 'localhost' }, { serverName }]) {
      const pool = await connect(instance, way);
      const { recordset } = await pool.query<{ server: string; databases: number }>(
        'SELECT @@SERVERNAME AS server, COUNT(*) AS databases FROM sys.databases WHERE database_id <= 4',
      );
      expect(recordset).toEqual([{ server: serverName, databases: 4 }]);
    }
  });

  test('a client that does not trust the authority, or looks for another name, turns away', async () => {
    await expect(connect(SQL1(), { ca: undefined })).rejects.toMatchObject({ code: 'ESOCKET' });
    await expect(connect(SQL1(), { serverName: 'other.example.com' })).rejects.toMatchObject({
      code: 'ESOCKET',
    });
  });

  test('a managed instance takes an Entra token of its application, a SQL Server does not', async () => {
    const { token } = await credential().getToken('https://database.windows.net/.default');
    const pool = await connect(MI(), { token });
    const { recordset } = await pool.query<{ who: string; admin: number }>(
      "SELECT SUSER_SNAME() AS who, IS_SRVROLEMEMBER('sysadmin') AS admin",
    );
    expect(recordset).toEqual([{ who: estate.azure.applicationName, admin: 1 }]);
    await expect(connect(SQL1(), { token })).rejects.toBeInstanceOf(Error);
  });

  test('a token for another audience, or a changed one, opens nothing', async () => {
    const { token } = await credential().getToken('https://management.azure.com/.default');
    await expect(connect(MI(), { token })).rejects.toMatchObject({ code: 'ELOGIN' });
    const right = (await credential().getToken('https://database.windows.net/.default')).token;
    await expect(connect(MI(), { token: `${right.slice(0, -8)}AAAAAAAA` })).rejects.toMatchObject({
      code: 'ELOGIN',
    });
  });
});

test('the catalog shows the databases of the definition', async () => {
  const pool = await connect(SQL1());
  const { recordset } = await pool.query(
    "SELECT name, recovery_model_desc, state_desc FROM sys.databases WHERE name = N'Sales'",
  );
  expect(recordset).toEqual([{ name: 'Sales', recovery_model_desc: 'FULL', state_desc: 'ONLINE' }]);
});

test('the real Azure SDK lists the managed instances', async () => {
  const client = new SqlManagementClient(credential(), estate.azure.subscriptionId, {
    endpoint: estate.azure.endpoint,
    credentialScopes: 'https://management.azure.com/.default',
    tlsOptions: { ca: estate.caPem },
  });
  const found: unknown[] = [];
  for await (const { id, name, fullyQualifiedDomainName } of client.managedInstances.list())
    found.push({ id, name, fullyQualifiedDomainName });
  expect(found).toEqual([
    {
      id: estate.azure.resourceIds['mi-west'],
      name: 'mi-west',
      fullyQualifiedDomainName: MI().fqdn,
    },
  ]);
  expect(MI().resourceId).toBe(estate.azure.resourceIds['mi-west']);
});

describe('the control API', () => {
  test('tells how to connect, without secrets', async () => {
    const endpoints = await control('GET', '/endpoints');
    expect(endpoints).toMatchObject({
      instances: [
        { name: 'SQL1', port: SQL1().port },
        { name: 'mi-west', port: MI().port },
      ],
      azure: { endpoint: estate.azure.endpoint, clientId: estate.azure.clientId },
    });
    const text = JSON.stringify(endpoints);
    for (const secret of [SQL1().adminPassword, estate.azure.clientSecret, estate.azure.identityHeader])
      expect(text).not.toContain(secret);
  });

  test('changes the speed of the one clock that SQL Server shows, too', async () => {
    const before = estate.world.clock.speed;
    expect(await control('POST', '/clock', { speed: 86_400 })).toMatchObject({ speed: 86_400 });
    const pool = await connect(SQL1());
    const time = async () =>
      (await pool.query<{ now: Date }>('SELECT SYSUTCDATETIME() AS now')).recordset[0]?.now.getTime() ?? 0;
    const first = await time();
    while ((await time()) - first < 3_600_000) await new Promise((resolve) => setImmediate(resolve));
    expect(await control('POST', '/clock', { speed: before })).toMatchObject({ speed: before });
    const real = estate.world.clock.realMs();
    const simulated = estate.world.clock.now();
    expect(estate.world.clock.speed).toBe(600);
    expect(estate.world.clock.now()).toBeGreaterThanOrEqual(simulated);
    expect(estate.world.clock.realMs()).toBeGreaterThanOrEqual(real);
  });

  test('adds a fault to SQL Server that then happens, once', async () => {
    await control('POST', '/faults', {
      surface: 'sql',
      instance: 'SQL1',
      statement: 'FROM sys\\.databases',
      count: 1,
      action: { kind: 'error', number: 1205, severity: 13, message: 'deadlocked' },
    });
    const pool = await connect(SQL1());
    const ask = () => pool.query<{ n: number }>('SELECT COUNT(*) AS n FROM sys.databases');
    await expect(ask()).rejects.toMatchObject({ number: 1205, message: 'deadlocked' });
    expect((await ask()).recordset[0]?.n).toBeGreaterThan(4);
    expect(await control('GET', '/faults')).toMatchObject({ faults: [{ struck: 1, spent: true }] });
    await control('DELETE', '/faults');
  });

  test('adds a fault to Azure that then happens, once', async () => {
    await control('POST', '/faults', {
      surface: 'arm',
      method: 'GET',
      path: 'managedInstances',
      count: 1,
      action: { kind: 'status', status: 503, code: 'ServiceUnavailable' },
    });
    const { token } = await credential().getToken('https://management.azure.com/.default');
    const get = () => arm(token, 'GET', MI().resourceId ?? '');
    expect((await get()).status).toBe(503);
    expect((await get()).status).toBe(200);
    await control('DELETE', '/faults');
  });

  test('stops a server: its sessions end, it takes no new ones until it is started', async () => {
    const pool = await connect(SQL1());
    await control('POST', '/instances/SQL1/stop');
    await expect(pool.query('SELECT 1 AS one')).rejects.toBeInstanceOf(Error);
    await expect(connect(SQL1())).rejects.toBeInstanceOf(Error);
    await control('POST', '/instances/SQL1/start');
    await connect(SQL1());
  });
});

function arm(token: string, method: string, path: string, body?: unknown): Promise<RawResponse> {
  const { port } = new URL(estate.azure.endpoint);
  const target = path.includes('?') ? path : `${path}?api-version=2023-08-01`;
  return rawRequest({ port: Number(port), caPem: estate.caPem }, method, target, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Waits for what a person would refresh for; the test's own timeout is the limit. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('a database crosses through statements and requests alone, and no acknowledged row is lost', async () => {
  const { token } = await credential().getToken('https://management.azure.com/.default');
  const server = await connect(SQL1());
  const managed = await connect(MI());
  const run = (text: string) => server.batch(text);
  const complete = async (method: string, path: string, body?: unknown) => {
    const accepted = await arm(token, method, path, body);
    expect(accepted.status).toBe(202);
    const url = String(accepted.headers['azure-asyncoperation']);
    let last: unknown;
    await until(async () => {
      last = (await arm(token, 'GET', url)).body;
      return (last as { status: string }).status !== 'InProgress';
    });
    expect(last).toMatchObject({ status: 'Succeeded' });
  };
  const writer = new WorkloadWriter({
    target: {
      host: SQL1().host,
      port: SQL1().port,
      database: 'Sales',
      user: SQL1().adminLogin,
      password: SQL1().adminPassword,
    },
    rate: 200,
  });
  try {
    writer.start();
    await run("CREATE MASTER KEY ENCRYPTION BY PASSWORD = N'Very$trong1'");
    await run("CREATE CERTIFICATE [Cert_SQL1_endpoint] WITH SUBJECT = N'Endpoint of SQL1'");
    const { recordset: own } = await server.query<{ blob: Buffer }>(
      "SELECT CERTENCODED(CERT_ID(N'Cert_SQL1_endpoint')) AS blob",
    );
    const publicBlob = own[0]?.blob.toString('hex');
    await complete('PUT', `${MI().resourceId}/serverTrustCertificates/Cert_SQL1_endpoint`, {
      properties: { publicBlob },
    });
    const { recordset: theirs } = await managed.query<Record<string, Buffer>>(
      'EXEC sp_get_endpoint_certificate 4',
    );
    const key = Object.values(theirs[0] ?? {})[0]?.toString('hex') ?? '';
    await run(`CREATE CERTIFICATE [${MI().fqdn}] FROM BINARY = 0x${key}`);
    const roots = estate.world.certificates.authorities();
    for (const [name, bytes] of [
      ['MicrosoftPKI', roots.microsoftPki],
      ['DigiCertPKI', roots.digiCertPki],
    ] as const) {
      await run(`CREATE CERTIFICATE [${name}] FROM BINARY = 0x${Buffer.from(bytes).toString('hex')}
DECLARE @id int = CERT_ID(N'${name}')
EXEC sp_certificate_add_issuer @id, N'*.database.windows.net'`);
    }
    await run(`CREATE ENDPOINT database_mirroring_endpoint STATE = STARTED
AS TCP (LISTENER_PORT = 5022, LISTENER_IP = ALL) FOR DATABASE_MIRRORING (ROLE = ALL,
AUTHENTICATION = CERTIFICATE [Cert_SQL1_endpoint], ENCRYPTION = REQUIRED ALGORITHM AES)`);
    await run(`CREATE AVAILABILITY GROUP [AG_Sales] WITH (CLUSTER_TYPE = NONE) FOR DATABASE [Sales]
REPLICA ON N'SQL1' WITH (ENDPOINT_URL = N'TCP://SQL1:5022', AVAILABILITY_MODE = SYNCHRONOUS_COMMIT,
FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)`);
    const member = 'FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC';
    await run(`CREATE AVAILABILITY GROUP [DAG_Sales] WITH (DISTRIBUTED) AVAILABILITY GROUP ON
N'AG_Sales' WITH (LISTENER_URL = N'TCP://SQL1:5022', AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, ${member}),
N'AG_Sales_MI' WITH (LISTENER_URL = N'tcp://${MI().fqdn}:5022;Server=[mi-west]', AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, ${member})`);
    await complete('PUT', `${MI().resourceId}/distributedAvailabilityGroups/DAG_Sales`, {
      properties: {
        databases: [{ databaseName: 'Sales' }],
        instanceAvailabilityGroupName: 'AG_Sales_MI',
        partnerAvailabilityGroupName: 'AG_Sales',
        partnerEndpoint: 'TCP://SQL1:5022',
        instanceLinkRole: 'Secondary',
        failoverMode: 'Manual',
        seedingMode: 'Automatic',
      },
    });

    const states = async () =>
      (
        await server.query<{ state: string }>(`SELECT rs.connected_state_desc AS state
FROM sys.dm_hadr_availability_replica_states rs JOIN sys.availability_replicas r ON rs.replica_id = r.replica_id`)
      ).recordset;
    await until(async () => (await states()).every(({ state }) => state === 'CONNECTED'));
    expect(await states()).toHaveLength(3);
    const targetState = async () =>
      (
        await managed.query<{ state: string }>(
          "SELECT state_desc AS state FROM sys.databases WHERE name = 'Sales'",
        )
      ).recordset[0]?.state;
    await until(async () => (await targetState()) === 'ONLINE');
    const { recordset: seeding } = await server.query(
      'SELECT current_state, failure_state FROM sys.dm_hadr_automatic_seeding',
    );
    expect(seeding).toEqual([{ current_state: 'COMPLETED', failure_state: null }]);
    // replica_id is the key of sys.availability_replicas, also where two groups have a member of one name.
    for (const side of [server, managed]) {
      const { recordset: replicas } = await side.query<{ all: number; different: number }>(
        'SELECT COUNT(*) AS [all], COUNT(DISTINCT replica_id) AS different FROM sys.availability_replicas',
      );
      expect(replicas).toEqual([{ all: 3, different: 3 }]);
      const { recordset: groups } = await side.query(`SELECT g.is_distributed FROM sys.databases d
JOIN sys.availability_replicas r ON r.replica_id = d.replica_id
JOIN sys.availability_groups g ON g.group_id = r.group_id WHERE d.name = N'Sales'`);
      expect(groups).toEqual([{ is_distributed: false }]);
    }
    await run("BACKUP LOG [Sales] TO DISK = N'C:\\Backup\\Sales.trn'");

    await writer.stop();
    await run(`ALTER AVAILABILITY GROUP [DAG_Sales] MODIFY AVAILABILITY GROUP ON
'AG_Sales' WITH (AVAILABILITY_MODE = SYNCHRONOUS_COMMIT),
'AG_Sales_MI' WITH (AVAILABILITY_MODE = SYNCHRONOUS_COMMIT)`);
    await until(async () => {
      const { recordset } = await server.query<{ state: string }>(
        'SELECT synchronization_state_desc AS state FROM sys.dm_hadr_database_replica_states WHERE is_local = 0',
      );
      return recordset[0]?.state === 'SYNCHRONIZED';
    });
    await run('ALTER AVAILABILITY GROUP [DAG_Sales] FAILOVER');
  } finally {
    await writer.stop();
  }

  const verdict = await verify(writer.acknowledged, {
    host: MI().host,
    port: MI().port,
    database: 'Sales',
    user: MI().adminLogin,
    password: MI().adminPassword,
  });
  expect(verdict.acknowledged).toBeGreaterThan(10);
  expect(verdict).toMatchObject({ present: verdict.acknowledged, lost: [], duplicates: 0 });
  await managed.query(
    "INSERT INTO Sales.dbo.ferry_workload (id, payload, committed_at) VALUES (1000000, N'x', SYSUTCDATETIME())",
  );
  await expect(
    server.query(
      "INSERT INTO Sales.dbo.ferry_workload (id, payload, committed_at) VALUES (1000001, N'x', SYSUTCDATETIME())",
    ),
  ).rejects.toMatchObject({ number: 976 });
});

describe('starting and closing', () => {
  const refused = (port: number) =>
    new Promise<string>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => {
        socket.destroy();
        resolve('connected');
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    });
  /** Sockets of clients come and go with their agents; what listens is the estate's alone. */
  const listening = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length;

  test('after close nothing listens, and clients that stayed are cut off', async () => {
    const before = listening();
    const other = await startEstate({ instances: [{ kind: 'managed-instance', name: 'mi-east' }] });
    const instance = other.instance('MI-EAST');
    const pool = await connect(instance, { ca: other.caPem });
    expect(listening()).toBe(before + 3);
    await other.close();
    await other.close();
    await expect(pool.query('SELECT 1 AS one')).rejects.toBeInstanceOf(Error);
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
    expect(listening()).toBe(before);
    const ports = [
      instance.port,
      ...[other.azure.endpoint, other.control.url].map((url) => Number(new URL(url).port)),
    ];
    expect(await Promise.all(ports.map(refused))).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED']);
  });

  test('a port that is taken is reported, and what was started before it is closed again', async () => {
    const before = listening();
    const { port } = SQL1();
    await expect(
      startEstate({ instances: [{ kind: 'managed-instance', name: 'mi-east', port }] }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE', port });
    await until(async () => listening() === before);
  });

  test('servers listen on the ports that the definition names', async () => {
    const first = await startEstate({ instances: [{ kind: 'managed-instance', name: 'mi-east' }] });
    const ports = {
      sql: first.instance('mi-east').port,
      azure: Number(new URL(first.azure.endpoint).port),
      control: Number(new URL(first.control.url).port),
    };
    await first.close();
    const second = await startEstate({
      instances: [{ kind: 'managed-instance', name: 'mi-east', port: ports.sql }],
      ports: { azure: ports.azure, control: ports.control },
    });
    try {
      expect(second.instance('mi-east').port).toBe(ports.sql);
      expect(new URL(second.azure.endpoint).port).toBe(String(ports.azure));
      expect(new URL(second.control.url).port).toBe(String(ports.control));
    } finally {
      await second.close();
    }
  });

  test('an instance that is not there is named', () => {
    expect(() => estate.instance('SQL9')).toThrow("no instance 'SQL9'");
  });

  test('the authority is written to the file that was asked for', async () => {
    expect(await readFile(join(directory, 'ca.pem'), 'utf8')).toBe(estate.caPem);
    expect(estate.caFile).toBe(join(directory, 'ca.pem'));
  });
});

describe('definition files', () => {
  test.each([
    ['an unknown field', 'instancez: []', /estate\.yaml: .*instancez/],
    [
      'a wrong value',
      'instances:\n  - { kind: sql-server, name: A, version: "2014" }',
      /estate\.yaml: instances\[0\]\.version/,
    ],
    ['broken YAML', 'instances: [', /estate\.yaml: .*line 1/s],
    [
      'two instances of one name',
      'instances:\n  - { kind: sql-server, name: A }\n  - { kind: sql-server, name: a }',
      /there twice/,
    ],
  ])('%s is told with its place', (_what, text, message) => {
    expect(() => parseDefinitionText(text, 'estate.yaml')).toThrow(DefinitionError);
    expect(() => parseDefinitionText(text, 'estate.yaml')).toThrow(message);
  });

  test('JSON is read, too, and a file of comments is the default estate', () => {
    expect(parseDefinitionText('{"seed": 7}', 'estate.json')).toEqual({ seed: 7 });
    expect(parseDefinitionText('# nothing\n', 'estate.yaml')).toEqual({});
  });

  test('a file that is not there is named', async () => {
    await expect(readDefinitionFile(join(directory, 'none.yaml'))).rejects.toThrow(/none\.yaml.*ENOENT/);
  });
});
