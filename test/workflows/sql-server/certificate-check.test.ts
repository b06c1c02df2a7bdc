/** The regular look at the certificates: whatever keeps it from looking is told, and it ends; only a rotation fails it. */
import { ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { CATALOGUE } from '../../../src/rules/errors/catalogue';
import type { CertificateCheckResult } from '../../../src/workflows/sql-server/certificate-messages';
import { needsPerson } from '../../support/fake-link';
import { linkSpec } from '../../support/link-spec';
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

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Longer than a check may take, and shorter than the time between two. */
const BOUND_MS = HOUR;

afterAll(closeWorkflowDrivers);

interface Told {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly nextStep: string;
}

const inventory = (daysLeft: number) => ({
  observedAt: '2026-11-01T00:00:00.000Z',
  serverTime: '2026-11-01T00:00:00.000Z',
  serverName: 'SQL1',
  instanceFqdn: 'mi-west.zone.database.windows.net',
  endpointName: 'endpoint',
  items: [
    {
      use: 'endpoint',
      where: 'server',
      name: 'Cert_SQL1_endpoint',
      expiresAt: new Date(Date.parse('2026-11-01T00:00:00.000Z') + daysLeft * DAY).toISOString(),
      daysLeft,
      level: daysLeft < 7 ? 'critical' : 'ok',
      note: 'used by the endpoint',
    },
  ],
  chain: { state: 'valid', detail: 'validates' },
  worst: daysLeft < 7 ? 'critical' : 'ok',
});

async function check(
  read: FakeActivity,
  options: {
    readonly lastResult?: unknown;
    readonly rotateBeforeMs?: number | null;
    readonly rotation?: (call: ActivityCall) => FakeOutcome;
    readonly more?: Readonly<Record<string, FakeActivity>>;
    readonly untilMs?: number;
    readonly notifier?: FakeOutcome;
  } = {},
) {
  const told: Told[] = [];
  const activities: Record<string, FakeActivity> = {
    readCertificateInventory: read,
    ...options.more,
    planCertificateRotation: options.rotation ?? (() => answer({ refusals: [], plan: null })),
    notifyPerson: (call) => {
      told.push(call.input as Told);
      return options.notifier ?? answer(null);
    },
  };
  const { lastResult, rotateBeforeMs = null } = options;
  const input = { spec: linkSpec(), others: [], rotateBeforeMs, connectWithinMs: 120_000 };
  const driver = await WorkflowDriver.start(
    'certificateCheck',
    input,
    activities,
    lastResult === undefined ? {} : { lastResult },
  );
  const ending = await driver.run(() => false, options.untilMs ?? BOUND_MS);
  await driver.replay();
  await driver.dispose();
  return { told, ending, elapsed: driver.elapsed };
}

const resultOf = ({ ending }: Awaited<ReturnType<typeof check>>): CertificateCheckResult => {
  if (ending.kind !== 'completed') throw new Error(`not completed: ${JSON.stringify(ending)}`);
  return ending.result as CertificateCheckResult;
};

const passing = (code: string): ApplicationFailure =>
  ApplicationFailure.create({
    type: code,
    message: `${code} happened`,
    details: [{ remedy: `mend ${code}` }],
  });

const timedOut = (type: 'START_TO_CLOSE' | 'HEARTBEAT' | 'SCHEDULE_TO_CLOSE') =>
  new TimeoutFailure('activity timed out', undefined, type) as unknown as ApplicationFailure;

const codes = CATALOGUE.flatMap(({ entries }) => entries);

describe('a check that cannot be made is told, with reason and remedy, and completes', () => {
  test('whatever the catalogue knows, for a person or passing', async () => {
    expect(codes.length).toBeGreaterThan(50);
    const found: string[] = [];
    for (const { code, reaction } of codes) {
      const failure = reaction === 'needs-person' ? needsPerson(code) : passing(code);
      const run = await check(() => fail(failure));
      const ours = run.told.filter((one) => one.code === 'certificate.check-failed');
      const [first] = ours;
      if (run.ending.kind !== 'completed') found.push(`${code}: ended ${run.ending.kind}`);
      else if (ours.length !== 1 || !first?.message.includes(`${code} happened`))
        found.push(`${code}: not told once`);
      else if (!first.nextStep.includes(`mend ${code}`)) found.push(`${code}: no remedy`);
    }
    expect(found).toEqual([]);
  });

  test.each(['START_TO_CLOSE', 'HEARTBEAT', 'SCHEDULE_TO_CLOSE'] as const)('time-out %s', async (type) => {
    const run = await check(() => fail(timedOut(type)));
    expect(resultOf(run).failure).toMatchObject({ code: 'TimedOut' });
    expect(run.told).toMatchObject([{ code: 'certificate.check-failed', severity: 'warning' }]);
  });

  test('a look that hangs ends within a bound', async () => {
    const run = await check(() => hang);
    expect(resultOf(run)).toMatchObject({ inventory: null, failure: { code: 'TimedOut' } });
    expect(run.told).toMatchObject([{ code: 'certificate.check-failed' }]);
  });
});

test('the reason is told once, and again when it changes, or came back', async () => {
  const login = await check(() => fail(needsPerson('LoginFailed')));
  const again = await check(() => fail(needsPerson('LoginFailed')), { lastResult: resultOf(login) });
  expect(again.told).toEqual([]);
  const other = await check(() => fail(needsPerson('TlsFailed')), { lastResult: resultOf(again) });
  expect(other.told).toMatchObject([{ code: 'certificate.check-failed' }]);
  const good = await check(() => answer(inventory(300)), { lastResult: resultOf(other) });
  expect(resultOf(good).failure).toBeNull();
  const back = await check(() => fail(needsPerson('TlsFailed')), { lastResult: resultOf(good) });
  expect(back.told).toMatchObject([{ code: 'certificate.check-failed' }]);
});

test('what people were told of certificates is not forgotten by a check that could not be made', async () => {
  const told = { 'server/Cert_SQL1_endpoint': 'info' };
  const run = await check(() => fail(needsPerson('LoginFailed')), { lastResult: { told } });
  expect(resultOf(run).told).toMatchObject(told);
});

test.each<[string, FakeOutcome]>([
  ['fails', fail(passing('Unexpected'))],
  ['hangs', hang],
])('what did not reach people, since the notifier %s, is told by the next check', async (_, notifier) => {
  const refused = () => fail(needsPerson('LoginFailed'));
  const unheard = await check(refused, { notifier });
  expect(resultOf(unheard).failure).toMatchObject({ code: 'LoginFailed' });
  expect(unheard.elapsed).toBeLessThan(5 * 60_000);
  const again = await check(refused, { lastResult: resultOf(unheard) });
  expect(again.told).toMatchObject([{ code: 'certificate.check-failed' }]);
  const low = { ...inventory(300), items: [{ ...inventory(300).items[0], level: 'warning' }] };
  const unheardOf = await check(() => answer(low), { notifier });
  const heard = await check(() => answer(low), { lastResult: resultOf(unheardOf) });
  expect(heard.told).toMatchObject([{ code: 'certificate.warning' }]);
  const silent = await check(() => answer(low), { lastResult: resultOf(heard) });
  expect(silent.told).toEqual([]);
});

describe('with a rotation that is due', () => {
  const due = { rotateBeforeMs: 30 * DAY };

  test('a rotation that is refused completes the check', async () => {
    const refusals = [{ ruleId: 'rotation.seeding', reason: 'seeding', nextStep: 'wait' }];
    const run = await check(() => answer(inventory(3)), {
      ...due,
      rotation: () => answer({ refusals, plan: null }),
    });
    expect(resultOf(run).rotation).toMatchObject({ outcome: 'refused' });
  });

  test.each([
    ['LoginFailed', needsPerson('LoginFailed')],
    ['TimedOut', timedOut('START_TO_CLOSE')],
  ])('a rotation that waits for a person (%s) does not hold the checks up: it goes on by itself', async (code, failure) => {
    const run = await check(() => answer(inventory(3)), {
      ...due,
      rotation: () => fail(failure),
      untilMs: DAY / 2,
    });
    expect(resultOf(run).rotation).toBeNull();
    expect(resultOf(run).summary).toContain('waits');
    expect(run.told.map((one) => one.code)).toContain(code);
  });

  test('a rotation that fails, fails the check, and a person is told', async () => {
    const old = { name: 'Cert', thumbprint: 'AA', expiresAt: '2026-12-01T00:00:00.000Z', expired: false };
    const plan = {
      endpointName: 'endpoint',
      old,
      nextName: 'Cert_2',
      nextExpiresOn: '2027-11-01',
      groups: [],
    };
    const run = await check(() => answer(inventory(3)), {
      ...due,
      rotation: () => answer({ refusals: [], plan }),
      more: {
        observeRotationStep: () => answer({ before: {}, planned: [] }),
        performRotationStep: () => answer({ outcome: 'done', effects: [], evidence: '', durationMs: 1 }),
        readCertificate: () => fail(timedOut('START_TO_CLOSE')),
        undoRotationStep: () => answer([]),
      },
    });
    expect(run.ending.kind).toBe('failed');
    expect(run.told.map(({ code }) => code)).toContain('certificate.rotation-failed');
  });
});
