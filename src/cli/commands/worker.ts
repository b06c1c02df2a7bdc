import type { NativeConnection } from '@temporalio/worker';
import type { TemporalTarget } from '../../temporal/connection';
import type { RunningWorker, WorkerOptions } from '../../worker/run-worker';
import { EXIT, type ExitCode } from '../exit-codes';
import type { Output } from '../output';
import type { TemporalOptions } from '../temporal';

/**
 * Serves its task queues until SIGINT or SIGTERM; activities under way get time to leave a note for the next worker. A
 * Temporal server that does not answer yet is waited for.
 */
export async function worker(output: Output, options: TemporalOptions): Promise<ExitCode> {
  const { servedQueues, workerConfig } = await import('../../worker/config');
  const { installRuntime } = await import('../../worker/runtime');
  const { temporalTarget } = await import('../../temporal/connection');
  const { whenTemporalAnswers } = await import('../../temporal/await-server');
  const log = (line: string): void => output.note(`${new Date().toISOString()} ${line}`);
  const config = workerConfig(
    process.env,
    options.taskQueue === undefined ? {} : { taskQueue: options.taskQueue },
  );
  const target = await temporalTarget({ address: options.address, namespace: options.namespace });
  const stop = new AbortController();
  const asked = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, asked);
  // A runtime of the SDK that never had a worker would keep the process: it comes once there is a server to talk to.
  let isInstalled = false;
  const begun = await whenTemporalAnswers(target, { log, signal: stop.signal }, async () => {
    if (!isInstalled) await installRuntime(config, log);
    isInstalled = true;
    return begin(target, { config, env: process.env, log });
  });
  if (begun === undefined) return EXIT.ok;
  const { running, connection } = begun;
  try {
    stop.signal.addEventListener('abort', () => running.stop(), { once: true });
    if (stop.signal.aborted) running.stop();
    const queues = servedQueues(config);
    output.say(
      `worker ready: ${target.address}, namespace ${target.namespace}, task queue ${queues.join(' and ')}`,
    );
    output.result({
      state: 'ready',
      address: target.address,
      namespace: target.namespace,
      taskQueue: config.taskQueue,
      serves: config.serves,
    });
    await running.done;
    return EXIT.ok;
  } finally {
    await connection.close();
  }
}

/** @throws TemporalConnectionFailure when the server is silent, or does not let it in */
async function begin(
  target: TemporalTarget,
  settings: Pick<WorkerOptions, 'config' | 'env' | 'log'>,
): Promise<{ readonly running: RunningWorker; readonly connection: NativeConnection }> {
  const { connectWorker } = await import('../../temporal/connection');
  const { ensureSearchAttributes } = await import('../../temporal/search-attributes');
  const { startWorker } = await import('../../worker/run-worker');
  const connection = await connectWorker(target);
  try {
    const attributes = await ensureSearchAttributes(connection, target.namespace);
    if (!attributes.usable) settings.log(`runs will carry no search attributes: ${attributes.reason}`);
    const running = await startWorker({ connection, namespace: target.namespace, ...settings });
    return { running, connection };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
