/** In virtual time: the primary dies under a planned failover, and a forced one is asked for over it. */
import type { Answer } from '../../../src/workflows/run/answers';
import { needsPerson } from '../../support/fake-link';
import { StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeOutcome,
  fail,
  hang,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const HOUR = 3_600_000;
const DBA = { by: 'dba' };
const FORCED = {
  by: 'head of operations',
  type: 'forced',
  to: 'instance',
  reason: 'SQL1 is dead',
  acceptLossSeconds: 100_000,
  acknowledgedBy: 'head of operations',
} as const;

const stepOf = (call: ActivityCall): string => (call.input as { stepId?: string }).stepId ?? '';

/** A link that stands, whose world goes on as `then` says from there on. */
const standing = (then: (call: ActivityCall) => FakeOutcome | undefined): Promise<StandingLink> =>
  StandingLink.begin({ override: (call) => (call.at >= 2 * HOUR ? then(call) : undefined) });

const planned = (begun: StandingLink) =>
  begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance' });
const forced = (begun: StandingLink, request: object = {}) =>
  begun.driver.update<Answer>('failover', { ...FORCED, ...request });

const FORCED_STEPS = [
  'do instance.forced-failover',
  'do instance.verify-writable',
  'do instance.admit-applications',
];

test('dead behind the fence: the fence stays, is named, and the forced failover goes through', async () => {
  const begun = await standing((call) => {
    if (call.type === 'awaitCatchUp' || call.type === 'undoStep') return hang;
    return undefined;
  });
  await planned(begun);
  // Beyond the catch-up: the fence is being lifted on a dead host.
  await begun.goOn(HOUR);
  expect(begun.driver.trace.at(-1)?.call.type).toBe('undoStep');
  expect((await begun.protection()).possible).toContain('forced failover to the instance');
  expect(await forced(begun)).toMatchObject({
    accepted: true,
    note: expect.stringContaining('planned failover under way ends where it is'),
  });
  expect(await forced(begun)).toMatchObject({ accepted: false });
  await begun.goOn();
  const { primary, failovers, pendingRequest } = await begun.protection();
  expect({ primary, pendingRequest }).toEqual({ primary: 'instance', pendingRequest: null });
  expect(failovers).toEqual([
    expect.objectContaining({
      type: 'planned',
      outcome: 'withdrawn',
      preempted: { fenceOn: 'server' },
      summary: expect.stringMatching(/head of operations.*the fence stays on sql1 \(disabled there: app\)/),
    }),
    expect.objectContaining({ type: 'forced', outcome: 'done', by: 'head of operations' }),
  ]);
  expect(begun.link.changes).toEqual(['do server.fence', ...FORCED_STEPS]);
  await begun.end();
});

test.each<[string, (call: ActivityCall) => FakeOutcome | undefined]>([
  ['hangs', (call) => (stepOf(call) === 'server.planned-failover' ? hang : undefined)],
  [
    'waits for a person',
    (call) =>
      call.type === 'performStep' && stepOf(call) === 'server.planned-failover'
        ? fail(needsPerson('ServerGone'))
        : undefined,
  ],
])('dead behind the point of no return, where the swap %s', async (_name, then) => {
  const begun = await standing(then);
  await planned(begun);
  await begun.goOn();
  await forced(begun);
  await begun.goOn();
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers.map(({ type, outcome }) => `${type} ${outcome}`)).toEqual([
    'planned failed',
    'forced done',
  ]);
  expect(failovers[0]?.summary).toContain('the swap of the roles may have begun');
  expect((await begun.status()).blockedBy).toBeNull();
  expect(begun.link.changes).toEqual(['do server.fence', ...FORCED_STEPS]);
  await begun.end();
});

test('what does not stop when it is asked to is not waited for', async () => {
  const begun = await standing((call) =>
    stepOf(call) === 'server.planned-failover' && call.type === 'performStep'
      ? answer({}, 10 * HOUR)
      : undefined,
  );
  await planned(begun);
  await begun.goOn();
  for (const child of begun.driver.children) child.stopsWithin(HOUR);
  await forced(begun);
  await begun.goOn(10 * 60_000);
  expect((await begun.protection()).primary).toBe('instance');
  await begun.end();
});

test('at its gate nobody was fenced out, and nothing is left behind', async () => {
  const begun = await standing((call) => (call.type === 'awaitReadiness' ? hang : undefined));
  await planned(begun);
  await begun.goOn();
  await forced(begun);
  await begun.goOn();
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers[0]).toMatchObject({ outcome: 'withdrawn', preempted: { fenceOn: null } });
  expect(failovers[0]?.summary).toContain('nobody was fenced out');
  expect(begun.link.changes).toEqual(FORCED_STEPS);
  await begun.end();
});

test('a drill gives way on its way there, and on its way back', async () => {
  let dead = false;
  const begun = await standing((call) => (dead && call.type === 'awaitCatchUp' ? hang : undefined));
  dead = true;
  await begun.driver.update('drill', { ...DBA, holdMs: HOUR });
  await begun.goOn();
  expect(await forced(begun)).toMatchObject({ accepted: true });
  await begun.goOn();
  expect(await begun.protection()).toMatchObject({
    primary: 'instance',
    lastDrill: { outcome: 'withdrawn' },
    pendingRequest: null,
  });
  dead = false;
  await begun.driver.update('drill', { ...DBA, holdMs: HOUR, acknowledgedBy: 'dba' });
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('server');
  dead = true;
  await begun.goOn(HOUR);
  expect((await begun.protection()).pendingRequest).toBe('drill');
  expect(await forced(begun)).toMatchObject({ accepted: true });
  await begun.goOn();
  const { primary, lastDrill, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(lastDrill).toMatchObject({ outcome: 'not-back' });
  expect(failovers.at(-1)).toMatchObject({ type: 'forced', outcome: 'done' });
  await begun.end();
});

test('one whose workflow was ended by force: nothing hangs on the dead host, and a forced one may come', async () => {
  const begun = await standing((call) => {
    if (call.type === 'awaitCatchUp') return hang;
    const isAdmission = stepOf(call) === 'server.admit-applications';
    return isAdmission ? fail(needsPerson('Unreachable')) : undefined;
  });
  await planned(begun);
  await begun.goOn();
  begun.driver.children[0]?.terminate();
  await begun.goOn(10 * 60_000);
  expect(await begun.protection()).toMatchObject({ primary: 'server', pendingRequest: null });
  expect(begun.link.effects).toContain('notify applications.not-admitted');
  expect(await forced(begun)).toMatchObject({ accepted: true });
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('instance');
  await begun.end();
});

test('one whose workflow is stuck: who waits for what is told once, critically, and its termination lets the forced one in', async () => {
  const notices: { code: string; severity: string; message: string; nextStep: string }[] = [];
  const begun = await standing((call) => {
    if (call.type === 'notifyPerson') notices.push(call.input as (typeof notices)[number]);
    return call.type === 'awaitCatchUp' ? hang : undefined;
  });
  await planned(begun);
  await begun.goOn();
  const [stuck] = begun.driver.children;
  stuck?.getStuck();
  await begun.goOn(HOUR);
  const ours = () => notices.filter(({ code }) => code === 'failover.not-ended');
  expect(ours()).toEqual([]);
  await forced(begun);
  await begun.goOn(21_000);
  expect(ours()).toEqual([
    expect.objectContaining({
      severity: 'critical',
      message: expect.stringContaining(stuck?.workflowId ?? '?'),
      nextStep: expect.stringContaining(`temporal workflow terminate -w '${stuck?.workflowId}'`),
    }),
  ]);
  await begun.goOn(24 * HOUR);
  expect(ours()).toHaveLength(1);
  expect((await begun.status()).waitingFor).toContain(stuck?.workflowId);
  stuck?.terminate();
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('instance');
  expect((await begun.status()).waitingFor).not.toContain(stuck?.workflowId);
  await begun.end();
});

test('a forced failover that does not get through lets the applications in behind the fence that was left', async () => {
  const begun = await standing((call) => (call.type === 'awaitCatchUp' ? hang : undefined));
  await planned(begun);
  await begun.goOn();
  await forced(begun);
  await begun.driver.run(() => begun.driver.children.length === 2);
  begun.driver.children[1]?.terminate();
  await begun.goOn(10 * 60_000);
  expect((await begun.protection()).primary).toBe('server');
  expect(begun.link.changes.at(-1)).toBe('do server.admit-applications');
  await begun.end();
});

test('a repair, a removal and another forced failover do not give way', async () => {
  const begun = await standing((call) =>
    stepOf(call) === 'instance.forced-failover' && call.type === 'performStep' ? hang : undefined,
  );
  await forced(begun);
  await begun.goOn();
  expect(await forced(begun)).toMatchObject({
    accepted: false,
    reasons: [expect.stringContaining('another request is under way')],
  });
  await begun.driver.dispose();
});
