/** A rotation whose links do not come back is rolled back; an undo that does not get through is told, and left on request. */
import { ApplicationFailure } from '@temporalio/common';
import type { RotationStepId } from '../../../src/rules/sql-server/certificate-rotation';
import type { Answer } from '../../../src/workflows/run/answers';
import type {
  CertificateRotationResult,
  RotationStatus,
} from '../../../src/workflows/sql-server/certificate-messages';
import { needsPerson } from '../../support/fake-link';
import { linkSpec } from '../../support/link-spec';
import {
  answer,
  closeWorkflowDrivers,
  type FakeActivity,
  type FakeOutcome,
  fail,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

const HOUR = 3_600_000;
const AT = '2026-11-01T00:00:00.000Z';
const DBA = { by: 'dba' };

afterAll(closeWorkflowDrivers);

const PLAN = {
  endpointName: 'endpoint',
  old: { name: 'Cert', thumbprint: 'AA', expiresAt: '2026-12-01T00:00:00.000Z', expired: false },
  nextName: 'Cert_20261101',
  nextExpiresOn: '2027-11-01',
  groups: ['DAG_Sales'],
};

async function rotation(
  undo: (stepId: RotationStepId, count: number) => FakeOutcome | undefined,
  prove: FakeActivity = () =>
    answer({ connected: false, evidence: 'away', secondsWithoutConnection: 1, looks: 3 }),
) {
  const told: string[] = [];
  const undone: string[] = [];
  const stepOf = (call: { readonly input: unknown }) => (call.input as { stepId: RotationStepId }).stepId;
  const activities: Record<string, FakeActivity> = {
    planCertificateRotation: () => answer({ refusals: [], plan: PLAN }),
    readCertificate: () =>
      answer({ name: PLAN.nextName, thumbprint: 'BB', expiresAt: '2027-11-01T00:00:00.000Z' }),
    observeRotationStep: (call) =>
      answer({
        before: {},
        planned: [{ kind: 'tsql', on: 'server', display: 'DO', undo: `UNDO ${stepOf(call)};` }],
      }),
    performRotationStep: (call) =>
      answer({
        stepId: stepOf(call),
        outcome: 'done',
        effects: [],
        evidence: 'seen',
        startedAt: AT,
        durationMs: 1,
      }),
    undoRotationStep: (call) => {
      const instead = undo(stepOf(call), call.count);
      if (instead === undefined) undone.push(stepOf(call));
      return instead ?? answer([]);
    },
    proveConnection: prove,
    notifyPerson: (call) => {
      told.push((call.input as { code: string }).code);
      return answer(null);
    },
  };
  const input = {
    spec: linkSpec(),
    others: [],
    by: 'dba',
    reason: null,
    rotateEndpoint: true,
    reimportInstance: false,
    connectWithinMs: 120_000,
  };
  const driver = await WorkflowDriver.start('certificateRotation', input, activities);
  await driver.run(() => false, HOUR);
  const resultOf = (): CertificateRotationResult => {
    if (driver.ended?.kind !== 'completed') throw new Error(`not completed: ${JSON.stringify(driver.ended)}`);
    return driver.ended.result as CertificateRotationResult;
  };
  return { driver, told, undone, resultOf, status: () => driver.query<RotationStatus>('status') };
}

const WAYS: readonly (readonly [string, string, () => FakeOutcome])[] = [
  ['hangs', 'TimedOut', () => hang],
  [
    'does not reach the server',
    'Unreachable',
    () => fail(ApplicationFailure.create({ type: 'Unreachable', message: 'away' })),
  ],
  ['is refused', 'Stuck', () => fail(needsPerson('Stuck'))],
];
const UNDONE: readonly RotationStepId[] = [
  'rotation.switch-endpoint',
  'rotation.trust-certificate',
  'rotation.create-certificate',
];

describe.each(WAYS)('an undo that %s', (_way, code, outcome) => {
  test.each(UNDONE)('%s: told within a bound, and left by name on request', async (step) => {
    const run = await rotation((stepId) => (stepId === step ? outcome() : undefined));
    expect((await run.status()).blockedBy).toMatchObject({
      code,
      remedy: expect.stringContaining(`UNDO ${step};`),
    });
    expect(run.told).toEqual([code]);
    // Without the way back of the endpoint its new certificate must stay trusted.
    const expected = step === 'rotation.switch-endpoint' ? [] : UNDONE.filter((one) => one !== step);
    expect(run.undone.toSorted()).toEqual(expected.toSorted());
    expect(await run.driver.update<Answer>('pause', DBA)).toMatchObject({ accepted: false });
    expect(await run.driver.update<Answer>('leaveBehind', DBA)).toMatchObject({ accepted: true });
    await run.driver.run(() => false, 2 * HOUR);
    expect(run.resultOf()).toMatchObject({
      outcome: 'rolled-back',
      summary: expect.stringContaining('not all could be given back'),
      leftovers: [expect.stringContaining('left behind by dba')],
    });
    await run.driver.replay();
    await run.driver.dispose();
  });

  test.each(UNDONE)('%s: nobody is needed once it gets through', async (step) => {
    let tries = 0;
    const run = await rotation((stepId) => {
      if (stepId !== step) return undefined;
      tries += 1;
      return tries <= 2 ? outcome() : undefined;
    });
    await run.driver.run(() => false, 3 * HOUR);
    expect(run.resultOf()).toMatchObject({ outcome: 'rolled-back', leftovers: [] });
    expect(run.undone.toSorted()).toEqual(UNDONE.toSorted());
    await run.driver.dispose();
  });
});

test.each(
  WAYS.slice(0, 2),
)('a proof that %s: the links are not back, and the old certificate returns', async (_way, _code, outcome) => {
  const run = await rotation(
    () => undefined,
    () => outcome(),
  );
  expect(run.resultOf()).toMatchObject({
    outcome: 'rolled-back',
    summary: expect.stringContaining('NOT back yet'),
  });
  await run.driver.dispose();
});
