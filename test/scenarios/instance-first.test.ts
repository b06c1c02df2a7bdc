/** A link that the managed instance leads from the beginning, on a real Temporal server. */
import { join } from 'node:path';
import { WorkloadWriter } from '../../estate/workload/writer';
import { planLinkMigration } from '../../src/activities/link/plan';
import { WorkerProcess } from '../../src/cli/demo/worker-process';
import type { RunView } from '../../src/client/runs';
import { APPLICATION, applicationOn, query, sideOf, until, verifyOn } from '../support/application';
import { type InstanceFirstParts, instanceFirstEstate } from '../support/instance-first';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';
import { openSteps } from '../support/steps-without-temporal';
import { worldSnapshot } from '../support/world-snapshot';

afterAll(closeServer);

const by = { by: 'dba' };
/** The statement, and not the word in a query. */
const JOIN = 'JOIN\\s+AVAILABILITY GROUP ON';
const IS_JOIN = new RegExp(JOIN);
const SECTIONS = `
purpose: disaster-recovery
initialPrimary: instance
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
failover: { coolDown: 1s }
${QUICK_POLLING}
`;

let stage: Stage;
let runs = 0;
let name: string;

async function open(parts: InstanceFirstParts = {}): Promise<void> {
  stage = await startStage({ estate: instanceFirstEstate(parts) });
  runs += 1;
  name = `sales-${runs}`;
  // The users in the database are found by the SID of their login, so it is the same on both sides.
  const login = stage.estate.world.instances.get('mi-west').logins.get(APPLICATION.name);
  const sid = Buffer.from(login?.sid ?? []).toString('hex');
  await query(
    stage.estate,
    'SQL1',
    `CREATE LOGIN [${APPLICATION.name}] WITH PASSWORD = N'${APPLICATION.password}', SID = 0x${sid}`,
  );
}

const spec = () => stage.spec(SECTIONS, name);

afterEach(() => stage.close());

const view = () => stage.migrations.view(name);

async function seen(what: string, reached: (view: RunView) => boolean, limitMs = 60_000) {
  let latest: RunView | undefined;
  try {
    await until(
      what,
      async () => {
        latest = await view();
        return reached(latest);
      },
      limitMs,
    );
  } catch (error) {
    throw new Error(`${what}: ${JSON.stringify(latest, null, 1)}`, { cause: error });
  }
  return latest as RunView;
}

const stands = () => seen('the link stands', ({ status }) => status.protection !== null);

async function failOver(to: 'server' | 'instance', index: number): Promise<void> {
  const ready = ({ status }: RunView) =>
    status.protection?.pendingRequest === null &&
    status.protection.possible.some((what) => what.startsWith('planned failover'));
  await seen('a failover is possible', ready);
  expect(await stage.migrations.failover(name, { ...by, type: 'planned', to })).toMatchObject({
    accepted: true,
  });
  const after = await seen('it is over', ({ status }) => status.protection?.failovers.length === index);
  expect(after.status.protection?.failovers.at(-1)).toMatchObject({ outcome: 'done', to });
}

describe.each([
  ['2022', 'CU16', 'SQLServer2022'],
  ['2025', 'RTM', 'SQLServer2025'],
] as const)('SQL Server %s %s', (version, update, databaseFormat) => {
  test('is set up, fails over and back, and is removed, without losing an acknowledged row', async () => {
    await open({ server: { version, update }, managed: { databaseFormat } });
    const writer = new WorkloadWriter({
      target: applicationOn(stage.estate, 'mi-west'),
      rate: 50,
      retryMs: 25,
    });
    writer.start();
    try {
      await stage.startWorker();
      const steps = await openSteps(spec(), stage.env);
      const planned = await planLinkMigration(steps.context, 'planned-failover');
      await steps.close();
      await stage.migrations.start(spec());
      const { status } = await stands();
      expect(status.protection).toMatchObject({ primary: 'instance', failovers: [] });
      expect(status.logBackups.count).toBe(0);

      // The plan is the run: the same statements, and the instance's side before the join.
      const journal = await stage.migrations.journal(name);
      const made = journal.flatMap(({ effects }) => effects.map(({ display }) => display));
      const shown = planned.steps.flatMap(({ effects }) => effects.map(({ display }) => display));
      expect([...made].sort()).toEqual([...shown].sort());
      const texts = stage.estate.world.effects().map(({ text }) => text);
      const put = texts.findIndex((text) => /^PUT .*distributedAvailabilityGroups/.test(text));
      expect(put).toBeGreaterThan(0);
      expect(texts.findIndex((text) => IS_JOIN.test(text))).toBeGreaterThan(put);

      expect(await sideOf(stage.estate, 'SQL1')).toMatchObject({
        state: 'ONLINE',
        updateability: 'READ_ONLY',
        groups: ['AG_Sales PRIMARY', 'DAG_Sales SECONDARY'],
      });
      await failOver('server', 1);
      writer.repoint(applicationOn(stage.estate, 'SQL1'));
      const written = writer.report().acknowledged;
      await until('it writes on the SQL Server', () => writer.report().acknowledged > written + 20);
      await failOver('instance', 2);
      writer.repoint(applicationOn(stage.estate, 'mi-west'));
      const back = writer.report().acknowledged;
      await until('it writes on the instance again', () => writer.report().acknowledged > back + 20);
      await writer.stop();

      await seen('the failover is over', ({ status }) => status.protection?.pendingRequest === null);
      expect(await stage.migrations.remove(name, by)).toMatchObject({ accepted: true });
      expect(await stage.migrations.result(name)).toMatchObject({
        outcome: 'removed',
        leftovers: [expect.stringContaining('is left restoring')],
      });
      const verdict = await verifyOn(stage.estate, 'mi-west', writer);
      expect(verdict).toMatchObject({ lost: [], duplicates: 0 });
      expect(verdict.acknowledged).toBeGreaterThan(60);
      expect(await sideOf(stage.estate, 'SQL1')).toMatchObject({ state: 'RESTORING', groups: [] });
      expect(await sideOf(stage.estate, 'mi-west')).toMatchObject({
        state: 'ONLINE',
        updateability: 'READ_WRITE',
        groups: [],
      });
    } finally {
      await writer.stop();
    }
  }, 120_000);
});

test('an abort while the copy is made gives everything back, the half copy too', async () => {
  await open({ rates: { seedingRate: 1024 ** 2 } });
  const { world } = stage.estate;
  const before = worldSnapshot(world);
  await stage.startWorker();
  await stage.migrations.start(spec());
  await until('the copy streams', () =>
    world.links.physicalSeeding('SQL1').some(({ transferredBytes }) => transferredBytes > 0),
  );
  const streaming = await seen('its progress shows', ({ pending }) =>
    pending.some(({ progress }) => (progress?.percent ?? 0) > 0),
  );
  expect(streaming.status).toMatchObject({ phase: 'seeding', logBackups: { count: 0 } });
  expect(world.databases.get('SQL1', 'Sales').state).toBe('RESTORING');
  expect(await stage.migrations.abort(name, by)).toMatchObject({ accepted: true });
  expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'aborted', leftovers: [] });
  expect(worldSnapshot(world)).toEqual(before);
}, 90_000);

test('a lost connection starts the copy over: counted, told, and it ends well', async () => {
  await open({ rates: { seedingRate: 8 * 1024 ** 2, reconnectMs: 3_000 } });
  const { world } = stage.estate;
  await stage.startWorker();
  await stage.migrations.start(spec());
  const streams = () =>
    world.links.physicalSeeding('SQL1').some(({ transferredBytes }) => transferredBytes > 256 * 1024 ** 2);
  await until('a good part is there', streams);
  await seen('and was seen', ({ pending }) => pending.some(({ progress }) => (progress?.percent ?? 0) > 10));
  world.network.disconnect('SQL1', 'mi-west', 5_000);
  const { status } = await stands();
  expect(status.seedingRestarts).toBe(1);
  expect(status.events).toContainEqual(expect.objectContaining({ code: 'seeding.restarted' }));
}, 60_000);

test.each([
  'before',
  'after',
] as const)('a worker that dies inside the five minutes, %s the join took effect: the next one goes on', async (when) => {
  // The first JOIN waits long enough for the instance: the fault strikes only once.
  await open({ rates: { joinTimeoutMs: 60_000 } });
  const { world } = stage.estate;
  // The worker never hears of its JOIN, whether it takes effect or not.
  const fault = world.faults.add({
    surface: 'sql',
    statement: JOIN,
    count: 1,
    action: { kind: 'drop', when, how: 'hang' },
  });
  const worker = new WorkerProcess(
    {
      ...stage.env,
      TEMPORAL_ADDRESS: stage.server.address,
      SQLFERRY_TASK_QUEUE: stage.taskQueue,
      SQLFERRY_LOG_LEVEL: 'ERROR',
    },
    join(stage.folder, 'worker.log'),
  );
  try {
    await worker.start();
    // From here on Azure's five minutes may run: the next worker has to come within them.
    world.clock.speed = 10;
    await stage.migrations.start(spec());
    await until('the join is sent', () => world.faults.list().some(({ struck }) => struck > 0));
    const joins = () => world.journal.effective(IS_JOIN).length;
    if (when === 'after') await until('it took effect', () => joins() > 0);
    expect(joins()).toBe(when === 'after' ? 1 : 0);
    await worker.kill();
    world.faults.remove(fault);
    await worker.start();
    const after = await stands();
    expect(after.status.seedingRestarts).toBe(0);
    expect(world.journal.effective(IS_JOIN)).toHaveLength(1);
    expect(world.journal.effective(/^PUT .*distributedAvailabilityGroups/)).toHaveLength(1);
  } finally {
    await worker.kill();
    await worker.stop();
  }
}, 90_000);

test('nobody joins in time: given back, told, and resume succeeds', async () => {
  await open({ speed: 600 });
  const { world } = stage.estate;
  const refusal = world.faults.add({
    surface: 'sql',
    statement: JOIN,
    action: { kind: 'error', number: 47106 },
  });
  await stage.startWorker();
  await stage.migrations.start(spec());
  const missed = await seen('a person is needed', ({ status }) => status.blockedBy !== null);
  expect(missed.status.blockedBy).toMatchObject({
    code: 'LinkNotJoined',
    message: expect.stringContaining('groups and link were given back'),
  });
  expect(missed.status.nextSteps).toContain(`sqlferry resume ${name}`);
  expect(world.links.all()).toEqual([]);
  expect(await sideOf(stage.estate, 'SQL1')).toMatchObject({ state: null, groups: [] });
  expect(world.instances.get('mi-west').groups.size).toBe(0);
  world.faults.remove(refusal);
  world.clock.speed = 60;
  expect(await stage.migrations.resume(name, by)).toMatchObject({ accepted: true });
  await stands();
}, 90_000);

test('the instance is lost, the SQL Server takes over by force, and the link is whole again afterwards', async () => {
  await open();
  const { instances } = stage.estate.world;
  await stage.startWorker();
  await stage.migrations.start(spec());
  await seen('its health is known', ({ status }) => status.protection !== null && status.health !== null);
  instances.kill('mi-west');
  const force = { ...by, type: 'forced', to: 'server', reason: 'the region is dark' } as const;
  expect(await stage.migrations.failover(name, force)).toMatchObject({ accepted: false });
  expect(await stage.migrations.failover(name, { ...force, acceptLossSeconds: 86_400 })).toMatchObject({
    accepted: true,
  });
  const forced = await seen(
    'it led to the SQL Server',
    ({ status }) => status.protection?.primary === 'server',
  );
  expect(forced.status.protection?.failovers.at(-1)).toMatchObject({ type: 'forced', outcome: 'done' });
  instances.revive('mi-west');
  instances.start('mi-west');
  await seen('both say that they lead', ({ status }) => status.protection?.splitBrain != null);
  await seen('nothing is under way', ({ status }) => status.protection?.pendingRequest === null);
  expect(await stage.migrations.repair(name, { ...by, survivor: 'server' })).toMatchObject({
    accepted: true,
  });
  await seen('one of them leads', ({ status }) => status.protection?.splitBrain === null);
  await failOver('instance', 2);
}, 90_000);

test.each([
  ['2019', { server: { version: '2019' as const } }, /instance-first\.build: .*2019 does not have it/],
  [
    'an update policy that is none of SQL Server 2022',
    { managed: { databaseFormat: 'AlwaysUpToDate' as const } },
    /instance-first\.update-policy: .*does not match SQL Server 2022/,
  ],
  [
    'a key of the service',
    { managed: { databases: [{ name: 'Sales', tdeKey: 'service-managed' as const }] } },
    /instance-first\.service-managed-key: .*key of the service/,
  ],
])(
  '%s is refused before anything is changed',
  async (_name, parts, reason) => {
    await open(parts);
    const before = worldSnapshot(stage.estate.world);
    await stage.startWorker();
    await stage.migrations.start(spec());
    await expect(stage.migrations.result(name)).rejects.toThrow();
    expect((await stage.migrations.failure(name))?.message).toMatch(reason);
    expect(worldSnapshot(stage.estate.world)).toEqual(before);
  },
  60_000,
);
