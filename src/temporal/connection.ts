/**
 * src/temporal: how this product reaches Temporal, and the local dev server where there is none. Settings are those of
 * every Temporal tool (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_..., profiles in
 * temporal.toml). No workflow, no activity and nothing of SQL Server or Azure is known here.
 *
 * The SDK is loaded inside the functions: it takes longer to load than `sqlferry --version` may take.
 */
import type { Client } from '@temporalio/client';
import type { NativeConnection, NativeConnectionOptions } from '@temporalio/worker';

export interface TemporalTarget {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  /** Address, API key, TLS and gRPC metadata: fits Connection.connect and NativeConnection.connect. Holds secrets. */
  readonly connectionOptions: NativeConnectionOptions;
}

export interface TargetOverrides {
  readonly address?: string | undefined;
  readonly namespace?: string | undefined;
  readonly profile?: string | undefined;
}

/** Temporal cannot be reached or does not let us in. The message says what to do. */
export class TemporalConnectionFailure extends Error {
  override readonly name = 'TemporalConnectionFailure';
  constructor(
    readonly address: string,
    readonly namespace: string,
    message: string,
    options?: ErrorOptions,
    /** Nobody answers: it may pass by itself. Otherwise a person must mend something. */
    readonly isSilent = false,
  ) {
    super(message, options);
  }
}

const DEFAULT_ADDRESS = '127.0.0.1:7233';
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Reads where Temporal is: overrides, environment, then the configuration file.
 * @throws TemporalConnectionFailure when the settings contradict each other or a file cannot be read.
 */
export async function temporalTarget(
  overrides: TargetOverrides = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<TemporalTarget> {
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  try {
    const config = loadClientConnectConfig({
      overrideEnvVars: definedOnly(env),
      ...(overrides.profile === undefined ? {} : { profile: overrides.profile }),
    });
    const address = overrides.address ?? config.connectionOptions.address ?? DEFAULT_ADDRESS;
    return {
      address,
      namespace: overrides.namespace ?? config.namespace ?? 'default',
      connectionOptions: { ...config.connectionOptions, address },
    };
  } catch (error) {
    const address = overrides.address ?? env.TEMPORAL_ADDRESS ?? DEFAULT_ADDRESS;
    throw new TemporalConnectionFailure(
      address,
      overrides.namespace ?? 'default',
      `Temporal settings cannot be used: ${messageOf(error)}`,
    );
  }
}

/**
 * A client of the target's namespace; close with `client.connection.close()`.
 * @param connectTimeout milliseconds
 * @throws TemporalConnectionFailure
 */
export async function connectClient(
  target: TemporalTarget,
  connectTimeout = CONNECT_TIMEOUT_MS,
): Promise<Client> {
  const { Client: TemporalClient, Connection } = await import('@temporalio/client');
  // Lazy: `connect` gives up without closing its channel, which would then go on trying.
  const connection = Connection.lazy({ ...target.connectionOptions, connectTimeout });
  try {
    await connection.ensureConnected();
    return new TemporalClient({ connection, namespace: target.namespace });
  } catch (error) {
    await connection.close();
    throw explain(target, error);
  }
}

/** The connection that a worker needs. @throws TemporalConnectionFailure */
export async function connectWorker(target: TemporalTarget): Promise<NativeConnection> {
  const { NativeConnection: Native } = await import('@temporalio/worker');
  try {
    return await Native.connect(target.connectionOptions);
  } catch (error) {
    throw explain(target, error);
  }
}

/** Turns an error of the SDK into one sentence with a remedy. */
export function explain(target: TemporalTarget, error: unknown): TemporalConnectionFailure {
  const text = messageOf(error);
  const known = remedyOf(target, text);
  return new TemporalConnectionFailure(
    target.address,
    target.namespace,
    `Temporal at ${target.address}: ${known ?? noAnswer(text)}`,
    { cause: error },
    known === undefined,
  );
}

/** @returns what a person must mend; undefined when nobody answers */
function remedyOf(target: TemporalTarget, text: string): string | undefined {
  if (/unauthenticated|api ?key|jwt/i.test(text))
    return 'the credentials were refused. Check TEMPORAL_API_KEY, or the certificate in TEMPORAL_TLS_CLIENT_CERT_PATH.';
  if (/permission ?denied/i.test(text))
    return `no permission for namespace "${target.namespace}". Ask its owner, or set TEMPORAL_NAMESPACE to another one.`;
  if (/namespace.*not found/i.test(text))
    return `there is no namespace "${target.namespace}". Create it, or set TEMPORAL_NAMESPACE.`;
  if (/certificate|handshake|tls|ssl/i.test(text))
    return `the TLS connection failed (${firstLine(text)}). Check TEMPORAL_TLS and the TEMPORAL_TLS_... settings.`;
  return undefined;
}

const noAnswer = (text: string): string =>
  `no answer (${firstLine(text)}). Is it running? Set TEMPORAL_ADDRESS, or start one with "temporal server start-dev".`;

const firstLine = (text: string): string => text.split('\n')[0]?.trim() ?? '';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}
