/** In virtual time: whatever hangs on the lost side, the act of a forced failover begins within 20 seconds. */
import { ApplicationFailure } from '@temporalio/common';
import type { Answer } from '../../../src/workflows/run/answers';
import { slotsWorkflowId } from '../../../src/workflows/run/failover-slot-messages';
import { isWatch, needsPerson } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { STANDING_SPEC, StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeActivity,
  type FakeOutcome,
  fail,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LIMIT_MS = 20_000;
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
const AT = '2026-11-01T00:00:00.000Z';
const BACKUP = {
  kind: 'log-backup-taken',
  backup: { at: AT, ruleId: 'log-backup.cadence', reason: 'due', effects: [], durationMs: 5 },
  health: {
    observedAt: AT,
    healthy: false,
    summary: 'of the watch that was left',
    lagSeconds: 7,
    logUsedPercent: 5,
  },
};

type Then = (call: ActivityCall) => FakeOutcome | undefined;

async function standing(then: Then, spec = STANDING_SPEC): Promise<StandingLink> {
  const begun = await StandingLink.begin(
    { override: (call) => (call.at >= 2 * HOUR ? then(call) : undefined) },
    { spec },
  );
  // Into the watch that hangs.
  await begun.goOn(20 * MINUTE);
  return begun;
}

const planned = (begun: StandingLink) =>
  begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance' });

/** Nothing stops when it is asked to, from here on. */
function nothingStops({ driver }: StandingLink): void {
  for (const one of [driver, ...driver.children]) one.stopsWithin(10 * HOUR);
}

/** Asks for a forced failover. @returns virtual milliseconds until its act was scheduled */
async function untilActOf(begun: StandingLink, request: object = {}): Promise<number> {
  const askedAt = begun.driver.elapsed;
  expect(await begun.driver.update<Answer>('failover', { ...FORCED, ...request })).toMatchObject({
    accepted: true,
  });
  const act = () =>
    begun.driver.calls.find(
      (call) =>
        call.at >= askedAt && call.type === 'performStep' && stepOf(call).endsWith('.forced-failover'),
    );
  await begun.driver.run(() => act() !== undefined, askedAt + 15 * HOUR);
  return (act()?.at ?? Number.POSITIVE_INFINITY) - askedAt;
}

const isAnyWatch = ({ type }: ActivityCall): boolean => type === 'watch';

test('a watch that hangs', async () => {
  const begun = await standing((call) => (isAnyWatch(call) ? hang : undefined));
  nothingStops(begun);
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('instance');
  await begun.end();
});

test('a log backup that hangs; what it says hours later is not taken for news', async () => {
  let backups = 0;
  const begun = await standing((call) => {
    if (isWatch(call, 'instance')) return hang;
    if (!isWatch(call, 'server')) return undefined;
    backups += 1;
    return answer(BACKUP, 12 * HOUR);
  });
  expect(backups).toBe(1);
  begun.driver.hearsTooLate();
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.goOn(13 * HOUR);
  const { health, protection } = await begun.status();
  expect(protection?.primary).toBe('instance');
  expect(health).toBeNull();
  await begun.end();
});

test('a watch of the instance that hangs, where the SQL Server is forced', async () => {
  const begun = await standing((call) => (isWatch(call, 'instance') ? hang : undefined));
  await planned(begun);
  await begun.goOn(HOUR);
  expect((await begun.protection()).primary).toBe('instance');
  nothingStops(begun);
  expect(await untilActOf(begun, { to: 'server' })).toBeLessThanOrEqual(LIMIT_MS);
  await begun.end();
});

test('a notifier that hangs, after a planned failover that gave way', async () => {
  const begun = await standing((call) => {
    if (call.type === 'notifyPerson' || call.type === 'awaitCatchUp') return hang;
    return undefined;
  });
  await planned(begun);
  await begun.goOn();
  nothingStops(begun);
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.end();
});

const OBJECTS_SPEC = linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app] } }
instanceObjects: { logins: { include: [app] }, drift: warn }
`);

/** A login that is not on the other side, as a watch of the objects finds it. */
const missingLogin = (copyable: boolean) => ({
  observedAt: AT,
  primary: 'server',
  findings: [
    { kind: 'login', name: 'app', state: 'missing', detail: 'is not there', copyable, remedy: 'make it' },
  ],
});

test('a notifier that hangs, with logins that are known to differ', async () => {
  const begun = await StandingLink.begin(
    {
      override: (call) => {
        if (call.type === 'notifyPerson') return call.at >= 2 * HOUR ? hang : undefined;
        if (call.type !== 'watchInstanceObjects') return undefined;
        return call.count === 1 ? answer(missingLogin(false)) : hang;
      },
    },
    { spec: OBJECTS_SPEC },
  );
  const tells = () => begun.driver.calls.filter(({ type }) => type === 'notifyPerson');
  const before = tells().length;
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  expect(
    tells()
      .slice(before)
      .map(({ input }) => (input as { code: string }).code),
  ).toContain('objects.drift');
  await begun.driver.dispose();
});

test('a copy of logins that hangs in the midst of a change', async () => {
  const begun = await StandingLink.begin(
    {
      override: (call) => {
        if (call.type === 'performStep' && stepOf(call) === 'instance.logins') return hang;
        return call.type === 'watchInstanceObjects' ? answer(missingLogin(true)) : undefined;
      },
    },
    { spec: OBJECTS_SPEC },
  );
  nothingStops(begun);
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.end();
});

test('an undo of the lost side that hangs, and the watch with it', async () => {
  const begun = await standing((call) => {
    if (isAnyWatch(call) || call.type === 'awaitCatchUp' || call.type === 'undoStep') return hang;
    return undefined;
  });
  await planned(begun);
  await begun.goOn(HOUR);
  expect(begun.driver.trace.at(-1)?.call.type).toBe('undoStep');
  nothingStops(begun);
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.goOn();
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers.map(({ type, outcome }) => `${type} ${outcome}`)).toEqual([
    'planned withdrawn',
    'forced done',
  ]);
  await begun.end();
});

test.each<[string, Then]>([
  [
    'an admission to the lost side',
    (call) => (stepOf(call) === 'server.admit-applications' ? hang : undefined),
  ],
  ['a look at the roles', (call) => (call.type === 'readRoles' ? hang : undefined)],
])('after a planned failover that was ended by force: %s that hangs', async (_name, then) => {
  let isAsked = false;
  const begun = await standing((call) => {
    if (call.type === 'awaitCatchUp') return hang;
    return isAsked ? undefined : then(call);
  });
  await planned(begun);
  await begun.goOn();
  begun.driver.children[0]?.terminate();
  await begun.goOn(HOUR);
  expect((await begun.protection()).pendingRequest).toBe('failover');
  nothingStops(begun);
  isAsked = true;
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.end();
});

test('a drill whose watch hangs on its way there', async () => {
  const begun = await standing((call) =>
    isAnyWatch(call) || call.type === 'awaitCatchUp' ? hang : undefined,
  );
  await begun.driver.update('drill', { ...DBA, holdMs: HOUR });
  await begun.goOn();
  nothingStops(begun);
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.end();
});

const MEASURED = {
  observedAt: AT,
  method: 'measured',
  seconds: 1,
  oldPrimaryEndOfLogLsn: '43',
  newPrimaryHardenedLsn: '42',
  newPrimaryTime: AT,
  summary: 'measured',
};

test('a fence that hangs on an old primary that answered just before', async () => {
  const begun = await standing((call) => {
    if (call.type === 'measureLoss') {
      return answer(MEASURED);
    }
    return call.type === 'performStep' && stepOf(call) === 'server.fence' ? hang : undefined;
  });
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('instance');
  await begun.end();
});

/** Whoever ought to give turns: it takes signals, and does nothing with them. */
async function slotsNeverAnswer({ driver }: StandingLink): Promise<void> {
  const hanging = new Proxy<Readonly<Record<string, FakeActivity>>>({}, { get: () => () => hang });
  const workflowId = slotsWorkflowId(STANDING_SPEC.instance.resourceId);
  await WorkflowDriver.start(
    'linkMigration',
    { spec: linkSpecWith(''), visibility: false },
    hanging,
    {},
    {
      driver,
      workflowId,
    },
  );
}

test('a turn that never comes', async () => {
  const begun = await standing(() => undefined);
  await slotsNeverAnswer(begun);
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('instance');
  await begun.end();
});

test('a turn that never comes, a watch that hangs, and a fence that hangs', async () => {
  const begun = await standing((call) => {
    if (isAnyWatch(call)) return hang;
    if (call.type === 'measureLoss') return answer(MEASURED);
    return call.type === 'performStep' && stepOf(call) === 'server.fence' ? hang : undefined;
  });
  await slotsNeverAnswer(begun);
  nothingStops(begun);
  expect(await untilActOf(begun)).toBeLessThanOrEqual(LIMIT_MS);
  await begun.end();
});

test.each(['watch', 'first full backup'])('a removal that waits for its %s gives way', async (what) => {
  const begun = await standing((call) => {
    if (what === 'watch' ? isAnyWatch(call) : call.type === 'awaitAzureFullBackup') return hang;
    return undefined;
  });
  let to: 'server' | 'instance' = 'instance';
  if (what !== 'watch') {
    await planned(begun);
    await begun.goOn(HOUR);
    to = 'server';
  }
  nothingStops(begun);
  expect(await begun.driver.update<Answer>('remove', DBA)).toMatchObject({ accepted: true });
  await begun.goOn(HOUR);
  expect((await begun.protection()).pendingRequest).toBe('remove');
  expect(await untilActOf(begun, { to })).toBeLessThanOrEqual(LIMIT_MS);
  await begun.goOn();
  expect(await begun.protection()).toMatchObject({ primary: to, pendingRequest: null });
  await begun.end();
});

test('a removal that has begun its first step gives way no more', async () => {
  const begun = await standing((call) => (stepOf(call) === 'instance.remove-link' ? hang : undefined));
  await begun.driver.update<Answer>('remove', DBA);
  await begun.goOn(HOUR);
  expect(await begun.driver.update<Answer>('failover', FORCED)).toMatchObject({
    accepted: false,
    reasons: ['another request is under way'],
  });
  await begun.driver.dispose();
});

test('what keeps the watch from looking is told once, and again when it changes', async () => {
  let message = 'the disk is full';
  const begun = await StandingLink.begin({
    override: (call) => {
      if (!isWatch(call, 'server') || call.at < 2 * HOUR) return undefined;
      const failure = ApplicationFailure.create({
        type: 'BackupFailed',
        message,
        nonRetryable: true,
        details: [{ remedy: 'make room' }],
      });
      return fail(failure);
    },
  });
  const told = () => begun.link.effects.filter((effect) => effect === 'notify BackupFailed').length;
  await begun.goOn(3 * HOUR);
  expect(told()).toBe(1);
  message = 'the folder is gone';
  await begun.goOn(3 * HOUR);
  expect(told()).toBe(2);
  await begun.end();
});

test('also by another watch of the same run', async () => {
  const begun = await standing((call) => {
    if (isWatch(call, 'server')) return fail(needsPerson('BackupFailed'));
    return call.type === 'awaitCatchUp' ? fail(needsPerson('NotCaughtUp')) : undefined;
  });
  await planned(begun);
  await begun.goOn(HOUR);
  expect((await begun.protection()).primary).toBe('server');
  expect(begun.link.effects.filter((effect) => effect === 'notify BackupFailed')).toHaveLength(1);
  await begun.end();
});
