/** Nothing that goes wrong stays a secret: endings without success, leftovers, parallel problems, a watch that dies. */

import { ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import type { MigrationResult } from '../../../src/workflows/link/migration-result';
import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink, type FakeLinkOptions, isWatch, needsPerson } from '../../support/fake-link';
import { linkSpec, linkSpecWith } from '../../support/link-spec';
import { StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type DriverOptions,
  fail,
  giveUp,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

const HOUR = 3_600_000;
const BY = { by: 'dba' };

afterAll(closeWorkflowDrivers);

async function begin(options: FakeLinkOptions, driverOptions: DriverOptions = {}, spec = linkSpec()) {
  const link = new FakeLink(options);
  const input = { spec, visibility: false };
  const driver = await WorkflowDriver.start('linkMigration', input, link.activities, driverOptions);
  return { link, driver, status: () => driver.query<LinkStatus>('status') };
}

const stepOf = (call: ActivityCall): string | undefined => (call.input as { stepId?: string }).stepId;
const resultOf = ({ ended }: WorkflowDriver): MigrationResult => {
  if (ended?.kind !== 'completed') throw new Error(`not completed: ${JSON.stringify(ended)}`);
  return ended.result as MigrationResult;
};

test('a swap that is refused for hours: the link shows it, and its resume has the failover try at once', async () => {
  let isMended = false;
  const tries: number[] = [];
  const begun = await StandingLink.begin({
    override: (call) => {
      if (call.type !== 'performStep' || stepOf(call) !== 'server.planned-failover' || isMended)
        return undefined;
      tries.push(call.at);
      const details = [{ remedy: 'see whether SQL1 answers' }];
      return giveUp(ApplicationFailure.create({ type: 'Unreachable', message: 'SQL1 is away', details }));
    },
  });
  await begun.driver.update<Answer>('failover', { ...BY, type: 'planned', to: 'instance' });
  await begun.goOn(3 * HOUR);
  const { blockedBy, nextSteps } = await begun.status();
  expect(blockedBy).toMatchObject({ code: 'Unreachable', message: expect.stringContaining('stay fenced') });
  expect(nextSteps).toContain('sqlferry resume sales');
  const made = tries.length;
  await begun.driver.run(() => tries.length > made);
  await begun.goOn(1_000);
  isMended = true;
  expect(await begun.driver.update<Answer>('resume', BY)).toMatchObject({ accepted: true });
  await begun.goOn(5_000);
  expect((await begun.protection()).primary).toBe('instance');
  expect((await begun.status()).blockedBy).toBeNull();
  expect(begun.link.effects.filter((effect) => effect === 'notify failover.refused')).toHaveLength(1);
  await begun.end();
});

describe('a run that fails', () => {
  test('is told as critical; what could not be undone is in the message, the failure and the events', async () => {
    const told: unknown[] = [];
    const { driver } = await begin({
      override: (call) => {
        if (call.type === 'notifyPerson') told.push(call.input);
        if (call.type === 'watchSeeding') return hang;
        const isGroup = stepOf(call) === 'server.availability-group';
        return call.type === 'undoStep' && isGroup ? fail(needsPerson('Stuck')) : undefined;
      },
    });
    const ending = await driver.run();
    const left = 'server.availability-group could not be undone: Stuck happened';
    expect(ending).toMatchObject({
      kind: 'failed',
      error: {
        type: 'SeedingDeadlineExceeded',
        details: [{ leftovers: [left], remedy: expect.stringContaining('seeding') }],
      },
    });
    expect(told).toContainEqual(
      expect.objectContaining({
        code: 'run.failed',
        severity: 'critical',
        message: expect.stringContaining(left),
      }),
    );
    expect((await driver.query<LinkStatus>('status')).events).toContainEqual(
      expect.objectContaining({ code: 'undo.left-behind', message: left }),
    );
    await driver.replay();
    await driver.dispose();
  });

  test('a cancelled run is told as well, and still ends as cancelled', async () => {
    const { link, driver } = await begin({});
    await driver.run(() => link.effects.includes('do instance.link'));
    await driver.cancel();
    expect((await driver.run()).kind).toBe('cancelled');
    expect(link.effects.at(-1)).toBe('notify run.cancelled');
    await driver.dispose();
  });
});

describe('a link that is deleted to cut over', () => {
  const cutOver = async (lsn: string | null) => {
    const { link, driver } = await begin({
      route: 'delete-link',
      override: (call) => (call.type === 'readEndOfLog' ? answer({ lsn }) : undefined),
    });
    await driver.run();
    const { leftovers, summary } = resultOf(driver);
    const { events } = await driver.query<LinkStatus>('status');
    await driver.replay();
    await driver.dispose();
    return { leftovers, summary, events, effects: link.effects };
  };

  test('whose server stands still afterwards: nothing was left out', async () => {
    const { events, summary, effects } = await cutOver('42');
    expect(events).toContainEqual(expect.objectContaining({ code: 'cutover.nothing-left-out' }));
    expect(summary).toContain('no committed transaction was lost');
    expect(effects).not.toContain('notify cutover.log-moved');
  });

  test('applications do not wait for that look', async () => {
    const { link, driver } = await begin({
      route: 'delete-link',
      override: (call) => (call.type === 'readEndOfLog' ? hang : undefined),
    });
    await driver.run();
    expect(link.effects).toContain('do instance.verify-writable');
    expect((await driver.query<LinkStatus>('status')).events).toContainEqual(
      expect.objectContaining({ code: 'cutover.done' }),
    );
    await driver.dispose();
  });

  test.each([
    ['went on', '43', 'from LSN 42 to 43'],
    ['cannot be read', null, 'could not be read'],
  ])('whose server %s: told, in the summary and among the leftovers', async (_case, lsn, words) => {
    const { leftovers, summary, effects } = await cutOver(lsn);
    expect(effects).toContain('notify cutover.log-moved');
    expect(leftovers).toContainEqual(expect.stringContaining(words));
    expect(summary).not.toContain('no committed transaction was lost');
  });
});

test('two problems at once: the first is shown with the other, and one resume tries both again', async () => {
  let created = 0;
  const { driver, status } = await begin({
    override: (call) => {
      if (call.type === 'awaitLinkConnected' && call.count === 1) {
        return fail(needsPerson('LinkNotConnected'), HOUR);
      }
      const isLink = call.type === 'performStep' && stepOf(call) === 'instance.link';
      if (isLink) created += 1;
      return isLink && created === 1 ? fail(needsPerson('LinkRequestInvalid'), 60_000) : undefined;
    },
  });
  await driver.run(() => false, 2 * HOUR);
  const { blockedBy, waitingFor } = await status();
  expect(blockedBy).toMatchObject({ code: 'LinkRequestInvalid', stepId: 'Create the link' });
  expect(waitingFor).toContain('LinkNotConnected happened');
  expect(await driver.update<Answer>('resume', BY)).toMatchObject({ accepted: true });
  await driver.run();
  expect(resultOf(driver).outcome).toBe('completed');
  await driver.dispose();
});

test('a watch of the log that ends by a time-out is told and begun again', async () => {
  const gone = new TimeoutFailure('activity timed out', undefined, 'START_TO_CLOSE');
  const { link, driver, status } = await begin(
    {
      override: (call) =>
        isWatch(call, 'server') && call.count === 1
          ? fail(gone as unknown as Parameters<typeof fail>[0])
          : undefined,
    },
    {},
    linkSpecWith('cutover: { fence: { disableLogins: [app] } }'),
  );
  await driver.run(() => false, 6 * HOUR);
  expect(link.effects).toContain('notify TimeoutFailure');
  expect((await status()).logBackups.count).toBeGreaterThan(10);
  await driver.dispose();
});

test('an abort while the fence cannot be lifted closes the attempt', async () => {
  const { driver, status } = await begin({
    override: (call) => {
      if (call.type === 'confirmPointOfNoReturn') return fail(needsPerson('LogMovedBehindFence'));
      const isFence = call.type === 'undoStep' && stepOf(call) === 'server.fence';
      return isFence ? fail(needsPerson('Stuck')) : undefined;
    },
  });
  await driver.run(() => false, 6 * HOUR);
  expect((await status()).blockedBy).toMatchObject({ code: 'Stuck' });
  await driver.update('abort', BY);
  await driver.run();
  expect(resultOf(driver)).toMatchObject({
    outcome: 'aborted',
    leftovers: ['server.fence could not be undone: Stuck happened'],
  });
  expect((await status()).attempts).toMatchObject([{ outcome: 'withdrawn', endedAt: expect.any(String) }]);
  await driver.replay();
  await driver.dispose();
});

test('while a log backup holds the cutover up, the status says so', async () => {
  const { driver, status } = await begin(
    { override: (call) => (isWatch(call, 'server') ? hang : undefined) },
    { cancellationTakesMs: HOUR },
  );
  await driver.run(() =>
    driver.trace.some(({ call, state }) => call.type === 'awaitReadiness' && state === 'completed'),
  );
  // Its turn comes at once; then the guard is asked to end.
  await driver.run(() => false, driver.elapsed);
  expect((await status()).waitingFor).toContain('a log backup that runs just now is not interrupted');
  await driver.run();
  expect(resultOf(driver).outcome).toBe('completed');
  await driver.dispose();
});

test.each([
  ['planned', {}, /takes writes, \S+ after the fence$/],
  [
    'forced',
    { reason: 'SQL1 burnt down', acceptLossSeconds: 9_999_999 },
    /takes writes, \S+ after it was asked for$/,
  ],
])('a %s failover says since when the applications were out', async (type, rest, sentence) => {
  const begun = await StandingLink.begin();
  expect(await begun.driver.update('failover', { ...BY, type, to: 'instance', ...rest })).toMatchObject({
    accepted: true,
  });
  await begun.goOn();
  const [child] = begun.driver.children;
  const events = (await child?.query<LinkStatus>('status'))?.events;
  expect(events?.find(({ code }) => code === 'cutover.done')?.message).toMatch(sentence);
  await begun.end();
});
