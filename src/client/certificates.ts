/** The typed way into certificate rotations and their schedules, for the command line and for other services. */
import type { Client, ScheduleDescription, ScheduleHandle, WorkflowHandle } from '@temporalio/client';
import type { ResolvedLink } from '../model/link/spec';
import {
  CERTIFICATE_CHECK_WORKFLOW,
  CERTIFICATE_SCHEDULE_PREFIX,
  certificateScheduleId,
  ROTATION_WORKFLOW,
  rotationWorkflowId,
} from '../model/sql-server/certificate-ids';
import { DEFAULT_TASK_QUEUE } from '../temporal/task-queues';
import type { Answer, Request } from '../workflows/run/answers';
import type {
  CertificateCheckInput,
  CertificateCheckResult,
  CertificateRotationInput,
  CertificateRotationResult,
  EndpointSpecs,
} from '../workflows/sql-server/certificate-messages';
import { NoWorkerAnswers, RequestRejected } from './failures';
import { rejection } from './rejections';
import { runFailure } from './run-failure';
import { hasPollers } from './task-queue-pollers';

/** A check that was missed while Temporal was down is made up for within this time; the SDK would take a year. */
const CATCHUP_WINDOW_MS = 2 * 24 * 3_600_000;
/** Handlers only note what is asked, so a worker that lives answers at once. */
const UPDATE_DEADLINE_MS = 10_000;
/** Most links reconnect within seconds; Azure tries for minutes. */
export const DEFAULT_CONNECT_WITHIN_MS = 2 * 60_000;

const LOOK_AT_LOG = 'look at the check in Temporal, and at the log of the worker';

export class RotationRuns extends Error {
  override readonly name = 'RotationRuns';
  constructor(readonly server: string) {
    super(
      `a rotation of the certificate of "${server}" runs already; when it waits for a person: sqlferry certificates resume ${server}, or abort`,
    );
  }
}

export class NoRotationRuns extends Error {
  override readonly name = 'NoRotationRuns';
  constructor(readonly server: string) {
    super(
      `no rotation of the certificate of "${server}" runs; the name is the one of the SQL Server in the inventory`,
    );
  }
}

/** What the newest check that could look found. */
export interface LastCheck {
  /** ISO 8601. */
  readonly checkedAt: string;
  readonly inventory: NonNullable<CertificateCheckResult['inventory']>;
}

/** The schedule that looks at the certificates of a link, and what became of its newest checks. */
export interface CertificateWatch {
  readonly paused: boolean;
  /** Why it is paused, or how it was made. */
  readonly note: string | null;
  readonly nextCheckAt: string | null;
  /** Null while no check has looked, or none is kept any more. */
  readonly last: LastCheck | null;
  /** Why the newest check that is over could not look, or failed; null when it did its work. */
  readonly failure: { readonly at: string; readonly message: string; readonly remedy: string } | null;
}

export class NoSuchSchedule extends Error {
  override readonly name = 'NoSuchSchedule';
  constructor(readonly migration: string) {
    super(`there is no certificate schedule for "${migration}"; sqlferry certificates schedules shows all`);
  }
}

export interface RotateOptions extends EndpointSpecs, Request {
  readonly rotateEndpoint: boolean;
  readonly reimportInstance: boolean;
  readonly connectWithinMs?: number;
}

export interface ScheduleOptions extends EndpointSpecs<ResolvedLink> {
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
  readonly server: string | null;
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

  /**
   * Starts a rotation. Where no worker takes it, nothing is started: it would begin at a time that nobody chose.
   * @throws RotationRuns when the SQL Server has one under way, NoWorkerAnswers
   */
  async rotate(options: RotateOptions): Promise<{ readonly workflowId: string; readonly runId: string }> {
    const { spec, others, by, reason, rotateEndpoint, reimportInstance } = options;
    const { server } = spec.settings;
    const input: CertificateRotationInput = {
      spec,
      others,
      by,
      reason: reason ?? null,
      rotateEndpoint,
      reimportInstance,
      connectWithinMs: options.connectWithinMs ?? DEFAULT_CONNECT_WITHIN_MS,
    };
    if (!(await hasPollers(this.client, this.taskQueue))) {
      throw new NoWorkerAnswers(server, this.taskQueue, undefined, 'nothing was begun; then ask again');
    }
    try {
      const handle = await this.client.workflow.start(ROTATION_WORKFLOW, {
        workflowId: rotationWorkflowId(server),
        taskQueue: this.taskQueue,
        args: [input],
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `certificate of ${server}, asked by ${by}`,
      });
      await this.untilTaken(server, handle);
      return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId };
    } catch (error) {
      if (isNamed(error, 'WorkflowExecutionAlreadyStartedError')) throw new RotationRuns(server);
      throw error;
    }
  }

  /** A worker that died a moment ago is listed still. */
  private async untilTaken(server: string, handle: WorkflowHandle): Promise<void> {
    try {
      await this.client.connection.withDeadline(Date.now() + UPDATE_DEADLINE_MS, () =>
        handle.query('status'),
      );
    } catch (error) {
      const queued = `the rotation is queued and begins then; to withdraw it: temporal workflow cancel --workflow-id ${handle.workflowId}`;
      throw new NoWorkerAnswers(server, this.taskQueue, error, queued);
    }
  }

  /** Waits for the end of a rotation. */
  result(server: string, runId?: string): Promise<CertificateRotationResult> {
    const handle = this.client.workflow.getHandle(rotationWorkflowId(server), runId);
    return handle.result() as Promise<CertificateRotationResult>;
  }

  /** Tries again what a rotation waits for, or ends its pause. @throws NoRotationRuns, NoWorkerAnswers */
  resume(server: string, request: Request): Promise<Answer> {
    return this.update(server, 'resume', request);
  }

  /** Ends a rotation and gives back what it made, as long as that is possible. @throws NoRotationRuns, NoWorkerAnswers */
  abort(server: string, request: Request): Promise<Answer> {
    return this.update(server, 'abort', request);
  }

  /** While a rotation is being undone: leaves by name what does not get through. @throws NoRotationRuns, NoWorkerAnswers */
  leave(server: string, request: Request): Promise<Answer> {
    return this.update(server, 'leaveBehind', request);
  }

  /** What the newest check that could look found. @returns null when there is none, or it is not kept any more */
  async lastCheck(name: string): Promise<LastCheck | null> {
    return (await this.watched(name))?.last ?? null;
  }

  /** What status shows of certificates. @returns null when nobody looks at them regularly */
  async watched(name: string): Promise<CertificateWatch | null> {
    const described = await this.describedSchedule(name);
    if (described === null) return null;
    const { info, state } = described;
    const found = {
      paused: state.paused,
      note: state.note ?? null,
      nextCheckAt: info.nextActionTimes[0]?.toISOString() ?? null,
    };
    let failure: CertificateWatch['failure'] = null;
    for (const { action } of [...info.recentActions].reverse()) {
      const check = await this.endOf(action.workflow);
      if (check === null) continue;
      if ('inventory' in check) return { ...found, last: check, failure };
      failure ??= check;
    }
    return { ...found, last: null, failure };
  }

  private async describedSchedule(name: string): Promise<ScheduleDescription | null> {
    try {
      return await this.client.schedule.getHandle(certificateScheduleId(name)).describe();
    } catch (error) {
      if (isNamed(error, 'ScheduleNotFoundError')) return null;
      throw error;
    }
  }

  /** @returns null while it runs, and when it is not kept any more: Temporal keeps closed workflows for a while only */
  private async endOf(check: {
    readonly workflowId: string;
    readonly firstExecutionRunId: string;
  }): Promise<LastCheck | NonNullable<CertificateWatch['failure']> | null> {
    const handle = this.client.workflow.getHandle(check.workflowId, check.firstExecutionRunId);
    try {
      const { status, closeTime } = await handle.describe();
      if (closeTime === undefined) return null;
      const at = closeTime.toISOString();
      if (status.name !== 'COMPLETED') return { at, ...(await this.failureOf(handle)) };
      const { inventory, failure } = (await handle.result()) as CertificateCheckResult;
      if (inventory !== null) return { checkedAt: inventory.observedAt, inventory };
      return { at, message: failure?.message ?? 'nobody could look', remedy: failure?.remedy ?? LOOK_AT_LOG };
    } catch (error) {
      if (isNamed(error, 'WorkflowNotFoundError')) return null;
      throw error;
    }
  }

  private async failureOf(handle: WorkflowHandle): Promise<{ message: string; remedy: string }> {
    try {
      await handle.result();
    } catch (error) {
      const known = runFailure(error);
      if (known !== undefined) return known;
    }
    return { message: 'the check was ended', remedy: LOOK_AT_LOG };
  }

  private async update(server: string, message: string, request: Request): Promise<Answer> {
    const handle = this.client.workflow.getHandle(rotationWorkflowId(server));
    try {
      return await this.client.connection.withDeadline(Date.now() + UPDATE_DEADLINE_MS, () =>
        handle.executeUpdate<Answer, [Request]>(message, { args: [request] }),
      );
    } catch (error) {
      if (isNamed(error, 'WorkflowUpdateRPCTimeoutOrCancelledError'))
        throw new NoWorkerAnswers(server, this.taskQueue, error, 'then ask again');
      if (isNamed(error, 'WorkflowNotFoundError')) throw new NoRotationRuns(server);
      const reason = rejection(error);
      if (reason !== undefined) throw new RequestRejected(server, reason);
      throw error;
    }
  }

  /** Makes the schedule of a link's certificates, or changes the one that there is; a paused one goes on. */
  async schedule(
    options: ScheduleOptions,
  ): Promise<{ readonly scheduleId: string; readonly changed: boolean }> {
    const { spec, everyMs, rotateBeforeMs } = options;
    const { name, server } = spec.settings;
    const scheduleId = certificateScheduleId(name);
    const parts = {
      spec: { intervals: [{ every: everyMs }] },
      action: this.action(options),
      policies: { overlap: 'SKIP' as const, catchupWindow: CATCHUP_WINDOW_MS, pauseOnFailure: true },
    };
    try {
      const memo = { server, everyMs, rotateBeforeMs };
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
    const input: CertificateCheckInput<ResolvedLink> = {
      spec,
      others,
      rotateBeforeMs,
      connectWithinMs: connectWithinMs ?? DEFAULT_CONNECT_WITHIN_MS,
    };
    return {
      type: 'startWorkflow' as const,
      workflowType: CERTIFICATE_CHECK_WORKFLOW,
      workflowId: certificateScheduleId(spec.settings.name),
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
      server: input?.spec.settings.server ?? null,
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
const checkInput = (args: readonly unknown[] | undefined): CertificateCheckInput<ResolvedLink> | undefined =>
  args?.[0] as CertificateCheckInput<ResolvedLink> | undefined;

/** Why these links do not belong to one endpoint; undefined when they do. */
export function endpointMismatch({ spec, others }: EndpointSpecs<ResolvedLink>): string | undefined {
  const address = ({ server }: ResolvedLink): string => `${server.host}:${server.port}`.toLowerCase();
  const stranger = others.find((other) => address(other) !== address(spec));
  return stranger === undefined
    ? undefined
    : `${stranger.settings.name} has the SQL Server ${address(stranger)}, ${spec.settings.name} has ${address(spec)}`;
}

/** The SDK's classes are compared by name, so that this file loads without the SDK's weight. */
const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;
