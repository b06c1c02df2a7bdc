import type { Client } from '@temporalio/client';
import type { Certificates } from '../client/certificates';
import type { SqlFerry } from '../client/runs';

export interface TemporalOptions {
  readonly address?: string;
  readonly namespace?: string;
  readonly taskQueue?: string;
}

/** Connects to Temporal for one command, and leaves it again. @throws TemporalConnectionFailure */
async function withClient<T>(
  options: TemporalOptions,
  work: (client: Client, namespace: string, taskQueue: string | undefined) => Promise<T>,
): Promise<T> {
  const { connectClient, temporalTarget } = await import('../temporal/connection');
  const target = await temporalTarget({ address: options.address, namespace: options.namespace });
  const client = await connectClient(target);
  try {
    return await work(client, target.namespace, options.taskQueue ?? process.env.SQLFERRY_TASK_QUEUE);
  } finally {
    await client.connection.close();
  }
}

/** As `withClient`, with the migrations. */
export async function withMigrations<T>(
  options: TemporalOptions,
  work: (migrations: SqlFerry, certificates: () => Promise<Certificates>) => Promise<T>,
): Promise<T> {
  const { SqlFerry: Migrations } = await import('../client/runs');
  return withClient(options, (client, namespace, taskQueue) =>
    work(
      new Migrations(client, {
        ...(taskQueue === undefined ? {} : { taskQueue }),
        visibility: async () => {
          const { ensureSearchAttributes } = await import('../temporal/search-attributes');
          return (await ensureSearchAttributes(client.connection, namespace)).usable;
        },
      }),
      async () => new (await import('../client/certificates')).Certificates(client),
    ),
  );
}

/** As `withClient`, with rotations and schedules of certificates. */
export async function withCertificates<T>(
  options: TemporalOptions,
  work: (certificates: Certificates) => Promise<T>,
): Promise<T> {
  const { Certificates: Found } = await import('../client/certificates');
  return withClient(options, (client, _namespace, taskQueue) =>
    work(new Found(client, taskQueue === undefined ? {} : { taskQueue })),
  );
}
