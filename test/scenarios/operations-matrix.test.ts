/** Every version of SQL Server that the link knows x every operation: done with nothing lost, or refused with its reason. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verify, WorkloadWriter } from '../../estate/workload/writer';
import { Certificates } from '../../src/client/certificates';
import type { LinkSite } from '../../src/model/link/side';
import type { Answer } from '../../src/workflows/run/answers';
import type { FailoverRequest } from '../../src/workflows/run/standing-messages';
import { APPLICATION, estateWithApplication, until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

const PAGE = join(__dirname, '../../docs/disaster-recovery.md');
const BEGIN = '<!-- operations: begin, written by test/scenarios/operations-matrix.test.ts -->';
const END = '<!-- operations: end -->';

const OPERATIONS = [
  'set up',
  'set up from the instance',
  'planned failover',
  'failback',
  'drill',
  'forced failover to the instance',
  'forced failover to the server',
  'repair',
  'certificate rotation',
  'log backups',
  'removal',
  'cutover',
] as const;
type Operation = (typeof OPERATIONS)[number];

interface Version {
  readonly title: string;
  readonly version: '2016' | '2017' | '2019' | '2022' | '2025';
  readonly update?: string;
  readonly clustered?: boolean;
  readonly swapsRoles: boolean;
  /** Builds that can join a link which the instance leads first (2022 CU10 and later). */
  readonly joinsInstance: boolean;
}

const ONE_WAY = { swapsRoles: false, joinsInstance: false } as const;
const BOTH_WAYS = { swapsRoles: true, joinsInstance: true } as const;

const VERSIONS: readonly Version[] = [
  { title: '2016 SP3 with the Azure Connect pack', version: '2016', clustered: true, ...ONE_WAY },
  { title: '2017 CU31 with the Azure Connect pack', version: '2017', ...ONE_WAY },
  { title: '2019 CU27', version: '2019', update: 'CU27', ...ONE_WAY },
  { title: '2022 RTM', version: '2022', update: 'RTM', ...ONE_WAY },
  { title: '2022 CU10', version: '2022', update: 'CU10', swapsRoles: false, joinsInstance: true },
  { title: '2022 CU16', version: '2022', update: 'CU16', ...BOTH_WAYS },
  { title: '2025', version: '2025', ...BOTH_WAYS },
];

/** `done`, or the reason of the refusal. */
type Results = Partial<Record<Operation, string>>;
const found = new Map<string, Results>();

const BY = { by: 'test' };
const COMMON = `
logBackups: { directory: "C:\\\\Backup" }
failover: { coolDown: 1s }
polling: { steady: 500ms, seeding: 250ms, active: 100ms, heartbeatTimeout: 4s }
`;
const FENCE = `fence: { disableLogins: [${APPLICATION.name}] }`;
const STAYS = `purpose: disaster-recovery\ncutover: { ${FENCE} }\n${COMMON}`;
const BEGINS_THERE = `purpose: disaster-recovery\ninitialPrimary: instance\n${COMMON}`;
const CROSSES = `cutover: { approval: { required: false } }\n${COMMON}`;

function estateOf({ version, update, clustered }: Version) {
  const database = { dataBytes: 1024 ** 3, users: [{ name: APPLICATION.name }] };
  return estateWithApplication({
    speed: 600,
    server: {
      version,
      ...(update === undefined ? {} : { update }),
      ...(clustered === undefined ? {} : { clustered }),
      databases: [
        { ...database, name: 'Sales' },
        { ...database, name: 'Orders' },
      ],
    },
    instance: {
      databaseFormat: version === '2025' ? 'SQLServer2025' : 'SQLServer2022',
      databases: [{ name: 'Stock', dataBytes: 64 * 1024 ** 2 }],
    },
    rates: { firstFullBackupDelayMs: 30_000 },
  });
}

/** With the SID that the login has on the SQL Server: the users in the databases would be orphans otherwise. */
function createLoginOnInstance({ estate }: Stage): void {
  const { instances, logins } = estate.world;
  const sid = instances.get('SQL1').logins.get(APPLICATION.name)?.sid;
  if (sid === undefined) throw new Error('the SQL Server has no login of the application');
  logins.create('mi-west', { ...APPLICATION, type: 'sql', sid });
}

function loginOn({ estate }: Stage, name: string, database: string, isAdministrator = false) {
  const { host, port, adminLogin, adminPassword } = estate.instance(name);
  const login = isAdministrator
    ? { user: adminLogin, password: adminPassword }
    : { user: APPLICATION.name, password: APPLICATION.password };
  return { host, port, database, ...login };
}

const reasonOf = (answer: Answer): string => (answer.accepted ? 'done' : answer.reasons.join('; '));

const protectionOf = async (stage: Stage) => (await stage.migrations.view('sales')).status.protection;

/** Asks, and when it is accepted waits for its end. */
async function failOver(stage: Stage, request: Omit<FailoverRequest, 'by'>): Promise<string> {
  const count = (await protectionOf(stage))?.failovers.length ?? 0;
  const answer = await stage.migrations.failover('sales', {
    ...BY,
    acknowledgedBy: 'test',
    ...request,
  });
  if (!answer.accepted) return reasonOf(answer);
  await until(`${request.type} failover to the ${request.to}`, async () => {
    const protection = await protectionOf(stage);
    return (protection?.failovers.length ?? 0) > count && protection?.pendingRequest === null;
  });
  const record = (await protectionOf(stage))?.failovers.at(-1);
  expect(record).toMatchObject({ type: request.type, to: request.to, outcome: 'done' });
  return 'done';
}

async function expectNothingLost(
  stage: Stage,
  writer: WorkloadWriter,
  name: string,
  database: string,
): Promise<void> {
  const check = await verify(writer.acknowledged, loginOn(stage, name, database, true));
  expect(check).toMatchObject({ lost: [], duplicates: 0 });
  expect(check.acknowledged).toBeGreaterThan(0);
}

async function plannedThereAndBack(stage: Stage): Promise<Pick<Results, 'planned failover' | 'failback'>> {
  const writer = new WorkloadWriter({ target: loginOn(stage, 'SQL1', 'Sales'), rate: 50, retryMs: 25 });
  writer.start();
  try {
    await until('the application writes', () => writer.report().acknowledged > 5);
    const planned = await failOver(stage, { type: 'planned', to: 'instance' });
    if (planned !== 'done') {
      // What never went there cannot come back.
      return { 'planned failover': planned, failback: planned };
    }
    await expectNothingLost(stage, writer, 'mi-west', 'Sales');
    const before = writer.report().acknowledged;
    writer.repoint(loginOn(stage, 'mi-west', 'Sales'));
    await until('the application writes to the instance', () => writer.report().acknowledged > before + 5);
    const failback = await failOver(stage, { type: 'planned', to: 'server' });
    await expectNothingLost(stage, writer, 'SQL1', 'Sales');
    return { 'planned failover': planned, failback };
  } finally {
    await writer.stop();
  }
}

async function drill(stage: Stage): Promise<string> {
  const answer = await stage.migrations.drill('sales', { ...BY, holdMs: 200, acknowledgedBy: 'test' });
  if (!answer.accepted) return reasonOf(answer);
  await until('the drill is over', async () => {
    const protection = await protectionOf(stage);
    return protection?.lastDrill != null && protection.pendingRequest === null;
  });
  const protection = await protectionOf(stage);
  expect(protection).toMatchObject({ primary: 'server', lastDrill: { outcome: 'done' } });
  return 'done';
}

/** One side is forced to lead while the other one lives: two primaries, and the survivor is the one that was forced. */
async function forcedAndRepaired(stage: Stage, to: LinkSite): Promise<readonly [string, string]> {
  const forced = await failOver(stage, {
    type: 'forced',
    to,
    reason: 'an exercise',
    acceptLossSeconds: 3_600,
  });
  if (forced === 'done') {
    await until('two primaries are found', async () => (await protectionOf(stage))?.splitBrain != null);
  }
  const repair = await stage.migrations.repair('sales', { ...BY, survivor: to });
  if (repair.accepted) {
    await until('the link is whole', async () => {
      const protection = await protectionOf(stage);
      return protection?.splitBrain === null && protection.pendingRequest === null;
    });
    const { groups } = stage.estate.world;
    expect(groups.isPrimaryReplica('SQL1', 'Sales')).toBe(to === 'server');
    expect(groups.isPrimaryReplica('mi-west', 'Sales')).toBe(to === 'instance');
  }
  return [forced, reasonOf(repair)];
}

type Forced = Pick<Results, 'forced failover to the instance' | 'forced failover to the server' | 'repair'>;

async function forcedBothWays(stage: Stage): Promise<Forced> {
  const [there, repaired] = await forcedAndRepaired(stage, 'instance');
  // What never went there cannot come back.
  const [back, repairedBack] =
    there === 'done' ? await forcedAndRepaired(stage, 'server') : [there, repaired];
  expect(repairedBack).toBe(repaired);
  return {
    'forced failover to the instance': there,
    'forced failover to the server': back,
    repair: repaired,
  };
}

async function rotate(stage: Stage): Promise<string> {
  const certificates = new Certificates(stage.client, { taskQueue: stage.taskQueue });
  const { runId } = await certificates.rotate({
    ...BY,
    spec: stage.spec(STAYS),
    others: [],
    rotateEndpoint: true,
    reimportInstance: false,
  });
  const { outcome } = await certificates.result('sql1', runId);
  return outcome;
}

async function backUpLog(stage: Stage): Promise<string> {
  const count = async () => (await stage.migrations.view('sales')).status.logBackups.count;
  await until('the log is backed up on cadence', async () => (await count()) >= 2);
  return 'done';
}

/** A database that lives on the instance; the instance leads, and the SQL Server is asked to join. */
async function setUpFromInstance(stage: Stage): Promise<string> {
  await stage.migrations.start(stage.spec(BEGINS_THERE, 'stock', 'Stock'));
  const ended = stage.migrations.result('stock').then(
    () => undefined,
    ({ message, cause }: Error) => (cause instanceof Error ? cause.message : message),
  );
  const stands = until('the link from the instance stands', async () => {
    const protection = await stage.migrations.view('stock').then(({ status }) => status.protection);
    return protection?.primary === 'instance';
  });
  stands.catch(() => undefined);
  const refusal = await Promise.race([ended, stands]);
  if (refusal !== undefined) {
    const [, reason = refusal] = /instance-first\.build: ([^;]*)/.exec(refusal) ?? [];
    return `a link that the instance leads first: ${reason}`;
  }
  expect(await stage.migrations.remove('stock', BY)).toMatchObject({ accepted: true });
  await ended;
  return 'done';
}

/** On a database of its own: nobody writes while it is being cut over, so no fence is needed. */
async function cutOver(stage: Stage): Promise<string> {
  const writer = new WorkloadWriter({ target: loginOn(stage, 'SQL1', 'Orders'), rate: 50, retryMs: 25 });
  writer.start();
  await until('the application writes', () => writer.report().acknowledged > 5);
  await writer.stop();
  await stage.migrations.start(stage.spec(CROSSES, 'orders', 'Orders'));
  const { outcome } = await stage.migrations.result('orders');
  expect(outcome).toBe('completed');
  await expectNothingLost(stage, writer, 'mi-west', 'Orders');
  return 'done';
}

/** Azure's own answer where the versions have no way back (error 41985). */
function expectOneWay(stage: Stage): void {
  const force = () => stage.estate.world.links.failover('mi-west', 'DAG_Sales', 'ForcedAllowDataLoss');
  expect(force).toThrow(/one-way|not supported|41985/i);
}

describe('operations of a link', () => {
  test.each(VERSIONS)('SQL Server $title', async (version) => {
    const stage = await startStage({ estate: estateOf(version) });
    try {
      await stage.startWorker();
      createLoginOnInstance(stage);
      const crossing = cutOver(stage);
      // Awaited below; a failure in between must not be an unhandled one.
      crossing.catch(() => undefined);
      await stage.migrations.start(stage.spec(STAYS));
      await until('the link stands', async () => (await protectionOf(stage)) !== null);
      if (Number(version.version) < 2022) expectOneWay(stage);
      const results: Results = {
        'set up': 'done',
        'log backups': await backUpLog(stage),
        ...(await plannedThereAndBack(stage)),
        drill: await drill(stage),
        ...(await forcedBothWays(stage)),
      };
      results.cutover = await crossing;
      results['set up from the instance'] = await setUpFromInstance(stage);
      // All other links of the endpoint are gone by now, or were set up by this run.
      results['certificate rotation'] = await rotate(stage);
      results.removal = reasonOf(await stage.migrations.remove('sales', BY));
      expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'removed' });
      expect(stage.estate.world.links.all()).toEqual([]);
      found.set(version.title, results);

      for (const operation of OPERATIONS)
        expect([operation, results[operation]]).toEqual([operation, wanted(operation, version)]);
    } finally {
      await stage.close();
    }
  }, 120_000);

  test('the table in docs/disaster-recovery.md is what was found; regenerate with UPDATE_DOCS=1', () => {
    const table = tableOf(found);
    console.info(table);
    const page = readFileSync(PAGE, 'utf8');
    const [head = '', rest = ''] = page.split(BEGIN);
    const [, tail = ''] = rest.split(END);
    const wanted = `${head}${BEGIN}\n\n${table}\n\n${END}${tail}`;
    if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, wanted);
    expect(readFileSync(PAGE, 'utf8')).toBe(wanted);
  });
});

/** Done, or the documented reason for the refusal. */
function wanted(operation: Operation, { swapsRoles, joinsInstance }: Version): unknown {
  switch (operation) {
    case 'set up':
    case 'certificate rotation':
    case 'log backups':
    case 'removal':
    case 'cutover':
      return 'done';
    case 'set up from the instance':
      return joinsInstance ? 'done' : expect.stringMatching(/does not have it|16\.0\.4095/);
    case 'planned failover':
    case 'failback':
    case 'drill':
    case 'forced failover to the instance':
    case 'forced failover to the server':
      return swapsRoles ? 'done' : expect.stringContaining('cannot swap the roles');
    case 'repair':
      return swapsRoles ? 'done' : expect.stringContaining('no split brain');
  }
}

function tableOf(all: ReadonlyMap<string, Results>): string {
  const reasons: string[] = [];
  const cell = (result = 'not tried'): string => {
    if (result === 'done') return 'yes';
    if (!reasons.includes(result)) reasons.push(result);
    return `no (${reasons.indexOf(result) + 1})`;
  };
  const rows = [...all].map(
    ([title, results]) =>
      `| ${title} | ${OPERATIONS.map((operation) => cell(results[operation])).join(' | ')} |`,
  );
  return [
    `| SQL Server | ${OPERATIONS.join(' | ')} |`,
    `|---|${OPERATIONS.map(() => '---|').join('')}`,
    ...rows,
    '',
    ...reasons.map((reason, index) => `${index + 1}. ${reason}`),
  ].join('\n');
}
