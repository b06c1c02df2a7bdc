/** A failover goes by the roles of its steps, however many each role has. */
import { join } from 'node:path';
import { ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { cutoverPlan } from '../../../src/model/link/procedure';
import type { FailoverPlan, StepRef } from '../../../src/model/run/procedure';
import { FakeLink, needsPerson } from '../../support/fake-link';
import { linkSpec } from '../../support/link-spec';
import type { RoleSwapSeen } from '../../support/role-swap-workflow';
import {
  type ActivityCall,
  closeWorkflowDrivers,
  fail,
  giveUp,
  WorkflowDriver,
} from '../../support/workflow-driver';
import { useWorkflowsOf } from '../../support/workflow-sandbox';

beforeAll(() => useWorkflowsOf(join(__dirname, '../../support/role-swap-workflow.ts')), 60_000);
afterAll(closeWorkflowDrivers);

const HOUR = 3_600_000;
const PLAN: FailoverPlan = cutoverPlan('planned-failover');
const step = (id: string): StepRef => ({ id, phase: 'cutover', title: id, repeats: 'once' });

async function crossing(plan: FailoverPlan, failing?: string) {
  const link = new FakeLink({
    override: ({ type }) => (type === failing ? fail(needsPerson('Broken')) : undefined),
  });
  const driver = await WorkflowDriver.start('roleSwapWorkflow', { spec: linkSpec(), plan }, link.activities);
  const ending = await driver.run();
  const calls = driver.calls.map(({ type }) => type).filter((type) => type !== 'notifyPerson');
  await driver.dispose();
  if (ending.kind !== 'completed') throw new Error(JSON.stringify(ending));
  return { seen: ending.result as RoleSwapSeen, calls, changes: link.changes };
}

test('without a fence catch-up and point of no return are not left out', async () => {
  const { seen, calls, changes } = await crossing({ ...PLAN, fence: [] });
  expect(seen).toEqual({ outcome: 'swapped', wasFenced: false, equalAt: '42' });
  expect(calls.slice(0, 2)).toEqual(['awaitCatchUp', 'confirmPointOfNoReturn']);
  expect(changes).toEqual(['do server.planned-failover', 'do instance.verify-writable']);
});

test('without a fence nothing is swapped, either, where the sites are not equal', async () => {
  const { seen, changes } = await crossing({ ...PLAN, fence: [] }, 'confirmPointOfNoReturn');
  expect(seen).toEqual({ outcome: 'withdrawn', wasFenced: false, equalAt: null });
  expect(changes).toEqual([]);
});

test('a role of several steps has all of them, in order; what proves is not looked at before', async () => {
  const plan: FailoverPlan = {
    prepare: [],
    follow: [],
    fence: [step('server.fence-1'), step('server.fence-2')],
    revocable: [step('server.revocable')],
    swap: [step('server.swap-1'), step('server.swap-2')],
    proof: [step('server.any name proves')],
    admit: [step('server.admit')],
  };
  const { seen, calls, changes } = await crossing(plan);
  expect(seen).toEqual({ outcome: 'swapped', wasFenced: true, equalAt: '42' });
  expect(changes).toEqual(
    [
      'server.fence-1',
      'server.fence-2',
      'server.revocable',
      'server.swap-1',
      'server.swap-2',
      'server.any name proves',
      'server.admit',
    ].map((id) => `do ${id}`),
  );
  expect(calls.filter((type) => type === 'observeStep')).toHaveLength(changes.length - 1);
});

test('a step about one server of a site is one of that server, as often as it is there', async () => {
  const fence = ['n1', 'n2'].map((server) => ({ ...step('server.fence'), server }));
  const link = new FakeLink();
  const plan = { ...PLAN, fence };
  const driver = await WorkflowDriver.start('roleSwapWorkflow', { spec: linkSpec(), plan }, link.activities);
  await driver.run();
  const done = driver.calls.flatMap(({ type, input }) => {
    const { stepId, server } = input as { stepId?: string; server?: string };
    return type === 'performStep' && stepId === 'server.fence' ? [server] : [];
  });
  expect(done).toEqual(['n1', 'n2']);
  await driver.dispose();
});

test('what is withdrawn is undone latest first, all of the fence', async () => {
  const plan = {
    ...PLAN,
    fence: [step('server.fence-1'), step('server.fence-2')],
    revocable: [step('server.revocable')],
  };
  const { seen, changes } = await crossing(plan, 'awaitCatchUp');
  expect(seen).toEqual({ outcome: 'withdrawn', wasFenced: true, equalAt: null });
  expect(changes).toEqual([
    'do server.fence-1',
    'do server.fence-2',
    'do server.revocable',
    'undo server.revocable',
    'undo server.fence-2',
    'undo server.fence-1',
  ]);
});

const isLookAt = (stepId: string, { type, input }: ActivityCall): boolean =>
  type === 'observeStep' && (input as { stepId: string }).stepId === stepId;

const GONE = ApplicationFailure.create({
  type: 'Unreachable',
  message: 'SQL1 does not answer',
  details: [{ remedy: 'see whether SQL1 answers' }],
});

test.each([
  ['server.planned-failover', 'Unreachable', GONE],
  ['server.planned-failover', 'NoAnswer', new TimeoutFailure('no heartbeat', undefined, 'HEARTBEAT')],
  ['instance.admit-applications', 'Unreachable', GONE],
])('a look at %s that gets no answer behind the point of no return (%s): told once, and looked at again', async (stepId, code, failure) => {
  let looks = 0;
  const notices: unknown[] = [];
  const link = new FakeLink({
    override: (call) => {
      if (call.type === 'notifyPerson') notices.push(call.input);
      if (!isLookAt(stepId, call)) return undefined;
      looks += 1;
      return looks <= 5 ? giveUp(failure) : undefined;
    },
  });
  const plan = { ...PLAN, admit: [step('instance.admit-applications')] };
  const driver = await WorkflowDriver.start('roleSwapWorkflow', { spec: linkSpec(), plan }, link.activities);
  expect(await driver.run()).toMatchObject({ kind: 'completed', result: { outcome: 'swapped' } });
  expect(notices).toEqual([
    expect.objectContaining({
      severity: 'critical',
      code: 'failover.refused',
      message: expect.stringContaining(`(${code}); the applications stay fenced`),
    }),
  ]);
  expect(link.changes.filter((change) => change === `do ${stepId}`)).toHaveLength(1);
  // Without a limit nobody would hear of it.
  const beyond = driver.calls.slice(
    driver.calls.findIndex(({ type }) => type === 'confirmPointOfNoReturn') + 1,
  );
  expect(beyond.filter(({ type, attempts }) => /Step$/.test(type) && attempts === 0)).toEqual([]);
  await driver.replay();
  await driver.dispose();
});

/** A look and an act that are both given up, and the pause: so many events of a history. */
const EVENTS_OF_A_TRY = 17;
/** Temporal ends a workflow whose history is longer. */
const LONGEST_HISTORY = 51_200;

test('refused for weeks: the history stays short enough, a person sees it, and resume tries at once', async () => {
  let isMended = false;
  const tries: number[] = [];
  const link = new FakeLink({
    override: (call) => {
      if (isMended || call.type !== 'performStep') return undefined;
      if ((call.input as { stepId: string }).stepId !== 'server.planned-failover') return undefined;
      tries.push(call.at);
      return giveUp(GONE);
    },
  });
  const input = { spec: linkSpec(), plan: PLAN };
  const driver = await WorkflowDriver.start('roleSwapWorkflow', input, link.activities);
  const status = () => driver.query<{ readonly code: string; readonly remedy: string } | null>('problem');
  await driver.run(() => false, HOUR / 2);
  // Applications wait: at first it is tried often.
  expect(tries.length).toBeGreaterThan(50);
  expect(await status()).toBeNull();
  await driver.run(() => false, 14 * 24 * HOUR);
  expect(tries.length * EVENTS_OF_A_TRY).toBeLessThan(LONGEST_HISTORY);
  const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(HOUR / 6);
  expect(link.effects.filter((effect) => effect === 'notify failover.refused')).toHaveLength(1);
  expect(await status()).toMatchObject({ code: 'Unreachable', remedy: expect.stringContaining('resume') });
  const made = tries.length;
  await driver.run(() => tries.length > made);
  await driver.run(() => false, driver.elapsed + 1_000);
  expect(await driver.update('resume', { by: 'dba' })).toMatchObject({ accepted: true });
  await driver.run(() => false, driver.elapsed + 1_000);
  expect(tries.length).toBe(made + 2);
  isMended = true;
  expect(await driver.update('resume', { by: 'dba' })).toMatchObject({ accepted: true });
  await driver.run(() => false, driver.elapsed + 5_000);
  expect(driver.ended).toMatchObject({ kind: 'completed', result: { outcome: 'swapped' } });
  await driver.replay();
  await driver.dispose();
});
