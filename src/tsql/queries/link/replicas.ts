import type { DistributedReplicaFacts } from '../../../model/sql-server/observation';
import type { Query } from '../../../model/statement';
import { query } from '../../query';
import {
  type DriverRow,
  readBoolean,
  readInteger,
  readNullableInteger,
  readNullableLsn,
  readNullableText,
  readText,
  readUtcTime,
} from '../../rows';

export type LinkReplicaRow = Omit<DistributedReplicaFacts, 'observedAt' | 'seeding'>;

const LINK_REPLICAS = `
SELECT
    CONVERT(varchar(33), SYSUTCDATETIME(), 126) AS server_time,
    dag.name AS group_name,
    db.name AS database_name,
    here.role_desc AS local_role_desc,
    there.connected_state_desc,
    there.last_connect_error_number,
    there.last_connect_error_description,
    remote.synchronization_state_desc,
    remote.synchronization_health_desc,
    far.availability_mode_desc,
    CONVERT(varchar(40), COALESCE(own.end_of_log_lsn, local.end_of_log_lsn)) AS end_of_log_lsn,
    CONVERT(varchar(40), remote.last_hardened_lsn) AS remote_hardened_lsn,
    remote.log_send_queue_size,
    remote.log_send_rate,
    remote.redo_queue_size,
    remote.redo_rate,
    remote.secondary_lag_seconds,
    CASE WHEN remote.is_suspended = 1 OR own.is_suspended = 1 OR local.is_suspended = 1 THEN 1 ELSE 0 END AS is_suspended,
    COALESCE(remote.suspend_reason_desc, own.suspend_reason_desc, local.suspend_reason_desc) AS suspend_reason_desc,
    db.log_reuse_wait_desc,
    COALESCE(size.cntr_value, 0) AS log_size_kb,
    COALESCE(used.cntr_value, 0) AS log_used_kb
FROM sys.availability_groups AS dag
JOIN sys.availability_replicas AS near ON near.group_id = dag.group_id
JOIN sys.availability_groups AS ag ON ag.name = near.replica_server_name AND ag.is_distributed = 0
JOIN sys.availability_replicas AS ar ON ar.group_id = ag.group_id
JOIN sys.databases AS db ON db.replica_id = ar.replica_id
LEFT JOIN sys.availability_replicas AS far ON far.group_id = dag.group_id AND far.replica_id <> near.replica_id
LEFT JOIN sys.dm_hadr_availability_replica_states AS here ON here.group_id = dag.group_id AND here.is_local = 1
LEFT JOIN sys.dm_hadr_availability_replica_states AS there ON there.group_id = dag.group_id AND there.is_local = 0
LEFT JOIN sys.dm_hadr_database_replica_states AS own
    ON own.group_id = dag.group_id AND own.is_local = 1 AND own.database_id = db.database_id
LEFT JOIN sys.dm_hadr_database_replica_states AS local
    ON local.group_id = ag.group_id AND local.is_local = 1 AND local.database_id = db.database_id
LEFT JOIN sys.dm_hadr_database_replica_states AS remote
    ON remote.group_id = dag.group_id AND remote.is_local = 0 AND remote.database_id = db.database_id
LEFT JOIN sys.dm_os_performance_counters AS size
    ON size.instance_name = db.name AND size.counter_name = N'Log File(s) Size (KB)'
LEFT JOIN sys.dm_os_performance_counters AS used
    ON used.instance_name = db.name AND used.counter_name = N'Log File(s) Used Size (KB)'
WHERE dag.is_distributed = 1
ORDER BY dag.name, db.name;
`;

const linkReplica = (row: DriverRow): LinkReplicaRow => ({
  serverTime: readUtcTime(row, 'server_time'),
  groupName: readText(row, 'group_name'),
  database: readText(row, 'database_name'),
  localRoleDesc: readNullableText(row, 'local_role_desc') ?? 'RESOLVING',
  connectedStateDesc: readNullableText(row, 'connected_state_desc'),
  lastConnectErrorNumber: readNullableInteger(row, 'last_connect_error_number'),
  lastConnectErrorDescription: readNullableText(row, 'last_connect_error_description'),
  synchronizationStateDesc: readNullableText(row, 'synchronization_state_desc'),
  synchronizationHealthDesc: readNullableText(row, 'synchronization_health_desc'),
  availabilityModeDesc: readNullableText(row, 'availability_mode_desc'),
  endOfLogLsn: readNullableLsn(row, 'end_of_log_lsn'),
  remoteHardenedLsn: readNullableLsn(row, 'remote_hardened_lsn'),
  logSendQueueKb: readNullableInteger(row, 'log_send_queue_size'),
  logSendRateKbPerSecond: readNullableInteger(row, 'log_send_rate'),
  redoQueueKb: readNullableInteger(row, 'redo_queue_size'),
  redoRateKbPerSecond: readNullableInteger(row, 'redo_rate'),
  secondaryLagSeconds: readNullableInteger(row, 'secondary_lag_seconds'),
  isSuspended: readBoolean(row, 'is_suspended'),
  suspendReasonDesc: readNullableText(row, 'suspend_reason_desc'),
  logReuseWaitDesc: readText(row, 'log_reuse_wait_desc'),
  logSizeBytes: readInteger(row, 'log_size_kb') * 1024,
  logUsedBytes: readInteger(row, 'log_used_kb') * 1024,
});

/**
 * All links of an instance at once, one row per distributed group and database, seen from the SQL Server: the number
 * of queries per poll does not grow with the number of links.
 *
 * The database is found through the local availability group (the member whose name is a group here), because the
 * distributed group has no database rows before it is connected. The remote rows hold what this server has heard of
 * the other side. The end of the log is taken from the distributed group's own row, else from the local group's.
 * Log space comes from the counters, which cover all databases (sys.dm_db_log_space_usage covers one).
 */
export const readLinkReplicas = (): Query<LinkReplicaRow> =>
  query('read-link-replicas', LINK_REPLICAS, linkReplica);
