/** In virtual time: the creation of a link and what follows it end together, before anything is undone. */
import { TimeoutFailure, TimeoutType } from '@temporalio/common';
import { FakeLink } from '../../support/fake-link';
import { linkSpec } from '../../support/link-spec';
import { type ActivityCall, closeWorkflowDrivers, hang, WorkflowDriver } from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const isOf = (call: ActivityCall, type: string, stepId?: string) =>
  call.type === type && (call.input as { stepId?: string }).stepId === stepId;

test.each([
  'awaitLinkConnected',
  'watchSeeding',
])('the creation times out, and nobody tries it again in time: %s is over before the link is undone', async (follower) => {
  const running: string[] = [];
  const trace = () => driver.trace.filter(({ state }) => state === 'running').map(({ call }) => call.type);
  const failure = new TimeoutFailure('too long', undefined, TimeoutType.START_TO_CLOSE);
  const link = new FakeLink({
    override: (call) => {
      if (isOf(call, 'undoStep', 'instance.link')) running.push(...trace());
      if (isOf(call, 'performStep', 'instance.link')) return { kind: 'fail', failure, afterMs: 10 * MINUTE };
      return call.type === follower ? hang : undefined;
    },
  });
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec: linkSpec(), visibility: false },
    link.activities,
    { cancellationTakesMs: 5_000 },
  );
  await driver.run();
  expect(driver.ended).toMatchObject({ kind: 'failed', error: { type: 'SeedingDeadlineExceeded' } });
  expect(link.effects).toContain('notify TimedOut');
  expect(link.changes).toContain('undo instance.link');
  expect(running).toEqual(['undoStep']);
  await driver.replay();
  await driver.dispose();
});

test('a copy that breaks while the creation is under way is told with its cause, before the link is made again', async () => {
  const broken = {
    kind: 'broken',
    code: 'LinkBroken',
    message: 'broken by "west"',
    remedy: 'find the cause',
  };
  const told: unknown[] = [];
  const link = new FakeLink({
    override: (call) => {
      if (isOf(call, 'performStep', 'instance.link')) return hang;
      if (call.type === 'watchSeeding') return { kind: 'answer', value: broken, afterMs: MINUTE };
      if (call.type === 'notifyPerson') told.push(call.input);
      return undefined;
    },
  });
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec: linkSpec(), visibility: false },
    link.activities,
  );
  await driver.run(() => false, 30 * MINUTE);
  expect(JSON.stringify(told)).toContain('broken by');
  expect(link.effects.filter((effect) => effect === 'notify seeding.broken')).toHaveLength(1);
  await driver.dispose();
});
