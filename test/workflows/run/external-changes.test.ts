/** In virtual time: what other hands do to a DR link, and the log while a person is waited for. */

import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink, isWatch, needsPerson, watchInput } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { STANDING_SPEC, StandingLink } from '../../support/standing-driver';
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
const DBA = { by: 'dba' };
const SEEN_AT = '2026-11-01T02:10:00.000Z';
const health = (healthy = true) => ({
  observedAt: SEEN_AT,
  healthy,
  summary: healthy ? 'fine' : 'down',
  lagSeconds: healthy ? 0 : null,
  logUsedPercent: 5,
});
const roles = (primary: 'server' | 'instance', after = MINUTE): FakeOutcome =>
  answer(
    {
      kind: 'external-failover',
      primary,
      reason: 'both agree',
      platformTime: SEEN_AT,
      health: health(false),
    },
    after,
  );

/** Answers the watches of a standing link once it stands; undefined goes on to what the fake does by itself. */
const onceStanding =
  (watch: (call: ActivityCall) => FakeOutcome | undefined) =>
  (call: ActivityCall): FakeOutcome | undefined =>
    call.at >= 2 * HOUR ? watch(call) : undefined;

test('roles that others swapped are adopted: told, recorded, and the other side watched', async () => {
  const begun = await StandingLink.begin({
    override: onceStanding((call) => (isWatch(call, 'server') ? roles('instance') : undefined)),
  });
  await begun.goOn(20 * MINUTE);
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers).toEqual([
    expect.objectContaining({ type: 'outside', by: 'outside', to: 'instance', outcome: 'done', rtoMs: null }),
  ]);
  expect(begun.link.effects).toEqual(['notify failover.external']);
  expect(begun.driver.trace.at(-1)?.call).toMatchObject({ type: 'watch', input: { primary: 'instance' } });
  // Nobody knows what such a swap was worth: the next one is still asked for by name.
  const again = await begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'server' });
  expect(again).toMatchObject({ accepted: false });
  await begun.end();
});

test('a request that is under way is not overruled: people are told, and it is looked at again later', async () => {
  const begun = await StandingLink.begin({
    override: onceStanding((call) => {
      if (call.type === 'awaitReadiness') return hang;
      return isWatch(call, 'server') ? roles('instance', 10 * MINUTE) : undefined;
    }),
  });
  await begun.driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  const told = () => begun.link.effects.filter((effect) => effect === 'notify failover.external').length;
  await begun.goOn(12 * HOUR);
  expect((await begun.protection()).primary).toBe('server');
  // It is the same for as long as the request waits (promise 15).
  expect(told()).toBe(1);
  await begun.driver.update('pause', DBA);
  await begun.goOn(30 * MINUTE);
  expect((await begun.protection()).primary).toBe('instance');
  expect(told()).toBe(2);
  await begun.end();
});

test('what was told of a change from outside is told again under another request', async () => {
  const begun = await StandingLink.begin({
    override: onceStanding((call) => {
      if (call.type === 'awaitReadiness') return hang;
      return isWatch(call, 'server') ? roles('instance', 2 * MINUTE) : undefined;
    }),
  });
  const told = () => begun.link.effects.filter((effect) => effect === 'notify failover.external').length;
  for (const times of [1, 2]) {
    await begun.driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
    await begun.goOn(HOUR);
    expect(told()).toBe(times);
    await begun.driver.children.at(-1)?.update('abort', DBA);
    await begun.goOn(1_000);
    expect((await begun.protection()).pendingRequest).toBeNull();
  }
  await begun.end();
});

test('roles that a failover of the run itself swapped are its own doing', async () => {
  // The watch hears late that it is over, and has seen the new roles meanwhile.
  const link = new FakeLink({
    override: onceStanding((call) => (isWatch(call, 'server') ? roles('instance', 10 * MINUTE) : undefined)),
  });
  const driver = await WorkflowDriver.start(
    'disasterRecoveryLink',
    { spec: STANDING_SPEC, visibility: false },
    link.activities,
    { cancellationIsLate: true },
  );
  await driver.run(() => driver.calls.some((call) => isWatch(call, 'server') && call.at >= 2 * HOUR));
  await driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  await driver.run(() => false, 3 * HOUR);
  const { protection, events } = await driver.query<LinkStatus>('status');
  expect(protection?.primary).toBe('instance');
  expect(protection?.failovers.map(({ by }) => by)).toEqual(['dba']);
  expect(events.map(({ code }) => code)).not.toContain('failover.external');
  const guards = driver.trace.filter(({ call }) => isWatch(call, 'server') && call.at >= 2 * HOUR);
  expect(guards.map(({ state }) => state)).toEqual(['completed']);
  // What the watch of the old primary saw last says nothing of the new one.
  expect((await driver.query<LinkStatus>('status')).health?.summary).not.toBe('down');
  await driver.dispose();
});

test('while the jobs follow roles that others swapped, the old primary is watched no more, and the new one is looked at first', async () => {
  const objects = 'instanceObjects: { jobs: { include: [totals] }, drift: ignore }\n';
  const begun = await StandingLink.begin(
    {
      override: onceStanding((call) => {
        const { stepId } = call.input as { stepId?: string };
        if (call.type === 'observeStep' && stepId === 'instance.enable-jobs')
          return answer({ before: {}, settled: 'there', planned: [] }, 10 * MINUTE);
        return isWatch(call, 'server') ? roles('instance') : undefined;
      }),
    },
    {
      spec: linkSpecWith(
        `purpose: disaster-recovery\ncutover: { fence: { disableLogins: [app] } }\n${objects}`,
      ),
    },
  );
  await begun.goOn(20 * MINUTE);
  const watches = begun.driver.calls.filter(({ type }) => type === 'watch');
  const swappedAt = watches.findLast((call) => isWatch(call, 'server'))?.at ?? 0;
  const [first] = watches.filter((call) => isWatch(call, 'instance'));
  expect((first?.at ?? 0) - swappedAt).toBeGreaterThan(10 * MINUTE);
  expect(first && watchInput(first).checkpointAfterMs).toBe(0);
  await begun.end();
});

test('a split brain that others ended is over', async () => {
  const begun = await StandingLink.begin({
    override: onceStanding((call) => {
      if (!isWatch(call, 'server')) return undefined;
      if (watchInput(call).standing?.splitBrainKnown === true) return roles('server');
      if (call.at > 2 * HOUR + 20 * MINUTE) return hang;
      const logEnds = { server: '9', instance: '9' };
      return answer({ kind: 'split-brain', reason: 'two primaries', health: health(), logEnds }, MINUTE);
    }),
  });
  await begun.goOn(HOUR);
  expect(await begun.protection()).toMatchObject({ primary: 'server', failovers: [] });
  expect(begun.link.effects).toContain('notify split-brain.ended-externally');
  await begun.end();
});

describe('a link that others removed', () => {
  const gone = onceStanding((call) => {
    if (!isWatch(call, 'server')) return undefined;
    return watchInput(call).standing?.deletionKnown === true
      ? hang
      : answer({ kind: 'deleted-externally', reason: 'Azure has no link', health: health(false) }, MINUTE);
  });

  test('is told once, leaves nothing but its removal, and that cleans up', async () => {
    const begun = await StandingLink.begin({ override: gone });
    await begun.goOn(HOUR);
    expect(begun.link.effects).toEqual(['notify link.deleted-externally']);
    expect((await begun.status()).nextSteps).toEqual(['sqlferry remove sales']);
    const { possible, deletedExternally } = await begun.protection();
    expect([possible, deletedExternally?.reason]).toEqual([['removal'], 'Azure has no link']);
    await begun.driver.update('remove', DBA);
    await begun.driver.run();
    expect(begun.driver.ended).toMatchObject({ result: { outcome: 'removed' } });
    await begun.end();
  });

  test('that comes back is as before', async () => {
    const begun = await StandingLink.begin({
      override: onceStanding((call) => {
        if (!isWatch(call, 'server')) return undefined;
        if (call.at > 3 * HOUR) return hang;
        return watchInput(call).standing?.deletionKnown === true
          ? answer({ kind: 'health-changed', health: health() }, 90 * MINUTE)
          : gone(call);
      }),
    });
    await begun.goOn(30 * MINUTE);
    expect((await begun.protection()).deletedExternally).toBeDefined();
    await begun.goOn(2 * HOUR);
    const seen = await begun.protection();
    expect(seen.deletedExternally).toBeUndefined();
    expect(seen.possible).toContain('planned failover to the instance');
    await begun.end();
  });
});

describe('the log while a person is waited for during seeding', () => {
  const begin = async (watchLog: boolean | undefined, watch: FakeOutcome) => {
    const link = new FakeLink({
      override: (call) => {
        if (call.type === 'watchLogSpace') return call.count > 1 ? hang : watch;
        if (call.type === 'watchSeeding' && call.count === 1)
          return answer({ kind: 'broken', code: 'LinkBroken', message: 'broken', remedy: 'mend' }, MINUTE);
        return undefined;
      },
    });
    const spec = linkSpecWith('cutover: { approval: { required: true } }\n');
    const { watchLog: _default, ...seeding } = spec.settings.seeding;
    const changed = {
      ...spec,
      settings: {
        ...spec.settings,
        seeding: watchLog === undefined ? seeding : { ...seeding, watchLog },
      },
    };
    const driver = await WorkflowDriver.start(
      'linkMigration',
      { spec: changed, visibility: false },
      link.activities,
    );
    await driver.run(() => false, HOUR);
    return { driver, link };
  };

  test('is watched: an alarm is told once, and the watch ends with the wait', async () => {
    const { driver, link } = await begin(
      true,
      answer({ kind: 'log-alarm', reason: 'The log is 90 % used.' }, MINUTE),
    );
    expect(link.effects.filter((effect) => effect.startsWith('notify'))).toEqual([
      'notify LinkBroken',
      'notify log-backup.alarm',
    ]);
    const inputs = driver.calls.filter(({ type }) => type === 'watchLogSpace').map(({ input }) => input);
    expect(inputs).toMatchObject([{ alarmRaised: false }, { alarmRaised: true }]);
    await driver.update('resume', DBA);
    await driver.run(() => false, 4 * HOUR);
    const watches = driver.trace.filter(({ call }) => call.type === 'watchLogSpace');
    expect(watches.map(({ state }) => state)).toEqual(['completed', 'cancelled']);
    await driver.replay();
    await driver.dispose();
  });

  test('a watch that fails holds nobody up', async () => {
    const { driver } = await begin(true, fail(needsPerson('LoginFailed')));
    await driver.update('resume', DBA);
    await driver.run(() => false, 4 * HOUR);
    expect((await driver.query<{ phase: string }>('status')).phase).toBe('replicating');
    await driver.replay();
    await driver.dispose();
  });

  test('is not where the spec does not ask for it', async () => {
    const { driver } = await begin(false, hang);
    expect(driver.calls.map(({ type }) => type)).not.toContain('watchLogSpace');
    await driver.dispose();
  });
});
