/** In virtual time: the primary dies under a planned failover, and a forced one is asked for over it. */
import type { Answer } from '../../../src/workflows/run/answers';
import { hookRecord, isWatch, needsPerson } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { STANDING_SPEC, StandingLink } from '../../support/standing-driver';
import { MEASURED } from '../../support/standing-matrix';
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

const WITH_HOOKS = linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app] } }
hooks:
  beforeFailover: [{ name: drain, type: webhook, url: "https://hooks.example.com/drain" }]
  afterFailover: [{ name: dns, type: webhook, url: "https://hooks.example.com/dns" }]
  whenWithdrawn: [{ name: undrain, type: webhook, url: "https://hooks.example.com/undrain", timeout: 1h }]
`);

const WITH_HOOKS_BEHIND_THE_FENCE = linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app] } }
hooks:
  whenFenced: [{ name: drained, type: webhook, url: "https://hooks.example.com/drained" }]
  whenWithdrawn: [{ name: undrain, type: webhook, url: "https://hooks.example.com/undrain" }]
`);

const WITH_DNS = linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app] } }
hooks: { afterFailover: [{ name: dns, type: webhook, url: "https://hooks.example.com/dns", timeout: 1h }] }
`);

const stepOf = (call: ActivityCall): string => (call.input as { stepId?: string }).stepId ?? '';

/** Hooks whose answers came. */
const hooksPassed = (begun: StandingLink): readonly string[] =>
  begun.driver.trace
    .filter(({ call, state }) => call.type === 'runHook' && state === 'completed')
    .map(({ call }) => hookRecord(call, 'passed', '').hook);

/** A link that stands, whose world goes on as `then` says from there on. */
const standing = (
  then: (call: ActivityCall) => FakeOutcome | undefined,
  spec = STANDING_SPEC,
): Promise<StandingLink> =>
  StandingLink.begin({ override: (call) => (call.at >= 2 * HOUR ? then(call) : undefined) }, { spec });

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

test('one whose workflow is stuck is not waited for beyond 20 s: a person is told, and the forced one begins', async () => {
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
  await begun.goOn(22_000);
  expect(ours()).toEqual([
    expect.objectContaining({
      severity: 'critical',
      message: expect.stringContaining(stuck?.workflowId ?? '?'),
      nextStep: expect.stringContaining(`temporal workflow terminate -w '${stuck?.workflowId}'`),
    }),
  ]);
  expect(begun.driver.children).toHaveLength(2);
  await begun.goOn();
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers).toEqual([
    expect.objectContaining({
      type: 'planned',
      outcome: 'failed',
      preempted: { fenceOn: 'server' },
      summary: expect.stringContaining('had not ended'),
    }),
    expect.objectContaining({ type: 'forced', outcome: 'done' }),
  ]);
  await begun.goOn(24 * HOUR);
  expect(ours()).toHaveLength(1);
  // Its end is no news.
  stuck?.terminate();
  await begun.goOn();
  expect((await begun.protection()).failovers).toHaveLength(2);
  await begun.end();
});

test('no worker ran for a minute: the failover gets its time to give way, and is not called stuck', async () => {
  const begun = await standing((call) => (call.type === 'awaitCatchUp' ? hang : undefined));
  await planned(begun);
  await begun.goOn();
  for (const child of begun.driver.children) child.stopsWithin(5_000);
  await forced(begun);
  begun.driver.noWorkerFor(60_000);
  await begun.goOn(2 * 60_000);
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers[0]).toMatchObject({ outcome: 'withdrawn', preempted: { fenceOn: 'server' } });
  expect(begun.link.effects).not.toContain('notify failover.not-ended');
  await begun.end();
});

test('the forced one is not needed, since the one under way got through: what follows a swap is done for it', async () => {
  const begun = await standing(
    (call) =>
      call.type === 'performStep' && stepOf(call) === 'instance.admit-applications'
        ? answer(
            { stepId: stepOf(call), outcome: 'done', effects: [], evidence: 'in', durationMs: 5_000 },
            5_000,
          )
        : undefined,
    WITH_HOOKS,
  );
  await planned(begun);
  await begun.driver.run(
    () => stepOf(begun.driver.calls.at(-1) as ActivityCall) === 'instance.admit-applications',
  );
  for (const child of begun.driver.children) child.hearsTooLate();
  await forced(begun);
  await begun.goOn(10 * 60_000);
  const { primary, failovers, pendingRequest } = await begun.protection();
  expect({ primary, pendingRequest }).toEqual({ primary: 'instance', pendingRequest: null });
  expect(failovers.map(({ type, outcome }) => `${type} ${outcome}`)).toEqual(['planned done']);
  expect(begun.link.effects).toContain('notify failover.not-needed');
  expect(begun.link.hooks).toEqual(['beforeFailover drain', 'afterFailover dns']);
  await begun.end();
});

test('a drill whose way there got through all the same ends there: nothing goes back by itself', async () => {
  const begun = await standing((call) =>
    call.type === 'performStep' && stepOf(call) === 'instance.admit-applications'
      ? answer(
          { stepId: stepOf(call), outcome: 'done', effects: [], evidence: 'in', durationMs: 5_000 },
          5_000,
        )
      : undefined,
  );
  await begun.driver.update('drill', { ...DBA, holdMs: HOUR });
  await begun.driver.run(
    () => stepOf(begun.driver.calls.at(-1) as ActivityCall) === 'instance.admit-applications',
  );
  for (const child of begun.driver.children) child.hearsTooLate();
  expect(await forced(begun)).toMatchObject({ accepted: true });
  await begun.goOn(3 * HOUR);
  const { primary, drill, lastDrill } = await begun.protection();
  expect(primary).toBe('instance');
  expect(drill).toBeUndefined();
  expect(lastDrill).toMatchObject({
    outcome: 'stopped',
    summary: expect.stringContaining('a forced failover was asked for'),
  });
  await begun.end();
});

test('what follows a swap is begun anew after a forced one back that was withdrawn', async () => {
  let takesMs = HOUR;
  const begun = await standing((call) => {
    if (call.type === 'runHook') return answer(hookRecord(call, 'passed', 'at last'), takesMs);
    return call.type === 'measureLoss' ? hang : undefined;
  }, WITH_DNS);
  await planned(begun);
  await begun.goOn();
  expect(await forced(begun, { to: 'server' })).toMatchObject({ accepted: true });
  await begun.driver.run(() => begun.driver.children.length === 2);
  takesMs = 500;
  expect(await begun.driver.children[1]?.update('abort', DBA)).toMatchObject({ accepted: true });
  await begun.goOn();
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers.map(({ type, outcome }) => `${type} ${outcome}`)).toEqual([
    'planned done',
    'forced withdrawn',
  ]);
  expect(hooksPassed(begun)).toEqual(['dns']);
  await begun.end();
});

test('a swap that is followed is left for the forced one, also where another request waits behind it', async () => {
  let isSwapped = false;
  const health = { observedAt: '', healthy: true, summary: 'swapped', lagSeconds: null, logUsedPercent: 5 };
  const begun = await standing((call) => {
    if (call.type === 'performStep' && stepOf(call) === 'server.planned-failover') return hang;
    if (call.type === 'readRoles') return answer({ server: 'PRIMARY', instance: 'SECONDARY' });
    if (stepOf(call) === 'instance.admit-applications') return hang;
    if (!isSwapped || !isWatch(call, 'server')) return undefined;
    const news = { kind: 'external-failover', primary: 'instance', reason: 'both agree', platformTime: null };
    return answer({ ...news, health }, 1_000);
  });
  await planned(begun);
  await begun.goOn();
  begun.driver.children[0]?.terminate();
  isSwapped = true;
  await begun.goOn(20 * 60_000);
  expect((await begun.protection()).primary).toBe('instance');
  const by = { acknowledgedBy: 'dba' };
  expect(
    await begun.driver.update('failover', { ...DBA, ...by, type: 'planned', to: 'server' }),
  ).toMatchObject({
    accepted: true,
  });
  await begun.goOn();
  isSwapped = false;
  const askedAt = begun.driver.elapsed;
  expect(await forced(begun, { to: 'server' })).toMatchObject({ accepted: true });
  await begun.driver.run(() => begun.link.effects.includes('do server.forced-failover'), askedAt + 20_000);
  expect(begun.link.effects).toContain('do server.forced-failover');
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('server');
  await begun.end();
});

test('hooks that a withdrawn one could not give back are given back when the forced one is withdrawn as well', async () => {
  let isDead = true;
  const begun = await standing((call) => {
    if (isDead && call.type === 'runHook' && hookRecord(call, 'passed', '').phase === 'whenWithdrawn')
      return hang;
    return call.type === 'awaitCatchUp' || call.type === 'measureLoss' ? hang : undefined;
  }, WITH_HOOKS_BEHIND_THE_FENCE);
  await planned(begun);
  await begun.goOn();
  expect(await begun.driver.children[0]?.update('abort', DBA)).toMatchObject({ accepted: true });
  await begun.goOn();
  await forced(begun);
  await begun.driver.run(() => begun.driver.children.length === 2);
  isDead = false;
  expect(await begun.driver.children[1]?.update('abort', DBA)).toMatchObject({ accepted: true });
  await begun.goOn();
  expect(begun.link.hooks).toEqual(['whenFenced drained', 'whenWithdrawn undrain']);
  await begun.end();
});

test('a fence that was left is opened after two that were withdrawn, though hooks of the first were cut', async () => {
  let now: 'planned' | 'refused, hooks hang' | 'refused' = 'planned';
  const begun = await standing((call) => {
    if (call.type === 'awaitCatchUp') return hang;
    if (call.type !== 'runHook' || now === 'planned') return undefined;
    if (hookRecord(call, 'refused', '').phase === 'beforeFailover')
      return answer(hookRecord(call, 'refused', 'not now'));
    return now === 'refused, hooks hang' ? hang : undefined;
  }, WITH_HOOKS);
  await planned(begun);
  await begun.goOn();
  now = 'refused, hooks hang';
  await forced(begun);
  await begun.goOn();
  now = 'refused';
  expect(await forced(begun)).toMatchObject({ accepted: true });
  await begun.goOn(10 * 60_000);
  expect((await begun.protection()).failovers).toHaveLength(3);
  expect(begun.link.changes).toEqual(['do server.fence', 'do server.admit-applications']);
  await begun.end();
});

test('others swap the roles back while a swap is followed: the run goes on from where they left it', async () => {
  const health = { observedAt: '', healthy: true, summary: 'swapped', lagSeconds: null, logUsedPercent: 5 };
  const news = {
    kind: 'external-failover',
    primary: 'server',
    reason: 'both agree',
    platformTime: null,
    health,
  };
  let isSwappedBack = false;
  const begun = await standing((call) => {
    if (call.type === 'runHook') return answer(hookRecord(call, 'passed', 'at last'), HOUR);
    return isSwappedBack && isWatch(call, 'instance') ? answer(news, 60_000) : undefined;
  }, WITH_DNS);
  await planned(begun);
  await begun.goOn();
  begun.driver.children[0]?.terminate();
  isSwappedBack = true;
  await begun.goOn(3 * HOUR);
  const { primary, failovers, pendingRequest } = await begun.protection();
  expect({ primary, pendingRequest }).toEqual({ primary: 'server', pendingRequest: null });
  expect(failovers.map(({ type, to }) => `${type} ${to}`)).toEqual(['planned instance', 'outside server']);
  expect(begun.driver.trace.at(-1)?.call).toMatchObject({ type: 'watch', input: { primary: 'server' } });
  await begun.end();
});

test('a drill whose way there was ended by force behind its proof goes on in the same history', async () => {
  const begun = await standing(
    (call) =>
      call.type === 'runHook' ? answer(hookRecord(call, 'passed', 'at last'), 10 * 60_000) : undefined,
    WITH_DNS,
  );
  await begun.driver.update('drill', { ...DBA, holdMs: 2 * HOUR });
  await begun.goOn();
  begun.driver.children[0]?.terminate();
  await begun.goOn(HOUR);
  expect(begun.driver.ended).toBeUndefined();
  expect((await begun.protection()).drill).toMatchObject({ from: 'server' });
  await begun.end();
});

test('hooks that were called before it gave way are given back when the forced one is withdrawn', async () => {
  const begun = await standing((call) => {
    if (call.type === 'awaitCatchUp' || call.type === 'measureLoss') return hang;
    return undefined;
  }, WITH_HOOKS_BEHIND_THE_FENCE);
  await planned(begun);
  await begun.goOn();
  await forced(begun);
  await begun.goOn();
  expect(await begun.driver.children[1]?.update('abort', DBA)).toMatchObject({ accepted: true });
  await begun.goOn(10 * 60_000);
  expect(begun.link.hooks).toEqual(['whenFenced drained', 'whenWithdrawn undrain']);
  expect(begun.link.changes).toEqual(['do server.fence', 'do server.admit-applications']);
  await begun.end();
});

describe('a forced failover that was given up keeps the next one waiting for at most 20 s', () => {
  const isAdmission = (call: ActivityCall): boolean => stepOf(call) === 'server.admit-applications';
  const oldRoles = (call: ActivityCall): FakeOutcome | undefined =>
    call.type === 'readRoles' ? answer({ server: 'PRIMARY', instance: 'SECONDARY' }) : undefined;

  test('an admission that is being sent has its time to stop, however long ago the first one was asked for', async () => {
    let isFirst = true;
    const begun = await standing((call) => {
      if (isFirst && call.type === 'performStep' && stepOf(call) === 'instance.forced-failover') return hang;
      return isFirst ? (oldRoles(call) ?? (isAdmission(call) ? hang : undefined)) : undefined;
    });
    await endedByForce(begun, 3 * 60_000);
    isFirst = false;
    begun.driver.stopsWithin(5_000);
    const askedAt = begun.driver.elapsed;
    await forced(begun);
    await begun.goOn(10_000);
    const goesOn = begun.driver.calls.findLast((call) => isWatch(call, 'server'));
    expect((goesOn?.at ?? 0) - askedAt).toBe(5_000);
    expect(begun.driver.children).toHaveLength(2);
    await begun.end();
  });

  test('its swap was done when its workflow was ended: the next one proves it, and lets the applications in', async () => {
    let isFirst = true;
    const begun = await standing((call) => {
      if (isFirst && stepOf(call) === 'instance.verify-writable') return hang;
      return call.type === 'readRoles' ? answer({ server: null, instance: 'PRIMARY' }) : undefined;
    }, WITH_HOOKS);
    await endedByForce(begun, 3_000);
    isFirst = false;
    expect(await forced(begun)).toMatchObject({ accepted: true });
    await begun.goOn();
    expect((await begun.protection()).primary).toBe('instance');
    expect(await told(begun)).toEqual(['forced failed', 'forced done']);
    expect(begun.link.changes.slice(-2)).toEqual([
      'do instance.verify-writable',
      'do instance.admit-applications',
    ]);
    expect(begun.link.hooks).toContain('afterFailover dns');
    await begun.end();
  });

  /** The first is ended by force in its swap; a hook refuses the second one, which was asked for over it. */
  async function refusedOverLost(
    roles: () => { readonly server: string | null; readonly instance: string },
    watch: (call: ActivityCall) => FakeOutcome | undefined = () => undefined,
  ): Promise<StandingLink> {
    let isFirst = true;
    const begun = await standing((call) => {
      if (call.type === 'readRoles') return isFirst ? hang : answer(roles());
      if (call.type === 'runHook' && !isFirst && hookRecord(call, 'refused', '').phase === 'beforeFailover')
        return answer(hookRecord(call, 'refused', 'not now'));
      if (isFirst && call.type === 'performStep' && stepOf(call) === 'instance.forced-failover') return hang;
      return isFirst ? undefined : watch(call);
    }, WITH_HOOKS);
    await endedByForce(begun, 3_000);
    isFirst = false;
    expect(await forced(begun)).toMatchObject({ accepted: true });
    await begun.goOn(10 * 60_000);
    return begun;
  }

  test('the next one is refused, and the swap of the first came through: nobody is let in where it came from', async () => {
    const begun = await refusedOverLost(() => ({ server: 'PRIMARY', instance: 'PRIMARY' }));
    expect((await begun.protection()).primary).toBe('instance');
    expect(await told(begun)).toEqual(['forced done', 'forced withdrawn']);
    expect(begun.link.changes).toEqual(['do instance.admit-applications']);
    expect(begun.link.effects).toContain('notify failover.late');
    expect(begun.link.hooks).toContain('afterFailover dns');
    await begun.end();
  });

  test('the next one is withdrawn by a person when it had fenced the old primary, and the swap of the first came through', async () => {
    let isFirst = true;
    const begun = await standing((call) => {
      if (call.type === 'readRoles')
        return isFirst ? hang : answer({ server: 'PRIMARY', instance: 'PRIMARY' });
      if (call.type === 'measureLoss') return isFirst ? undefined : measured(call);
      return isFirst && call.type === 'performStep' && stepOf(call) === 'instance.forced-failover'
        ? hang
        : undefined;
    });
    await endedByForce(begun, 3_000);
    isFirst = false;
    await forced(begun);
    await begun.driver.run(() => begun.link.changes.includes('do server.fence'));
    expect(await begun.driver.children[1]?.update('abort', DBA)).toMatchObject({ accepted: true });
    await begun.goOn(5 * 60_000);
    expect((await begun.protection()).primary).toBe('instance');
    expect(begun.link.changes).toEqual(['do server.fence', 'do instance.admit-applications']);
    await begun.end();
  });

  test('the next one is refused, nothing was swapped, and it is swapped in the end: the record of the first says so', async () => {
    const health = {
      observedAt: '',
      healthy: false,
      summary: 'swapped',
      lagSeconds: null,
      logUsedPercent: 5,
    };
    const begun = await refusedOverLost(
      () => ({ server: 'PRIMARY', instance: 'SECONDARY' }),
      (call) =>
        isWatch(call, 'server')
          ? answer(
              {
                kind: 'external-failover',
                primary: 'instance',
                reason: 'both agree',
                platformTime: null,
                health,
              },
              5 * 60_000,
            )
          : undefined,
    );
    await begun.goOn(10 * 60_000);
    expect((await begun.protection()).primary).toBe('instance');
    expect(await told(begun)).toEqual(['forced done', 'forced withdrawn']);
    expect(begun.link.changes).toEqual(['do server.admit-applications', 'do instance.admit-applications']);
    expect(begun.link.hooks.at(-1)).toBe('afterFailover dns');
    await begun.end();
  });

  /** Asks for the next one, and goes on until it acts. */
  async function forcedAnew(begun: StandingLink): Promise<void> {
    expect((await begun.protection()).pendingRequest).toBe('failover');
    expect((await begun.protection()).possible).toContain('forced failover to the instance');
    const acts = () => begun.link.effects.filter((effect) => effect === 'do instance.forced-failover').length;
    const [before, within] = [acts(), begun.driver.elapsed + 20_000];
    expect(await forced(begun)).toMatchObject({ accepted: true, rule: 'failover.preempts' });
    await begun.driver.run(() => acts() > before, within);
    expect(acts()).toBe(before + 1);
    await begun.goOn();
  }

  /** Asks for the first one, whose workflow somebody ends by force. @param afterMs how long the run is left to itself then */
  async function endedByForce(begun: StandingLink, afterMs: number): Promise<void> {
    await forced(begun);
    await begun.goOn();
    begun.driver.children[0]?.terminate();
    await begun.goOn(afterMs);
  }

  const told = async (begun: StandingLink): Promise<readonly string[]> =>
    (await begun.protection()).failovers.map(({ type, outcome }) => `${type} ${outcome}`);

  test.each<[string, (call: ActivityCall) => FakeOutcome | undefined, number]>([
    ['while the look at who leads hangs', (call) => (call.type === 'readRoles' ? hang : undefined), 5_000],
    ['while nobody tells who leads', () => undefined, 50_000],
    [
      'while the applications are let in',
      (call) => oldRoles(call) ?? (isAdmission(call) ? hang : undefined),
      3 * 60_000,
    ],
  ])('its workflow was ended by force, %s', async (_name, world, afterMs) => {
    let isFirst = true;
    const begun = await standing((call) => {
      if (isFirst && call.type === 'performStep' && stepOf(call) === 'instance.forced-failover') return hang;
      return isFirst ? world(call) : undefined;
    });
    await endedByForce(begun, afterMs);
    isFirst = false;
    await forcedAnew(begun);
    expect((await begun.protection()).primary).toBe('instance');
    expect(await told(begun)).toEqual(['forced failed', 'forced done']);
    expect((await begun.protection()).failovers[0]).toMatchObject({ preempted: { fenceOn: 'server' } });
    await begun.end();
  });

  const measured = (call: ActivityCall): FakeOutcome =>
    // Behind the fence it takes long enough for a person to change his mind.
    answer(MEASURED, call.count === 1 ? 100 : 10 * 60_000);

  test.each<[string, (call: ActivityCall) => FakeOutcome | undefined, object]>([
    [
      'the old primary hangs while it is opened again',
      (call) => (isAdmission(call) ? hang : undefined),
      { fenceOn: 'server' },
    ],
    [
      'a hook that gives back takes an hour',
      (call) => (call.type === 'runHook' ? answer(hookRecord(call, 'passed', 'at last'), HOUR) : undefined),
      { fenceOn: null },
    ],
  ])('a person withdraws it, and %s', async (_name, world, preempted) => {
    let now: 'under way' | 'withdrawn' | 'asked anew' = 'under way';
    const begun = await standing((call) => {
      if (now === 'withdrawn') return world(call);
      return now === 'under way' && call.type === 'measureLoss' ? measured(call) : undefined;
    }, WITH_HOOKS);
    await forced(begun);
    await begun.goOn();
    now = 'withdrawn';
    expect(await begun.driver.children[0]?.update('abort', DBA)).toMatchObject({ accepted: true });
    await begun.goOn();
    now = 'asked anew';
    await forcedAnew(begun);
    expect(await told(begun)).toEqual(['forced withdrawn', 'forced done']);
    expect((await begun.protection()).failovers[0]?.preempted).toEqual(preempted);
    await begun.end();
  });

  test('a hook refuses it, and the applications are let in behind the fence that was left before', async () => {
    let isRefused = false;
    let isDead = true;
    const begun = await standing((call) => {
      if (call.type === 'awaitCatchUp') return hang;
      if (isRefused && call.type === 'runHook') return answer(hookRecord(call, 'refused', 'not now'));
      return isDead && isAdmission(call) ? hang : undefined;
    }, WITH_HOOKS);
    await planned(begun);
    await begun.goOn();
    isRefused = true;
    await forced(begun);
    await begun.goOn(2 * 60_000);
    expect((await begun.protection()).possible).toContain('forced failover to the instance');
    // Whoever comes last, opens what the first one shut.
    isDead = false;
    expect(await forced(begun)).toMatchObject({ accepted: true });
    await begun.goOn();
    expect(await told(begun)).toEqual(['planned withdrawn', 'forced withdrawn', 'forced withdrawn']);
    expect(begun.link.changes).toEqual(['do server.fence', 'do server.admit-applications']);
    expect((await begun.protection()).pendingRequest).toBeNull();
    await begun.end();
  });
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
    nextSteps: [
      expect.stringContaining(`temporal workflow terminate -w '${begun.driver.children[0]?.workflowId}'`),
    ],
  });
  await begun.driver.dispose();
});
