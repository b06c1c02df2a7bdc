/** A world with its Azure side on a socket, prepared as the link's documentation says. */
import { X509Certificate } from 'node:crypto';
import { SqlManagementClient } from '@azure/arm-sql';
import { ClientSecretCredential } from '@azure/identity';
import {
  type AzureEndpoint,
  AzureServer,
  type AzureServerOptions,
  DEFAULT_PRINCIPALS,
} from '../../../estate/azure/server';
import { EstateWorld } from '../../../estate/world/world';
import { type RawOptions, type RawResponse, rawRequest } from './raw';

export const SUBSCRIPTION = '00000000-0000-0000-0000-000000000001';
export const GROUP = 'rg-ferry';
export const MI = 'mi-west';
export const SQL = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.Sql`;
export const INSTANCE = `${SQL}/managedInstances/${MI}`;
export const VERSION = '2023-08-01';

export interface Estate {
  readonly world: EstateWorld;
  readonly server: AzureServer;
  readonly azure: AzureEndpoint;
  readonly stop: () => Promise<void>;
  /** Request with a good token; api-version 2023-08-01 unless the path has a query. */
  readonly call: (method: string, path: string, body?: unknown, options?: RawOptions) => Promise<RawResponse>;
}

export async function startEstate(
  definition: Record<string, unknown> = {},
  options: Partial<AzureServerOptions> = {},
): Promise<Estate> {
  const world = EstateWorld.create({ clock: { mode: 'manual' }, ...definition });
  const server = new AzureServer({ world, ...options });
  const azure = await server.listen(0);
  const token = server.issueToken({ audience: 'https://management.azure.com' });
  const stop = async () => {
    await server.close();
    world.stop();
  };
  const call: Estate['call'] = (method, path, body, more = {}) => {
    const target = path.includes('?') || path.startsWith('https:') ? path : `${path}?api-version=${VERSION}`;
    return rawRequest(azure, method, target, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more.headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  };
  return { world, server, azure, stop, call };
}

/** Trust, endpoint, availability groups on SQL1: everything before the PUT of the link but the certificate upload. */
export function prepareSqlServer(world: EstateWorld): void {
  const managed = world.instances.get(MI).managed;
  if (managed === undefined) throw new Error('no managed instance');
  const { certificates, endpoints, groups } = world;
  certificates.createMasterKey('SQL1');
  certificates.create('SQL1', { name: 'Cert_SQL1_endpoint', subject: 'Cert_SQL1_endpoint' });
  endpoints.create('SQL1', {
    name: 'database_mirroring_endpoint',
    state: 'STARTED',
    port: 5022,
    listenerIp: 'ALL',
    role: 'ALL',
    authentication: 'CERTIFICATE',
    certificateName: 'Cert_SQL1_endpoint',
    encryption: 'REQUIRED',
    algorithm: 'AES',
  });
  certificates.createFromBinary(
    'SQL1',
    managed.fullyQualifiedDomainName,
    certificates.endpointCertificate(MI).der,
  );
  const roots = certificates.authorities();
  for (const [name, der] of [
    ['MicrosoftPKI', roots.microsoftPki],
    ['DigiCertPKI', roots.digiCertPki],
  ] as const) {
    const { certificateId } = certificates.createFromBinary('SQL1', name, der);
    certificates.addIssuer('SQL1', certificateId, '*.database.windows.net');
  }
  const member = { failoverMode: 'MANUAL', seedingMode: 'AUTOMATIC' } as const;
  groups.create('SQL1', {
    name: 'AG_Sales',
    clusterType: 'NONE',
    databases: ['Sales'],
    replicas: [
      { ...member, name: 'SQL1', endpointUrl: 'TCP://SQL1:5022', availabilityMode: 'SYNCHRONOUS_COMMIT' },
    ],
  });
  groups.createDistributed('SQL1', {
    name: 'DAG_Sales',
    members: [
      {
        ...member,
        name: 'AG_Sales',
        endpointUrl: 'TCP://SQL1:5022',
        availabilityMode: 'ASYNCHRONOUS_COMMIT',
      },
      {
        ...member,
        name: 'AG_MI',
        endpointUrl: `tcp://${managed.fullyQualifiedDomainName}:5022;Server=[${MI}]`,
        availabilityMode: 'ASYNCHRONOUS_COMMIT',
      },
    ],
  });
}

/** Public key of SQL1's endpoint in hexadecimal, as CERTENCODED gives it without 0x. */
export function sqlServerBlob(world: EstateWorld): string {
  const certificate = world.instances.get('SQL1').certificates.get('cert_sql1_endpoint');
  if (certificate === undefined) throw new Error('SQL1 is not prepared');
  return new X509Certificate(certificate.der).raw.toString('hex').toUpperCase();
}

export const linkBody = (change: Record<string, unknown> = {}): { properties: Record<string, unknown> } => ({
  properties: {
    databases: [{ databaseName: 'Sales' }],
    instanceAvailabilityGroupName: 'AG_MI',
    partnerAvailabilityGroupName: 'AG_Sales',
    partnerEndpoint: 'TCP://SQL1:5022',
    instanceLinkRole: 'Secondary',
    failoverMode: 'Manual',
    seedingMode: 'Automatic',
    ...change,
  },
});

/** Polls an operation while simulated time goes on. @returns its last answer */
export async function settle(estate: Estate, accepted: RawResponse, stepMs = 5_000): Promise<RawResponse> {
  const url = String(accepted.headers['azure-asyncoperation']);
  for (let step = 0; step < 400; step += 1) {
    const answer = await estate.call('GET', url);
    if ((answer.body as { status?: string }).status !== 'InProgress') return answer;
    await estate.world.clock.advance(stepMs);
  }
  throw new Error('the operation does not end');
}

/** The estate with SQL1 prepared, its certificate uploaded and the link created; seeding has begun. */
export async function linkedEstate(definition: Record<string, unknown> = {}): Promise<Estate> {
  const estate = await startEstate(definition);
  prepareSqlServer(estate.world);
  const blob = { properties: { publicBlob: sqlServerBlob(estate.world) } };
  await settle(estate, await estate.call('PUT', `${INSTANCE}/serverTrustCertificates/Cert_SQL1`, blob));
  await settle(
    estate,
    await estate.call('PUT', `${INSTANCE}/distributedAvailabilityGroups/DAG_Sales`, linkBody()),
  );
  return estate;
}

/** The real Azure client, with nothing changed but endpoint and trusted authority. */
export function sdkClient(azure: AzureEndpoint): SqlManagementClient {
  const [application] = DEFAULT_PRINCIPALS;
  const tlsOptions = { ca: azure.caPem };
  const credential = new ClientSecretCredential(
    application.tenantId,
    application.clientId,
    application.clientSecret ?? '',
    { authorityHost: azure.endpoint, disableInstanceDiscovery: true, tlsOptions },
  );
  return new SqlManagementClient(credential, SUBSCRIPTION, {
    endpoint: azure.endpoint,
    credentialScopes: 'https://management.azure.com/.default',
    tlsOptions,
    retryOptions: { maxRetries: 0 },
  });
}
