import { DEFAULT_TASK_QUEUE, watchQueueOf } from '../temporal/task-queues';

/** What a worker process does: runs and their steps, what waits for days, or both. */
export type Serves = 'all' | 'steps' | 'watches';

/** Settings of a worker process, from the environment; flags of the command line come first. */
export interface WorkerConfig {
  readonly taskQueue: string;
  /** Directory for what the worker keeps: the key that seals Azure operations. */
  readonly stateDirectory: string;
  /** Where people are told; absent: the worker's log only. */
  readonly notifyWebhook?: string;
  /** Directories whose programs the hooks of a spec may run on this host; absent: none may. */
  readonly commandHookDirectories?: readonly string[];
  readonly serves: Serves;
  /** Steps at a time; watches take none of these slots. */
  readonly maxConcurrentActivities: number;
  /** Watches at a time: each link that stands holds one for good, with `instanceObjects` two. */
  readonly maxConcurrentWatches: number;
  /** Time for activities to finish on shutdown, milliseconds. */
  readonly shutdownGraceMs: number;
  readonly logLevel: 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  /** host:port of the Prometheus endpoint; absent: none. */
  readonly metricsAddress?: string;
}

export class BadWorkerConfig extends Error {
  override readonly name = 'BadWorkerConfig';
}

const SERVES = ['all', 'steps', 'watches'] as const satisfies readonly Serves[];

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const;

/** @throws BadWorkerConfig naming the variable and what it may hold */
export function workerConfig(env: NodeJS.ProcessEnv, overrides: Partial<WorkerConfig> = {}): WorkerConfig {
  const webhook = env.SQLFERRY_NOTIFY_WEBHOOK;
  const metrics = env.SQLFERRY_METRICS_ADDRESS;
  const commands = env.SQLFERRY_COMMAND_HOOKS;
  return {
    taskQueue: env.SQLFERRY_TASK_QUEUE ?? DEFAULT_TASK_QUEUE,
    stateDirectory: stateDirectory(env),
    ...(webhook === undefined ? {} : { notifyWebhook: webhook }),
    ...(commands === undefined || commands === ''
      ? {}
      : { commandHookDirectories: absoluteDirectories('SQLFERRY_COMMAND_HOOKS', commands) }),
    serves: serves(env),
    maxConcurrentActivities: positive(env, 'SQLFERRY_MAX_ACTIVITIES', 500),
    maxConcurrentWatches: positive(env, 'SQLFERRY_MAX_WATCHES', 5_000),
    shutdownGraceMs: positive(env, 'SQLFERRY_SHUTDOWN_GRACE_SECONDS', 30) * 1_000,
    logLevel: level(env),
    ...(metrics === undefined ? {} : { metricsAddress: metrics }),
    ...overrides,
  };
}

/** Names of the task queues that a worker with these settings serves. */
export function servedQueues({
  serves,
  taskQueue,
}: Pick<WorkerConfig, 'serves' | 'taskQueue'>): readonly string[] {
  const watches = watchQueueOf(taskQueue);
  switch (serves) {
    case 'all':
      return [taskQueue, watches];
    case 'steps':
      return [taskQueue];
    case 'watches':
      return [watches];
  }
}

function stateDirectory(env: NodeJS.ProcessEnv): string {
  if (env.SQLFERRY_STATE_DIRECTORY !== undefined) return env.SQLFERRY_STATE_DIRECTORY;
  const base = env.XDG_STATE_HOME ?? `${env.HOME ?? '.'}/.local/state`;
  return `${base}/sqlferry`;
}

/** Separated by colons, as in PATH. */
function absoluteDirectories(name: string, text: string): readonly string[] {
  const directories = text.split(':').filter((directory) => directory !== '');
  const relative = directories.find((directory) => !directory.startsWith('/'));
  if (relative === undefined) return directories;
  throw new BadWorkerConfig(`${name}="${text}" must hold absolute paths; "${relative}" is none`);
}

function positive(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new BadWorkerConfig(`${name}="${text}" must be a whole number above 0`);
}

function serves(env: NodeJS.ProcessEnv): Serves {
  const text = env.SQLFERRY_SERVE ?? 'all';
  const found = SERVES.find((candidate) => candidate === text);
  if (found !== undefined) return found;
  throw new BadWorkerConfig(`SQLFERRY_SERVE="${text}" must be one of ${SERVES.join(', ')}`);
}

function level(env: NodeJS.ProcessEnv): WorkerConfig['logLevel'] {
  const text = (env.SQLFERRY_LOG_LEVEL ?? 'INFO').toUpperCase();
  const found = LEVELS.find((candidate) => candidate === text);
  if (found !== undefined) return found;
  throw new BadWorkerConfig(`SQLFERRY_LOG_LEVEL="${text}" must be one of ${LEVELS.join(', ')}`);
}
