/** The steps of a link that the instance leads first: each can run twice, and each is undone to what it found. */
import type { EstateWorld } from '../../../estate/world/world';
import { establishingFromInstance } from '../../../src/model/link/procedure';
import type { LinkStepId } from '../../../src/model/link/step';
import { query, until } from '../../support/application';
import { instanceFirstEstate } from '../../support/instance-first';
import { type EstateStage, QUICK_POLLING, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';
import { worldSnapshot } from '../../support/world-snapshot';

const SECTIONS = `
purpose: disaster-recovery
initialPrimary: instance
logBackups: { directory: "C:\\\\Backup" }
${QUICK_POLLING}
`;
const GROUP = 'server.empty-availability-group';
const GRANT = 'server.grant-create-database';
const READABLE = 'server.readable-secondary';
const CREATE = 'instance.link-from-instance';
const JOIN = 'server.join-distributed-availability-group';

let stage: EstateStage;
let bench: StepBench;

beforeEach(async () => {
  // Azure's five minutes are six seconds, and the copy takes none.
  stage = await startEstateStage({
    estate: instanceFirstEstate({ speed: 50, rates: { seedingRate: 1e10 } }),
  });
  bench = await StepBench.open(stage, stage.spec(SECTIONS));
});
afterEach(async () => {
  await bench.close();
  await stage.close();
});

const world = (): EstateWorld => stage.estate.world;
const snapshot = () => worldSnapshot(world());

async function trust(): Promise<void> {
  for (const { id, phase } of establishingFromInstance()) if (phase === 'trust') await bench.run(id);
}

/** Tries again as the activity does while Azure waits. */
async function joined(): Promise<void> {
  for (;;) {
    try {
      await bench.run(JOIN);
      return;
    } catch (error) {
      if (!String(error).includes('47106')) throw error;
      await world().clock.sleep(10_000);
    }
  }
}

/** The request lasts as long as the copy, so the JOIN is made beside it. */
async function link(): Promise<void> {
  await Promise.all([bench.run(CREATE), joined()]);
  await until('the copy is complete', () =>
    world()
      .links.all()
      .some(({ seeded }) => seeded),
  );
}

async function groups(): Promise<void> {
  for (const id of [GROUP, GRANT, READABLE] as const) await bench.run(id);
}

test('a second run changes nothing, and a lost answer is seen for what it was', async () => {
  await trust();
  world().faults.add({
    surface: 'sql',
    statement: '^(CREATE|ALTER) AVAILABILITY GROUP',
    count: 2,
    action: { kind: 'drop', when: 'after' },
  });
  for (const id of [GROUP, GRANT, READABLE] as const) {
    await bench.untilDone((left) => bench.run(id, left));
    const effects = world().journal.effective().length;
    await bench.run(id);
    expect([id, world().journal.effective().length]).toEqual([id, effects]);
  }
  await link();
  const effects = world().journal.effective().length;
  for (const id of [GROUP, READABLE, CREATE, JOIN] as const)
    expect(await bench.run(id)).toMatchObject({ outcome: 'already-done', effects: [] });
  expect(world().journal.effective()).toHaveLength(effects);
});

test('undone latest first, twice, with every answer lost: nothing is left, the copy neither', async () => {
  await trust();
  const before = snapshot();
  const facts = new Map<LinkStepId, unknown>();
  const note = async (id: LinkStepId) => facts.set(id, (await bench.look(id)).before);
  for (const id of [GROUP, GRANT, READABLE] as const) {
    await note(id);
    await bench.run(id);
  }
  // In a run both are noted before the request.
  for (const id of [JOIN, CREATE] as const) await note(id);
  await link();
  expect(world().databases.get('SQL1', 'Sales').groupName).toBe('AG_Sales');
  world().faults.add({
    surface: 'sql',
    statement: '^(DROP|ALTER) ',
    action: { kind: 'drop', when: 'after' },
    count: 4,
  });
  for (const id of [CREATE, JOIN, READABLE, GRANT, GROUP] as const) {
    await bench.untilDone((left) => bench.undo(id, facts.get(id), left));
    expect([id, await bench.undo(id, facts.get(id))]).toEqual([id, []]);
  }
  expect(snapshot()).toEqual(before);
});

test('what the older documented form left is taken as joined', async () => {
  await trust();
  await groups();
  const fqdn = world().instances.get('mi-west').serverName;
  await query(
    stage.estate,
    'SQL1',
    `CREATE AVAILABILITY GROUP [DAG_Sales] WITH (DISTRIBUTED) AVAILABILITY GROUP ON
N'AG_Sales' WITH (LISTENER_URL = 'TCP://SQL1:5022', AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,
  FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC, SESSION_TIMEOUT = 20),
N'AG_Sales_MI' WITH (LISTENER_URL = 'tcp://${fqdn}:5022;Server=[mi-west];Database=[Sales]',
  AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)`,
  );
  expect(await bench.run(JOIN)).toMatchObject({ outcome: 'already-done' });
  await link();
});

test('once somebody failed over to the SQL Server nothing is taken away', async () => {
  await trust();
  const facts = new Map<LinkStepId, unknown>();
  for (const id of [GROUP, JOIN, CREATE] as const) facts.set(id, (await bench.look(id)).before);
  await groups();
  await link();
  await query(stage.estate, 'mi-west', 'ALTER AVAILABILITY GROUP [DAG_Sales] FAILOVER');
  const before = snapshot();
  for (const id of [CREATE, JOIN, GROUP] as const)
    await expect(bench.undo(id, facts.get(id))).rejects.toMatchObject({ code: 'ServerIsPrimary' });
  expect(snapshot()).toEqual(before);
});

test('a database of that name on the SQL Server stops the group, and an undo never drops it', async () => {
  await trust();
  await query(stage.estate, 'SQL1', 'CREATE DATABASE Sales');
  await expect(bench.run(GROUP)).rejects.toMatchObject({ code: 'DatabaseOnServer' });
  const { before } = await bench
    .look(GROUP)
    .catch(() => ({ before: { group: null, copy: { stateDesc: 'ONLINE', groupName: null } } }));
  expect(await bench.undo(GROUP, before)).toEqual([]);
  expect(world().databases.find('SQL1', 'Sales')).toBeDefined();
});
