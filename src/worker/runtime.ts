import type { WorkerConfig } from './config';

/**
 * Sets up the SDK's runtime: must come before anything else of the worker, and only once in a process. Lines of the
 * SDK go where ours go.
 */
export async function installRuntime(config: WorkerConfig, log: (line: string) => void): Promise<void> {
  const { DefaultLogger, makeTelemetryFilterString, Runtime } = await import('@temporalio/worker');
  Runtime.install({
    logger: new DefaultLogger(config.logLevel, ({ level, message, meta }) => {
      const details = meta === undefined ? '' : ` ${JSON.stringify(meta, shortErrors)}`;
      log(`${level} ${message}${details}`);
    }),
    shutdownSignals: [],
    telemetryOptions: {
      logging: {
        filter: makeTelemetryFilterString({
          core: config.logLevel === 'DEBUG' ? 'INFO' : 'ERROR',
          other: 'ERROR',
        }),
        forward: {},
      },
      ...(config.metricsAddress === undefined
        ? {}
        : { metrics: { prometheus: { bindAddress: config.metricsAddress } } }),
    },
  });
}

/** An Error has no enumerable properties: JSON alone would print {}. */
function shortErrors(_key: string, value: unknown): unknown {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === 'bigint' ? value.toString() : value;
}
