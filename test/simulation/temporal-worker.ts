/**
 * A worker process: the product's activities on its real adapters, run by the SDK's own class of an activity, with
 * heartbeats that reach the service over the simulated network. Whatever it remembers dies with it.
 */
import {
  ActivityCancellationDetails,
  defaultFailureConverter,
  defaultPayloadConverter,
  noopMetricMeter,
  type Payload,
  SdkComponent,
} from '@temporalio/common';
import { LoggerWithComposedMetadata } from '@temporalio/common/lib/logger';
import type { coresdk } from '@temporalio/proto';
import { DefaultLogger } from '@temporalio/worker';
import { Activity } from '@temporalio/worker/lib/activity';
import type { ActivityTask, HeartbeatAnswer } from './activity-task';
import type { TemporalService } from './temporal-service';
import type { Party, Scheduled } from './virtual-time';

export type ActivityResult = coresdk.activity_result.IActivityExecutionResult;

export interface ActivityAttempt {
  readonly task: ActivityTask;
  readonly attempt: number;
  readonly input: readonly Payload[];
  readonly info: {
    readonly activityId: string;
    readonly activityType: string;
    readonly taskQueue: string;
    readonly workflowType: string;
    readonly workflowExecution: { readonly workflowId: string; readonly runId: string };
    readonly heartbeatTimeoutMs: number | undefined;
    readonly heartbeatDetails: unknown;
    readonly scheduledTimestampMs: number;
    readonly currentAttemptScheduledTimestampMs: number;
    readonly startToCloseTimeoutMs: number;
    readonly scheduleToCloseTimeoutMs: number;
  };
}

export type ActivityFunction = (input: never) => Promise<unknown>;

const NAMESPACE = 'default';
/** As the worker of the product: `HEARTBEAT_THROTTLE` in src/worker/run-worker.ts. */
const THROTTLE_MS = 1_000;
const SHARE_OF_TIMEOUT = 0.8;

const CONVERTERS = {
  payloadConverter: defaultPayloadConverter,
  payloadCodecs: [],
  failureConverter: defaultFailureConverter,
};
const QUIET = LoggerWithComposedMetadata.compose(new DefaultLogger('ERROR'), {
  sdkComponent: SdkComponent.worker,
});

export class TemporalWorker {
  private readonly running = new Map<string, RunningActivity>();

  constructor(
    readonly party: Party,
    readonly queues: ReadonlySet<string>,
    private readonly activities: Readonly<Record<string, ActivityFunction>>,
    private readonly service: TemporalService,
  ) {}

  startActivity(attempt: ActivityAttempt): void {
    const fn = this.activities[attempt.info.activityType];
    if (fn === undefined) throw new Error(`no worker has the activity ${attempt.info.activityType}`);
    const running = new RunningActivity(this, this.service, attempt, fn);
    this.running.set(running.token, running);
    void running.run().finally(() => this.running.delete(running.token));
  }
}

class RunningActivity {
  readonly token: string;
  private readonly activity: Activity;
  private throttled: Scheduled | undefined;
  private latest: { readonly details: unknown } | undefined;
  private hasEnded = false;

  constructor(
    private readonly worker: TemporalWorker,
    private readonly service: TemporalService,
    private readonly attempt: ActivityAttempt,
    fn: ActivityFunction,
  ) {
    const { info } = attempt;
    this.token = `${info.workflowExecution.runId}/${info.activityId}/${attempt.attempt}`;
    this.activity = new Activity(
      {
        ...info,
        heartbeatDetails: decoded(info.heartbeatDetails),
        attempt: attempt.attempt,
        isLocal: false,
        taskToken: Buffer.from(this.token),
        base64TaskToken: Buffer.from(this.token).toString('base64'),
        activityNamespace: NAMESPACE,
        workflowNamespace: NAMESPACE,
        namespace: NAMESPACE,
        priority: undefined,
        retryPolicy: undefined,
        activityRunId: undefined,
        inWorkflow: true,
      } as unknown as ConstructorParameters<typeof Activity>[0],
      fn as ConstructorParameters<typeof Activity>[1],
      CONVERTERS,
      {
        type: 'activity',
        namespace: NAMESPACE,
        activityId: info.activityId,
        workflowId: info.workflowExecution.workflowId,
        isLocal: false,
      },
      undefined,
      (details: unknown) => this.heartbeat(details),
      undefined,
      QUIET,
      noopMetricMeter,
      [],
    );
  }

  async run(): Promise<void> {
    const args = this.attempt.input.map((payload) => defaultPayloadConverter.fromPayload(payload));
    const result = await this.activity.run({ args, headers: {} });
    this.hasEnded = true;
    this.throttled?.cancel();
    const { task, attempt } = this.attempt;
    // As the SDK: an attempt that fails gets its last heartbeat through before its failure.
    const last = result.completed ? undefined : this.latest;
    this.service.fromWorker(this.worker, () =>
      task.finish(attempt, result, last === undefined ? undefined : last.details),
    );
  }

  /** The first goes out at once, later ones when the throttle lets them; only the newest is worth sending. */
  private heartbeat(details: unknown): void {
    if (this.hasEnded) return;
    this.latest = { details: defaultPayloadConverter.toPayload(details) };
    if (this.throttled === undefined) this.flush();
  }

  private flush(): void {
    const { latest } = this;
    if (latest === undefined || this.hasEnded) {
      this.throttled = undefined;
      return;
    }
    this.latest = undefined;
    const limit = this.attempt.info.heartbeatTimeoutMs;
    const pause = Math.min(THROTTLE_MS, limit === undefined ? THROTTLE_MS : limit * SHARE_OF_TIMEOUT);
    this.throttled = this.service.time.schedule(this.worker.party, pause, () => this.flush());
    const { task, attempt } = this.attempt;
    this.service.fromWorker(this.worker, () => {
      const answer = task.heartbeat(attempt, latest.details);
      this.service.toWorker(this.worker, () => this.heard(answer));
    });
  }

  private heard({ cancelRequested, notFound }: HeartbeatAnswer): void {
    if (this.hasEnded) return;
    if (notFound) this.activity.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));
    else if (cancelRequested) {
      this.activity.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
    }
  }
}

const decoded = (payload: unknown): unknown =>
  payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload as Payload);
