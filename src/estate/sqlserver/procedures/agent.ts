/** msdb.dbo.sp_add_job and its family. */
import type { TypedValue } from '../../sql/host';
import type { SessionContext } from '../context';
import { printed, serverError } from '../messages/raise';
import { dateTime, intValue } from '../values';
import { startJob } from './agent-runner';
import type { Job } from './agent-state';
import { Arguments } from './arguments';
import { datetime, int, nvarchar, sendRows, sysnameType } from './results';
import type { Procedure } from './server';

const guidValue = (value: string): TypedValue => ({ type: { kind: 'uniqueidentifier' }, value });

const requireAgentRole = (context: SessionContext): void => {
  if (!context.isSysadmin) throw serverError(229, ['EXECUTE', 'sp_add_job', 'msdb', 'dbo']);
};

/** Job by @job_id or @job_name. @throws 14294 (neither), 14262 (unknown) */
const jobOf = (context: SessionContext, args: Arguments): Job => {
  const id = args.text('job_id');
  const name = args.text('job_name');
  if (id === null && name === null) throw serverError(14294, ['@job_id', '@job_name']);
  const job = id === null ? context.state.agent.jobByName(name ?? '') : context.state.agent.jobById(id);
  if (job === undefined) throw serverError(14262, [id === null ? '@job_name' : '@job_id', id ?? name ?? '']);
  return job;
};

export const addJob: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'job_name!',
    'enabled',
    'description',
    'start_step_id',
    'category_name',
    'category_id',
    'owner_login_name',
    'notify_level_eventlog',
    'notify_level_email',
    'notify_level_netsend',
    'notify_level_page',
    'notify_email_operator_name',
    'notify_netsend_operator_name',
    'notify_page_operator_name',
    'delete_level',
    'job_id',
    'originating_server',
  ]);
  const name = args.text('job_name') ?? '';
  const owner = args.text('owner_login_name') ?? context.loginName;
  const { agent } = context.state;
  if (agent.jobByName(name) !== undefined) throw serverError(14261, ['@name', name]);
  // `sa` may be renamed or absent (a managed instance's administrator has another name): its SID still owns the job.
  if (owner.toLowerCase() !== 'sa' && !context.instance.logins.has(owner.toLowerCase())) {
    throw serverError(14234, ['@owner_login_name', 'sp_helplogins']);
  }
  const now = context.now();
  const job: Job = {
    jobId: context.world.random.guid(),
    name,
    enabled: (args.number('enabled') ?? 1) === 1,
    description: args.text('description') ?? 'No description available.',
    ownerLogin: owner,
    category: args.text('category_name') ?? '[Uncategorized (Local)]',
    startStepId: args.number('start_step_id') ?? 1,
    createdAt: now,
    modifiedAt: now,
    steps: [],
    servers: [],
    schedules: new Set(),
    running: undefined,
    activity: undefined,
  };
  agent.jobs.set(job.jobId, job);
  context.world.journal.mark(`add job ${name} on ${context.instanceName}`);
  args.output('job_id', guidValue(job.jobId));
  return 0;
};

const subsystems = new Set(['TSQL', 'POWERSHELL', 'CMDEXEC', 'SSIS', 'ANALYSISCOMMAND', 'ANALYSISQUERY']);

/** On a managed instance CmdExec does not exist (T-SQL differences page). */
const checkSubsystem = (context: SessionContext, subsystem: string): void => {
  if (!subsystems.has(subsystem.toUpperCase()))
    throw serverError(14234, ['@subsystem', 'sp_enum_sqlagent_subsystems']);
  if (context.managedInstance && subsystem.toUpperCase() === 'CMDEXEC')
    throw serverError(41914, ['CmdExec job step']);
};

export const addJobStep: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'job_id',
    'job_name',
    'step_id',
    'step_name!',
    'subsystem',
    'command',
    'additional_parameters',
    'cmdexec_success_code',
    'on_success_action',
    'on_success_step_id',
    'on_fail_action',
    'on_fail_step_id',
    'server',
    'database_name',
    'database_user_name',
    'retry_attempts',
    'retry_interval',
    'os_run_priority',
    'output_file_name',
    'flags',
    'proxy_id',
    'proxy_name',
    'step_uid',
  ]);
  const job = jobOf(context, args);
  const subsystem = args.text('subsystem') ?? 'TSQL';
  checkSubsystem(context, subsystem);
  const name = args.text('step_name') ?? '';
  if (job.steps.some((step) => step.name.toLowerCase() === name.toLowerCase()))
    throw serverError(14261, ['@step_name', name]);
  const stepId = args.number('step_id') ?? job.steps.length + 1;
  job.steps.push({
    stepId,
    stepUid: context.world.random.guid(),
    name,
    subsystem,
    command: args.text('command') ?? '',
    database: args.text('database_name') ?? 'master',
    flags: args.number('flags') ?? 0,
    onSuccessAction: args.number('on_success_action') ?? 1,
    onSuccessStep: args.number('on_success_step_id') ?? 0,
    onFailAction: args.number('on_fail_action') ?? 2,
    onFailStep: args.number('on_fail_step_id') ?? 0,
    retryAttempts: args.number('retry_attempts') ?? 0,
    lastOutcome: 5,
    lastRunAt: undefined,
    log: undefined,
  });
  job.steps.sort((left, right) => left.stepId - right.stepId);
  job.modifiedAt = context.now();
  context.world.journal.mark(`add step ${name} to job ${job.name} on ${context.instanceName}`);
  return 0;
};

export const addJobServer: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, ['job_id', 'job_name', 'server_name', 'automatic_post']);
  const job = jobOf(context, args);
  const server = args.text('server_name') ?? '(local)';
  const local =
    server.toLowerCase() === '(local)' || server.toLowerCase() === context.instance.serverName.toLowerCase();
  if (!local) throw serverError(14262, ['@server_name', server]);
  if (job.servers.length > 0) throw serverError(14261, ['@server_name', server]);
  job.servers.push('(local)');
  context.world.journal.mark(`target job ${job.name} on ${context.instanceName}`);
  return 0;
};

export const updateJob: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'job_id',
    'job_name',
    'new_name',
    'enabled',
    'description',
    'start_step_id',
    'category_name',
    'owner_login_name',
    'notify_level_eventlog',
    'notify_level_email',
    'notify_email_operator_name',
    'delete_level',
  ]);
  const job = jobOf(context, args);
  job.name = args.text('new_name') ?? job.name;
  job.enabled = (args.number('enabled') ?? Number(job.enabled)) === 1;
  job.description = args.text('description') ?? job.description;
  job.startStepId = args.number('start_step_id') ?? job.startStepId;
  job.ownerLogin = args.text('owner_login_name') ?? job.ownerLogin;
  job.modifiedAt = context.now();
  context.world.journal.mark(`update job ${job.name} on ${context.instanceName}`);
  return 0;
};

export const deleteJob: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'job_id',
    'job_name',
    'originating_server',
    'delete_history',
    'delete_unused_schedule',
  ]);
  const job = jobOf(context, args);
  job.running?.stop.abort();
  context.state.agent.jobs.delete(job.jobId);
  if ((args.number('delete_history') ?? 1) === 1) {
    const kept = context.state.agent.history.filter((row) => row.jobId !== job.jobId);
    context.state.agent.history.splice(0, context.state.agent.history.length, ...kept);
  }
  context.world.journal.mark(`delete job ${job.name} on ${context.instanceName}`);
  return 0;
};

export const startJobProcedure: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'job_name',
    'job_id',
    'error_flag',
    'server_name',
    'step_name',
    'output_flag',
  ]);
  const job = jobOf(context, args);
  if (job.servers.length === 0) throw serverError(14256, [job.name, job.jobId]);
  if (job.running !== undefined)
    throw serverError(22022, [job.name, `User ${context.loginName}`, `User ${job.ownerLogin}`]);
  const named = args.text('step_name');
  const step =
    named === null
      ? job.startStepId
      : job.steps.find((entry) => entry.name.toLowerCase() === named.toLowerCase())?.stepId;
  if (step === undefined) throw serverError(14262, ['@step_name', named ?? '']);
  startJob(context, job, step);
  context.world.journal.mark(`start job ${job.name} on ${context.instanceName}`);
  call.output.info(printed(`Job '${job.name}' started successfully.`));
  return 0;
};

export const stopJob: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, ['job_name', 'job_id', 'originating_server', 'server_name']);
  const job = jobOf(context, args);
  if (job.running === undefined)
    throw serverError(22022, [job.name, `User ${context.loginName}`, 'nobody: it is not running']);
  job.running.stop.abort(new Error('stopped'));
  context.world.journal.mark(`stop job ${job.name} on ${context.instanceName}`);
  return 0;
};

export const helpJob: Procedure = async (context, call) => {
  const args = new Arguments(call, ['job_id', 'job_name', 'job_aspect']);
  const one = args.has('job_id') || args.has('job_name');
  const jobs = one ? [jobOf(context, args)] : [...context.state.agent.jobs.values()];
  await sendRows(
    call.output,
    [
      ['job_id', { kind: 'uniqueidentifier' }],
      ['name', sysnameType],
      ['enabled', { kind: 'tinyint' }],
      ['description', nvarchar(512)],
      ['start_step_id', int],
      ['owner', sysnameType],
      ['date_created', datetime],
      ['current_execution_status', int],
      ['last_run_outcome', int],
    ],
    jobs.map((job) => [
      job.jobId,
      job.name,
      job.enabled ? 1 : 0,
      job.description,
      job.startStepId,
      job.ownerLogin,
      dateTime(job.createdAt),
      job.running === undefined ? 4 : 1,
      context.state.agent.history.filter((row) => row.jobId === job.jobId && row.stepId === 0).at(-1)
        ?.runStatus ?? 5,
    ]),
  );
  return 0;
};

const addSchedule = (context: SessionContext, args: Arguments, name: string): number => {
  const { agent } = context.state;
  const scheduleId = agent.takeScheduleId();
  agent.schedules.set(scheduleId, {
    scheduleId,
    scheduleUid: context.world.random.guid(),
    name,
    enabled: (args.number('enabled') ?? 1) === 1,
    freqType: args.number('freq_type') ?? 0,
    freqInterval: args.number('freq_interval') ?? 0,
    freqSubdayType: args.number('freq_subday_type') ?? 0,
    freqSubdayInterval: args.number('freq_subday_interval') ?? 0,
    activeStartDate: args.number('active_start_date') ?? 20_000_101,
    activeStartTime: args.number('active_start_time') ?? 0,
  });
  context.world.journal.mark(`add schedule ${name} on ${context.instanceName}`);
  return scheduleId;
};

const scheduleParameters = [
  'enabled',
  'freq_type',
  'freq_interval',
  'freq_subday_type',
  'freq_subday_interval',
  'freq_relative_interval',
  'freq_recurrence_factor',
  'active_start_date',
  'active_end_date',
  'active_start_time',
  'active_end_time',
];

export const addScheduleProcedure: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'schedule_name!',
    ...scheduleParameters,
    'owner_login_name',
    'schedule_uid',
    'schedule_id',
    'originating_server',
  ]);
  args.output('schedule_id', intValue(addSchedule(context, args, args.text('schedule_name') ?? '')));
  return 0;
};

export const addJobSchedule: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'job_id',
    'job_name',
    'name!',
    ...scheduleParameters,
    'schedule_id',
    'automatic_post',
    'schedule_uid',
  ]);
  const job = jobOf(context, args);
  const id = addSchedule(context, args, args.text('name') ?? '');
  job.schedules.add(id);
  args.output('schedule_id', intValue(id));
  return 0;
};

const scheduleOf = (context: SessionContext, args: Arguments): number => {
  const id = args.number('schedule_id');
  const name = args.text('schedule_name');
  const found = [...context.state.agent.schedules.values()].find((entry) =>
    id === null ? entry.name.toLowerCase() === name?.toLowerCase() : entry.scheduleId === id,
  );
  if (found === undefined)
    throw serverError(14262, [id === null ? '@schedule_name' : '@schedule_id', name ?? String(id)]);
  return found.scheduleId;
};

export const attachSchedule: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, ['job_id', 'job_name', 'schedule_id', 'schedule_name', 'automatic_post']);
  const job = jobOf(context, args);
  job.schedules.add(scheduleOf(context, args));
  context.world.journal.mark(`attach schedule to job ${job.name} on ${context.instanceName}`);
  return 0;
};

export const deleteSchedule: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, ['schedule_id', 'schedule_name', 'force_delete', 'automatic_post']);
  const id = scheduleOf(context, args);
  context.state.agent.schedules.delete(id);
  for (const job of context.state.agent.jobs.values()) job.schedules.delete(id);
  context.world.journal.mark(`delete schedule on ${context.instanceName}`);
  return 0;
};

export const addOperator: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'name!',
    'enabled',
    'email_address',
    'pager_address',
    'weekday_pager_start_time',
    'weekday_pager_end_time',
    'pager_days',
    'category_name',
  ]);
  const name = args.text('name') ?? '';
  const { operators } = context.state.agent;
  if (operators.has(name.toLowerCase())) throw serverError(14261, ['@name', name]);
  operators.set(name.toLowerCase(), {
    id: context.state.agent.takeOperatorId(),
    name,
    email: args.text('email_address'),
    enabled: (args.number('enabled') ?? 1) === 1,
  });
  context.world.journal.mark(`add operator ${name} on ${context.instanceName}`);
  return 0;
};

export const purgeHistory: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, ['job_name', 'job_id', 'oldest_date']);
  const job = args.has('job_name') || args.has('job_id') ? jobOf(context, args) : undefined;
  const { history } = context.state.agent;
  const kept = job === undefined ? [] : history.filter((row) => row.jobId !== job.jobId);
  call.output.info(printed(`${history.length - kept.length} history entries purged.`));
  history.splice(0, history.length, ...kept);
  return 0;
};
