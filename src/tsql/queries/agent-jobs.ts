/** Jobs of SQL Server Agent by name, with their steps and schedules. */
import type { Job, JobSchedule, JobStep } from '../../model/sql-server/instance-objects';
import type { Query } from '../../model/statement';
import { listParameter, query } from '../query';
import { readBoolean, readInteger, readNullableText, readText } from '../rows';

const database = 'msdb';

/** A job without its parts. */
export type JobRow = Omit<Job, 'steps' | 'schedules'>;

/** SID 0x01 is `sa`, whatever that login is called. */
export function readJobs(names: readonly string[]): Query<JobRow> {
  const list = listParameter('job', names);
  return query(
    'read-jobs',
    `
SELECT j.name, CAST(j.enabled AS int) AS enabled, j.description, j.start_step_id, c.name AS category_name,
    CASE WHEN j.owner_sid = 0x01 THEN N'sa' ELSE SUSER_SNAME(j.owner_sid) END AS owner_name,
    CASE WHEN j.owner_sid = 0x01 THEN 1 ELSE 0 END AS is_owned_by_sa,
    j.notify_level_eventlog, j.delete_level,
    CASE WHEN j.notify_email_operator_id > 0 OR j.notify_netsend_operator_id > 0 OR j.notify_page_operator_id > 0
        THEN 1 ELSE 0 END AS notifies_operator,
    CASE WHEN EXISTS (SELECT 1 FROM dbo.sysjobservers AS s WHERE s.job_id = j.job_id) THEN 1 ELSE 0 END AS has_target
FROM dbo.sysjobs AS j
LEFT JOIN dbo.syscategories AS c ON c.category_id = j.category_id AND c.category_class = 1
WHERE j.name IN ${list.text}
ORDER BY j.name;
`,
    (row) => ({
      name: readText(row, 'name'),
      isEnabled: readInteger(row, 'enabled') === 1,
      description: readNullableText(row, 'description') ?? '',
      category: readNullableText(row, 'category_name') ?? '[Uncategorized (Local)]',
      owner: readNullableText(row, 'owner_name'),
      isOwnedBySa: readBoolean(row, 'is_owned_by_sa'),
      startStep: readInteger(row, 'start_step_id'),
      notifyEventLog: readInteger(row, 'notify_level_eventlog'),
      deleteLevel: readInteger(row, 'delete_level'),
      notifiesOperator: readBoolean(row, 'notifies_operator'),
      hasTarget: readBoolean(row, 'has_target'),
    }),
    { parameters: list.parameters, database },
  );
}

/** Commands may hold secrets: they do not leave the activity that reads them. */
export function readJobSteps(names: readonly string[]): Query<JobStep & { readonly job: string }> {
  const list = listParameter('job', names);
  return query(
    'read-job-steps',
    `
SELECT j.name AS job_name, s.step_id, s.step_name, s.subsystem, s.command, s.additional_parameters, s.flags,
    s.cmdexec_success_code, CAST(s.on_success_action AS int) AS on_success_action, s.on_success_step_id,
    CAST(s.on_fail_action AS int) AS on_fail_action, s.on_fail_step_id, s.database_name, s.database_user_name,
    s.retry_attempts, s.retry_interval, s.os_run_priority, s.output_file_name,
    CASE WHEN s.proxy_id IS NULL THEN 0 ELSE 1 END AS uses_proxy
FROM dbo.sysjobsteps AS s
JOIN dbo.sysjobs AS j ON j.job_id = s.job_id
WHERE j.name IN ${list.text}
ORDER BY j.name, s.step_id;
`,
    (row) => ({
      job: readText(row, 'job_name'),
      id: readInteger(row, 'step_id'),
      name: readText(row, 'step_name'),
      subsystem: readText(row, 'subsystem'),
      command: readNullableText(row, 'command') ?? '',
      additionalParameters: readNullableText(row, 'additional_parameters'),
      flags: readInteger(row, 'flags'),
      successCode: readInteger(row, 'cmdexec_success_code'),
      onSuccessAction: readInteger(row, 'on_success_action'),
      onSuccessStep: readInteger(row, 'on_success_step_id'),
      onFailAction: readInteger(row, 'on_fail_action'),
      onFailStep: readInteger(row, 'on_fail_step_id'),
      database: readNullableText(row, 'database_name'),
      databaseUser: readNullableText(row, 'database_user_name'),
      retryAttempts: readInteger(row, 'retry_attempts'),
      retryInterval: readInteger(row, 'retry_interval'),
      priority: readInteger(row, 'os_run_priority'),
      outputFile: readNullableText(row, 'output_file_name'),
      usesProxy: readBoolean(row, 'uses_proxy'),
    }),
    { parameters: list.parameters, database },
  );
}

export function readJobSchedules(names: readonly string[]): Query<JobSchedule & { readonly job: string }> {
  const list = listParameter('job', names);
  return query(
    'read-job-schedules',
    `
SELECT j.name AS job_name, s.schedule_id, s.name, s.enabled, s.freq_type, s.freq_interval, s.freq_subday_type,
    s.freq_subday_interval, s.freq_relative_interval, s.freq_recurrence_factor, s.active_start_date,
    s.active_end_date, s.active_start_time, s.active_end_time
FROM dbo.sysjobschedules AS js
JOIN dbo.sysjobs AS j ON j.job_id = js.job_id
JOIN dbo.sysschedules AS s ON s.schedule_id = js.schedule_id
WHERE j.name IN ${list.text}
ORDER BY j.name, s.schedule_id;
`,
    (row) => ({
      job: readText(row, 'job_name'),
      id: readInteger(row, 'schedule_id'),
      name: readText(row, 'name'),
      isEnabled: readInteger(row, 'enabled') === 1,
      freqType: readInteger(row, 'freq_type'),
      freqInterval: readInteger(row, 'freq_interval'),
      freqSubdayType: readInteger(row, 'freq_subday_type'),
      freqSubdayInterval: readInteger(row, 'freq_subday_interval'),
      freqRelativeInterval: readInteger(row, 'freq_relative_interval'),
      freqRecurrenceFactor: readInteger(row, 'freq_recurrence_factor'),
      activeStartDate: readInteger(row, 'active_start_date'),
      activeEndDate: readInteger(row, 'active_end_date'),
      activeStartTime: readInteger(row, 'active_start_time'),
      activeEndTime: readInteger(row, 'active_end_time'),
    }),
    { parameters: list.parameters, database },
  );
}

/** Names of the categories of jobs (class 1). */
export const readJobCategories = (): Query<{ readonly name: string }> =>
  query(
    'read-job-categories',
    'SELECT name FROM dbo.syscategories WHERE category_class = 1 ORDER BY name;',
    (row) => ({ name: readText(row, 'name') }),
    { database },
  );
