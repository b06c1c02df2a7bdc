/** The availability groups that a link makes on its managed instance, and the roles on both sides. */
import type { LinkRuntime, LinkTable } from './link-state';
import type { ReplicaRole } from './model';
import { key, type MutableGroup, type MutableInstance, type WorldState } from './state';

/** The instance's own group and the distributed one, as its catalog shows them. */
export function makeManagedGroups(state: WorldState, table: LinkTable, runtime: LinkRuntime): void {
  const { link } = runtime;
  const managed = table.managed(link);
  const server = table.sqlServer(link);
  const distributed = server?.groups.get(key(link.name));
  if (!server || !distributed || managed.groups.has(key(link.name))) return;
  const now = state.clock.now();
  const replica = {
    // Of this group alone: the member of the distributed group has its own id (sys.availability_replicas has it as key).
    replicaId: state.random.guid(),
    name: managed.serverName,
    endpointUrl: `TCP://${managed.serverName}:5022`,
    availabilityMode: 'SYNCHRONOUS_COMMIT' as const,
    failoverMode: 'MANUAL' as const,
    seedingMode: 'AUTOMATIC' as const,
    sessionTimeout: 10,
    primaryAllowConnections: 'ALL' as const,
    // Secondaries of links are readable (feature overview: read-only workloads).
    secondaryAllowConnections: 'ALL' as const,
    backupPriority: 50,
    isLocal: true,
    createdAt: now,
    modifiedAt: now,
  };
  const common = {
    clusterType: 'NONE' as const,
    basic: false,
    createdAt: now,
    requiredSynchronizedSecondariesToCommit: 0,
    mayCreateAnyDatabase: true,
    listeners: [],
  };
  managed.groups.set(key(link.instanceAvailabilityGroupName), {
    ...common,
    name: link.instanceAvailabilityGroupName,
    groupId: state.random.guid(),
    distributed: false,
    role: 'PRIMARY',
    replicas: [replica],
    databases: [link.databaseName],
  });
  managed.groups.set(key(link.name), {
    ...common,
    name: link.name,
    groupId: distributed.groupId,
    distributed: true,
    role: 'SECONDARY',
    replicas: distributed.replicas.map((member) => ({
      ...member,
      isLocal: key(member.name) === key(link.instanceAvailabilityGroupName),
    })),
    databases: [],
  });
}

export function dropManagedGroups(table: LinkTable, runtime: LinkRuntime): void {
  const managed = table.managed(runtime.link);
  managed.groups.delete(key(runtime.link.name));
  managed.groups.delete(key(runtime.link.instanceAvailabilityGroupName));
  const copy = table.copy(runtime, managed);
  if (copy) leaveGroup(copy);
}

export function leaveGroup(copy: { groupName?: string; groupDatabaseId?: string; replicaId?: string }): void {
  delete copy.groupName;
  delete copy.groupDatabaseId;
  delete copy.replicaId;
}

export function distributedGroup(
  runtime: LinkRuntime,
  instance: MutableInstance | undefined,
): MutableGroup | undefined {
  return instance?.groups.get(key(runtime.link.name));
}

export function setRole(
  runtime: LinkRuntime,
  instance: MutableInstance | undefined,
  role: ReplicaRole,
): void {
  const group = distributedGroup(runtime, instance);
  if (group) group.role = role;
}

/** Both sides hold themselves for the primary, and both run. */
export function isSplit(table: LinkTable, runtime: LinkRuntime): boolean {
  const sides = [table.managed(runtime.link), table.sqlServer(runtime.link)];
  return sides.every(
    (side) => side?.state === 'running' && distributedGroup(runtime, side)?.role === 'PRIMARY',
  );
}
