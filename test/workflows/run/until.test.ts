import { join } from 'node:path';
import { needsPerson } from '../../support/fake-link';
import type { LimitsSent, UntilSeen } from '../../support/until-workflow';
import {
  answer,
  closeWorkflowDrivers,
  type DriverOptions,
  type FakeOutcome,
  fail,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';
import { useWorkflowsOf } from '../../support/workflow-sandbox';

beforeAll(() => useWorkflowsOf(join(__dirname, '../../support/until-workflow.ts')), 60_000);
afterAll(closeWorkflowDrivers);

const SECOND = 1_000;

async function begin(outcome: FakeOutcome, limits: LimitsSent = {}, options: DriverOptions = {}) {
  const driver = await WorkflowDriver.start('untilWorkflow', limits, { work: () => outcome }, options);
  const goOn = (ms: number) => driver.run(() => false, driver.elapsed + ms);
  const seen = () => driver.query<UntilSeen>('seen');
  return { driver, goOn, seen };
}

test('work that ends: its value, and no condition stays behind', async () => {
  const { driver, goOn, seen } = await begin(answer('done', 5 * SECOND));
  await goOn(60 * SECOND);
  expect(await seen()).toEqual({ done: { left: false, value: 'done' }, afterMs: 5 * SECOND, conditions: 0 });
  await driver.replay();
  await driver.dispose();
});

test('work that fails throws, and no condition stays behind', async () => {
  const { driver, goOn, seen } = await begin(fail(needsPerson('Broken'), SECOND));
  await goOn(60 * SECOND);
  expect(await seen()).toEqual({ done: { thrown: 'ActivityFailure' }, afterMs: SECOND, conditions: 0 });
  await driver.dispose();
});

test('a reason to leave: the work is cancelled, and waited for without limit', async () => {
  const { driver, goOn, seen } = await begin(hang, {}, { cancellationTakesMs: 600 * SECOND });
  await goOn(10 * SECOND);
  await driver.signal('leave');
  expect((await seen()).done).toBeNull();
  await goOn(3_600 * SECOND);
  expect(await seen()).toEqual({
    done: { left: true, hasEnded: true },
    afterMs: 610 * SECOND,
    conditions: 0,
  });
  await driver.replay();
  await driver.dispose();
});

test('work that does not stop within its grace is left to itself', async () => {
  const { driver, goOn, seen } = await begin(
    hang,
    { graceMs: 8 * SECOND },
    { cancellationTakesMs: 600 * SECOND },
  );
  await goOn(10 * SECOND);
  await driver.signal('leave');
  await goOn(3_600 * SECOND);
  expect(await seen()).toEqual({
    done: { left: true, hasEnded: false },
    afterMs: 18 * SECOND,
    conditions: 0,
  });
  await driver.replay();
  await driver.dispose();
});

test('without grace nobody waits for what was left', async () => {
  const { driver, goOn, seen } = await begin(hang, { graceMs: 0 }, { cancellationTakesMs: 600 * SECOND });
  await goOn(10 * SECOND);
  await driver.signal('leave');
  await goOn(SECOND);
  expect(await seen()).toMatchObject({ done: { left: true, hasEnded: false }, afterMs: 10 * SECOND });
  await driver.dispose();
});

test('a limit is a reason to leave', async () => {
  const { driver, goOn, seen } = await begin(hang, { withinMs: 5 * SECOND });
  await goOn(60 * SECOND);
  expect(await seen()).toEqual({ done: { left: true, hasEnded: true }, afterMs: 5 * SECOND, conditions: 0 });
  await driver.dispose();
});

test('what came to its end although it was left, counts', async () => {
  const { driver, goOn, seen } = await begin(answer('done', 30 * SECOND), {}, { cancellationIsLate: true });
  await goOn(10 * SECOND);
  await driver.signal('leave');
  await goOn(60 * SECOND);
  expect(await seen()).toMatchObject({ done: { left: false, value: 'done' }, afterMs: 30 * SECOND });
  await driver.dispose();
});

test('what failed although it was left, is told apart', async () => {
  const failure = fail(needsPerson('Broken'), 30 * SECOND);
  const { driver, goOn, seen } = await begin(failure, {}, { cancellationIsLate: true });
  await goOn(10 * SECOND);
  await driver.signal('leave');
  await goOn(60 * SECOND);
  expect(await seen()).toMatchObject({
    done: { left: true, hasEnded: true, failure: expect.stringContaining('ActivityFailure') },
  });
  await driver.dispose();
});

test('a cancellation from outside reaches the work, and is thrown once it has ended', async () => {
  const { driver, goOn, seen } = await begin(hang, { graceMs: SECOND }, { cancellationTakesMs: 60 * SECOND });
  await goOn(10 * SECOND);
  await driver.cancel();
  expect((await seen()).done).toBeNull();
  await goOn(3_600 * SECOND);
  expect(await seen()).toMatchObject({
    done: { thrown: 'ActivityFailure' },
    afterMs: 70 * SECOND,
    conditions: 0,
  });
  await driver.dispose();
});
