/** The commands of a DR link, as a person types them: status, plan, drill, list, and a rotation that is ended. */
import { EXIT } from '../../src/cli/exit-codes';
import { Certificates } from '../../src/client/certificates';
import { certificateScheduleId, rotationWorkflowId } from '../../src/model/sql-server/certificate-ids';
import type { FailoverRequest } from '../../src/workflows/run/standing-messages';
import { until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';
import { LINK_SECTIONS, linkEstate, standingLink } from '../support/standing-link';
import { json, type SpecFolder, sqlferry, writeSpecs } from './command';

const SECTIONS = LINK_SECTIONS.replace('coolDown: 1s', 'coolDown: 1h');

let stage: Stage;
let specs: SpecFolder;
let temporal: readonly string[];

beforeAll(async () => {
  stage = await startStage({ estate: linkEstate() });
  await stage.startWorker();
  specs = writeSpecs(stage, { sections: SECTIONS });
  temporal = ['--address', stage.server.address, '--task-queue', stage.taskQueue];
  await standingLink(stage, SECTIONS);
}, 90_000);
afterAll(async () => {
  specs.close();
  await stage.close();
  await closeServer();
});

const run = (...argv: string[]) => sqlferry([...argv, ...temporal], stage.env);
const plan = (...argv: string[]) =>
  sqlferry(['plan', specs.migration, '--inventory', specs.inventory, ...argv], stage.env);
const protection = async () => (await stage.migrations.view('sales')).status.protection;

test('status: who leads, what would be lost now, the log, the certificates, what can be asked', async () => {
  await until('the watch has told of both sides', async () =>
    /^roles/m.test((await run('status', 'sales')).out),
  );
  const { code, out } = await run('status', 'sales');
  expect(code).toBe(0);
  expect(out).toMatch(/^primary +sql1 \(SQL Server\)$/m);
  expect(out).toMatch(/^roles +sql1 PRIMARY, mi-west SECONDARY; read \d+s ago$/m);
  expect(out).toMatch(/^RPO +at most \d+s of commits lost, if it were now \(lag 0 s, seen \d+s ago\)$/m);
  expect(out).toMatch(/^log space +\d+\.\d % of .* used, /m);
  expect(out).toMatch(/^certificates +not looked at regularly/m);
  expect(out).toMatch(/^last drill +none yet$/m);
  const { look } = json(await run('status', 'sales', '--json'));
  expect(look).toMatchObject({
    roles: { server: 'PRIMARY', instance: 'SECONDARY' },
    rpo: { method: 'lag-and-age', lagSeconds: 0 },
    log: { reuseWait: expect.any(String), meaning: expect.any(String) },
    certificates: null,
  });
});

test('status knows what the newest check of the certificates found', async () => {
  const certificates = new Certificates(stage.client, { taskQueue: stage.taskQueue });
  await certificates.schedule({
    spec: stage.spec(SECTIONS),
    others: [],
    everyMs: 86_400_000,
    rotateBeforeMs: null,
  });
  await certificates.checkNow('sales');
  await until('a check is over', async () => (await certificates.lastCheck('sales')) !== null);
  expect((await run('status', 'sales')).out).toMatch(
    /^certificates +.*Cert_SQL1_endpoint.*; looked at \d+s ago$/m,
  );
  await certificates.unschedule('sales');
  expect(await certificates.lastCheck('sales')).toBeNull();
});

test('status of a link whose schedule has not checked yet', async () => {
  const certificates = new Certificates(stage.client, { taskQueue: stage.taskQueue });
  const never = { others: [], everyMs: 300 * 86_400_000, rotateBeforeMs: null };
  await certificates.schedule({ spec: stage.spec(SECTIONS), ...never });
  const { out } = await run('status', 'sales');
  expect(out).toMatch(/^certificates +no check has looked yet.*scheduled/m);
  await certificates.unschedule('sales');
});

test('a schedule whose checks are not let in goes on, and status says why they fail', async () => {
  const certificates = new Certificates(stage.client, { taskQueue: stage.taskQueue });
  const spec = stage.spec(SECTIONS);
  const known = spec.server.authentication;
  if (known.type !== 'sql') throw new Error('the estate knows logins of SQL Server only');
  const refused = { ...spec, server: { ...spec.server, authentication: { ...known, user: 'nobody' } } };
  await certificates.schedule({ spec: refused, others: [], everyMs: 1_000, rotateBeforeMs: null });
  const checks = async () => {
    const { info } = await stage.client.schedule.getHandle(certificateScheduleId('sales')).describe();
    return info.numActionsTaken;
  };
  await until('a check has failed', async () => (await certificates.watched('sales'))?.failure != null);
  const before = await checks();
  await until('further checks are made', async () => (await checks()) > before + 1);
  expect(await certificates.watched('sales')).toMatchObject({ paused: false, last: null });
  const { out } = await run('status', 'sales');
  expect(out).toMatch(/^certificates +.*the newest check failed: .*nobody.* → Check authentication/m);
  await certificates.unschedule('sales');
});

test('a rotation that no worker takes is not begun, and that is said at once', async () => {
  const { code, err } = await sqlferry(
    ['certificates', 'rotate', specs.migration, '--inventory', specs.inventory, '--yes'].concat([
      '--address',
      stage.server.address,
      '--task-queue',
      'nobody',
    ]),
    stage.env,
  );
  expect([code, err]).toEqual([
    4,
    expect.stringMatching(/^error: no worker of task queue "nobody" .*nothing was begun/),
  ]);
  const rotation = stage.client.workflow.getHandle(rotationWorkflowId('sql1'));
  await expect(rotation.describe()).rejects.toThrow('not found');
});

test('a request that this run does not take, or does not understand, is refused with its reason', async () => {
  expect(await run('approve', 'sales', '--yes')).toMatchObject({
    code: 3,
    err: expect.stringMatching(/DR link and takes no request "approve"; it takes failover, drill/),
  });
  expect(await run('pause', 'sales', '--reason', 'ok\nFAKE 11-30 15:00:00 done')).toMatchObject({
    code: 3,
    err: expect.stringMatching(/did not take this request: reason must be text .*"ok\\nFAKE/),
  });
  const malformed = { by: 'ann', to: 'instance', type: 'Planned' } as unknown as FailoverRequest;
  await expect(stage.migrations.failover('sales', malformed)).rejects.toThrow(
    'did not take this request: type must be "planned" or "forced"; got "Planned"',
  );
  expect(await protection()).toMatchObject({ primary: 'server', pendingRequest: null });
});

describe('plan --of', () => {
  test('a failover is a script; what a run would be refused for stands on standard error', async () => {
    const there = await plan('--of', 'failover', '--to', 'instance');
    expect([there.code, there.err]).toEqual([0, '']);
    expect(there.out).toMatch(/^-- Plan of the planned failover to mi-west of sales: /);
    expect(there.out).toContain('\nALTER AVAILABILITY GROUP [DAG_Sales] FAILOVER;\nGO\n');
    const back = await plan('--of', 'failover', '--to', 'server');
    expect([back.code, back.err]).toEqual([
      0,
      'a run would be refused now: the SQL Server is the primary already\n',
    ]);
    expect(json(await plan('--of', 'drill', '--json'))).toMatchObject({
      change: { kind: 'drill', to: 'instance' },
      refusals: [],
    });
    expect((await plan('--of', 'removal', '--format', 'markdown')).out).toContain('### Remove the link');
  });

  test.each([
    [['--of', 'failover'], 'a plan of a failover needs --to'],
    [['--of', 'repair'], 'a plan of a repair needs --survivor'],
    [['--of', 'repair', '--survivor', 'both'], '--survivor "both" is neither "instance" nor "server"'],
    [['--of', 'removal', '--force'], '--force does not belong to a plan of a removal'],
    [['--of', 'drill', '--to', 'server'], '--to does not belong to a plan of a drill'],
    [['--to', 'instance'], '--to, --force and --survivor belong to a plan --of failover or --of repair'],
  ])('%j is wrong use', async (options, message) => {
    expect(await plan(...options)).toMatchObject({ code: 2, err: expect.stringContaining(message) });
  });
});

test('change: shows the fields that differ, asks, and sends the new spec; what may not change is refused', async () => {
  const changed = (sections: string) => writeSpecs(stage, { sections });
  const files = changed(SECTIONS.replace('coolDown: 1h', 'coolDown: 2h'));
  const change = (of: SpecFolder, ...argv: string[]) =>
    run('change', 'sales', of.migration, '--inventory', of.inventory, ...argv);
  const same = await change(specs, '--dry-run');
  expect([same.code, same.out]).toEqual([0, 'nothing differs from the spec in force\n']);
  const dry = await change(files, '--dry-run', '--json');
  expect(json(dry)).toEqual({ name: 'sales', changed: ['failover.coolDown'], warnings: [] });
  const unasked = await change(files);
  expect(unasked.code).toBe(EXIT.refused);
  expect(unasked.out).toMatch(/^changes +failover\.coolDown$/m);
  expect(unasked.err).toMatch(/--yes/);
  expect((await change(files, '--yes', '--reason', 'calm')).out).toMatch(/in force as soon as .*coolDown/);
  await until('it is in force', async () => {
    const { settings } = await stage.migrations.spec('sales');
    return settings.failover.coolDown === 7_200_000;
  });
  expect((await stage.migrations.view('sales')).status.events).toContainEqual(
    expect.objectContaining({ code: 'spec.changed', message: expect.stringContaining('failover.coolDown') }),
  );
  const other = changed(`${SECTIONS}\ncertificate: { validFor: 300d }\n`);
  const refused = await change(other, '--yes');
  expect(refused.code).toBe(EXIT.refused);
  expect(refused.err).toMatch(/certificate\.validFor \[spec-change\.made-with\]/);
  expect((await change(specs, '--yes')).code).toBe(0);
  await until('the first spec is in force again', async () => {
    const { settings } = await stage.migrations.spec('sales');
    return settings.failover.coolDown === 3_600_000;
  });
  files.close();
  other.close();
});

test('a drill asks first, tells what it is about to do, and stands in status afterwards', async () => {
  expect(await run('drill', 'sales')).toMatchObject({
    code: 3,
    err: expect.stringContaining('leaves the applications there for 10m, and fails it back'),
  });
  expect(await run('drill', 'sales', '--acknowledge-by', ' ', '--yes')).toMatchObject({ code: 2 });
  const begun = await run('drill', 'sales', '--hold', '1s', '--reason', 'quarterly', '--yes');
  expect(begun).toMatchObject({
    code: 0,
    out: 'drill sales: the drill begins: the instance leads for 1s, then the SQL Server again\n',
  });
  await until('the drill is over', async () => (await protection())?.lastDrill !== undefined);
  expect((await run('status', 'sales')).out).toMatch(
    /^last drill +.*, done: there and back: out of service /m,
  );
  expect(await run('drill', 'sales', '--yes')).toMatchObject({
    code: 3,
    err: expect.stringContaining('needs an acknowledgement'),
  });
}, 60_000);

test('a rotation under way can be asked to go on, and be ended', async () => {
  expect(await run('certificates', 'resume', 'sql1')).toMatchObject({
    code: 5,
    err: expect.stringContaining('no rotation'),
  });
  stage.estate.world.instances.kill('SQL1');
  const rotate = [
    'certificates',
    'rotate',
    specs.migration,
    '--inventory',
    specs.inventory,
    '--yes',
    '--no-wait',
  ];
  expect((await run(...rotate)).code).toBe(0);
  expect(await run(...rotate)).toMatchObject({
    code: 3,
    err: expect.stringContaining('sqlferry certificates resume sql1'),
  });
  expect(await run('certificates', 'resume', 'sql1')).toMatchObject({
    code: 3,
    err: expect.stringContaining('neither paused nor waiting'),
  });
  expect(await run('certificates', 'abort', 'sql1')).toMatchObject({
    code: 3,
    err: expect.stringContaining('old certificate'),
  });
  expect(json(await run('certificates', 'abort', 'sql1', '--yes', '--json'))).toMatchObject({
    accepted: true,
  });
  stage.estate.world.instances.revive('SQL1');
  stage.estate.world.instances.start('SQL1');
  const certificates = new Certificates(stage.client, { taskQueue: stage.taskQueue });
  expect(await certificates.result('sql1')).toMatchObject({ outcome: 'aborted' });
}, 60_000);

test('the list says how each run ended, in its own words', async () => {
  await stage.migrations.start(stage.spec(SECTIONS, 'other', 'Other'));
  await expect(stage.migrations.result('other')).rejects.toThrow();
  await until('it is listed', async () => /^other +Other +mi-west +failed/m.test((await run('list')).out));
  // Visibility of the server is eventually consistent, and the phase of a failover was told to it a moment ago.
  await until('its phase is listed', async () =>
    /^sales +Sales +mi-west +replicating/m.test((await run('list')).out),
  );
});
