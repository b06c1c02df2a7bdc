/** In virtual time: what an activity that gave up may have sent travels to the next one of the same step (promise 1). */
import { ApplicationFailure, TimeoutFailure, TimeoutType } from '@temporalio/common';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink } from '../../support/fake-link';
import { linkSpec } from '../../support/link-spec';
import { StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  closeWorkflowDrivers,
  type FakeOutcome,
  fail,
  giveUp,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const HOUR = 3_600_000;
const DBA = { by: 'dba' };
const UNDER_WAY = { operation: 'sealed', mayHaveSent: false };
const SENT = { mayHaveSent: true };

const leaving = (carried: object | undefined, nonRetryable: boolean): ApplicationFailure =>
  ApplicationFailure.create({
    type: 'Throttled',
    message: 'busy',
    nonRetryable,
    details: [{ remedy: 'wait', ...(carried === undefined ? {} : { carried }) }],
  });

const died = (heartbeat?: object): TimeoutFailure =>
  new TimeoutFailure('heartbeat', heartbeat, TimeoutType.HEARTBEAT);

const stepOf = (call: ActivityCall) => (call.input as { stepId?: string }).stepId;

/** Calls of one kind of one step: fail as they are told to, one after the other, and then go on. */
function failing(type: string, stepId: string, outcomes: readonly FakeOutcome[]) {
  const carried: unknown[] = [];
  const override = (call: ActivityCall): FakeOutcome | undefined => {
    if (call.type !== type || stepOf(call) !== stepId) return undefined;
    carried.push((call.input as { carried?: unknown }).carried);
    return outcomes[carried.length - 1];
  };
  return { carried, override };
}

test('behind the point of no return: through refusals, a worker that died, and a failure that says nothing', async () => {
  const { carried, override } = failing('performStep', 'instance.forced-failover', [
    giveUp(leaving(SENT, false)),
    giveUp(died({ version: 1, operation: 'sealed' })),
    giveUp(ApplicationFailure.create({ type: 'NotFound', message: 'no such activity' })),
    giveUp(leaving({ mayHaveSent: false }, false)),
    giveUp(died()),
  ]);
  const begun = await StandingLink.begin({ override });
  const loss = { reason: 'fire', acceptLossSeconds: 1_000_000 };
  await begun.driver.update('failover', { ...DBA, type: 'forced', to: 'instance', ...loss });
  await begun.goOn(HOUR);
  const both = { operation: 'sealed', mayHaveSent: true };
  expect(carried).toEqual([undefined, SENT, both, both, { mayHaveSent: false }, SENT]);
  expect(await begun.protection()).toMatchObject({ primary: 'instance' });
  await begun.end();
});

test('a step that failed for a person, begun again by resume', async () => {
  const { carried, override } = failing('performStep', 'instance.link', [
    fail(leaving(SENT, true)),
    fail(leaving(UNDER_WAY, true)),
  ]);
  const { driver } = await StandingLink.start({ override });
  for (const expected of [1, 2]) {
    await driver.run(() => false, driver.elapsed + HOUR);
    expect(carried).toHaveLength(expected);
    expect(await driver.update<Answer>('resume', DBA)).toMatchObject({ accepted: true });
  }
  await driver.run(() => false, driver.elapsed + HOUR);
  expect(carried).toEqual([undefined, SENT, UNDER_WAY]);
  await driver.replay();
  await driver.dispose();
});

test('an undoing that failed, tried again', async () => {
  const { carried, override } = failing('undoStep', 'server.fence', [fail(leaving(SENT, true))]);
  const link = new FakeLink({
    override: (call) =>
      override(call) ??
      (call.type === 'awaitCatchUp' && call.count === 1 ? fail(leaving(undefined, true)) : undefined),
  });
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec: linkSpec(), visibility: false },
    link.activities,
  );
  await driver.run(() => carried.length === 2);
  expect(carried).toEqual([undefined, SENT]);
  await driver.run();
  await driver.replay();
  await driver.dispose();
});
