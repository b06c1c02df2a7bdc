/**
 * Many links of one instance fail over at once, on a real Temporal server: never more than the platform allows, and a
 * turn whose holder was terminated comes back.
 */

import { until } from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

const LINKS = 10;
const LIMIT = 8;
const BY = { by: 'dba', acknowledgedBy: 'dba' };
const login = (n: number) => ({ name: `app${n}`, password: 'App!Passw0rd', roles: [] });
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

const estateOf = (links: number, failoverGeneralPurposeMs: number) => ({
  clock: { speed: 600 },
  rates: { failoverGeneralPurposeMs },
  instances: [
    {
      kind: 'sql-server' as const,
      name: 'SQL1',
      logins: [{ name: 'sa', password: 'Ferry!Passw0rd' }, ...numbers(links).map(login)],
      databases: numbers(links).map((n) => ({
        name: `Db${n}`,
        dataBytes: 512 * 1024 ** 2,
        users: [{ name: `app${n}` }],
      })),
    },
    {
      kind: 'managed-instance' as const,
      name: 'mi-west',
      // Shut until the proof: so the admission is in the estate's record.
      logins: [
        { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
        ...numbers(links).map((n) => ({ ...login(n), disabled: true })),
      ],
    },
  ],
});

const sections = (n: number, failover: string) => `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [app${n}] } }
failover: { coolDown: 1s, ${failover} }
${QUICK_POLLING}`;

/** A test that fails must not stand in the way of the next on a shared server. */
const nameOf = (stage: Stage, n: number) => `${stage.taskQueue}-db${n}`;
const statusOf = async (stage: Stage, n: number) => (await stage.migrations.view(nameOf(stage, n))).status;

async function startLinks(stage: Stage, links: number, failover = `atOnce: ${LIMIT}`): Promise<void> {
  for (const n of numbers(links))
    await stage.migrations.start(stage.spec(sections(n, failover), nameOf(stage, n), `Db${n}`));
  for (const n of numbers(links))
    await until(`link ${n} stands`, async () => (await statusOf(stage, n)).protection !== null, 120_000);
}

/** Most failovers between the fence and the proof, which the admission follows, as the estate's record has it. */
function mostAtOnce(stage: Stage): number {
  const inside = new Set<string>();
  let most = 0;
  for (const { text, instance } of stage.estate.world.journal.effective()) {
    const [, login = '', what] = /ALTER LOGIN \[(app\d+)\] (DISABLE|ENABLE)/.exec(text) ?? [];
    if (what === 'DISABLE' && instance === 'SQL1') inside.add(login);
    if (what === 'ENABLE' && instance === 'mi-west') inside.delete(login);
    most = Math.max(most, inside.size);
  }
  return most;
}

test('ten at once: never more than eight between fence and first write, and all of them cross', async () => {
  const stage = await startStage({ estate: estateOf(LINKS, 1_800_000) });
  try {
    await stage.startWorker();
    await startLinks(stage, LINKS);
    const answers = await Promise.all(
      numbers(LINKS).map((n) =>
        stage.migrations.failover(nameOf(stage, n), { ...BY, type: 'planned', to: 'instance' }),
      ),
    );
    expect(answers.every(({ accepted }) => accepted)).toBe(true);
    let waiting = '';
    await until('one of them says for whom it waits', async () => {
      const texts = await Promise.all(numbers(LINKS).map(async (n) => (await statusOf(stage, n)).waitingFor));
      waiting = texts.find((text) => text.includes('next in line')) ?? '';
      return waiting !== '';
    });
    expect(waiting).toMatch(/8 failover\(s\) of the instance are under way \(.*-db\d/);
    for (const n of numbers(LINKS)) {
      await until(
        `link ${n} has crossed`,
        async () => (await statusOf(stage, n)).protection?.failovers.length === 1,
        120_000,
      );
      expect((await statusOf(stage, n)).protection?.failovers[0]).toMatchObject({
        outcome: 'done',
        to: 'instance',
      });
    }
    expect(mostAtOnce(stage)).toBe(LIMIT);
    const refused = stage.estate.world.journal.all().filter(({ outcome }) => outcome === 'refused');
    expect(refused.filter(({ text }) => text.includes('FAILOVER'))).toEqual([]);
  } finally {
    await stage.close();
  }
}, 300_000);

test('a failover that is terminated while it has the only turn: the other one gets it', async () => {
  const stage = await startStage({ estate: estateOf(2, 15_000) });
  try {
    await stage.startWorker();
    await startLinks(stage, 2, 'atOnce: 1');
    stage.estate.world.faults.add({
      surface: 'sql',
      instance: 'SQL1',
      statement: 'AVAILABILITY GROUP \\[DAG_Db0\\] FAILOVER',
      action: { kind: 'error', number: 47514 },
    });
    await stage.migrations.failover(nameOf(stage, 0), { ...BY, type: 'planned', to: 'instance' });
    await until('the first is fenced', () => mostAtOnce(stage) === 1);
    await stage.migrations.failover(nameOf(stage, 1), { ...BY, type: 'planned', to: 'instance' });
    await until('the second waits', async () => (await statusOf(stage, 1)).waitingFor.includes('-db0)'));
    for await (const { workflowId } of stage.client.workflow.list({
      query: `TaskQueue = "${stage.taskQueue}" AND WorkflowType = "failover" AND ExecutionStatus = "Running"`,
    })) {
      if (workflowId.includes('-db0/'))
        await stage.client.workflow.getHandle(workflowId).terminate('by a test');
    }
    await until(
      'the second has crossed',
      async () => (await statusOf(stage, 1)).protection?.failovers[0]?.outcome === 'done',
      90_000,
    );
    await until('the first is known to have failed', async () => {
      const [record] = (await statusOf(stage, 0)).protection?.failovers ?? [];
      return record?.outcome === 'failed';
    });
    // Its applications are let in again where it still leads.
    await until('its fence is lifted', () => {
      return stage.estate.world.instances.get('SQL1').logins.get('app0')?.disabled === false;
    });
  } finally {
    await stage.close();
  }
}, 300_000);
