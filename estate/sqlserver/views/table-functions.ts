/** Dynamic management functions: views with arguments. */
import { SqlErrors } from '../../sql/errors';
import type { ObjectName, RowSource, TypedValue } from '../../sql/host';
import { isSystemDatabase, type SessionContext } from '../context';
import { serverError } from '../messages/raise';
import { asNumber, big, dateTime } from '../values';
import {
  bigint,
  bit,
  datetime,
  defineView,
  float,
  int,
  notNull,
  nvarchar,
  rowSource,
  smallint,
  tinyint,
  type ViewDefinition,
} from './definition';
import { filesOf } from './files';
import { spidOfHandle } from './sessions';

type Factory = (context: SessionContext, args: readonly TypedValue[]) => ViewDefinition;

const databaseArgument = (context: SessionContext, args: readonly TypedValue[]): string | undefined => {
  const id = asNumber(args[0]?.value);
  return id === null ? context.database : context.databaseName(id);
};

const requireState = (context: SessionContext): void => {
  if (context.may('VIEW SERVER STATE') || context.may('VIEW SERVER PERFORMANCE STATE')) return;
  throw new SqlErrors([serverError(300, ['VIEW SERVER STATE', 'server', 'master']), serverError(297)]);
};

const logStats: Factory = (context, args) =>
  defineView('sys.dm_db_log_stats', {
    columns: {
      database_id: int,
      recovery_model: nvarchar(60),
      log_min_lsn: nvarchar(24),
      log_end_lsn: nvarchar(24),
      current_vlf_sequence_number: bigint,
      current_vlf_size_mb: float,
      total_vlf_count: bigint,
      total_log_size_mb: float,
      active_vlf_count: bigint,
      active_log_size_mb: float,
      log_truncation_holdup_reason: nvarchar(60),
      log_backup_time: datetime,
      log_since_last_log_backup_mb: float,
      log_since_last_checkpoint_mb: float,
      recovery_vlf_count: bigint,
    },
    rows: () => {
      const name = databaseArgument(context, args);
      if (name === undefined || isSystemDatabase(name)) return [];
      const database = context.userDatabase(name);
      const log = context.world.databases.log(context.instanceName, name);
      const megabyte = 1_048_576;
      const lastBackup = context.instance.backups
        .filter((backup) => backup.type === 'L' && backup.databaseName.toLowerCase() === name.toLowerCase())
        .at(-1);
      const active = Math.max(1, Math.ceil((log.vlfCount * log.usedPercent) / 100));
      return [
        {
          database_id: database.databaseId,
          recovery_model: database.options.recoveryModel,
          log_min_lsn: formatLsn(log.firstLsn),
          log_end_lsn: formatLsn(log.endOfLogLsn),
          current_vlf_sequence_number: log.endOfLogLsn / 1_000_000_000_000_000n,
          current_vlf_size_mb: log.sizeBytes / Math.max(1, log.vlfCount) / megabyte,
          total_vlf_count: BigInt(log.vlfCount),
          total_log_size_mb: log.sizeBytes / megabyte,
          active_vlf_count: BigInt(active),
          active_log_size_mb: log.usedBytes / megabyte,
          log_truncation_holdup_reason: log.reuseWait,
          log_backup_time: dateTime(lastBackup?.finishedAt),
          log_since_last_log_backup_mb: log.bytesSinceLastBackup / megabyte,
          log_since_last_checkpoint_mb: 0,
          recovery_vlf_count: 1n,
        },
      ];
    },
  });

/** `vlf:block:slot` in hexadecimal, as the log functions show LSNs. */
const formatLsn = (lsn: bigint): string => {
  const slot = lsn % 100_000n;
  const block = (lsn / 100_000n) % 10_000_000_000n;
  const file = lsn / 1_000_000_000_000_000n;
  const hex = (value: bigint, width: number): string => value.toString(16).padStart(width, '0');
  return `${hex(file, 8)}:${hex(block, 8)}:${hex(slot, 4)}`;
};

/** Virtual log files of a database, evenly sized; the active ones hold the used part. */
export const virtualLogFiles = (context: SessionContext, name: string) => {
  const log = context.world.databases.log(context.instanceName, name);
  const count = Math.max(1, log.vlfCount);
  const active = Math.max(1, Math.ceil((count * log.usedPercent) / 100));
  const first = Number(log.firstLsn / 1_000_000_000_000_000n);
  return Array.from({ length: count }, (_unused, index) => ({
    fileId: 2,
    sizeBytes: log.sizeBytes / count,
    offset: 8192 + Math.round((log.sizeBytes / count) * index),
    sequence: index < active ? first + index : 0,
    active: index < active,
  }));
};

const logInfo: Factory = (context, args) =>
  defineView('sys.dm_db_log_info', {
    columns: {
      database_id: notNull(int),
      file_id: notNull(smallint),
      vlf_begin_offset: notNull(bigint),
      vlf_size_mb: notNull(float),
      vlf_sequence_number: notNull(bigint),
      vlf_active: notNull(bit),
      vlf_status: notNull(int),
      vlf_parity: notNull(tinyint),
      vlf_first_lsn: nvarchar(24),
    },
    rows: () => {
      const name = databaseArgument(context, args);
      if (name === undefined || isSystemDatabase(name)) return [];
      const { databaseId } = context.userDatabase(name);
      return virtualLogFiles(context, name).map((vlf) => ({
        database_id: databaseId,
        file_id: vlf.fileId,
        vlf_begin_offset: big(vlf.offset),
        vlf_size_mb: vlf.sizeBytes / 1_048_576,
        vlf_sequence_number: BigInt(vlf.sequence),
        vlf_active: vlf.active,
        vlf_status: vlf.active ? 2 : 0,
        vlf_parity: 64,
        vlf_first_lsn: null,
      }));
    },
  });

const fileStats: Factory = (context, args) =>
  defineView('sys.dm_io_virtual_file_stats', {
    columns: {
      database_id: notNull(smallint),
      file_id: notNull(smallint),
      sample_ms: notNull(bigint),
      num_of_reads: notNull(bigint),
      num_of_bytes_read: notNull(bigint),
      io_stall_read_ms: notNull(bigint),
      num_of_writes: notNull(bigint),
      num_of_bytes_written: notNull(bigint),
      io_stall_write_ms: notNull(bigint),
      io_stall: notNull(bigint),
      size_on_disk_bytes: notNull(bigint),
    },
    rows: () => {
      const id = asNumber(args[0]?.value);
      const names =
        id === null ? context.userDatabases().map((database) => database.name) : [context.databaseName(id)];
      return names.flatMap((name) =>
        name === undefined
          ? []
          : filesOf(context, name).map((file) => ({
              database_id: file.databaseId,
              file_id: file.fileId,
              sample_ms: BigInt(Math.round(context.now() - context.instance.startedAt)),
              num_of_reads: 0n,
              num_of_bytes_read: 0n,
              io_stall_read_ms: 0n,
              num_of_writes: 0n,
              num_of_bytes_written: 0n,
              io_stall_write_ms: 0n,
              io_stall: 0n,
              size_on_disk_bytes: big(file.sizeBytes),
            })),
      );
    },
  });

const sqlText: Factory = (context, args) =>
  defineView('sys.dm_exec_sql_text', {
    columns: {
      dbid: smallint,
      objectid: int,
      number: smallint,
      encrypted: notNull(bit),
      text: nvarchar('max'),
    },
    rows: () => {
      const handle = args[0]?.value;
      const spid = handle instanceof Uint8Array ? spidOfHandle(handle) : undefined;
      const session = spid === undefined ? undefined : context.instance.sessions.get(spid);
      return session?.text === undefined ? [] : [{ encrypted: false, text: session.text }];
    },
  });

const inputBuffer: Factory = (context, args) =>
  defineView('sys.dm_exec_input_buffer', {
    columns: { event_type: nvarchar(256), parameters: smallint, event_info: nvarchar('max') },
    rows: () => {
      const session = context.instance.sessions.get(asNumber(args[0]?.value) ?? 0);
      return session?.text === undefined
        ? []
        : [{ event_type: 'Language Event', parameters: 0, event_info: session.text }];
    },
  });

const functions = new Map<string, { factory: Factory; since?: number }>([
  ['dm_db_log_stats', { factory: logStats, since: 13 }],
  ['dm_db_log_info', { factory: logInfo, since: 13 }],
  ['dm_io_virtual_file_stats', { factory: fileStats }],
  ['dm_exec_sql_text', { factory: sqlText }],
  ['dm_exec_input_buffer', { factory: inputBuffer }],
]);

/** @returns undefined when there is no such table-valued function */
export const openTableFunction = (
  context: SessionContext,
  name: ObjectName,
  args: readonly TypedValue[],
): RowSource | undefined => {
  if (name.schema !== undefined && name.schema.toLowerCase() !== 'sys') return undefined;
  const found = functions.get(name.object.toLowerCase());
  if (found === undefined || (found.since ?? 0) > context.major) return undefined;
  requireState(context);
  return rowSource(found.factory(context, args), context, context.database);
};
