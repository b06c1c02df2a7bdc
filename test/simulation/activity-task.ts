/** One activity as the Temporal service holds it: its attempts, their time-outs, its retries, its cancellation. */
import { defaultPayloadConverter } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time';
import { type coresdk, temporal } from '@temporalio/proto';
import type { Job } from '../support/workflow-sandbox';
import type { TemporalService } from './temporal-service';
import type { ActivityAttempt, ActivityResult, TemporalWorker } from './temporal-worker';
import type { Scheduled } from './virtual-time';
import type { WorkflowExecution } from './workflow-execution';

type Failure = temporal.api.failure.v1.IFailure;
type ScheduleActivity = coresdk.workflow_commands.IScheduleActivity;
const { RetryState, TimeoutType } = temporal.api.enums.v1;

/** Of ActivityCancellationType: the workflow hears only when the activity has stopped. */
const WAIT_CANCELLATION_COMPLETED = 1;
/** Asks again for a worker that has a place free. */
const NO_WORKER_MS = 1_000;
const DEFAULT_INITIAL_MS = 1_000;
const LONGEST_IN_INITIALS = 100;

export interface HeartbeatAnswer {
  readonly cancelRequested: boolean;
  /** The attempt is none any more: it timed out, or the workflow is over. */
  readonly notFound: boolean;
}

export class ActivityTask {
  readonly type: string;
  readonly queue: string;
  attempt = 1;
  /** The worker that has the attempt, as far as the service knows. */
  worker: TemporalWorker | undefined;
  isClosed = false;
  private isCancelRequested = false;
  private details: unknown[] = [];
  private lastFailure: Failure | undefined;
  private readonly firstScheduledAt: number;
  private scheduledAt: number;
  private timers: Scheduled[] = [];
  private heartbeatTimer: Scheduled | undefined;

  constructor(
    private readonly service: TemporalService,
    readonly execution: WorkflowExecution,
    readonly command: ScheduleActivity,
  ) {
    this.type = command.activityType ?? '';
    this.queue = command.taskQueue ?? '';
    this.what = this.describeInput();
    this.firstScheduledAt = service.time.now;
    this.scheduledAt = this.firstScheduledAt;
  }

  get seq(): number {
    return this.command.seq ?? 0;
  }

  /** What it does, in a few words: its type, and the step where it performs one. */
  readonly what: string;

  private describeInput(): string {
    const [payload] = this.command.arguments ?? [];
    const input: unknown = payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
    const { stepId } = (input ?? {}) as { stepId?: unknown };
    return typeof stepId === 'string' ? `${this.type} ${stepId}` : this.type;
  }

  /** To be called once: the activity is due. */
  start(): void {
    const limit = durationOf(this.command.scheduleToCloseTimeout);
    if (limit !== undefined) this.after(limit, () => this.timeOut('SCHEDULE_TO_CLOSE'), 'whole');
    this.offer();
  }

  private readonly whole: Scheduled[] = [];

  private after(ms: number, run: () => void, span: 'attempt' | 'whole'): void {
    const timer = this.service.time.schedule(this.service.party, ms, run);
    (span === 'whole' ? this.whole : this.timers).push(timer);
  }

  /** Looks for a worker that takes the attempt. */
  private offer(): void {
    if (this.isClosed) return;
    const worker = this.service.workerOf(this.queue);
    if (worker === undefined) {
      this.after(NO_WORKER_MS, () => this.offer(), 'attempt');
      return;
    }
    this.worker = worker;
    const limit = durationOf(this.command.startToCloseTimeout);
    if (limit !== undefined) this.after(limit, () => this.timeOut('START_TO_CLOSE'), 'attempt');
    this.watchHeartbeat();
    const task = this.describe();
    this.service.toWorker(worker, () => worker.startActivity(task));
    this.service.noteAttempt(this, worker);
  }

  private describe(): ActivityAttempt {
    const { command, execution, attempt } = this;
    return {
      task: this,
      attempt,
      input: command.arguments ?? [],
      info: {
        activityId: command.activityId ?? String(this.seq),
        activityType: this.type,
        taskQueue: this.queue,
        workflowType: execution.info.workflowType,
        workflowExecution: { workflowId: execution.info.workflowId, runId: execution.info.runId },
        heartbeatTimeoutMs: durationOf(command.heartbeatTimeout),
        heartbeatDetails: this.details[0],
        scheduledTimestampMs: this.firstScheduledAt,
        currentAttemptScheduledTimestampMs: this.scheduledAt,
        startToCloseTimeoutMs: durationOf(command.startToCloseTimeout) ?? 0,
        scheduleToCloseTimeoutMs: durationOf(command.scheduleToCloseTimeout) ?? 0,
      },
    };
  }

  private watchHeartbeat(): void {
    this.heartbeatTimer?.cancel();
    const limit = durationOf(this.command.heartbeatTimeout);
    if (limit === undefined || limit === 0) return;
    this.heartbeatTimer = this.service.time.schedule(this.service.party, limit, () =>
      this.timeOut('HEARTBEAT'),
    );
  }

  heartbeat(attempt: number, details: unknown): HeartbeatAnswer {
    if (this.isClosed || attempt !== this.attempt || this.worker === undefined) {
      return { cancelRequested: false, notFound: true };
    }
    this.details = [details];
    this.watchHeartbeat();
    return { cancelRequested: this.isCancelRequested, notFound: false };
  }

  /** The attempt has ended, as its worker says. Nothing is heard of an attempt that is none any more. */
  finish(attempt: number, result: ActivityResult, lastDetails?: unknown): void {
    if (this.isClosed || attempt !== this.attempt || this.worker === undefined) return;
    if (lastDetails !== undefined) this.details = [lastDetails];
    this.service.noteAttemptEnd(this, outcomeOf(result));
    this.endAttempt();
    if (result.completed) this.close({ completed: { result: result.completed.result ?? null } });
    else if (result.cancelled) this.closeCancelled(result.cancelled.failure ?? {});
    else this.retryOrFail(result.failed?.failure ?? {});
  }

  requestCancel(): void {
    if (this.isClosed) return;
    this.isCancelRequested = true;
    const isWaitedFor = Number(this.command.cancellationType) === WAIT_CANCELLATION_COMPLETED;
    if (!isWaitedFor || this.worker === undefined) this.closeCancelled({ canceledFailureInfo: {} });
  }

  /** The workflow is over: what its attempt says is heard no more. */
  abandon(): void {
    this.isClosed = true;
    this.endAttempt();
    for (const timer of this.whole) timer.cancel();
  }

  private timeOut(kind: 'HEARTBEAT' | 'START_TO_CLOSE' | 'SCHEDULE_TO_CLOSE'): void {
    if (this.isClosed) return;
    const timeoutType = TimeoutType[`TIMEOUT_TYPE_${kind}`];
    const failure: Failure = {
      message: `activity ${kind} timeout`,
      source: 'Server',
      timeoutFailureInfo: {
        timeoutType,
        ...(this.details.length === 0
          ? {}
          : { lastHeartbeatDetails: { payloads: this.details as object[] } }),
      },
      ...(kind === 'SCHEDULE_TO_CLOSE' && this.lastFailure ? { cause: this.lastFailure } : {}),
    };
    this.service.noteAttemptEnd(this, `${kind} time-out`);
    this.endAttempt();
    if (kind === 'SCHEDULE_TO_CLOSE') this.closeFailed(failure, RetryState.RETRY_STATE_TIMEOUT);
    else this.retryOrFail(failure);
  }

  private endAttempt(): void {
    for (const timer of this.timers) timer.cancel();
    this.timers = [];
    this.heartbeatTimer?.cancel();
    this.worker = undefined;
  }

  private retryOrFail(failure: Failure): void {
    const verdict = this.mayRetry(failure);
    if (verdict !== undefined) {
      this.closeFailed(failure, verdict);
      return;
    }
    const wait = this.pauseBefore(failure);
    const limit = durationOf(this.command.scheduleToCloseTimeout);
    if (limit !== undefined && this.service.time.now + wait - this.firstScheduledAt >= limit) {
      this.closeFailed(failure, RetryState.RETRY_STATE_TIMEOUT);
      return;
    }
    this.lastFailure = failure;
    this.attempt += 1;
    this.scheduledAt = this.service.time.now + wait;
    this.after(wait, () => this.offer(), 'attempt');
  }

  /** @returns why not; undefined: another attempt is due */
  private mayRetry(failure: Failure): temporal.api.enums.v1.RetryState | undefined {
    const { maximumAttempts, nonRetryableErrorTypes } = this.command.retryPolicy ?? {};
    const application = failure.applicationFailureInfo;
    if (this.isCancelRequested) return RetryState.RETRY_STATE_CANCEL_REQUESTED;
    if (application?.nonRetryable || nonRetryableErrorTypes?.includes(application?.type ?? '')) {
      return RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE;
    }
    if (maximumAttempts && this.attempt >= maximumAttempts)
      return RetryState.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED;
    return undefined;
  }

  private pauseBefore(failure: Failure): number {
    const next = durationOf(failure.applicationFailureInfo?.nextRetryDelay);
    if (next !== undefined && next > 0) return next;
    const policy = this.command.retryPolicy ?? {};
    const initial = durationOf(policy.initialInterval) ?? DEFAULT_INITIAL_MS;
    const longest = durationOf(policy.maximumInterval) || initial * LONGEST_IN_INITIALS;
    return Math.min(initial * (policy.backoffCoefficient || 2) ** (this.attempt - 1), longest);
  }

  private closeFailed(failure: Failure, retryState: temporal.api.enums.v1.RetryState): void {
    this.close({ failed: { failure: this.wrapped('activity failed', failure, retryState) } });
  }

  private closeCancelled(failure: Failure): void {
    const state = RetryState.RETRY_STATE_CANCEL_REQUESTED;
    this.close({ cancelled: { failure: this.wrapped('activity cancelled', failure, state) } });
  }

  private wrapped(message: string, cause: Failure, retryState: temporal.api.enums.v1.RetryState): Failure {
    return {
      message,
      cause,
      activityFailureInfo: {
        activityId: this.command.activityId ?? '',
        activityType: { name: this.type },
        identity: 'simulation',
        retryState,
      },
    };
  }

  private close(result: NonNullable<Job['resolveActivity']>['result']): void {
    this.isClosed = true;
    this.endAttempt();
    for (const timer of this.whole) timer.cancel();
    this.service.activityClosed(this, result ?? {});
  }
}

const outcomeOf = ({ completed, cancelled, failed }: ActivityResult): string => {
  if (completed) return 'completed';
  if (cancelled) return 'cancelled';
  return `failed: ${failed?.failure?.applicationFailureInfo?.type ?? ''} ${failed?.failure?.message ?? ''}`;
};

const durationOf = (duration: Parameters<typeof tsToMs>[0]): number | undefined =>
  duration === null || duration === undefined ? undefined : tsToMs(duration);
