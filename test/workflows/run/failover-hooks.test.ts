/** Hooks around a cutover and around failovers, in virtual time: who is called when, who is heard, what is given back. */

import type { ResolvedLink } from '../../../src/model/link/spec';
import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import type { FailoverRecord } from '../../../src/workflows/run/failover-record';
import type { FailoverRequest } from '../../../src/workflows/run/standing-messages';
import { FakeLink, type FakeLinkOptions, hookRecord, needsPerson } from '../../support/fake-link';
import { breaches, DBA, HOUR, ROUTES, resultOf, startRun, statusOf, stepOf } from '../../support/link-matrix';
import { linkSpecWith } from '../../support/link-spec';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type DriverOptions,
  type FakeOutcome,
  fail,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const HOOKS = `hooks:
  beforeFailover: [{ name: drain, type: webhook, url: "https://hooks.example.com/drain", onFailure: veto }]
  whenFenced: [{ name: drained, type: webhook, url: "https://hooks.example.com/drained" }]
  afterFailover:
    - { name: dns, type: webhook, url: "https://hooks.example.com/dns" }
    - { name: page, type: webhook, url: "https://hooks.example.com/page" }
  whenWithdrawn: [{ name: undrain, type: webhook, url: "https://hooks.example.com/undrain" }]
afterFailover: { repairOrphanedUsers: true }
`;
const MIGRATION = linkSpecWith(
  `cutover: { approval: { required: false }, fence: { disableLogins: [app] } }\n${HOOKS}`,
);
const STAYS = linkSpecWith(
  `purpose: disaster-recovery\ncutover: { fence: { disableLogins: [app] } }\n${HOOKS}`,
);

const hookIn = (call: ActivityCall): string =>
  call.type === 'runHook' ? hookRecord(call, 'passed', '').hook : '';

const hookAnswers =
  (name: string, outcome: 'refused' | 'failed', times = 1) =>
  (call: ActivityCall): FakeOutcome | undefined => {
    if (hookIn(call) !== name) return undefined;
    times -= 1;
    return times >= 0 ? answer(hookRecord(call, outcome, 'HTTP 409: 12 sessions'), 500) : undefined;
  };

describe.each(ROUTES)('cutover on the route %s', (route) => {
  /** Hooks are noted by the fake only where nothing overrides them. */
  const called = (calls: readonly ActivityCall[]) => calls.map(hookIn).filter((name) => name !== '');

  test('all in their place: before the fence, behind it, after the first good write', async () => {
    const run = await startRun({ route }, {}, MIGRATION);
    await run.driver.run();
    const act = route === 'planned-failover' ? 'server.planned-failover' : 'instance.delete-link-to-cut-over';
    const order = run.link.effects.filter((effect) =>
      /^hook|fence|verify|repair|failover|to-cut/.test(effect),
    );
    expect(order).toEqual([
      'hook beforeFailover drain',
      'do server.fence',
      'hook whenFenced drained',
      `do ${act}`,
      'do instance.verify-writable',
      ...order.slice(5),
    ]);
    expect(new Set(order.slice(5))).toEqual(
      new Set(['hook afterFailover dns', 'hook afterFailover page', 'do instance.repair-orphaned-users']),
    );
    const result = resultOf(run);
    expect(result.hooks?.map(({ hook, outcome }) => [hook, outcome])).toEqual([
      ['drain', 'passed'],
      ['drained', 'passed'],
      ['dns', 'passed'],
      ['page', 'passed'],
    ]);
    expect(result.checks).toEqual([expect.objectContaining({ id: 'after.orphaned-users' })]);
    await run.driver.replay();
    await run.driver.dispose();
  });

  test('each call has a key of its own, the same whatever worker makes it', async () => {
    const run = await startRun({ route, override: hookAnswers('drained', 'refused') }, {}, MIGRATION);
    await run.driver.run();
    const keys = run.driver.calls
      .filter(({ type }) => type === 'runHook')
      .map((call) => (call.input as { occasion: { idempotencyKey: string } }).occasion.idempotencyKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys[0]).toMatch(/\/cutover-1\/beforeFailover\/drain$/);
    expect(keys.at(-1)).toMatch(/\/cutover-2\/afterFailover\/page$/);
    await run.driver.dispose();
  });

  test.each<[string, ReturnType<typeof hookAnswers>, readonly string[]]>([
    ['a refusal before the fence', hookAnswers('drain', 'refused'), ['drain', 'undrain']],
    ['a silent hook with a veto', hookAnswers('drain', 'failed'), ['drain', 'undrain']],
    ['a refusal behind the fence', hookAnswers('drained', 'refused'), ['drain', 'drained', 'undrain']],
  ])('%s withdraws the attempt; what was drained is given back; the next attempt crosses', async (...row) => {
    const [, override, calls] = row;
    const run = await startRun({ route, override }, {}, MIGRATION);
    await run.driver.run();
    expect(called(run.driver.calls)).toEqual([...calls, 'drain', 'drained', 'dns', 'page']);
    const { attempts } = await statusOf(run);
    expect(attempts).toMatchObject([
      { outcome: 'withdrawn', reason: expect.stringMatching(/hook .*HTTP 409: 12 sessions/) },
      { outcome: 'succeeded' },
    ]);
    expect(breaches(run)).toEqual([]);
    await run.driver.replay();
    await run.driver.dispose();
  });

  test('a silent hook without a veto is told of, and the cutover goes on', async () => {
    const run = await startRun({ route, override: hookAnswers('drained', 'failed') }, {}, MIGRATION);
    await run.driver.run();
    expect(resultOf(run).cutoverAttempts).toBe(1);
    expect(run.link.effects).toContain('notify hook.failed');
    await run.driver.dispose();
  });

  test.each<[string, (call: ActivityCall) => FakeOutcome | undefined]>([
    ['fails', hookAnswers('dns', 'failed')],
    ['refuses', hookAnswers('dns', 'refused')],
    [
      'cannot be called',
      (call) => (hookIn(call) === 'dns' ? fail(needsPerson('SecretUnreadable')) : undefined),
    ],
  ])('behind the point of no return a hook that %s is told of, and changes nothing', async (_name, override) => {
    const run = await startRun({ route, override }, {}, MIGRATION);
    await run.driver.run();
    const result = resultOf(run);
    expect(result).toMatchObject({ outcome: 'completed', cutoverAttempts: 1 });
    expect(result.hooks?.map(({ hook }) => hook)).toEqual(['drain', 'drained', 'dns', 'page']);
    expect((await statusOf(run)).events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          severity: 'critical',
          code: 'hook.failed',
          message: expect.stringContaining('dns'),
        }),
      ]),
    );
    expect(run.link.changes.filter((change) => change.startsWith('undo'))).toEqual([]);
    await run.driver.dispose();
  });

  test('a pause leaves a drain that takes long, and gives it back', async () => {
    const run = await startRun(
      { route, override: (call) => (hookIn(call) === 'drain' && call.count === 1 ? hang : undefined) },
      {},
      MIGRATION,
    );
    await run.driver.run(() => called(run.driver.calls).length === 1);
    await run.driver.update<Answer>('pause', DBA);
    await run.driver.run(() => false, run.driver.elapsed + HOUR);
    expect(called(run.driver.calls)).toEqual(['drain', 'undrain']);
    expect(run.link.changes).not.toContain('do server.fence');
    await run.driver.update<Answer>('resume', DBA);
    await run.driver.run();
    expect(resultOf(run).outcome).toBe('completed');
    await run.driver.replay();
    await run.driver.dispose();
  });

  test('log backups go on while a drain takes long', async () => {
    const run = await startRun(
      {
        route,
        override: (call) =>
          hookIn(call) === 'drain' ? answer(hookRecord(call, 'passed', ''), 50 * 60_000) : undefined,
      },
      {},
      MIGRATION,
    );
    await run.driver.run(() => called(run.driver.calls).length === 1);
    const before = (await statusOf(run)).logBackups.count;
    await run.driver.run();
    expect(resultOf(run).logBackups).toBeGreaterThan(before + 2);
    await run.driver.dispose();
  });

  const ways: readonly (readonly [string, DriverOptions])[] = [
    ['activities stop at once', {}],
    ['activities hear of it too late and complete', { cancellationIsLate: true }],
  ];
  describe.each(ways)('%s', (_name, driverOptions) => {
    test.each([
      'abort',
      'cancel',
      'worker lost',
    ] as const)('%s at any call: what a hook before did is given back, or those after are called', async (how) => {
      const clean = await startRun({ route }, {}, MIGRATION);
      await clean.driver.run();
      const first = clean.driver.calls.findIndex(({ type }) => type === 'awaitReadiness');
      const last = clean.driver.calls.length;
      await clean.driver.dispose();
      expect(last - first).toBeGreaterThan(15);
      const found: string[] = [];
      for (let at = first + 1; at <= last; at += 1) {
        const run = await startRun({ route }, driverOptions, MIGRATION);
        await run.driver.run(() => run.driver.calls.length >= at);
        if (how === 'abort') await run.driver.update('abort', DBA);
        else if (how === 'cancel') await run.driver.cancel();
        else await run.driver.replay();
        await run.driver.run();
        const { calls } = run.driver;
        const where = `${how} at ${at} ${calls[at - 1]?.type} ${stepOf(calls[at - 1] as ActivityCall) ?? ''}`;
        const wrong = [...givenBack(calls, how), ...breaches(run)];
        found.push(...wrong.map((breach) => `${where}: ${breach}`));
        await run.driver.replay();
        await run.driver.dispose();
      }
      expect(found).toEqual([]);
    });
  });

  /** Every interrupted prefix: either the hooks after were called, or what those before did was given back. */
  function givenBack(calls: readonly ActivityCall[], how: string): readonly string[] {
    const names = called(calls);
    const crossed = calls.some(
      (call) => call.type === 'performStep' && /failover|delete-link-to/.test(stepOf(call) ?? ''),
    );
    const wrong: string[] = [];
    if (how === 'worker lost' && !crossed) wrong.push('did not cross');
    if (crossed && names.join() !== 'drain,drained,dns,page') wrong.push(`crossed with ${names.join()}`);
    if (crossed) return wrong;
    if (names.includes('dns')) wrong.push('repointed without a failover');
    if (names.includes('drain') !== names.includes('undrain')) wrong.push(`called ${names.join()}`);
    const lifted = calls.findLastIndex((call) => call.type === 'undoStep' && stepOf(call) === 'server.fence');
    const undrained = calls.findLastIndex((call) => hookIn(call) === 'undrain');
    const fenced = calls.some((call) => call.type === 'performStep' && stepOf(call) === 'server.fence');
    if (fenced && how === 'abort' && lifted === -1) wrong.push('the fence stays');
    if (undrained !== -1 && lifted > undrained) wrong.push('given back before the fence was lifted');
    return wrong;
  }
});

describe('a DR link', () => {
  async function standing(options: FakeLinkOptions = {}, spec: ResolvedLink = STAYS) {
    const link = new FakeLink(options);
    const driver = await WorkflowDriver.start(
      'disasterRecoveryLink',
      { spec, visibility: false },
      link.activities,
    );
    await driver.run(() => false, 2 * HOUR);
    link.effects.length = 0;
    return { link, driver };
  }
  const ask = (driver: WorkflowDriver, request: Partial<FailoverRequest> = {}) =>
    driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance', ...request });
  const goOn = (driver: WorkflowDriver, ms = 60_000) => driver.run(() => false, driver.elapsed + ms);
  async function lastOf(driver: WorkflowDriver): Promise<FailoverRecord | undefined> {
    return (await driver.query<LinkStatus>('status')).protection?.failovers.at(-1);
  }

  test('both ways: hooks in their place, users mended on the side that leads, all of it in the record', async () => {
    const { link, driver } = await standing();
    await ask(driver);
    await goOn(driver);
    expect(link.hooks).toEqual([
      'beforeFailover drain',
      'whenFenced drained',
      'afterFailover dns',
      'afterFailover page',
    ]);
    expect(link.changes).toContain('do instance.repair-orphaned-users');
    const there = await lastOf(driver);
    expect(there).toMatchObject({ outcome: 'done', hooks: { length: 4 }, checks: { length: 1 } });
    await ask(driver, { to: 'server', acknowledgedBy: 'dba' });
    await goOn(driver);
    expect(link.changes).toContain('do server.repair-orphaned-users');
    const status = await driver.query<LinkStatus>('status');
    expect(status.protection?.failovers).toMatchObject([
      { to: 'instance' },
      { to: 'server', hooks: { length: 4 } },
    ]);
    // Older ones have workflows of their own, with all details.
    expect(status.protection?.failovers[0]?.hooks).toBeUndefined();
    expect(status.hooks).toHaveLength(4);
    await driver.replay();
    await driver.dispose();
  });

  test('a refusal withdraws: nothing is fenced, what was drained is given back, the reason is in the record', async () => {
    const { link, driver } = await standing({ override: hookAnswers('drain', 'refused') });
    await ask(driver);
    await goOn(driver);
    expect(await lastOf(driver)).toMatchObject({
      outcome: 'withdrawn',
      summary: 'hook drain (beforeFailover) refused: HTTP 409: 12 sessions; nobody was fenced out',
      hooks: [
        { hook: 'drain', outcome: 'refused' },
        { hook: 'undrain', outcome: 'passed' },
      ],
    });
    expect(link.changes).toEqual([]);
    await driver.replay();
    await driver.dispose();
  });

  test('a hook behind the fence has the time of the fence, and not more', async () => {
    const { link, driver } = await standing({
      override: (call) => (hookIn(call) === 'drained' ? hang : undefined),
    });
    await ask(driver);
    await goOn(driver, HOUR);
    expect(await lastOf(driver)).toMatchObject({
      outcome: 'withdrawn',
      summary: expect.stringMatching(
        /10m behind the fence were not enough for hook drained.*the fence is lifted/,
      ),
    });
    expect(link.changes).toEqual(['do server.fence', 'undo server.fence']);
    expect(link.hooks.at(-1)).toBe('whenWithdrawn undrain');
    await driver.replay();
    await driver.dispose();
  });

  test('a forced failover hears a refusal, and goes on without a hook that is silent', async () => {
    const forced = { type: 'forced', reason: 'fire', acceptLossSeconds: 9_999 } as const;
    const silent = await standing({ override: hookAnswers('drain', 'failed') });
    await ask(silent.driver, forced);
    await goOn(silent.driver);
    expect(await lastOf(silent.driver)).toMatchObject({
      outcome: 'done',
      type: 'forced',
      loss: { method: 'estimate' },
    });
    const refusing = await standing({ override: hookAnswers('drain', 'refused') });
    await ask(refusing.driver, forced);
    await goOn(refusing.driver);
    expect(await lastOf(refusing.driver)).toMatchObject({ outcome: 'withdrawn', type: 'forced', loss: null });
    expect(refusing.link.changes).toEqual([]);
    for (const { driver } of [silent, refusing]) {
      await driver.replay();
      await driver.dispose();
    }
  });

  test.each([
    ['before the swap', 'awaitCatchUp', ['whenWithdrawn undrain']],
    ['after the swap', 'instance.verify-writable', ['afterFailover dns', 'afterFailover page']],
  ])('a failover that is terminated %s: the link calls the hooks that are left', async (_name, where, hooks) => {
    const roles = { server: 'SECONDARY', instance: where === 'awaitCatchUp' ? null : 'PRIMARY' };
    const { link, driver } = await standing({
      override: (call) => {
        if (call.type === 'readRoles') return answer(roles);
        return call.type === where || stepOf(call) === where ? hang : undefined;
      },
    });
    await ask(driver);
    await goOn(driver, 30_000);
    link.effects.length = 0;
    driver.children.find(({ workflowId }) => workflowId.includes('/failover-'))?.terminate();
    await goOn(driver, HOUR);
    expect(await lastOf(driver)).toMatchObject({ outcome: 'failed' });
    expect(link.hooks).toEqual(hooks);
    await driver.replay();
    await driver.dispose();
  });
});
