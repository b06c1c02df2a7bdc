/** Certificates of a link that lives: rotated under load, rolled back, repaired, by hand and on a schedule. */
import { verify, WorkloadWriter } from '../../estate/workload/writer';
import { readCertificateInventory } from '../../src/activities/sql-server/certificates';
import { Certificates } from '../../src/client/certificates';
import type { RunView } from '../../src/client/runs';
import { until, untilItWrites, untilSeen } from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';
import { StepBench } from '../support/step-bench';
import { openSteps } from '../support/steps-without-temporal';

afterAll(closeServer);

const GB = 1024 ** 3;
const APP = { name: 'sales_app', password: 'Sales!Passw0rd' };

const estate = (dataBytes: number) => ({
  clock: { speed: 300 },
  instances: [
    {
      kind: 'sql-server' as const,
      name: 'SQL1',
      update: 'CU16',
      logins: [
        { name: 'sa', password: 'Ferry!Passw0rd' },
        { ...APP, roles: [] },
      ],
      databases: [{ name: 'Sales', dataBytes, users: [{ name: APP.name, login: APP.name }] }],
    },
    {
      kind: 'managed-instance' as const,
      name: 'mi-west',
      logins: [
        { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
        { ...APP, roles: [] },
      ],
    },
  ],
});

const SECTIONS = `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
certificate: { validFor: 365d }
cutover: { fence: { disableLogins: [sales_app] } }
${QUICK_POLLING}
`;

const OLD = 'Cert_SQL1_endpoint';
const DAY_MS = 86_400_000;

const TRUST_STEPS = [
  'server.endpoint-certificate',
  'instance.trust-server-certificate',
  'server.trust-instance-certificate',
  'server.trust-azure-authorities',
  'server.mirroring-endpoint',
] as const;

const untilRun = (stage: Stage, reached: (view: RunView) => boolean, name = 'sales'): Promise<RunView> =>
  untilSeen('the run is so far', () => stage.migrations.view(name), reached);

/** What the world itself knows of the trust between the two. */
function trustIn(stage: Stage) {
  const { world } = stage.estate;
  const server = world.instances.get('SQL1');
  const instance = world.instances.get('mi-west');
  const own = [...server.certificates.values()].filter(({ privateKey }) => privateKey === 'MK');
  const [link] = world.links.all();
  return {
    endpoint: server.endpoint?.certificateName,
    own: own.map(({ name }) => name),
    trusted: [...(instance.managed?.trustCertificates.values() ?? [])].map(({ name }) => name),
    connection: link?.connection.state,
    thumbprintOf: (name: string) =>
      Buffer.from(own.find((one) => one.name === name)?.thumbprint ?? '')
        .toString('hex')
        .toUpperCase(),
  };
}

function certificatesOf(stage: Stage) {
  return new Certificates(stage.client, { taskQueue: stage.taskQueue });
}

/** Waits until the endpoint has left the old certificate, then deletes the trust for the new one. @returns its name */
async function forgetOnceSwitched(stage: Stage, old: string): Promise<string> {
  await until('the endpoint has left the old certificate', () => trustIn(stage).endpoint !== old);
  const name = trustIn(stage).endpoint ?? '';
  stage.estate.world.certificates.deleteTrust('mi-west', name);
  await until('the trust is gone', () => !trustIn(stage).trusted.includes(name));
  return name;
}

async function inventoryOf(stage: Stage) {
  const { context, close } = await openSteps(stage.spec(SECTIONS), stage.env);
  try {
    return await readCertificateInventory(context);
  } finally {
    await close();
  }
}

async function rotate(
  stage: Stage,
  more: { connectWithinMs?: number; reimportInstance?: boolean; rotateEndpoint?: boolean } = {},
) {
  const certificates = certificatesOf(stage);
  const { runId } = await certificates.rotate({
    spec: stage.spec(SECTIONS),
    others: [],
    by: 'dba',
    reason: 'a test',
    rotateEndpoint: true,
    reimportInstance: false,
    ...more,
  });
  return certificates.result('sql1', runId);
}

describe('a DR link', () => {
  let stage: Stage;
  let writer: WorkloadWriter;
  const app = (name: 'SQL1' | 'mi-west') => ({
    host: '127.0.0.1',
    port: stage.estate.instance(name).port,
    database: 'Sales',
    user: APP.name,
    password: APP.password,
  });

  beforeAll(async () => {
    stage = await startStage({ estate: estate(4 * GB) });
    await stage.startWorker();
    writer = new WorkloadWriter({ target: app('SQL1'), rate: 50 });
    writer.start();
    await stage.migrations.start(stage.spec(SECTIONS));
    await untilRun(stage, ({ status }) => status.protection !== null);
  }, 90_000);
  afterAll(async () => {
    await writer.stop();
    await stage.close();
  });

  test('gets a new certificate under load: no seeding again, old one gone, new one trusted', async () => {
    const before = trustIn(stage);
    const result = await rotate(stage);
    expect(result).toMatchObject({
      outcome: 'done',
      by: 'dba',
      oldCertificate: { name: OLD, thumbprint: before.thumbprintOf(OLD) },
      proof: expect.stringContaining('DAG_Sales: CONNECTED, HEALTHY'),
      leftovers: [],
    });
    const name = result.newCertificate?.name ?? '';
    expect(name).toMatch(/^Cert_SQL1_endpoint_\d{8}$/);
    const after = trustIn(stage);
    expect(after).toMatchObject({ endpoint: name, own: [name], trusted: [name], connection: 'CONNECTED' });
    expect(result.newCertificate?.thumbprint).toBe(after.thumbprintOf(name));
    expect(result.secondsWithoutConnection).toBeGreaterThanOrEqual(0);
    // The instance knew the new key before the endpoint used it.
    expect(result.journal.map(({ stepId }) => stepId)).toEqual([
      'rotation.create-certificate',
      'rotation.trust-certificate',
      'rotation.switch-endpoint',
      'rotation.force-reconnect',
      'rotation.distrust-old-certificate',
      'rotation.drop-old-certificate',
    ]);
    const { status } = await stage.migrations.view('sales');
    expect(status.seedingRestarts).toBe(0);
    expect(status.protection?.primary).toBe('server');
    const check = await verify(writer.acknowledged, {
      ...app('SQL1'),
      user: 'sa',
      password: 'Ferry!Passw0rd',
    });
    expect(check.lost).toEqual([]);
    expect(check.acknowledged).toBeGreaterThan(10);
  }, 60_000);

  test('gets the old one back when the links do not return with the new one', async () => {
    const before = trustIn(stage);
    const { world } = stage.estate;
    world.faults.add({
      surface: 'sql',
      statement: 'STATE = STOPPED',
      count: 1,
      action: { kind: 'slow', ms: 300_000 },
    });
    const rotating = rotate(stage, { connectWithinMs: 1_500 });
    // The instance forgets the new key between the switch and the handshake.
    const lost = await forgetOnceSwitched(stage, before.endpoint ?? '');
    const result = await rotating;
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      oldCertificate: { name: before.endpoint },
      newCertificate: { name: lost },
      summary: expect.stringContaining('the connections are back'),
      proof: expect.stringContaining('DISCONNECTED'),
    });
    expect(trustIn(stage)).toMatchObject({
      endpoint: before.endpoint,
      own: before.own,
      trusted: before.trusted,
      connection: 'CONNECTED',
    });
    const { status } = await stage.migrations.view('sales');
    expect(status.seedingRestarts).toBe(0);
  }, 60_000);

  test('is repaired when its certificate has expired', async () => {
    const { world } = stage.estate;
    const expired = trustIn(stage).endpoint ?? '';
    world.certificates.expireNow('SQL1', expired);
    world.endpoints.alter('SQL1', world.instances.get('SQL1').endpoint?.name ?? '', { state: 'STOPPED' });
    world.endpoints.alter('SQL1', world.instances.get('SQL1').endpoint?.name ?? '', { state: 'STARTED' });
    await until('the connection is lost', () => trustIn(stage).connection === 'DISCONNECTED');

    const result = await rotate(stage);
    expect(result).toMatchObject({ outcome: 'done', oldCertificate: { name: expired } });
    const after = trustIn(stage);
    expect(after).toMatchObject({ connection: 'CONNECTED', endpoint: result.newCertificate?.name });
    expect(after.own).toEqual([after.endpoint]);
    expect(after.trusted).toEqual([after.endpoint]);
  }, 60_000);

  test('imports the certificate of the instance anew when its chain is broken', async () => {
    const { world } = stage.estate;
    for (const name of ['MicrosoftPKI', 'DigiCertPKI']) world.certificates.drop('SQL1', name);
    const broken = await inventoryOf(stage);
    expect(broken.chain.state).toBe('broken');
    expect(broken.items).toContainEqual(expect.objectContaining({ name: 'MicrosoftPKI', level: 'missing' }));

    const result = await rotate(stage, { rotateEndpoint: false, reimportInstance: true });
    expect(result).toMatchObject({ outcome: 'done', newCertificate: null });
    const mended = await inventoryOf(stage);
    expect(mended.chain.state).toBe('valid');
    expect(mended.worst).not.toBe('missing');
  }, 60_000);

  test('is rotated by a schedule, once, and the schedule is changed, listed and ended', async () => {
    const certificates = certificatesOf(stage);
    const before = trustIn(stage);
    const spec = stage.spec(SECTIONS.replace('validFor: 365d', 'validFor: 800d'));
    const links = { spec, others: [], rotateBeforeMs: 500 * DAY_MS };
    expect(await certificates.schedule({ ...links, everyMs: 1_000 })).toMatchObject({ changed: false });
    await until('it is rotated', () => trustIn(stage).own.every((name) => name !== before.endpoint));
    const rotated = trustIn(stage);
    expect(rotated).toMatchObject({ own: [rotated.endpoint], trusted: [rotated.endpoint] });

    // Further checks find nothing that is due.
    const [listed] = await certificates.schedules();
    expect(listed).toMatchObject({ name: 'sales', server: 'sql1', paused: false, everyMs: 1_000 });
    await until('a further check ran', async () => {
      const [now] = await certificates.schedules();
      return Date.parse(now?.lastCheckAt ?? '') > Date.parse(listed?.lastCheckAt ?? '') + 1_500;
    });
    expect(trustIn(stage).own).toEqual(rotated.own);

    expect(await certificates.schedule({ ...links, everyMs: DAY_MS })).toMatchObject({ changed: true });
    const description = await stage.client.schedule.getHandle('sqlferry-certificates-sales').describe();
    expect(description.policies).toMatchObject({
      overlap: 'SKIP',
      catchupWindow: 2 * DAY_MS,
      pauseOnFailure: true,
    });
    expect(description.spec.intervals).toEqual([expect.objectContaining({ every: DAY_MS })]);
    await certificates.unschedule('sales');
    await expect(certificates.unschedule('sales')).rejects.toThrow('no certificate schedule');
  }, 90_000);

  test('goes on after all of it: health, and every acknowledged row', async () => {
    await untilItWrites(writer);
    await writer.stop();
    const view = await untilRun(stage, ({ status }) => status.health?.healthy !== false);
    expect(view.status).toMatchObject({ outcome: 'running', seedingRestarts: 0, blockedBy: null });
    const check = await verify(writer.acknowledged, {
      ...app('SQL1'),
      user: 'sa',
      password: 'Ferry!Passw0rd',
    });
    expect(check.lost).toEqual([]);
    writer.start();
  });

  test('has steps that accept the certificate which the rotations left', async () => {
    // The steps of a link find the certificate that the endpoint has: nothing is to be done.
    const bench = await StepBench.open(stage, stage.spec(SECTIONS));
    try {
      for (const stepId of TRUST_STEPS)
        expect([stepId, (await bench.look(stepId)).effects]).toEqual([stepId, []]);
    } finally {
      await bench.close();
    }
  });

  test('is rotated while the instance leads: the instance is asked for the links then', async () => {
    await writer.stop();
    const asked = { by: 'dba', type: 'planned', to: 'instance' } as const;
    expect(await stage.migrations.failover('sales', asked)).toMatchObject({ accepted: true });
    await untilRun(stage, ({ status }) => status.protection?.primary === 'instance');
    const before = trustIn(stage);
    const result = await rotate(stage);
    expect(result).toMatchObject({ outcome: 'done', oldCertificate: { name: before.endpoint } });
    expect(trustIn(stage)).toMatchObject({
      endpoint: result.newCertificate?.name,
      own: [result.newCertificate?.name],
      connection: 'CONNECTED',
    });
  }, 60_000);
});

test('refused while a database is being seeded; nothing is changed', async () => {
  const stage = await startStage({ estate: { ...estate(200 * GB), clock: { speed: 20 } } });
  try {
    await stage.startWorker();
    await stage.migrations.start(stage.spec(SECTIONS, 'big'));
    const isMoving = ({ pending }: RunView): boolean =>
      pending.some(({ progress }) => (progress?.doneBytes ?? 0) > 0);
    await untilRun(stage, isMoving, 'big');

    const before = trustIn(stage);
    const result = await rotate(stage);
    expect(result).toMatchObject({
      outcome: 'refused',
      refusals: [{ ruleId: 'rotation.seeding', reason: expect.stringContaining('Sales is being seeded') }],
      journal: [],
    });
    expect(trustIn(stage)).toMatchObject({
      endpoint: before.endpoint,
      own: before.own,
      trusted: before.trusted,
    });
    expect((await stage.migrations.view('big')).status.seedingRestarts).toBe(0);
  } finally {
    await stage.close();
  }
}, 60_000);
