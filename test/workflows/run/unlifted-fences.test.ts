/** Replicas that do not answer when the fence is lifted, in virtual time: nobody waits for them, nobody forgets them. */

import type { MigrationResult } from '../../../src/workflows/link/migration-result';
import type { LinkStatus } from '../../../src/workflows/link/status';
import type { FailoverRecord } from '../../../src/workflows/run/failover-record';
import { FakeLink, isWatch, needsPerson, watchInput } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
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

const HOUR = 3_600_000;
const AT = '2026-11-01T00:00:00.000Z';
const DBA = { by: 'dba' };
const PENDING = { server: 'sql1b', logins: ['app'], statement: 'ALTER LOGIN [app] ENABLE;' };
const OPENED = [
  { server: 'sql1b', effects: [{ kind: 'tsql', on: 'server', server: 'sql1b', display: PENDING.statement }] },
];
const health = { observedAt: AT, healthy: true, summary: 'fine', lagSeconds: 0, logUsedPercent: 5 };

const stepOf = (call: ActivityCall) => (call.input as { stepId?: string }).stepId;
const fencesOf = (call: ActivityCall) => watchInput(call).known.unliftedFences;

/** The replica goes away behind the fence, and the attempt fails. @param answersAgain of the watch of the link */
function world(answersAgain: () => boolean) {
  const told: { code: string; message: string; nextStep: string }[] = [];
  const override = (call: ActivityCall): FakeOutcome | undefined => {
    if (call.type === 'notifyPerson') told.push(call.input as (typeof told)[number]);
    if (call.type === 'awaitCatchUp') return fail(needsPerson('LogMovedBehindFence'));
    if (call.type === 'undoStep' && stepOf(call) === 'server.fence')
      return answer({ effects: [{ kind: 'tsql', on: 'server', display: 'UNDO' }], unreached: [PENDING] });
    if (!isWatch(call, 'server')) return undefined;
    if (fencesOf(call) === undefined) return hang;
    return answersAgain() ? answer({ kind: 'fences-lifted', fences: OPENED, health }, 1_000) : hang;
  };
  return { told, override };
}

async function begin(
  type: 'linkMigration' | 'disasterRecoveryLink',
  yaml: string,
  override: (call: ActivityCall) => FakeOutcome | undefined,
) {
  const link = new FakeLink({ override });
  const spec = linkSpecWith(
    `${yaml}\ncutover: { fence: { disableLogins: [app] }, approval: { required: false }, retryAfter: [20h] }\n`,
  );
  const driver = await WorkflowDriver.start(type, { spec, visibility: false }, link.activities);
  return { link, driver, status: () => driver.query<LinkStatus>('status') };
}

async function end(driver: WorkflowDriver): Promise<void> {
  await driver.replay();
  await driver.dispose();
}

describe('a cutover that is withdrawn', () => {
  test('does not wait for the replica: it is told with its statement, shown, and opened by the watch', async () => {
    let answers = false;
    const { told, override } = world(() => answers);
    const { driver, status } = await begin('linkMigration', '', override);
    await driver.run(() => told.some(({ code }) => code === 'cutover.withdrawn'));
    await driver.run(() => false, driver.elapsed + HOUR);
    expect(told.find(({ code }) => code === 'fence.not-lifted')).toMatchObject({
      message: expect.stringContaining('sql1b does not answer'),
      nextStep: expect.stringContaining(PENDING.statement),
    });
    expect(told.find(({ code }) => code === 'cutover.withdrawn')?.message).toContain('but for sql1b');
    expect(await status()).toMatchObject({ blockedBy: null, unliftedFences: [PENDING] });
    answers = true;
    // The fake watch hangs: the next one begins with the next attempt.
    await driver.run(() => told.some(({ code }) => code === 'fence.lifted'), driver.elapsed + 48 * HOUR);
    expect((await status()).unliftedFences).toBeUndefined();

    await end(driver);
  });

  test('and aborted then: it is tried once more, and left to people by its statement', async () => {
    const { told, override } = world(() => false);
    const { driver } = await begin('linkMigration', '', override);
    await driver.run(() => told.some(({ code }) => code === 'cutover.withdrawn'));
    await driver.update('abort', DBA);
    await driver.run();
    expect(driver.calls.filter(({ type }) => type === 'liftRemainingFences')).toHaveLength(1);
    const { result } = driver.ended as { result: MigrationResult };
    expect(result.leftovers).toEqual([expect.stringContaining(PENDING.statement)]);
    await end(driver);
  });
});

test('a failover of a DR link leaves the replica to the watch of the link', async () => {
  const { told, override } = world(() => true);
  const { driver, status } = await begin('disasterRecoveryLink', 'purpose: disaster-recovery', override);
  await driver.run(() => false, 2 * HOUR);
  await driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  await driver.run(() => told.some(({ code }) => code === 'fence.lifted'), driver.elapsed + HOUR);
  const { protection, unliftedFences } = await status();
  const [record] = protection?.failovers as readonly FailoverRecord[];
  expect(record).toMatchObject({ outcome: 'withdrawn', unliftedFences: [PENDING] });
  expect(record?.summary).toContain('but for sql1b');
  expect(told.filter(({ code }) => code === 'fence.not-lifted')).toHaveLength(1);
  expect(driver.calls.filter((call) => call.type === 'watch' && fencesOf(call) !== undefined)).toHaveLength(
    1,
  );
  expect(unliftedFences).toBeUndefined();
  await end(driver);
});

test('applications that are admitted do not wait for a replica either', async () => {
  const told: string[] = [];
  const { driver, status } = await begin('disasterRecoveryLink', 'purpose: disaster-recovery', (call) => {
    if (call.type === 'notifyPerson') told.push((call.input as { code: string }).code);
    if (call.type === 'observeStep' && stepOf(call) === 'server.admit-applications')
      return answer({ before: {}, settled: 'app may log in', planned: [], unreached: [PENDING] });
    return isWatch(call, 'server') ? hang : undefined;
  });
  await driver.run(() => false, 2 * HOUR);
  await driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  await driver.run(() => false, driver.elapsed + HOUR);
  await driver.update('failover', { ...DBA, type: 'planned', to: 'server' });
  await driver.run(() => false, driver.elapsed + HOUR);
  expect(await status()).toMatchObject({ protection: { primary: 'server' }, unliftedFences: [PENDING] });
  expect(told).toContain('fence.not-lifted');
  // It is meant to be closed once the instance leads.
  await driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  await driver.run(() => false, driver.elapsed + HOUR);
  expect((await status()).unliftedFences).toBeUndefined();
  await end(driver);
});
