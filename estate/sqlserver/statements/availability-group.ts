/** Runs CREATE / ALTER / DROP AVAILABILITY GROUP against the world. */
import type {
  CreateDistributedGroup,
  DistributedMember,
  MemberChange,
  ReplicaDefinition,
} from '../../world/api';
import type { GroupListener } from '../../world/model';
import { type SessionContext, sameName } from '../context';
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

const listenersOf = (context: SessionContext, group: string): readonly GroupListener[] =>
  context.world.groups.get(context.instanceName, group)?.listeners ?? [];

const addListener = (context: SessionContext, group: string, listener: Listener): void => {
  const present = listenersOf(context, group);
  if (present.some((entry) => sameName(entry.dnsName, listener.dnsName)))
    throw serverError(15025, [listener.dnsName]);
  const listenerId = stableGuid(`listener/${context.instanceName}/${group}/${listener.dnsName}`);
  context.world.groups.setListeners(context.instanceName, group, [...present, { ...listener, listenerId }]);
};

const removeListener = (context: SessionContext, group: string, dnsName: string): void => {
  const present = listenersOf(context, group);
  const left = present.filter((entry) => !sameName(entry.dnsName, dnsName));
  if (left.length === present.length) throw serverError(15151, ['remove', 'listener', dnsName]);
  context.world.groups.setListeners(context.instanceName, group, left);
};

const changeListener = (
  context: SessionContext,
  group: string,
  dnsName: string,
  change: (listener: GroupListener) => GroupListener,
): void => {
  const present = listenersOf(context, group);
  if (!present.some((entry) => sameName(entry.dnsName, dnsName)))
    throw serverError(15151, ['alter', 'listener', dnsName]);
  context.world.groups.setListeners(
    context.instanceName,
    group,
    present.map((entry) => (sameName(entry.dnsName, dnsName) ? change(entry) : entry)),
  );
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
      groups.join(instanceName, name, action.clusterType);
      return;
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
      return changeListener(context, name, action.dnsName, (listener) => ({
        ...listener,
        ...(action.port === undefined ? {} : { port: action.port }),
        ...(action.address === undefined ? {} : { addresses: [...listener.addresses, action.address] }),
      }));
    case 'remove-listener':
      return removeListener(context, name, action.dnsName);
    case 'restart-listener':
      return changeListener(context, name, action.dnsName, (listener) => listener);
    case 'add-replica':
      return groups.addReplica(instanceName, name, replicaDefinition(action.replica));
    case 'remove-replica':
      return groups.removeReplica(instanceName, name, action.name);
    // Not simulated: refused by name, never accepted without effect.
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
};
