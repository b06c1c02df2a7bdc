/** In virtual time: a link and its failover know each other by workflow and run; what others say is dropped. */

import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink, named, needsPerson } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { STANDING_SPEC, StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  fail,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DBA = { by: 'dba', acknowledgedBy: 'dba' };
const STRANGER = { workflowId: 'test/failover-1', runId: 'of-nobody' };

const failOver = ({ driver }: Pick<StandingLink, 'driver'>, to: 'server' | 'instance') =>
  driver.update<Answer>('failover', { ...DBA, type: 'planned', to });
const statusOf = (driver: WorkflowDriver) => driver.query<LinkStatus>('status');
const running = (driver: WorkflowDriver) =>
  driver.trace.filter(({ state }) => state === 'running').map(({ call }) => named(call));
const codes = async (driver: WorkflowDriver) => (await statusOf(driver)).events.map(({ code }) => code);
const crossed = (to: string) => ({
  kind: 'new-primary-proven',
  record: {
    workflowId: STRANGER.workflowId,
    type: 'planned',
    to,
    by: 'x',
    reason: null,
    startedAt: '2026-11-01T00:00:00.000Z',
    endedAt: '2026-11-01T00:00:01.000Z',
    outcome: 'done',
    summary: 'x',
    rtoMs: null,
    evidence: null,
    loss: null,
  },
  from: STRANGER,
});

test('a link ended by force, its failover goes on; the link begun again under its name does not take that for its own', async () => {
  const old = await StandingLink.begin({
    override: (call) =>
      call.type === 'awaitReadiness' ? answer({ observedAt: '', summary: 'ready' }, 3 * HOUR) : undefined,
  });
  await failOver(old, 'instance');
  await old.goOn();
  old.driver.terminate();
  const link = new FakeLink();
  const driver = await WorkflowDriver.start(
    'disasterRecoveryLink',
    { spec: STANDING_SPEC, visibility: false },
    link.activities,
    {},
    { driver: old.driver, workflowId: 'test' },
  );
  const goOn = (ms: number) => driver.run(() => false, driver.elapsed + ms);
  await goOn(90 * MINUTE);
  const swap = async (to: 'server' | 'instance') => {
    expect(await failOver({ driver }, to)).toMatchObject({ accepted: true });
    await goOn(10 * MINUTE);
    expect((await statusOf(driver)).protection).toMatchObject({ primary: to, pendingRequest: null });
  };
  await swap('instance');
  expect(old.driver.children[0]?.ended).toBeUndefined();
  await goOn(4 * HOUR);
  expect(old.driver.children[0]?.ended).toMatchObject({ kind: 'completed', result: { outcome: 'done' } });
  await swap('server');
  expect((await statusOf(driver)).protection?.failovers.map(({ to, outcome }) => `${to} ${outcome}`)).toEqual(
    ['instance done', 'server done'],
  );
  // The watch of the link that was ended by force, of whose end nobody hears, and its own.
  expect(running(driver)).toEqual(['watch server', 'watch server']);
  await driver.replay();
  await driver.dispose();
  await old.driver.dispose();
});

test('news of others are noted once for each, and change nothing: before, under and after a failover', async () => {
  const begun = await StandingLink.begin();
  const { driver } = begun;
  await driver.signal('failoverNews', crossed('instance'));
  await driver.signal('failoverNews', { kind: 'fencing' });
  await begun.goOn();
  expect(await begun.protection()).toMatchObject({ primary: 'server', failovers: [] });
  await failOver(begun, 'instance');
  await driver.signal('failoverNews', crossed('server'));
  await begun.goOn(10 * MINUTE);
  await driver.signal('failoverNews', crossed('server'));
  await begun.goOn();
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers).toEqual([expect.objectContaining({ to: 'instance', outcome: 'done', by: 'dba' })]);
  expect((await codes(driver)).filter((code) => code === 'failover.news-of-others')).toHaveLength(2);
  await begun.end();
});

test('whoever sends much pushes nothing else out of the events: not of a link, not of its failover', async () => {
  const begun = await StandingLink.begin({
    override: (call) => (call.type === 'awaitCatchUp' ? hang : undefined),
  });
  const { driver } = begun;
  await driver.update('failover', { by: 'dba', type: 'planned', to: 'instance' });
  await begun.goOn();
  const before = await codes(driver);
  const [failover] = driver.children;
  for (let n = 0; n < 80; n += 1) {
    await driver.signal('failoverNews', { kind: 'fencing', from: { workflowId: `x${n}`, runId: 'r' } });
    await failover?.signal('failoverControl', { kind: 'pause', from: { workflowId: `x${n}`, runId: 'r' } });
  }
  const after = await codes(driver);
  expect(after.filter((code) => code !== 'failover.news-of-others')).toEqual(before);
  expect(after.length - before.length).toBe(3);
  await failover?.update('abort', { by: 'dba' });
  await begun.goOn();
  await begun.end();
});

test('a problem that is over, told late, is not taken for that of somebody else', async () => {
  const begun = await StandingLink.begin({
    override: (call) =>
      call.type === 'performStep' && stepOf(call) === 'instance.remove-link' && call.at > 3 * HOUR
        ? fail(needsPerson('Forbidden'))
        : undefined,
  });
  const { driver } = begun;
  await failOver(begun, 'instance');
  await begun.goOn(90 * MINUTE);
  const [failover] = driver.children;
  await driver.update('remove', { by: 'dba' });
  await begun.goOn(10 * MINUTE);
  expect((await begun.status()).blockedBy).toMatchObject({ code: 'Forbidden' });
  const from = { workflowId: failover?.workflowId, runId: failover?.runId };
  await driver.signal('failoverNews', { kind: 'problem', problem: null, from });
  expect((await begun.status()).blockedBy).toMatchObject({ code: 'Forbidden' });
  expect(await driver.update('resume', { by: 'dba' })).toMatchObject({ accepted: true });
  // Its own failover is no stranger.
  expect(await codes(driver)).not.toContain('failover.news-of-others');
  await begun.end();
});

test('its news and its result in one activation: one record, and whoever leads is watched', async () => {
  const begun = await StandingLink.begin(
    {},
    {
      spec: linkSpecWith(
        'purpose: disaster-recovery\ncutover: { fence: { disableLogins: [app] } }\nafterFailover: { checks: false }\n',
      ),
    },
  );
  const { driver } = begun;
  await failOver(begun, 'instance');
  await driver.run(() => driver.calls.some((call) => stepOf(call) === 'instance.admit-applications'));
  expect(await driver.holdNext('signal')).toBe(true);
  await begun.goOn();
  const { primary, failovers, pendingRequest } = await begun.protection();
  expect({ primary, pendingRequest }).toEqual({ primary: 'instance', pendingRequest: null });
  expect(failovers).toEqual([expect.objectContaining({ outcome: 'done' })]);
  expect(running(driver)).toEqual(['watch instance']);
  await begun.end();
});

test.each([
  { kind: 'pause' },
  { kind: 'preempt', by: 'x' },
])('a failover does not obey others: $kind', async (control) => {
  let isHeld = true;
  const begun = await StandingLink.begin({
    override: (call) => {
      if (call.type === 'awaitReadiness' && isHeld) return answer({ observedAt: '', summary: 'ready' }, HOUR);
      return call.type === 'awaitCatchUp' && isHeld ? hang : undefined;
    },
  });
  await failOver(begun, 'instance');
  await begun.goOn();
  isHeld = false;
  const [failover] = begun.driver.children;
  await failover?.signal('failoverControl', { ...control, from: STRANGER });
  await failover?.signal('failoverControl', control);
  await begun.goOn(2 * HOUR);
  expect(failover?.ended).toMatchObject({ result: { outcome: 'done' } });
  expect(await begun.protection()).toMatchObject({ primary: 'instance' });
  await begun.end();
});

const stepOf = (call: ActivityCall): string => (call.input as { stepId?: string }).stepId ?? '';
