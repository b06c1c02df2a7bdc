/** SQL Server Agent as msdb knows it: jobs, steps, schedules, history. Running them is `agent-runner`'s. */
export interface JobStep {
  readonly stepId: number;
  readonly stepUid: string;
  readonly name: string;
  readonly subsystem: string;
  readonly command: string;
  readonly database: string;
  readonly flags: number;
  /** 1 quit with success, 2 quit with failure, 3 next step, 4 go to step. */
  readonly onSuccessAction: number;
  readonly onSuccessStep: number;
  readonly onFailAction: number;
  readonly onFailStep: number;
  readonly retryAttempts: number;
  lastOutcome: number;
  lastRunAt: number | undefined;
  /** Output kept in sysjobstepslogs (flags 8 and 16 write and append to it). */
  log: { text: string; createdAt: number; modifiedAt: number } | undefined;
}

export interface Job {
  readonly jobId: string;
  name: string;
  enabled: boolean;
  description: string;
  ownerLogin: string;
  category: string;
  startStepId: number;
  readonly createdAt: number;
  modifiedAt: number;
  readonly steps: JobStep[];
  /** Targets added by sp_add_jobserver; without one a job cannot start (14256). */
  servers: string[];
  readonly schedules: Set<number>;
  running: { startedAt: number; stop: AbortController; stepId: number } | undefined;
  activity: { runRequestedAt: number; startedAt: number; stoppedAt: number | undefined } | undefined;
}

export interface JobHistoryRow {
  readonly instanceId: number;
  readonly jobId: string;
  readonly stepId: number;
  readonly stepName: string;
  readonly message: string;
  /** 0 failed, 1 succeeded, 2 retry, 3 cancelled, 4 in progress. */
  readonly runStatus: number;
  readonly startedAt: number;
  readonly durationSeconds: number;
  readonly server: string;
}

export interface Schedule {
  readonly scheduleId: number;
  readonly scheduleUid: string;
  name: string;
  enabled: boolean;
  readonly freqType: number;
  readonly freqInterval: number;
  readonly freqSubdayType: number;
  readonly freqSubdayInterval: number;
  readonly activeStartDate: number;
  readonly activeStartTime: number;
}

export interface Operator {
  readonly id: number;
  readonly name: string;
  readonly email: string | null;
  enabled: boolean;
}

export class AgentState {
  readonly jobs = new Map<string, Job>();
  readonly history: JobHistoryRow[] = [];
  readonly schedules = new Map<number, Schedule>();
  readonly operators = new Map<string, Operator>();
  private nextHistoryId = 1;
  private nextScheduleId = 1;
  private nextOperatorId = 1;

  jobByName(name: string): Job | undefined {
    return [...this.jobs.values()].find((job) => job.name.toLowerCase() === name.toLowerCase());
  }

  jobById(id: string): Job | undefined {
    return this.jobs.get(id.toUpperCase());
  }

  record(row: Omit<JobHistoryRow, 'instanceId'>): void {
    this.history.push({ ...row, instanceId: this.nextHistoryId });
    this.nextHistoryId += 1;
  }

  takeScheduleId(): number {
    this.nextScheduleId += 1;
    return this.nextScheduleId - 1;
  }

  takeOperatorId(): number {
    this.nextOperatorId += 1;
    return this.nextOperatorId - 1;
  }
}
