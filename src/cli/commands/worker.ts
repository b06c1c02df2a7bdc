import { EXIT, type ExitCode } from '../exit-codes';
import type { Output } from '../output';
import type { TemporalOptions } from '../temporal';

/** Serves its task queues until SIGINT or SIGTERM; activities under way get time to leave a note for the next worker. */
export async function worker(output: Output, options: TemporalOptions): Promise<ExitCode> {
  const { servedQueues, workerConfig } = await import('../../worker/config');
  const { installRuntime } = await import('../../worker/runtime');
  const { startWorker } = await import('../../worker/run-worker');
  const { connectWorker, temporalTarget } = await import('../../temporal/connection');
  const { ensureSearchAttributes } = await import('../../temporal/search-attributes');
  const log = (line: string): void => output.note(`${new Date().toISOString()} ${line}`);
  const config = workerConfig(
    process.env,
    options.taskQueue === undefined ? {} : { taskQueue: options.taskQueue },
  );
  await installRuntime(config, log);
  const target = await temporalTarget({ address: options.address, namespace: options.namespace });
  const connection = await connectWorker(target);
  try {
    const attributes = await ensureSearchAttributes(connection, target.namespace);
    if (!attributes.usable) log(`runs will carry no search attributes: ${attributes.reason}`);
    const running = await startWorker({
      connection,
      namespace: target.namespace,
      config,
      env: process.env,
      log,
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => running.stop());
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
