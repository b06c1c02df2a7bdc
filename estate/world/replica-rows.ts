/** Rows of the availability DMVs, computed when they are asked for. */
import { settleCopy } from './databases';
import type { LinkRuntime, LinkTable } from './link-state';
import { replicaProblem } from './local-groups';
import type {
  AvailabilityReplica,
  DatabaseReplicaStateRow,
  ReplicaRole,
  ReplicaStateRow,
  SynchronizationHealth,
  SynchronizationState,
} from './model';
import { distributedGroupsOf, roleOf } from './roles';
import { type DatabaseCopy, key, type MutableGroup, type MutableInstance, type WorldState } from './state';

/** sys.dm_hadr_availability_replica_states */
export function replicaRows(
  state: WorldState,
  table: LinkTable,
  instance: MutableInstance,
): ReplicaStateRow[] {
  return [...instance.groups.values()].flatMap((group) => {
    const link = group.distributed ? table.ofGroup(instance.name, group.name) : undefined;
    return group.replicas
      .filter((replica) => replica.isLocal || group.role === 'PRIMARY')
      .map((replica): ReplicaStateRow => {
        const common = {
          groupName: group.name,
          groupId: group.groupId,
          distributed: group.distributed,
          replicaId: replica.replicaId,
          replicaName: replica.name,
          isLocal: replica.isLocal,
        };
        if (replica.isLocal) {
          return {
            ...common,
            role: group.role,
            operationalState: 'ONLINE',
            connectedState: 'CONNECTED',
            recoveryHealth: 'ONLINE',
            synchronizationHealth: link ? healthOf(link) : 'HEALTHY',
          };
        }
        if (!group.distributed)
          return { ...common, role: 'SECONDARY', ...localPartner(state, instance, group, replica) };
        const error = link?.link.connection.lastError;
        return {
          ...common,
          role: 'SECONDARY',
          connectedState: link?.link.connection.state ?? 'DISCONNECTED',
          synchronizationHealth: link ? healthOf(link) : 'NOT_HEALTHY',
          ...(error
            ? {
                lastConnectErrorNumber: error.number,
                lastConnectErrorDescription: error.description,
                lastConnectErrorTimestamp: error.at,
              }
            : {}),
        };
      });
  });
}

/** How the primary of a local group sees another replica of it. */
function localPartner(
  state: WorldState,
  instance: MutableInstance,
  group: MutableGroup,
  replica: AvailabilityReplica,
): Pick<ReplicaStateRow, 'connectedState' | 'synchronizationHealth'> {
  const partner = partnerOf(state, group, replica);
  const isConnected = partner !== undefined && replicaProblem(state, instance, partner, group) === undefined;
  const hasAll = group.databases.every((name) => partner?.databases.has(key(name)));
  return {
    connectedState: isConnected ? 'CONNECTED' : 'DISCONNECTED',
    synchronizationHealth: isConnected && hasAll ? 'HEALTHY' : 'NOT_HEALTHY',
  };
}

/** Server behind a replica's name, once it has joined the group. */
function partnerOf(
  state: WorldState,
  group: MutableGroup,
  replica: AvailabilityReplica,
): MutableInstance | undefined {
  return [...state.instances.values()].find(
    (one) =>
      key(one.serverName) === key(replica.name) && one.groups.get(key(group.name))?.groupId === group.groupId,
  );
}

/** sys.dm_hadr_database_replica_states */
export function databaseReplicaRows(
  state: WorldState,
  table: LinkTable,
  instance: MutableInstance,
): DatabaseReplicaStateRow[] {
  return [...instance.databases.values()].flatMap((copy) => {
    const local = copy.groupName === undefined ? undefined : instance.groups.get(key(copy.groupName));
    if (!local) return [];
    settleCopy(state, copy);
    const rows = [localGroupRow(instance, local, copy), ...localPartnerRows(state, instance, local, copy)];
    for (const group of distributedGroupsOf(instance, local.name)) {
      rows.push(...distributedRows(table, instance, group, copy));
    }
    return rows;
  });
}

function localGroupRow(
  instance: MutableInstance,
  group: MutableGroup,
  copy: DatabaseCopy,
): DatabaseReplicaStateRow {
  const role = roleOf(instance, copy);
  return {
    ...identity(group, copy, group.replicas.find((replica) => replica.isLocal)?.replicaId ?? ''),
    isLocal: true,
    isPrimaryReplica: role === 'PRIMARY',
    ...localState(copy, role, role === 'PRIMARY' ? 'SYNCHRONIZED' : 'SYNCHRONIZING', 'HEALTHY'),
  };
}

/** On the primary of a local group: one row for each other replica that has a copy. */
function localPartnerRows(
  state: WorldState,
  instance: MutableInstance,
  group: MutableGroup,
  copy: DatabaseCopy,
): DatabaseReplicaStateRow[] {
  if (group.role !== 'PRIMARY') return [];
  return group.replicas
    .filter((replica) => !replica.isLocal)
    .flatMap((replica): DatabaseReplicaStateRow[] => {
      const partner = partnerOf(state, group, replica);
      if (!partner?.databases.has(key(copy.name))) return [];
      const isConnected = replicaProblem(state, instance, partner, group) === undefined;
      const isSync = replica.availabilityMode === 'SYNCHRONOUS_COMMIT';
      const hardened = copy.log.lsn();
      return [
        {
          ...identity(group, copy, replica.replicaId),
          isLocal: false,
          isPrimaryReplica: false,
          synchronizationState: !isConnected
            ? 'NOT SYNCHRONIZING'
            : isSync
              ? 'SYNCHRONIZED'
              : 'SYNCHRONIZING',
          synchronizationHealth: isConnected ? 'HEALTHY' : 'NOT_HEALTHY',
          isCommitParticipant: isConnected && isSync,
          isSuspended: false,
          lastHardenedLsn: hardened,
          endOfLogLsn: hardened,
          logSendQueueBytes: 0,
          redoQueueBytes: 0,
          secondaryLagSeconds: 0,
        },
      ];
    });
}

/** The local row, and on the primary one for the secondary, with what the primary has heard of it. */
function distributedRows(
  table: LinkTable,
  instance: MutableInstance,
  group: MutableGroup,
  copy: DatabaseCopy,
): DatabaseReplicaStateRow[] {
  const link = table.ofGroup(instance.name, group.name);
  const local = group.replicas.find((replica) => replica.isLocal);
  const remote = group.replicas.find((replica) => !replica.isLocal);
  const isPrimary = group.role === 'PRIMARY';
  const synchronization = synchronizationOf(link);
  const rows: DatabaseReplicaStateRow[] = [
    {
      ...identity(group, copy, local?.replicaId ?? ''),
      isLocal: true,
      isPrimaryReplica: isPrimary,
      ...localState(
        copy,
        group.role,
        isPrimary && link?.stream ? primaryState(link) : synchronization,
        link ? healthOf(link) : 'NOT_HEALTHY',
        link,
      ),
    },
  ];
  if (!isPrimary || !link) return rows;
  rows.push({
    ...identity(group, copy, remote?.replicaId ?? ''),
    isLocal: false,
    isPrimaryReplica: false,
    synchronizationState: synchronization,
    synchronizationHealth: healthOf(link),
    isCommitParticipant: link.stream?.mode === 'SYNCHRONOUS_COMMIT',
    ...suspension(copy, link),
    ...remoteProgress(link),
  });
  return rows;
}

const identity = (group: MutableGroup, copy: DatabaseCopy, replicaId: string) => ({
  databaseId: copy.databaseId,
  databaseName: copy.name,
  groupName: group.name,
  groupId: group.groupId,
  distributed: group.distributed,
  replicaId,
  groupDatabaseId: copy.groupDatabaseId ?? '',
});

function localState(
  copy: DatabaseCopy,
  role: ReplicaRole | undefined,
  synchronizationState: SynchronizationState,
  synchronizationHealth: SynchronizationHealth,
  link?: LinkRuntime,
) {
  const { log } = copy;
  const incoming = copy.incoming;
  const isPrimary = role === 'PRIMARY';
  // On an asynchronous primary last_hardened_lsn is NULL; on a synchronous one it is the minimum over the secondaries.
  const hardened = isPrimary
    ? link?.stream?.mode === 'SYNCHRONOUS_COMMIT'
      ? log.lsn(link.stream.hardened)
      : undefined
    : log.lsn();
  return {
    synchronizationState,
    synchronizationHealth,
    databaseState: copy.state,
    isCommitParticipant: link?.stream?.mode === 'SYNCHRONOUS_COMMIT',
    ...suspension(copy, link),
    recoveryLsn: log.lsn(),
    truncationLsn: log.lsn(log.truncatedTo),
    ...(hardened === undefined ? {} : { lastHardenedLsn: hardened }),
    endOfLogLsn: log.lsn(),
    lastCommitLsn: log.lastCommit?.lsn ?? 0n,
    ...(log.lastCommit ? { lastCommitTime: log.lastCommit.at } : {}),
    ...(incoming
      ? {
          lastReceivedLsn: log.lsn(incoming.hardened),
          lastReceivedTime: incoming.lastHardenedTime,
          lastHardenedTime: incoming.lastHardenedTime,
          lastRedoneLsn: log.lsn(incoming.redone),
          lastRedoneTime: incoming.lastRedoneTime,
          redoQueueBytes: Math.max(0, Math.round(incoming.hardened - incoming.redone)),
          redoRate: incoming.maxRedoRate,
        }
      : {}),
  };
}

function remoteProgress(link: LinkRuntime) {
  const { stream } = link;
  if (!stream) return {};
  const { log } = stream.source;
  const commit = stream.target.log.lastCommit;
  return {
    lastSentLsn: log.lsn(stream.hardened),
    lastSentTime: stream.lastHardenedTime,
    lastReceivedLsn: log.lsn(stream.hardened),
    lastReceivedTime: stream.lastHardenedTime,
    lastHardenedLsn: log.lsn(stream.hardened),
    lastHardenedTime: stream.lastHardenedTime,
    lastRedoneLsn: log.lsn(stream.redone),
    lastRedoneTime: stream.lastRedoneTime,
    logSendQueueBytes: Math.max(0, Math.round(log.end - stream.hardened)),
    logSendRate: stream.sendRate,
    redoQueueBytes: Math.max(0, Math.round(stream.hardened - stream.redone)),
    redoRate: stream.maxRedoRate,
    endOfLogLsn: log.lsn(stream.hardened),
    lastCommitLsn: commit?.lsn ?? 0n,
    ...(commit ? { lastCommitTime: commit.at } : {}),
    secondaryLagSeconds: stream.lagSeconds(),
  };
}

function suspension(copy: DatabaseCopy, link: LinkRuntime | undefined) {
  if (copy.dataMovementSuspended) return { isSuspended: true, suspendReason: 'SUSPEND_FROM_USER' };
  // After a forced failover the partner suspends the movement.
  if (link?.fork) return { isSuspended: true, suspendReason: 'SUSPEND_FROM_PARTNER' };
  return { isSuspended: false };
}

function primaryState(link: LinkRuntime): SynchronizationState {
  return link.stream?.mode === 'SYNCHRONOUS_COMMIT' ? 'SYNCHRONIZED' : 'SYNCHRONIZING';
}

function synchronizationOf(link: LinkRuntime | undefined): SynchronizationState {
  const stream = link?.stream;
  if (link?.seeding?.target) return 'INITIALIZING';
  if (!stream?.running) return 'NOT SYNCHRONIZING';
  if (stream.mode !== 'SYNCHRONOUS_COMMIT') return 'SYNCHRONIZING';
  return stream.hardened >= stream.source.log.end ? 'SYNCHRONIZED' : 'SYNCHRONIZING';
}

/** Asynchronous and SYNCHRONIZING is HEALTHY; synchronous needs SYNCHRONIZED. */
export function healthOf(link: LinkRuntime): SynchronizationHealth {
  if (!link.stream?.running || link.broken) return 'NOT_HEALTHY';
  const state = synchronizationOf(link);
  if (link.stream.mode === 'ASYNCHRONOUS_COMMIT') return 'HEALTHY';
  return state === 'SYNCHRONIZED' ? 'HEALTHY' : 'PARTIALLY_HEALTHY';
}
