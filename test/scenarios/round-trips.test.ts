/** Planned failover and failback, over and over, under a workload: nothing is lost, and nothing is left behind. */
import { verify, WorkloadWriter } from '../../estate/workload/writer';
import type { LinkSite } from '../../src/model/link/side';
import { until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

/** SQLFERRY_ROUND_TRIPS=200 is the long run. */
const ROUND_TRIPS = Number(process.env.SQLFERRY_ROUND_TRIPS ?? 10);
const APP = { name: 'sales_app', password: 'Sales!Passw0rd' };

const ESTATE = {
  clock: { speed: 600 },
  instances: [
    {
      kind: 'sql-server' as const,
      name: 'SQL1',
      update: 'CU16',
      logins: [
        { name: 'sa', password: 'Ferry!Passw0rd' },
        { ...APP, roles: [] },
      ],
      databases: [{ name: 'Sales', dataBytes: 1024 ** 3, users: [{ name: APP.name, login: APP.name }] }],
    },
    {
      kind: 'managed-instance' as const,
      name: 'mi-west',
    },
  ],
};

const SECTIONS = `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [sales_app] } }
failover: { coolDown: 1s }
polling: { steady: 2s, seeding: 500ms, active: 100ms, heartbeatTimeout: 5s }
`;

const nameOf = (side: LinkSite): 'SQL1' | 'mi-west' => (side === 'server' ? 'SQL1' : 'mi-west');

function loginOn(stage: Stage, side: LinkSite, login: { readonly name: string; readonly password: string }) {
  const { host, port } = stage.estate.instance(nameOf(side));
  return { host, port, database: 'Sales', user: login.name, password: login.password };
}

async function failOver(stage: Stage, writer: WorkloadWriter, to: LinkSite, number: number): Promise<void> {
  const request = { by: 'test', type: 'planned' as const, to, acknowledgedBy: 'test' };
  expect(await stage.migrations.failover('sales', request)).toMatchObject({ accepted: true });
  await until(`failover ${number}`, async () => {
    const { status } = await stage.migrations.view('sales');
    return status.protection?.pendingRequest === null && status.protection.primary === to;
  });
  const before = writer.report().acknowledged;
  writer.repoint(loginOn(stage, to, APP));
  await until('rows on the new primary', () => writer.report().acknowledged > before);
  const { groups } = stage.estate.world;
  const other = nameOf(to === 'instance' ? 'server' : 'instance');
  expect(groups.isPrimaryReplica(nameOf(to), 'Sales')).toBe(true);
  expect(groups.isPrimaryReplica(other, 'Sales')).toBe(false);
}

/** With the SID that it has on the SQL Server: the user in the database would be an orphan otherwise. */
function createLoginOnInstance({ estate }: Stage): void {
  const { instances, logins } = estate.world;
  const sid = instances.get('SQL1').logins.get(APP.name)?.sid;
  if (sid === undefined) throw new Error('the SQL Server has no login of the application');
  logins.create('mi-west', { ...APP, type: 'sql', sid });
}

/** What a leak would make grow: sessions by login, on each side. */
const sessions = (stage: Stage): number =>
  (['SQL1', 'mi-west'] as const).reduce(
    (sum, name) => sum + stage.estate.world.instances.get(name).sessions.size,
    0,
  );

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
const sockets = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;

async function openWorkflows(stage: Stage): Promise<string[]> {
  const open: string[] = [];
  const query = `TaskQueue = '${stage.taskQueue}' AND ExecutionStatus = 'Running'`;
  for await (const info of stage.client.workflow.list({ query })) open.push(info.type);
  return open;
}

test(
  `${ROUND_TRIPS} round trips under a workload lose nothing and leave nothing behind`,
  async () => {
    const stage = await startStage({ estate: ESTATE });
    const writer = new WorkloadWriter({ target: loginOn(stage, 'server', APP), rate: 50, retryMs: 25 });
    try {
      await stage.startWorker();
      await stage.migrations.start(stage.spec(SECTIONS));
      await until(
        'the link stands',
        async () => (await stage.migrations.view('sales')).status.protection !== null,
      );
      createLoginOnInstance(stage);
      writer.start();
      await until('the application writes', () => writer.report().acknowledged > 5);
      const seen: { sessions: number; timers: number; sockets: number }[] = [];
      for (let trip = 1; trip <= ROUND_TRIPS; trip += 1) {
        await failOver(stage, writer, 'instance', 2 * trip - 1);
        await failOver(stage, writer, 'server', 2 * trip);
        seen.push({ sessions: sessions(stage), timers: timers(), sockets: sockets() });
      }
      await writer.stop();

      const report = writer.report();
      const check = await verify(
        writer.acknowledged,
        loginOn(stage, 'server', { name: 'sa', password: 'Ferry!Passw0rd' }),
      );
      expect(check).toMatchObject({ lost: [], duplicates: 0 });
      expect(check.acknowledged).toBeGreaterThan(ROUND_TRIPS * 2);
      expect(check.unacknowledgedPresent).toBeLessThanOrEqual(report.unknown);

      // What is open after the first trips is open after the last ones, within a few that come and go.
      const early = Math.max(...seen.slice(0, 3).map((one) => one.sessions));
      expect(seen.at(-1)?.sessions).toBeLessThanOrEqual(early + 4);
      const earlySockets = Math.max(...seen.slice(0, 3).map((one) => one.sockets));
      expect(seen.at(-1)?.sockets).toBeLessThanOrEqual(earlySockets + 8);
      const earlyTimers = Math.max(...seen.slice(0, 3).map((one) => one.timers));
      expect(seen.at(-1)?.timers).toBeLessThanOrEqual(earlyTimers + 20);
      await until('failovers that are done are closed', async () => {
        return (await openWorkflows(stage)).join() === 'disasterRecoveryLink';
      });

      const { status } = await stage.migrations.view('sales');
      expect(status.protection?.failovers.every(({ outcome }) => outcome === 'done')).toBe(true);
      expect(status.protection?.splitBrain).toBeNull();
      expect(status.events.filter(({ severity }) => severity === 'critical')).toEqual([]);
      console.info(
        `${2 * ROUND_TRIPS} failovers: ${check.acknowledged} rows acknowledged, ${check.lost.length} lost; ` +
          `sessions ${early} -> ${seen.at(-1)?.sessions}, sockets ${earlySockets} -> ${seen.at(-1)?.sockets}, ` +
          `timers ${earlyTimers} -> ${seen.at(-1)?.timers}`,
      );

      // Removal first waits for nothing: the SQL Server leads again.
      expect(await stage.migrations.remove('sales', { by: 'test' })).toMatchObject({ accepted: true });
      expect(await stage.migrations.result('sales')).toMatchObject({
        outcome: 'removed',
        failovers: 2 * ROUND_TRIPS,
      });
      await until('what it began is closed', async () => (await openWorkflows(stage)).length <= 1);
    } finally {
      await writer.stop();
      await stage.close();
    }
  },
  Math.max(60_000, ROUND_TRIPS * 10_000),
);
