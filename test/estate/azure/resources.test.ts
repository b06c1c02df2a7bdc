/** Certificates, managed instances, their operations and databases. */
import {
  type Estate,
  INSTANCE,
  MI,
  prepareSqlServer,
  SQL,
  settle,
  sqlServerBlob,
  startEstate,
  VERSION,
} from './estate';
import type { RawResponse } from './raw';

let estate: Estate;
beforeEach(async () => {
  estate = await startEstate();
});
afterEach(() => estate.stop());

const code = (answer: RawResponse): string => (answer.body as { error: { code: string } }).error.code;
const properties = (answer: RawResponse): Record<string, unknown> =>
  (answer.body as { properties: Record<string, unknown> }).properties;

describe('serverTrustCertificates', () => {
  const CERTIFICATE = `${INSTANCE}/serverTrustCertificates/Cert_SQL1`;
  let blob: string;
  beforeEach(() => {
    prepareSqlServer(estate.world);
    blob = sqlServerBlob(estate.world);
  });
  const put = (publicBlob: unknown, name = 'Cert_SQL1') =>
    estate.call('PUT', `${INSTANCE}/serverTrustCertificates/${name}`, { properties: { publicBlob } });

  test.each(['', '0x'])('upload with prefix "%s", read, list, drop', async (prefix) => {
    const accepted = await put(`${prefix}${blob}`);
    expect(accepted.status).toBe(202);
    expect(accepted.headers['azure-asyncoperation']).toContain(
      '/serverTrustCertificatesAzureAsyncOperation/',
    );
    expect((await settle(estate, accepted)).body).toMatchObject({ status: 'Succeeded' });
    const got = await estate.call('GET', CERTIFICATE);
    expect(got.body).toEqual({
      properties: {
        certificateName: 'Cert_SQL1',
        thumbprint: estate.world.instances.get(MI).managed?.trustCertificates.get('cert_sql1')?.thumbprint,
      },
      id: CERTIFICATE,
      name: 'Cert_SQL1',
      type: 'Microsoft.Sql/managedInstances/serverTrustCertificates',
    });
    expect(properties(got).thumbprint).toMatch(/^[0-9A-F]{40}$/);
    const list = await estate.call('GET', `${INSTANCE}/serverTrustCertificates`);
    expect(list.body).toEqual({ value: [got.body] });
    const dropped = await estate.call('DELETE', CERTIFICATE);
    await settle(estate, dropped);
    expect((await estate.call('GET', String(dropped.headers.location))).status).toBe(204);
    expect((await estate.call('GET', CERTIFICATE)).status).toBe(404);
    expect((await estate.call('DELETE', CERTIFICATE)).status).toBe(204);
  });

  test('the same upload again has no effect; another name or key is refused', async () => {
    await settle(estate, await put(blob));
    await settle(estate, await put(blob));
    expect(estate.world.journal.effective(/serverTrustCertificates/)).toHaveLength(1);
    expect(code(await put(blob, 'Other'))).toBe('CertificateAlreadyExists');
    const own = Buffer.from(estate.world.certificates.endpointCertificate(MI).der).toString('hex');
    expect(code(await put(own))).toBe('CertificateAlreadyExists');
  });

  test.each([
    [undefined, 'MissingPublicBlob'],
    ['', 'MissingPublicBlob'],
    ['0x', 'InvalidPublicBlob'],
    ['xyz', 'InvalidPublicBlob'],
    ['3082', 'InvalidPublicBlob'],
    [7, 'InvalidPublicBlob'],
  ])('%p is refused with %s', async (value, expected) => {
    const answer = await put(value);
    expect([answer.status, code(answer)]).toEqual([400, expected]);
  });

  test('bytes after the certificate are refused', async () => {
    expect(code(await put(`${blob}00`))).toBe('InvalidPublicBlob');
  });
});

test('endpointCertificates give the public key in hexadecimal with 0x', async () => {
  const answer = await estate.call('GET', `${INSTANCE}/endpointCertificates/DATABASE_MIRRORING`);
  const der = Buffer.from(estate.world.certificates.endpointCertificate(MI).der);
  expect(properties(answer).publicBlob).toBe(`0x${der.toString('hex').toUpperCase()}`);
  expect((await estate.call('GET', `${INSTANCE}/endpointCertificates/SERVICE_BROKER`)).status).toBe(404);
});

describe('managed instances', () => {
  const patch = (body: unknown) => estate.call('PATCH', INSTANCE, body);

  test('tags and licence change within a minute; the instance says Updating meanwhile', async () => {
    const accepted = await patch({ tags: { team: 'ferry' }, properties: { licenseType: 'BasePrice' } });
    expect(accepted.status).toBe(202);
    expect(accepted.headers['azure-asyncoperation']).toContain('/managedInstanceAzureAsyncOperation/');
    expect(properties(await estate.call('GET', INSTANCE)).provisioningState).toBe('Updating');
    const busy = await patch({ tags: {} });
    expect([busy.status, code(busy)]).toEqual([409, 'ConflictingServerOperation']);
    await estate.world.clock.advance(60_000);
    const got = await estate.call('GET', INSTANCE);
    expect(got.body).toMatchObject({
      tags: { team: 'ferry' },
      properties: { licenseType: 'BasePrice', provisioningState: 'Succeeded' },
    });
    expect((await settle(estate, accepted)).body).toMatchObject({ status: 'Succeeded' });
  });

  test('the update policy only goes forward', async () => {
    await settle(estate, await patch({ properties: { databaseFormat: 'SqlServer2025' } }), 600_000);
    expect(properties(await estate.call('GET', INSTANCE)).databaseFormat).toBe('SQLServer2025');
    expect(estate.world.instances.get(MI).managed?.databaseFormat).toBe('SQLServer2025');
    expect(code(await patch({ properties: { databaseFormat: 'SQLServer2022' } }))).toBe(
      'ManagedInstanceUpdateSloFromNewerToOlderVersionEditionNotAllowed',
    );
    await settle(estate, await patch({ properties: { databaseFormat: 'AlwaysUpToDate' } }), 600_000);
    expect(code(await patch({ properties: { databaseFormat: 'SQLServer2025' } }))).toBe(
      'ManagedInstanceUpdateSloFromVersionlessToVersionedNotAllowed',
    );
  });

  test.each([
    [{ properties: { storageSizeInGB: 33 } }, 'InvalidStorageSizeInGB'],
    [{ properties: { vCores: 5 } }, 'InvalidVCoresValue'],
    [{ properties: { licenseType: 'Free' } }, 'InvalidParameterValue'],
    [{ sku: { name: 'XX_Gen9' } }, 'InvalidSku'],
    [{ tags: { a: 1 } }, 'InvalidParameterValue'],
  ])('%j is refused with %s', async (body, expected) => {
    const answer = await patch(body);
    expect([answer.status, code(answer)]).toEqual([400, expected]);
  });

  test('operations are listed with their steps, and long ones can be cancelled', async () => {
    const accepted = await patch({ properties: { vCores: 16 } });
    await estate.world.clock.advance(600_000);
    const list = await estate.call('GET', `${INSTANCE}/operations`);
    const [only] = (list.body as { value: { name: string; properties: Record<string, unknown> }[] }).value;
    expect(only?.properties).toMatchObject({
      operationFriendlyName: 'UPDATE MANAGED SERVER',
      state: 'InProgress',
      isCancellable: true,
      operationSteps: { totalSteps: '6' },
    });
    const at = `${INSTANCE}/operations/${only?.name}`;
    expect((await estate.call('POST', `${at}/cancel`)).status).toBe(200);
    expect(properties(await estate.call('GET', at)).state).toBe('Cancelled');
    expect((await settle(estate, accepted)).body).toMatchObject({ status: 'Canceled' });
    await estate.world.clock.advance(7_200_000);
    expect(properties(await estate.call('GET', INSTANCE)).vCores).toBe(8);
    const again = await estate.call('POST', `${at}/cancel`);
    expect([again.status, code(again)]).toEqual([409, 'CannotCancelOperation']);
  });

  test('a failover takes the instance away and brings it back', async () => {
    const accepted = await estate.call('POST', `${INSTANCE}/failover`);
    expect(accepted.status).toBe(202);
    expect(estate.world.instances.get(MI).state).toBe('stopped');
    expect((await settle(estate, accepted)).body).toMatchObject({ status: 'Succeeded' });
    await estate.world.clock.advance(120_000);
    expect(estate.world.instances.get(MI).state).toBe('running');
    const replica = `${INSTANCE}/failover?api-version=${VERSION}&replicaType=ReadableSecondary`;
    expect((await estate.call('POST', replica)).status).toBe(400);
  });

  test('stop and start', async () => {
    await settle(estate, await estate.call('POST', `${INSTANCE}/stop`), 60_000);
    expect(properties(await estate.call('GET', INSTANCE)).state).toBe('Stopped');
    await settle(estate, await estate.call('POST', `${INSTANCE}/start`), 300_000);
    expect(properties(await estate.call('GET', INSTANCE)).state).toBe('Ready');
    expect(code(await estate.call('POST', `${INSTANCE}/start`))).toBe('ManagedInstanceNotStopped');
  });

  test('cannot be made or deleted here', async () => {
    expect(code(await estate.call('PUT', `${SQL}/managedInstances/new`, {}))).toBe(
      'RegionDoesNotAllowProvisioning',
    );
    expect(code(await estate.call('DELETE', INSTANCE))).toBe('ScopeLocked');
  });
});

describe('databases', () => {
  const DATABASE = `${INSTANCE}/databases/Fresh`;
  const body = { location: 'westeurope', properties: { collation: 'Latin1_General_100_CI_AS' } };

  test('are made and dropped by long-running operations', async () => {
    await settle(estate, await estate.call('PUT', DATABASE, body));
    expect((await estate.call('GET', DATABASE)).body).toMatchObject({
      name: 'Fresh',
      properties: { status: 'Online', collation: 'Latin1_General_100_CI_AS' },
    });
    await settle(estate, await estate.call('DELETE', DATABASE));
    const gone = await estate.call('GET', DATABASE);
    expect([gone.status, code(gone)]).toEqual([404, 'DatabaseDoesNotExist']);
    expect((await estate.call('DELETE', DATABASE)).status).toBe(204);
    expect(estate.world.journal.all().map((each) => each.outcome)).toEqual(['effect', 'effect', 'no-op']);
  });

  test.each([
    ['master', body, 'CannotUseReservedDatabaseName'],
    ['Fresh%20', body, 'CannotUseTrailingWhitespacesInDatabaseName'],
    ['Fresh', { properties: {} }, 'LocationRequired'],
    [
      'Fresh',
      { location: 'westeurope', properties: { createMode: 'PointInTimeRestore' } },
      'InvalidParameterValue',
    ],
  ])('%s %j is refused with %s', async (name, request, expected) => {
    const answer = await estate.call('PUT', `${INSTANCE}/databases/${name}`, request);
    expect([answer.status, code(answer)]).toEqual([400, expected]);
  });
});
