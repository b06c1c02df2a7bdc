/** start to abort against an estate, a Temporal dev server and a worker in this process. */
import { until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';
import { json, jsonObject, type SpecFolder, sqlferry, sqlferryProcess, writeSpecs } from './command';

const PATIENT = `
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { approval: { required: true }, fence: { disableLogins: [sales_app] } }
polling: { steady: 500ms, seeding: 500ms, active: 100ms, heartbeatTimeout: 5s }
`;

let stage: Stage;
let specs: SpecFolder;

beforeAll(async () => {
  stage = await startStage({
    estate: {
      clock: { speed: 600 },
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL1',
          logins: [
            { name: 'sa', password: 'Ferry!Passw0rd' },
            { name: 'sales_app', password: 'Sales!Passw0rd', roles: [] },
          ],
          databases: [{ name: 'Sales' }],
        },
        { kind: 'managed-instance', name: 'mi-west' },
      ],
    },
  });
  await stage.startWorker();
  specs = writeSpecs(stage, { sections: PATIENT });
});
afterAll(async () => {
  specs.close();
  await stage.close();
  await closeServer();
});

/** Runs a command against the stage's Temporal and task queue. */
const ferry = (...argv: readonly string[]) => sqlferry([...argv, ...server()], stage.env);
const server = () => ['--address', stage.server.address, '--task-queue', stage.taskQueue];

const untilApprovalIsAwaited = (): Promise<void> =>
  until('the approval is awaited', async () => {
    const { status } = await stage.migrations.view('sales');
    return status.phase === 'replicating' && /approval/.test(status.waitingFor);
  });

/** Visibility of the server is eventually consistent. */
const untilListed = (line: RegExp): Promise<void> =>
  until(`the list has ${line}`, async () => line.test((await ferry('list')).out));

describe('one migration, from start to its end, as a script would drive it', () => {
  test('start waits for the verdict of preflight and says where to look', async () => {
    const { code, out, err } = await ferry('start', specs.migration, '-i', specs.inventory);
    expect(err).toBe('');
    expect(out).toBe(
      'started sales as workflow sqlferry-sales\npreflight passed\nlook at it with: sqlferry watch sales\n',
    );
    expect(code).toBe(0);
  });

  test('a second start of the same name is refused', async () => {
    const { code, err } = await ferry('start', specs.migration, '-i', specs.inventory);
    expect([code, err]).toEqual([
      3,
      'error: a migration "sales" runs already; look at it with: sqlferry status sales\n',
    ]);
  });

  test('status: phases, what it waits for, what to do next; without colours', async () => {
    await untilApprovalIsAwaited();
    const { code, out } = await ferry('status', 'sales');
    expect(code).toBe(0);
    expect(out).toMatch(/^sales {2}Sales: sql1 → mi-west$/m);
    expect(out).toMatch(/^ {2}✓ {2}Seeding +\S/m);
    expect(out).toMatch(/^ {2}● {2}Replicating +\S/m);
    expect(out).toMatch(/^waiting for {2}.*approval/m);
    expect(out).toMatch(/^→ sqlferry approve sales$/m);
    expect(out).not.toContain('\u001b');
    const view = json(await ferry('status', 'sales', '--json'));
    expect(view).toMatchObject({
      workflowId: 'sqlferry-sales',
      status: { phase: 'replicating', outcome: 'running' },
    });
  });

  test('list knows it, also as JSON', async () => {
    await untilListed(/^sales +Sales +mi-west +replicating +\d{4}-\d\d-\d\d/m);
    const { migrations } = json(await ferry('list', '--json'));
    expect(migrations).toEqual([
      expect.objectContaining({
        name: 'sales',
        database: 'Sales',
        instance: 'mi-west',
        temporalStatus: 'RUNNING',
      }),
    ]);
  });

  test('pause and resume; what makes no sense is refused with reasons and next steps', async () => {
    const refused = await ferry('resume', 'sales');
    expect(refused.err).toBe(
      'error: resume sales: refused: the run is neither paused nor waiting for a person\n  → look at status\n',
    );
    expect(refused.code).toBe(3);
    expect(json(await ferry('resume', 'sales', '--json'))).toEqual({
      error: {
        message: expect.stringContaining('refused'),
        exitCode: 3,
        rule: 'resume.nothing-waits',
        nextSteps: ['look at status'],
        reasons: ['the run is neither paused nor waiting for a person'],
      },
    });
    expect(await ferry('pause', 'sales', '--by', 'dba')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^pause sales: /),
    });
    const paused = json(await ferry('status', 'sales', '--json'));
    expect(paused).toMatchObject({
      status: { paused: true, nextSteps: expect.arrayContaining(['sqlferry resume sales']) },
    });
    expect(json(await ferry('resume', 'sales', '--json'))).toMatchObject({ name: 'sales', accepted: true });
  });

  test('postpone and schedule change when it may begin', async () => {
    const until = '2099-01-01T00:00:00.000Z';
    expect(await ferry('postpone', 'sales', '--until', '2099-01-01T00:00:00Z')).toMatchObject({ code: 0 });
    expect(json(await ferry('status', 'sales', '--json'))).toMatchObject({
      status: { postponedUntil: until },
    });
    const scheduled = await ferry('schedule', 'sales', '--now', '--json');
    expect(json(scheduled)).toMatchObject({ name: 'sales', accepted: true });
    expect(await ferry('schedule', 'sales', '--at', '2020-01-01T00:00:00Z', '--by', 'dba')).toMatchObject({
      code: 0,
    });
    const wrong = await ferry('schedule', 'sales', '--windows', specs.migration);
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringMatching(/^error: the schedule is not valid: windows/),
    ]);
  });

  test('watch without a terminal: a line for each change, the last one tells the outcome', async () => {
    const watching = sqlferryProcess(['watch', 'sales', '--interval', '100ms', ...server()], stage.env);
    expect(
      json(await ferry('abort', 'sales', '--yes', '--by', 'dba', '--reason', 'not today', '--json')),
    ).toMatchObject({
      accepted: true,
    });
    const { code, out } = await watching;
    const lines = out.trimEnd().split('\n');
    expect(code).toBe(0);
    for (const line of lines) expect(line).toMatch(/^sales: phase=\w/);
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines.at(-1)).toMatch(/aborted/);
    expect(out).not.toContain('\u001b');
  });

  test('logs: steps and events in order; with --json one object', async () => {
    const { code, out } = await ferry('logs', 'sales');
    expect(code).toBe(0);
    const times = out
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, 14));
    expect(times).toEqual([...times].sort());
    expect(out).toMatch(/^\d\d-\d\d \d\d:\d\d:\d\d ✓ Create the link: /m);
    expect(out).not.toMatch(/CREATE AVAILABILITY GROUP/);
    expect(await ferry('logs', 'sales', '--statements')).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^ {6}CREATE AVAILABILITY GROUP \[AG_Sales\]/m),
    });
    const { journal, events } = json(await ferry('logs', 'sales', '--json'));
    expect([Array.isArray(journal), Array.isArray(events)]).toEqual([true, true]);
  });

  test('list calls it aborted, though to Temporal it is completed', async () => {
    await untilListed(/^sales +Sales +mi-west +aborted/m);
    expect(json(await ferry('list', '--json'))).toMatchObject({
      migrations: [{ name: 'sales', temporalStatus: 'COMPLETED', outcome: 'aborted' }],
    });
  });

  test('after its end every request is answered in a sentence', async () => {
    for (const argv of [
      ['approve', 'sales', '--yes'],
      ['pause', 'sales'],
      ['abort', 'sales', '--yes'],
    ]) {
      const { code, err } = await ferry(...argv);
      expect([code, err]).toEqual([
        3,
        'error: the run of "sales" is over; look at it with: sqlferry status sales\n',
      ]);
    }
  });
});

describe('--json prints one object on each line', () => {
  test('watch: each line is the view, the last one the outcome', async () => {
    const free = writeSpecs(stage, { name: 'json' });
    const started = await ferry('start', free.migration, '-i', free.inventory, '--watch', '--json');
    free.close();
    const lines = started.out.trimEnd().split('\n').map(jsonObject);
    expect(started.code).toBe(0);
    expect(lines[0]).toMatchObject({
      name: 'json',
      workflowId: 'sqlferry-json',
      state: 'preflight-passed',
    });
    expect(lines.at(-1)).toMatchObject({ status: { outcome: 'completed', phase: 'after' } });
    expect(lines.length).toBeGreaterThan(3);
  });
});

describe('what is not there', () => {
  test('an unknown migration ends with 5', async () => {
    for (const argv of [
      ['status', 'nope'],
      ['watch', 'nope'],
      ['logs', 'nope'],
      ['pause', 'nope'],
      ['approve', 'nope', '--yes'],
    ]) {
      const { code, err } = await ferry(...argv);
      expect([argv, code, err]).toEqual([
        argv,
        5,
        'error: there is no migration "nope"; sqlferry list shows those that there are\n',
      ]);
    }
  });

  test('no worker: 4, and the run waits for one', async () => {
    const lonely = writeSpecs(stage, { name: 'lonely' });
    const queue = ['--address', stage.server.address, '--task-queue', 'nobody'];
    const { code, err } = await sqlferry(
      ['start', lonely.migration, '-i', lonely.inventory, ...queue],
      stage.env,
    );
    lonely.close();
    expect(err).toMatch(
      /^error: no worker of task queue "nobody" answered for "lonely"; start one with: sqlferry worker .*\n$/,
    );
    expect(code).toBe(4);
    const asked = await sqlferry(['pause', 'lonely', ...queue]);
    expect(asked.err).toMatch(
      /^error: no worker of task queue "nobody" answered for "lonely"; .*ask again if need be\)\n$/,
    );
    expect(asked.code).toBe(4);
    await stage.migrations.handle('lonely').terminate('test');
  });

  test('no Temporal: 4 and one line', async () => {
    const { code, err, out } = await sqlferry(['list', '--address', '127.0.0.1:1']);
    expect(err).toMatch(
      /^error: Temporal at 127\.0\.0\.1:1: no answer .*Set TEMPORAL_ADDRESS, or start one .*\n$/,
    );
    expect([code, out]).toEqual([4, '']);
  });

  test('doctor names what is missing', async () => {
    const ready = await sqlferryProcess(['doctor', ...server()], stage.env);
    expect([ready.code, ready.out]).toEqual([0, expect.stringMatching(/^✓ {2}workers +1 on task queue/m)]);
    expect(ready.out).toMatch(/^✓ {2}workers of watches +1 on task queue \S+-watches/m);
    const alone = await sqlferryProcess([
      'doctor',
      '--address',
      stage.server.address,
      '--task-queue',
      'nobody',
    ]);
    expect([alone.code, alone.out]).toEqual([
      4,
      expect.stringMatching(/→ workers: start one with: sqlferry worker/),
    ]);
  });
});
