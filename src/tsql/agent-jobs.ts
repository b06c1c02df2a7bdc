/**
 * Jobs of SQL Server Agent as they are on another server. Commands of steps may hold anything, passwords too, so
 * `display` masks them.
 */
import type { Job, JobSchedule, JobStep } from '../model/sql-server/instance-objects';
import type { Statement } from '../model/statement';
import { integerLiteral, quoteLiteral, quoteText } from './quote';
import { SECRET_MASK } from './secrets';
import { lines, statement } from './statement';

/** A new job, disabled whatever the other one is. One transaction: half a job is of no use. */
export function createJob(job: Job): Statement {
  const text = (command: (step: JobStep) => string): string =>
    inTransaction(
      ownerVariable(job),
      call('sp_add_job', [['job_name', quoteLiteral(job.name)], ['enabled', '0'], ...head(job)]),
      ...steps(job, command),
      ...job.schedules.map((schedule) => addSchedule(job, schedule)),
      addTarget(job),
      setStart(job),
    );
  return masked('create-agent-job', text);
}

/**
 * An existing job becomes as the other one is, disabled. It stays the same job, so that its history stays with it; its
 * steps and schedules are made anew.
 */
export function replaceJob(job: Job, present: Job): Statement {
  const text = (command: (step: JobStep) => string): string =>
    inTransaction(
      ownerVariable(job),
      call('sp_update_job', [['job_name', quoteLiteral(job.name)], ['enabled', '0'], ...head(job)]),
      // Step 0 stands for all steps (sp_delete_jobstep).
      present.steps.length === 0
        ? undefined
        : call('sp_delete_jobstep', [
            ['job_name', quoteLiteral(job.name)],
            ['step_id', '0'],
          ]),
      ...steps(job, command),
      ...present.schedules.map(({ id }) =>
        call('sp_detach_schedule', [
          ['job_name', quoteLiteral(job.name)],
          ['schedule_id', integerLiteral(id)],
          ['delete_unused_schedule', '1'],
        ]),
      ),
      ...job.schedules.map((schedule) => addSchedule(job, schedule)),
      present.hasTarget ? undefined : addTarget(job),
      setStart(job),
    );
  return masked('replace-agent-job', text);
}

/** Undo of {@link createJob}: with its schedules, unless another job has them, too. */
export const deleteJob = (name: string): Statement =>
  statement(
    'delete-agent-job',
    call('sp_delete_job', [
      ['job_name', quoteLiteral(name)],
      ['delete_unused_schedule', '1'],
    ]),
  );

/** Whether its schedules start it. A job that runs just now runs on. */
export const enableJob = (name: string, isEnabled: boolean): Statement =>
  statement(
    isEnabled ? 'enable-agent-job' : 'disable-agent-job',
    call('sp_update_job', [
      ['job_name', quoteLiteral(name)],
      ['enabled', isEnabled ? '1' : '0'],
    ]),
  );

export const addJobCategory = (name: string): Statement =>
  statement(
    'add-job-category',
    call('sp_add_category', [
      ['class', "'JOB'"],
      ['type', "'LOCAL'"],
      ['name', quoteLiteral(name)],
    ]),
  );

/** Undo of {@link addJobCategory}. */
export const deleteJobCategory = (name: string): Statement =>
  statement(
    'delete-job-category',
    call('sp_delete_category', [
      ['class', "'JOB'"],
      ['name', quoteLiteral(name)],
    ]),
  );

type Argument = readonly [name: string, value: string];

const call = (procedure: string, args: readonly Argument[]): string =>
  `EXEC msdb.dbo.${procedure} ${args.map(([name, value]) => `@${name} = ${value}`).join(', ')};`;

/**
 * Procedures of msdb fail by RAISERROR and RETURN(1), for which XACT_ABORT does not hold ("THROW", remarks): only CATCH
 * keeps the batch from going on to its COMMIT. XACT_ABORT is for a batch that its client cancels, which no CATCH sees.
 */
const inTransaction = (...parts: readonly (string | undefined)[]): string =>
  lines(
    'SET XACT_ABORT ON;',
    'BEGIN TRY',
    'BEGIN TRANSACTION;',
    ...parts,
    'COMMIT TRANSACTION;',
    'END TRY',
    'BEGIN CATCH',
    'IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;',
    'THROW;',
    'END CATCH;',
  );

/** Text for another database than master goes as sp_executesql, with whose end its SET options end. */
const SCOPED = 'msdb';

const masked = (id: string, text: (command: (step: JobStep) => string) => string): Statement =>
  statement(
    id,
    text((step) => quoteText(step.command)),
    { display: text(() => SECRET_MASK), database: SCOPED },
  );

const OWNER = '@owner';

/**
 * `sa` may be renamed, and procedures of msdb look for a login of the name that they are given (14234). Without a name
 * they would give the job to whoever calls them.
 */
const ownerVariable = (job: Job): string | undefined =>
  job.isOwnedBySa ? `DECLARE ${OWNER} sysname = ISNULL(SUSER_SNAME(0x01), N'sa');` : undefined;

/** @throws Error without an owner: the rules let no such job come here */
function head(job: Job): readonly Argument[] {
  if (job.owner === null) throw new Error('a job without an owner cannot be written');
  return [
    ['description', quoteLiteral(job.description)],
    ['category_name', quoteLiteral(job.category)],
    ['owner_login_name', job.isOwnedBySa ? OWNER : quoteLiteral(job.owner)],
    ['notify_level_eventlog', integerLiteral(job.notifyEventLog)],
    ['delete_level', integerLiteral(job.deleteLevel)],
  ];
}

const steps = (job: Job, command: (step: JobStep) => string): readonly string[] =>
  [...job.steps].sort((a, b) => a.id - b.id).map((step) => addStep(job, step, command(step)));

/** A variable, since the argument of a procedure is no expression. */
function addStep(job: Job, step: JobStep, command: string): string {
  const variable = `@command${integerLiteral(step.id)}`;
  const text = (name: string, value: string | null): readonly Argument[] =>
    value === null ? [] : [[name, quoteLiteral(value)]];
  return lines(
    `DECLARE ${variable} nvarchar(max) = ${command};`,
    call('sp_add_jobstep', [
      ['job_name', quoteLiteral(job.name)],
      ['step_id', integerLiteral(step.id)],
      ['step_name', quoteLiteral(step.name)],
      ['subsystem', quoteLiteral(step.subsystem)],
      ['command', variable],
      ...text('additional_parameters', step.additionalParameters),
      ['cmdexec_success_code', integerLiteral(step.successCode)],
      ['on_success_action', integerLiteral(step.onSuccessAction)],
      ['on_success_step_id', integerLiteral(step.onSuccessStep)],
      ['on_fail_action', integerLiteral(step.onFailAction)],
      ['on_fail_step_id', integerLiteral(step.onFailStep)],
      ...text('database_name', step.database),
      ...text('database_user_name', step.databaseUser),
      ['retry_attempts', integerLiteral(step.retryAttempts)],
      ['retry_interval', integerLiteral(step.retryInterval)],
      ['os_run_priority', String(Math.trunc(step.priority))],
      ['flags', integerLiteral(step.flags)],
    ]),
  );
}

const addSchedule = (job: Job, schedule: JobSchedule): string =>
  call('sp_add_jobschedule', [
    ['job_name', quoteLiteral(job.name)],
    ['name', quoteLiteral(schedule.name)],
    ['enabled', schedule.isEnabled ? '1' : '0'],
    ['freq_type', integerLiteral(schedule.freqType)],
    ['freq_interval', integerLiteral(schedule.freqInterval)],
    ['freq_subday_type', integerLiteral(schedule.freqSubdayType)],
    ['freq_subday_interval', integerLiteral(schedule.freqSubdayInterval)],
    ['freq_relative_interval', integerLiteral(schedule.freqRelativeInterval)],
    ['freq_recurrence_factor', integerLiteral(schedule.freqRecurrenceFactor)],
    ['active_start_date', integerLiteral(schedule.activeStartDate)],
    ['active_end_date', integerLiteral(schedule.activeEndDate)],
    ['active_start_time', integerLiteral(schedule.activeStartTime)],
    ['active_end_time', integerLiteral(schedule.activeEndTime)],
  ]);

/** Last of all: a start step must be there when it is named. */
const setStart = (job: Job): string =>
  call('sp_update_job', [
    ['job_name', quoteLiteral(job.name)],
    ['start_step_id', integerLiteral(job.startStep)],
  ]);

/** Without it a job cannot start (14256). */
const addTarget = (job: Job): string =>
  call('sp_add_jobserver', [
    ['job_name', quoteLiteral(job.name)],
    ['server_name', "N'(local)'"],
  ]);
