/** The adapter against the simulated estate, which is another author's reading of the same documentation. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_PRINCIPALS } from '../../../estate/azure/server';
import { createCredential, createManagedInstancePort, stateKeyFrom } from '../../../src/adapters/azure';
import { systemClock } from '../../../src/adapters/clock';
import { createSecrets } from '../../../src/adapters/secrets';
import type { ArmRequest } from '../../../src/model/arm-request';
import { azureSchema } from '../../../src/model/inventory';
import type { ManagedInstancePort, OperationProgress } from '../../../src/ports/managed-instance';
import {
  type Estate,
  INSTANCE,
  MI,
  prepareSqlServer,
  sqlServerBlob,
  startEstate,
} from '../../estate/azure/estate';

let estate: Estate;
let folder: string;
let port: ManagedInstancePort;

beforeEach(async () => {
  estate = await startEstate();
  prepareSqlServer(estate.world);
  folder = await mkdtemp(join(tmpdir(), 'sqlferry-estate-'));
  port = await openPort();
});
afterEach(async () => {
  await estate.stop();
  await rm(folder, { recursive: true, force: true });
});

async function openPort(): Promise<ManagedInstancePort> {
  const [application] = DEFAULT_PRINCIPALS;
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, estate.azure.caPem);
  const azure = azureSchema.parse({
    endpoint: estate.azure.endpoint,
    authorityHost: estate.azure.endpoint,
    caFile,
    credential: {
      type: 'client-secret',
      tenantId: application.tenantId,
      clientId: application.clientId,
      clientSecret: 'env:SECRET',
    },
  });
  const clock = { ...systemClock, now: () => estate.world.clock.now() };
  const secrets = createSecrets({ env: { SECRET: application.clientSecret }, clock });
  return createManagedInstancePort(
    { resourceId: INSTANCE, azure },
    { credential: await createCredential(azure, { secrets, clock }), clock, stateKeys: [stateKeyFrom('k')] },
  );
}

/** Polls to the end, each time as another worker would, while simulated time goes on. */
async function settle(progress: OperationProgress): Promise<OperationProgress> {
  let now = progress;
  while (now.status === 'running') {
    await estate.world.clock.advance(5_000);
    now = await (await openPort()).poll(now.operation);
  }
  return now;
}

const putCertificate = (): ArmRequest => ({
  operation: 'put-server-trust-certificate',
  certificateName: 'Cert_SQL1',
  publicBlob: sqlServerBlob(estate.world),
});

const putLink = {
  operation: 'put-link',
  linkName: 'DAG_Sales',
  link: {
    database: 'Sales',
    partnerAvailabilityGroupName: 'AG_Sales',
    instanceAvailabilityGroupName: 'AG_MI',
    partnerEndpoint: 'TCP://SQL1:5022',
    instanceLinkRole: 'Secondary',
    failoverMode: 'Manual',
  },
} as const satisfies ArmRequest;

test('reads the instance and the public key of its endpoint', async () => {
  const facts = await port.readInstance();
  expect(facts).toMatchObject({
    name: MI,
    location: 'westeurope',
    state: 'Ready',
    distributedGroupNames: [],
    isInFailoverGroup: false,
  });
  expect(facts.fullyQualifiedDomainName).toMatch(/\.database\.windows\.net$/);
  const expected = Buffer.from(estate.world.certificates.endpointCertificate(MI).der).toString('hex');
  expect((await port.readEndpointCertificate()).toLowerCase()).toBe(expected);
  await expect(port.readTrustCertificates()).resolves.toEqual([]);
});

test('makes and removes a link, each request once, polled by many workers', async () => {
  await expect(settle(await port.begin(putCertificate()))).resolves.toEqual({ status: 'succeeded' });
  await expect(port.readTrustCertificates()).resolves.toEqual([
    { name: 'Cert_SQL1', thumbprint: expect.stringMatching(/^[0-9A-F]{40}$/) },
  ]);
  await expect(port.readLink('DAG_Sales')).resolves.toBeUndefined();
  await expect(settle(await port.begin(putLink))).resolves.toEqual({ status: 'succeeded' });
  await estate.world.clock.advance(3 * 3_600_000);
  await expect(port.readLink('DAG_Sales')).resolves.toMatchObject({
    instanceLinkRole: 'Secondary',
    partnerLinkRole: 'Primary',
    database: { name: 'Sales', replicaState: 'LinkSynchronizing', connectedState: 'CONNECTED' },
  });
  expect((await port.readInstance()).distributedGroupNames).toEqual(['DAG_Sales']);
  await expect(
    settle(await port.begin({ operation: 'delete-link', linkName: 'DAG_Sales' })),
  ).resolves.toEqual({
    status: 'succeeded',
  });
  await expect(port.readLink('DAG_Sales')).resolves.toBeUndefined();
});

test('an answer that is lost after an accepted request is not followed by a second request', async () => {
  await settle(await port.begin(putCertificate()));
  const before = estate.world.effects().length;
  estate.world.faults.add({ surface: 'arm', method: 'PUT', count: 1, action: { kind: 'lost-response' } });
  await expect(port.begin(putLink)).rejects.toMatchObject({
    operation: 'put-link',
    transport: 'connection-lost',
  });
  expect(estate.world.effects().length - before).toBe(1);
  await estate.world.clock.advance(60_000);
  expect(await port.readLink('DAG_Sales')).toMatchObject({ name: 'DAG_Sales' });
});

test('a refusal comes with the code of the service, at once or from the operation', async () => {
  const unnamed = { ...putLink, link: { ...putLink.link, partnerAvailabilityGroupName: '' } };
  await expect(port.begin(unnamed)).rejects.toMatchObject({
    status: 400,
    code: 'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequestPartnerAvailabilityGroupName',
  });
  // The certificate of SQL1 was not uploaded.
  await expect(settle(await port.begin(putLink))).resolves.toMatchObject({
    status: 'failed',
    code: 'ManagedInstanceLinkCertificateNotFoundOnManagedInstance',
  });
  const missing = await createManagedInstanceThatIsNot();
  await expect(missing.readLink('DAG_Sales')).rejects.toMatchObject({
    status: 404,
    code: 'ResourceNotFound',
  });
});

async function createManagedInstanceThatIsNot(): Promise<ManagedInstancePort> {
  const azure = azureSchema.parse({ endpoint: estate.azure.endpoint, caFile: join(folder, 'ca.pem') });
  const token = estate.server.issueToken({ audience: 'https://management.azure.com' });
  return createManagedInstancePort(
    { resourceId: INSTANCE.replace(MI, 'mi-absent'), azure },
    {
      credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
      clock: { ...systemClock, now: () => 0 },
      stateKeys: [stateKeyFrom('k')],
    },
  );
}
