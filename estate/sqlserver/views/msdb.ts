/** msdb: backup history and SQL Server Agent. */

import { SqlDecimal } from '../../sql/types';
import type { BackupSet } from '../../world/model';
import type { SessionContext } from '../context';
import type { Job, JobHistoryRow } from '../procedures/agent-state';
import { dateTime, lsn, stableGuid } from '../values';
import {
  bit,
  char,
  datetime,
  decimal,
  defineView,
  guid,
  int,
  lsnColumn,
  notNull,
  nvarchar,
  smallint,
  sysname,
  tinyint,
  varbinary,
} from './definition';

const database = 'msdb';

const size = decimal(20, 0);
const bytes = (value: number): SqlDecimal => new SqlDecimal(BigInt(Math.round(value)), 0);

const backupRow = (context: SessionContext, backup: BackupSet) => {
  const copy = context.world.databases.find(context.instanceName, backup.databaseName);
  return {
    backup_set_id: backup.backupSetId,
    backup_set_uuid: stableGuid(`backup/${context.instanceName}/${backup.backupSetId}`),
    media_set_id: backup.backupSetId,
    first_family_number: 1,
    first_media_number: 1,
    last_family_number: 1,
    last_media_number: 1,
    position: 1,
    software_vendor_id: 4608,
    name: backup.name ?? null,
    user_name: backup.userName,
    software_major_version: context.instance.version.major,
    software_minor_version: context.instance.version.minor,
    software_build_version: context.instance.version.build,
    time_zone: 127,
    first_lsn: lsn(backup.firstLsn),
    last_lsn: lsn(backup.lastLsn),
    checkpoint_lsn: lsn(backup.checkpointLsn),
    database_backup_lsn: lsn(backup.databaseBackupLsn),
    database_creation_date: dateTime(copy?.createdAt),
    backup_start_date: dateTime(backup.startedAt),
    backup_finish_date: dateTime(backup.finishedAt),
    type: backup.type,
    compatibility_level: copy?.options.compatibilityLevel ?? null,
    backup_size: bytes(backup.backupSizeBytes),
    compressed_backup_size: bytes(backup.compressedSizeBytes),
    database_name: backup.databaseName,
    server_name: backup.serverName,
    machine_name: context.instance.name,
    recovery_model: backup.recoveryModel,
    is_password_protected: false,
    has_bulk_logged_data: false,
    is_snapshot: false,
    is_readonly: false,
    is_single_user: false,
    has_backup_checksums: false,
    is_damaged: false,
    begins_log_chain: backup.type === 'D' && !backup.copyOnly,
    is_copy_only: backup.copyOnly,
    recovery_fork_guid: copy?.recoveryForkGuid ?? null,
    database_guid: stableGuid(`database/${context.instanceName}/${backup.databaseName}`),
    family_guid: copy?.familyGuid ?? null,
  };
};

/** yyyymmdd and hhmmss as integers, in which Agent keeps its times. */
export const agentDate = (ms: number): number => {
  const date = new Date(ms);
  return date.getUTCFullYear() * 10_000 + (date.getUTCMonth() + 1) * 100 + date.getUTCDate();
};
export const agentTime = (ms: number): number => {
  const date = new Date(ms);
  return date.getUTCHours() * 10_000 + date.getUTCMinutes() * 100 + date.getUTCSeconds();
};
const agentDuration = (seconds: number): number =>
  Math.floor(seconds / 3600) * 10_000 + (Math.floor(seconds / 60) % 60) * 100 + (Math.floor(seconds) % 60);

const ownerSid = (context: SessionContext, job: Job): Uint8Array =>
  context.instance.logins.get(job.ownerLogin.toLowerCase())?.sid ?? Uint8Array.of(1);

const historyRow = (context: SessionContext, row: JobHistoryRow) => ({
  instance_id: row.instanceId,
  job_id: row.jobId,
  step_id: row.stepId,
  step_name: row.stepName,
  sql_message_id: 0,
  sql_severity: 0,
  message: row.message,
  run_status: row.runStatus,
  run_date: agentDate(row.startedAt),
  run_time: agentTime(row.startedAt),
  run_duration: agentDuration(row.durationSeconds),
  operator_id_emailed: 0,
  operator_id_netsent: 0,
  operator_id_paged: 0,
  retries_attempted: 0,
  server: row.server || context.instance.serverName,
});

const jobs = (context: SessionContext): Job[] => [...context.state.agent.jobs.values()];

export const msdbViews = [
  defineView('dbo.backupset', {
    database,
    columns: {
      backup_set_id: notNull(int),
      backup_set_uuid: notNull(guid),
      media_set_id: notNull(int),
      first_family_number: tinyint,
      first_media_number: smallint,
      last_family_number: tinyint,
      last_media_number: smallint,
      position: int,
      expiration_date: datetime,
      software_vendor_id: int,
      name: nvarchar(128),
      description: nvarchar(255),
      user_name: nvarchar(128),
      software_major_version: tinyint,
      software_minor_version: tinyint,
      software_build_version: smallint,
      time_zone: smallint,
      first_lsn: lsnColumn,
      last_lsn: lsnColumn,
      checkpoint_lsn: lsnColumn,
      database_backup_lsn: lsnColumn,
      database_creation_date: datetime,
      backup_start_date: datetime,
      backup_finish_date: datetime,
      type: char(1),
      compatibility_level: tinyint,
      database_version: int,
      backup_size: size,
      database_name: nvarchar(128),
      server_name: nvarchar(128),
      machine_name: nvarchar(128),
      collation_name: nvarchar(128),
      is_password_protected: bit,
      recovery_model: nvarchar(60),
      has_bulk_logged_data: bit,
      is_snapshot: bit,
      is_readonly: bit,
      is_single_user: bit,
      has_backup_checksums: bit,
      is_damaged: bit,
      begins_log_chain: bit,
      is_copy_only: bit,
      database_guid: guid,
      family_guid: guid,
      recovery_fork_guid: guid,
      differential_base_lsn: lsnColumn,
      compressed_backup_size: size,
      key_algorithm: nvarchar(32),
      encryptor_thumbprint: varbinary(20),
      encryptor_type: nvarchar(32),
    },
    rows: (context) => context.instance.backups.map((backup) => backupRow(context, backup)),
  }),
  defineView('dbo.backupmediafamily', {
    database,
    columns: {
      media_set_id: notNull(int),
      family_sequence_number: notNull(tinyint),
      media_family_id: guid,
      media_count: int,
      logical_device_name: nvarchar(128),
      physical_device_name: nvarchar(260),
      device_type: tinyint,
      physical_block_size: int,
      mirror: notNull(tinyint),
    },
    rows: (context) =>
      context.instance.backups.map((backup) => ({
        media_set_id: backup.backupSetId,
        family_sequence_number: 1,
        media_family_id: stableGuid(`media/${context.instanceName}/${backup.backupSetId}`),
        media_count: 1,
        physical_device_name: backup.device,
        // 2 disk, 7 virtual device (what seeding's own backup leaves), 9 URL.
        device_type: backup.isVdi ? 7 : /^https?:/i.test(backup.device) ? 9 : 2,
        physical_block_size: 4096,
        mirror: 0,
      })),
  }),
  defineView('dbo.backupmediaset', {
    database,
    columns: {
      media_set_id: notNull(int),
      media_uuid: guid,
      media_family_count: tinyint,
      name: nvarchar(128),
      description: nvarchar(255),
      software_name: nvarchar(128),
      is_password_protected: bit,
      is_compressed: bit,
      is_encrypted: bit,
    },
    rows: (context) =>
      context.instance.backups.map((backup) => ({
        media_set_id: backup.backupSetId,
        media_uuid: stableGuid(`media/${context.instanceName}/${backup.backupSetId}`),
        media_family_count: 1,
        software_name: 'Microsoft SQL Server',
        is_password_protected: false,
        is_compressed: backup.compressedSizeBytes < backup.backupSizeBytes,
        is_encrypted: false,
      })),
  }),
  defineView('dbo.restorehistory', {
    database,
    columns: {
      restore_history_id: notNull(int),
      restore_date: datetime,
      destination_database_name: nvarchar(128),
      user_name: nvarchar(128),
      backup_set_id: notNull(int),
      restore_type: char(1),
    },
    rows: () => [],
  }),
  defineView('dbo.suspect_pages', {
    database,
    columns: {
      database_id: notNull(int),
      file_id: notNull(int),
      page_id: notNull(int),
      event_type: notNull(int),
      error_count: notNull(int),
      last_update_date: notNull(datetime),
    },
    rows: () => [],
  }),
  defineView('dbo.sysjobs', {
    database,
    columns: {
      job_id: notNull(guid),
      originating_server_id: notNull(int),
      name: notNull(sysname),
      enabled: notNull(tinyint),
      description: nvarchar(512),
      start_step_id: notNull(int),
      category_id: notNull(int),
      owner_sid: notNull(varbinary(85)),
      notify_level_eventlog: notNull(int),
      notify_level_email: notNull(int),
      notify_level_netsend: notNull(int),
      notify_level_page: notNull(int),
      notify_email_operator_id: notNull(int),
      notify_netsend_operator_id: notNull(int),
      notify_page_operator_id: notNull(int),
      delete_level: notNull(int),
      date_created: notNull(datetime),
      date_modified: notNull(datetime),
      version_number: notNull(int),
    },
    rows: (context) =>
      jobs(context).map((job) => ({
        job_id: job.jobId,
        originating_server_id: 0,
        name: job.name,
        enabled: job.enabled ? 1 : 0,
        description: job.description,
        start_step_id: job.startStepId,
        category_id: context.state.agent.category(job.category)?.id ?? 0,
        owner_sid: ownerSid(context, job),
        notify_level_eventlog: job.notifyEventLog,
        notify_level_email: job.notifyEmail,
        notify_level_netsend: 0,
        notify_level_page: 0,
        notify_email_operator_id: job.emailOperatorId,
        notify_netsend_operator_id: 0,
        notify_page_operator_id: 0,
        delete_level: job.deleteLevel,
        date_created: dateTime(job.createdAt),
        date_modified: dateTime(job.modifiedAt),
        version_number: 1,
      })),
  }),
  defineView('dbo.sysjobsteps', {
    database,
    columns: {
      job_id: notNull(guid),
      step_id: notNull(int),
      step_name: notNull(sysname),
      subsystem: notNull(nvarchar(40)),
      command: nvarchar('max'),
      flags: notNull(int),
      additional_parameters: nvarchar('max'),
      cmdexec_success_code: notNull(int),
      on_success_action: notNull(tinyint),
      on_success_step_id: notNull(int),
      on_fail_action: notNull(tinyint),
      on_fail_step_id: notNull(int),
      server: sysname,
      database_name: sysname,
      database_user_name: sysname,
      retry_attempts: notNull(int),
      retry_interval: notNull(int),
      os_run_priority: notNull(int),
      output_file_name: nvarchar(200),
      last_run_outcome: notNull(int),
      last_run_date: notNull(int),
      last_run_time: notNull(int),
      proxy_id: int,
      step_uid: guid,
    },
    rows: (context) =>
      jobs(context).flatMap((job) =>
        job.steps.map((step) => ({
          job_id: job.jobId,
          step_id: step.stepId,
          step_name: step.name,
          subsystem: step.subsystem,
          command: step.command,
          flags: step.flags,
          additional_parameters: step.additionalParameters,
          cmdexec_success_code: step.successCode,
          on_success_action: step.onSuccessAction,
          on_success_step_id: step.onSuccessStep,
          on_fail_action: step.onFailAction,
          on_fail_step_id: step.onFailStep,
          database_name: step.database,
          retry_attempts: step.retryAttempts,
          database_user_name: step.databaseUser,
          retry_interval: step.retryInterval,
          os_run_priority: step.priority,
          output_file_name: step.outputFile,
          proxy_id: step.proxyId,
          last_run_outcome: step.lastOutcome,
          last_run_date: step.lastRunAt === undefined ? 0 : agentDate(step.lastRunAt),
          last_run_time: step.lastRunAt === undefined ? 0 : agentTime(step.lastRunAt),
          step_uid: step.stepUid,
        })),
      ),
  }),
  defineView('dbo.sysjobhistory', {
    database,
    columns: {
      instance_id: notNull(int),
      job_id: notNull(guid),
      step_id: notNull(int),
      step_name: notNull(sysname),
      sql_message_id: notNull(int),
      sql_severity: notNull(int),
      message: nvarchar(4000),
      run_status: notNull(int),
      run_date: notNull(int),
      run_time: notNull(int),
      run_duration: notNull(int),
      operator_id_emailed: notNull(int),
      operator_id_netsent: notNull(int),
      operator_id_paged: notNull(int),
      retries_attempted: notNull(int),
      server: notNull(sysname),
    },
    rows: (context) => context.state.agent.history.map((row) => historyRow(context, row)),
  }),
  defineView('dbo.sysjobactivity', {
    database,
    columns: {
      session_id: notNull(int),
      job_id: notNull(guid),
      run_requested_date: datetime,
      run_requested_source: sysname,
      queued_date: datetime,
      start_execution_date: datetime,
      last_executed_step_id: int,
      last_executed_step_date: datetime,
      stop_execution_date: datetime,
      job_history_id: int,
      next_scheduled_run_date: datetime,
    },
    rows: (context) =>
      jobs(context).flatMap((job) =>
        job.activity === undefined
          ? []
          : [
              {
                session_id: 1,
                job_id: job.jobId,
                run_requested_date: dateTime(job.activity.runRequestedAt),
                run_requested_source: '4',
                start_execution_date: dateTime(job.activity.startedAt),
                stop_execution_date: dateTime(job.activity.stoppedAt),
              },
            ],
      ),
  }),
  defineView('dbo.sysjobstepslogs', {
    database,
    columns: {
      log_id: notNull(int),
      log: notNull(nvarchar('max')),
      date_created: notNull(datetime),
      date_modified: notNull(datetime),
      log_size: notNull(int),
      step_uid: notNull(guid),
    },
    rows: (context) =>
      jobs(context)
        .flatMap((job) => job.steps)
        .flatMap((step, index) =>
          step.log === undefined
            ? []
            : [
                {
                  log_id: index + 1,
                  log: step.log.text,
                  date_created: dateTime(step.log.createdAt),
                  date_modified: dateTime(step.log.modifiedAt),
                  log_size: step.log.text.length * 2,
                  step_uid: step.stepUid,
                },
              ],
        ),
  }),
  defineView('dbo.sysjobservers', {
    database,
    columns: {
      job_id: notNull(guid),
      server_id: notNull(int),
      last_run_outcome: notNull(tinyint),
      last_outcome_message: nvarchar(4000),
      last_run_date: notNull(int),
      last_run_time: notNull(int),
      last_run_duration: notNull(int),
    },
    rows: (context) =>
      jobs(context).flatMap((job) =>
        job.servers.map(() => {
          const last = context.state.agent.history
            .filter((row) => row.jobId === job.jobId && row.stepId === 0)
            .at(-1);
          return {
            job_id: job.jobId,
            server_id: 0,
            last_run_outcome: last?.runStatus ?? 5,
            last_outcome_message: last?.message ?? null,
            last_run_date: last === undefined ? 0 : agentDate(last.startedAt),
            last_run_time: last === undefined ? 0 : agentTime(last.startedAt),
            last_run_duration: last === undefined ? 0 : agentDuration(last.durationSeconds),
          };
        }),
      ),
  }),
  defineView('dbo.syscategories', {
    database,
    columns: {
      category_id: notNull(int),
      category_class: notNull(int),
      category_type: notNull(tinyint),
      name: notNull(sysname),
    },
    rows: (context) =>
      context.state.agent.categories.map(({ id, name }) => ({
        category_id: id,
        category_class: 1,
        category_type: id === 2 ? 2 : 1,
        name,
      })),
  }),
  defineView('dbo.sysschedules', {
    database,
    columns: {
      schedule_id: notNull(int),
      schedule_uid: notNull(guid),
      name: notNull(sysname),
      enabled: notNull(int),
      freq_type: notNull(int),
      freq_interval: notNull(int),
      freq_subday_type: notNull(int),
      freq_subday_interval: notNull(int),
      freq_relative_interval: notNull(int),
      freq_recurrence_factor: notNull(int),
      active_start_date: notNull(int),
      active_end_date: notNull(int),
      active_start_time: notNull(int),
      active_end_time: notNull(int),
    },
    rows: (context) =>
      [...context.state.agent.schedules.values()].map((schedule) => ({
        schedule_id: schedule.scheduleId,
        schedule_uid: schedule.scheduleUid,
        name: schedule.name,
        enabled: schedule.enabled ? 1 : 0,
        freq_type: schedule.freqType,
        freq_interval: schedule.freqInterval,
        freq_subday_type: schedule.freqSubdayType,
        freq_subday_interval: schedule.freqSubdayInterval,
        freq_relative_interval: schedule.freqRelativeInterval,
        freq_recurrence_factor: schedule.freqRecurrenceFactor,
        active_start_date: schedule.activeStartDate,
        active_end_date: schedule.activeEndDate,
        active_start_time: schedule.activeStartTime,
        active_end_time: schedule.activeEndTime,
      })),
  }),
  defineView('dbo.sysjobschedules', {
    database,
    columns: { schedule_id: int, job_id: guid, next_run_date: notNull(int), next_run_time: notNull(int) },
    rows: (context) =>
      jobs(context).flatMap((job) =>
        [...job.schedules].map((id) => ({
          schedule_id: id,
          job_id: job.jobId,
          next_run_date: 0,
          next_run_time: 0,
        })),
      ),
  }),
  defineView('dbo.sysproxies', {
    database,
    columns: {
      proxy_id: notNull(int),
      name: notNull(sysname),
      credential_id: notNull(int),
      enabled: notNull(tinyint),
    },
    rows: (context) =>
      [...context.state.agent.proxies.values()].map((proxy) => ({
        proxy_id: proxy.id,
        name: proxy.name,
        credential_id: context.state.credentials.get(proxy.credential.toLowerCase())?.id ?? 0,
        enabled: proxy.enabled ? 1 : 0,
      })),
  }),
  defineView('dbo.sysmail_profile', {
    database,
    columns: { profile_id: notNull(int), name: notNull(sysname), description: nvarchar(256) },
    rows: (context) =>
      [...context.state.agent.mailProfiles.values()].map(({ id, name }) => ({ profile_id: id, name })),
  }),
  defineView('dbo.sysoperators', {
    database,
    columns: {
      id: notNull(int),
      name: notNull(sysname),
      enabled: notNull(tinyint),
      email_address: nvarchar(100),
    },
    rows: (context) =>
      [...context.state.agent.operators.values()].map((operator) => ({
        id: operator.id,
        name: operator.name,
        enabled: operator.enabled ? 1 : 0,
        email_address: operator.email,
      })),
  }),
];
