/**
 * Links whose initial primary is the managed instance (SQL Server 2022 CU10 and later, 2025): what is refused at once,
 * and the groups that the instance makes before anybody joins them.
 */
import type { LinkRuntime, LinkTable } from './link-state';
import { ArmRefusal, type LinkRequest } from './model';
import { formatsMatch } from './source-checks';
import { key, type MutableGroup, type MutableInstance, type WorldState } from './state';
import { atLeast } from './versions';

/** 2022 CU10 (feature overview); a build of a later release knows it from its beginning. */
export const LINK_FROM_INSTANCE_BUILD = '16.0.4095.4';

export const linksFromInstance = (server: MutableInstance): boolean =>
  !server.managed && atLeast(server.version, LINK_FROM_INSTANCE_BUILD);

/** @throws ArmRefusal */
export function checkLeadingDatabase(
  table: LinkTable,
  managed: MutableInstance,
  { databaseName }: LinkRequest,
): void {
  const copy = managed.databases.get(key(databaseName));
  if (!copy || copy.state !== 'ONLINE') {
    // Which code the service has for a database that is not there is not published (inferred).
    throw new ArmRefusal(
      400,
      'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequestDatabases',
      `Invalid value given for parameter Databases: managed instance '${managed.name}' has no online database '${databaseName}'.`,
    );
  }
  const other = table
    .all()
    .find(
      ({ link, broken }) =>
        key(link.managedInstance) === key(managed.name) &&
        key(link.databaseName) === key(databaseName) &&
        !broken,
    );
  if (other || copy.groupName !== undefined) {
    // "Linking from an instance is impossible for a database that is linked already"; its code is inferred.
    throw new ArmRefusal(
      400,
      'OperationCanNotStartDueToMiLink',
      `Database '${databaseName}' is part of link '${other?.link.name ?? copy.groupName}' already.`,
    );
  }
  if (copy.options.tdeKey === 'service-managed') {
    throw new ArmRefusal(
      409,
      'DistributedAvailabilityGroupDbEncryptedWithSmk',
      `Database '${databaseName}' is encrypted with a service-managed key and cannot be linked to SQL Server (41979).`,
    );
  }
}

/** The format must be the version's own, whatever the failover mode (update policy page). @throws ArmRefusal */
export function checkLeadingFormat(managed: MutableInstance, server: MutableInstance): void {
  if (formatsMatch(managed.managed?.databaseFormat, server.version.year)) return;
  throw new ArmRefusal(
    400,
    'CloudLifterChimeraBoxAndMiOnDifferentDbVersionsFailoverModeManual',
    `A link from a managed instance needs the same database format on SQL Server and on the instance; the instance has ${managed.managed?.databaseFormat} (41984, 41988).`,
  );
}

/** The instance's own group with the database, and the distributed one, which it leads from now on. */
export function makeLeadingGroups(state: WorldState, table: LinkTable, runtime: LinkRuntime): void {
  const { link } = runtime;
  const managed = table.managed(link);
  const copy = table.copy(runtime, managed);
  if (!copy || managed.groups.has(key(link.name))) return;
  const now = state.clock.now();
  const replica = {
    availabilityMode: 'ASYNCHRONOUS_COMMIT' as const,
    failoverMode: 'MANUAL' as const,
    seedingMode: 'AUTOMATIC' as const,
    sessionTimeout: 10,
    primaryAllowConnections: 'ALL' as const,
    secondaryAllowConnections: 'ALL' as const,
    backupPriority: 50,
    createdAt: now,
    modifiedAt: now,
  };
  const listener = `TCP://${managed.serverName}:5022`;
  const own = state.random.guid();
  const common = {
    clusterType: 'NONE' as const,
    basic: false,
    createdAt: now,
    role: 'PRIMARY' as const,
    requiredSynchronizedSecondariesToCommit: 0,
    mayCreateAnyDatabase: true,
    listeners: [],
  };
  managed.groups.set(key(link.instanceAvailabilityGroupName), {
    ...common,
    name: link.instanceAvailabilityGroupName,
    groupId: state.random.guid(),
    distributed: false,
    replicas: [
      {
        ...replica,
        availabilityMode: 'SYNCHRONOUS_COMMIT',
        replicaId: own,
        name: managed.serverName,
        endpointUrl: listener,
        isLocal: true,
      },
    ],
    databases: [copy.name],
  });
  managed.groups.set(key(link.name), {
    ...common,
    name: link.name,
    groupId: link.id,
    distributed: true,
    replicas: [
      {
        ...replica,
        replicaId: link.instanceReplicaId,
        name: link.instanceAvailabilityGroupName,
        endpointUrl: `tcp://${managed.serverName}:5022;Server=[${managed.name}];Database=[${copy.name}]`,
        isLocal: true,
      },
      {
        ...replica,
        replicaId: link.partnerReplicaId,
        name: link.partnerAvailabilityGroupName,
        endpointUrl: link.partnerEndpoint,
        isLocal: false,
      },
    ],
    databases: [],
  });
  copy.groupName = link.instanceAvailabilityGroupName;
  copy.groupDatabaseId = state.random.guid();
  copy.replicaId = own;
}

/** The members as the primary has them: ids and modes come with the configuration that a JOIN downloads. */
export function adoptConfiguration(group: MutableGroup, primary: MutableGroup): void {
  group.groupId = primary.groupId;
  for (const member of group.replicas) {
    const theirs = primary.replicas.find((replica) => key(replica.name) === key(member.name));
    if (theirs) member.replicaId = theirs.replicaId;
  }
}
