/**
 * Clients that nobody here wrote, against the estate: FreeTDS `tsql`, python's pymssql and python-tds, and the Azure SDK
 * for python. Each runs where it is on the machine; where it is not, its tests are skipped and say so.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningEstate, startEstate } from '../../estate/estate';

const answers = (command: string, args: readonly string[]): boolean => spawnSync(command, args).status === 0;

const has = {
  tsql: answers('tsql', ['-C']),
  pymssql: answers('python3', ['-c', 'import pymssql']),
  pytds: answers('python3', ['-c', 'import pytds, OpenSSL']),
  azure: answers('python3', ['-c', 'import azure.identity, azure.mgmt.sql']),
};

/** Skipped tests show in the report under a name that says why. */
const describeIf = (present: boolean, name: string) =>
  present
    ? describe
    : (((_name: string, body: () => void) =>
        describe.skip(`${name} is not on this machine`, body)) as typeof describe);

let directory: string;
let estate: RunningEstate;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clients-'));
  estate = await startEstate({}, { caFile: join(directory, 'ca.pem') });
  await writeFile(join(directory, 'freetds.conf'), freetdsConf());
});
afterAll(async () => {
  await estate.close();
  await rm(directory, { recursive: true });
});

/** FreeTDS verifies the certificate against this authority and the host's name. */
const freetdsConf = (): string =>
  estate.instances
    .map(
      (each) => `[${each.name}]
host = localhost
port = ${each.port}
tds version = 7.4
encryption = require
ca file = ${join(directory, 'ca.pem')}
client charset = UTF-8
`,
    )
    .join('\n');

interface Run {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

function run(
  command: string,
  args: readonly string[],
  input: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { env: { ...process.env, LC_ALL: 'C.UTF-8', ...env }, timeout: 30_000 },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ out, err, code });
      },
    );
    child.stdin?.end(input);
  });
}

describeIf(has.tsql, 'FreeTDS tsql')('FreeTDS tsql', () => {
  const tsql = (server: string, batches: readonly string[], password?: string) => {
    const { adminLogin, adminPassword } = estate.instance(server);
    // -o q: no banner, no counts; -o f: no prompt; tabs between columns.
    return run(
      'tsql',
      ['-S', server, '-U', adminLogin, '-P', password ?? adminPassword, '-o', 'qf'],
      `${batches.join('\nGO\n')}\nGO\nexit\n`,
      { FREETDSCONF: join(directory, 'freetds.conf') },
    );
  };
  const lines = ({ out }: Run): string[] =>
    out
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');

  test.each([
    'SQL1',
    'mi-west',
  ])('logs in to %s with the certificate verified, and reads the catalog', async (name) => {
    const result = await tsql(name, [
      "SELECT @@SERVERNAME AS server, CONVERT(varchar(10), SERVERPROPERTY('EngineEdition')) AS edition",
      'SELECT name FROM sys.databases WHERE database_id <= 2 ORDER BY database_id',
    ]);
    expect(lines(result)).toEqual([
      'server\tedition',
      `${estate.instance(name).fqdn}\t${name === 'SQL1' ? 3 : 8}`,
      'name',
      'master',
      'tempdb',
    ]);
  });

  test('tables, transactions and unicode', async () => {
    const result = await tsql('SQL1', [
      'USE Sales',
      'CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, amount decimal(10, 2), name nvarchar(40), at datetime2(3))',
      "INSERT INTO dbo.t VALUES (1, 12.50, N'Žluťoučký', '2026-01-02T03:04:05.678'), (2, NULL, N'二', NULL)",
      'BEGIN TRANSACTION DELETE FROM dbo.t ROLLBACK',
      'SELECT id, amount, name, CONVERT(varchar(30), at, 126) AS at FROM dbo.t ORDER BY id DESC',
      'DROP TABLE dbo.t',
    ]);
    expect(result.out).toContain('2\tNULL\t二\tNULL');
    expect(result.out).toContain('1\t12.50\tŽluťoučký\t2026-01-02T03:04:05.678');
  });

  test('sees error numbers, severities and messages as SQL Server sends them', async () => {
    const result = await tsql('SQL1', [
      'SELECT FROM sys.databases',
      'ALTER AVAILABILITY GROUP [none] FAILOVER',
      "BACKUP DATABASE [Nope] TO DISK = N'x'",
      "RAISERROR(N'mine', 16, 3)",
      "PRINT N'said'",
    ]);
    const told = `${result.out}${result.err}`;
    expect(
      [...told.matchAll(/Msg (\d+) \(severity (\d+), state (\d+)\) from SQL1/g)].map(
        ([, ...numbers]) => numbers,
      ),
    ).toEqual([
      ['156', '15', '1'],
      ['15151', '16', '1'],
      ['911', '16', '1'],
      ['3013', '16', '1'],
      ['50000', '16', '3'],
    ]);
    expect(told).toContain("Incorrect syntax near the keyword 'FROM'.");
    expect(told).toContain('said');
  });

  test('a wrong password is refused with 18456', async () => {
    const result = await tsql('SQL1', ['SELECT 1'], 'wrong');
    expect(result.code).not.toBe(0);
    expect(`${result.out}${result.err}`).toMatch(/18456|Login failed/);
  });
});

/** Both drivers follow python's DB-API; the scripts print one JSON object. */
const PYTHON_WORK = `
import json, decimal, datetime
cur = conn.cursor()
cur.execute("CREATE TABLE dbo.py (id bigint NOT NULL PRIMARY KEY, amount decimal(18, 4), name nvarchar(100), raw varbinary(20), at datetime2(6), ok bit, d float)")
rows = [(1, decimal.Decimal("12345.6789"), "Grüße 二", binary(b"\\x00\\xff"), datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), True, 1.5),
        (2, None, None, None, None, None, None)]
cur.executemany("INSERT INTO dbo.py VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)
conn.commit()
cur.execute("INSERT INTO dbo.py (id) VALUES (%s)", (3,))
conn.rollback()
cur.execute("SELECT id, amount, name, raw, at, ok, d FROM dbo.py ORDER BY id")
got = [tuple(row) for row in cur.fetchall()]
try:
    cur.execute("INSERT INTO dbo.py (id) VALUES (1)")
    number = 0
except Exception as error:
    number = getattr(error, "number", None) or (error.args[0] if error.args else None)
conn.rollback()
cur.execute("DROP TABLE dbo.py")
conn.commit()
print(json.dumps({"rows": len(got), "first": [str(value) for value in got[0]], "second": [value is None for value in got[1]], "number": number}))
`;

/** pymssql sends times as text with milliseconds, so finer ones are not tried. */
const PYTHON_RESULT = {
  rows: 2,
  first: ['1', '12345.6789', 'Grüße 二', "b'\\x00\\xff'", '2026-01-02 03:04:05.678000', 'True', '1.5'],
  second: [false, true, true, true, true, true, true],
  // Violation of PRIMARY KEY constraint.
  number: 2627,
};

async function python(connecting: string): Promise<unknown> {
  const result = await run('python3', ['-'], `${connecting}\n${PYTHON_WORK}`, {
    FREETDSCONF: join(directory, 'freetds.conf'),
  });
  if (result.code !== 0) throw new Error(result.err);
  return JSON.parse(result.out);
}

describeIf(has.pymssql, 'pymssql')('pymssql', () => {
  test('writes and reads values of all kinds, commits and rolls back', async () => {
    const { adminLogin, adminPassword, host, port } = estate.instance('SQL1');
    const connecting = `import pymssql
binary = bytes
conn = pymssql.connect(server="${host}", port="${port}", user="${adminLogin}", password="${adminPassword}", database="Sales", tds_version="7.3", encryption="require")`;
    expect(await python(connecting)).toEqual(PYTHON_RESULT);
  });
});

// Its own check of the host's name needs a function that pyOpenSSL has dropped; the chain is verified all the same.
describeIf(has.pytds, 'python-tds')('python-tds', () => {
  test('writes and reads values of all kinds under a verified certificate', async () => {
    const { adminLogin, adminPassword, port } = estate.instance('SQL1');
    const connecting = `import pytds
binary = pytds.Binary
conn = pytds.connect(dsn="localhost", port=${port}, user="${adminLogin}", password="${adminPassword}", database="Sales", cafile="${join(directory, 'ca.pem')}", validate_host=False)`;
    expect(await python(connecting)).toEqual(PYTHON_RESULT);
  });
});

describeIf(has.azure, 'Azure SDK for python')('Azure SDK for python', () => {
  test('gets a token and lists instances and their endpoint certificates', async () => {
    const { endpoint, tenantId, clientId, clientSecret, subscriptionId, resourceGroup } = estate.azure;
    const ca = join(directory, 'ca.pem');
    const script = `
import json
from azure.identity import ClientSecretCredential
from azure.mgmt.sql import SqlManagementClient
credential = ClientSecretCredential("${tenantId}", "${clientId}", "${clientSecret}", authority="${endpoint}",
    disable_instance_discovery=True, connection_verify="${ca}")
client = SqlManagementClient(credential, "${subscriptionId}", base_url="${endpoint}",
    credential_scopes=["https://management.azure.com/.default"], connection_verify="${ca}")
print(json.dumps({
    "instances": [each.fully_qualified_domain_name for each in client.managed_instances.list()],
    "certificates": [each.name for each in client.endpoint_certificates.list_by_instance("${resourceGroup}", "mi-west")],
}))`;
    const result = await run('python3', ['-'], script);
    if (result.code !== 0) throw new Error(result.err);
    expect(JSON.parse(result.out)).toEqual({
      instances: [estate.instance('mi-west').fqdn],
      certificates: ['DATABASE_MIRRORING'],
    });
  });
});
