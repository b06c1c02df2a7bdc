/** Promise 1 for the steps of a rotation: the answer of each change is lost once, and the world is the same. */
import { rotationStep } from '../../../src/activities/sql-server/steps/rotation';
import type { LinkStepId } from '../../../src/model/link/step';
import { ROTATION_STEP_IDS, type RotationPlan } from '../../../src/rules/sql-server/certificate-rotation';
import { estateWithApplication } from '../../support/application';
import { type EstateStage, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';

const TRUST: readonly LinkStepId[] = [
  'server.master-key',
  'server.endpoint-certificate',
  'instance.trust-server-certificate',
  'server.mirroring-endpoint',
];
const OLD = 'Cert_SQL1_endpoint';
const NEXT = 'Cert_SQL1_endpoint_20270301';

let stage: EstateStage;
let bench: StepBench;
let plan: RotationPlan;

beforeEach(async () => {
  stage = await startEstateStage({ estate: estateWithApplication() });
  bench = await StepBench.open(stage, stage.spec());
  for (const stepId of TRUST) await bench.run(stepId);
  const server = stage.estate.world.instances.get('SQL1');
  const old = [...server.certificates.values()].find(({ name }) => name === OLD);
  plan = {
    endpointName: server.endpoint?.name ?? '',
    old: {
      name: OLD,
      thumbprint: Buffer.from(old?.thumbprint ?? '')
        .toString('hex')
        .toUpperCase(),
      expiresAt: new Date(old?.expiryDate ?? 0).toISOString(),
      expired: false,
    },
    nextName: NEXT,
    nextExpiresOn: '2099-01-01',
    groups: [],
  };
});
afterEach(async () => {
  await bench.close();
  await stage.close();
});

function trust() {
  const { world } = stage.estate;
  const { endpoint, certificates } = world.instances.get('SQL1');
  return {
    endpoint: [endpoint?.certificateName, endpoint?.state],
    own: [...certificates.values()].filter(({ privateKey }) => privateKey === 'MK').map(({ name }) => name),
    trusted: [...(world.instances.get('mi-west').managed?.trustCertificates.values() ?? [])].map(
      ({ name }) => name,
    ),
  };
}

const perform = (stepId: (typeof ROTATION_STEP_IDS)[number]) =>
  bench.untilDone((left) => bench.runStep(rotationStep(plan, stepId), left));

const ROTATED = { endpoint: [NEXT, 'STARTED'], own: [NEXT], trusted: [NEXT] };

test('each step twice is as good as once', async () => {
  for (const stepId of ROTATION_STEP_IDS) {
    await perform(stepId);
    const once = trust();
    const again = await perform(stepId);
    expect([stepId, trust()]).toEqual([stepId, once]);
    if (stepId !== 'rotation.force-reconnect')
      expect(again).toMatchObject({ outcome: 'already-done', effects: [] });
  }
  expect(trust()).toEqual(ROTATED);
});

test.each([
  ['rotation.create-certificate', 'CREATE CERTIFICATE'],
  ['rotation.switch-endpoint', 'ALTER ENDPOINT'],
  ['rotation.force-reconnect', 'STATE = STOPPED'],
  ['rotation.force-reconnect', 'STATE = STARTED;'],
  ['rotation.drop-old-certificate', 'DROP CERTIFICATE'],
] as const)('%s whose answer to %s is lost', async (lossy, statement) => {
  for (const stepId of ROTATION_STEP_IDS) {
    if (stepId === lossy)
      stage.estate.world.faults.add({
        surface: 'sql',
        statement,
        count: 1,
        action: { kind: 'drop', when: 'after' },
      });
    await perform(stepId);
  }
  expect(stage.estate.world.faults.list().every(({ spent }) => spent)).toBe(true);
  expect(trust()).toEqual(ROTATED);
});

test.each([
  ['rotation.trust-certificate', 'PUT'],
  ['rotation.distrust-old-certificate', 'DELETE'],
] as const)('%s whose answer to %s is lost', async (lossy, method) => {
  for (const stepId of ROTATION_STEP_IDS) {
    if (stepId === lossy)
      stage.estate.world.faults.add({
        surface: 'arm',
        method,
        path: 'serverTrustCertificates',
        count: 1,
        action: { kind: 'lost-response' },
      });
    await perform(stepId);
  }
  expect(stage.estate.world.faults.list().every(({ spent }) => spent)).toBe(true);
  expect(trust()).toEqual(ROTATED);
});

test('undone, latest first, the old certificate is in use and nothing of the new one stays', async () => {
  const before = trust();
  const made = [
    'rotation.create-certificate',
    'rotation.trust-certificate',
    'rotation.switch-endpoint',
  ] as const;
  const begun: { readonly stepId: (typeof made)[number]; readonly facts: unknown }[] = [];
  for (const stepId of made) {
    begun.push({ stepId, facts: await bench.factsOf(rotationStep(plan, stepId)) });
    await perform(stepId);
  }
  for (const { stepId, facts } of begun.reverse()) {
    await bench.undoStep(rotationStep(plan, stepId), facts);
    await bench.undoStep(rotationStep(plan, stepId), facts);
  }
  expect(trust()).toEqual(before);
});

test('somebody who changed the endpoint meanwhile is not overruled', async () => {
  await perform('rotation.create-certificate');
  const { world } = stage.estate;
  world.certificates.create('SQL1', { name: 'Mine', subject: 'of somebody else' });
  world.endpoints.alter('SQL1', plan.endpointName, { certificateName: 'Mine' });
  await expect(perform('rotation.switch-endpoint')).rejects.toMatchObject({ code: 'RotationMovedOn' });
  expect(trust().endpoint[0]).toBe('Mine');
});

test('a run that is undone after a rotation leaves no certificate of it behind', async () => {
  const fresh = await startEstateStage({ estate: estateWithApplication() });
  const own = await StepBench.open(fresh, fresh.spec());
  try {
    const begun: { readonly stepId: LinkStepId; readonly before: unknown }[] = [];
    for (const stepId of TRUST) {
      begun.push({ stepId, before: (await own.look(stepId)).before });
      await own.run(stepId);
    }
    for (const stepId of ROTATION_STEP_IDS) await own.runStep(rotationStep(plan, stepId));
    for (const { stepId, before } of begun.reverse()) await own.undo(stepId, before);
    const { world } = fresh.estate;
    const server = world.instances.get('SQL1');
    expect([...server.certificates.keys()]).toEqual([]);
    expect(server.endpoint).toBeUndefined();
    expect([...(world.instances.get('mi-west').managed?.trustCertificates.keys() ?? [])]).toEqual([]);
  } finally {
    await own.close();
    await fresh.close();
  }
});
