/** A DR link, in virtual time: what it answers, what it does, and what it does not let happen. */

import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import type { FailoverRecord } from '../../../src/workflows/run/failover-record';
import type { FailoverRequest } from '../../../src/workflows/run/standing-messages';
import type { RunInput, RunState } from '../../../src/workflows/run/state';
import { FakeLink, type FakeLinkOptions, isWatch, needsPerson, watchInput } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  fail,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AT = '2026-11-01T00:00:00.000Z';
const DBA = { by: 'dba' };
const SPEC = linkSpecWith('purpose: disaster-recovery\ncutover: { fence: { disableLogins: [app] } }\n');

const stepOf = (call: ActivityCall) => (call.input as { stepId?: string }).stepId;
const health = (lagSeconds: number | null, observedAt = AT) => ({
  observedAt,
  healthy: lagSeconds !== null,
  summary: lagSeconds === null ? 'down' : 'fine',
  lagSeconds,
  logUsedPercent: 5,
});

async function begin(options: FakeLinkOptions = {}, input: Partial<RunInput> = {}) {
  const link = new FakeLink(options);
  const driver = await WorkflowDriver.start(
    'disasterRecoveryLink',
    { spec: SPEC, visibility: false, ...input },
    link.activities,
  );
  return { link, driver };
}

type Begun = Awaited<ReturnType<typeof begin>>;

const status = (driver: WorkflowDriver) => driver.query<LinkStatus>('status');
const protectionOf = async (driver: WorkflowDriver) => {
  const { protection } = await status(driver);
  if (protection === null) throw new Error('the link does not stand');
  return protection;
};

/** A link that stands, a bit more than an hour after its run began. */
async function standing(options: FakeLinkOptions = {}): Promise<Begun> {
  const begun = await begin(options);
  await begun.driver.run(() => false, 2 * HOUR);
  expect((await protectionOf(begun.driver)).primary).toBe('server');
  begun.link.effects.length = 0;
  return begun;
}

const ask = (driver: WorkflowDriver, request: Partial<FailoverRequest>) =>
  driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance', ...request });

const goOn = ({ driver }: Begun, ms = 60_000) => driver.run(() => false, driver.elapsed + ms);

async function finished(begun: Begun): Promise<FailoverRecord> {
  await goOn(begun);
  const record = (await protectionOf(begun.driver)).failovers.at(-1);
  if (record === undefined)
    throw new Error(`no failover ended: ${JSON.stringify(await status(begun.driver))}`);
  return record;
}

const ACCEPTED = expect.objectContaining({ accepted: true });
const refusedWith = (reason: string) =>
  expect.objectContaining({ accepted: false, reasons: [expect.stringContaining(reason)] });

async function end({ driver }: Begun): Promise<void> {
  await driver.replay();
  await driver.dispose();
}

describe('planned failover', () => {
  test('there and back: fence, equal LSNs, swap, proof, applications admitted', async () => {
    const begun = await standing();
    expect(await ask(begun.driver, {})).toEqual(ACCEPTED);
    const there = await finished(begun);
    expect(there).toMatchObject({ outcome: 'done', type: 'planned', to: 'instance', by: 'dba', loss: null });
    expect(there.evidence).toMatchObject({ primaryEndOfLogLsn: '42', secondaryHardenedLsn: '42' });
    expect(there.rtoMs).toBeGreaterThan(0);
    expect((await protectionOf(begun.driver)).primary).toBe('instance');
    expect(await ask(begun.driver, { to: 'server', acknowledgedBy: 'head of operations' })).toEqual(ACCEPTED);
    expect(await finished(begun)).toMatchObject({ outcome: 'done', to: 'server' });
    expect((await protectionOf(begun.driver)).primary).toBe('server');
    expect(begun.link.changes).toEqual([
      'do server.fence',
      'do server.planned-failover',
      'do instance.verify-writable',
      'do instance.admit-applications',
      'do instance.fence',
      'do instance.planned-failover',
      'do server.verify-writable',
      'do server.admit-applications',
    ]);
    await end(begun);
  });

  test('the gate waits with the log still guarded; the guard ends once the fence is near', async () => {
    const begun = await standing({
      override: (call) => (call.type === 'awaitReadiness' ? answer({}, 2 * HOUR) : undefined),
    });
    const { driver } = begun;
    const before = (await status(driver)).logBackups.count;
    expect(await ask(driver, {})).toEqual(ACCEPTED);
    await goOn(begun, HOUR);
    const seen = await status(driver);
    expect(seen.logBackups.count).toBeGreaterThan(before + 2);
    expect(seen.protection?.pendingRequest).toBe('failover');
    await goOn(begun, HOUR + 60_000);
    expect((await protectionOf(driver)).primary).toBe('instance');
    const guards = driver.trace.filter(({ call }) => isWatch(call, 'server'));
    expect(guards.every(({ state }) => state !== 'running')).toBe(true);
    await end(begun);
  });

  test.each([
    [
      'catching up takes too long',
      (call: ActivityCall) => (call.type === 'awaitCatchUp' && call.count === 1 ? hang : undefined),
      'were not enough for',
    ],
    [
      'the last look fails',
      (call: ActivityCall) =>
        call.type === 'confirmPointOfNoReturn' && call.count === 1
          ? fail(needsPerson('LogMovedBehindFence'))
          : undefined,
      'LogMovedBehindFence happened',
    ],
  ])('%s: withdrawn, the fence is lifted, and the link goes on', async (_name, override, reason) => {
    const begun = await standing({ override });
    expect(await ask(begun.driver, {})).toEqual(ACCEPTED);
    await goOn(begun, HOUR);
    const { primary, failovers } = await protectionOf(begun.driver);
    expect(primary).toBe('server');
    expect(failovers).toEqual([
      expect.objectContaining({
        outcome: 'withdrawn',
        rtoMs: null,
        evidence: null,
        summary: expect.stringMatching(new RegExp(`${reason}.*the fence is lifted`)),
      }),
    ]);
    expect(begun.link.changes).toEqual(expect.arrayContaining(['do server.fence', 'undo server.fence']));
    expect(begun.link.changes).not.toContain('do server.planned-failover');
    expect(begun.link.effects).toContain('notify failover.withdrawn');
    const backups = (await status(begun.driver)).logBackups.count;
    await goOn(begun, HOUR);
    expect((await status(begun.driver)).logBackups.count).toBeGreaterThan(backups);
    // A withdrawn failover starts no cool-down.
    expect(await ask(begun.driver, {})).toEqual(ACCEPTED);
    expect(await finished(begun)).toMatchObject({ outcome: 'done' });
    await end(begun);
  });

  test.each(['awaitReadiness', 'awaitCatchUp'])('a pause while %s goes on withdraws it', async (type) => {
    const begun = await standing({
      override: (call) => (call.type === type ? answer({}, 90_000) : undefined),
    });
    const { driver } = begun;
    await ask(driver, {});
    await goOn(begun, 30_000);
    expect(await driver.update<Answer>('pause', DBA)).toEqual(ACCEPTED);
    await goOn(begun, 5 * 60_000);
    expect((await protectionOf(driver)).failovers).toEqual([
      expect.objectContaining({ outcome: 'withdrawn', summary: expect.stringContaining('was paused') }),
    ]);
    expect(begun.link.changes.filter((change) => change.includes('planned-failover'))).toEqual([]);
    expect(await ask(driver, {})).toEqual(refusedWith('paused'));
    await driver.update('resume', DBA);
    expect((await protectionOf(driver)).possible).toContain('planned failover to the instance');
    await end(begun);
  });

  test('a step that needs a person is shown by the link, and its resume reaches the failover', async () => {
    const begun = await standing({
      override: (call) =>
        call.type === 'performStep' && stepOf(call) === 'server.planned-failover' && attempts++ === 0
          ? fail(needsPerson('FailoverRefused'))
          : undefined,
    });
    let attempts = 0;
    const { driver } = begun;
    await ask(driver, {});
    await goOn(begun, HOUR);
    const seen = await status(driver);
    expect(seen.blockedBy).toMatchObject({ code: 'FailoverRefused', remedy: 'mend FailoverRefused' });
    expect(seen.nextSteps).toContain('sqlferry resume sales');
    expect(await driver.update<Answer>('resume', DBA)).toEqual(ACCEPTED);
    expect(await finished(begun)).toMatchObject({ outcome: 'done' });
    expect((await status(driver)).blockedBy).toBeNull();
    await end(begun);
  });

  test.each([
    ['before the roles swapped', false, 'server'],
    ['after the roles swapped', true, 'instance'],
  ] as const)('its workflow is ended by force %s: the link finds the roles and goes on', async (_name, swapped, primary) => {
    const begun = await standing({
      override: (call) => {
        if (call.type === 'performStep' && stepOf(call) === 'server.planned-failover') return hang;
        if (call.type === 'readRoles') return answer({ server: null, instance: swapped ? 'PRIMARY' : null });
        return undefined;
      },
    });
    const { driver, link } = begun;
    await ask(driver, {});
    await goOn(begun);
    driver.children[0]?.terminate();
    // The SQL Server says no role here: it is looked for two minutes.
    await goOn(begun, 2 * 60_000);
    const record = await finished(begun);
    expect(record).toMatchObject({ outcome: 'failed', summary: expect.stringContaining('terminated') });
    expect((await protectionOf(driver)).primary).toBe(primary);
    expect(link.changes.at(-1)).toBe(`do ${primary}.admit-applications`);
    expect(link.effects).toContain('notify failover.failed');
    expect(driver.trace.some(({ call, state }) => isWatch(call, primary) && state === 'running')).toBe(true);
    await end(begun);
  });

  test('cancelled by itself, before the point of no return: withdrawn, and the link goes on', async () => {
    const begun = await standing({
      override: (call) => (call.type === 'awaitCatchUp' ? answer({}, 50_000) : undefined),
    });
    await ask(begun.driver, {});
    await goOn(begun, 20_000);
    await begun.driver.children[0]?.cancel();
    expect(await finished(begun)).toMatchObject({ outcome: 'withdrawn' });
    expect(begun.link.changes).toContain('undo server.fence');
    await end(begun);
  });
});

describe('what is asked of it is answered with reasons', () => {
  test('before it stands', async () => {
    const begun = await begin();
    expect(await ask(begun.driver, {})).toEqual(refusedWith('does not stand yet'));
    expect(await begun.driver.update('repair', { ...DBA, survivor: 'instance' })).toEqual(
      refusedWith('does not stand yet'),
    );
    expect(await begun.driver.update('remove', DBA)).toEqual(refusedWith('does not stand yet'));
    await end(begun);
  });

  test('what is possible is judged when it is asked, not when the workflow did something last', async () => {
    const begun = await standing({ override: (call) => (isWatch(call, 'instance') ? hang : undefined) });
    const { driver } = begun;
    await ask(driver, {});
    const { endedAt } = await finished(begun);
    const over = Date.parse(endedAt) + SPEC.settings.failover.coolDown;
    const possible = async (...asked: unknown[]): Promise<readonly string[]> => {
      const { protection, asOf } = await driver.query<LinkStatus>('status', ...asked);
      expect((asOf ?? endedAt) >= endedAt).toBe(true);
      return protection?.possible ?? [];
    };
    const back = 'planned failover to the SQL Server';
    // Nothing happens meanwhile: in the workflow it is as late as at its last task.
    expect(await possible({ now: new Date(over - 1).toISOString() })).not.toContain(back);
    expect(await possible({ now: new Date(over).toISOString() })).toContain(back);
    // Whoever has a clock that is behind, or says nothing that is understood, is answered as of that last task.
    const asked: readonly unknown[][] = [
      [],
      [null],
      [{ now: '1999-01-01T00:00:00.000Z' }],
      [{ now: 'later' }],
      ['x'],
    ];
    for (const one of asked) expect(await possible(...one)).not.toContain(back);
    await end(begun);
  });

  test('wrong side, cool-down, another request, no split brain', async () => {
    const begun = await standing();
    const { driver } = begun;
    expect(await ask(driver, { to: 'server' })).toEqual(refusedWith('the SQL Server is the primary already'));
    expect(await driver.update('repair', { ...DBA, survivor: 'instance' })).toEqual(
      refusedWith('there is no split brain'),
    );
    const both = await Promise.all([ask(driver, {}), ask(driver, {})]);
    expect(both).toEqual([ACCEPTED, refusedWith('another request is under way')]);
    await goOn(begun);
    expect(await ask(driver, { to: 'instance' })).toEqual(refusedWith('the instance is the primary already'));
    expect(await ask(driver, { to: 'server' })).toEqual(refusedWith('needs an acknowledgement'));
    expect((await protectionOf(driver)).notPossible).toContainEqual({
      what: 'planned failover to the SQL Server',
      rule: 'failover.to-acknowledge',
      reason: expect.stringContaining('--acknowledge-by'),
    });
    await goOn(begun, SPEC.settings.failover.coolDown);
    expect(await ask(driver, { to: 'server' })).toEqual(ACCEPTED);
    await end(begun);
  });

  test('versions that only delete their link to cut over', async () => {
    const begun = await standing({ route: 'delete-link' });
    expect(await ask(begun.driver, {})).toEqual(refusedWith('cannot swap the roles'));
    expect(await ask(begun.driver, { type: 'forced', reason: 'r', acceptLossSeconds: 9_999_999 })).toEqual(
      refusedWith('cannot swap the roles'),
    );
    expect(await begun.driver.update('remove', DBA)).toEqual(ACCEPTED);
    await begun.driver.run();
    expect(begun.driver.ended).toMatchObject({ kind: 'completed', result: { outcome: 'removed' } });
    await end(begun);
  });

  test('a forced failover wants a reason and a loss that somebody accepts', async () => {
    const begun = await standing();
    const forced = { type: 'forced' as const };
    expect(await ask(begun.driver, forced)).toEqual(refusedWith('needs a reason'));
    expect(await ask(begun.driver, { ...forced, reason: ' ' })).toEqual(refusedWith('needs a reason'));
    const unnamed = await ask(begun.driver, { ...forced, reason: 'burnt down' });
    expect(unnamed).toEqual(refusedWith('may lose data; estimate'));
    expect(await ask(begun.driver, { ...forced, reason: 'burnt down', acceptLossSeconds: 0 })).toEqual(
      unnamed,
    );
    expect(begun.link.changes).toEqual([]);
    await end(begun);
  });
});

describe('forced failover', () => {
  const forced = { type: 'forced', reason: 'SQL1 burnt down', acceptLossSeconds: 100_000_000 } as const;
  const loss = (method: string, seconds: number | null) => ({
    observedAt: AT,
    method,
    seconds,
    oldPrimaryEndOfLogLsn: method === 'measured' ? '50' : null,
    newPrimaryHardenedLsn: '42',
    newPrimaryTime: AT,
    summary: `${method} ${seconds}`,
  });

  test.each([
    ['estimate', 5],
    ['unknown', null],
  ])('records the loss (%s); nobody is fenced', async (method, seconds) => {
    const begun = await standing({
      override: (call) => (call.type === 'measureLoss' ? answer(loss(method, seconds)) : undefined),
    });
    expect(await ask(begun.driver, forced)).toEqual(ACCEPTED);
    expect(await finished(begun)).toMatchObject({
      outcome: 'done',
      type: 'forced',
      reason: 'SQL1 burnt down',
      loss: { method, seconds },
    });
    expect(begun.link.changes).toEqual([
      'do instance.forced-failover',
      'do instance.verify-writable',
      'do instance.admit-applications',
    ]);
    expect((await protectionOf(begun.driver)).primary).toBe('instance');
    await end(begun);
  });

  test('an old primary that still answers is fenced first, and the loss is measured behind the fence', async () => {
    const begun = await standing({
      override: (call) =>
        call.type === 'measureLoss' ? answer(loss('measured', call.count === 1 ? 9 : 4)) : undefined,
    });
    await ask(begun.driver, forced);
    expect(await finished(begun)).toMatchObject({ loss: { method: 'measured', seconds: 4 } });
    expect(begun.link.changes.slice(0, 2)).toEqual(['do server.fence', 'do instance.forced-failover']);
    await end(begun);
  });

  test.each([
    ['an estimate that grew since the request', 'estimate', []],
    ['what was measured behind the fence', 'measured', ['do server.fence', 'do server.admit-applications']],
  ])('%s is more than was accepted: withdrawn before the roles are swapped', async (_, method, changes) => {
    const begun = await standing({
      override: (call) => (call.type === 'measureLoss' ? answer(loss(method, 10_801)) : undefined),
    });
    expect(await ask(begun.driver, { ...forced, acceptLossSeconds: 10_800 })).toEqual(ACCEPTED);
    const record = await finished(begun);
    expect(record).toMatchObject({
      outcome: 'withdrawn',
      loss: { method, seconds: 10_801 },
      summary: expect.stringMatching(
        /more would be lost than was accepted \(10800 s\): \w+ 10801.*--accept-loss-seconds 10861/,
      ),
    });
    expect(begun.link.changes).toEqual(changes);
    expect((await protectionOf(begun.driver)).primary).toBe('server');
    // Who accepts what was found gets it.
    expect(await ask(begun.driver, { ...forced, acceptLossSeconds: 10_861 })).toEqual(ACCEPTED);
    expect(await finished(begun)).toMatchObject({ outcome: 'done', loss: { seconds: 10_801 } });
    await end(begun);
  });

  test('the time that it took to estimate the loss may be lost as well', async () => {
    const begun = await standing({
      override: (call) => (call.type === 'measureLoss' ? answer(loss('estimate', 5), 9_500) : undefined),
    });
    await ask(begun.driver, forced);
    expect(await finished(begun)).toMatchObject({
      outcome: 'done',
      loss: { method: 'estimate', seconds: 15, summary: 'estimate 5; 10 s later at most 15 s' },
    });
    await end(begun);
  });

  test('a fence that cannot be set does not hold it up', async () => {
    const begun = await standing({
      override: (call) => {
        if (call.type === 'measureLoss') return answer(loss('measured', 9));
        if (stepOf(call) === 'server.fence') return fail(needsPerson('Unreachable'));
        return undefined;
      },
    });
    await ask(begun.driver, forced);
    expect(await finished(begun)).toMatchObject({ outcome: 'done', loss: { seconds: 9 } });
    await end(begun);
  });

  test('the last lag that was seen is what it is estimated from, also when the SQL Server is silent since', async () => {
    const later = '2026-11-01T02:30:00.000Z';
    const begun = await standing({
      override: (call) => {
        if (!isWatch(call, 'server') || call.at < 2 * HOUR) return undefined;
        return call.count > 6
          ? hang
          : answer(
              { kind: 'health-changed', health: health(null, later), lastSeen: health(7, later) },
              HOUR / 2,
            );
      },
    });
    await goOn(begun, 2 * HOUR);
    await ask(begun.driver, forced);
    await goOn(begun);
    const call = begun.driver.calls.find(({ type }) => type === 'measureLoss');
    expect(call?.input).toMatchObject({ lastHealth: { lagSeconds: 7, observedAt: later } });
    await end(begun);
  });

  test('split brain is told with what diverged, only a repair is possible, and the link is whole again', async () => {
    let looks = 0;
    const begun = await standing({
      override: (call) => {
        if (!isWatch(call, 'instance')) return undefined;
        looks += 1;
        if (looks === 1) return answer({ kind: 'checkpoint', health: health(0) });
        if (looks > 2) return hang;
        const logEnds = { server: '57', instance: '60' };
        return answer({ kind: 'split-brain', reason: 'two primaries', health: health(0), logEnds }, HOUR);
      },
    });
    const { driver, link } = begun;
    await ask(driver, forced);
    await goOn(begun, 2 * HOUR);
    const split = await protectionOf(driver);
    expect(split.splitBrain).toMatchObject({
      reason: 'two primaries',
      diverged: { on: 'server', afterLsn: '42', toLsn: '57', summary: expect.stringContaining('alone') },
    });
    expect(split.failovers.at(-1)?.diverged).toMatchObject({ afterLsn: '42', toLsn: '57' });
    expect(link.effects).toContain('notify split-brain.found');
    expect((await status(driver)).nextSteps).toEqual(['sqlferry repair sales --survivor instance']);
    expect(await ask(driver, { to: 'server', acknowledgedBy: 'x' })).toEqual(
      refusedWith('repair comes first'),
    );
    link.effects.length = 0;
    expect(await driver.update('repair', { ...DBA, survivor: 'instance' })).toEqual(ACCEPTED);
    await goOn(begun);
    expect(link.changes).toEqual([
      'do server.fence',
      'do server.log-backup',
      'do server.become-secondary',
      'do instance.admit-applications',
    ]);
    expect(await protectionOf(driver)).toMatchObject({ primary: 'instance', splitBrain: null });
    await end(begun);
  });

  test('a split brain is found as well while the SQL Server leads', async () => {
    const begun = await standing({
      override: (call) => {
        if (!isWatch(call, 'server') || call.at < 2 * HOUR) return undefined;
        if (watchInput(call).standing?.splitBrainKnown !== false) return hang;
        const logEnds = { server: '60', instance: null };
        return answer({ kind: 'split-brain', reason: 'two primaries', health: health(0), logEnds });
      },
    });
    await goOn(begun, HOUR);
    expect((await protectionOf(begun.driver)).splitBrain).toMatchObject({ diverged: null });
    begun.link.effects.length = 0;
    await begun.driver.update('repair', { ...DBA, survivor: 'server' });
    await goOn(begun);
    expect(begun.link.changes).toEqual([
      'do instance.fence',
      'do instance.become-secondary',
      'do server.admit-applications',
    ]);
    await end(begun);
  });
});

describe('removal', () => {
  const DOWN = [
    'do instance.remove-link',
    'do server.drop-distributed-availability-group',
    'do server.drop-availability-group',
  ];

  test('link first, then the groups; without a failover no backup is waited for', async () => {
    const begun = await standing();
    expect(await begun.driver.update('remove', DBA)).toEqual(ACCEPTED);
    await begun.driver.run();
    expect(begun.link.changes).toEqual(DOWN);
    expect(begun.driver.ended).toMatchObject({ result: { outcome: 'removed', failovers: 0 } });
    await end(begun);
  });

  test("after a failover to the instance it waits for Azure's full backup, since the failover", async () => {
    const begun = await standing({
      override: (call) =>
        call.type === 'awaitAzureFullBackup' ? answer({ evidence: 'full' }, 3 * HOUR) : undefined,
    });
    const { driver, link } = begun;
    await ask(driver, {});
    await goOn(begun);
    link.effects.length = 0;
    await driver.update('remove', DBA);
    await goOn(begun, 2 * HOUR);
    expect(link.changes).toEqual([]);
    expect((await status(driver)).waitingFor).toContain('first full backup');
    await driver.run();
    expect(link.changes).toEqual(DOWN);
    expect(driver.calls.find(({ type }) => type === 'awaitAzureFullBackup')?.input).toMatchObject({
      since: AT,
    });
    expect(driver.ended).toMatchObject({ result: { outcome: 'removed', failovers: 1 } });
    await end(begun);
  });

  test('a group that stood there before is left', async () => {
    const begun = await standing({ settledSteps: ['server.availability-group'] });
    await begun.driver.update('remove', DBA);
    await begun.driver.run();
    expect(begun.link.changes).toEqual(DOWN.slice(0, 2));
    await end(begun);
  });
});

describe('its history and its end', () => {
  const stateOf = (driver: WorkflowDriver): RunState => {
    const { ended } = driver;
    if (ended?.kind !== 'continued-as-new') throw new Error(`not continued: ${JSON.stringify(ended)}`);
    const { state } = ended.input as RunInput;
    if (state === undefined) throw new Error('no state');
    return state;
  };

  test('a new history carries who leads, the failovers and a request of that moment', async () => {
    const begun = await begin({ settledSteps: [] }, { maxHistoryEvents: 700 });
    const { driver } = begun;
    await driver.run(() => false, 2 * HOUR);
    await ask(driver, {});
    await driver.run(() => false, driver.elapsed + 60_000);
    expect((await protectionOf(driver)).primary).toBe('instance');
    await ask(driver, { to: 'server', acknowledgedBy: 'x' });
    await driver.run(() => driver.ended !== undefined, 30 * DAY);
    const state = stateOf(driver);
    expect(state.protection).toMatchObject({ primary: 'server', failoverCount: 2, splitBrain: null });
    await end(begun);

    const request = {
      kind: 'failover' as const,
      request: { ...DBA, type: 'planned' as const, to: 'instance' as const },
    };
    const { protection } = state;
    if (protection === null) throw new Error('no protection');
    const next = await begin({}, { state: { ...state, protection: { ...protection, request } } });
    await goOn(next);
    const { primary, failovers } = await protectionOf(next.driver);
    expect(primary).toBe('instance');
    expect(failovers.map(({ to, outcome }) => [to, outcome])).toEqual([
      ['instance', 'done'],
      ['server', 'done'],
      ['instance', 'done'],
    ]);
    expect(next.link.changes.slice(0, 1)).toEqual(['do server.fence']);
    await end(next);
  });

  test('an abort before it stands undoes everything; afterwards it is refused', async () => {
    const begun = await begin();
    await begun.driver.run(() => false, HOUR / 2);
    expect(await begun.driver.update('abort', DBA)).toEqual(ACCEPTED);
    await begun.driver.run();
    expect(begun.driver.ended).toMatchObject({ result: { outcome: 'aborted', leftovers: [] } });
    const done = begun.link.changes.filter((change) => change.startsWith('do '));
    const undone = begun.link.changes.filter((change) => change.startsWith('undo '));
    expect(undone).toEqual(done.map((change) => `un${change}`).reverse());
    await end(begun);

    const stands = await standing();
    expect(await stands.driver.update('abort', DBA)).toEqual(refusedWith('sqlferry remove'));
    expect(stands.link.changes).toEqual([]);
    await end(stands);
  });

  test('cancelled while applications are behind the fence: the failover is withdrawn first', async () => {
    const begun = await standing({
      override: (call) => (call.type === 'awaitCatchUp' ? answer({}, 50_000) : undefined),
    });
    await ask(begun.driver, {});
    await goOn(begun, 20_000);
    await begun.driver.cancel();
    await begun.driver.run();
    expect(begun.driver.ended?.kind).toBe('cancelled');
    expect(begun.link.changes).toEqual(['do server.fence', 'undo server.fence']);
    await end(begun);
  });
});
