/**
 * CREATE / ALTER / DROP AVAILABILITY GROUP, as the T-SQL reference for these statements gives them. Options that
 * a version does not know are syntax errors there (CLUSTER_TYPE on 2016, CONTAINED before 2022).
 */
import type { TokenCursor } from '../../sql/host';
import type {
  GroupAction,
  GroupOptions,
  ListenerClause,
  ReplicaClause,
  ReplicaOptions,
  Statement,
} from './ast';
import { type Dialect, integer, keywordAt, list, literal, name, nameOrLiteral, oneOf, onOff } from './reader';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const secondaryRole = (cursor: TokenCursor, options: Mutable<ReplicaOptions>): void => {
  cursor.expect('(');
  list(cursor, () => {
    if (cursor.accept('ALLOW_CONNECTIONS', '=')) {
      options.secondaryConnections = oneOf(cursor, 'NO', 'READ_ONLY', 'ALL');
      return;
    }
    cursor.expect('READ_ONLY_ROUTING_URL', '=');
    options.readOnlyRoutingUrl = cursor.accept('NONE') ? '' : literal(cursor);
  });
  cursor.expect(')');
};

const primaryRole = (cursor: TokenCursor, dialect: Dialect, options: Mutable<ReplicaOptions>): void => {
  cursor.expect('(');
  list(cursor, () => {
    if (cursor.accept('ALLOW_CONNECTIONS', '=')) {
      options.primaryConnections = oneOf(cursor, 'READ_WRITE', 'ALL');
      return;
    }
    if (dialect.major >= 15 && cursor.accept('READ_WRITE_ROUTING_URL', '=')) {
      options.readWriteRoutingUrl = cursor.accept('NONE') ? '' : literal(cursor);
      return;
    }
    cursor.expect('READ_ONLY_ROUTING_LIST', '=');
    options.readOnlyRoutingList = routingList(cursor);
  });
  cursor.expect(')');
};

const routingList = (cursor: TokenCursor): string[] => {
  if (cursor.accept('NONE')) return [];
  cursor.expect('(');
  const servers = list(cursor, () => {
    if (!cursor.accept('(')) return literal(cursor);
    const balanced = list(cursor, () => literal(cursor)).join(',');
    cursor.expect(')');
    return balanced;
  });
  cursor.expect(')');
  return servers;
};

const replicaOption = (cursor: TokenCursor, dialect: Dialect, options: Mutable<ReplicaOptions>): void => {
  if (cursor.accept('SECONDARY_ROLE')) {
    secondaryRole(cursor, options);
    return;
  }
  if (cursor.accept('PRIMARY_ROLE')) {
    primaryRole(cursor, dialect, options);
    return;
  }
  const option = oneOf(
    cursor,
    'ENDPOINT_URL',
    'AVAILABILITY_MODE',
    'FAILOVER_MODE',
    'SEEDING_MODE',
    'SESSION_TIMEOUT',
    'BACKUP_PRIORITY',
  );
  cursor.expect('=');
  switch (option) {
    case 'ENDPOINT_URL':
      options.endpointUrl = literal(cursor);
      return;
    case 'AVAILABILITY_MODE':
      options.availabilityMode =
        dialect.major >= 14
          ? oneOf(cursor, 'SYNCHRONOUS_COMMIT', 'ASYNCHRONOUS_COMMIT', 'CONFIGURATION_ONLY')
          : oneOf(cursor, 'SYNCHRONOUS_COMMIT', 'ASYNCHRONOUS_COMMIT');
      return;
    case 'FAILOVER_MODE':
      options.failoverMode =
        dialect.major >= 14
          ? oneOf(cursor, 'AUTOMATIC', 'MANUAL', 'EXTERNAL')
          : oneOf(cursor, 'AUTOMATIC', 'MANUAL');
      return;
    case 'SEEDING_MODE':
      options.seedingMode = oneOf(cursor, 'AUTOMATIC', 'MANUAL');
      return;
    case 'SESSION_TIMEOUT':
      options.sessionTimeout = integer(cursor);
      return;
    case 'BACKUP_PRIORITY':
      options.backupPriority = integer(cursor);
  }
};

const replicaClause = (cursor: TokenCursor, dialect: Dialect): ReplicaClause => {
  const replica = nameOrLiteral(cursor);
  const options: Mutable<ReplicaOptions> = {};
  cursor.expect('WITH', '(');
  list(cursor, () => replicaOption(cursor, dialect, options));
  cursor.expect(')');
  return { name: replica, options };
};

const memberGroupOption = (cursor: TokenCursor, options: Mutable<ReplicaOptions>): void => {
  const option = oneOf(
    cursor,
    'LISTENER_URL',
    'AVAILABILITY_MODE',
    'FAILOVER_MODE',
    'SEEDING_MODE',
    'SESSION_TIMEOUT',
  );
  cursor.expect('=');
  switch (option) {
    case 'LISTENER_URL':
      options.listenerUrl = literal(cursor);
      return;
    case 'AVAILABILITY_MODE':
      options.availabilityMode = oneOf(cursor, 'SYNCHRONOUS_COMMIT', 'ASYNCHRONOUS_COMMIT');
      return;
    case 'FAILOVER_MODE':
      // AUTOMATIC parses and is refused when it runs (35277).
      options.failoverMode = oneOf(cursor, 'MANUAL', 'AUTOMATIC');
      return;
    case 'SEEDING_MODE':
      options.seedingMode = oneOf(cursor, 'AUTOMATIC', 'MANUAL');
      return;
    case 'SESSION_TIMEOUT':
      options.sessionTimeout = integer(cursor);
  }
};

const memberGroups = (cursor: TokenCursor): ReplicaClause[] =>
  list(cursor, () => {
    const group = nameOrLiteral(cursor);
    const options: Mutable<ReplicaOptions> = {};
    cursor.expect('WITH', '(');
    list(cursor, () => memberGroupOption(cursor, options));
    cursor.expect(')');
    return { name: group, options };
  });

const clusterType = (cursor: TokenCursor): 'WSFC' | 'EXTERNAL' | 'NONE' =>
  oneOf(cursor, 'WSFC', 'EXTERNAL', 'NONE');

const groupOption = (cursor: TokenCursor, dialect: Dialect, options: Mutable<GroupOptions>): void => {
  if (cursor.accept('BASIC')) {
    options.basic = true;
    return;
  }
  if (dialect.major >= 16 && cursor.accept('CONTAINED')) {
    cursor.accept('REUSE_SYSTEM_DATABASES');
    options.contained = true;
    return;
  }
  if (dialect.major >= 14 && cursor.accept('CLUSTER_TYPE', '=')) {
    options.clusterType = clusterType(cursor);
    return;
  }
  if (dialect.major >= 14 && cursor.accept('REQUIRED_SYNCHRONIZED_SECONDARIES_TO_COMMIT', '=')) {
    options.requiredSynchronizedSecondaries = integer(cursor);
    return;
  }
  const option = oneOf(
    cursor,
    'AUTOMATED_BACKUP_PREFERENCE',
    'FAILURE_CONDITION_LEVEL',
    'HEALTH_CHECK_TIMEOUT',
    'DB_FAILOVER',
    'DTC_SUPPORT',
  );
  cursor.expect('=');
  switch (option) {
    case 'AUTOMATED_BACKUP_PREFERENCE':
      options.backupPreference = oneOf(cursor, 'PRIMARY', 'SECONDARY_ONLY', 'SECONDARY', 'NONE');
      return;
    case 'FAILURE_CONDITION_LEVEL':
      options.failureConditionLevel = integer(cursor);
      return;
    case 'HEALTH_CHECK_TIMEOUT':
      options.healthCheckTimeout = integer(cursor);
      return;
    case 'DB_FAILOVER':
      options.dbFailover = onOff(cursor);
      return;
    case 'DTC_SUPPORT':
      options.dtcSupport = oneOf(cursor, 'PER_DB', 'NONE');
  }
};

const listenerClause = (cursor: TokenCursor): ListenerClause => {
  const dnsName = literal(cursor);
  cursor.expect('(', 'WITH');
  if (cursor.accept('DHCP')) {
    if (cursor.accept('ON')) {
      cursor.expect('(');
      literal(cursor);
      cursor.expect(',');
      literal(cursor);
      cursor.expect(')');
    }
    const port = cursor.accept(',', 'PORT', '=') ? integer(cursor) : 1433;
    cursor.expect(')');
    return { dnsName, port, addresses: [], dhcp: true };
  }
  cursor.expect('IP', '(');
  const addresses = list(cursor, () => listenerAddress(cursor));
  cursor.expect(')');
  const port = cursor.accept(',', 'PORT', '=') ? integer(cursor) : 1433;
  cursor.expect(')');
  return { dnsName, port, addresses };
};

const listenerAddress = (cursor: TokenCursor): { ip: string; mask?: string } => {
  cursor.expect('(');
  const ip = literal(cursor);
  const mask = cursor.accept(',') ? literal(cursor) : undefined;
  cursor.expect(')');
  return mask === undefined ? { ip } : { ip, mask };
};

/** After CREATE AVAILABILITY GROUP. */
export const createAvailabilityGroup = (cursor: TokenCursor, dialect: Dialect, line: number): Statement => {
  const group = name(cursor);
  const options: Mutable<GroupOptions> = {};
  if (cursor.accept('WITH')) {
    cursor.expect('(');
    if (cursor.accept('DISTRIBUTED')) {
      cursor.expect(')', 'AVAILABILITY', 'GROUP', 'ON');
      return {
        kind: 'create-distributed-availability-group',
        name: group,
        groups: memberGroups(cursor),
        line,
      };
    }
    list(cursor, () => groupOption(cursor, dialect, options));
    cursor.expect(')');
  }
  cursor.expect('FOR');
  const databases = cursor.accept('DATABASE') ? list(cursor, () => name(cursor)) : [];
  cursor.expect('REPLICA', 'ON');
  const replicas = list(cursor, () => replicaClause(cursor, dialect));
  const listener = cursor.accept('LISTENER') ? listenerClause(cursor) : undefined;
  return {
    kind: 'create-availability-group',
    name: group,
    options,
    databases,
    replicas,
    ...(listener === undefined ? {} : { listener }),
    line,
  };
};

const setAction = (cursor: TokenCursor, dialect: Dialect): GroupAction => {
  cursor.expect('(');
  if (cursor.accept('ROLE', '=')) {
    cursor.expect('SECONDARY', ')');
    return { kind: 'set-role-secondary' };
  }
  const options: Mutable<GroupOptions> = {};
  list(cursor, () => groupOption(cursor, dialect, options));
  cursor.expect(')');
  return { kind: 'set-options', options };
};

const addAction = (cursor: TokenCursor, dialect: Dialect): GroupAction => {
  switch (oneOf(cursor, 'DATABASE', 'REPLICA', 'LISTENER')) {
    case 'DATABASE':
      return { kind: 'add-databases', databases: list(cursor, () => name(cursor)) };
    case 'REPLICA':
      cursor.expect('ON');
      return { kind: 'add-replica', replica: replicaClause(cursor, dialect) };
    case 'LISTENER':
      return { kind: 'add-listener', listener: listenerClause(cursor) };
  }
};

const removeAction = (cursor: TokenCursor): GroupAction => {
  switch (oneOf(cursor, 'DATABASE', 'REPLICA', 'LISTENER')) {
    case 'DATABASE':
      return { kind: 'remove-databases', databases: list(cursor, () => name(cursor)) };
    case 'REPLICA':
      cursor.expect('ON');
      return { kind: 'remove-replica', name: nameOrLiteral(cursor) };
    case 'LISTENER':
      return { kind: 'remove-listener', dnsName: literal(cursor) };
  }
};

const modifyAction = (cursor: TokenCursor, dialect: Dialect): GroupAction => {
  switch (oneOf(cursor, 'REPLICA', 'AVAILABILITY', 'LISTENER')) {
    case 'REPLICA':
      cursor.expect('ON');
      return { kind: 'modify-replica', replica: replicaClause(cursor, dialect) };
    case 'AVAILABILITY':
      cursor.expect('GROUP', 'ON');
      return { kind: 'modify-groups', groups: memberGroups(cursor) };
    case 'LISTENER': {
      const dnsName = literal(cursor);
      cursor.expect('(');
      if (cursor.accept('ADD', 'IP')) {
        const address = listenerAddress(cursor);
        cursor.expect(')');
        return { kind: 'modify-listener', dnsName, address };
      }
      cursor.expect('PORT', '=');
      const port = integer(cursor);
      cursor.expect(')');
      return { kind: 'modify-listener', dnsName, port };
    }
  }
};

const joinAction = (cursor: TokenCursor, dialect: Dialect): GroupAction => {
  if (cursor.accept('AVAILABILITY', 'GROUP', 'ON')) {
    return { kind: 'join-distributed', groups: memberGroups(cursor) };
  }
  if (
    dialect.major >= 14 &&
    keywordAt(cursor) === 'WITH' &&
    cursor.accept('WITH', '(', 'CLUSTER_TYPE', '=')
  ) {
    const type = clusterType(cursor);
    cursor.expect(')');
    return { kind: 'join', clusterType: type };
  }
  return { kind: 'join' };
};

const alterAction = (cursor: TokenCursor, dialect: Dialect): GroupAction => {
  const word = oneOf(
    cursor,
    'SET',
    'ADD',
    'REMOVE',
    'MODIFY',
    'JOIN',
    'FAILOVER',
    'FORCE_FAILOVER_ALLOW_DATA_LOSS',
    'OFFLINE',
    'GRANT',
    'DENY',
    'RESTART',
  );
  switch (word) {
    case 'SET':
      return setAction(cursor, dialect);
    case 'ADD':
      return addAction(cursor, dialect);
    case 'REMOVE':
      return removeAction(cursor);
    case 'MODIFY':
      return modifyAction(cursor, dialect);
    case 'JOIN':
      return joinAction(cursor, dialect);
    case 'FAILOVER':
      return { kind: 'failover' };
    case 'FORCE_FAILOVER_ALLOW_DATA_LOSS':
      return { kind: 'force-failover' };
    case 'OFFLINE':
      return { kind: 'offline' };
    case 'GRANT':
    case 'DENY':
      cursor.expect('CREATE', 'ANY', 'DATABASE');
      return { kind: 'create-any-database', granted: word === 'GRANT' };
    case 'RESTART':
      cursor.expect('LISTENER');
      return { kind: 'restart-listener', dnsName: literal(cursor) };
  }
};

/** After ALTER AVAILABILITY GROUP. */
export const alterAvailabilityGroup = (cursor: TokenCursor, dialect: Dialect, line: number): Statement => {
  const group = name(cursor);
  return { kind: 'alter-availability-group', name: group, action: alterAction(cursor, dialect), line };
};

/** After DROP AVAILABILITY GROUP. */
export const dropAvailabilityGroup = (cursor: TokenCursor, line: number): Statement => ({
  kind: 'drop-availability-group',
  name: name(cursor),
  line,
});
