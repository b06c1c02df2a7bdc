/** Which role a database copy has on its instance, and what that lets a client do. */
import type { SqlError } from '../sql/errors';
import type { ReplicaRole } from './model';
import { refusals } from './refusals';
import { type DatabaseCopy, key, type MutableGroup, type MutableInstance } from './state';

/** Distributed groups of which this local group is a member. */
export function distributedGroupsOf(instance: MutableInstance, groupName: string): MutableGroup[] {
  return [...instance.groups.values()].filter(
    (group) =>
      group.distributed &&
      group.replicas.some((replica) => replica.isLocal && key(replica.name) === key(groupName)),
  );
}

/** A database in a distributed group's secondary is secondary, though its local group is led from here (forwarder). */
export function roleOf(instance: MutableInstance, copy: DatabaseCopy): ReplicaRole | undefined {
  if (copy.groupName === undefined) return undefined;
  if (copy.resolving) return 'RESOLVING';
  const distributed = distributedGroupsOf(instance, copy.groupName);
  if (distributed.some((group) => group.role === 'SECONDARY')) return 'SECONDARY';
  return instance.groups.get(key(copy.groupName))?.role;
}

export function readRefusal(
  instance: MutableInstance,
  copy: DatabaseCopy,
  readOnlyIntent: boolean,
): SqlError | undefined {
  const closed = stateRefusal(copy);
  if (closed) return closed;
  const role = roleOf(instance, copy);
  if (role === 'RESOLVING') return refusals.resolving(copy.name);
  if (role !== 'SECONDARY') return undefined;
  const group = instance.groups.get(key(copy.groupName ?? ''));
  const allowed = group?.replicas.find((replica) => replica.isLocal)?.secondaryAllowConnections ?? 'NO';
  if (allowed === 'NO') return refusals.notReadable(copy.name);
  return allowed === 'READ_ONLY' && !readOnlyIntent ? refusals.readIntentNeeded(copy.name) : undefined;
}

export function writeRefusal(instance: MutableInstance, copy: DatabaseCopy): SqlError | undefined {
  const unreadable = readRefusal(instance, copy, true);
  if (unreadable) return unreadable;
  if (copy.options.readOnly || roleOf(instance, copy) === 'SECONDARY') return refusals.readOnly(copy.name);
  return undefined;
}

function stateRefusal(copy: DatabaseCopy): SqlError | undefined {
  switch (copy.state) {
    case 'ONLINE':
    case 'EMERGENCY':
      return undefined;
    case 'RESTORING':
      return refusals.restoring(copy.name);
    case 'OFFLINE':
      return refusals.offline(copy.name);
    case 'SUSPECT':
      return refusals.suspect(copy.name);
    case 'RECOVERING':
    case 'RECOVERY_PENDING':
      return refusals.recovering(copy.name);
    default:
      return copy.state satisfies never;
  }
}
