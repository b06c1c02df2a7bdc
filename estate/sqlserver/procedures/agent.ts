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

/**
 * The owner is found by SUSER_SID(@owner_login_name), also `sa`, which may have another name. On an instance `sa` always
 * does, although its administrator has another name: so does Microsoft's own script that tests the network of a link.
 * @throws 14234
 */
const requireOwner = (context: SessionContext, owner: string): void => {
  if (context.instance.logins.has(owner.toLowerCase())) return;
  if (context.managedInstance && owner.toLowerCase() === 'sa') return;
  throw serverError(14234, ['@owner_login_name', 'sp_helplogins']);
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
  requireOwner(context, owner);
  const category = args.text('category_name') ?? '[Uncategorized (Local)]';
  if (agent.category(category) === undefined)
    throw serverError(14234, ['@category_name', 'sp_help_category']);
  const now = context.now();
  const job: Job = {
    jobId: context.world.random.guid(),
    name,
    enabled: (args.number('enabled') ?? 1) === 1,
    description: args.text('description') ?? 'No description available.',
    ownerLogin: owner,
    category,
    startStepId: args.number('start_step_id') ?? 1,
    createdAt: now,
    modifiedAt: now,
    steps: [],
    servers: [],
    notifyEventLog: args.number('notify_level_eventlog') ?? 2,
    notifyEmail: args.number('notify_level_email') ?? 0,
    emailOperatorId: operatorId(context, args.text('notify_email_operator_name')),
    deleteLevel: args.number('delete_level') ?? 0,
    schedules: new Set(),
    running: undefined,
    activity: undefined,
  };
  agent.jobs.set(job.jobId, job);
  context.world.journal.mark(`add job ${name} on ${context.instanceName}`);
  args.output('job_id', guidValue(job.jobId));
  return 0;
};

/** @throws 14262 when there is no such operator */
function operatorId(context: SessionContext, name: string | null): number {
  if (name === null) return 0;
  const operator = context.state.agent.operators.get(name.toLowerCase());
  if (operator === undefined) throw serverError(14262, ['@notify_email_operator_name', name]);
  return operator.id;
}

const subsystems = new Set([
  'TSQL',
  'POWERSHELL',
  'CMDEXEC',
  'SSIS',
  'ANALYSISCOMMAND',
  'ANALYSISQUERY',
  'SNAPSHOT',
  'LOGREADER',
  'DISTRIBUTION',
  'MERGE',
  'QUEUEREADER',
]);

/** Those that a managed instance does not have (T-SQL differences page, "SQL Server Agent"). */
const notOnInstances = new Set(['CMDEXEC', 'ANALYSISCOMMAND', 'ANALYSISQUERY', 'MERGE', 'QUEUEREADER']);

const checkSubsystem = (context: SessionContext, subsystem: string): void => {
  if (!subsystems.has(subsystem.toUpperCase()))
    throw serverError(14234, ['@subsystem', 'sp_enum_sqlagent_subsystems']);
  if (context.managedInstance && notOnInstances.has(subsystem.toUpperCase()))
    throw serverError(41914, [`${subsystem} job step`]);
};

/** @throws 14262 when there is no such proxy */
const proxyIdOf = (context: SessionContext, args: Arguments): number | null => {
  const name = args.text('proxy_name');
  const id = args.number('proxy_id');
  if (name === null && id === null) return null;
  const proxy = [...context.state.agent.proxies.values()].find((entry) =>
    name === null ? entry.id === id : entry.name.toLowerCase() === name.toLowerCase(),
  );
  if (proxy === undefined)
    throw serverError(14262, [name === null ? '@proxy_id' : '@proxy_name', name ?? String(id)]);
  return proxy.id;
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
  // sp_verify_jobstep
  if (stepId < 1 || stepId > job.steps.length + 1)
    throw serverError(14266, ['@step_id', `1..${job.steps.length + 1}`]);
  const database = args.text('database_name') ?? 'master';
  if (subsystem.toUpperCase() === 'TSQL' && context.databaseId(database) === undefined)
    throw serverError(14262, ['@database_name', database]);
  // The steps from there on move down (sp_add_jobstep).
  const moved = job.steps.map((step) =>
    step.stepId >= stepId ? { ...step, stepId: step.stepId + 1 } : step,
  );
  job.steps.splice(0, job.steps.length, ...moved);
  job.steps.push({
    stepId,
    stepUid: context.world.random.guid(),
    name,
    subsystem,
    command: args.text('command') ?? '',
    database,
    flags: args.number('flags') ?? 0,
    onSuccessAction: args.number('on_success_action') ?? 1,
    onSuccessStep: args.number('on_success_step_id') ?? 0,
    onFailAction: args.number('on_fail_action') ?? 2,
    onFailStep: args.number('on_fail_step_id') ?? 0,
    retryAttempts: args.number('retry_attempts') ?? 0,
    retryInterval: args.number('retry_interval') ?? 0,
    successCode: args.number('cmdexec_success_code') ?? 0,
    priority: args.number('os_run_priority') ?? 0,
    outputFile: args.text('output_file_name'),
    additionalParameters: args.text('additional_parameters'),
    databaseUser: args.text('database_user_name'),
    proxyId: proxyIdOf(context, args),
    lastOutcome: 5,
    lastRunAt: undefined,
    log: undefined,
  });
  job.steps.sort((left, right) => left.stepId - right.stepId);
  job.modifiedAt = context.now();
  context.world.journal.mark(`add step ${name} to job ${job.name} on ${context.instanceName}`);
  return 0;
};

/** @throws 14262 when there is no such step; step 0 stands for all of them */
export const deleteJobStep: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, ['job_id', 'job_name', 'step_id!']);
  const job = jobOf(context, args);
  const id = args.number('step_id') ?? 0;
  const kept = id === 0 ? [] : job.steps.filter((step) => step.stepId !== id);
  if (id !== 0 && kept.length === job.steps.length) throw serverError(14262, ['@step_id', String(id)]);
  // The steps behind the one that is gone move up (sp_delete_jobstep).
  const renumbered = kept.map((step) => (step.stepId > id ? { ...step, stepId: step.stepId - 1 } : step));
  job.steps.splice(0, job.steps.length, ...renumbered);
  job.modifiedAt = context.now();
  context.world.journal.mark(`delete step ${id} of job ${job.name} on ${context.instanceName}`);
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
  const category = args.text('category_name');
  if (category !== null && context.state.agent.category(category) === undefined)
    throw serverError(14234, ['@category_name', 'sp_help_category']);
  const owner = args.text('owner_login_name');
  if (owner !== null) requireOwner(context, owner);
  job.category = category ?? job.category;
  job.notifyEventLog = args.number('notify_level_eventlog') ?? job.notifyEventLog;
  job.notifyEmail = args.number('notify_level_email') ?? job.notifyEmail;
  job.deleteLevel = args.number('delete_level') ?? job.deleteLevel;
  if (args.has('notify_email_operator_name'))
    job.emailOperatorId = operatorId(context, args.text('notify_email_operator_name'));
  job.name = args.text('new_name') ?? job.name;
  job.enabled = (args.number('enabled') ?? Number(job.enabled)) === 1;
  job.description = args.text('description') ?? job.description;
  job.startStepId = args.number('start_step_id') ?? job.startStepId;
  job.ownerLogin = owner ?? job.ownerLogin;
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
  if ((args.number('delete_unused_schedule') ?? 1) === 1) dropUnused(context, job.schedules);
  if ((args.number('delete_history') ?? 1) === 1) {
    const kept = context.state.agent.history.filter((row) => row.jobId !== job.jobId);
    context.state.agent.history.splice(0, context.state.agent.history.length, ...kept);
  }
  context.world.journal.mark(`delete job ${job.name} on ${context.instanceName}`);
  return 0;
};

/** Deletes those of the schedules that no job has any more. */
function dropUnused(context: SessionContext, ids: Iterable<number>): void {
  const { agent } = context.state;
  for (const id of ids) {
    if ([...agent.jobs.values()].every((job) => !job.schedules.has(id))) agent.schedules.delete(id);
  }
}

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
    freqRelativeInterval: args.number('freq_relative_interval') ?? 0,
    freqRecurrenceFactor: args.number('freq_recurrence_factor') ?? 0,
    activeStartDate: args.number('active_start_date') ?? 20_000_101,
    activeEndDate: args.number('active_end_date') ?? 99_991_231,
    activeStartTime: args.number('active_start_time') ?? 0,
    activeEndTime: args.number('active_end_time') ?? 235_959,
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
  const fitting = [...context.state.agent.schedules.values()].filter((entry) =>
    id === null ? entry.name.toLowerCase() === name?.toLowerCase() : entry.scheduleId === id,
  );
  if (fitting.length > 1) throw serverError(14371, [name ?? '']);
  const [found] = fitting;
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

/** @throws 14262 (no such schedule), 14371 when a name fits several (its text: inferred) */
export const detachSchedule: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, [
    'job_id',
    'job_name',
    'schedule_id',
    'schedule_name',
    'delete_unused_schedule',
    'automatic_post',
  ]);
  const job = jobOf(context, args);
  const id = scheduleOf(context, args);
  job.schedules.delete(id);
  if ((args.number('delete_unused_schedule') ?? 0) === 1) dropUnused(context, [id]);
  context.world.journal.mark(`detach schedule from job ${job.name} on ${context.instanceName}`);
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

/** Only those of jobs: @class JOB. @throws 14234 (class), 14261 (taken) */
export const addCategory: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, ['class', 'type', 'name!']);
  if ((args.text('class') ?? 'JOB').toUpperCase() !== 'JOB') throw serverError(14234, ['@class', 'JOB']);
  const name = args.text('name') ?? '';
  if (context.state.agent.category(name) !== undefined) throw serverError(14261, ['@name', name]);
  context.state.agent.addCategory(name);
  context.world.journal.mark(`add category ${name} on ${context.instanceName}`);
  return 0;
};

/** @throws 14262 (unknown), 14276 (built in); jobs of the category become uncategorized, as documented */
export const deleteCategory: Procedure = async (context, call) => {
  requireAgentRole(context);
  const args = new Arguments(call, ['class!', 'name!']);
  const name = args.text('name') ?? '';
  const { agent } = context.state;
  const category = agent.category(name);
  if (category === undefined) throw serverError(14262, ['@name', name]);
  if (agent.isBuiltIn(name)) throw serverError(14276, [name, args.text('class') ?? '']);
  for (const job of agent.jobs.values()) {
    if (job.category.toLowerCase() === name.toLowerCase()) job.category = '[Uncategorized (Local)]';
  }
  agent.categories = agent.categories.filter((entry) => entry !== category);
  context.world.journal.mark(`delete category ${name} on ${context.instanceName}`);
  return 0;
};

/** A managed instance has no proxies (T-SQL differences page); the number of the refusal is inferred. */
export const addProxy: Procedure = async (context, call) => {
  requireAgentRole(context);
  if (context.managedInstance) throw serverError(41914, ['SQL Agent proxy']);
  const args = new Arguments(call, [
    'proxy_name!',
    'enabled',
    'description',
    'credential_name',
    'credential_id',
    'proxy_id',
  ]);
  const name = args.text('proxy_name') ?? '';
  const { proxies } = context.state.agent;
  if (proxies.has(name.toLowerCase())) throw serverError(14261, ['@proxy_name', name]);
  const credential = args.text('credential_name') ?? '';
  if (!context.state.credentials.has(credential.toLowerCase()))
    throw serverError(14262, ['@credential_name', credential]);
  const id = proxies.size + 1;
  const enabled = (args.number('enabled') ?? 1) === 1;
  proxies.set(name.toLowerCase(), { id, name, credential, enabled });
  args.output('proxy_id', intValue(id));
  context.world.journal.mark(`add proxy ${name} on ${context.instanceName}`);
  return 0;
};

/** A profile of Database Mail; nothing is ever sent. */
export const addMailProfile: Procedure = async (context, call) => {
  if (!context.isSysadmin) throw serverError(229, ['EXECUTE', 'sysmail_add_profile_sp', 'msdb', 'dbo']);
  const args = new Arguments(call, ['profile_name!', 'description', 'profile_id']);
  const name = args.text('profile_name') ?? '';
  const { mailProfiles } = context.state.agent;
  const id = mailProfiles.size + 1;
  mailProfiles.set(name.toLowerCase(), { id, name });
  args.output('profile_id', intValue(id));
  context.world.journal.mark(`add mail profile ${name} on ${context.instanceName}`);
  return 0;
};

/** @throws 14262; shows what msdb.dbo.sysjobsteps has of one job */
export const helpJobStep: Procedure = async (context, call) => {
  const args = new Arguments(call, ['job_id', 'job_name', 'step_id', 'step_name', 'suffix']);
  const job = jobOf(context, args);
  const id = args.number('step_id');
  await sendRows(
    call.output,
    [
      ['step_id', int],
      ['step_name', sysnameType],
      ['subsystem', nvarchar(40)],
      ['command', { kind: 'nvarchar', length: 'max' }],
      ['flags', int],
      ['on_success_action', int],
      ['on_success_step_id', int],
      ['on_fail_action', int],
      ['on_fail_step_id', int],
      ['database_name', sysnameType],
      ['retry_attempts', int],
      ['retry_interval', int],
      ['proxy_id', int],
    ],
    job.steps
      .filter((step) => id === null || step.stepId === id)
      .map((step) => [
        step.stepId,
        step.name,
        step.subsystem,
        step.command,
        step.flags,
        step.onSuccessAction,
        step.onSuccessStep,
        step.onFailAction,
        step.onFailStep,
        step.database,
        step.retryAttempts,
        step.retryInterval,
        step.proxyId,
      ]),
  );
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
