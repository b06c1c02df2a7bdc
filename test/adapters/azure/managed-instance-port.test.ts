import {
  createCredential,
  createManagedInstancePort,
  createTokenProvider,
  randomStateKey,
  stateKeyFrom,
} from '../../../src/adapters/azure';
import { systemClock } from '../../../src/adapters/clock';
import { createSecrets } from '../../../src/adapters/secrets';
import type { ArmRequest } from '../../../src/model/arm-request';
import { AzureFailure } from '../../../src/ports/failures';
import type {
  ManagedInstancePort,
  OperationProgress,
  SealedOperation,
} from '../../../src/ports/managed-instance';
import { FakeAzure, SECRET, TOKEN } from './fake-azure';

const INSTANCE = '/subscriptions/sub-1/resourceGroups/rg-1/providers/Microsoft.Sql/managedInstances/mi-1';
const NOW = Date.parse('2026-11-22T10:00:00Z');
const clock = { ...systemClock, now: () => NOW };
const key = stateKeyFrom('a secret that all workers share');

const putLink: ArmRequest = {
  operation: 'put-link',
  linkName: 'DAG [x] 1',
  link: {
    database: 'Sales',
    partnerAvailabilityGroupName: 'AG_Sales',
    instanceAvailabilityGroupName: 'AG_Sales_MI',
    partnerEndpoint: 'TCP://10.0.1.8:5022',
    instanceLinkRole: 'Secondary',
    failoverMode: 'Manual',
  },
};

let azure: FakeAzure;
let port: ManagedInstancePort;

beforeEach(async () => {
  azure = await FakeAzure.start();
  port = await openPort();
});
afterEach(() => azure.stop());

async function openPort(
  keys: readonly [typeof key, ...(typeof key)[]] = [key],
): Promise<ManagedInstancePort> {
  const secrets = createSecrets({ env: { CLIENT_SECRET: SECRET }, clock });
  const access = azure.access();
  const credential = await createCredential(access, { secrets, clock });
  return createManagedInstancePort(
    { resourceId: INSTANCE, azure: access },
    { credential, clock, stateKeys: keys, pollMs: 1_234 },
  );
}

const signed = (kind: string): string =>
  `${azure.origin}/subscriptions/sub-1/providers/Microsoft.Sql/locations/x/${kind}/op-1?api-version=2023-08-01&t=1&c=MII%2bABC%2f&s=a_b-c&h=%7e`;

function running(progress: OperationProgress): Extract<OperationProgress, { status: 'running' }> {
  if (progress.status !== 'running') throw new Error(`not running but ${JSON.stringify(progress)}`);
  return progress;
}

async function failureOf(work: Promise<unknown>): Promise<AzureFailure> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AzureFailure) return error;
  throw new Error(`no AzureFailure but ${String(error)}`);
}

describe('reading', () => {
  test('an instance, with its links, databases over pages, and failover group', async () => {
    azure.handler = ({ path, url }) => {
      if (path === INSTANCE) return { body: instanceBody };
      if (url.includes('skiptoken=2')) return { body: { value: [{ name: 'B' }] } };
      if (path === `${INSTANCE}/databases`)
        return { body: { value: [{ name: 'A' }], nextLink: `${azure.origin}${url}&$skiptoken=2` } };
      if (path === `${INSTANCE}/distributedAvailabilityGroups`)
        return { body: { value: [{ name: 'DAG_A' }] } };
      if (path.endsWith('/locations/westeurope/instanceFailoverGroups'))
        return {
          body: {
            value: [
              {
                properties: { managedInstancePairs: [{ partnerManagedInstanceId: INSTANCE.toUpperCase() }] },
              },
            ],
          },
        };
      return { status: 500 };
    };
    await expect(port.readInstance()).resolves.toEqual({
      observedAt: '2026-11-22T10:00:00.000Z',
      resourceId: INSTANCE,
      name: 'mi-1',
      location: 'westeurope',
      fullyQualifiedDomainName: 'mi-1.abc.database.windows.net',
      state: 'Ready',
      provisioningState: 'SomethingNew',
      tier: 'GeneralPurpose',
      collation: 'SQL_Latin1_General_CP1_CI_AS',
      databaseFormat: 'SQLServer2022',
      storageSizeGb: 256,
      distributedGroupNames: ['DAG_A'],
      databaseNames: ['A', 'B'],
      isInFailoverGroup: true,
    });
    expect(azure.requests.every(({ url }) => url.includes('api-version=2023-08-01'))).toBe(true);
    expect(azure.requests.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
    expect(String(azure.tokenRequests[0]?.body)).toContain(
      encodeURIComponent('https://management.azure.com/.default'),
    );
  });

  test('an instance whose failover groups may not be listed', async () => {
    azure.handler = ({ path }) => {
      if (path === INSTANCE) return { body: instanceBody };
      if (path.includes('instanceFailoverGroups'))
        return { status: 403, body: { error: { code: 'AuthorizationFailed', message: 'no' } } };
      return { body: { value: path.endsWith('/databases') ? [{ name: 'A', properties: {} }] : [] } };
    };
    expect((await port.readInstance()).isInFailoverGroup).toBe(false);
  });

  test('a link: unknown values pass, LSNs are decimal strings, nothing is invented', async () => {
    azure.handler = () => ({ body: linkBody });
    await expect(port.readLink('DAG_Sales')).resolves.toEqual({
      observedAt: '2026-11-22T10:00:00.000Z',
      name: 'DAG_Sales',
      instanceLinkRole: 'Secondary',
      partnerLinkRole: 'Primary',
      partnerAvailabilityGroupName: 'AG_Sales',
      instanceAvailabilityGroupName: null,
      partnerEndpoint: null,
      replicationMode: 'SomeNewMode',
      database: {
        name: 'Sales',
        replicaState: 'LinkInitError',
        synchronizationHealth: 'HEALTHY',
        connectedState: null,
        seedingProgress: null,
        mostRecentLinkError: '41976',
        lastHardenedLsn: '43000000062400001',
      },
    });
  });

  test('a link that has no databases yet', async () => {
    azure.handler = () => ({ body: { name: 'DAG', properties: { instanceLinkRole: 'Secondary' } } });
    expect((await port.readLink('DAG'))?.database).toBeNull();
  });

  test('a missing link is an answer, a missing instance is a failure', async () => {
    azure.handler = () => ({
      status: 404,
      body: { error: { code: 'ResourceNotFound', message: 'The requested resource was not found.' } },
    });
    await expect(port.readLink('DAG')).resolves.toBeUndefined();
    azure.handler = () => ({
      status: 404,
      body: {
        error: {
          code: 'ResourceNotFound',
          message:
            "The Resource 'Microsoft.Sql/managedInstances/mi-1' under resource group 'rg-1' was not found.",
        },
      },
    });
    const failure = await failureOf(port.readLink('DAG'));
    expect(failure).toMatchObject({ status: 404, code: 'ResourceNotFound' });
    await expect(port.readLink('DAG')).rejects.toThrow('managedInstances/mi-1');
  });

  test('certificates, with and without 0x', async () => {
    azure.handler = ({ path }) =>
      path.endsWith('/serverTrustCertificates')
        ? {
            body: { value: [{ name: 'c', properties: { certificateName: 'Cert', thumbprint: '0xabcdef' } }] },
          }
        : { body: { name: 'DATABASE_MIRRORING', properties: { publicBlob: '0x3082AB' } } };
    await expect(port.readTrustCertificates()).resolves.toEqual([{ name: 'Cert', thumbprint: 'ABCDEF' }]);
    await expect(port.readEndpointCertificate()).resolves.toBe('3082AB');
    expect(azure.requests.at(-1)?.path).toBe(`${INSTANCE}/endpointCertificates/DATABASE_MIRRORING`);
    azure.handler = () => ({ body: { properties: {} } });
    await expect(port.readEndpointCertificate()).rejects.toThrow('no public key');
  });

  test('is tried again after a failure of the service', async () => {
    let calls = 0;
    azure.handler = () => {
      calls += 1;
      return calls === 1 ? { status: 429, headers: { 'retry-after': '0' } } : { body: linkBody };
    };
    expect((await port.readLink('DAG'))?.name).toBe('DAG_Sales');
    expect(calls).toBe(2);
  });

  test('reports a throttling that lasts instead of waiting it out', async () => {
    azure.handler = () => ({ status: 429, headers: { 'retry-after': '120' } });
    expect(await failureOf(port.readLink('DAG'))).toMatchObject({
      transport: 'throttled',
      retryAfterMs: 120_000,
    });
    expect(azure.requests).toHaveLength(1);
  });

  test('a next page on a foreign host is not fetched', async () => {
    azure.handler = () => ({ body: { value: [], nextLink: 'https://127.0.0.1:9/steal' } });
    const failure = await failureOf(port.readTrustCertificates());
    expect(failure.message).toContain('no token is sent there');
    expect(azure.requests).toHaveLength(1);
  });
});

describe('a changing request', () => {
  test('is put as the service expects it, and its signed URL is polled exactly as it came', async () => {
    azure.handler = ({ method }) =>
      method === 'PUT'
        ? {
            status: 202,
            headers: { 'azure-asyncoperation': signed('Status'), location: signed('Results') },
            body: { operation: 'DistributedAvailabilityGroupsLinkCreate', startTime: '2026-11-22T10:00:00Z' },
          }
        : { body: { name: 'op-1', status: 'BrandNewStatus' }, headers: { 'retry-after': '7' } };
    const begun = running(await port.begin(putLink));
    expect(begun).toMatchObject({ detail: 'DistributedAvailabilityGroupsLinkCreate', retryAfterMs: 1_234 });
    expect(azure.requests[0]).toMatchObject({
      method: 'PUT',
      path: `${INSTANCE}/distributedAvailabilityGroups/DAG [x] 1`,
      body: {
        properties: {
          databases: [{ databaseName: 'Sales' }],
          partnerAvailabilityGroupName: 'AG_Sales',
          instanceAvailabilityGroupName: 'AG_Sales_MI',
          partnerEndpoint: 'TCP://10.0.1.8:5022',
          instanceLinkRole: 'Secondary',
          failoverMode: 'Manual',
          seedingMode: 'Automatic',
        },
      },
    });

    // Another worker with the same key goes on.
    const polled = running(await (await openPort()).poll(begun.operation));
    expect(polled).toMatchObject({ detail: 'BrandNewStatus', retryAfterMs: 7_000 });
    expect(`${azure.origin}${azure.requests.at(-1)?.url}`).toBe(signed('Status'));
  });

  test('ends as Azure says', async () => {
    let answer: object = { status: 'Succeeded' };
    azure.handler = ({ method }) =>
      method === 'GET'
        ? { body: answer }
        : { status: 202, headers: { 'azure-asyncoperation': signed('Status') } };
    const begun = running(await port.begin({ operation: 'delete-link', linkName: 'DAG' }));
    await expect(port.poll(begun.operation)).resolves.toEqual({ status: 'succeeded' });
    answer = { status: 'Failed', error: { code: 'ManagedInstanceLinkIsNotFound', message: 'gone' } };
    await expect(port.poll(begun.operation)).resolves.toEqual({
      status: 'failed',
      code: 'ManagedInstanceLinkIsNotFound',
      message: 'gone',
    });
    answer = { status: 'Canceled' };
    await expect(port.poll(begun.operation)).resolves.toMatchObject({
      status: 'failed',
      code: 'OperationCanceled',
    });
  });

  test('may be done at once', async () => {
    azure.handler = () => ({ status: 200, body: {} });
    const request: ArmRequest = {
      operation: 'put-server-trust-certificate',
      certificateName: 'Cert',
      publicBlob: '3082',
    };
    await expect(port.begin(request)).resolves.toEqual({ status: 'succeeded' });
    expect(azure.requests[0]?.body).toEqual({ properties: { publicBlob: '3082' } });
  });

  test.each([
    { status: 500 },
    { status: 503, headers: { 'retry-after': '0' } },
    { status: 429 },
    { drop: true },
  ])('is sent once when the answer is %j', async (answer) => {
    azure.handler = () => answer;
    const failure = await failureOf(port.begin(putLink));
    expect(azure.requests).toHaveLength(1);
    expect(failure.operation).toBe('put-link');
  });

  test('follows a Location header where there is no status URL', async () => {
    let calls = 0;
    azure.handler = ({ method }) => {
      if (method === 'DELETE') return { status: 202, headers: { location: signed('Results/1') } };
      calls += 1;
      return calls === 1 ? { status: 202, headers: { location: signed('Results/2') } } : { status: 204 };
    };
    const begun = running(await port.begin({ operation: 'delete-database', database: 'Sales' }));
    const second = running(await port.poll(begun.operation));
    await expect(port.poll(second.operation)).resolves.toEqual({ status: 'succeeded' });
    expect(azure.requests[0]?.path).toBe(`${INSTANCE}/databases/Sales`);
    expect(azure.requests[1]?.url).toContain('Results/1');
    expect(azure.requests[2]?.url).toContain('Results/2');
  });

  test('is lost when Azure forgot it, gave no address, or the state cannot be opened', async () => {
    azure.handler = ({ method }) =>
      method === 'DELETE'
        ? { status: 202, headers: { 'azure-asyncoperation': signed('Status') } }
        : { status: 404, body: { error: { code: 'OperationIdNotFound', message: 'unknown' } } };
    const begun = running(await port.begin({ operation: 'delete-link', linkName: 'DAG' }));
    await expect(port.poll(begun.operation)).resolves.toMatchObject({ status: 'lost' });
    const stranger = await openPort([randomStateKey()]);
    await expect(stranger.poll(begun.operation)).resolves.toMatchObject({
      status: 'lost',
      reason: expect.stringContaining('a key that this worker does not have'),
    });
    await expect(port.poll('nonsense' as SealedOperation)).resolves.toMatchObject({ status: 'lost' });
    azure.handler = () => ({ status: 202 });
    await expect(port.begin(putLink)).resolves.toMatchObject({ status: 'lost' });
  });

  test('an older key still opens after a rotation', async () => {
    azure.handler = ({ method }) =>
      method === 'DELETE'
        ? { status: 202, headers: { 'azure-asyncoperation': signed('Status') } }
        : { body: { status: 'Succeeded' } };
    const begun = running(await port.begin({ operation: 'delete-link', linkName: 'DAG' }));
    const rotated = await openPort([randomStateKey(), key]);
    await expect(rotated.poll(begun.operation)).resolves.toEqual({ status: 'succeeded' });
  });

  test('a status URL on a foreign host gets no token', async () => {
    azure.handler = () => ({
      status: 202,
      headers: { 'azure-asyncoperation': 'https://127.0.0.1:9/op?s=sig' },
    });
    const begun = running(await port.begin({ operation: 'delete-link', linkName: 'DAG' }));
    const failure = await failureOf(port.poll(begun.operation));
    expect(failure.message).toContain('no token is sent there');
    expect(failure.message).not.toContain('sig');
  });

  test('a redirect is not followed', async () => {
    azure.handler = () => ({ status: 307, headers: { location: 'https://127.0.0.1:9/elsewhere' } });
    await expect(port.readTrustCertificates()).rejects.toBeInstanceOf(AzureFailure);
    expect(azure.requests).toHaveLength(1);
  });
});

describe('failures', () => {
  test('carry code, status and Retry-After, without signatures and tokens', async () => {
    azure.handler = () => ({
      status: 409,
      headers: { 'retry-after': '30' },
      body: {
        error: {
          code: 'ManagedInstanceIsBusy',
          message: `see ${signed('Status')} with Bearer eyJhbGciOi.eyJzdWIiOi.sig`,
        },
      },
    });
    const failure = await failureOf(port.begin(putLink));
    expect(failure).toMatchObject({ status: 409, code: 'ManagedInstanceIsBusy', retryAfterMs: 30_000 });
    expect(failure.message).not.toMatch(/s=a_b|eyJ|MII/);
  });

  test.each([
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [400, undefined],
  ] as const)('HTTP %d is %s', async (status, transport) => {
    azure.handler = () => ({ status, body: { code: 'X', message: 'm' } });
    expect(await failureOf(port.begin(putLink))).toMatchObject({ status, code: 'X', transport });
  });

  test('a refused token request is a failed login and does not show the secret', async () => {
    azure.tokenError = {
      status: 401,
      body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' },
    };
    const failure = await failureOf(port.readLink('DAG'));
    expect(failure.transport).toBe('login-failed');
    expect(failure.message).toContain('AADSTS7000215');
    expect(failure.message).not.toContain(SECRET);
    expect(azure.requests).toHaveLength(0);
  });

  test('an authority that is not trusted is a TLS problem', async () => {
    const secrets = createSecrets({ env: { CLIENT_SECRET: SECRET }, clock });
    const credential = await createCredential(azure.access(), { secrets, clock });
    const { caFile: _, ...access } = azure.access();
    const untrusting = await createManagedInstancePort(
      { resourceId: INSTANCE, azure: access },
      { credential, clock, stateKeys: [key] },
    );
    expect((await failureOf(untrusting.begin(putLink))).transport).toBe('tls');
  });

  test('nobody listening is unreachable; the caller cancelling is cancelled', async () => {
    azure.handler = () => ({ hang: true });
    const cancel = new AbortController();
    const reading = failureOf(port.begin(putLink, cancel.signal));
    while (azure.requests.length === 0) await new Promise((done) => setImmediate(done));
    cancel.abort();
    expect((await reading).transport).toBe('cancelled');
    await azure.stop();
    expect((await failureOf(port.begin(putLink))).transport).toBe('unreachable');
    azure = await FakeAzure.start();
  });
});

test('a rotated client secret is read again after a refusal', async () => {
  const env = { CLIENT_SECRET: 'former' };
  const credential = await createCredential(azure.access(), {
    secrets: createSecrets({ env, clock }),
    clock,
  });
  const token = () => createTokenProvider(credential)('https://database.windows.net/.default');
  azure.tokenError = {
    status: 401,
    body: { error: 'invalid_client', error_description: 'AADSTS7000222: expired' },
  };
  await expect(token()).rejects.toMatchObject({ transport: 'login-failed' });
  azure.tokenError = undefined;
  env.CLIENT_SECRET = 'rotated';
  await expect(token()).resolves.toBe(TOKEN);
  expect(String(azure.tokenRequests.at(-1)?.body)).toContain('client_secret=rotated');
});

test('a CA file that is not there is a setting for a person to correct', async () => {
  const access = { ...azure.access(), caFile: '/nowhere/ca.pem' };
  const opening = createCredential(access, {
    secrets: createSecrets({ env: { CLIENT_SECRET: SECRET }, clock }),
    clock,
  });
  await expect(opening).rejects.toMatchObject({ name: 'SettingFailure', setting: 'azure.caFile' });
});

test('a token for SQL is asked for with its own scope', async () => {
  const credential = await createCredential(azure.access(), {
    secrets: createSecrets({ env: { CLIENT_SECRET: SECRET }, clock }),
    clock,
  });
  await expect(createTokenProvider(credential)('https://database.windows.net/.default')).resolves.toBe(TOKEN);
  expect(String(azure.tokenRequests[0]?.body)).toContain(
    encodeURIComponent('https://database.windows.net/.default'),
  );
});

const instanceBody = {
  id: INSTANCE,
  name: 'mi-1',
  location: 'westeurope',
  sku: { name: 'GP_Gen5', tier: 'GeneralPurpose' },
  properties: {
    provisioningState: 'SomethingNew',
    state: 'Ready',
    fullyQualifiedDomainName: 'mi-1.abc.database.windows.net',
    collation: 'SQL_Latin1_General_CP1_CI_AS',
    storageSizeInGB: 256,
    databaseFormat: 'SQLServer2022',
  },
};

const linkBody = {
  // Recorded in 2024: the id of the instance in the place of the link's.
  id: INSTANCE,
  name: 'mi-1',
  properties: {
    distributedAvailabilityGroupName: 'DAG_Sales',
    instanceLinkRole: 'Secondary',
    partnerLinkRole: 'Primary',
    partnerAvailabilityGroupName: 'AG_Sales',
    replicationMode: 'SomeNewMode',
    databases: [
      {
        databaseName: 'Sales',
        replicaState: 'LinkInitError',
        synchronizationHealth: 'HEALTHY',
        mostRecentLinkError: '41976',
        lastHardenedLsn: '43000000062400001',
        partnerAuthCertValidity: {},
      },
    ],
  },
};
