/** Objects outside of the database around a run, in virtual time: when they are copied, compared, and what holds what. */

import { TimeoutFailure, TimeoutType } from '@temporalio/common';
import type { LinkSite } from '../../../src/model/link/side';
import {
  driftFingerprint,
  type ObjectFinding,
  type ObjectsReport,
} from '../../../src/model/sql-server/instance-objects';
import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import type { FailoverRecord } from '../../../src/workflows/run/failover-record';
import { FakeLink, type FakeLinkOptions, isWatch, needsPerson } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeActivity,
  type FakeOutcome,
  fail,
  giveUp,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AT = '2026-11-01T00:00:00.000Z';
const DBA = { by: 'dba' };
const OUT_OF_TIME = new TimeoutFailure('activity timed out', undefined, TimeoutType.START_TO_CLOSE);
const COPIES = ['logins', 'login-passwords', 'agent-jobs', 'agent-job-changes'];

const section = (drift = 'block') => `instanceObjects: { jobs: { include: [totals] }, drift: ${drift} }\n`;
const migration = (drift?: string, approval = '{ required: false }') =>
  linkSpecWith(`cutover: { approval: ${approval}, fence: { disableLogins: [app] } }\n${section(drift)}`);
const staying = (drift?: string) =>
  linkSpecWith(`purpose: disaster-recovery\ncutover: { fence: { disableLogins: [app] } }\n${section(drift)}`);

const conflict: ObjectFinding = {
  kind: 'login',
  name: 'batch',
  state: 'cannot-be-copied',
  detail: 'another SID',
  remedy: 'drop it',
  copyable: false,
};
const missing: ObjectFinding = {
  ...conflict,
  name: 'app',
  state: 'missing',
  detail: 'not there',
  copyable: true,
};

const stepOf = ({ input }: ActivityCall) => (input as { stepId?: string }).stepId ?? '';

/** Both sides as the activities see them: copying mends what can be copied, `drift` is what cannot. */
class FakeObjects {
  readonly link: FakeLink;
  readonly activities: Readonly<Record<string, FakeActivity>>;
  drift: readonly ObjectFinding[] = [];
  toCopy: readonly ObjectFinding[] = [missing];

  constructor(
    options: FakeLinkOptions & { readonly objects?: (call: ActivityCall) => FakeOutcome | undefined } = {},
  ) {
    this.link = new FakeLink({
      ...options,
      override: (call) => options.override?.(call) ?? this.step(call),
    });
    const watch: FakeActivity = (call) => {
      const { known, waitsFirst, everyMs, checkpointAfterMs } = call.input as {
        known: string;
        waitsFirst: boolean;
        everyMs: number;
        checkpointAfterMs: number;
      };
      const report = this.report(call);
      if (!waitsFirst) return answer(report);
      // Looks again after the interval: what a test changed until now is news then.
      const changed = driftFingerprint(report) !== known;
      return answer(report, changed ? everyMs : checkpointAfterMs);
    };
    this.activities = {
      ...this.link.activities,
      compareInstanceObjects: (call) => options.objects?.(call) ?? answer(this.report(call)),
      watchInstanceObjects: (call) => options.objects?.(call) ?? watch(call),
    };
  }

  private report({ input }: ActivityCall): ObjectsReport {
    const { primary } = input as { primary: LinkSite };
    return { observedAt: AT, primary, findings: [...this.toCopy, ...this.drift] };
  }

  private step(call: ActivityCall): FakeOutcome | undefined {
    const step = stepOf(call);
    const isCopy = COPIES.some((name) => step.endsWith(`.${name}`));
    if (call.type === 'observeStep' && isCopy) {
      const settled = this.toCopy.length === 0 || !step.endsWith('.logins');
      return answer(
        settled
          ? { before: { step }, settled: 'same', planned: [] }
          : { before: { step }, planned: [{ kind: 'tsql', on: 'instance', display: `DO ${step}` }] },
      );
    }
    if (call.type === 'performStep' && step.endsWith('.logins')) this.toCopy = [];
    return undefined;
  }
}

const status = (driver: WorkflowDriver) => driver.query<LinkStatus>('status');
const callsOf = (driver: WorkflowDriver, type: string) => driver.calls.filter((call) => call.type === type);

async function begin(type: string, spec: ReturnType<typeof migration>, world: FakeObjects) {
  return WorkflowDriver.start(type, { spec, visibility: false }, world.activities);
}

describe('a migration', () => {
  test('copies before the fence, admits, and moves the jobs: on there first, then off here', async () => {
    const world = new FakeObjects();
    const driver = await begin('linkMigration', migration(), world);
    expect(await driver.run()).toMatchObject({ kind: 'completed' });
    const { changes } = world.link;
    const order = [
      'do first-log-backup',
      'do instance.logins',
      'do server.fence',
      'do instance.verify-writable',
      'do instance.admit-applications',
      'do instance.enable-jobs',
      'do server.disable-jobs',
      'do instance.remove-link',
    ];
    expect(changes.filter((change) => order.includes(change))).toEqual(order);
    await driver.replay();
    await driver.dispose();
  });

  test('without the section makes none of these calls', async () => {
    const world = new FakeObjects();
    const driver = await begin(
      'linkMigration',
      linkSpecWith('cutover: { approval: { required: false }, fence: { disableLogins: [app] } }\n'),
      world,
    );
    expect(await driver.run()).toMatchObject({ kind: 'completed' });
    expect(callsOf(driver, 'compareInstanceObjects')).toEqual([]);
    expect(callsOf(driver, 'watchInstanceObjects')).toEqual([]);
    expect(driver.calls.map(stepOf).filter((step) => /logins|jobs|admit/.test(step))).toEqual([]);
    await driver.dispose();
  });

  test('waits for weeks in a handful of calls', async () => {
    const world = new FakeObjects({
      override: (call) => (isWatch(call, 'server') ? hang : undefined),
    });
    const driver = await begin('linkMigration', migration('block', '{ required: true }'), world);
    await driver.run(() => false, 2 * HOUR);
    expect(world.link.changes).toContain('do instance.logins');
    expect((await status(driver)).events.map(({ code }) => code)).toContain('objects.same');
    const before = driver.calls.length;
    await driver.run(() => false, 28 * DAY);
    // One checkpoint a week, and nothing in between.
    expect(driver.calls.length - before).toBeLessThanOrEqual(5);
    await driver.dispose();
  });

  test.each(['block', 'warn', 'ignore'] as const)('drift: %s', async (drift) => {
    const world = new FakeObjects();
    world.drift = [conflict];
    const driver = await begin('linkMigration', migration(drift), world);
    await driver.run(() => false, 5 * HOUR);
    const told = world.link.effects.filter((effect) => /objects\.drift|InstanceObjectsDiffer/.test(effect));
    const fenced = world.link.changes.includes('do server.fence');
    switch (drift) {
      case 'block':
        expect([told, fenced]).toEqual([['notify InstanceObjectsDiffer'], false]);
        expect((await status(driver)).blockedBy).toMatchObject({ code: 'InstanceObjectsDiffer' });
        break;
      case 'warn':
        expect([told, fenced]).toEqual([['notify objects.drift'], true]);
        break;
      case 'ignore':
        expect([told, fenced]).toEqual([[], true]);
        expect(callsOf(driver, 'compareInstanceObjects')).toEqual([]);
    }
    await driver.replay();
    await driver.dispose();
  });

  test('goes on by itself once the difference is gone', async () => {
    const world = new FakeObjects();
    world.drift = [conflict];
    const driver = await begin('linkMigration', migration(), world);
    await driver.run(() => world.link.effects.includes('notify InstanceObjectsDiffer'));
    world.drift = [];
    // The watch that is under way sees it at its next look; the fake gives its answer when it is asked again.
    expect(await driver.update<Answer>('resume', DBA)).toMatchObject({ accepted: true });
    expect(await driver.run()).toMatchObject({ kind: 'completed' });
    expect((await driver.query<{ effects: unknown[] }[]>('journal')).length).toBeGreaterThan(10);
    await driver.replay();
    await driver.dispose();
  });

  test('goes on when an approval accepts the difference; it is told by whom', async () => {
    const world = new FakeObjects();
    world.drift = [conflict];
    const driver = await begin('linkMigration', migration(), world);
    await driver.run(() => world.link.effects.includes('notify InstanceObjectsDiffer'));
    await driver.update<Answer>('approve', { ...DBA, acceptDrift: true });
    await driver.run();
    expect(driver.ended).toMatchObject({ kind: 'completed' });
    expect(world.link.effects).toContain('notify objects.drift');
    await driver.replay();
    await driver.dispose();
  });

  test('a step that cannot be done is told, and the difference that stays holds the cutover', async () => {
    const world = new FakeObjects({
      override: (call) =>
        call.type === 'performStep' && stepOf(call) === 'instance.logins'
          ? fail(needsPerson('NoPermission'))
          : undefined,
    });
    const driver = await begin('linkMigration', migration(), world);
    await driver.run(() => false, 5 * HOUR);
    expect((await status(driver)).blockedBy).toMatchObject({
      code: 'InstanceObjectsDiffer',
      message: expect.stringContaining('NoPermission happened'),
    });
    expect(world.link.changes).not.toContain('do server.fence');
    await driver.dispose();
  });

  test('a comparison that ends by a time-out waits for a person, and undoes nothing', async () => {
    const world = new FakeObjects({
      objects: (call) =>
        call.type === 'compareInstanceObjects' && call.count === 1 ? giveUp(OUT_OF_TIME) : undefined,
    });
    const driver = await begin('linkMigration', migration(), world);
    await driver.run(() => false, 5 * HOUR);
    expect((await status(driver)).blockedBy).toMatchObject({
      code: 'TimedOut',
      stepId: 'Objects outside of the database',
    });
    expect(world.link.effects.filter((effect) => effect === 'notify TimedOut')).toHaveLength(1);
    expect(world.link.changes.filter((change) => change.startsWith('undo '))).toEqual([]);
    await driver.update<Answer>('resume', DBA);
    expect(await driver.run()).toMatchObject({ kind: 'completed', result: { outcome: 'completed' } });
    await driver.replay();
    await driver.dispose();
  });

  test('an abort at any call undoes what was begun, the copies too, and leaves no fence', async () => {
    const clean = new FakeObjects();
    const first = await begin('linkMigration', migration(), clean);
    await first.run();
    const pointOfNoReturn = first.calls.findIndex(({ type }) => type === 'confirmPointOfNoReturn');
    expect(pointOfNoReturn).toBeGreaterThan(30);
    await first.dispose();
    const wrong: string[] = [];
    for (let position = 0; position < pointOfNoReturn; position += 1) {
      const world = new FakeObjects();
      const driver = await begin('linkMigration', migration(), world);
      await driver.run(() => driver.calls.length > position);
      await driver.update<Answer>('abort', DBA);
      const ending = await driver.run();
      if (ending.kind !== 'completed') wrong.push(`${position}: ${ending.kind}`);
      const done = world.link.changes
        .filter((change) => change.startsWith('do '))
        .map((change) => change.slice(3));
      const undone = world.link.changes
        .filter((change) => change.startsWith('undo '))
        .map((change) => change.slice(5));
      for (const step of ['instance.logins', 'server.fence']) {
        if (done.includes(step) && !undone.includes(step)) wrong.push(`${position}: ${step} stays`);
      }
      if (position % 7 === 0) await driver.replay();
      await driver.dispose();
    }
    expect(wrong).toEqual([]);
  }, 120_000);
});

test('one beginning that cannot be undone hides no earlier one of the same step', async () => {
  const undone: unknown[] = [];
  let rounds = 0;
  const world = new FakeObjects({
    override: (call) => {
      if (isWatch(call, 'server')) return hang;
      if (stepOf(call) !== 'instance.logins') return undefined;
      if (call.type === 'observeStep' && world.toCopy.length > 0) {
        rounds += 1;
        return answer({ before: { round: rounds }, planned: [] });
      }
      if (call.type !== 'undoStep') return undefined;
      const { before } = call.input as { before: { round: number } };
      undone.push(before.round);
      return before.round === 2 ? fail(needsPerson('LoginOwnsJobs')) : answer({ effects: [] });
    },
  });
  const driver = await begin('linkMigration', migration('warn', '{ required: true }'), world);
  await driver.run(() => false, 2 * HOUR);
  world.toCopy = [missing];
  await driver.run(() => false, 10 * DAY);
  expect(rounds).toBe(2);
  await driver.update<Answer>('abort', DBA);
  await driver.run();
  expect(undone).toEqual([2, 1]);
  expect(driver.ended).toMatchObject({
    kind: 'completed',
    result: { leftovers: [expect.stringContaining('LoginOwnsJobs happened')] },
  });
  await driver.replay();
  await driver.dispose();
});

describe('a copy that fails', () => {
  /** @param looks facts of the step, look by look */
  async function failing(looks: readonly object[], rest: object = {}) {
    const undone: unknown[] = [];
    const seen: unknown[] = [];
    const world = new FakeObjects({
      override: (call) => {
        if (isWatch(call, 'server')) return hang;
        if (stepOf(call) !== 'instance.logins') return undefined;
        if (call.type === 'observeStep') {
          const look = looks[seen.length];
          seen.push(call.input);
          if (look === undefined) return fail(needsPerson('Unreachable'));
          return answer({ before: look, planned: [], ...rest });
        }
        if (call.type === 'performStep') return fail(needsPerson('NoPermission'));
        if (call.type !== 'undoStep') return undefined;
        const { before, after } = call.input as { before: unknown; after?: unknown };
        undone.push({ before, after });
        return answer([]);
      },
    });
    const driver = await begin('linkMigration', migration('warn', '{ required: true }'), world);
    await driver.run(() => false, 2 * HOUR);
    await driver.update<Answer>('abort', DBA);
    await driver.run();
    await driver.replay();
    await driver.dispose();
    return { undone, looks: seen.length };
  }

  test('is looked at once more: an undo gets the facts of that moment', async () => {
    expect(await failing([{ missing: 2 }, { missing: 1 }], { asksAfter: true })).toEqual({
      undone: [{ before: { missing: 2 }, after: { missing: 1 } }],
      looks: 2,
    });
  });

  test('and changed nothing is not undone', async () => {
    const { undone } = await failing([{ missing: 2 }, { missing: 2 }], { asksAfter: true });
    expect(undone).toEqual([]);
  });

  test('and cannot be looked at is uncertain', async () => {
    const { undone } = await failing([{ missing: 2 }], { asksAfter: true });
    expect(undone).toEqual([{ before: { missing: 2 }, after: null }]);
  });

  test('is not looked at where its activities do not ask for it, as in older histories', async () => {
    expect(await failing([{ missing: 2 }, { missing: 1 }])).toEqual({
      undone: [{ before: { missing: 2 } }],
      looks: 1,
    });
  });
});

describe('a DR link', () => {
  async function standing(world: FakeObjects, drift?: string) {
    const driver = await begin('disasterRecoveryLink', staying(drift), world);
    await driver.run(() => false, 2 * HOUR);
    world.link.effects.length = 0;
    return driver;
  }
  const failover = (driver: WorkflowDriver, request: object = {}) =>
    driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance', ...request });
  const last = async (driver: WorkflowDriver): Promise<FailoverRecord | undefined> => {
    await driver.run(() => false, driver.elapsed + 60_000);
    return (await status(driver)).protection?.failovers.at(-1);
  };

  test('a planned failover is held, shown by the link, and withdrawn by a pause', async () => {
    const world = new FakeObjects();
    const driver = await standing(world);
    world.drift = [conflict];
    await failover(driver);
    expect(await last(driver)).toBeUndefined();
    expect((await status(driver)).blockedBy).toMatchObject({ code: 'InstanceObjectsDiffer' });
    expect(world.link.changes).not.toContain('do server.fence');
    await driver.update<Answer>('pause', DBA);
    expect(await last(driver)).toMatchObject({ outcome: 'withdrawn' });
    await driver.replay();
    await driver.dispose();
  });

  test('accepted, it goes on; the way back copies to the SQL Server', async () => {
    const world = new FakeObjects();
    const driver = await standing(world);
    world.drift = [conflict];
    await failover(driver, { acceptDrift: true });
    expect(await last(driver)).toMatchObject({ outcome: 'done' });
    expect(world.link.changes).toEqual(
      expect.arrayContaining(['do instance.enable-jobs', 'do server.disable-jobs']),
    );
    world.toCopy = [missing];
    world.drift = [];
    await failover(driver, { to: 'server', acknowledgedBy: 'dba' });
    expect(await last(driver)).toMatchObject({ outcome: 'done', to: 'server' });
    const back = world.link.changes.slice(world.link.changes.indexOf('do instance.fence') - 1);
    expect(back[0]).toBe('do server.logins');
    expect(back).toEqual(expect.arrayContaining(['do server.enable-jobs', 'do instance.disable-jobs']));
    await driver.replay();
    await driver.dispose();
  });

  test('a forced failover waits for none of it, and tells what was known', async () => {
    const world = new FakeObjects();
    world.drift = [conflict];
    const driver = await standing(world);
    await failover(driver, { type: 'forced', reason: 'fire', acceptLossSeconds: 100_000 });
    expect(await last(driver)).toMatchObject({ type: 'forced', outcome: 'done' });
    expect(world.link.effects).toContain('notify objects.drift');
    expect(world.link.changes).toContain('do instance.enable-jobs-after-loss');
    await driver.dispose();
  });

  test('jobs that do not move are told, and hold nothing up', async () => {
    const world = new FakeObjects({
      override: (call) =>
        call.type === 'performStep' && stepOf(call).endsWith('-jobs') && /able/.test(stepOf(call))
          ? fail(needsPerson('AgentStopped'))
          : undefined,
    });
    const driver = await standing(world);
    await failover(driver);
    expect(await last(driver)).toMatchObject({ outcome: 'done' });
    expect(world.link.effects.filter((effect) => effect === 'notify jobs.not-switched')).toHaveLength(2);
    await driver.dispose();
  });

  test('a look that fails for good is told once, and tried again later', async () => {
    let broken = true;
    const world = new FakeObjects({
      objects: (call) =>
        broken && call.type === 'watchInstanceObjects' ? fail(needsPerson('RowNotUnderstood')) : undefined,
    });
    const driver = await begin('disasterRecoveryLink', staying(), world);
    await driver.run(() => false, 2 * DAY);
    expect(world.link.effects.filter((effect) => effect === 'notify RowNotUnderstood')).toHaveLength(1);
    expect(driver.ended).toBeUndefined();
    broken = false;
    await driver.run(() => false, 3 * DAY);
    expect(world.link.changes).toContain('do instance.logins');
    await driver.dispose();
  });
});
