import type { LinkMigrations } from '../client/link-migrations';

export interface TemporalOptions {
  readonly address?: string;
  readonly namespace?: string;
  readonly taskQueue?: string;
}

/** Connects to Temporal for one command, and leaves it again. @throws TemporalConnectionFailure */
export async function withMigrations<T>(
  options: TemporalOptions,
  work: (migrations: LinkMigrations) => Promise<T>,
): Promise<T> {
  const { connectClient, temporalTarget } = await import('../temporal/connection');
  const { LinkMigrations: Migrations } = await import('../client/link-migrations');
  const target = await temporalTarget({ address: options.address, namespace: options.namespace });
  const client = await connectClient(target);
  try {
    const taskQueue = options.taskQueue ?? process.env.SQLFERRY_TASK_QUEUE;
    return await work(
      new Migrations(client, {
        ...(taskQueue === undefined ? {} : { taskQueue }),
        visibility: async () => {
          const { ensureSearchAttributes } = await import('../temporal/search-attributes');
          return (await ensureSearchAttributes(client.connection, target.namespace)).usable;
        },
      }),
    );
  } finally {
    await client.connection.close();
  }
}
