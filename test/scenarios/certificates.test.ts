/** Certificates of a link that lives: rotated under load, rolled back, repaired, by hand and on a schedule. */
import { setTimeout as wait } from 'node:timers/promises';
import { Certificates } from '../../src/client/certificates';
import type { LinkMigrationView } from '../../src/client/link-migrations';
import { verify, WorkloadWriter } from '../../src/estate/workload/writer';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';

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

async function until(stage: Stage, reached: (view: LinkMigrationView) => boolean, seconds = 60) {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const view = await stage.migrations.view('sales');
    if (reached(view)) return view;
    if (Date.now() > end) throw new Error(`not reached: ${JSON.stringify(view.status)}`);
    await wait(100);
  }
}

/** What the world itself knows of the trust between the two. */
function trustIn(stage: Stage) {
  const { world } = stage.estate;
  const source = world.instances.get('SQL1');
  const target = world.instances.get('mi-west');
  const own = [...source.certificates.values()].filter(({ privateKey }) => privateKey === 'MK');
  const [link] = world.links.all();
  return {
    endpoint: source.endpoint?.certificateName,
    own: own.map(({ name }) => name),
    trusted: [...(target.managed?.trustCertificates.values() ?? [])].map(({ name }) => name),
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

async function rotate(stage: Stage, more: { connectWithinMs?: number; reimportInstance?: boolean } = {}) {
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

describe('a link that stays', () => {
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
    await until(stage, ({ status }) => status.protection !== null);
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
    expect(status.protection?.primary).toBe('source');
    const check = await verify(writer.acknowledged, {
      ...app('SQL1'),
      user: 'sa',
      password: 'Ferry!Passw0rd',
    });
    expect(check.lost).toEqual([]);
    expect(check.acknowledged).toBeGreaterThan(10);
  }, 60_000);
});
