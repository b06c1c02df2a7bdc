import { verify, WorkloadWriter } from '../../estate/workload/writer';
import { type LinkPlan, planLinkMigration } from '../../src/activities/link/plan';
import type { RunView } from '../../src/client/runs';
import type { FailoverRecord } from '../../src/workflows/run/failover-record';
import { bringLogin, untilItWrites, untilSeen } from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';
import { openSteps } from '../support/steps-without-temporal';

afterAll(closeServer);

const GB = 1024 ** 3;
const APP = { name: 'sales_app', password: 'Sales!Passw0rd' };

const ESTATE = {
  clock: { speed: 300 },
  instances: [
    {
      kind: 'sql-server' as const,
      name: 'SQL1',
      update: 'CU16',
      logins: [
        { name: 'sa', password: 'Ferry!Passw0rd' },
        { ...APP, roles: [] },
      ],
      databases: [{ name: 'Sales', dataBytes: 4 * GB, users: [{ name: APP.name, login: APP.name }] }],
    },
    {
      kind: 'managed-instance' as const,
      name: 'mi-west',
    },
  ],
  rates: { firstFullBackupDelayMs: 30_000 },
};

const SECTIONS = `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [sales_app] } }
failover: { coolDown: 0s }
${QUICK_POLLING}
`;

const by = { by: 'dba' };

async function until(stage: Stage, reached: (view: RunView) => boolean): Promise<RunView> {
  try {
    return await untilSeen('the run is so far', () => stage.migrations.view('sales'), reached);
  } catch (error) {
    await childReport(stage);
    throw error;
  }
}

/** What a failover is doing, for the message of a test that waits in vain. */
async function childReport(stage: Stage): Promise<void> {
  for await (const info of stage.client.workflow.list({ query: 'WorkflowType = "failover"' })) {
    const handle = stage.client.workflow.getHandle(info.workflowId);
    const description = await handle.describe();
    const pending = description.raw.pendingActivities?.map((one) => [
      one.activityType?.name,
      one.attempt,
      one.lastFailure?.message,
    ]);
    console.error(
      info.workflowId,
      info.status.name,
      JSON.stringify(pending),
      JSON.stringify(await handle.query('status')),
    );
  }
}

describe('a DR link', () => {
  let stage: Stage;
  let writer: WorkloadWriter;
  let planned: LinkPlan;
  const app = (name: 'SQL1' | 'mi-west') => ({
    host: '127.0.0.1',
    port: stage.estate.instance(name).port,
    database: 'Sales',
    user: APP.name,
    password: APP.password,
  });

  beforeAll(async () => {
    stage = await startStage({ estate: ESTATE });
    await bringLogin(stage.estate, APP);
    await stage.startWorker();
    writer = new WorkloadWriter({ target: app('SQL1'), rate: 50 });
    writer.start();
    const spec = stage.spec(SECTIONS);
    const steps = await openSteps(spec, stage.env);
    planned = await planLinkMigration(steps.context, 'planned-failover');
    await steps.close();
    await stage.migrations.start(spec);
    await until(stage, ({ status }) => status.protection !== null);
  }, 90_000);
  afterAll(async () => {
    await writer.stop();
    await stage.close();
  });

  test('was set up by the statements that its plan showed', async () => {
    const journal = await stage.migrations.journal('sales');
    const made = journal.filter(({ phase }) => phase !== 'replicating').flatMap(({ effects }) => effects);
    const shown = planned.steps.filter(({ repeats }) => repeats === 'once').flatMap(({ effects }) => effects);
    expect(made.map(({ display }) => display)).toEqual(shown.map(({ display }) => display));
  });

  test('does not listen to a failover that is not its own', async () => {
    const from = { workflowId: 'sqlferry-sales/failover-1', runId: 'of-an-earlier-run' };
    const at = new Date().toISOString();
    const record: FailoverRecord = {
      workflowId: from.workflowId,
      type: 'planned',
      to: 'instance',
      by: 'somebody',
      reason: null,
      startedAt: at,
      endedAt: at,
      outcome: 'done',
      summary: 'done',
      rtoMs: null,
      evidence: null,
      loss: null,
    };
    const link = stage.client.workflow.getHandle('sqlferry-sales');
    await link.signal('failoverNews', { kind: 'new-primary-proven', record, from });
    const { status } = await until(stage, ({ status: { events } }) =>
      events.some(({ code }) => code === 'failover.news-of-others'),
    );
    expect(status.protection).toMatchObject({ primary: 'server', failovers: [] });
  });

  test('fails over and back, and over again, without losing an acknowledged row', async () => {
    for (const [index, to] of (['instance', 'server', 'instance', 'server'] as const).entries()) {
      await until(stage, ({ status }) => status.protection?.pendingRequest === null);
      expect(await stage.migrations.failover('sales', { ...by, type: 'planned', to })).toMatchObject({
        accepted: true,
      });
      const view = await until(stage, ({ status }) => status.protection?.failovers.length === index + 1);
      expect(view.status.protection?.failovers.at(-1)).toMatchObject({
        outcome: 'done',
        to,
        type: 'planned',
      });
      writer.repoint(app(to === 'instance' ? 'mi-west' : 'SQL1'));
      await untilItWrites(writer);
    }
    await writer.stop();
    const check = await verify(writer.acknowledged, {
      ...app('SQL1'),
      user: 'sa',
      password: 'Ferry!Passw0rd',
    });
    expect(check.lost).toEqual([]);
    expect(check.acknowledged).toBeGreaterThan(50);
    writer.start();
  }, 120_000);

  test('refuses what is not possible, with reasons', async () => {
    expect(await stage.migrations.failover('sales', { ...by, type: 'planned', to: 'server' })).toMatchObject({
      accepted: false,
      reasons: [expect.stringContaining('is the primary already')],
    });
    expect(
      await stage.migrations.failover('sales', {
        ...by,
        type: 'forced',
        to: 'instance',
        acknowledgedBy: 'dba',
      }),
    ).toMatchObject({ accepted: false, reasons: [expect.stringContaining('needs a reason')] });
    expect(await stage.migrations.abort('sales', by)).toMatchObject({ accepted: false });
  });

  test('a dead primary, a forced failover, its return, split brain, repair', async () => {
    await until(stage, ({ status }) => status.health !== null || status.logBackups.count > 0);
    stage.estate.world.instances.kill('SQL1');
    const refused = await stage.migrations.failover('sales', {
      ...by,
      type: 'forced',
      to: 'instance',
      reason: 'SQL1 burnt down',
      acknowledgedBy: 'dba',
    });
    expect(refused).toMatchObject({ accepted: false });
    const answer = await stage.migrations.failover('sales', {
      ...by,
      type: 'forced',
      to: 'instance',
      reason: 'SQL1 burnt down',
      acceptLossSeconds: 3_600,
      acknowledgedBy: 'dba',
    });
    expect(answer).toMatchObject({ accepted: true });
    const forced = await until(stage, ({ status }) => status.protection?.primary === 'instance');
    expect(forced.status.protection?.failovers.at(-1)).toMatchObject({
      type: 'forced',
      outcome: 'done',
      loss: { method: expect.stringMatching(/measured|estimate|unknown/) },
    });

    stage.estate.world.instances.revive('SQL1');
    stage.estate.world.instances.start('SQL1');
    const split = await until(stage, ({ status }) => status.protection?.splitBrain !== null);
    expect(split.status.nextSteps[0]).toContain('sqlferry repair sales');
    expect(await stage.migrations.repair('sales', { ...by, survivor: 'instance' })).toMatchObject({
      accepted: true,
    });
    const whole = await until(stage, ({ status }) => status.protection?.splitBrain === null);
    expect(whole.status.protection?.primary).toBe('instance');
  }, 120_000);

  test('is taken down on request, link first', async () => {
    await until(stage, ({ status }) => status.protection?.pendingRequest === null);
    expect(await stage.migrations.remove('sales', by)).toMatchObject({ accepted: true });
    expect(await stage.migrations.result('sales')).toMatchObject({
      workflowType: 'disasterRecoveryLink',
      outcome: 'removed',
    });
  }, 60_000);
});
