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
  /** Minutes. */
  readonly retryInterval: number;
  readonly successCode: number;
  readonly priority: number;
  readonly outputFile: string | null;
  readonly additionalParameters: string | null;
  readonly databaseUser: string | null;
  readonly proxyId: number | null;
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
  /** When the event log or an operator is told: 0 never, 1 on success, 2 on failure, 3 always. */
  notifyEventLog: number;
  notifyEmail: number;
  /** 0 = nobody. */
  emailOperatorId: number;
  deleteLevel: number;
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
  readonly freqRelativeInterval: number;
  readonly freqRecurrenceFactor: number;
  readonly activeStartDate: number;
  readonly activeEndDate: number;
  readonly activeStartTime: number;
  readonly activeEndTime: number;
}

export interface Operator {
  readonly id: number;
  readonly name: string;
  readonly email: string | null;
  enabled: boolean;
}

/** Of jobs; alerts and operators have classes of their own, which are not simulated. */
export interface Category {
  readonly id: number;
  readonly name: string;
}

export interface Proxy {
  readonly id: number;
  readonly name: string;
  readonly credential: string;
  readonly enabled: boolean;
}

/** What every installation has; those of replication are left out. */
const builtInCategories: readonly Category[] = [
  { id: 0, name: '[Uncategorized (Local)]' },
  { id: 1, name: 'Jobs from MSX' },
  { id: 2, name: '[Uncategorized (Multi-Server)]' },
  { id: 3, name: 'Database Maintenance' },
  { id: 4, name: 'Web Assistant' },
  { id: 5, name: 'Full-Text' },
  { id: 6, name: 'Log Shipping' },
  { id: 7, name: 'Database Engine Tuning Advisor' },
  { id: 8, name: 'Data Collector' },
];

/** User-defined categories begin here (sp_add_category). */
const firstOwnCategory = 100;

export class AgentState {
  readonly jobs = new Map<string, Job>();
  readonly history: JobHistoryRow[] = [];
  readonly schedules = new Map<number, Schedule>();
  readonly operators = new Map<string, Operator>();
  readonly proxies = new Map<string, Proxy>();
  /** Profiles of Database Mail by lower-case name. */
  readonly mailProfiles = new Map<string, { readonly id: number; readonly name: string }>();
  categories: readonly Category[] = builtInCategories;
  private nextHistoryId = 1;
  private nextScheduleId = 1;
  private nextOperatorId = 1;

  jobByName(name: string): Job | undefined {
    return [...this.jobs.values()].find((job) => job.name.toLowerCase() === name.toLowerCase());
  }

  jobById(id: string): Job | undefined {
    return this.jobs.get(id.toUpperCase());
  }

  category(name: string): Category | undefined {
    return this.categories.find((entry) => entry.name.toLowerCase() === name.toLowerCase());
  }

  addCategory(name: string): void {
    const id = Math.max(firstOwnCategory - 1, ...this.categories.map((entry) => entry.id)) + 1;
    this.categories = [...this.categories, { id, name }];
  }

  /** True for what an installation brings along. */
  isBuiltIn(name: string): boolean {
    return builtInCategories.some((entry) => entry.name.toLowerCase() === name.toLowerCase());
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
