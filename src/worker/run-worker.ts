/** The worker process: wires adapters to activities and serves the task queue until it is told to stop. */
import type { NativeConnection, Worker } from '@temporalio/worker';
import { createLinkActivities } from '../activities/link/activities';
import { createAroundFailoverActivities } from '../activities/link/around-failover';
import { createCertificateActivities } from '../activities/link/certificates';
import { createInstanceObjectActivities } from '../activities/link/instance-objects';
import { Snapshots } from '../activities/observe/snapshots';
import { type StateKey, stateKeyFrom } from '../adapters/azure';
import { systemClock } from '../adapters/clock';
import { createHooks } from '../adapters/hooks';
import { createNotifier } from '../adapters/notify';
import type { ResolvedLinkMigration } from '../model/link/spec';
import { workflowBundlePath } from '../temporal/package-root';
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
  /** Cache of running workflows; 0 makes every task replay, for tests. */
  readonly maxCachedWorkflows?: number;
}

/** Cancellation reaches an activity with its heartbeat, so heartbeats must not be held back for long. */
const HEARTBEAT_THROTTLE = '1 second';

/** After a worker died, tasks wait this long for it before another one gets them. */
const STICKY_TIMEOUT = '2 seconds';

/** Starts a worker. @throws when the bundle is missing or the server refuses the worker */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { connection, namespace, config, env, log } = options;
  const { Worker: TemporalWorker } = await import('@temporalio/worker');
  const key: StateKey = stateKeyFrom(await stateSecret(env, config.stateDirectory));
  const ports = new LinkPortsPool({ env, clock: systemClock, stateKeys: [key], warn: log });
  const dependencies = {
    openPorts: (spec: ResolvedLinkMigration) => ports.open(spec),
    secrets: (spec: ResolvedLinkMigration) => ports.secrets(spec),
    clock: systemClock,
    snapshots: new Snapshots(systemClock),
    notifier: createNotifier({
      log,
      ...(config.notifyWebhook === undefined ? {} : { webhook: config.notifyWebhook }),
    }),
    hooks: createHooks({
      clock: systemClock,
      commandDirectories: config.commandHookDirectories ?? [],
      path: env.PATH,
    }),
  };
  const activities = {
    ...createLinkActivities(dependencies),
    ...createCertificateActivities(dependencies),
    ...createAroundFailoverActivities(dependencies),
    ...createInstanceObjectActivities(dependencies),
  };
  const worker: Worker = await TemporalWorker.create({
    connection,
    namespace,
    taskQueue: config.taskQueue,
    workflowBundle: { codePath: options.workflowBundle ?? workflowBundlePath() },
    activities,
    maxConcurrentActivityTaskExecutions: config.maxConcurrentActivities,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
    shutdownGraceTime: config.shutdownGraceMs,
    shutdownForceTime: config.shutdownGraceMs + 10_000,
    ...(options.maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows: options.maxCachedWorkflows }),
  });
  const done = worker.run().finally(() => ports.close());
  return {
    done,
    stop: () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}
