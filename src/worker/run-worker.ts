/** The worker process: wires adapters to activities and serves its task queues until it is told to stop. */
import type { NativeConnection, WorkerOptions as SdkWorkerOptions, Worker } from '@temporalio/worker';
import { Snapshots } from '../activities/run/snapshots';
import { type StateKey, stateKeyFrom } from '../adapters/azure';
import { systemClock } from '../adapters/clock';
import { createHooks } from '../adapters/hooks';
import { createNotifier } from '../adapters/notify';
import type { Clock } from '../ports/clock';
import { workflowBundlePath } from '../temporal/package-root';
import { watchQueueOf } from '../temporal/task-queues';
import { createActivities } from './activities';
import type { WorkerConfig } from './config';
import { LinkPortsPool } from './link-ports';
import { stateSecret } from './state-key';

export interface RunningWorker {
  /** Resolves when the worker has ended, after `stop` or a signal. */
  readonly done: Promise<void>;
  stop(): void;
}

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly config: WorkerConfig;
  readonly env: NodeJS.ProcessEnv;
  /** One line of the log. */
  readonly log: (line: string) => void;
  /** Prebuilt workflow code; by default the one beside the compiled sources. */
  readonly workflowBundle?: string;
  /** Time of what this worker changes and watches; by default the system's. */
  readonly clock?: Clock;
  /** Cache of running workflows; 0 makes every task replay, for tests. */
  readonly maxCachedWorkflows?: number;
}

type QueueOptions = Partial<SdkWorkerOptions> & Pick<SdkWorkerOptions, 'taskQueue'>;

/** Cancellation reaches an activity with its heartbeat, so heartbeats must not be held back for long. */
const HEARTBEAT_THROTTLE = '1 second';

/** After a worker died, tasks wait this long for it before another one gets them. */
const STICKY_TIMEOUT = '2 seconds';

/**
 * Starts a worker. Activities and adapters live in the time of `clock`: every pause, deadline and age. What is agreed with
 * the Temporal server keeps to the system's clock, whatever `clock` does: heartbeats and how long they may be held back,
 * the timers and times of workflows, the grace of a stop. The drivers' own timers (connecting, idle connections) are real
 * as well.
 * @throws when the bundle is missing or the server refuses the worker
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { connection, namespace, config, env, log, clock = systemClock } = options;
  const key: StateKey = stateKeyFrom(await stateSecret(env, config.stateDirectory));
  const ports = new LinkPortsPool({ env, clock, stateKeys: [key], warn: log });
  const activities = createActivities(
    { link: { openPorts: (spec) => ports.open(spec), secrets: (spec) => ports.secrets(spec) } },
    {
      clock,
      temporalClock: systemClock,
      snapshots: new Snapshots(clock),
      notifier: createNotifier({
        clock,
        log,
        ...(config.notifyWebhook === undefined ? {} : { webhook: config.notifyWebhook }),
      }),
      hooks: createHooks({
        clock,
        commandDirectories: config.commandHookDirectories ?? [],
        path: env.PATH,
      }),
    },
  );
  const workers = await createWorkers(
    queuesOf(options).map((queue) => ({
      connection,
      namespace,
      activities,
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
      shutdownGraceTime: config.shutdownGraceMs,
      shutdownForceTime: config.shutdownGraceMs + 10_000,
      ...queue,
    })),
  );
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return { done: untilAllEnded(workers, stop).finally(() => ports.close()), stop };
}

/** A worker of the SDK for each task queue: only the first kind runs workflows, which are asked for there alone. */
function queuesOf({ config, ...options }: WorkerOptions): readonly QueueOptions[] {
  const steps: QueueOptions = {
    taskQueue: config.taskQueue,
    workflowBundle: { codePath: options.workflowBundle ?? workflowBundlePath() },
    maxConcurrentActivityTaskExecutions: config.maxConcurrentActivities,
    stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
    ...(options.maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows: options.maxCachedWorkflows }),
  };
  const watches: QueueOptions = {
    taskQueue: watchQueueOf(config.taskQueue),
    maxConcurrentActivityTaskExecutions: config.maxConcurrentWatches,
  };
  switch (config.serves) {
    case 'all':
      return [steps, watches];
    case 'steps':
      return [steps];
    case 'watches':
      return [watches];
  }
}

/** All or none: a worker that was made and never run would hold the connection for ever. */
async function createWorkers(all: readonly SdkWorkerOptions[]): Promise<readonly Worker[]> {
  const { Worker: TemporalWorker } = await import('@temporalio/worker');
  const made: Worker[] = [];
  try {
    for (const options of all) made.push(await TemporalWorker.create(options));
    return made;
  } catch (error) {
    await Promise.allSettled(made.map((worker) => worker.runUntil(Promise.resolve())));
    throw error;
  }
}

/** When one ends, however it does, the others are stopped. @throws the first failure, once all have ended */
async function untilAllEnded(workers: readonly Worker[], stop: () => void): Promise<void> {
  const ended = await Promise.allSettled(workers.map((worker) => worker.run().finally(stop)));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
