/** The typed way into certificate rotations and their schedules, for the command line and for other services. */
import type { Client, ScheduleHandle } from '@temporalio/client';
import {
  CERTIFICATE_CHECK_WORKFLOW,
  CERTIFICATE_SCHEDULE_PREFIX,
  certificateScheduleId,
  ROTATION_WORKFLOW,
  rotationWorkflowId,
} from '../model/link/certificate-ids';
import type { ResolvedLinkMigration } from '../model/link/spec';
import { DEFAULT_TASK_QUEUE } from '../temporal/task-queues';
import type {
  CertificateCheckInput,
  CertificateCheckResult,
  CertificateRotationInput,
  CertificateRotationResult,
  EndpointLinks,
} from '../workflows/link/certificate-messages';
import type { Answer, Request } from '../workflows/messages';
import { NoWorkerAnswers } from './failures';

/** A check that was missed while Temporal was down is made up for within this time; the SDK would take a year. */
const CATCHUP_WINDOW_MS = 2 * 24 * 3_600_000;
/** Handlers only note what is asked, so a worker that lives answers at once. */
const UPDATE_DEADLINE_MS = 10_000;
/** Most links reconnect within seconds; Azure tries for minutes. */
export const DEFAULT_CONNECT_WITHIN_MS = 2 * 60_000;

export class RotationRuns extends Error {
  override readonly name = 'RotationRuns';
  constructor(readonly source: string) {
    super(
      `a rotation of the certificate of "${source}" runs already; when it waits for a person: sqlferry certificates resume ${source}, or abort`,
    );
  }
}

export class NoRotationRuns extends Error {
  override readonly name = 'NoRotationRuns';
  constructor(readonly source: string) {
    super(
      `no rotation of the certificate of "${source}" runs; the name is the one of the SQL Server in the inventory`,
    );
  }
}

/** What the newest check of a schedule found. */
export interface LastCheck {
  /** ISO 8601. */
  readonly checkedAt: string;
  readonly inventory: CertificateCheckResult['inventory'];
}

export class NoSuchSchedule extends Error {
  override readonly name = 'NoSuchSchedule';
  constructor(readonly migration: string) {
    super(`there is no certificate schedule for "${migration}"; sqlferry certificates schedules shows all`);
  }
}

export interface RotateOptions extends EndpointLinks, Request {
  readonly rotateEndpoint: boolean;
  readonly reimportInstance: boolean;
  readonly connectWithinMs?: number;
}

export interface ScheduleOptions extends EndpointLinks {
  /** Time between two checks, milliseconds. */
  readonly everyMs: number;
  /** Rotate when less time than this is left, milliseconds; null: only tell. */
  readonly rotateBeforeMs: number | null;
  readonly connectWithinMs?: number;
}

export interface ListedSchedule {
  readonly name: string;
  readonly scheduleId: string;
  readonly paused: boolean;
  /** Why it is paused, or how it was made. */
  readonly note: string | null;
  readonly source: string | null;
  readonly everyMs: number | null;
  readonly rotateBeforeMs: number | null;
  readonly lastCheckAt: string | null;
  readonly nextCheckAt: string | null;
}

export class Certificates {
  constructor(
    private readonly client: Client,
    private readonly options: { readonly taskQueue?: string } = {},
  ) {}

  /** Starts a rotation. @throws RotationRuns when the source has one under way */
  async rotate(options: RotateOptions): Promise<{ readonly workflowId: string; readonly runId: string }> {
    const { spec, others, by, reason, rotateEndpoint, reimportInstance } = options;
    const { source } = spec.migration;
    const input: CertificateRotationInput = {
      spec,
      others,
      by,
      reason: reason ?? null,
      rotateEndpoint,
      reimportInstance,
      connectWithinMs: options.connectWithinMs ?? DEFAULT_CONNECT_WITHIN_MS,
    };
    try {
      const handle = await this.client.workflow.start(ROTATION_WORKFLOW, {
        workflowId: rotationWorkflowId(source),
        taskQueue: this.taskQueue,
        args: [input],
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `certificate of ${source}, asked by ${by}`,
      });
      return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId };
    } catch (error) {
      if (isNamed(error, 'WorkflowExecutionAlreadyStartedError')) throw new RotationRuns(source);
      throw error;
    }
  }

  /** Waits for the end of a rotation. */
  result(source: string, runId?: string): Promise<CertificateRotationResult> {
    const handle = this.client.workflow.getHandle(rotationWorkflowId(source), runId);
    return handle.result() as Promise<CertificateRotationResult>;
  }

  /** Tries again what a rotation waits for, or ends its pause. @throws NoRotationRuns, NoWorkerAnswers */
  resume(source: string, request: Request): Promise<Answer> {
    return this.update(source, 'resume', request);
  }

  /** Ends a rotation and gives back what it made, as long as that is possible. @throws NoRotationRuns, NoWorkerAnswers */
  abort(source: string, request: Request): Promise<Answer> {
    return this.update(source, 'abort', request);
  }

  /**
   * What the newest check that came to its end found; what status shows of certificates.
   * @returns null when nobody looks at them regularly, or no check is kept any more
   */
  async lastCheck(name: string): Promise<LastCheck | null> {
    const checks = await this.checksOf(name);
    for (const { workflowId, runId } of checks) {
      const handle = this.client.workflow.getHandle(workflowId, runId);
      try {
        const { status, closeTime } = await handle.describe();
        if (status.name !== 'COMPLETED' || closeTime === undefined) continue;
        const { inventory } = (await handle.result()) as CertificateCheckResult;
        return { checkedAt: inventory.observedAt, inventory };
      } catch (error) {
        // Temporal keeps closed workflows for a while only.
        if (!isNamed(error, 'WorkflowNotFoundError')) throw error;
      }
    }
    return null;
  }

  /** The newest first. */
  private async checksOf(name: string): Promise<readonly { workflowId: string; runId: string }[]> {
    try {
      const { info } = await this.client.schedule.getHandle(certificateScheduleId(name)).describe();
      return info.recentActions
        .map(({ action }) => ({
          workflowId: action.workflow.workflowId,
          runId: action.workflow.firstExecutionRunId,
        }))
        .reverse();
    } catch (error) {
      if (isNamed(error, 'ScheduleNotFoundError')) return [];
      throw error;
    }
  }

  private async update(source: string, message: string, request: Request): Promise<Answer> {
    const handle = this.client.workflow.getHandle(rotationWorkflowId(source));
    try {
      return await this.client.connection.withDeadline(Date.now() + UPDATE_DEADLINE_MS, () =>
        handle.executeUpdate<Answer, [Request]>(message, { args: [request] }),
      );
    } catch (error) {
      if (isNamed(error, 'WorkflowUpdateRPCTimeoutOrCancelledError'))
        throw new NoWorkerAnswers(source, this.taskQueue, error, 'then ask again');
      if (isNamed(error, 'WorkflowNotFoundError')) throw new NoRotationRuns(source);
      throw error;
    }
  }

  /** Makes the schedule of a link's certificates, or changes the one that there is; a paused one goes on. */
  async schedule(
    options: ScheduleOptions,
  ): Promise<{ readonly scheduleId: string; readonly changed: boolean }> {
    const { spec, everyMs, rotateBeforeMs } = options;
    const { name, source } = spec.migration;
    const scheduleId = certificateScheduleId(name);
    const parts = {
      spec: { intervals: [{ every: everyMs }] },
      action: this.action(options),
      policies: { overlap: 'SKIP' as const, catchupWindow: CATCHUP_WINDOW_MS, pauseOnFailure: true },
    };
    try {
      const memo = { source, everyMs, rotateBeforeMs };
      await this.client.schedule.create({ scheduleId, ...parts, memo });
      return { scheduleId, changed: false };
    } catch (error) {
      if (!isNamed(error, 'ScheduleAlreadyRunning')) throw error;
    }
    await this.client.schedule
      .getHandle(scheduleId)
      .update((current) => ({ ...parts, state: { ...current.state, paused: false } }));
    return { scheduleId, changed: true };
  }

  async schedules(): Promise<readonly ListedSchedule[]> {
    const found: ListedSchedule[] = [];
    for await (const { scheduleId } of this.client.schedule.list()) {
      if (scheduleId.startsWith(CERTIFICATE_SCHEDULE_PREFIX)) found.push(await this.describe(scheduleId));
    }
    return found;
  }

  /** @throws NoSuchSchedule */
  async unschedule(name: string): Promise<void> {
    await this.named(name, (handle) => handle.delete());
  }

  /** Checks now, whatever the interval. @throws NoSuchSchedule */
  async checkNow(name: string): Promise<void> {
    await this.named(name, (handle) => handle.trigger('SKIP'));
  }

  private get taskQueue(): string {
    return this.options.taskQueue ?? DEFAULT_TASK_QUEUE;
  }

  private action({ spec, others, rotateBeforeMs, connectWithinMs }: ScheduleOptions) {
    const input: CertificateCheckInput = {
      spec,
      others,
      rotateBeforeMs,
      connectWithinMs: connectWithinMs ?? DEFAULT_CONNECT_WITHIN_MS,
    };
    return {
      type: 'startWorkflow' as const,
      workflowType: CERTIFICATE_CHECK_WORKFLOW,
      workflowId: certificateScheduleId(spec.migration.name),
      taskQueue: this.taskQueue,
      args: [input],
    };
  }

  /** The list of the server lags behind what was just made; a description does not. */
  private async describe(scheduleId: string): Promise<ListedSchedule> {
    const { action, spec, state, info } = await this.client.schedule.getHandle(scheduleId).describe();
    const input = action.type === 'startWorkflow' ? checkInput(action.args) : undefined;
    const [interval] = spec.intervals ?? [];
    return {
      name: scheduleId.slice(CERTIFICATE_SCHEDULE_PREFIX.length),
      scheduleId,
      paused: state.paused,
      note: state.note ?? null,
      source: input?.spec.migration.source ?? null,
      everyMs: interval?.every ?? null,
      rotateBeforeMs: input?.rotateBeforeMs ?? null,
      lastCheckAt: info.recentActions.at(-1)?.takenAt.toISOString() ?? null,
      nextCheckAt: info.nextActionTimes[0]?.toISOString() ?? null,
    };
  }

  private async named(name: string, work: (handle: ScheduleHandle) => Promise<void>): Promise<void> {
    try {
      await work(this.client.schedule.getHandle(certificateScheduleId(name)));
    } catch (error) {
      if (isNamed(error, 'ScheduleNotFoundError')) throw new NoSuchSchedule(name);
      throw error;
    }
  }
}

/** Written by `schedule` above. */
const checkInput = (args: readonly unknown[] | undefined): CertificateCheckInput | undefined =>
  args?.[0] as CertificateCheckInput | undefined;

/** Why these links do not belong to one endpoint; undefined when they do. */
export function endpointMismatch({ spec, others }: EndpointLinks): string | undefined {
  const address = ({ source }: ResolvedLinkMigration): string =>
    `${source.host}:${source.port}`.toLowerCase();
  const stranger = others.find((other) => address(other) !== address(spec));
  return stranger === undefined
    ? undefined
    : `${stranger.migration.name} has the source ${address(stranger)}, ${spec.migration.name} has ${address(spec)}`;
}

/** The SDK's classes are compared by name, so that this file loads without the SDK's weight. */
const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;
