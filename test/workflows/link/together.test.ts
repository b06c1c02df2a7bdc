/** Where hooks, instance objects, drills, other hands and people meet in one run, in virtual time. */

import type { ObjectFinding } from '../../../src/model/sql-server/instance-objects';
import type { LinkStatus } from '../../../src/workflows/link/status';
import { FakeLink, type FakeLinkOptions, hookRecord, isWatch, needsPerson } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeOutcome,
  fail,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const AT = '2026-11-01T00:00:00.000Z';
const DBA = { by: 'dba' };
const health = { observedAt: AT, healthy: true, summary: 'fine', lagSeconds: 0, logUsedPercent: 5 };

const FENCE = 'fence: { disableLogins: [app] }';
const hooks = (phases: Readonly<Record<string, string>>): string =>
  `hooks:\n${Object.entries(phases)
    .map(
      ([phase, name]) =>
        `  ${phase}: [{ name: ${name}, type: webhook, url: "https://h.example.com/${name}", timeout: ${phase === 'whenFenced' ? '5m' : '1h'} }]\n`,
    )
    .join('')}`;
const OBJECTS = 'instanceObjects: { jobs: { include: [totals] } }\n';
const staying = (sections = '') =>
  linkSpecWith(`purpose: disaster-recovery\ncutover: { ${FENCE} }\n${sections}`);
const migrating = (sections: string) =>
  linkSpecWith(`cutover: { approval: { required: false }, ${FENCE} }\n${sections}`);

type Override = (call: ActivityCall) => FakeOutcome | undefined;

/** The override counts from when the link stands. */
const standing = (sections: string, override: Override = () => undefined, options: FakeLinkOptions = {}) =>
  StandingLink.begin(
    { ...options, override: (call) => (call.at >= 2 * HOUR ? override(call) : undefined) },
    { spec: staying(sections) },
  );

const stepOf = ({ input }: ActivityCall) => (input as { stepId?: string }).stepId ?? '';
const phaseOf = ({ input }: ActivityCall) => (input as { address?: { phase: string } }).address?.phase ?? '';
const hookCalls = ({ trace }: WorkflowDriver) =>
  trace.filter(({ call }) => call.type === 'runHook').map(({ call, state }) => `${phaseOf(call)}: ${state}`);

const swappedByOthers = (primary: 'server' | 'instance') =>
  answer({ kind: 'external-failover', primary, reason: 'both agree', platformTime: AT, health }, MINUTE);

test('a pause that is accepted before the failover has begun withdraws it', async () => {
  const begun = await standing('');
  const { driver } = begun;
  expect(await driver.update('failover', { ...DBA, type: 'planned', to: 'instance' })).toMatchObject({
    accepted: true,
  });
  expect(await driver.update('pause', DBA)).toMatchObject({ accepted: true });
  await driver.run(() => false, driver.elapsed + 5 * MINUTE);
  const { protection, paused } = await driver.query<LinkStatus>('status');
  expect(paused).toBe(true);
  expect(protection).toMatchObject({
    primary: 'server',
    pendingRequest: null,
    failovers: [{ outcome: 'withdrawn', summary: expect.stringContaining('paused') }],
  });
  expect(begun.link.changes).toEqual([]);
  await begun.end();
});

test('a comparison that fails holds the failover for a person, and a pause still withdraws it', async () => {
  const begun = await standing(OBJECTS, (call) =>
    call.type === 'compareInstanceObjects' ||
    (call.type === 'observeStep' && /login|agent/.test(stepOf(call)))
      ? fail(needsPerson('Unreachable'))
      : undefined,
  );
  await begun.driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  await begun.goOn(10 * MINUTE);
  expect((await begun.status()).blockedBy).toMatchObject({ code: 'Unreachable' });
  await begun.driver.update('pause', DBA);
  await begun.goOn();
  expect(await begun.protection()).toMatchObject({
    pendingRequest: null,
    failovers: [{ outcome: 'withdrawn' }],
  });
  await begun.driver.update('resume', DBA);
  await begun.end();
});

describe('a drain that still runs when it is given up', () => {
  test('ends before what gives it back is called: behind the fence, when the limit passes', async () => {
    const link = new FakeLink({
      override: (call) => (call.type === 'runHook' && phaseOf(call) === 'whenFenced' ? hang : undefined),
    });
    const driver = await WorkflowDriver.start(
      'linkMigration',
      { spec: migrating(hooks({ whenFenced: 'drained', whenWithdrawn: 'undrain' })), visibility: false },
      link.activities,
      { cancellationTakesMs: 20_000 },
    );
    await driver.run(() => hookCalls(driver).length === 2);
    expect(hookCalls(driver)).toEqual(['whenFenced: cancelled', 'whenWithdrawn: running']);
    // The applications did not wait for the drain to hear of it.
    expect(link.changes.at(-1)).toBe('undo server.fence');
    await driver.dispose();
  });

  test('stands in the record of a failover that a pause withdrew', async () => {
    const begun = await standing(hooks({ beforeFailover: 'drain', whenWithdrawn: 'undrain' }), (call) =>
      call.type === 'runHook' && phaseOf(call) === 'beforeFailover' ? hang : undefined,
    );
    await begun.driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
    await begun.goOn();
    await begun.driver.update('pause', DBA);
    await begun.goOn();
    const [record] = (await begun.protection()).failovers;
    expect(record?.hooks?.map(({ hook, outcome }) => `${hook} ${outcome}`)).toEqual([
      'drain failed',
      'undrain passed',
    ]);
    await begun.end();
  });
});

test('what gives a drain back may take its time: the log is guarded beside it', async () => {
  const link = new FakeLink({
    override: (call) => {
      if (call.type !== 'runHook') return undefined;
      return phaseOf(call) === 'beforeFailover'
        ? answer(hookRecord(call, 'refused', 'not now'), 500)
        : answer(hookRecord(call, 'passed', ''), HOUR);
    },
  });
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec: migrating(hooks({ beforeFailover: 'drain', whenWithdrawn: 'undrain' })), visibility: false },
    link.activities,
  );
  await driver.run(() => hookCalls(driver).length === 2);
  const calledAt = driver.elapsed;
  await driver.run(() => false, calledAt + 50 * MINUTE);
  expect(hookCalls(driver).at(-1)).toBe('whenWithdrawn: running');
  expect(driver.calls.filter((call) => isWatch(call, 'server') && call.at > calledAt).length).toBeGreaterThan(
    1,
  );
  await driver.dispose();
});

test('applications are repointed before anybody looks what the old copy went on with', async () => {
  const link = new FakeLink({
    route: 'delete-link',
    override: (call) => (call.type === 'readEndOfLog' ? answer({ lsn: '42' }, 14 * MINUTE) : undefined),
  });
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec: migrating(hooks({ afterFailover: 'dns' })), visibility: false },
    link.activities,
  );
  await driver.run(() => hookCalls(driver).length === 1);
  const proved = driver.calls.find(
    (call) => call.type === 'performStep' && stepOf(call) === 'instance.verify-writable',
  );
  const hook = driver.calls.find(({ type }) => type === 'runHook');
  expect((hook?.at ?? 0) - (proved?.at ?? 0)).toBeLessThan(MINUTE);
  // The look is not lost: the run ends with it.
  expect(await driver.run()).toMatchObject({ kind: 'completed' });
  expect(driver.trace.find(({ call }) => call.type === 'readEndOfLog')?.state).toBe('completed');
});

describe('roles that others swap', () => {
  test('are told although the watch that saw them ends', async () => {
    const begun = await standing('', (call) =>
      isWatch(call, 'server') ? swappedByOthers('instance') : undefined,
    );
    await begun.goOn(5 * MINUTE);
    expect((await begun.protection()).primary).toBe('instance');
    const told = begun.driver.trace.filter(
      ({ call }) => (call.input as { code?: string }).code === 'failover.external',
    );
    expect(told.map(({ state }) => state)).toEqual(['completed']);
    await begun.end();
  });

  test('back, while a drill holds: the jobs go back, too', async () => {
    let back = false;
    const begun = await standing(OBJECTS, (call) =>
      back && isWatch(call, 'instance') ? swappedByOthers('server') : undefined,
    );
    back = true;
    await begun.driver.update('drill', { ...DBA, holdMs: 6 * HOUR });
    await begun.goOn(30 * MINUTE);
    expect(await begun.protection()).toMatchObject({ primary: 'server', lastDrill: { outcome: 'stopped' } });
    expect(begun.link.changes.filter((change) => change.includes('able-jobs'))).toEqual([
      'do instance.enable-jobs',
      'do server.disable-jobs',
      'do server.enable-jobs',
      'do instance.disable-jobs',
    ]);
    await begun.end();
  });
});

test('a hold that is ended early is signed by who ended it, with what that person accepted', async () => {
  const conflict: ObjectFinding = {
    kind: 'login',
    name: 'batch',
    state: 'cannot-be-copied',
    detail: 'another SID',
    remedy: 'drop it',
    copyable: false,
  };
  let differs = false;
  const begun = await standing(OBJECTS, (call) =>
    call.type === 'compareInstanceObjects' && differs
      ? answer({ observedAt: AT, primary: 'instance', findings: [conflict] })
      : undefined,
  );
  await begun.driver.update('drill', { ...DBA, holdMs: 6 * HOUR });
  await begun.goOn(5 * MINUTE);
  differs = true;
  const early = { by: 'boss', type: 'planned', to: 'server', acceptDrift: true };
  expect(await begun.driver.update('failover', early)).toMatchObject({ accepted: true });
  await begun.goOn(5 * MINUTE);
  expect(await begun.protection()).toMatchObject({
    primary: 'server',
    lastDrill: {
      by: 'dba',
      endedEarlyBy: 'boss',
      outcome: 'done',
      back: { by: 'boss', acceptedDrift: { by: 'boss', what: expect.stringContaining('batch') } },
    },
  });
  await begun.end();
});

test('a link that stands and is cancelled says that it stands, not that it was undone', async () => {
  const told: string[] = [];
  const begun = await standing('', (call) => {
    if (call.type === 'notifyPerson') told.push((call.input as { message: string }).message);
    return undefined;
  });
  await begun.driver.cancel();
  expect(await begun.driver.run()).toMatchObject({ kind: 'cancelled' });
  expect(told).toEqual([expect.stringContaining('the link stands')]);
  expect(told[0]).not.toContain('undone');
  expect(begun.link.changes).toEqual([]);
  await begun.end();
});
