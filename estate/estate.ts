/**
 * The whole simulated estate on the sockets of this machine: a TDS server for each instance of the world, Azure
 * Resource Manager with Entra ID, and the control API. All of it listens on 127.0.0.1 only.
 */
import { writeFile } from 'node:fs/promises';
import { CertificateAuthority, type IssuedCertificate } from './authority';
import { type AzureEndpoint, AzureServer, DEFAULT_PRINCIPALS } from './azure/server';
import { ControlServer } from './control/server';
import { SqlServerBackend } from './sqlserver/backend';
import { ListenerBackend } from './sqlserver/listener-backend';
import { TdsServer } from './tds/server';
import type { EstateDefinitionInput, InstanceDefinition } from './world/definition';
import type { Instance } from './world/model';
import { EstateWorld } from './world/world';

export interface EstateOptions {
  /** Where to write the root certificate (PEM) that clients trust; it is also in `RunningEstate.caPem`. */
  readonly caFile?: string;
}

/** How to reach one instance, and as whom. */
export interface RunningInstance {
  readonly name: string;
  readonly kind: 'sql-server' | 'managed-instance';
  readonly host: string;
  readonly port: number;
  /** Name of the server in its certificate and in @@SERVERNAME; resolves nowhere, connect to `host`. */
  readonly fqdn: string;
  /** First enabled SQL login with sysadmin. */
  readonly adminLogin: string;
  readonly adminPassword: string;
  /** Managed instances only. */
  readonly resourceId?: string;
}

/** A listener of an availability group that the definition names. */
export interface RunningListener {
  readonly group: string;
  readonly name: string;
  /** Address in the world, for LISTENER_URL and partnerEndpoint. */
  readonly address: string;
  /** Where clients reach it. */
  readonly host: string;
  readonly port: number;
}

export interface RunningAzure {
  /** Resource Manager, `https://127.0.0.1:PORT`. */
  readonly endpoint: string;
  /** Entra ID, on the same socket. */
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Name under which the application logs in to managed instances with a token. */
  readonly applicationName: string;
  /** Of the first managed instance; empty when the estate has none. */
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** ARM ids of the managed instances, by name. */
  readonly resourceIds: Readonly<Record<string, string>>;
  /** IDENTITY_ENDPOINT and IDENTITY_HEADER for managed identity credentials. */
  readonly identityEndpoint: string;
  readonly identityHeader: string;
}

export interface RunningEstate {
  readonly world: EstateWorld;
  readonly instances: readonly RunningInstance[];
  readonly azure: RunningAzure;
  readonly control: { readonly url: string };
  /** Listeners of availability groups: each leads to the server that is the primary. */
  readonly listeners: readonly RunningListener[];
  /** Root certificate of every socket of the estate, PEM. */
  readonly caPem: string;
  readonly caFile?: string;
  /** @throws Error when there is no such instance; names compare without case. */
  instance(name: string): RunningInstance;
  /** Ends all connections, sockets and timers. May be called twice. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Audience of Entra tokens for Azure SQL. */
const SQL_AUDIENCE = 'https://database.windows.net/';

/**
 * Starts everything that the definition names.
 * @param definition plain object (see docs/estate.md); anything left out has a default
 * @throws DefinitionError for a definition that does not validate, and the socket's error for a port that is taken
 */
export async function startEstate(
  definition: EstateDefinitionInput = {},
  options: EstateOptions = {},
): Promise<RunningEstate> {
  const world = EstateWorld.create(definition);
  const closing = new Closing();
  closing.add(async () => world.stop());
  try {
    return await listen(world, options, closing);
  } catch (error) {
    await closing.run();
    throw error;
  }
}

async function listen(world: EstateWorld, options: EstateOptions, closing: Closing): Promise<RunningEstate> {
  const authority = new CertificateAuthority();
  const { ports } = world.definition;

  const azureServer = new AzureServer({ world, tls: { ...issueFor(authority, []), caPem: authority.caPem } });
  const azureEndpoint = await azureServer.listen(ports.azure, HOST);
  closing.add(() => azureServer.close());
  admitApplications(world);

  const instances: RunningInstance[] = [];
  const backends = new Map<string, SqlServerBackend>();
  for (const each of world.definition.instances) {
    const backend = sqlBackend(world, each.name, azureServer, azureEndpoint);
    backends.set(each.name, backend);
    const server = tdsServer(world, each.name, authority, backend);
    const { port } = await server.listen(each.port, HOST);
    closing.add(() => server.close());
    instances.push(describeInstance(world.instances.get(each.name), each, port));
  }

  const listeners = await openListeners(world, authority, backends, closing);
  const azure = describeAzure(world, azureServer, azureEndpoint);
  const control = new ControlServer({ world, endpoints: () => publicEndpoints(instances, azure, listeners) });
  const { endpoint: url } = await control.listen(ports.control);
  closing.add(() => control.close());

  if (options.caFile !== undefined) await writeFile(options.caFile, authority.caPem);
  return {
    world,
    instances,
    azure,
    control: { url },
    listeners,
    caPem: authority.caPem,
    ...(options.caFile === undefined ? {} : { caFile: options.caFile }),
    instance: (name) => find(instances, name),
    close: () => closing.run(),
  };
}

/** Undoes what was started, latest first, once. */
class Closing {
  private readonly steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.steps.push(step);
  }

  async run(): Promise<void> {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) await step();
  }
}

/** Names under which every socket is reached, and the server's own. */
function issueFor(authority: CertificateAuthority, names: readonly string[]): IssuedCertificate {
  const dnsNames = ['localhost', ...names];
  return authority.issueServerCertificate(names[0] ?? 'localhost', { dnsNames, ipAddresses: [HOST] });
}

function tdsServer(
  world: EstateWorld,
  name: string,
  authority: CertificateAuthority,
  backend: SqlServerBackend,
): TdsServer {
  const { serverName } = world.instances.get(name);
  const { keyPem, certPem } = issueFor(authority, [...new Set([serverName, name])].filter(isDnsName));
  return new TdsServer({ backend, tls: { key: keyPem, cert: certPem } });
}

/** Session ids of a listener's clients; the servers' own doors begin at 51. */
const LISTENER_SPIDS = 16_384;

async function openListeners(
  world: EstateWorld,
  authority: CertificateAuthority,
  backends: ReadonlyMap<string, SqlServerBackend>,
  closing: Closing,
): Promise<readonly RunningListener[]> {
  const opened: RunningListener[] = [];
  for (const { name: group, replicas, listener } of world.definition.groups) {
    if (listener === undefined) continue;
    const { name, address } = listener;
    const isReplica = ([server]: readonly [string, SqlServerBackend]): boolean =>
      replicas.some((replica) => replica.toLowerCase() === server.toLowerCase());
    const backend = new ListenerBackend({
      world,
      group,
      replicas: new Map([...backends].filter(isReplica)),
    });
    const { keyPem, certPem } = issueFor(authority, [name].filter(isDnsName));
    const firstSpid = LISTENER_SPIDS + 512 * opened.length;
    const server = new TdsServer({ backend, tls: { key: keyPem, cert: certPem }, firstSpid });
    const { port } = await server.listen(listener.port, HOST);
    closing.add(() => server.close());
    opened.push({ group, name, address, host: HOST, port });
  }
  return opened;
}

/** What answers the logins and requests of one instance. */
export function sqlBackend(
  world: EstateWorld,
  name: string,
  azureServer: AzureServer,
  azure: Pick<AzureEndpoint, 'endpoint'>,
): SqlServerBackend {
  return new SqlServerBackend({
    world,
    instance: name,
    validateToken: (token) => {
      const verdict = azureServer.verifyToken(token, SQL_AUDIENCE);
      return verdict.kind === 'valid' ? { principal: verdict.claims.app_displayname } : undefined;
    },
    stsUrl: `${azure.endpoint}/${DEFAULT_PRINCIPALS[0].tenantId}`,
  });
}

/** Instance names may hold what no certificate can: those are reached under their address only. */
const isDnsName = (name: string): boolean => /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(name);

/**
 * The estate's application and managed identity are administrators of every managed instance, as an Entra
 * administrator of the real one is (CREATE LOGIN ... FROM EXTERNAL PROVIDER was done for them).
 */
export function admitApplications(world: EstateWorld): void {
  for (const { name, kind } of world.instances.all()) {
    if (kind !== 'managed-instance') continue;
    for (const principal of DEFAULT_PRINCIPALS) {
      world.logins.create(name, { name: principal.name, type: 'entra' });
      world.logins.setRole(name, principal.name, 'sysadmin', true);
    }
  }
}

export function describeInstance(
  instance: Instance,
  definition: InstanceDefinition,
  port: number,
): RunningInstance {
  const { logins } = definition;
  const admin = logins.find((login) => login.roles.includes('sysadmin') && !login.disabled) ?? logins[0];
  return {
    name: instance.name,
    kind: instance.kind,
    host: HOST,
    port,
    fqdn: instance.serverName,
    adminLogin: admin?.name ?? '',
    adminPassword: admin?.password ?? '',
    ...(instance.managed === undefined ? {} : { resourceId: instance.managed.resourceId }),
  };
}

export function describeAzure(
  world: EstateWorld,
  server: AzureServer,
  { endpoint }: Pick<AzureEndpoint, 'endpoint'>,
): RunningAzure {
  const [application] = DEFAULT_PRINCIPALS;
  const managed = world.instances
    .all()
    .flatMap((each) => (each.managed === undefined ? [] : [{ name: each.name, ...each.managed }]));
  return {
    endpoint,
    authorityHost: endpoint,
    tenantId: application.tenantId,
    clientId: application.clientId,
    clientSecret: application.clientSecret ?? '',
    applicationName: application.name,
    subscriptionId: managed[0]?.subscriptionId ?? '',
    resourceGroup: managed[0]?.resourceGroup ?? '',
    resourceIds: Object.fromEntries(managed.map((each) => [each.name, each.resourceId])),
    identityEndpoint: `${endpoint}/msi/token`,
    identityHeader: server.identityHeader,
  };
}

/** What the control API tells about connecting: everything but the secrets. */
function publicEndpoints(
  instances: readonly RunningInstance[],
  azure: RunningAzure,
  listeners: readonly RunningListener[],
): unknown {
  const { clientSecret: _secret, identityHeader: _header, ...shown } = azure;
  return {
    instances: instances.map(({ adminPassword: _password, ...each }) => each),
    azure: shown,
    ...(listeners.length === 0 ? {} : { listeners }),
  };
}

export function find(instances: readonly RunningInstance[], name: string): RunningInstance {
  const found = instances.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw new Error(`the estate has no instance '${name}'`);
  return found;
}
