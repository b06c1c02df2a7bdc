/** Rows of the availability views: the model in the words and codes of the catalog. */
import type {
  AvailabilityGroup,
  AvailabilityReplica,
  DatabaseReplicaStateRow,
  ReplicaStateRow,
} from '../../world/model';
import type { SessionContext } from '../context';
import { dateTime, lsn } from '../values';

const roleCode = { RESOLVING: 0, PRIMARY: 1, SECONDARY: 2 } as const;
const availabilityModeCode = { ASYNCHRONOUS_COMMIT: 0, SYNCHRONOUS_COMMIT: 1 } as const;
const failoverModeCode = { AUTOMATIC: 0, MANUAL: 1, EXTERNAL: 2 } as const;
const seedingModeCode = { AUTOMATIC: 0, MANUAL: 1 } as const;
const clusterTypeCode = { WSFC: 0, NONE: 1, EXTERNAL: 2 } as const;
export const healthCode = { NOT_HEALTHY: 0, PARTIALLY_HEALTHY: 1, HEALTHY: 2 } as const;
const operationalCode = {
  PENDING_FAILOVER: 0,
  PENDING: 1,
  ONLINE: 2,
  OFFLINE: 3,
  FAILED: 4,
  FAILED_NO_QUORUM: 5,
} as const;
const synchronizationCode = {
  'NOT SYNCHRONIZING': 0,
  SYNCHRONIZING: 1,
  SYNCHRONIZED: 2,
  REVERTING: 3,
  INITIALIZING: 4,
} as const;
const databaseStateCode = {
  ONLINE: 0,
  RESTORING: 1,
  RECOVERING: 2,
  RECOVERY_PENDING: 3,
  SUSPECT: 4,
  EMERGENCY: 5,
  OFFLINE: 6,
} as const;
const secondaryConnectionsCode: Readonly<Record<string, number>> = { NO: 0, READ_ONLY: 1, ALL: 2 };
const primaryConnectionsCode: Readonly<Record<string, number>> = { ALL: 2, READ_WRITE: 3 };
const backupPreferenceCode: Readonly<Record<string, number>> = {
  PRIMARY: 0,
  SECONDARY_ONLY: 1,
  SECONDARY: 2,
  NONE: 3,
};
/** SUSPEND_FROM_... in the order of the documentation of sys.dm_hadr_database_replica_states. */
const suspendReasonCode: Readonly<Record<string, number>> = {
  SUSPEND_FROM_USER: 0,
  SUSPEND_FROM_PARTNER: 1,
  SUSPEND_FROM_REDO: 2,
  SUSPEND_FROM_APPLY: 3,
  SUSPEND_FROM_CAPTURE: 4,
  SUSPEND_FROM_RESTART: 5,
  SUSPEND_FROM_UNDO: 6,
  SUSPEND_FROM_REVALIDATION: 7,
  SUSPEND_FROM_XRF_UPDATE: 8,
};

export const groups = (context: SessionContext): readonly AvailabilityGroup[] => [
  ...context.instance.groups.values(),
];

export const groupRow = (context: SessionContext, group: AvailabilityGroup) => {
  const settings = context.state.settingsOf(group.name);
  // A distributed group shows NULL for what only cluster-managed groups have (documented for is_distributed = 1).
  const own = !group.distributed;
  return {
    group_id: group.groupId,
    name: group.name,
    resource_id: own ? group.groupId.toLowerCase() : null,
    resource_group_id: own && group.clusterType === 'WSFC' ? group.groupId.toLowerCase() : null,
    failure_condition_level: own ? settings.failureConditionLevel : null,
    health_check_timeout: own ? settings.healthCheckTimeout : null,
    automated_backup_preference: own ? (backupPreferenceCode[settings.backupPreference] ?? 2) : null,
    automated_backup_preference_desc: own ? settings.backupPreference : null,
    version: group.basic ? 513 : 512,
    basic_features: group.basic,
    dtc_support: own ? settings.dtcSupport : null,
    db_failover: own ? settings.dbFailover : null,
    is_distributed: group.distributed,
    cluster_type: clusterTypeCode[group.clusterType],
    cluster_type_desc: group.clusterType.toLowerCase(),
    required_synchronized_secondaries_to_commit: group.requiredSynchronizedSecondariesToCommit,
    sequence_number: 0n,
    is_contained: false,
  };
};

export const replicaRow = (group: AvailabilityGroup, replica: AvailabilityReplica) => ({
  replica_id: replica.replicaId,
  group_id: group.groupId,
  replica_metadata_id: replica.isLocal ? 65_536 : null,
  replica_server_name: replica.name,
  owner_sid: replica.isLocal ? Uint8Array.of(1) : null,
  endpoint_url: replica.endpointUrl,
  availability_mode: availabilityModeCode[replica.availabilityMode],
  availability_mode_desc: replica.availabilityMode,
  failover_mode: failoverModeCode[replica.failoverMode],
  failover_mode_desc: replica.failoverMode,
  session_timeout: replica.sessionTimeout,
  primary_role_allow_connections: primaryConnectionsCode[replica.primaryAllowConnections] ?? 2,
  primary_role_allow_connections_desc: replica.primaryAllowConnections,
  secondary_role_allow_connections: secondaryConnectionsCode[replica.secondaryAllowConnections] ?? 0,
  secondary_role_allow_connections_desc: replica.secondaryAllowConnections,
  create_date: dateTime(replica.createdAt),
  modify_date: dateTime(replica.modifiedAt),
  backup_priority: replica.backupPriority,
  seeding_mode: seedingModeCode[replica.seedingMode],
  seeding_mode_desc: replica.seedingMode,
});

export const replicaStateRow = (state: ReplicaStateRow) => ({
  replica_id: state.replicaId,
  group_id: state.groupId,
  is_local: state.isLocal,
  role: roleCode[state.role],
  role_desc: state.role,
  operational_state: state.operationalState === undefined ? null : operationalCode[state.operationalState],
  operational_state_desc: state.operationalState ?? null,
  connected_state: state.connectedState === 'CONNECTED' ? 1 : 0,
  connected_state_desc: state.connectedState,
  recovery_health: state.recoveryHealth === undefined ? null : state.recoveryHealth === 'ONLINE' ? 1 : 0,
  recovery_health_desc: state.recoveryHealth ?? null,
  synchronization_health: healthCode[state.synchronizationHealth],
  synchronization_health_desc: state.synchronizationHealth,
  last_connect_error_number: state.lastConnectErrorNumber ?? null,
  last_connect_error_description: state.lastConnectErrorDescription ?? null,
  last_connect_error_timestamp: dateTime(state.lastConnectErrorTimestamp),
  write_lease_remaining_ticks: null,
  current_configuration_commit_start_time_utc: null,
});

const kilobytes = (bytes: number | undefined): bigint | null =>
  bytes === undefined ? null : BigInt(Math.ceil(bytes / 1024));

export const databaseReplicaRow = (state: DatabaseReplicaStateRow) => ({
  database_id: state.databaseId,
  group_id: state.groupId,
  replica_id: state.replicaId,
  group_database_id: state.groupDatabaseId,
  is_local: state.isLocal,
  is_primary_replica: state.isPrimaryReplica,
  synchronization_state: synchronizationCode[state.synchronizationState],
  synchronization_state_desc: state.synchronizationState,
  is_commit_participant: state.isCommitParticipant,
  synchronization_health: healthCode[state.synchronizationHealth],
  synchronization_health_desc: state.synchronizationHealth,
  database_state: state.databaseState === undefined ? null : databaseStateCode[state.databaseState],
  database_state_desc: state.databaseState ?? null,
  is_suspended: state.isSuspended,
  suspend_reason: state.suspendReason === undefined ? null : (suspendReasonCode[state.suspendReason] ?? null),
  suspend_reason_desc: state.suspendReason ?? null,
  recovery_lsn: lsn(state.recoveryLsn),
  truncation_lsn: lsn(state.truncationLsn),
  last_sent_lsn: lsn(state.lastSentLsn),
  last_sent_time: dateTime(state.lastSentTime),
  last_received_lsn: lsn(state.lastReceivedLsn),
  last_received_time: dateTime(state.lastReceivedTime),
  last_hardened_lsn: lsn(state.lastHardenedLsn),
  last_hardened_time: dateTime(state.lastHardenedTime),
  last_redone_lsn: lsn(state.lastRedoneLsn),
  last_redone_time: dateTime(state.lastRedoneTime),
  log_send_queue_size: kilobytes(state.logSendQueueBytes),
  log_send_rate: kilobytes(state.logSendRate),
  redo_queue_size: kilobytes(state.redoQueueBytes),
  redo_rate: kilobytes(state.redoRate),
  filestream_send_rate: kilobytes(state.filestreamSendRate),
  end_of_log_lsn: lsn(state.endOfLogLsn),
  last_commit_lsn: lsn(state.lastCommitLsn),
  last_commit_time: dateTime(state.lastCommitTime),
  low_water_mark_for_ghosts: state.lowWaterMarkForGhosts ?? null,
  secondary_lag_seconds:
    state.secondaryLagSeconds === undefined ? null : BigInt(Math.round(state.secondaryLagSeconds)),
  quorum_commit_lsn: lsn(state.lastHardenedLsn),
  quorum_commit_time: dateTime(state.lastHardenedTime),
});
