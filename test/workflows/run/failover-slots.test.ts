/** Many links of one instance fail over at once, in virtual time: their slots, and what happens to them. */

import type { LinkStatus } from '../../../src/workflows/link/status';
import type { FailoverRecord } from '../../../src/workflows/run/failover-record';
import { slotsWorkflowId } from '../../../src/workflows/run/failover-slot-messages';
import type { FailoverRequest } from '../../../src/workflows/run/standing-messages';
import { FakeLink, type FakeLinkOptions } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const stepOf = (call: ActivityCall) => (call.input as { stepId?: string }).stepId;
const nameIn = (call: ActivityCall) =>
  (call.input as { spec: { settings: { name: string } } }).spec.settings.name;

function specOf(name: string, failover = '') {
  const spec = linkSpecWith(
    `purpose: disaster-recovery\ncutover: { fence: { disableLogins: [app] } }\n${failover}`,
  );
  return { ...spec, settings: { ...spec.settings, name, database: name } };
}

/** Failovers between the fence and the end of their proof, counted by the fakes as they are called. */
class Crowd {
  readonly drivers: WorkflowDriver[] = [];
  readonly links: FakeLink[] = [];
  private readonly inside = new Set<string>();
  most = 0;

  private constructor(private readonly override: NonNullable<FakeLinkOptions['override']>) {}

  static of(override: NonNullable<FakeLinkOptions['override']> = () => undefined): Crowd {
    return new Crowd(override);
  }

  async add(name: string, request: Partial<FailoverRequest> = {}, failover = ''): Promise<WorkflowDriver> {
    const link = new FakeLink({
      override: (call) => {
        this.count(call);
        return this.override(call);
      },
    });
    const [first] = this.drivers;
    const driver = await WorkflowDriver.start(
      'failover',
      {
        spec: specOf(name, failover),
        request: { by: 'dba', type: 'planned', to: 'instance', ...request },
        lastHealth: null,
      },
      link.activities,
      {},
      first === undefined ? undefined : { driver: first, workflowId: name },
    );
    this.drivers.push(driver);
    this.links.push(link);
    return driver;
  }

  private count(call: ActivityCall): void {
    if (call.type === 'undoStep') this.inside.delete(nameIn(call));
    if (call.type !== 'performStep') return;
    if (stepOf(call) === 'server.fence') this.inside.add(nameIn(call));
    if (stepOf(call) === 'instance.admit-applications') this.inside.delete(nameIn(call));
    this.most = Math.max(this.most, this.inside.size);
  }

  /** Lets time pass for all of them, also once some have ended. */
  async pass(ms: number): Promise<void> {
    const [first] = this.drivers;
    const until = (first?.elapsed ?? 0) + ms;
    for (const driver of this.drivers) await driver.run(() => false, until);
  }

  async end(): Promise<void> {
    for (const driver of this.drivers) {
      await driver.replay();
      await driver.dispose();
    }
  }
}

const status = (driver: WorkflowDriver) => driver.query<LinkStatus>('status');

function recordOf({ ended }: WorkflowDriver): FailoverRecord {
  if (ended?.kind !== 'completed') throw new Error(`not completed: ${JSON.stringify(ended)}`);
  return ended.result as FailoverRecord;
}

/** The act takes a minute, so that slots are worth something. */
const slowAct = (call: ActivityCall) =>
  call.type === 'performStep' && stepOf(call) === 'server.planned-failover'
    ? answer(
        {
          outcome: 'done',
          effects: [],
          evidence: 'seen',
          startedAt: '2026-11-01T00:00:00.000Z',
          durationMs: 1,
        },
        MINUTE,
      )
    : undefined;

const stuckAct = (call: ActivityCall) =>
  call.type === 'performStep' && stepOf(call) === 'server.planned-failover' && nameIn(call) !== 'waiter'
    ? hang
    : undefined;

test('ten links of one instance at once: never more than eight are fenced, all of them cross', async () => {
  const crowd = Crowd.of(slowAct);
  for (let n = 0; n < 10; n += 1) await crowd.add(`db${n}`);
  await crowd.pass(30_000);
  expect(crowd.most).toBe(8);
  const [, , , , , , , , ninth, tenth] = crowd.drivers;
  if (ninth === undefined || tenth === undefined) throw new Error('there are ten');
  expect((await status(ninth)).waitingFor).toMatch(
    /a failover slot: 8 failover.*\(db0, .*db7\); it is next in line/,
  );
  expect((await status(tenth)).waitingFor).toContain('number 2 in line');
  await crowd.pass(10 * MINUTE);
  expect(crowd.most).toBe(8);
  expect(crowd.drivers.map((driver) => recordOf(driver).outcome)).toEqual(Array(10).fill('done'));
  // Who waited long looked at the link once more.
  const looks = ninth.calls.filter((call) => call.type === 'awaitReadiness');
  expect(looks.filter((call) => nameIn(call) === 'db8')).toHaveLength(2);
  expect(looks.filter((call) => nameIn(call) === 'db0')).toHaveLength(1);
  // Nothing is left behind: the workflow of the slots is over.
  const slots = crowd.drivers.flatMap((driver) => driver.children);
  expect(slots.map((child) => [child.workflowId, child.ended?.kind])).toEqual([
    [slotsWorkflowId(specOf('x').instance.resourceId), 'completed'],
  ]);
  await crowd.end();
});

test('a smaller number in the spec is kept', async () => {
  const crowd = Crowd.of(slowAct);
  for (const name of ['a', 'b', 'c']) await crowd.add(name, {}, 'failover: { atOnce: 1 }');
  await crowd.pass(10 * MINUTE);
  expect(crowd.most).toBe(1);
  expect(crowd.drivers.map((driver) => recordOf(driver).outcome)).toEqual(['done', 'done', 'done']);
  await crowd.end();
});

describe('a slot comes back', () => {
  const ONE = 'failover: { atOnce: 1 }';

  test('when its holder is terminated: nobody says so, a sign of life does not come', async () => {
    const crowd = Crowd.of(stuckAct);
    const holder = await crowd.add('holder', {}, ONE);
    // Another workflow keeps the first one's virtual time going.
    const waiter = await crowd.add('waiter', {}, ONE);
    await waiter.run(() => false, MINUTE);
    expect((await status(waiter)).waitingFor).toContain('(holder); it is next in line');
    holder.terminate();
    await waiter.run(() => false, waiter.elapsed + 10 * MINUTE);
    expect(recordOf(waiter).outcome).toBe('done');
    await crowd.end();
  });

  test('at once when its holder died before somebody else asked', async () => {
    const crowd = Crowd.of(stuckAct);
    const holder = await crowd.add('holder', {}, ONE);
    await holder.run(() => false, 10 * MINUTE);
    holder.terminate();
    const waiter = await crowd.add('waiter', {}, ONE);
    const asked = waiter.elapsed;
    await waiter.run();
    expect(recordOf(waiter).outcome).toBe('done');
    expect(waiter.elapsed - asked).toBeLessThan(MINUTE);
    await crowd.end();
  });

  test('when its holder is withdrawn', async () => {
    const crowd = Crowd.of((call) =>
      call.type === 'awaitCatchUp' && nameIn(call) === 'holder' ? hang : undefined,
    );
    await crowd.add('holder', {}, ONE);
    const waiter = await crowd.add('waiter', {}, ONE);
    await crowd.pass(20 * MINUTE);
    expect(recordOf(crowd.drivers[0] as WorkflowDriver)).toMatchObject({ outcome: 'withdrawn' });
    expect(recordOf(waiter).outcome).toBe('done');
    await crowd.end();
  });

  test('when somebody who waits is cancelled: the next one moves up, and nothing was fenced', async () => {
    const crowd = Crowd.of((call) => (nameIn(call) === 'holder' ? slowAct(call) : undefined));
    await crowd.add('holder', {}, ONE);
    const tired = await crowd.add('tired', {}, ONE);
    const waiter = await crowd.add('waiter', {}, ONE);
    await crowd.pass(20_000);
    expect((await status(waiter)).waitingFor).toContain('number 2 in line');
    await tired.cancel();
    await crowd.pass(10 * MINUTE);
    expect(crowd.links[1]?.changes).toEqual([]);
    expect(recordOf(waiter).outcome).toBe('done');
    await crowd.end();
  });

  test('asked for anew when whoever gave the slots was terminated', async () => {
    const crowd = Crowd.of(stuckAct);
    const holder = await crowd.add('holder', {}, ONE);
    const waiter = await crowd.add('waiter', {}, ONE);
    await waiter.run(() => false, 20_000);
    holder.children[0]?.terminate();
    holder.terminate();
    await waiter.run(() => false, waiter.elapsed + 10 * MINUTE);
    expect(recordOf(waiter).outcome).toBe('done');
    expect(waiter.children).toHaveLength(1);
    await crowd.end();
  });
});

test('the first look at a link is taken along with the steps, for a moment; a longer wait is a watch', async () => {
  let looks = 0;
  const crowd = Crowd.of((call) => {
    if (nameIn(call) === 'holder') return slowAct(call);
    if (call.type !== 'awaitReadiness') return undefined;
    looks += 1;
    return looks === 1 ? hang : undefined;
  });
  await crowd.add('holder', {}, 'failover: { atOnce: 1 }');
  const waiter = await crowd.add('waiter', {}, 'failover: { atOnce: 1 }');
  await crowd.pass(10 * MINUTE);
  expect(recordOf(waiter).outcome).toBe('done');
  const its = waiter.calls.filter((call) => call.type === 'awaitReadiness' && nameIn(call) === 'waiter');
  const [asked = 0] = its.map(({ at }) => at);
  expect(its.slice(0, 2).map(({ at, taskQueue }) => [at - asked, taskQueue])).toEqual([
    [0, 'test'],
    [5_000, 'test-watches'],
  ]);
  await crowd.end();
});

test('a link that is not ready when its slot comes gives it to the next one, and waits again', async () => {
  const ONE = 'failover: { atOnce: 1 }';
  let looks = 0;
  const crowd = Crowd.of((call) => {
    if (call.type === 'awaitReadiness' && nameIn(call) === 'sick') {
      looks += 1;
      return looks === 2 ? hang : undefined;
    }
    return nameIn(call) === 'holder' ? slowAct(call) : undefined;
  });
  await crowd.add('holder', {}, ONE);
  const sick = await crowd.add('sick', {}, ONE);
  const well = await crowd.add('well', {}, ONE);
  await crowd.pass(30 * MINUTE);
  expect([recordOf(sick).outcome, recordOf(well).outcome]).toEqual(['done', 'done']);
  expect(Date.parse(recordOf(well).endedAt)).toBeLessThan(Date.parse(recordOf(sick).endedAt));
  expect(crowd.most).toBe(1);
  await crowd.end();
});

test('a slot that was on its way when it was given back is not taken for the next request', async () => {
  const ONE = 'failover: { atOnce: 1 }';
  let looks = 0;
  const crowd = Crowd.of((call) => {
    if (call.type === 'awaitReadiness' && nameIn(call) === 'sick') {
      looks += 1;
      return looks === 2 ? hang : undefined;
    }
    return nameIn(call) === 'holder' ? slowAct(call) : stuckAct(call);
  });
  await crowd.add('holder', {}, ONE);
  const sick = await crowd.add('sick', {}, ONE);
  const well = await crowd.add('well', {}, ONE);
  await crowd.pass(10 * MINUTE);
  expect((await status(sick)).waitingFor).toContain('(well); it is next in line');
  await sick.signal('slotNews', { kind: 'waiting', attempt: 1, place: 'an old place' });
  await sick.signal('slotNews', { kind: 'granted', attempt: 1 });
  await well.run(() => false, well.elapsed + MINUTE);
  expect((await status(sick)).waitingFor).toContain('(well); it is next in line');
  expect(crowd.most).toBe(1);
  well.terminate();
  await sick.run(() => false, sick.elapsed + 10 * MINUTE);
  expect(crowd.links[1]?.changes).toContain('do server.fence');
  await crowd.end();
});

test('a forced failover goes before planned ones, and does not wait for holders that do not end', async () => {
  const ONE = 'failover: { atOnce: 1 }';
  const crowd = Crowd.of(stuckAct);
  await crowd.add('holder', {}, ONE);
  await crowd.add('planned', {}, ONE);
  await crowd.pass(20_000);
  const forced = await crowd.add('waiter', { type: 'forced', reason: 'fire' }, ONE);
  const asked = forced.elapsed;
  await forced.run(() => false, asked + 5 * MINUTE);
  expect(recordOf(forced)).toMatchObject({ outcome: 'done', type: 'forced' });
  expect((await status(forced)).events).toEqual(
    expect.arrayContaining([expect.objectContaining({ code: 'failover.slot-not-awaited' })]),
  );
  const act = forced.calls.find((call) => stepOf(call) === 'instance.forced-failover');
  expect((act?.at ?? Number.POSITIVE_INFINITY) - asked).toBeLessThan(MINUTE);
  await crowd.end();
});

describe('while it waits for its slot', () => {
  const ONE = 'failover: { atOnce: 1 }';

  async function behindHolder(workflowType: string, spec: unknown, ms: number) {
    const crowd = Crowd.of(stuckAct);
    const holder = await crowd.add('holder', {}, ONE);
    const link = new FakeLink();
    const driver = await WorkflowDriver.start(
      workflowType,
      { spec, visibility: false },
      link.activities,
      {},
      { driver: holder, workflowId: 'of-the-link' },
    );
    await driver.run(() => false, ms);
    const end = async () => {
      await driver.replay();
      await driver.dispose();
      await crowd.end();
    };
    return { driver, link, holder, end };
  }
  const goOn = (driver: WorkflowDriver, ms: number) => driver.run(() => false, driver.elapsed + ms);

  test('a link hears nothing of a slot that is free, and goes on saying what it does', async () => {
    const link = new FakeLink({ override: stuckAct });
    const input = { spec: specOf('alone', ONE), visibility: false };
    const driver = await WorkflowDriver.start('disasterRecoveryLink', input, link.activities);
    await driver.run(() => false, 120 * MINUTE);
    await driver.update('failover', { by: 'dba', type: 'planned', to: 'instance' });
    await goOn(driver, MINUTE);
    expect(link.changes).toContain('do server.fence');
    expect((await status(driver)).waitingFor).toBe('the planned failover to the instance');
    await driver.dispose();
  });

  test('a link says so, its log is guarded, and a pause withdraws the failover with nothing changed', async () => {
    const { driver, link, holder, end } = await behindHolder(
      'disasterRecoveryLink',
      specOf('waiter', ONE),
      120 * MINUTE,
    );
    link.effects.length = 0;
    expect(await driver.update('failover', { by: 'dba', type: 'planned', to: 'instance' })).toMatchObject({
      accepted: true,
    });
    await goOn(driver, 2 * MINUTE);
    expect((await status(driver)).waitingFor).toContain('(holder); it is next in line');
    const before = (await status(driver)).logBackups.count;
    await goOn(driver, 60 * MINUTE);
    expect((await status(driver)).logBackups.count).toBeGreaterThan(before + 2);
    await driver.update('pause', { by: 'dba' });
    await goOn(driver, MINUTE);
    expect((await status(driver)).protection?.failovers).toMatchObject([
      { outcome: 'withdrawn', summary: 'the failover was paused; nobody was fenced out' },
    ]);
    expect(link.changes).toEqual([]);
    expect(await holder.children[0]?.query('slots')).toMatchObject({ holders: { length: 1 }, queue: [] });
    await end();
  });

  test('a migration says so, backs its log up, and leaves the line when it is postponed', async () => {
    const spec = linkSpecWith(
      `cutover: { approval: { required: false }, fence: { disableLogins: [app] } }\n${ONE}\n`,
    );
    const waiter = { ...spec, settings: { ...spec.settings, name: 'waiter' } };
    const { driver, link, holder, end } = await behindHolder('linkMigration', waiter, 120 * MINUTE);
    const slots = () => holder.children[0]?.query('slots');
    expect((await status(driver)).waitingFor).toContain('(holder); it is next in line');
    const before = (await status(driver)).logBackups.count;
    await goOn(driver, 60 * MINUTE);
    expect((await status(driver)).logBackups.count).toBeGreaterThan(before + 2);
    expect(await slots()).toMatchObject({ queue: [{ name: 'waiter' }] });
    const until = new Date(Date.parse('2026-11-01T00:00:00Z') + 24 * 60 * MINUTE).toISOString();
    await driver.update('postpone', { by: 'dba', until });
    await goOn(driver, MINUTE);
    expect(await slots()).toMatchObject({ queue: [] });
    expect(link.changes).not.toContain('do server.fence');
    // The holder is gone by the time that it may go on.
    holder.terminate();
    await driver.run(() => false, 25 * 60 * MINUTE);
    expect(driver.ended).toMatchObject({ kind: 'completed', result: { cutoverAttempts: 1 } });
    await end();
  });
});

test('a long history of slots begins anew with all who hold and want one', async () => {
  const crowd = Crowd.of(stuckAct);
  const first = await crowd.add('holder', {}, 'failover: { atOnce: 1 }');
  const id = slotsWorkflowId(specOf('x').instance.resourceId);
  await first.run(() => first.children.length > 0);
  first.children[0]?.terminate();
  const slots = await WorkflowDriver.start(
    'failoverSlots',
    { resource: 'x', maxHistoryEvents: 60 },
    {},
    {},
    { driver: first, workflowId: id },
  );
  expect(slots.ended?.kind).toBe('completed');
  const again = await WorkflowDriver.start(
    'failoverSlots',
    {
      resource: 'x',
      maxHistoryEvents: 60,
      state: {
        holders: [
          {
            workflowId: 'test',
            runId: first.runId,
            name: 'holder',
            database: 'h',
            limit: 1,
            forced: false,
            attempt: 1,
          },
        ],
        queue: [],
      },
    },
    {},
    {},
    { driver: first, workflowId: id },
  );
  const waiter = await crowd.add('waiter', {}, 'failover: { atOnce: 1 }');
  await waiter.run(() => again.ended !== undefined, 24 * 60 * MINUTE);
  expect(again.ended).toMatchObject({
    kind: 'continued-as-new',
    input: { state: { holders: [{ name: 'holder' }], queue: [{ name: 'waiter' }] } },
  });
  await crowd.end();
  for (const driver of [slots, again]) await driver.dispose();
});
