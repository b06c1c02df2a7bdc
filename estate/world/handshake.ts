/** Why two endpoints do not come together: the documented causes, each with the number that shows it. */
import { listenerParts } from './listener';
import type { Link } from './model';
import { hostOf, pathBetween } from './network';
import { key, type MutableInstance, type WorldState } from './state';
import { chainProblem } from './trust';

export interface HandshakeProblem {
  /** Number shown as the link's most recent error. */
  readonly number: number;
  /** last_connect_error_number and _description on SQL Server. */
  readonly connectNumber: number;
  readonly description: string;
  /** Error code of the creation that fails because of it. */
  readonly armCode: string;
}

const CONNECTIVITY = 'ManagedInstanceLinkConnectivityIsNotEstablished';
const GROUP_SILENT = 'CloudLifterChimeraAvailabilityGroupConnectionCannotBeEstablished';

const problem = (
  number: number,
  description: string,
  armCode = CONNECTIVITY,
  connectNumber = number,
): HandshakeProblem => ({
  number,
  connectNumber,
  description,
  armCode,
});

/** `tcp://host:port`, with whatever follows the port ignored (`;Server=[...]`). */
export function parseEndpointUrl(url: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^tcp:\/\/(\[[0-9a-f:]+\]|[^:/;\s]+):(\d{1,5})(?:;.*)?$/i.exec(url.trim());
  const port = Number(match?.[2]);
  if (!match?.[1] || port < 1 || port > 65535) return undefined;
  return { host: match[1], port };
}

/** First thing that keeps the link from connecting; undefined when it connects. */
export function handshakeProblem(state: WorldState, link: Link): HandshakeProblem | undefined {
  const managed = state.instances.get(key(link.managedInstance));
  const address = parseEndpointUrl(link.partnerEndpoint);
  const server = address ? hostOf(state, address.host) : undefined;
  if (!managed || !server || !address || server.managed) {
    return problem(41986, `No server answers at '${link.partnerEndpoint}'.`, CONNECTIVITY, 11001);
  }
  return (
    transportProblem(state, server, managed, address.port) ??
    securityProblem(server, managed, state.clock.now()) ??
    groupProblem(server, managed, link)
  );
}

/** Why the endpoint of a SQL Server and the one of an instance do not come together, whatever the groups. */
export function connectionProblem(
  state: WorldState,
  server: MutableInstance,
  managed: MutableInstance,
): HandshakeProblem | undefined {
  return (
    transportProblem(state, server, managed, server.endpoint?.port ?? 0) ??
    securityProblem(server, managed, state.clock.now())
  );
}

function transportProblem(
  state: WorldState,
  server: MutableInstance,
  managed: MutableInstance,
  port: number,
): HandshakeProblem | undefined {
  if (
    managed.state !== 'running' ||
    server.state !== 'running' ||
    !pathBetween(state, server.name, managed.name).up
  ) {
    return problem(
      41986,
      "An error occurred while receiving data: '10060(A connection attempt failed because the connected party did not properly respond after a period of time.)'.",
      CONNECTIVITY,
      10060,
    );
  }
  const { endpoint } = server;
  if (!endpoint || endpoint.port !== port) {
    return problem(
      41986,
      "An error occurred while receiving data: '10061(No connection could be made because the target machine actively refused it.)'.",
      CONNECTIVITY,
      10061,
    );
  }
  if (endpoint.state !== 'STARTED') {
    return problem(
      35204,
      `The connection between server instances has been disabled because the database mirroring endpoint was either disabled or stopped.`,
    );
  }
  return undefined;
}

function securityProblem(
  server: MutableInstance,
  managed: MutableInstance,
  now: number,
): HandshakeProblem | undefined {
  const { endpoint } = server;
  if (!endpoint || !managed.managed)
    return problem(28080, 'The database mirroring endpoint is not configured.');
  if (endpoint.encryption === 'DISABLED') {
    return problem(41998, 'Encryption is disabled on the database mirroring endpoint of SQL Server.');
  }
  const own = endpoint.certificateName ? server.certificates.get(key(endpoint.certificateName)) : undefined;
  if (!own || !endpoint.authentication.includes('CERTIFICATE')) {
    return problem(
      28036,
      'Connection handshake failed. The certificate used by this endpoint was not found.',
    );
  }
  const uploaded = [...managed.managed.trustCertificates.values()].some(
    (one) => Buffer.compare(one.der, own.der) === 0,
  );
  if (!uploaded) {
    return problem(
      41973,
      `The certificate of SQL Server '${server.serverName}' is not imported on the managed instance.`,
      'ManagedInstanceLinkCertificateNotFoundOnManagedInstance',
    );
  }
  if (own.expiryDate <= now) return expired(own.name);
  return managedTrustProblem(server, managed, now);
}

/** SQL Server's side: a certificate whose name is the instance's full DNS name, and a chain that holds. */
function managedTrustProblem(
  server: MutableInstance,
  managed: MutableInstance,
  now: number,
): HandshakeProblem | undefined {
  const presented = managed.managed?.endpointCertificate;
  if (!presented) return problem(28036, 'The certificate of the managed instance was not found.');
  const imported = server.certificates.get(key(managed.serverName));
  if (!imported) {
    return problem(
      41974,
      `The certificate of managed instance '${managed.serverName}' is not imported on SQL Server.`,
      'ManagedInstanceLinkCertificateNotFoundOnSqlServer',
    );
  }
  if (presented.expiryDate <= now) return expired(presented.name);
  const chain = chainProblem(server, presented, now);
  return chain === undefined
    ? undefined
    : problem(
        28035,
        `Connection handshake failed. The certificate used by the peer is invalid due to the following reason: ${chain}.`,
      );
}

const expired = (name: string): HandshakeProblem =>
  problem(
    28035,
    `Connection handshake failed. The certificate used by the peer is invalid due to the following reason: Certificate expired (${name}).`,
  );

function groupProblem(
  server: MutableInstance,
  managed: MutableInstance,
  link: Link,
): HandshakeProblem | undefined {
  const distributed = server.groups.get(key(link.name));
  const members = distributed?.replicas.map((replica) => key(replica.name)) ?? [];
  const expected = [link.partnerAvailabilityGroupName, link.instanceAvailabilityGroupName].every((name) =>
    members.includes(key(name)),
  );
  const local = server.groups.get(key(link.partnerAvailabilityGroupName));
  if (!distributed?.distributed || !expected || !local) {
    return problem(
      41976,
      `The availability group or distributed availability group '${link.name}' on the partner does not respond.`,
      GROUP_SILENT,
    );
  }
  const remote = distributed.replicas.find(
    (replica) => key(replica.name) === key(link.instanceAvailabilityGroupName),
  );
  const listener = parseEndpointUrl(remote?.endpointUrl ?? '');
  if (!listener || key(listener.host) !== key(managed.serverName)) {
    return problem(
      41976,
      `LISTENER_URL of '${link.instanceAvailabilityGroupName}' does not lead to this managed instance.`,
      GROUP_SILENT,
    );
  }
  // While the instance leads for the first time, the group of the SQL Server is empty, and the listener names the database.
  const comesByLink = link.initialPrimary === 'instance' && !link.seeded;
  const named = listenerParts(remote?.endpointUrl ?? '').database;
  const isThere = comesByLink
    ? key(named ?? '') === key(link.databaseName)
    : local.databases.some((name) => key(name) === key(link.databaseName));
  if (!isThere) {
    return problem(
      41977,
      `Database '${link.databaseName}' does not respond on the partner.`,
      'CloudLifterChimeraEstablishDbConnectionNotEstablished',
    );
  }
  return undefined;
}
