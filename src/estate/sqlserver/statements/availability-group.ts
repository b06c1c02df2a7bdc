/** Runs CREATE / ALTER / DROP AVAILABILITY GROUP against the world. */
import type {
  CreateDistributedGroup,
  DistributedMember,
  MemberChange,
  ReplicaDefinition,
} from '../../world/api';
import type { SessionContext } from '../context';
import { serverError } from '../messages/raise';
import { defaultGroupSettings } from '../server-state';
import type { GroupAction, GroupOptions, ParsedStatement, ReplicaClause } from '../syntax/ast';
import { stableGuid } from '../values';
import { requireMaster, requirePermission, type StatementIo } from './io';

type Create = Extract<ParsedStatement, { kind: 'create-availability-group' }>;
type CreateDistributed = Extract<ParsedStatement, { kind: 'create-distributed-availability-group' }>;
type Alter = Extract<ParsedStatement, { kind: 'alter-availability-group' }>;

const availabilityMode = (clause: ReplicaClause): 'SYNCHRONOUS_COMMIT' | 'ASYNCHRONOUS_COMMIT' => {
  const mode = clause.options.availabilityMode;
  // A configuration-only replica holds no data; the simulation has no such witness.
  if (mode === 'CONFIGURATION_ONLY') throw serverError(153, ['CONFIGURATION_ONLY', 'AVAILABILITY GROUP']);
  return mode ?? 'ASYNCHRONOUS_COMMIT';
};

const replicaDefinition = (clause: ReplicaClause): ReplicaDefinition => {
  const { options } = clause;
  return {
    name: clause.name,
    endpointUrl: options.endpointUrl ?? options.listenerUrl ?? '',
    availabilityMode: availabilityMode(clause),
    failoverMode: options.failoverMode ?? 'MANUAL',
    // The default is MANUAL since automatic seeding exists (CREATE AVAILABILITY GROUP, SEEDING_MODE).
    seedingMode: options.seedingMode ?? 'MANUAL',
    ...(options.sessionTimeout === undefined ? {} : { sessionTimeout: options.sessionTimeout }),
    ...(options.primaryConnections === undefined
      ? {}
      : { primaryAllowConnections: options.primaryConnections }),
    ...(options.secondaryConnections === undefined
      ? {}
      : { secondaryAllowConnections: options.secondaryConnections }),
    ...(options.backupPriority === undefined ? {} : { backupPriority: options.backupPriority }),
  };
};

const memberChange = (clause: ReplicaClause): MemberChange => {
  const { options } = clause;
  const url = options.endpointUrl ?? options.listenerUrl;
  return {
    name: clause.name,
    ...(url === undefined ? {} : { endpointUrl: url }),
    ...(options.availabilityMode === undefined ? {} : { availabilityMode: availabilityMode(clause) }),
    ...(options.failoverMode === undefined ? {} : { failoverMode: options.failoverMode }),
    ...(options.seedingMode === undefined ? {} : { seedingMode: options.seedingMode }),
    ...(options.sessionTimeout === undefined ? {} : { sessionTimeout: options.sessionTimeout }),
    ...(options.primaryConnections === undefined
      ? {}
      : { primaryAllowConnections: options.primaryConnections }),
    ...(options.secondaryConnections === undefined
      ? {}
      : { secondaryAllowConnections: options.secondaryConnections }),
    ...(options.backupPriority === undefined ? {} : { backupPriority: options.backupPriority }),
  };
};

/** A distributed group has exactly two members. @throws 102 near the end otherwise */
const distributedGroup = (name: string, clauses: readonly ReplicaClause[]): CreateDistributedGroup => {
  const members: DistributedMember[] = clauses.map(replicaDefinition);
  const [first, second, ...others] = members;
  if (first === undefined || second === undefined || others.length > 0) {
    throw serverError(102, [clauses.at(-1)?.name ?? name]);
  }
  return { name, members: [first, second] };
};

const rememberSettings = (context: SessionContext, group: string, options: GroupOptions): void => {
  const before = context.state.groupSettings.get(group.toLowerCase()) ?? defaultGroupSettings;
  context.state.groupSettings.set(group.toLowerCase(), {
    backupPreference: options.backupPreference ?? before.backupPreference,
    dbFailover: options.dbFailover ?? before.dbFailover,
    failureConditionLevel: options.failureConditionLevel ?? before.failureConditionLevel,
    healthCheckTimeout: options.healthCheckTimeout ?? before.healthCheckTimeout,
    dtcSupport: options.dtcSupport === undefined ? before.dtcSupport : options.dtcSupport === 'PER_DB',
  });
};

export const createAvailabilityGroup = (context: SessionContext, statement: Create): void => {
  requireMaster(context);
  requirePermission(context, 'CREATE AVAILABILITY GROUP');
  if (context.managedInstance) throw serverError(40510, ['CREATE AVAILABILITY GROUP']);
  const { options } = statement;
  context.world.groups.create(context.instanceName, {
    name: statement.name,
    databases: statement.databases,
    replicas: statement.replicas.map(replicaDefinition),
    ...(options.clusterType === undefined ? {} : { clusterType: options.clusterType }),
    ...(options.basic === undefined ? {} : { basic: options.basic }),
    ...(options.requiredSynchronizedSecondaries === undefined
      ? {}
      : { requiredSynchronizedSecondariesToCommit: options.requiredSynchronizedSecondaries }),
  });
  rememberSettings(context, statement.name, options);
  if (statement.listener !== undefined) addListener(context, statement.name, statement.listener);
};

export const createDistributedAvailabilityGroup = (
  context: SessionContext,
  statement: CreateDistributed,
): void => {
  requireMaster(context);
  requirePermission(context, 'CREATE AVAILABILITY GROUP');
  if (context.managedInstance) throw serverError(40510, ['CREATE AVAILABILITY GROUP']);
  context.world.groups.createDistributed(
    context.instanceName,
    distributedGroup(statement.name, statement.groups),
  );
};

type Listener = Extract<GroupAction, { kind: 'add-listener' }>['listener'];

const addListener = (context: SessionContext, group: string, listener: Listener): void => {
  const key = group.toLowerCase();
  const present = context.state.listeners.get(key) ?? [];
  if (present.some((entry) => entry.dnsName.toLowerCase() === listener.dnsName.toLowerCase())) {
    throw serverError(15025, [listener.dnsName]);
  }
  const listenerId = stableGuid(`listener/${context.instanceName}/${group}/${listener.dnsName}`);
  context.state.listeners.set(key, [...present, { ...listener, listenerId }]);
  context.world.journal.mark(`add listener ${listener.dnsName} to ${group} on ${context.instanceName}`);
};

const removeListener = (context: SessionContext, group: string, dnsName: string): void => {
  const key = group.toLowerCase();
  const present = context.state.listeners.get(key) ?? [];
  const left = present.filter((entry) => entry.dnsName.toLowerCase() !== dnsName.toLowerCase());
  if (left.length === present.length) throw serverError(15151, ['remove', 'listener', dnsName]);
  context.state.listeners.set(key, left);
  context.world.journal.mark(`remove listener ${dnsName} of ${group} on ${context.instanceName}`);
};

const changePort = (
  context: SessionContext,
  group: string,
  dnsName: string,
  port: number | undefined,
): void => {
  const key = group.toLowerCase();
  const present = context.state.listeners.get(key) ?? [];
  const found = present.find((entry) => entry.dnsName.toLowerCase() === dnsName.toLowerCase());
  if (found === undefined) throw serverError(15151, ['alter', 'listener', dnsName]);
  if (port === undefined) return;
  context.state.listeners.set(
    key,
    present.map((entry) => (entry === found ? { ...entry, port } : entry)),
  );
  context.world.journal.mark(`set port of listener ${dnsName} of ${group} on ${context.instanceName}`);
};

const refuse = (what: string): never => {
  throw serverError(40510, [what]);
};

export const alterAvailabilityGroup = async (
  context: SessionContext,
  statement: Alter,
  io: StatementIo,
): Promise<void> => {
  requireMaster(context);
  requirePermission(context, 'ALTER ANY AVAILABILITY GROUP');
  const { world, instanceName } = context;
  const { name, action } = statement;
  if (action.kind === 'join-distributed') {
    if (context.managedInstance) throw serverError(40510, ['ALTER AVAILABILITY GROUP ... JOIN']);
    await world.groups.joinDistributed(instanceName, distributedGroup(name, action.groups), io.signal);
    return;
  }
  if (world.groups.get(instanceName, name) === undefined && action.kind !== 'join') {
    throw serverError(15151, ['alter', 'availability group', name]);
  }
  await applyAction(context, name, action, io);
};

const applyAction = async (
  context: SessionContext,
  name: string,
  action: Exclude<GroupAction, { kind: 'join-distributed' }>,
  io: StatementIo,
): Promise<void> => {
  const { groups } = context.world;
  const { instanceName } = context;
  switch (action.kind) {
    case 'join':
      return refuse('ALTER AVAILABILITY GROUP ... JOIN');
    case 'set-options':
      if (action.options.requiredSynchronizedSecondaries !== undefined) {
        groups.setRequiredSynchronizedSecondaries(
          instanceName,
          name,
          action.options.requiredSynchronizedSecondaries,
        );
      }
      rememberSettings(context, name, action.options);
      return;
    case 'set-role-secondary':
      return groups.setRoleSecondary(instanceName, name);
    case 'add-databases':
      for (const database of action.databases) groups.addDatabase(instanceName, name, database);
      return;
    case 'remove-databases':
      for (const database of action.databases) groups.removeDatabase(instanceName, name, database);
      return;
    case 'modify-replica':
      groups.modifyMembers(instanceName, name, [memberChange(action.replica)]);
      return;
    case 'modify-groups':
      groups.modifyMembers(instanceName, name, action.groups.map(memberChange));
      return;
    case 'create-any-database':
      return groups.setCreateAnyDatabase(instanceName, name, action.granted);
    case 'failover':
      return groups.failover(instanceName, name, io.signal);
    case 'force-failover':
      return groups.forceFailover(instanceName, name, io.signal);
    case 'add-listener':
      return addListener(context, name, action.listener);
    case 'modify-listener':
      return changePort(context, name, action.dnsName, action.port);
    case 'remove-listener':
      return removeListener(context, name, action.dnsName);
    case 'restart-listener':
      return changePort(context, name, action.dnsName, undefined);
    // More than one replica in a local group is not simulated: refused by name, never accepted without effect.
    case 'add-replica':
      return refuse('ALTER AVAILABILITY GROUP ... ADD REPLICA ON');
    case 'remove-replica':
      return refuse('ALTER AVAILABILITY GROUP ... REMOVE REPLICA ON');
    case 'offline':
      return refuse('ALTER AVAILABILITY GROUP ... OFFLINE');
  }
};

export const dropAvailabilityGroup = (context: SessionContext, name: string): void => {
  requireMaster(context);
  requirePermission(context, 'ALTER ANY AVAILABILITY GROUP');
  if (context.world.groups.get(context.instanceName, name) === undefined) {
    throw serverError(15151, ['drop', 'availability group', name]);
  }
  context.world.groups.drop(context.instanceName, name);
  context.state.groupSettings.delete(name.toLowerCase());
  context.state.listeners.delete(name.toLowerCase());
};
