import type { AvailabilityGroup } from '../../world/model';
import type { SessionContext } from '../context';
import { lsn } from '../values';
import {
  databaseReplicaRow,
  groupRow,
  groups,
  healthCode,
  replicaRow,
  replicaStateRow,
} from './availability-rows';
import {
  bigint,
  bit,
  datetime,
  defineView,
  guid,
  int,
  lsnColumn,
  notNull,
  nvarchar,
  since,
  smallint,
  sysname,
  tinyint,
  varbinary,
} from './definition';

const groupColumns = {
  group_id: notNull(guid),
  name: sysname,
  resource_id: nvarchar(40),
  resource_group_id: nvarchar(40),
  failure_condition_level: int,
  health_check_timeout: int,
  automated_backup_preference: tinyint,
  automated_backup_preference_desc: nvarchar(60),
  version: smallint,
  basic_features: bit,
  dtc_support: bit,
  db_failover: bit,
  is_distributed: bit,
  cluster_type: since(14, tinyint),
  cluster_type_desc: since(14, nvarchar(60)),
  required_synchronized_secondaries_to_commit: since(14, int),
  sequence_number: since(14, bigint),
  is_contained: since(16, bit),
} as const;

const replicaColumns = {
  replica_id: guid,
  group_id: guid,
  replica_metadata_id: int,
  replica_server_name: nvarchar(256),
  owner_sid: varbinary(85),
  endpoint_url: nvarchar(128),
  availability_mode: tinyint,
  availability_mode_desc: nvarchar(60),
  failover_mode: tinyint,
  failover_mode_desc: nvarchar(60),
  session_timeout: int,
  primary_role_allow_connections: tinyint,
  primary_role_allow_connections_desc: nvarchar(60),
  secondary_role_allow_connections: tinyint,
  secondary_role_allow_connections_desc: nvarchar(60),
  create_date: datetime,
  modify_date: datetime,
  backup_priority: int,
  read_only_routing_url: nvarchar(256),
  seeding_mode: tinyint,
  seeding_mode_desc: nvarchar(60),
  read_write_routing_url: since(15, nvarchar(256)),
} as const;

const performance = 'VIEW SERVER STATE';

export const availabilityViews = [
  defineView('sys.availability_groups', {
    columns: groupColumns,
    rows: (context) => groups(context).map((group) => groupRow(context, group)),
  }),
  defineView('sys.availability_groups_cluster', {
    columns: {
      group_id: notNull(guid),
      name: sysname,
      resource_id: nvarchar(40),
      resource_group_id: nvarchar(40),
      failure_condition_level: int,
      health_check_timeout: int,
      automated_backup_preference: tinyint,
      automated_backup_preference_desc: nvarchar(60),
    },
    rows: (context) =>
      groups(context)
        .filter((group) => !group.distributed)
        .map((group) => groupRow(context, group)),
  }),
  defineView('sys.availability_replicas', {
    columns: replicaColumns,
    rows: (context) =>
      groups(context).flatMap((group) => group.replicas.map((replica) => replicaRow(group, replica))),
  }),
  defineView('sys.availability_databases_cluster', {
    columns: { group_id: guid, group_database_id: guid, database_name: sysname, truncation_lsn: lsnColumn },
    rows: (context) =>
      groups(context).flatMap((group) =>
        group.databases.map((name) => ({
          group_id: group.groupId,
          group_database_id:
            context.world.databases.find(context.instanceName, name)?.groupDatabaseId ?? null,
          database_name: name,
        })),
      ),
  }),
  defineView('sys.availability_group_listeners', {
    columns: {
      group_id: guid,
      listener_id: nvarchar(36),
      dns_name: nvarchar(63),
      port: int,
      is_conformant: bit,
      ip_configuration_string_from_cluster: nvarchar('max'),
      is_distributed_network_name: since(15, bit),
    },
    rows: (context) =>
      groups(context).flatMap((group) =>
        group.listeners.map((listener) => ({
          group_id: group.groupId,
          listener_id: listener.listenerId.toLowerCase(),
          dns_name: listener.dnsName,
          port: listener.port,
          is_conformant: true,
          ip_configuration_string_from_cluster: listener.addresses
            .map((address) => `('IP Address: ${address.ip}')`)
            .join(' or '),
          is_distributed_network_name: false,
        })),
      ),
  }),
  defineView('sys.availability_group_listener_ip_addresses', {
    columns: {
      listener_id: nvarchar(36),
      ip_address: nvarchar(48),
      ip_subnet_mask: nvarchar(15),
      is_dhcp: bit,
      state: tinyint,
      state_desc: nvarchar(60),
    },
    rows: (context) =>
      groups(context).flatMap((group) =>
        group.listeners.flatMap((listener) =>
          listener.addresses.map((address) => ({
            listener_id: listener.listenerId.toLowerCase(),
            ip_address: address.ip,
            ip_subnet_mask: address.mask ?? null,
            is_dhcp: listener.dhcp === true,
            state: 1,
            state_desc: 'ONLINE',
          })),
        ),
      ),
  }),
  defineView('sys.dm_hadr_availability_replica_states', {
    permission: performance,
    columns: {
      replica_id: guid,
      group_id: guid,
      is_local: bit,
      role: tinyint,
      role_desc: nvarchar(60),
      operational_state: tinyint,
      operational_state_desc: nvarchar(60),
      connected_state: tinyint,
      connected_state_desc: nvarchar(60),
      recovery_health: tinyint,
      recovery_health_desc: nvarchar(60),
      synchronization_health: tinyint,
      synchronization_health_desc: nvarchar(60),
      last_connect_error_number: int,
      last_connect_error_description: nvarchar(1024),
      last_connect_error_timestamp: datetime,
      write_lease_remaining_ticks: since(14, bigint),
      current_configuration_commit_start_time_utc: since(14, datetime),
    },
    rows: (context) => context.world.groups.replicaStates(context.instanceName).map(replicaStateRow),
  }),
  defineView('sys.dm_hadr_availability_replica_cluster_states', {
    permission: performance,
    columns: {
      replica_id: guid,
      replica_server_name: nvarchar(256),
      group_id: guid,
      join_state: tinyint,
      join_state_desc: nvarchar(60),
    },
    rows: (context) =>
      groups(context).flatMap((group) =>
        group.replicas.map((replica) => {
          const isJoined = hasJoined(context, group, replica.name);
          return {
            replica_id: replica.replicaId,
            replica_server_name: replica.name,
            group_id: group.groupId,
            join_state: isJoined ? 1 : 0,
            join_state_desc: isJoined ? 'JOINED_STANDALONE_INSTANCE' : 'NOT_JOINED',
          };
        }),
      ),
  }),
  defineView('sys.dm_hadr_availability_replica_cluster_nodes', {
    permission: performance,
    columns: { group_name: nvarchar(256), replica_server_name: nvarchar(256), node_name: nvarchar(256) },
    rows: (context) =>
      groups(context)
        .filter((group) => !group.distributed && group.clusterType === 'WSFC')
        .flatMap((group) =>
          group.replicas.map((replica) => ({
            group_name: group.name,
            replica_server_name: replica.name,
            node_name: replica.name.split('\\')[0] ?? replica.name,
          })),
        ),
  }),
  defineView('sys.dm_hadr_availability_group_states', {
    permission: performance,
    columns: {
      group_id: guid,
      primary_replica: nvarchar(256),
      primary_recovery_health: tinyint,
      primary_recovery_health_desc: nvarchar(60),
      secondary_recovery_health: tinyint,
      secondary_recovery_health_desc: nvarchar(60),
      synchronization_health: tinyint,
      synchronization_health_desc: nvarchar(60),
    },
    rows: groupStateRows,
  }),
  defineView('sys.dm_hadr_database_replica_states', {
    permission: performance,
    columns: {
      database_id: notNull(int),
      group_id: notNull(guid),
      replica_id: notNull(guid),
      group_database_id: notNull(guid),
      is_local: bit,
      is_primary_replica: bit,
      synchronization_state: tinyint,
      synchronization_state_desc: nvarchar(60),
      is_commit_participant: bit,
      synchronization_health: tinyint,
      synchronization_health_desc: nvarchar(60),
      database_state: tinyint,
      database_state_desc: nvarchar(60),
      is_suspended: bit,
      suspend_reason: tinyint,
      suspend_reason_desc: nvarchar(60),
      recovery_lsn: lsnColumn,
      truncation_lsn: lsnColumn,
      last_sent_lsn: lsnColumn,
      last_sent_time: datetime,
      last_received_lsn: lsnColumn,
      last_received_time: datetime,
      last_hardened_lsn: lsnColumn,
      last_hardened_time: datetime,
      last_redone_lsn: lsnColumn,
      last_redone_time: datetime,
      log_send_queue_size: bigint,
      log_send_rate: bigint,
      redo_queue_size: bigint,
      redo_rate: bigint,
      filestream_send_rate: bigint,
      end_of_log_lsn: lsnColumn,
      last_commit_lsn: lsnColumn,
      last_commit_time: datetime,
      low_water_mark_for_ghosts: bigint,
      secondary_lag_seconds: bigint,
      quorum_commit_lsn: since(15, lsnColumn),
      quorum_commit_time: since(15, datetime),
    },
    rows: (context) =>
      context.world.groups.databaseReplicaStates(context.instanceName).map(databaseReplicaRow),
  }),
  defineView('sys.dm_hadr_database_replica_cluster_states', {
    permission: performance,
    columns: {
      replica_id: guid,
      group_database_id: guid,
      database_name: sysname,
      is_failover_ready: bit,
      is_pending_secondary_suspend: bit,
      is_database_joined: bit,
      recovery_lsn: lsnColumn,
      truncation_lsn: lsnColumn,
    },
    rows: (context) =>
      context.world.groups.databaseReplicaStates(context.instanceName).map((state) => ({
        replica_id: state.replicaId,
        group_database_id: state.groupDatabaseId,
        database_name: state.databaseName,
        is_failover_ready: state.synchronizationState === 'SYNCHRONIZED',
        is_pending_secondary_suspend: false,
        is_database_joined: state.synchronizationState !== 'NOT SYNCHRONIZING',
        recovery_lsn: lsn(state.recoveryLsn),
        truncation_lsn: lsn(state.truncationLsn),
      })),
  }),
  defineView('sys.dm_hadr_cluster', {
    permission: performance,
    columns: {
      cluster_name: nvarchar(128),
      quorum_type: tinyint,
      quorum_type_desc: nvarchar(60),
      quorum_state: tinyint,
      quorum_state_desc: nvarchar(60),
    },
    rows: (context) => {
      const { instance } = context;
      if (!instance.hadrEnabled) return [];
      const clustered = instance.clustered;
      return [
        {
          cluster_name: clustered ? `${instance.name}-cluster` : '',
          quorum_type: clustered ? 1 : 2,
          quorum_type_desc: clustered ? 'NODE_AND_FILE_SHARE_MAJORITY' : 'UNKNOWN_QUORUM',
          quorum_state: clustered ? 1 : 0,
          quorum_state_desc: clustered ? 'NORMAL_QUORUM' : 'UNKNOWN_QUORUM_STATE',
        },
      ];
    },
  }),
  defineView('sys.dm_hadr_cluster_members', {
    permission: performance,
    columns: {
      member_name: nvarchar(128),
      member_type: tinyint,
      member_type_desc: nvarchar(50),
      member_state: tinyint,
      member_state_desc: nvarchar(60),
      number_of_quorum_votes: tinyint,
    },
    rows: (context) =>
      context.instance.clustered
        ? [
            {
              member_name: context.instance.name,
              member_type: 0,
              member_type_desc: 'CLUSTER_NODE',
              member_state: 1,
              member_state_desc: 'UP',
              number_of_quorum_votes: 1,
            },
          ]
        : [],
  }),
  defineView('sys.dm_hadr_name_id_map', {
    permission: performance,
    columns: {
      ag_name: nvarchar(256),
      ag_id: guid,
      ag_resource_id: nvarchar(256),
      ag_group_id: nvarchar(256),
    },
    rows: (context) =>
      groups(context).map((group) => ({
        ag_name: group.name,
        ag_id: group.groupId,
        ag_resource_id: group.groupId.toLowerCase(),
        ag_group_id: group.groupId.toLowerCase(),
      })),
  }),
];

/** Members of a distributed group are groups, not servers. */
const hasJoined = (context: SessionContext, group: AvailabilityGroup, server: string): boolean =>
  group.distributed ||
  context.world.instances
    .all()
    .some(
      ({ serverName, groups: known }) =>
        serverName.toLowerCase() === server.toLowerCase() &&
        known.get(group.name.toLowerCase())?.groupId === group.groupId,
    );

/** A secondary of a local group knows the name of its primary, though not its state. */
const leaderOf = (context: SessionContext, group: AvailabilityGroup): string | undefined =>
  group.distributed
    ? undefined
    : context.world.instances.all().find(({ groups: known }) => {
        const there = known.get(group.name.toLowerCase());
        return there?.groupId === group.groupId && there.role === 'PRIMARY';
      })?.serverName;

function groupStateRows(context: SessionContext) {
  const states = context.world.groups.replicaStates(context.instanceName);
  return groups(context).map((group) => {
    const own = states.filter((state) => state.groupId === group.groupId);
    const primary = own.find((state) => state.role === 'PRIMARY')?.replicaName ?? leaderOf(context, group);
    const worst = Math.min(...own.map((state) => healthCode[state.synchronizationHealth]), 2);
    const description = (['NOT_HEALTHY', 'PARTIALLY_HEALTHY', 'HEALTHY'] as const)[worst] ?? 'NOT_HEALTHY';
    const isPrimary = group.role === 'PRIMARY';
    return {
      group_id: group.groupId,
      primary_replica: primary ?? '',
      primary_recovery_health: isPrimary ? 1 : null,
      primary_recovery_health_desc: isPrimary ? 'ONLINE' : null,
      secondary_recovery_health: isPrimary ? null : 1,
      secondary_recovery_health_desc: isPrimary ? null : 'ONLINE',
      synchronization_health: worst,
      synchronization_health_desc: description,
    };
  });
}
