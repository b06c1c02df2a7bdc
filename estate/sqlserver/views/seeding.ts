/** Automatic seeding and its streams. */
import type { SessionContext } from '../context';
import { big, dateTime } from '../values';
import { bigint, bit, datetime, defineView, guid, int, notNull, nvarchar } from './definition';

const permission = 'VIEW SERVER STATE';

export const seedingViews = [
  defineView('sys.dm_hadr_automatic_seeding', {
    permission,
    columns: {
      start_time: notNull(datetime),
      completion_time: datetime,
      ag_id: guid,
      ag_db_id: guid,
      ag_remote_replica_id: guid,
      operation_id: guid,
      is_source: bit,
      // The page gives "bit"; what it holds are words, as its own examples show.
      current_state: nvarchar(60),
      performed_seeding: bit,
      failure_state: int,
      failure_state_desc: nvarchar(60),
      error_code: int,
      number_of_attempts: int,
    },
    rows: (context) =>
      context.world.links.seedingOperations(context.instanceName).map((operation) => ({
        start_time: dateTime(operation.startedAt),
        completion_time: dateTime(operation.completedAt),
        ag_id: operation.groupId,
        ag_db_id: operation.groupDatabaseId,
        ag_remote_replica_id: operation.remoteReplicaId,
        operation_id: operation.operationId,
        is_source: operation.isSource,
        current_state: operation.state,
        performed_seeding: operation.performedSeeding,
        failure_state: operation.failureState ?? null,
        failure_state_desc: operation.failureStateDesc ?? null,
        error_code: operation.errorCode ?? null,
        number_of_attempts: operation.attempts,
      })),
  }),
  defineView('sys.dm_hadr_physical_seeding_stats', {
    permission,
    columns: {
      local_physical_seeding_id: notNull(guid),
      remote_physical_seeding_id: guid,
      local_database_id: int,
      local_database_name: nvarchar(128),
      remote_machine_name: nvarchar(128),
      role_desc: nvarchar(60),
      internal_state_desc: nvarchar(60),
      transfer_rate_bytes_per_second: bigint,
      // The reference page of the view spells it with one r; the troubleshooting page's query with two.
      transferred_size_bytes: bigint,
      database_size_bytes: bigint,
      start_time_utc: datetime,
      end_time_utc: datetime,
      estimate_time_complete_utc: datetime,
      total_disk_io_wait_time_ms: bigint,
      total_network_wait_time_ms: bigint,
      failure_code: int,
      failure_message: nvarchar(512),
      failure_time_utc: datetime,
      is_compression_enabled: bit,
    },
    rows: physicalRows,
  }),
];

function physicalRows(context: SessionContext) {
  return context.world.links.physicalSeeding(context.instanceName).map((stats) => ({
    local_physical_seeding_id: stats.localSeedingId,
    remote_physical_seeding_id: stats.remoteSeedingId,
    local_database_id: stats.localDatabaseId,
    local_database_name: stats.localDatabaseName,
    remote_machine_name: stats.remoteMachineName,
    role_desc: stats.role,
    internal_state_desc: stats.internalState,
    transfer_rate_bytes_per_second: big(stats.transferRate),
    transferred_size_bytes: big(stats.transferredBytes),
    database_size_bytes: big(stats.databaseBytes),
    start_time_utc: dateTime(stats.startedAt),
    end_time_utc: dateTime(stats.endedAt),
    estimate_time_complete_utc: dateTime(stats.estimatedCompletion),
    total_disk_io_wait_time_ms: big(stats.diskWaitMs),
    total_network_wait_time_ms: big(stats.networkWaitMs),
    failure_code: stats.failureCode,
    failure_message: stats.failureMessage ?? null,
    failure_time_utc: dateTime(stats.failureAt),
    is_compression_enabled: stats.compressed,
  }));
}
