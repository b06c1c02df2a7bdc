/** Runs SQL Agent jobs: T-SQL steps through a session of their own, and the documented network tests. */
import type { SessionContext } from '../context';
import type { Job, JobStep } from './agent-state';

interface StepResult {
  readonly success: boolean;
  readonly message: string;
}

/** `tnc host -port n`, as the link's network test writes it; nothing else of PowerShell is understood. */
const networkTest =
  /^\s*(?:tnc|Test-NetConnection)\s+(?:-ComputerName\s+)?['"]?([\w.\-\\]+)['"]?\s+-port\s+(\d+)\s*(-InformationLevel\s+Quiet)?/i;

const powerShell = (context: SessionContext, step: JobStep): StepResult => {
  if (context.instance.platform === 'linux') {
    return { success: false, message: 'The PowerShell subsystem failed to load. The step failed.' };
  }
  const lines = step.command.split(/\r?\n|;/).filter((line) => line.trim() !== '');
  const outputs: string[] = [];
  for (const line of lines) {
    const match = networkTest.exec(line);
    if (match === null) {
      return {
        success: false,
        message: `A job step received an error at line 1 in a PowerShell script. The corresponding line is '${line.trim()}'. The step failed.`,
      };
    }
    const host = match[1] ?? '';
    const open = context.world.network.probe(context.instanceName, host, Number(match[2]));
    outputs.push(match[3] === undefined ? listing(context, host, open) : open ? 'True' : 'False');
  }
  return { success: true, message: outputs.join('\r\n') };
};

const listing = (context: SessionContext, host: string, open: boolean): string => {
  const address =
    context.world.instances.byHost(host)?.addresses.find((entry) => /^\d+\.\d+\.\d+\.\d+$/.test(entry)) ?? '';
  return `ComputerName     : ${host}\r\nRemoteAddress    : ${address}\r\nTcpTestSucceeded : ${open ? 'True' : 'False'}`;
};

const runStep = async (
  context: SessionContext,
  job: Job,
  step: JobStep,
  signal: AbortSignal,
): Promise<StepResult> => {
  switch (step.subsystem.toUpperCase()) {
    case 'TSQL':
      try {
        await context.state.runAs(job.ownerLogin, step.database, step.command, signal);
        return { success: true, message: 'The step succeeded.' };
      } catch (error) {
        return {
          success: false,
          message: `${error instanceof Error ? error.message : String(error)} The step failed.`,
        };
      }
    case 'POWERSHELL':
      return powerShell(context, step);
    default:
      return {
        success: false,
        message: `The ${step.subsystem} subsystem is not available. The step failed.`,
      };
  }
};

const account = (context: SessionContext): string =>
  context.managedInstance ? 'SqlAgent' : 'NT SERVICE\\SQLSERVERAGENT';

const keepLog = (context: SessionContext, step: JobStep, text: string): void => {
  // Flag 8 writes the output to sysjobstepslogs, 16 appends to it, 32 writes all of it to history.
  if ((step.flags & 24) === 0) return;
  const now = context.now();
  const before = (step.flags & 16) === 16 ? (step.log?.text ?? '') : '';
  step.log = { text: before + text, createdAt: step.log?.createdAt ?? now, modifiedAt: now };
};

/** Next step's id after an outcome; undefined ends the job. */
const nextStep = (job: Job, step: JobStep, success: boolean): number | undefined => {
  const action = success ? step.onSuccessAction : step.onFailAction;
  const target = success ? step.onSuccessStep : step.onFailStep;
  if (action === 4) return target;
  if (action !== 3) return undefined;
  return job.steps.find((entry) => entry.stepId > step.stepId)?.stepId;
};

/** Starts a job; it runs on by itself. Each step takes a second of simulated time. */
export const startJob = (context: SessionContext, job: Job, firstStep: number): void => {
  const now = context.now();
  const stop = new AbortController();
  job.running = { startedAt: now, stop, stepId: firstStep };
  job.activity = { runRequestedAt: now, startedAt: now, stoppedAt: undefined };
  void runJob(context, job, firstStep, stop.signal).catch(() =>
    finish(context, job, 3, 'The job was stopped.'),
  );
};

const runJob = async (
  context: SessionContext,
  job: Job,
  firstStep: number,
  signal: AbortSignal,
): Promise<void> => {
  let id: number | undefined = firstStep;
  let last = { success: true, name: '', id: firstStep };
  const visited = new Set<number>();
  while (id !== undefined && !visited.has(id)) {
    visited.add(id);
    const step = job.steps.find((entry) => entry.stepId === id);
    if (step === undefined) break;
    if (job.running !== undefined) job.running.stepId = step.stepId;
    const startedAt = context.now();
    await context.world.clock.sleep(1000, signal);
    const result = await runStep(context, job, step, signal);
    step.lastOutcome = result.success ? 1 : 0;
    step.lastRunAt = startedAt;
    keepLog(context, step, result.message);
    context.state.agent.record({
      jobId: job.jobId,
      stepId: step.stepId,
      stepName: step.name,
      message: `Executed as user: ${account(context)}. ${result.message}`.slice(0, 4000),
      runStatus: result.success ? 1 : 0,
      startedAt,
      durationSeconds: (context.now() - startedAt) / 1000,
      server: context.instance.serverName,
    });
    last = { success: result.success, name: step.name, id: step.stepId };
    // Action 2 ends with failure whatever the step did, 1 with success.
    const action = result.success ? step.onSuccessAction : step.onFailAction;
    if (action === 1) last = { ...last, success: true };
    if (action === 2) last = { ...last, success: false };
    id = nextStep(job, step, result.success);
  }
  finish(
    context,
    job,
    last.success ? 1 : 0,
    `The job ${last.success ? 'succeeded' : 'failed'}.  The Job was invoked by User ${context.loginName}.  The last step to run was step ${last.id} (${last.name}).`,
  );
};

const finish = (context: SessionContext, job: Job, status: number, message: string): void => {
  const startedAt = job.running?.startedAt ?? context.now();
  job.running = undefined;
  if (job.activity !== undefined) job.activity.stoppedAt = context.now();
  context.state.agent.record({
    jobId: job.jobId,
    stepId: 0,
    stepName: '(Job outcome)',
    message,
    runStatus: status,
    startedAt,
    durationSeconds: (context.now() - startedAt) / 1000,
    server: context.instance.serverName,
  });
};
