/**
 * The link on the SQL Server side: an availability group with the database, and a distributed availability group that
 * joins it with the one on the managed instance. All run in master (35208).
 */
import type { Statement } from '../../model/statement';
import { quoteAscii, quoteIdentifier, quoteLiteral } from '../quote';
import { lines, statement } from '../statement';

export interface NewAvailabilityGroup {
  readonly name: string;
  readonly database: string;
  /** Value of @@SERVERNAME (35237 when it differs). */
  readonly serverName: string;
  /** For example `TCP://10.0.1.8:5022`. */
  readonly endpointUrl: string;
  /** `omit` on SQL Server 2016, which does not know the option and needs a cluster. */
  readonly clusterType: 'NONE' | 'omit';
}

/**
 * Availability group of one database with this server as its only replica. The documented script for links is the same
 * for all editions, without BASIC.
 */
export function createAvailabilityGroup(group: NewAvailabilityGroup): Statement {
  return statement(
    'create-availability-group',
    lines(
      `CREATE AVAILABILITY GROUP ${quoteIdentifier(group.name)}`,
      group.clusterType === 'NONE' ? 'WITH (CLUSTER_TYPE = NONE)' : undefined,
      `    FOR DATABASE ${quoteIdentifier(group.database)}`,
      '    REPLICA ON',
      `        ${quoteLiteral(group.serverName)} WITH (`,
      `            ENDPOINT_URL = ${quoteAscii(group.endpointUrl)},`,
      '            AVAILABILITY_MODE = SYNCHRONOUS_COMMIT,',
      '            FAILOVER_MODE = MANUAL,',
      '            SEEDING_MODE = AUTOMATIC',
      '        );',
    ),
  );
}

/**
 * As {@link createAvailabilityGroup} for the side that gets its database by seeding: without one. Only SQL Server 2022
 * and later can follow an instance, so the cluster type is always named.
 */
export function createEmptyAvailabilityGroup(
  group: Pick<NewAvailabilityGroup, 'name' | 'serverName' | 'endpointUrl'>,
): Statement {
  return statement(
    'create-empty-availability-group',
    lines(
      `CREATE AVAILABILITY GROUP ${quoteIdentifier(group.name)}`,
      'WITH (CLUSTER_TYPE = NONE)',
      '    FOR',
      '    REPLICA ON',
      `        ${quoteLiteral(group.serverName)} WITH (`,
      `            ENDPOINT_URL = ${quoteAscii(group.endpointUrl)},`,
      '            FAILOVER_MODE = MANUAL,',
      '            AVAILABILITY_MODE = SYNCHRONOUS_COMMIT,',
      '            SEEDING_MODE = AUTOMATIC',
      '        );',
    ),
  );
}

/** Lets automatic seeding create the database here. No catalog view shows it. */
export const grantCreateAnyDatabase = (name: string): Statement =>
  statement(
    'grant-create-any-database',
    `ALTER AVAILABILITY GROUP ${quoteIdentifier(name)} GRANT CREATE ANY DATABASE;`,
  );

/** @param connections NO, READ_ONLY or ALL: who may read the copy while this side follows (976, 978) */
export const setSecondaryConnections = (options: {
  readonly name: string;
  readonly serverName: string;
  readonly connections: 'NO' | 'READ_ONLY' | 'ALL';
}): Statement =>
  statement(
    'set-secondary-connections',
    lines(
      `ALTER AVAILABILITY GROUP ${quoteIdentifier(options.name)}`,
      `    MODIFY REPLICA ON ${quoteLiteral(options.serverName)}`,
      `    WITH (SECONDARY_ROLE (ALLOW_CONNECTIONS = ${options.connections}));`,
    ),
  );

export const dropAvailabilityGroup = (name: string): Statement =>
  statement('drop-availability-group', `DROP AVAILABILITY GROUP ${quoteIdentifier(name)};`);

/** @returns URL of a mirroring endpoint, for ENDPOINT_URL and LISTENER_URL. IPv6 addresses are put in brackets. */
export function mirroringUrl(address: string, port: number): string {
  const host = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  return `TCP://${host}:${port}`;
}

/** The instance listens for mirroring on this port and no other. */
const INSTANCE_ENDPOINT_PORT = 5022;

export interface NewDistributedAvailabilityGroup {
  readonly name: string;
  readonly availabilityGroup: string;
  /** For example `TCP://10.0.1.8:5022`: the server's mirroring endpoint (or its listener on the endpoint's port). */
  readonly serverUrl: string;
  readonly instanceAvailabilityGroup: string;
  /** See {@link instanceListenerUrl}. */
  readonly instanceUrl: string;
}

/**
 * Both members asynchronous (47501), seeding automatic (47500), failover manual (35277), as documented for a link
 * with the SQL Server as initial primary.
 */
export function createDistributedAvailabilityGroup(group: NewDistributedAvailabilityGroup): Statement {
  return statement(
    'create-distributed-availability-group',
    lines(
      `CREATE AVAILABILITY GROUP ${quoteIdentifier(group.name)}`,
      'WITH (DISTRIBUTED)',
      '    AVAILABILITY GROUP ON',
      `    ${quoteLiteral(group.availabilityGroup)} WITH (`,
      `        LISTENER_URL = ${quoteAscii(group.serverUrl)},`,
      '        AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,',
      '        FAILOVER_MODE = MANUAL,',
      '        SEEDING_MODE = AUTOMATIC,',
      '        SESSION_TIMEOUT = 20',
      '    ),',
      `    ${quoteLiteral(group.instanceAvailabilityGroup)} WITH (`,
      `        LISTENER_URL = ${quoteAscii(group.instanceUrl)},`,
      '        AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,',
      '        FAILOVER_MODE = MANUAL,',
      '        SEEDING_MODE = AUTOMATIC',
      '    );',
    ),
  );
}

/**
 * The SQL Server's side of a link that the instance leads: the newer documented form, which reads the configuration
 * from the instance. The instance's group comes first, and its listener names the database. Fails with 47106 and 41158
 * while the instance does not know the group.
 */
export function joinDistributedAvailabilityGroup(group: NewDistributedAvailabilityGroup): Statement {
  const common = [
    '        AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT,',
    '        FAILOVER_MODE = MANUAL,',
    '        SEEDING_MODE = AUTOMATIC',
  ];
  return statement(
    'join-distributed-availability-group',
    lines(
      `ALTER AVAILABILITY GROUP ${quoteIdentifier(group.name)}`,
      '    JOIN',
      '    AVAILABILITY GROUP ON',
      `    ${quoteLiteral(group.instanceAvailabilityGroup)} WITH (`,
      // Names of databases need not be ASCII.
      `        LISTENER_URL = ${quoteLiteral(group.instanceUrl)},`,
      ...common,
      '    ),',
      `    ${quoteLiteral(group.availabilityGroup)} WITH (`,
      `        LISTENER_URL = ${quoteAscii(group.serverUrl)},`,
      ...common,
      '    );',
    ),
  );
}

/**
 * @param fullyQualifiedDomainName of the instance, for example `sqlmi1.73d19f36a420a.database.windows.net`
 * @param instanceName short name, for example `sqlmi1`
 * @returns LISTENER_URL of the instance, for a link whose initial primary is the SQL Server
 */
export const instanceListenerUrl = (fullyQualifiedDomainName: string, instanceName: string): string =>
  `tcp://${fullyQualifiedDomainName}:${INSTANCE_ENDPOINT_PORT};Server=[${instanceName}]`;

/** As {@link instanceListenerUrl}, for a link whose initial primary is the instance: only there is the database named. */
export const leadingInstanceListenerUrl = (
  fullyQualifiedDomainName: string,
  instanceName: string,
  database: string,
): string => `${instanceListenerUrl(fullyQualifiedDomainName, instanceName)};Database=[${database}]`;

/**
 * @param options.groups names of the members as the group stores them (sys.availability_replicas.replica_server_name)
 */
export function setDistributedAvailabilityMode(options: {
  readonly name: string;
  readonly groups: readonly string[];
  readonly mode: 'SYNCHRONOUS_COMMIT' | 'ASYNCHRONOUS_COMMIT';
}): Statement {
  const members = options.groups.map(
    (group) => `    ${quoteLiteral(group)} WITH (AVAILABILITY_MODE = ${options.mode})`,
  );
  return statement(
    'set-distributed-availability-mode',
    lines(
      `ALTER AVAILABILITY GROUP ${quoteIdentifier(options.name)}`,
      '    MODIFY AVAILABILITY GROUP ON',
      `${members.join(',\n')};`,
    ),
  );
}

/** Planned failover, run on the current primary (47517 elsewhere). SQL Server 2022 CU13 and later; only links. */
export const failoverDistributedAvailabilityGroup = (name: string): Statement =>
  statement(
    'failover-distributed-availability-group',
    `ALTER AVAILABILITY GROUP ${quoteIdentifier(name)} FAILOVER;`,
  );

/** Forced failover, run on the secondary. May lose committed transactions. */
export const forceFailoverDistributedAvailabilityGroup = (name: string): Statement =>
  statement(
    'force-failover-distributed-availability-group',
    `ALTER AVAILABILITY GROUP ${quoteIdentifier(name)} FORCE_FAILOVER_ALLOW_DATA_LOSS;`,
  );

/** Demotes the local side: after a forced failover, on the primary that came back. */
export const setRoleSecondary = (name: string): Statement =>
  statement(
    'set-role-secondary',
    `ALTER AVAILABILITY GROUP ${quoteIdentifier(name)} SET (ROLE = SECONDARY);`,
  );
