/** Logins and jobs over real sockets: two simulated servers, the real driver, and attempts that die in between. */
import sql from 'mssql';
import { atSites } from '../../../src/activities/link/context';
import { LINK_STEPS } from '../../../src/activities/link/steps/registry';
import { compareObjects } from '../../../src/activities/sql-server/instance-objects';
import { readAgentJobs } from '../../../src/activities/sql-server/observe/instance-objects';
import { systemClock } from '../../../src/adapters/clock';
import type { LinkStepId } from '../../../src/model/link/step';
import { driftOf } from '../../../src/model/sql-server/instance-objects';
import { type Effect, effectDisplay } from '../../../src/model/statement';
import { createJob, replaceJob } from '../../../src/tsql/agent-jobs';
import { APPLICATION, estateWithApplication, query } from '../../support/application';
import { type EstateStage, QUICK_POLLING, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';
import { worldSnapshot } from '../../support/world-snapshot';

const JOB = "Nightly [totals] of O'Neil";
const LOGIN = "bat]ch 'x'";
const PASSWORD = 'Batch!Passw0rd';
const COMMAND = "EXEC dbo.pay @key = 'topsecret' -- \\\nGO";

const sections = (rest = '') => `
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
instanceObjects:
  logins: { include: ["${LOGIN}"] }
  jobs: { include: ["${JOB}"] }
${rest}
${QUICK_POLLING}
`;

const quoted = (text: string): string => text.replaceAll("'", "''");

const JOB_SETUP = [
  "EXEC msdb.dbo.sp_add_category @class = 'JOB', @type = 'LOCAL', @name = N'Totals'",
  `EXEC msdb.dbo.sp_add_job @job_name = N'${quoted(JOB)}', @category_name = N'Totals', @owner_login_name = N'${quoted(LOGIN)}', @description = N'adds up'`,
  `DECLARE @command nvarchar(max) = CAST(N'' AS nvarchar(max)) + N'EXEC dbo.pay @key = ''topsecret'' -- \\' + N'
GO'; EXEC msdb.dbo.sp_add_jobstep @job_name = N'${quoted(JOB)}', @step_name = N'add', @subsystem = N'TSQL', @command = @command, @database_name = N'msdb', @retry_attempts = 2, @retry_interval = 5, @on_success_action = 3`,
  `EXEC msdb.dbo.sp_add_jobstep @job_name = N'${quoted(JOB)}', @step_name = N'tell', @subsystem = N'TSQL', @command = N'SELECT 1'`,
  `EXEC msdb.dbo.sp_add_jobschedule @job_name = N'${quoted(JOB)}', @name = N'at night', @freq_type = 4, @freq_interval = 1, @active_start_time = 10000`,
  `EXEC msdb.dbo.sp_add_jobserver @job_name = N'${quoted(JOB)}', @server_name = N'(local)'`,
];

const SETUP = [
  'CREATE SERVER ROLE [watch]]ers]',
  'GRANT VIEW ANY DEFINITION TO [watch]]ers]',
  `CREATE LOGIN [bat]]ch 'x'] WITH PASSWORD = N'${PASSWORD}', CHECK_POLICY = OFF, DEFAULT_DATABASE = [Sales]`,
  "ALTER SERVER ROLE [watch]]ers] ADD MEMBER [bat]]ch 'x']",
  "ALTER SERVER ROLE [dbcreator] ADD MEMBER [bat]]ch 'x']",
  "GRANT VIEW SERVER STATE TO [bat]]ch 'x'] WITH GRANT OPTION",
  "DENY ALTER ANY LINKED SERVER TO [bat]]ch 'x']",
  ...JOB_SETUP,
];

const COPY: readonly LinkStepId[] = [
  'instance.logins',
  'instance.login-passwords',
  'instance.agent-jobs',
  'instance.agent-job-changes',
];

let stage: EstateStage;
let bench: StepBench;

async function open(rest = ''): Promise<void> {
  stage = await startEstateStage({ estate: estateWithApplication() });
  await set('SQL1', ...SETUP);
  bench = await StepBench.open(stage, stage.spec(sections(rest)));
}
beforeEach(() => open());
afterEach(async () => {
  await bench.close();
  await stage.close();
});

async function set(instance: string, ...batches: readonly string[]): Promise<void> {
  for (const batch of batches) await query(stage.estate, instance, batch);
}

const loginOn = (instance: string, name: string) =>
  stage.estate.world.instances.get(instance).logins.get(name.toLowerCase());

const hashOf = (instance: string, name: string): string =>
  Buffer.from(loginOn(instance, name)?.passwordHash ?? []).toString('hex');

async function connect(instance: string, user: string, password: string): Promise<sql.ConnectionPool> {
  const { host, port } = stage.estate.instance(instance);
  const options = { encrypt: true, trustServerCertificate: true };
  const pool = new sql.ConnectionPool({ server: host, port, database: 'master', user, password, options });
  return pool.connect();
}

async function logIn(instance: string, user: string, password: string): Promise<void> {
  await (await connect(instance, user, password)).close();
}

/** Jobs of an instance as msdb shows them, ids aside. */
const agentOf = async (instance: string) => ({
  jobs: await query(
    stage.estate,
    instance,
    `SELECT j.name, j.enabled, j.description, j.start_step_id, c.name AS category FROM msdb.dbo.sysjobs AS j
JOIN msdb.dbo.syscategories AS c ON c.category_id = j.category_id ORDER BY j.name`,
  ),
  steps: await query(
    stage.estate,
    instance,
    `SELECT step_id, step_name, subsystem, command, database_name, retry_attempts, retry_interval, on_success_action
FROM msdb.dbo.sysjobsteps ORDER BY step_id`,
  ),
  schedules: await query(
    stage.estate,
    instance,
    'SELECT name, freq_type, freq_interval, active_start_time FROM msdb.dbo.sysschedules ORDER BY name',
  ),
  categories: await query(stage.estate, instance, 'SELECT name FROM msdb.dbo.syscategories ORDER BY name'),
  roles: await query(
    stage.estate,
    instance,
    "SELECT name FROM sys.server_principals WHERE type = 'R' ORDER BY name",
  ),
  permissions: await query(
    stage.estate,
    instance,
    'SELECT permission_name, state FROM sys.server_permissions WHERE class = 100 ORDER BY permission_name, state',
  ),
});

const all = async () => ({
  world: worldSnapshot(stage.estate.world),
  server: await agentOf('SQL1'),
  instance: await agentOf('mi-west'),
});

const report = (primary: 'server' | 'instance' = 'server') =>
  compareObjects(
    atSites({
      ports: bench.ports,
      spec: bench.spec,
      clock: systemClock,
      signal: new AbortController().signal,
    }),
    primary,
  );

const copy = async (): Promise<void> => {
  for (const id of COPY) await bench.run(id);
};

describe('copying', () => {
  test('makes the other side alike; a second time changes nothing', async () => {
    expect(driftOf(await report()).map(({ name, state }) => `${name} ${state}`)).toEqual([
      `app missing`,
      `${LOGIN} missing`,
      'watch]ers missing',
      `${JOB} missing`,
    ]);
    await copy();
    const after = await all();
    for (const id of COPY) {
      expect({ id, ...(await bench.run(id)) }).toMatchObject({ id, outcome: 'already-done', effects: [] });
    }
    expect(await all()).toEqual(after);
    expect(driftOf(await report())).toEqual([]);
    expect(after.instance.jobs).toEqual(after.server.jobs.map((job) => ({ ...(job as object), enabled: 0 })));
    expect(after.instance.steps).toEqual(after.server.steps);
    expect(after.instance.schedules).toEqual(after.server.schedules);
    expect(loginOn('mi-west', LOGIN)).toMatchObject({
      // Sales is not there yet.
      defaultDatabase: 'master',
      policyChecked: false,
      disabled: false,
      sid: loginOn('SQL1', LOGIN)?.sid,
      roles: new Set(['dbcreator', 'watch]ers']),
    });
    await logIn('mi-west', LOGIN, PASSWORD);
  });

  test('an application of the fence is born disabled, and is admitted with its old password', async () => {
    await copy();
    const { name, password } = APPLICATION;
    expect(loginOn('mi-west', name)?.disabled).toBe(true);
    await expect(logIn('mi-west', name, password)).rejects.toThrow('disabled');
    await bench.run('instance.admit-applications');
    await logIn('mi-west', name, password);
    // The fence on the primary is no state to be copied.
    await bench.run('server.fence');
    expect(await bench.run('instance.logins')).toMatchObject({ outcome: 'already-done' });
    expect(loginOn('mi-west', name)?.disabled).toBe(false);
  });

  test('every statement loses its answer once, and the end is the same', async () => {
    await copy();
    const undisturbed = await all();
    await bench.close();
    await stage.close();
    await open();
    let lost = 0;
    for (const id of COPY) {
      const { effects } = await bench.look(id);
      for (const effect of effects) stage.estate.world.faults.add(loseAnswer(effect));
      lost += effects.length;
      await bench.untilDone((left) => bench.run(id, left), 20);
    }
    expect(lost).toBeGreaterThan(8);
    expect(await all()).toEqual({ ...undisturbed, world: expect.anything() });
    expect(JSON.stringify(worldSnapshot(stage.estate.world))).toBe(JSON.stringify(undisturbed.world));
  });

  test('brings in line what is there: password, settings, roles, a job', async () => {
    await copy();
    const copied = await all();
    await set(
      'mi-west',
      "ALTER LOGIN [bat]]ch 'x'] WITH PASSWORD = N'Other!Passw0rd'",
      "ALTER LOGIN [bat]]ch 'x'] WITH CHECK_POLICY = ON, DEFAULT_DATABASE = [msdb]",
      "ALTER LOGIN [bat]]ch 'x'] DISABLE",
      "REVOKE CONNECT SQL FROM [bat]]ch 'x']",
      "ALTER SERVER ROLE [dbcreator] DROP MEMBER [bat]]ch 'x']",
      "ALTER SERVER ROLE [processadmin] ADD MEMBER [bat]]ch 'x']",
      "REVOKE ALTER ANY LINKED SERVER FROM [bat]]ch 'x']",
      `EXEC msdb.dbo.sp_update_job @job_name = N'${quoted(JOB)}', @enabled = 1, @description = N'other'`,
      `EXEC msdb.dbo.sp_delete_jobstep @job_name = N'${quoted(JOB)}', @step_id = 1`,
    );
    expect(driftOf(await report()).map(({ name, detail }) => `${name}: ${detail}`)).toEqual([
      `${LOGIN}: on mi-west: password, is to be enabled, default database, CHECK_POLICY, CONNECT SQL, server roles, server permissions`,
      `${JOB}: on mi-west: steps, description, it is enabled on mi-west, too`,
    ]);
    const [before] = await query<{ job_id: string }>(
      stage.estate,
      'mi-west',
      'SELECT job_id FROM msdb.dbo.sysjobs',
    );
    await copy();
    expect(await all()).toEqual(copied);
    expect(hashOf('mi-west', LOGIN)).toBe(hashOf('SQL1', LOGIN));
    // Its history stays with it.
    expect(await query(stage.estate, 'mi-west', 'SELECT job_id FROM msdb.dbo.sysjobs')).toEqual([before]);
  });

  test('a role within a role is told, and not copied', async () => {
    await set(
      'SQL1',
      'CREATE SERVER ROLE [outer]',
      'GRANT ALTER TRACE TO [outer]',
      'ALTER SERVER ROLE [outer] ADD MEMBER [watch]]ers]',
    );
    await copy();
    const left = async () => driftOf(await report()).map(({ name, copyable }) => ({ name, copyable }));
    expect(await left()).toEqual([{ name: 'watch]ers', copyable: false }]);
    await set('mi-west', 'CREATE SERVER ROLE [outer]', 'ALTER SERVER ROLE [outer] ADD MEMBER [watch]]ers]');
    expect(await left()).toEqual([{ name: 'outer', copyable: false }]);
    await set('mi-west', 'GRANT ALTER TRACE TO [outer]');
    expect(await left()).toEqual([]);
  });

  test('one permission of several grantors is one permission', async () => {
    const both = [
      "CREATE LOGIN [gra]]ntor] WITH PASSWORD = N'Other!Passw0rd'",
      "GRANT VIEW SERVER STATE TO [bat]]ch 'x'] AS [gra]]ntor]",
    ];
    await set('SQL1', ...both);
    await copy();
    expect(driftOf(await report())).toEqual([]);
    // What only others gave on the other side goes as well.
    await set(
      'mi-west',
      ...both,
      "GRANT ALTER TRACE TO [bat]]ch 'x'] WITH GRANT OPTION AS [gra]]ntor]",
      'DENY VIEW ANY DEFINITION TO [watch]]ers] AS [gra]]ntor]',
    );
    expect(driftOf(await report()).map(({ name }) => name)).toEqual([LOGIN, 'watch]ers']);
    await copy();
    expect(driftOf(await report())).toEqual([]);
  });

  test('a job is made or changed as a whole, or not at all', async () => {
    await copy();
    const names = [JOB];
    const [job] = await readAgentJobs(bench.ports.instance, names, new AbortController().signal);
    const [step] = job?.steps ?? [];
    if (job === undefined || step === undefined) throw new Error('no job');
    const broken = { ...job, steps: [...job.steps, { ...step, id: 3, name: 'more', database: 'nowhere' }] };
    const before = await all();
    const refused = { errors: [{ number: 14262 }] };
    await expect(bench.ports.instance.execute(createJob({ ...broken, name: 'new' }))).rejects.toMatchObject(
      refused,
    );
    await expect(bench.ports.instance.execute(replaceJob(broken, job))).rejects.toMatchObject(refused);
    expect(await all()).toEqual(before);
    // The same job by the same statement without the flaw.
    await bench.ports.instance.execute(createJob({ ...job, name: 'new' }));
    expect((await agentOf('mi-west')).steps).toHaveLength(4);
  });

  test('a job of sa goes to a server where sa has another name, and back', async () => {
    await set('SQL1', `EXEC msdb.dbo.sp_update_job @job_name = N'${quoted(JOB)}', @owner_login_name = N'sa'`);
    await copy();
    expect(driftOf(await report())).toEqual([]);
    await set(
      'SQL1',
      `EXEC msdb.dbo.sp_delete_job @job_name = N'${quoted(JOB)}'`,
      `CREATE LOGIN [boss] WITH PASSWORD = N'${PASSWORD}', CHECK_POLICY = OFF`,
      'ALTER SERVER ROLE [sysadmin] ADD MEMBER [boss]',
    );
    stage.estate.world.logins.alter('SQL1', 'sa', { name: 'root' });
    const [job] = await readAgentJobs(bench.ports.instance, [JOB], new AbortController().signal);
    if (job === undefined) throw new Error('no job');
    expect(job).toMatchObject({ owner: 'sa', isOwnedBySa: true });
    const pool = await connect('SQL1', 'boss', PASSWORD);
    await pool.request().batch(createJob(job).text);
    const { recordset } = await pool.request().query('SELECT owner_sid FROM msdb.dbo.sysjobs');
    expect(recordset).toEqual([{ owner_sid: Buffer.from([1]) }]);
    await pool.close();
  });

  test('completes a job of which only a half was made', async () => {
    await set(
      'mi-west',
      `EXEC msdb.dbo.sp_add_job @job_name = N'${quoted(JOB)}', @enabled = 0, @owner_login_name = N'sa'`,
    );
    await copy();
    expect(driftOf(await report())).toEqual([]);
  });
});

describe('undoing', () => {
  test('takes away exactly what was made, also twice', async () => {
    const before = await all();
    const begun: { id: LinkStepId; facts: unknown }[] = [];
    for (const id of COPY) {
      begun.unshift({ id, facts: (await bench.look(id)).before });
      await bench.run(id);
    }
    for (const { id, facts } of begun) await bench.undo(id, facts);
    expect(await all()).toEqual(before);
    for (const { id, facts } of begun) expect(await bench.undo(id, facts)).toEqual([]);
  });

  test('leaves what a person made after the copy had failed, or changed after it', async () => {
    await set('SQL1', "CREATE LOGIN [third] WITH PASSWORD = N'Other!Passw0rd'");
    await bench.close();
    bench = await StepBench.open(stage, stage.spec(sections().replace(`"${LOGIN}"`, `"${LOGIN}", third`)));
    stage.estate.world.faults.add({
      surface: 'sql',
      statement: 'CREATE LOGIN \\[third\\]',
      count: 1,
      action: {
        kind: 'error',
        number: 15118,
        severity: 16,
        state: 1,
        message: 'Password validation failed.',
      },
    });
    const { before } = await bench.look('instance.logins');
    await expect(bench.run('instance.logins')).rejects.toMatchObject({ errors: [{ number: 15118 }] });
    const { before: after } = await bench.look('instance.logins');
    expect(loginOn('mi-west', LOGIN)).toBeDefined();
    expect(loginOn('mi-west', 'third')).toBeUndefined();
    // As the remedy says: by hand, with its SID.
    const sid = Buffer.from(loginOn('SQL1', 'third')?.sid ?? []).toString('hex');
    await set('mi-west', `CREATE LOGIN [third] WITH PASSWORD = N'Other!Passw0rd', SID = 0x${sid}`);
    // Had nobody looked in between, nothing would be taken away.
    await expect(bench.leaveUncertain('instance.logins', before)).rejects.toMatchObject({
      code: 'UndoUncertain',
      message: expect.stringContaining('DROP LOGIN [third];'),
    });
    await bench.undo('instance.logins', LINK_STEPS['instance.logins'].made(before, after));
    expect(loginOn('mi-west', LOGIN)).toBeUndefined();
    expect(loginOn('mi-west', 'third')).toBeDefined();
  });

  test('a job that a person made after the copy had failed stays', async () => {
    await bench.run('instance.logins');
    const step = LINK_STEPS['instance.agent-jobs'];
    stage.estate.world.faults.add({
      surface: 'sql',
      statement: 'sp_add_jobschedule',
      count: 1,
      action: { kind: 'error', number: 229, severity: 14, state: 5, message: 'no permission' },
    });
    const { before } = await bench.look('instance.agent-jobs');
    await expect(bench.run('instance.agent-jobs')).rejects.toMatchObject({ errors: [{ number: 229 }] });
    const { before: after } = await bench.look('instance.agent-jobs');
    await set('mi-west', `EXEC msdb.dbo.sp_add_job @job_name = N'${quoted(JOB)}'`);
    const undone = await bench.undo('instance.agent-jobs', step.made(before, after));
    // The category was made before it.
    expect(undone.map(({ display }) => display)).toEqual([expect.stringContaining('sp_delete_category')]);
    expect((await agentOf('mi-west')).jobs).toHaveLength(1);
  });

  test('gives back of a login only what is as the run made it', async () => {
    await copy();
    await set(
      'mi-west',
      "ALTER LOGIN [bat]]ch 'x'] WITH CHECK_POLICY = ON",
      "ALTER SERVER ROLE [dbcreator] DROP MEMBER [bat]]ch 'x']",
      'DENY VIEW ANY DEFINITION TO [watch]]ers]',
    );
    const { before } = await bench.look('instance.logins');
    await bench.run('instance.logins');
    // An incident: these are an admin's.
    await set(
      'mi-west',
      "ALTER LOGIN [bat]]ch 'x'] DISABLE",
      "ALTER SERVER ROLE [processadmin] ADD MEMBER [bat]]ch 'x']",
      'GRANT ALTER TRACE TO [watch]]ers]',
    );
    await bench.undo('instance.logins', before);
    expect(loginOn('mi-west', LOGIN)).toMatchObject({
      disabled: true,
      policyChecked: true,
      roles: new Set(['processadmin', 'watch]ers']),
    });
    expect((await agentOf('mi-west')).permissions).toEqual(
      expect.arrayContaining([
        { permission_name: 'ALTER TRACE', state: 'G' },
        { permission_name: 'VIEW ANY DEFINITION', state: 'D' },
      ]),
    );
  });

  test('gives settings back, and says what it cannot give back', async () => {
    await copy();
    await set(
      'mi-west',
      "ALTER LOGIN [bat]]ch 'x'] WITH PASSWORD = N'Other!Passw0rd'",
      "ALTER LOGIN [bat]]ch 'x'] DISABLE",
      "ALTER SERVER ROLE [dbcreator] DROP MEMBER [bat]]ch 'x']",
      `EXEC msdb.dbo.sp_update_job @job_name = N'${quoted(JOB)}', @description = N'other'`,
    );
    const before = worldSnapshot(stage.estate.world);
    const facts = new Map<LinkStepId, unknown>();
    for (const id of COPY) {
      facts.set(id, (await bench.look(id)).before);
      await bench.run(id);
    }
    await bench.undo('instance.logins', facts.get('instance.logins'));
    expect(worldSnapshot(stage.estate.world)).toEqual(before);
    await expect(
      bench.undo('instance.login-passwords', facts.get('instance.login-passwords')),
    ).rejects.toMatchObject({ code: 'LoginPasswordReplaced', message: expect.stringContaining(LOGIN) });
    await expect(
      bench.undo('instance.agent-job-changes', facts.get('instance.agent-job-changes')),
    ).rejects.toMatchObject({ code: 'AgentJobReplaced', message: expect.stringContaining(JOB) });
  });
});

test('no fact and no text that people see holds a hash or a command', async () => {
  await set('mi-west', "CREATE LOGIN [unused] WITH PASSWORD = N'Other!Passw0rd'");
  const told: string[] = [];
  for (const id of COPY) {
    const { before, effects } = await bench.look(id);
    told.push(JSON.stringify(before), ...effects.map(effectDisplay));
    told.push(JSON.stringify(await bench.run(id)));
  }
  told.push(JSON.stringify(await report()));
  const text = told.join('\n').toLowerCase();
  expect(text).toContain('0x******** hashed');
  for (const name of [LOGIN, APPLICATION.name]) expect(text).not.toContain(hashOf('SQL1', name).slice(4, 24));
  expect(text).not.toContain('topsecret');
  expect(COMMAND).toContain('topsecret');
});

test('a refusal of the server that repeats the statement shows no hash', async () => {
  const hash = hashOf('SQL1', LOGIN);
  stage.estate.world.faults.add({
    surface: 'sql',
    statement: 'CREATE LOGIN',
    count: 1,
    action: {
      kind: 'error',
      number: 102,
      severity: 15,
      state: 1,
      message: `Incorrect syntax near '0x${hash.toUpperCase()}'.`,
    },
  });
  const failure = await bench.run('instance.logins').then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeDefined();
  expect(String((failure as Error).message)).toContain('Incorrect syntax');
  expect(JSON.stringify([failure, String(failure)]).toLowerCase()).not.toContain(hash.slice(0, 24));
});

describe('jobs move with the roles', () => {
  const enabled = async (instance: string): Promise<unknown> =>
    (await query<{ enabled: number }>(stage.estate, instance, 'SELECT enabled FROM msdb.dbo.sysjobs'))[0]
      ?.enabled;

  test('on at the new primary, then off at the former one', async () => {
    await copy();
    await bench.run('instance.enable-jobs');
    await bench.run('server.disable-jobs');
    expect([await enabled('SQL1'), await enabled('mi-west')]).toEqual([0, 1]);
    expect(await bench.run('instance.enable-jobs')).toMatchObject({ outcome: 'already-done' });
    expect(await bench.run('server.disable-jobs')).toMatchObject({ outcome: 'already-done' });
  });

  test('one that cannot run on the other side runs on where it is, there and back, and a plan says the same', async () => {
    const files = 'Files of the night';
    await set(
      'SQL1',
      `EXEC msdb.dbo.sp_add_job @job_name = N'${files}', @owner_login_name = N'sa'`,
      `EXEC msdb.dbo.sp_add_jobstep @job_name = N'${files}', @step_name = N'copy', @subsystem = N'CmdExec', @command = N'robocopy'`,
      `EXEC msdb.dbo.sp_add_jobserver @job_name = N'${files}'`,
    );
    await bench.close();
    bench = await StepBench.open(
      stage,
      stage.spec(sections().replace(`["${JOB}"]`, `["${JOB}", "${files}"]`)),
    );
    const running = async (instance: string) =>
      await query<{ name: string }>(
        stage.estate,
        instance,
        'SELECT name FROM msdb.dbo.sysjobs WHERE enabled = 1 ORDER BY name',
      ).then((rows) => rows.map(({ name }) => name));
    const planned = async (stepId: LinkStepId, before: readonly LinkStepId[]) =>
      (await bench.plan(stepId, before)).map((effect) => effectDisplay(effect));
    await copy();

    const switched: readonly LinkStepId[] = [
      'instance.enable-jobs',
      'server.disable-jobs',
      'server.enable-jobs',
      'instance.disable-jobs',
    ];
    const drill: string[] = [];
    for (const [index, step] of switched.entries())
      drill.push(...(await planned(step, switched.slice(0, index))));
    const did: string[] = [];
    const run = async (step: LinkStepId) => {
      const outcome = await bench.run(step);
      did.push(...outcome.effects.map(({ display }) => display));
      return outcome;
    };
    await run('instance.enable-jobs');
    const off = await run('server.disable-jobs');
    expect([await running('SQL1'), await running('mi-west')]).toEqual([[files], [JOB]]);
    expect(off.evidence).toBe(`${files} enabled on sql1 still: not running on mi-west`);
    await run('server.enable-jobs');
    await run('instance.disable-jobs');
    expect([await running('SQL1'), await running('mi-west')]).toEqual([[files, JOB], []]);
    expect(did).toHaveLength(4);
    expect(drill).toEqual(did);
  });

  test('one that differs stays off, and is told', async () => {
    await copy();
    await set('mi-west', `EXEC msdb.dbo.sp_delete_jobstep @job_name = N'${quoted(JOB)}', @step_id = 2`);
    await expect(bench.run('instance.enable-jobs')).rejects.toMatchObject({
      code: 'AgentJobDiffers',
      message: expect.stringContaining('(steps)'),
    });
    expect(await enabled('mi-west')).toBe(0);
    await bench.run('instance.agent-job-changes');
    await bench.run('instance.enable-jobs');
    expect(await enabled('mi-west')).toBe(1);
  });

  test('what was off on purpose stays off; behind a silent primary all that are named run', async () => {
    await copy();
    await set('SQL1', `EXEC msdb.dbo.sp_update_job @job_name = N'${quoted(JOB)}', @enabled = 0`);
    expect(await bench.run('instance.enable-jobs')).toMatchObject({ outcome: 'already-done' });
    expect(await enabled('mi-west')).toBe(0);
    stage.estate.world.instances.kill('SQL1');
    const silent = { transport: expect.stringMatching(/unreachable|connection-lost/) };
    await expect(bench.run('instance.enable-jobs')).rejects.toMatchObject(silent);
    expect(await enabled('mi-west')).toBe(0);
    await bench.run('instance.enable-jobs-after-loss');
    expect(await enabled('mi-west')).toBe(1);
  });

  test('a former primary that refuses to tell is not silent: nothing is enabled', async () => {
    await copy();
    for (const id of ['instance.enable-jobs', 'instance.enable-jobs-after-loss'] as const) {
      stage.estate.world.faults.add({
        surface: 'sql',
        statement: 'FROM dbo.sysjobs AS j\\nLEFT JOIN',
        instance: 'SQL1',
        count: 1,
        action: { kind: 'error', number: 1205, severity: 13, state: 45, message: 'deadlock victim' },
      });
      await expect(bench.run(id)).rejects.toMatchObject({ errors: [{ number: 1205 }] });
      expect(await enabled('mi-west')).toBe(0);
    }
  });
});

test('a user of Windows is named before anybody needs it', async () => {
  await bench.close();
  await stage.close();
  const name = 'CORP\\ann';
  stage = await startEstateStage({
    estate: estateWithApplication({
      server: {
        logins: [
          { name: 'sa', password: 'Ferry!Passw0rd' },
          { name, type: 'windows', password: 'unused', roles: [] },
        ],
      },
      database: { users: [{ name }] },
    }),
  });
  bench = await StepBench.open(stage, stage.spec(sections()));
  expect((await report()).findings).toContainEqual(
    expect.objectContaining({
      name,
      state: 'cannot-be-copied',
      remedy: expect.stringContaining('FROM EXTERNAL PROVIDER'),
    }),
  );
});

test('what cannot be brought over is named with its remedy, and nothing of it is tried', async () => {
  await set('mi-west', "CREATE LOGIN [bat]]ch 'x'] WITH PASSWORD = N'Other!Passw0rd'");
  await set(
    'SQL1',
    `EXEC msdb.dbo.sp_add_jobstep @job_name = N'${quoted(JOB)}', @step_name = N'copy files', @subsystem = N'CmdExec', @command = N'robocopy'`,
    "EXEC sp_addlinkedserver @server = N'OLDBOX'",
    "EXEC msdb.dbo.sp_add_operator @name = N'night shift'",
    "EXEC msdb.dbo.sysmail_add_profile_sp @profile_name = N'mail'",
    "EXEC sp_addmessage @msgnum = 50010, @severity = 16, @msgtext = N'no stock'",
    "CREATE CREDENTIAL [backup] WITH IDENTITY = N'user', SECRET = N'shh'",
  );
  const before = await all();
  await bench.run('instance.login-passwords');
  await bench.run('instance.agent-jobs');
  await bench.run('instance.agent-job-changes');
  expect(await all()).toEqual(before);
  const { findings } = await report();
  expect(findings.map(({ kind, name, state }) => `${kind} ${name} ${state}`)).toEqual([
    'login app missing',
    `login ${LOGIN} cannot-be-copied`,
    `job ${JOB} cannot-be-copied`,
    'linked-server OLDBOX remark',
    'credential backup remark',
    'message 50010 remark',
    'operator night shift remark',
    'mail-profile mail remark',
  ]);
  for (const { state, remedy } of findings) if (state !== 'missing') expect(remedy).not.toBe('');
});

function loseAnswer(effect: Effect) {
  if (effect.kind !== 'tsql') throw new Error('only statements are expected here');
  const statement = effect.statement.text.slice(0, 60).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return {
    surface: 'sql' as const,
    statement,
    count: 1,
    action: { kind: 'drop' as const, when: 'after' as const },
  };
}
