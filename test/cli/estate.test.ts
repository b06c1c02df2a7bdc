/** `sqlferry estate`: the files it writes are ones that sqlferry accepts, and the command ends as it began. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sql from 'mssql';
import { readDefinitionFile } from '../../estate/definition-file';
import { type RunningEstate, startEstate } from '../../estate/estate';
import type { EstateDefinitionInput } from '../../estate/world/definition';
import { estate as estateCommand } from '../../src/cli/commands/estate';
import {
  crossingsOf,
  refuseForeignFiles,
  type SpecFiles,
  writeSpecFiles,
} from '../../src/cli/estate/spec-files';
import { startWorkload } from '../../src/cli/estate/workload';
import { createOutput, type Output } from '../../src/cli/output';
import { parseLink, resolveLink } from '../../src/model/link/spec-file';
import { formatSpecProblems, parseInventory } from '../../src/model/spec-file';

const EXAMPLES = join(__dirname, '..', '..', 'examples', 'estate');

let directory: string;
const running: RunningEstate[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estate-files-'));
});
afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
  await rm(directory, { recursive: true });
});

async function start(definition: EstateDefinitionInput): Promise<RunningEstate> {
  const estate = await startEstate(definition);
  running.push(estate);
  return estate;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Everything that the file gives, joined as `sqlferry start` joins it. */
async function resolveFiles(files: SpecFiles) {
  const inventory = parseInventory(await readFile(files.inventory, 'utf8'), files.inventory);
  if (!inventory.ok) throw new Error(formatSpecProblems(inventory.problems));
  return Promise.all(
    files.migrations.map(async (file) => {
      const migration = parseLink(await readFile(file, 'utf8'), file);
      if (!migration.ok) throw new Error(formatSpecProblems(migration.problems));
      const resolved = resolveLink(inventory.value, migration.value, migration.locate);
      if (!resolved.ok) throw new Error(formatSpecProblems(resolved.problems));
      return resolved.value;
    }),
  );
}

describe('spec files', () => {
  test.each([
    ['default.yaml', ['Sales: SQL1 to mi-west']],
    [
      'versions.yaml',
      [
        'Orders: SQL2017 to mi-west',
        'Stock: SQL2019 to mi-west',
        'Sales: SQL2022 to mi-west',
        'Planning: SQL2025 to mi-north',
      ],
    ],
    ['groups.yaml', ['Sales: SQL1 to mi-west']],
    [
      'broken.yaml',
      ['Simple: SQL1 to mi-west', 'TwoLogs: SQL1 to mi-west', 'NeverBackedUp: SQL1 to mi-west'],
    ],
    ['instance-first.yaml', ['Sales: SQL1 to mi-west']],
  ])('of examples/estate/%s are accepted, one migration for each database', async (file, crossings) => {
    const estate = await start(await readDefinitionFile(join(EXAMPLES, file)));
    const specs = await resolveFiles(await writeSpecFiles(estate, directory));
    expect(
      specs.map(({ settings }) => `${settings.database}: ${settings.server} to ${settings.instance}`),
    ).toEqual(crossings);
    for (const { server, instance, azure, settings } of specs) {
      expect(server.port).toBe(estate.instance(settings.server).port);
      expect(instance.port).toBe(estate.instance(settings.instance).port);
      expect(azure.endpoint).toBe(estate.azure.endpoint);
    }
    expect(new Set(specs.map(({ settings }) => settings.name)).size).toBe(crossings.length);
  });

  test('of a database that lives on an instance begin there, and the workload writes there', async () => {
    const estate = await start(await readDefinitionFile(join(EXAMPLES, 'instance-first.yaml')));
    const [spec] = await resolveFiles(await writeSpecFiles(estate, directory));
    expect(spec?.settings).toMatchObject({
      name: 'sales-to-SQL1',
      purpose: 'disaster-recovery',
      initialPrimary: 'instance',
      cutover: { fence: { disableLogins: ['sales_app'] } },
    });
    const workload = startWorkload(estate);
    await until(() => (workload?.report().acknowledged ?? 0) > 3);
    expect(await workload?.stop()).toMatchObject({ place: 'mi-west', lost: 0 });
  });

  test('every example is tried above', async () => {
    expect((await readdir(EXAMPLES)).sort()).toEqual([
      'broken.yaml',
      'default.yaml',
      'groups.yaml',
      'instance-first.yaml',
      'versions.yaml',
    ]);
  });

  test('hold references; the secrets are in a file that only the owner reads, and a shell understands', async () => {
    const password = `it's "hard" $HOME \\ \`x\``;
    const estate = await start({
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL 1/å',
          logins: [{ name: 'sa', password }],
          databases: [{ name: 'A B' }],
        },
        { kind: 'managed-instance', name: 'mi-west' },
      ],
    });
    const files = await writeSpecFiles(estate, directory);
    const [spec] = await resolveFiles(files);
    const { authentication, tls } = spec?.server ?? {};
    if (authentication?.type !== 'sql') throw new Error('no SQL login');
    const variable = authentication.password.replace('env:', '');
    const shown = execFileSync('sh', ['-c', `. "$1" && printf %s "$${variable}"`, 'sh', files.secrets]);
    expect(shown.toString()).toBe(password);
    expect((await stat(files.secrets)).mode & 0o777).toBe(0o600);
    expect(tls?.caFile).toBe(files.ca);
    for (const file of [files.inventory, ...files.migrations]) {
      const text = await readFile(file, 'utf8');
      expect(text).not.toContain(password);
      expect(text).not.toContain(estate.azure.clientSecret);
    }
  });

  test('the fence names the logins of applications, never the one that sqlferry uses', async () => {
    const estate = await start(await readDefinitionFile(join(EXAMPLES, 'default.yaml')));
    const [spec] = await resolveFiles(await writeSpecFiles(estate, directory));
    expect(spec?.settings.cutover.fence.disableLogins).toEqual(['sales_app']);
    expect(spec?.server.authentication).toMatchObject({ user: 'sa' });
  });

  test('the authority in ca.pem opens the way for a client that verifies', async () => {
    const estate = await start({});
    const { ca } = await writeSpecFiles(estate, directory);
    const { host, port, adminLogin, adminPassword } = estate.instance('SQL1');
    const pool = await new sql.ConnectionPool({
      server: host,
      port,
      user: adminLogin,
      password: adminPassword,
      options: {
        encrypt: true,
        trustServerCertificate: false,
        cryptoCredentialsDetails: { ca: await readFile(ca, 'utf8') },
      },
    }).connect();
    expect((await pool.query('SELECT 1 AS one')).recordset).toEqual([{ one: 1 }]);
    await pool.close();
  });

  test('its own files are written again, also with the right mode; those of others never', async () => {
    const estate = await start({});
    const crossings = crossingsOf(estate.world.definition.instances);
    const files = await writeSpecFiles(estate, directory);
    execFileSync('chmod', ['644', files.secrets]);
    await refuseForeignFiles(directory, crossings);
    await writeSpecFiles(estate, directory);
    expect((await stat(files.secrets)).mode & 0o777).toBe(0o600);
    await writeFile(files.inventory, 'kind: Inventory\n');
    await expect(refuseForeignFiles(directory, crossings)).rejects.toMatchObject({
      name: 'CliFailure',
      exitCode: 3,
      message: expect.stringContaining('inventory.yaml exist in'),
    });
  });
});

describe('the command', () => {
  interface Heard extends Output {
    readonly lines: string[];
    readonly notes: string[];
    readonly results: unknown[];
  }
  function listening(json: boolean): Heard {
    const lines: string[] = [];
    const notes: string[] = [];
    const results: unknown[] = [];
    return {
      ...createOutput(json),
      lines,
      notes,
      results,
      say: (line) => void lines.push(line),
      note: (line) => void notes.push(line),
      result: (value) => void results.push(value),
    };
  }

  test('runs until it is told to end, tells how to connect, and counts what the workload was promised', async () => {
    const output = listening(false);
    const ended = estateCommand(output, { directory, speed: 60, workload: true });
    await until(() => output.results.length > 0);
    const told = output.lines.join('\n');
    for (const expected of [
      '1 second here = 60 there',
      'SQL1',
      'mi-west',
      'sqlferry preflight migration.yaml',
    ])
      expect(told).toContain(expected);
    const [result] = output.results as { instances: { port: number }[]; control: { url: string } }[];
    expect(told).toContain(`127.0.0.1,${result?.instances[0]?.port}`);
    const look = async () =>
      (await (await fetch(`${result?.control.url}/world`)).json()) as {
        instances: { databases: { endOfLogLsn: string }[] }[];
      };
    const first = await look();
    expect(first).toMatchObject({ clock: { speed: 60 }, instances: [{ name: 'SQL1' }, { name: 'mi-west' }] });
    const endOfLog = ({ instances }: typeof first) => instances[0]?.databases[0]?.endOfLogLsn;
    // Five steps of the log: the table of the workload and some rows.
    for (let seen = endOfLog(first), steps = 0; steps < 5; ) {
      const now = endOfLog(await look());
      if (now !== seen) steps += 1;
      seen = now;
    }
    expect((await readdir(directory)).sort()).toEqual([
      'ca.pem',
      'estate.env',
      'inventory.yaml',
      'migration.yaml',
    ]);
    process.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(output.lines.join('\n')).toMatch(
      /workload: [1-9]\d* rows acknowledged of \d+ attempted in Sales .*; all of them are on SQL1/,
    );
    await expect(fetch(`${result?.control.url}/world`)).rejects.toThrow();
  });

  test('with --json prints one object, without secrets', async () => {
    const output = listening(true);
    const ended = estateCommand(output, { directory, workload: false });
    await until(() => output.results.length > 0);
    process.emit('SIGINT');
    expect(await ended).toBe(0);
    expect(output.results).toHaveLength(1);
    expect(output.results[0]).toMatchObject({
      state: 'running',
      clock: { speed: 30 },
      instances: [
        { name: 'SQL1', passwordVariable: 'ESTATE_SQL1_PASSWORD' },
        { name: 'mi-west', passwordVariable: 'ESTATE_MI_WEST_PASSWORD' },
      ],
      files: { inventory: join(directory, 'inventory.yaml') },
    });
    expect(JSON.stringify(output.results)).not.toMatch(/Passw0rd|ferry-secret/);
  });

  test.each([
    ['a speed that is none', { speed: Number.NaN }, 2, /--speed needs a number above 0/],
    ['a definition that is not there', { definition: 'nowhere.yaml' }, 2, /nowhere\.yaml cannot be read/],
  ])('%s is wrong use; nothing is written', async (_what, options, exitCode, message) => {
    await expect(
      estateCommand(listening(false), { directory, workload: false, ...options }),
    ).rejects.toMatchObject({ exitCode, message: expect.stringMatching(message) });
    expect(await readdir(directory)).toEqual([]);
  });

  test("somebody's inventory stays as it is, and nothing is started", async () => {
    await writeFile(join(directory, 'inventory.yaml'), 'mine');
    const output = listening(false);
    await expect(estateCommand(output, { directory, workload: false })).rejects.toMatchObject({
      exitCode: 3,
    });
    expect(await readFile(join(directory, 'inventory.yaml'), 'utf8')).toBe('mine');
    expect(output.lines).toEqual([]);
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });
});

test('the workload moves with the primary', async () => {
  const estate = await start({
    clock: { speed: 600 },
    instances: [
      {
        kind: 'sql-server',
        name: 'SQL1',
        logins: [
          { name: 'sa', password: 'Ferry!Passw0rd' },
          { name: 'app', password: 'App!Passw0rd', roles: [] },
        ],
        databases: [{ name: 'Sales', dataBytes: 1024 ** 3, users: [{ name: 'app' }] }],
      },
      { kind: 'managed-instance', name: 'mi-west' },
    ],
  });
  const workload = startWorkload(estate);
  if (workload === undefined) throw new Error('no workload');
  try {
    await until(() => workload.report().acknowledged > 5);
    expect([...estate.world.instances.get('SQL1').sessions.values()].map(({ login }) => login)).toEqual([
      'app',
    ]);
    const before = workload.report().acknowledged;
    // The application is fenced, and its database is to be had on the managed instance: the end of every cutover.
    estate.world.logins.alter('SQL1', 'app', { disabled: true });
    for (const session of [...estate.world.instances.get('SQL1').sessions.values()]) session.terminate();
    estate.world.databases.create('mi-west', { name: 'Sales' });
    await until(() => workload.report().acknowledged > before + 5);
    const store = estate.world.databases.storeForRead('mi-west', 'Sales');
    expect(store.table('dbo', 'ferry_workload')?.rows.size).toBeGreaterThan(5);
    // No link carried the first rows over, and the end of the workload says so.
    const { report, place, lost } = await workload.stop();
    expect(place).toBe('mi-west');
    expect(lost).toBeGreaterThanOrEqual(before);
    expect(lost).toBeLessThan(report.acknowledged);
  } finally {
    await workload.stop();
  }
});
