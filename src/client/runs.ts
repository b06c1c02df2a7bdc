/**
 * The typed way into link migrations, for the command line and for other services. One function per intention; each
 * knows the workflow's id, its conflict policy and its search attributes, so that nobody else has to.
 */

import type { Client, WorkflowExecutionInfo, WorkflowHandle } from '@temporalio/client';
import type { ResolvedLink } from '../model/link/spec';
import type { PreflightReport } from '../model/run/check';
import type { JournalEntry } from '../model/run/journal';
import type { CutoverSchedule } from '../model/run/settings';
import { databaseKey, instanceKey, phaseKey, topologyKey } from '../temporal/search-attribute-keys';
import { DEFAULT_TASK_QUEUE } from '../temporal/task-queues';
import type { MigrationResult } from '../workflows/link/migration-result';
import type { LinkStatus } from '../workflows/link/status';
import type { Answer, Request } from '../workflows/run/answers';
import type { StatusAsked } from '../workflows/run/as-of';
import type { DrillRequest } from '../workflows/run/drill-messages';
import type { ApproveRequest } from '../workflows/run/messages';
import type { ChangeSpecRequest, FailoverRequest, RepairRequest } from '../workflows/run/standing-messages';
import type { StandingResult } from '../workflows/run/standing-run';
import {
  NoSuchRun,
  NoWorkerAnswers,
  RequestRejected,
  RunCannotAnswer,
  RunIsOver,
  StillRunning,
} from './failures';
import { type PendingWork, pendingWork } from './pending-work';
import { queryFailure, rejection } from './rejections';
import { type RunFailure, runFailure } from './run-failure';
import { type ListedOutcome, runOutcomes } from './run-outcomes';
import { unservedQueues } from './task-queues';

const WORKFLOW_TYPES = { migration: 'linkMigration', 'disaster-recovery': 'disasterRecoveryLink' } as const;
const PREFIX = 'sqlferry-';
/** A query needs a worker; without one nobody shall wait long. */
const QUERY_DEADLINE_MS = 5_000;
/** Handlers only note what is asked, so a worker that lives answers at once. */
const UPDATE_DEADLINE_MS = 10_000;

export interface SqlFerryOptions {
  readonly taskQueue?: string;
  /** Tells whether the search attributes are registered on the server; asked only by `start`. */
  readonly visibility: () => Promise<boolean>;
  /** Begin a new history after this many events; for tests and very small servers. */
  readonly maxHistoryEvents?: number;
}

export interface StartedRun {
  readonly name: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** How a run ended, by what kind of run it was. */
export type RunResult =
  | (MigrationResult & { readonly workflowType: typeof WORKFLOW_TYPES.migration })
  | (StandingResult & { readonly workflowType: (typeof WORKFLOW_TYPES)['disaster-recovery'] });

/** Status together with what the pending activities tell in their heartbeats. */
export interface RunView {
  readonly status: LinkStatus;
  /**
   * The time by which all of it was judged, ISO 8601: this machine's, and never before the newest time of Temporal's that
   * came with it, which a clock that is behind would make ages out of that are too small.
   */
  readonly asOf: string;
  readonly pending: readonly PendingWork[];
  /** Task queues of the run that no worker takes work of, while some waits; absent where there are none. */
  readonly unserved?: readonly string[];
  readonly workflowId: string;
  readonly runId: string;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly historyEvents: number;
}

export interface ListedRun {
  readonly name: string;
  readonly workflowId: string;
  readonly temporalStatus: string;
  /** How the run itself says that it ended; `running` while it does, null when it cannot be told any more. */
  readonly outcome: ListedOutcome | null;
  readonly database: string | null;
  readonly instance: string | null;
  readonly phase: string | null;
  readonly startedAt: string;
  readonly closedAt: string | null;
}

/** Each run once: a history that another one follows is no run of its own. */
const LIST_QUERY = `(${Object.values(WORKFLOW_TYPES)
  .map((type) => `WorkflowType = "${type}"`)
  .join(' OR ')}) AND ExecutionStatus != "ContinuedAsNew"`;

export const runWorkflowId = (name: string): string => `${PREFIX}${name}`;

export class SqlFerry {
  constructor(
    private readonly client: Client,
    private readonly options: SqlFerryOptions,
  ) {}

  /** Starts a migration. @throws StillRunning when one of this name runs already. */
  async start(spec: ResolvedLink): Promise<StartedRun> {
    const { settings } = spec;
    const workflowId = runWorkflowId(settings.name);
    const { maxHistoryEvents } = this.options;
    const visibility = await this.options.visibility();
    try {
      const handle = await this.client.workflow.start(WORKFLOW_TYPES[settings.purpose], {
        workflowId,
        taskQueue: this.options.taskQueue ?? DEFAULT_TASK_QUEUE,
        args: [{ spec, visibility, ...(maxHistoryEvents === undefined ? {} : { maxHistoryEvents }) }],
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `${settings.database}: ${settings.server} → ${settings.instance}`,
        staticDetails: `Link migration **${settings.name}** of database ${settings.database}`,
        ...(visibility
          ? {
              typedSearchAttributes: [
                { key: databaseKey, value: settings.database },
                { key: instanceKey, value: settings.instance },
                { key: topologyKey, value: 'link' },
                { key: phaseKey, value: 'preflight' },
              ],
            }
          : {}),
      });
      return { name: settings.name, workflowId, runId: handle.firstExecutionRunId };
    } catch (error) {
      if (isNamed(error, 'WorkflowExecutionAlreadyStartedError')) throw new StillRunning(settings.name);
      throw error;
    }
  }

  /** @throws NoSuchMigration, NoWorkerAnswers */
  async view(name: string): Promise<RunView> {
    const handle = this.handle(name);
    const now = new Date().toISOString();
    const [description, status] = await Promise.all([
      this.named(name, () => handle.describe()),
      this.query<LinkStatus, [StatusAsked]>(name, 'status', { now }),
    ]);
    const activities = description.raw.pendingActivities ?? [];
    const unserved = await unservedQueues(this.client, description.taskQueue, activities);
    const pending = await pendingWork(this.client, activities);
    return {
      status,
      asOf: latest([now, status.asOf, ...pending.map(({ toldAt }) => toldAt)]),
      ...(unserved.length === 0 ? {} : { unserved }),
      pending,
      workflowId: description.workflowId,
      runId: description.runId,
      startedAt: description.startTime.toISOString(),
      closedAt: description.closeTime?.toISOString() ?? null,
      historyEvents: description.historyLength,
    };
  }

  journal(name: string): Promise<readonly JournalEntry[]> {
    return this.query<readonly JournalEntry[]>(name, 'journal');
  }

  /** Report of the checks before the run changed anything; null while there is none. */
  preflight(name: string): Promise<PreflightReport | null> {
    return this.query<PreflightReport | null>(name, 'preflight');
  }

  /** Why a run failed; undefined when it did not. */
  async failure(name: string): Promise<RunFailure | undefined> {
    try {
      await this.result(name);
      return undefined;
    } catch (error) {
      const failure = runFailure(error);
      if (failure === undefined) throw error;
      return failure;
    }
  }

  async list(): Promise<readonly ListedRun[]> {
    const infos: WorkflowExecutionInfo[] = [];
    for await (const info of this.client.workflow.list({ query: LIST_QUERY })) infos.push(info);
    const outcomes = await runOutcomes(this.client, infos);
    return infos.map((info, index) => ({
      name: info.workflowId.startsWith(PREFIX) ? info.workflowId.slice(PREFIX.length) : info.workflowId,
      workflowId: info.workflowId,
      temporalStatus: info.status.name,
      outcome: outcomes[index] ?? null,
      database: info.typedSearchAttributes.get(databaseKey) ?? null,
      instance: info.typedSearchAttributes.get(instanceKey) ?? null,
      phase: info.typedSearchAttributes.get(phaseKey) ?? null,
      startedAt: info.startTime.toISOString(),
      closedAt: info.closeTime?.toISOString() ?? null,
    }));
  }

  approve = (name: string, request: ApproveRequest): Promise<Answer> => this.update(name, 'approve', request);
  pause = (name: string, request: Request): Promise<Answer> => this.update(name, 'pause', request);
  resume = (name: string, request: Request): Promise<Answer> => this.update(name, 'resume', request);
  abort = (name: string, request: Request): Promise<Answer> => this.update(name, 'abort', request);
  /** While a run is being undone: leaves by name what does not get through. */
  leave = (name: string, request: Request): Promise<Answer> => this.update(name, 'leaveBehind', request);

  /** @param until ISO 8601 time with offset */
  postpone(name: string, request: Request & { readonly until: string }): Promise<Answer> {
    return this.update(name, 'postpone', request);
  }

  changeSchedule(name: string, request: Request & { readonly schedule: CutoverSchedule }): Promise<Answer> {
    return this.update(name, 'changeSchedule', request);
  }

  /** Only of a link for disaster recovery, as are all that follow. */
  drill(name: string, request: DrillRequest): Promise<Answer> {
    return this.update(name, 'drill', request);
  }

  failover(name: string, request: FailoverRequest): Promise<Answer> {
    return this.update(name, 'failover', request);
  }

  repair(name: string, request: RepairRequest): Promise<Answer> {
    return this.update(name, 'repair', request);
  }

  /** The spec in force: the one that the run was started with, until it is changed. */
  spec = (name: string): Promise<ResolvedLink> => this.query<ResolvedLink>(name, 'spec');

  changeSpec = (name: string, request: ChangeSpecRequest): Promise<Answer> =>
    this.update(name, 'changeSpec', request);

  remove = (name: string, request: Request): Promise<Answer> => this.update(name, 'remove', request);

  /** Waits for the end, across new histories. Rejects with WorkflowFailedError when the run failed. */
  result(name: string): Promise<RunResult> {
    return this.named(name, async () => {
      const handle = this.handle(name);
      const { type } = await handle.describe();
      return resultOf(type, await handle.result());
    });
  }

  handle(name: string): WorkflowHandle {
    return this.client.workflow.getHandle(runWorkflowId(name));
  }

  /** @throws NoSuchMigration, RunIsOver, RequestRejected, NoWorkerAnswers */
  private update(name: string, message: string, request: Request): Promise<Answer> {
    return this.named(name, async () => {
      try {
        return await this.client.connection.withDeadline(Date.now() + UPDATE_DEADLINE_MS, () =>
          this.handle(name).executeUpdate<Answer, [Request]>(message, { args: [request] }),
        );
      } catch (error) {
        if (isNamed(error, 'WorkflowUpdateRPCTimeoutOrCancelledError')) throw this.notTaken(name, error);
        const reason = rejection(error);
        if (reason !== undefined) throw new RequestRejected(name, reason);
        if (!isNamed(error, 'WorkflowNotFoundError')) throw error;
        // Temporal calls a run that is over not found, too.
        await this.handle(name).describe();
        throw new RunIsOver(name);
      }
    });
  }

  private notTaken(name: string, error: unknown): NoWorkerAnswers {
    const taskQueue = this.options.taskQueue ?? DEFAULT_TASK_QUEUE;
    return new NoWorkerAnswers(name, taskQueue, error, 'then look at the status, and ask again if need be');
  }

  private query<T, Args extends unknown[] = []>(name: string, query: string, ...args: Args): Promise<T> {
    return this.named(name, async () => {
      try {
        return await this.client.connection.withDeadline(Date.now() + QUERY_DEADLINE_MS, () =>
          this.handle(name).query<T, Args>(query, ...args),
        );
      } catch (error) {
        if (isNamed(error, 'WorkflowNotFoundError')) throw error;
        const reason = queryFailure(error);
        if (reason !== undefined) throw new RunCannotAnswer(name, reason);
        throw new NoWorkerAnswers(name, this.options.taskQueue ?? DEFAULT_TASK_QUEUE, error);
      }
    });
  }

  private async named<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isNamed(error, 'WorkflowNotFoundError')) throw new NoSuchRun(name);
      throw error;
    }
  }
}

/** Times as ISO 8601 with Z, which their text orders. */
const latest = (times: readonly (string | null | undefined)[]): string =>
  times.reduce<string>((newest, time) => (time != null && time > newest ? time : newest), '');

/** The results are what the workflows of these types return. */
function resultOf(type: string, result: unknown): RunResult {
  switch (type) {
    case WORKFLOW_TYPES.migration:
      return { ...(result as MigrationResult), workflowType: type };
    case WORKFLOW_TYPES['disaster-recovery']:
      return { ...(result as StandingResult), workflowType: type };
    default:
      throw new Error(`${type} is no workflow of a link`);
  }
}

/** The SDK's classes are compared by name, so that this file loads without the SDK's weight. */
const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;
