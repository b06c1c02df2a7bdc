/**
 * What lives outside of the database crosses with it: the application logs in on the new primary with its old password,
 * its jobs run there, a difference that cannot be copied holds the cutover, and an abort leaves nothing.
 */
import sql from 'mssql';
import { planLinkMigration } from '../../src/activities/link/plan';
import { type LinkChangePlan, planLinkChange } from '../../src/activities/link/plan-change';
import type { WantedChange } from '../../src/activities/run/plan-change';
import { Snapshots } from '../../src/activities/run/snapshots';
import type { RunView } from '../../src/client/runs';
import type { JournalEntry } from '../../src/model/run/journal';
import { APPLICATION, estateWithApplication, query, untilSeen } from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';
import { openSteps } from '../support/steps-without-temporal';
import { worldSnapshot } from '../support/world-snapshot';

afterAll(closeServer);

const by = { by: 'dba' };
const JOB = 'Nightly totals';
const COMMAND = 'SELECT 1 AS very_secret_command';

const sections = (rest = '', cutover = 'approval: { required: false }, ') => `
logBackups: { directory: "C:\\\\Backup" }
cutover: { ${cutover}fence: { disableLogins: [${APPLICATION.name}] } }
instanceObjects:
  logins: { include: [batch] }
  jobs: { include: ["${JOB}"] }
${rest}
${QUICK_POLLING}
`;

const SETUP = [
  `CREATE LOGIN [batch] WITH PASSWORD = N'Batch!Passw0rd', DEFAULT_DATABASE = [Sales]`,
  'ALTER SERVER ROLE [dbcreator] ADD MEMBER [batch]',
  'GRANT VIEW SERVER STATE TO [batch]',
  `EXEC msdb.dbo.sp_add_job @job_name = N'${JOB}', @owner_login_name = N'sa'`,
  `EXEC msdb.dbo.sp_add_jobstep @job_name = N'${JOB}', @step_name = N'add', @subsystem = N'TSQL', @command = N'${COMMAND}', @database_name = N'Sales'`,
  `EXEC msdb.dbo.sp_add_jobschedule @job_name = N'${JOB}', @name = N'at night', @freq_type = 4, @freq_interval = 1`,
  `EXEC msdb.dbo.sp_add_jobserver @job_name = N'${JOB}'`,
];

async function set(stage: Stage, instance: string, batches: readonly string[]): Promise<void> {
  for (const batch of batches) await query(stage.estate, instance, batch);
}

const until = (stage: Stage, reached: (view: RunView) => boolean): Promise<RunView> =>
  untilSeen('the run is so far', () => stage.migrations.view('sales'), reached);

/** As the application does: a login of its own, over TDS. @returns the database user that it is there */
async function userOf(stage: Stage, instance: string, user: string, password: string): Promise<string> {
  const { host, port } = stage.estate.instance(instance);
  const pool = await new sql.ConnectionPool({
    server: host,
    port,
    database: 'Sales',
    user,
    password,
    options: { encrypt: true, trustServerCertificate: true },
  }).connect();
  try {
    const { recordset } = await pool.request().query<{ who: string }>('SELECT USER_NAME() AS who');
    return recordset[0]?.who ?? '';
  } finally {
    await pool.close();
  }
}

const isEnabled = async (stage: Stage, instance: string): Promise<boolean | null> => {
  const [row] = await query<{ enabled: number }>(
    stage.estate,
    instance,
    `SELECT enabled FROM msdb.dbo.sysjobs WHERE name = N'${JOB}'`,
  );
  return row === undefined ? null : row.enabled === 1;
};

const hashOf = (stage: Stage, instance: string, login: string): string =>
  Buffer.from(stage.estate.world.instances.get(instance).logins.get(login)?.passwordHash ?? []).toString(
    'hex',
  );

const hashesOn = (stage: Stage, instance: string): readonly string[] =>
  [...stage.estate.world.instances.get(instance).logins.values()].flatMap(({ passwordHash }) =>
    passwordHash === undefined ? [] : [Buffer.from(passwordHash).toString('hex')],
  );

/** Every payload of every workflow that ran, decoded. */
async function histories(stage: Stage): Promise<string> {
  const texts: string[] = [];
  for await (const info of stage.client.workflow.list()) {
    const history = await stage.client.workflow.getHandle(info.workflowId, info.runId).fetchHistory();
    // Payloads stand in the JSON of a history as base64.
    const text = JSON.stringify(history).replaceAll(/"data":"([\w+/=]+)"/g, (_all, data: string) =>
      Buffer.from(data, 'base64').toString('utf8'),
    );
    texts.push(text);
  }
  return texts.join('\n');
}

/** What is learnt on the way stands by its name in a plan. */
const textsOf = (entries: readonly { readonly effects: JournalEntry['effects'] }[]): readonly string[] =>
  entries.flatMap(({ effects }) => effects.map(({ display }) => display.replace(/\d{8,}/g, '<time>')));

/** Compared as booleans: a failure must not print a history. */
function expectNoSecret(stage: Stage, told: string): void {
  expect(told.includes('create login [batch] with password = 0x******** hashed')).toBe(true);
  const hashes = ['SQL1', 'mi-west'].flatMap((instance) => hashesOn(stage, instance));
  expect(hashes.filter((hash) => told.includes(hash.slice(4, 40)))).toEqual([]);
  expect(told.includes('very_secret_command')).toBe(false);
}

describe('a migration with logins and jobs', () => {
  let stage: Stage;
  afterEach(() => stage.close());

  test('crosses with them, by the statements that its plan showed, and tells no secret', async () => {
    stage = await startStage({ estate: estateWithApplication({ server: { update: 'CU16' } }) });
    await set(stage, 'SQL1', SETUP);
    await stage.startWorker();
    const spec = stage.spec(sections());
    const steps = await openSteps(spec, stage.env);
    const planned = await planLinkMigration(steps.context, 'planned-failover');
    await steps.close();
    await stage.migrations.start(spec);
    expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'completed' });

    const { name, password } = APPLICATION;
    expect(await userOf(stage, 'mi-west', name, password)).toBe(name);
    await expect(userOf(stage, 'SQL1', name, password)).rejects.toThrow();
    expect(await isEnabled(stage, 'mi-west')).toBe(true);
    expect(await isEnabled(stage, 'SQL1')).toBe(false);

    const journal = await stage.migrations.journal('sales');
    const made = journal.flatMap(({ effects }) => effects.map(({ display }) => display));
    const ofObjects = /LOGIN|ROLE|GRANT|msdb/;
    expect(made.filter((text) => ofObjects.test(text)).sort()).toEqual(
      planned.steps
        .flatMap(({ effects }) => effects.map(({ display }) => display))
        .filter((text) => ofObjects.test(text))
        .sort(),
    );
    const told = (await histories(stage)).toLowerCase();
    expectNoSecret(stage, told);
  }, 120_000);

  test('is held by a difference that cannot be copied, until it is gone', async () => {
    stage = await startStage({ estate: estateWithApplication({ server: { update: 'CU16' } }) });
    await set(stage, 'SQL1', SETUP);
    // Somebody made it by hand, without the SID.
    await set(stage, 'mi-west', [`CREATE LOGIN [batch] WITH PASSWORD = N'Other!Passw0rd'`]);
    await stage.startWorker();
    await stage.migrations.start(stage.spec(sections()));
    const held = await until(stage, ({ status }) => status.blockedBy !== null);
    expect(held.status).toMatchObject({
      phase: 'replicating',
      blockedBy: { code: 'InstanceObjectsDiffer', message: expect.stringContaining('login batch') },
      attempts: [],
    });
    expect(await userOf(stage, 'SQL1', APPLICATION.name, APPLICATION.password)).toBe(APPLICATION.name);
    await set(stage, 'mi-west', ['DROP LOGIN [batch]']);
    expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'completed' });
    expect(hashOf(stage, 'mi-west', 'batch')).toBe(hashOf(stage, 'SQL1', 'batch'));
  }, 120_000);

  test('leaves nothing of it when it is aborted', async () => {
    stage = await startStage({ estate: estateWithApplication({ server: { update: 'CU16' } }) });
    await set(stage, 'SQL1', SETUP);
    const before = worldSnapshot(stage.estate.world);
    await stage.startWorker();
    await stage.migrations.start(stage.spec(sections('', '')));
    await until(stage, ({ status }) => status.events.some(({ code }) => code === 'objects.same'));
    expect(await isEnabled(stage, 'mi-west')).toBe(false);
    expect(await stage.migrations.abort('sales', by)).toMatchObject({ accepted: true });
    expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'aborted', leftovers: [] });
    expect(worldSnapshot(stage.estate.world)).toEqual(before);
    expect(await isEnabled(stage, 'mi-west')).toBeNull();
    expect(await isEnabled(stage, 'SQL1')).toBe(true);
  }, 120_000);
});

describe('a DR link, with logins and jobs', () => {
  let stage: Stage;
  const staying = `
logBackups: { directory: "C:\\\\Backup" }
purpose: disaster-recovery
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
failover: { coolDown: 1s }
instanceObjects:
  logins: { include: [batch] }
  jobs: { include: ["${JOB}"] }
${QUICK_POLLING}
afterFailover: { repairOrphanedUsers: true }
`;
  const failover = (to: 'server' | 'instance', rest: object = {}) =>
    stage.migrations.failover('sales', { ...by, type: 'planned', to, acknowledgedBy: 'dba', ...rest });
  const done = (count: number) =>
    until(
      stage,
      ({ status }) => status.protection?.failovers.length === count && status.phase === 'replicating',
    );

  /** What a plan says now, and what says afterwards whether the newest failover did just that. */
  const planOf = async (type: 'planned' | 'forced', to: 'server' | 'instance') =>
    textsOf((await planned({ kind: 'failover', type, to })).steps);

  async function planned(change: WantedChange): Promise<LinkChangePlan> {
    const { close, context } = await openSteps(stage.spec(staying), stage.env);
    try {
      return await planLinkChange(context, new Snapshots(context.clock), change);
    } finally {
      await close();
    }
  }

  async function didLast(failovers = 1): Promise<readonly string[]> {
    const { status } = await stage.migrations.view('sales');
    const last = status.protection?.failovers.slice(-failovers) ?? [];
    const journals = last.map(({ workflowId }) =>
      stage.client.workflow.getHandle(workflowId).query<readonly JournalEntry[]>('journal'),
    );
    return textsOf((await Promise.all(journals)).flat());
  }

  beforeAll(async () => {
    stage = await startStage({ estate: estateWithApplication({ server: { update: 'CU16' } }) });
    await set(stage, 'SQL1', SETUP);
    await stage.startWorker();
    await stage.migrations.start(stage.spec(staying));
    await until(stage, ({ status }) => status.protection !== null);
    // What a failover would copy first is there already.
    await until(stage, ({ status }) => status.events.some(({ code }) => code === 'objects.same'));
  }, 90_000);
  afterAll(() => stage.close());

  test('fails over with them, by the statements that its plan showed', async () => {
    const plan = await planOf('planned', 'instance');
    expect(plan.filter((text) => text.startsWith('EXEC msdb.dbo.sp_update_job'))).toHaveLength(2);
    expect(await failover('instance')).toMatchObject({ accepted: true });
    expect((await done(1)).status.protection?.failovers).toMatchObject([{ outcome: 'done' }]);
    expect(await userOf(stage, 'mi-west', APPLICATION.name, APPLICATION.password)).toBe(APPLICATION.name);
    expect([await isEnabled(stage, 'SQL1'), await isEnabled(stage, 'mi-west')]).toEqual([false, true]);
    expect(await didLast()).toEqual(plan);
  }, 90_000);

  test('and back, with what was made on the instance meanwhile', async () => {
    await set(stage, 'mi-west', [
      "CREATE LOGIN [newcomer] WITH PASSWORD = N'New!Passw0rd'",
      'USE [Sales]; CREATE USER [newcomer] FOR LOGIN [newcomer]',
      "ALTER LOGIN [batch] WITH PASSWORD = N'Changed!Passw0rd'",
    ]);
    const plan = await planOf('planned', 'server');
    expect(await failover('server')).toMatchObject({ accepted: true });
    await done(2);
    expect(await didLast()).toEqual(plan);
    expect(await userOf(stage, 'SQL1', 'newcomer', 'New!Passw0rd')).toBe('newcomer');
    expect(hashOf(stage, 'SQL1', 'batch')).toBe(hashOf(stage, 'mi-west', 'batch'));
    expect(await userOf(stage, 'SQL1', APPLICATION.name, APPLICATION.password)).toBe(APPLICATION.name);
    expect([await isEnabled(stage, 'SQL1'), await isEnabled(stage, 'mi-west')]).toEqual([true, false]);
  }, 90_000);

  test('a drill goes there and back with them by its plan, in which only the copies back have no statements', async () => {
    const plan = await planned({ kind: 'drill' });
    const copiesBack = plan.steps.filter(
      ({ note }) => note === 'what changed on mi-west meanwhile is copied back',
    );
    expect(copiesBack.map(({ stepId, effects }) => [stepId, effects])).toEqual([
      ['server.logins', []],
      ['server.login-passwords', []],
      ['server.agent-jobs', []],
      ['server.agent-job-changes', []],
    ]);
    const asked = { ...by, holdMs: 2_000, acknowledgedBy: 'dba' };
    expect(await stage.migrations.drill('sales', asked)).toMatchObject({ accepted: true });
    await done(4);
    expect(await didLast(2)).toEqual(textsOf(plan.steps));
    expect([await isEnabled(stage, 'SQL1'), await isEnabled(stage, 'mi-west')]).toEqual([true, false]);
  }, 90_000);

  test('is held by a conflict; a pause withdraws it, and a person may go on in spite of it', async () => {
    await set(stage, 'mi-west', [
      'DROP LOGIN [newcomer]',
      "CREATE LOGIN [newcomer] WITH PASSWORD = N'Other!Passw0rd'",
    ]);
    expect(await failover('instance')).toMatchObject({ accepted: true });
    const held = await until(stage, ({ status }) => status.blockedBy !== null);
    expect(held.status.blockedBy).toMatchObject({
      code: 'InstanceObjectsDiffer',
      message: expect.stringContaining('login newcomer'),
      remedy: expect.stringContaining('sqlferry objects'),
    });
    // Nobody is fenced out meanwhile.
    expect(await userOf(stage, 'SQL1', APPLICATION.name, APPLICATION.password)).toBe(APPLICATION.name);
    await stage.migrations.pause('sales', by);
    expect((await done(5)).status.protection?.failovers.at(-1)).toMatchObject({
      outcome: 'withdrawn',
      summary: expect.stringContaining('nobody was fenced out'),
    });
    await stage.migrations.resume('sales', by);
    expect(await failover('instance', { acceptDrift: true })).toMatchObject({ accepted: true });
    expect((await done(6)).status.protection?.failovers.at(-1)).toMatchObject({
      outcome: 'done',
      to: 'instance',
    });
  }, 90_000);

  test('a forced failover waits for none of it, and its jobs run all the same', async () => {
    expect(await failover('server', { acceptDrift: true })).toMatchObject({ accepted: true });
    await done(7);
    await until(stage, ({ status }) => status.health !== null);
    stage.estate.world.instances.kill('SQL1');
    const plan = await planOf('forced', 'instance');
    expect(plan.filter((text) => text.startsWith('EXEC msdb.dbo.sp_update_job'))).toHaveLength(1);
    const asked = { type: 'forced', reason: 'SQL1 burnt down', acceptLossSeconds: 3_600 };
    expect(await failover('instance', asked)).toMatchObject({ accepted: true });
    const view = await done(8);
    expect(view.status.protection?.failovers.at(-1)).toMatchObject({ type: 'forced', outcome: 'done' });
    expect(await userOf(stage, 'mi-west', APPLICATION.name, APPLICATION.password)).toBe(APPLICATION.name);
    expect(await isEnabled(stage, 'mi-west')).toBe(true);
    // Its users could be read nowhere before: the plan says that they are looked at only then.
    const mended = 'ALTER USER [newcomer] WITH LOGIN = [newcomer];';
    expect((await didLast()).filter((text) => text !== mended)).toEqual(plan);
  }, 90_000);

  test('tells no secret in any history', async () => {
    const told = (await histories(stage)).toLowerCase();
    expectNoSecret(stage, told);
  });
});
