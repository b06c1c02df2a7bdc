/** Watches hold their slots for days, on a task queue of their own: what is to happen at once never waits for one. */
import { watchQueueOf } from '../../src/temporal/task-queues';
import { until } from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

const LINKS = 5;
const numbers = Array.from({ length: LINKS }, (_, n) => n);
const nameOf = (stage: Stage, n: number) => `${stage.taskQueue}-db${n}`;
const viewOf = (stage: Stage, n: number) => stage.migrations.view(nameOf(stage, n));
const stands = async (stage: Stage, n: number) => (await viewOf(stage, n)).status.protection !== null;

const ESTATE = {
  clock: { speed: 600 },
  instances: [
    {
      kind: 'sql-server' as const,
      name: 'SQL1',
      logins: [
        { name: 'sa', password: 'Ferry!Passw0rd' },
        { name: 'app', password: 'App!Passw0rd', roles: [] },
      ],
      databases: numbers.map((n) => ({
        name: `Db${n}`,
        dataBytes: 512 * 1024 ** 2,
        users: [{ name: 'app' }],
      })),
    },
    {
      kind: 'managed-instance' as const,
      name: 'mi-west',
      logins: [
        { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
        { name: 'app', password: 'App!Passw0rd', roles: [] },
      ],
    },
  ],
};

/** Workers one after the other, and side by side: they share the secret that seals operations. */
const STAGE = { estate: ESTATE, env: { SQLFERRY_STATE_KEY: 'of-all-workers' } };

const SECTIONS = `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [app] } }
failover: { coolDown: 1s }
${QUICK_POLLING}`;

const start = (stage: Stage, n: number) =>
  stage.migrations.start(stage.spec(SECTIONS, nameOf(stage, n), `Db${n}`));

/** Of the watches of all links: those that a worker has, and those that wait for one. */
async function watchesOf(stage: Stage): Promise<{ served: number; waiting: number }> {
  const described = await Promise.all(
    numbers.map((n) => stage.migrations.handle(nameOf(stage, n)).describe()),
  );
  const watches = described
    .flatMap(({ raw }) => raw.pendingActivities ?? [])
    .filter(({ activityType }) => activityType?.name === 'watch');
  const served = watches.filter(({ state }) => state === 2).length;
  return { served, waiting: watches.length - served };
}

test('five links on two slots for watches and two for steps: what is asked in a disaster begins at once', async () => {
  const stage = await startStage(STAGE);
  try {
    const roomy = await stage.startWorker();
    for (const n of numbers) await start(stage, n);
    for (const n of numbers) await until(`link ${n} stands`, () => stands(stage, n), 120_000);
    roomy.stop();
    await roomy.done;
    await stage.startWorker({ maxConcurrentActivities: 2, maxConcurrentWatches: 2 });
    await until('two are watched, three wait for a slot', async () => {
      const { served, waiting } = await watchesOf(stage);
      return served === 2 && waiting === LINKS - 2;
    });
    for (const n of numbers) {
      const answer = await stage.migrations.failover(nameOf(stage, n), {
        by: 'dba',
        acknowledgedBy: 'dba',
        reason: 'the server is lost',
        type: 'forced',
        to: 'instance',
        acceptLossSeconds: 100_000,
      });
      expect(answer).toMatchObject({ accepted: true });
      await until(
        `link ${n} has crossed`,
        async () => (await viewOf(stage, n)).status.protection?.primary === 'instance',
        60_000,
      );
    }
  } finally {
    await stage.close();
  }
}, 300_000);

test('a worker for the steps and one for the watches: a planned failover gets through, and what is missing is told', async () => {
  const stage = await startStage(STAGE);
  try {
    const steps = await stage.startWorker({ serves: 'steps' });
    await start(stage, 0);
    await until('it says which task queue nobody serves', async () => {
      const { unserved, pending } = await viewOf(stage, 0);
      return (
        unserved?.includes(watchQueueOf(stage.taskQueue)) === true &&
        pending.some(({ activity }) => activity === 'awaitLinkConnected')
      );
    });
    const watches = await stage.startWorker({ serves: 'watches' });
    await until('the link stands', () => stands(stage, 0), 120_000);
    expect((await viewOf(stage, 0)).unserved).toBeUndefined();
    await stage.migrations.failover(nameOf(stage, 0), { by: 'dba', type: 'planned', to: 'instance' });
    await until(
      'it has crossed',
      async () => (await viewOf(stage, 0)).status.protection?.failovers.length === 1,
      120_000,
    );
    const { status } = await viewOf(stage, 0);
    expect(status.protection?.failovers[0]).toMatchObject({ outcome: 'done', to: 'instance' });
    for (const worker of [steps, watches]) worker.stop();
    await Promise.all([steps.done, watches.done]);
  } finally {
    await stage.close();
  }
}, 300_000);
