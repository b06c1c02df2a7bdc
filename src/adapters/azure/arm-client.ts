/** One subscription of Azure Resource Manager through @azure/arm-sql, reduced to: send, and say what came back. */
import { SqlManagementClient } from '@azure/arm-sql';
import type { FullOperationResponse, OperationSpec, RawResponseCallback } from '@azure/core-client';
import { createPipelineRequest, isRestError } from '@azure/core-rest-pipeline';
import type { AzureAccess } from '../../model/inventory';
import type { Clock } from '../../ports/clock';
import { withinTime } from '../time-limit';
import type { Transports } from '../transports';
import type { TokenCredential } from './credential';
import { refusal, toAzureFailure } from './failures';
import { withRetries } from './retrying';
import { connecting } from './trust';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly header: (name: string) => string | undefined;
}

export interface ArmClient {
  /** A request that is tried again while its failure passes by itself (retrying.ts). @throws AzureFailure */
  read(operation: string, spec: OperationSpec, parameters: object, signal?: AbortSignal): Promise<Answer>;
  /** A request that is sent once, whatever happens. @throws AzureFailure */
  change(operation: string, spec: OperationSpec, parameters: object, signal?: AbortSignal): Promise<Answer>;
  /**
   * GET of an absolute URL that Azure gave (next page, operation status), exactly as it came.
   * @throws AzureFailure, also for a URL on a foreign host: the token goes to Azure only.
   */
  follow(operation: string, url: string, signal?: AbortSignal): Promise<Answer>;
}

export interface ArmClientOptions {
  readonly subscriptionId: string;
  readonly azure: AzureAccess;
  readonly credential: TokenCredential;
  readonly clock: Clock;
  /** In place of the network. */
  readonly httpClient?: Transports['httpClient'] | undefined;
}

const PUBLIC_HOST = 'management.azure.com';

/** Clouds whose resource manager is its own token audience; any other endpoint stands in for the public one. */
const CLOUDS = [PUBLIC_HOST, 'management.usgovcloudapi.net', 'management.chinacloudapi.cn'];

/** Of one try. The driver's own `timeout` leaves its timer running after a failure, and does not cover the body (1.25.0). */
const READ_TIMEOUT_MS = 30_000;
/** ARM's own front door gives up after about a minute (inferred); by then it has answered. */
const CHANGE_TIMEOUT_MS = 120_000;

/** @throws Error when the CA file cannot be read. */
export async function createArmClient(options: ArmClientOptions): Promise<ArmClient> {
  const { host } = new URL(options.azure.endpoint);
  const sender: Sender = { client: await createSqlClient(options, host), clock: options.clock };
  return {
    read: (operation, spec, parameters, signal) =>
      withRetries(
        () => send(sender, { operation, spec, parameters, signal, timeoutMs: READ_TIMEOUT_MS }),
        options.clock,
        signal,
      ),
    change: (operation, spec, parameters, signal) =>
      send(sender, { operation, spec, parameters, signal, timeoutMs: CHANGE_TIMEOUT_MS }),
    follow: async (operation, url, signal) => {
      checkHost(operation, url, host);
      return withRetries(() => get(sender, operation, url, signal), options.clock, signal);
    },
  };
}

async function createSqlClient(options: ArmClientOptions, host: string): Promise<SqlManagementClient> {
  const { azure, credential, subscriptionId, httpClient } = options;
  return new SqlManagementClient(credential, subscriptionId, {
    endpoint: azure.endpoint.replace(/\/+$/, ''),
    credentialScopes: `https://${CLOUDS.includes(host) ? host : PUBLIC_HOST}/.default`,
    // The driver would send a PUT or POST again on 5xx and lost connections: whether it took effect, only a look tells.
    retryOptions: { maxRetries: 0 },
    // A redirect could carry the token to another host.
    redirectOptions: { maxRetries: 0 },
    userAgentOptions: { userAgentPrefix: 'sqlferry' },
    ...(httpClient === undefined ? await connecting(azure.caFile) : { httpClient }),
  });
}

interface Sender {
  readonly client: SqlManagementClient;
  readonly clock: Clock;
}

interface Sending {
  readonly operation: string;
  readonly spec: OperationSpec;
  readonly parameters: object;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

async function send({ client, clock }: Sender, sending: Sending): Promise<Answer> {
  const { operation, spec, parameters, signal, timeoutMs } = sending;
  let raw: FullOperationResponse | undefined;
  const onResponse: RawResponseCallback = (response) => {
    raw = response;
  };
  try {
    await withinTime(
      clock,
      timeoutMs,
      ({ signal: abortSignal }) =>
        client.sendOperationRequest({ ...parameters, options: { onResponse, abortSignal } }, spec),
      signal,
    );
  } catch (error) {
    throw failureOf(operation, error, signal, clock);
  }
  if (raw === undefined) throw toAzureFailure(operation, new Error('no answer was seen'), false);
  return toAnswer(raw);
}

async function get(
  { client, clock }: Sender,
  operation: string,
  url: string,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  try {
    const response: FullOperationResponse = await withinTime(
      clock,
      READ_TIMEOUT_MS,
      ({ signal: abortSignal }) =>
        client.sendRequest(createPipelineRequest({ url, method: 'GET', abortSignal })),
      signal,
    );
    // Unlike sendOperationRequest, this does not throw for a refusal.
    if (response.status < 200 || response.status > 299) throw refusalOf(operation, response, clock);
    return toAnswer(response);
  } catch (error) {
    throw failureOf(operation, error, signal, clock);
  }
}

function failureOf(operation: string, error: unknown, signal: AbortSignal | undefined, clock: Clock) {
  if (isRestError(error) && error.response !== undefined) return refusalOf(operation, error.response, clock);
  return toAzureFailure(operation, error, signal?.aborted ?? false);
}

type RefusedResponse = Pick<FullOperationResponse, 'status' | 'headers' | 'bodyAsText'>;

const refusalOf = (operation: string, response: RefusedResponse, clock: Clock) =>
  refusal(
    operation,
    {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      retryAfterMs: response.headers.get('retry-after-ms') ?? response.headers.get('x-ms-retry-after-ms'),
      body: response.bodyAsText ?? undefined,
    },
    clock.now(),
  );

const toAnswer = (response: FullOperationResponse): Answer => ({
  status: response.status,
  body: response.parsedBody,
  header: (name) => response.headers.get(name),
});

function checkHost(operation: string, url: string, host: string): void {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  const isAzure = target?.protocol === 'https:' && (target.host === host || target.host === PUBLIC_HOST);
  if (isAzure) return;
  const where = target === undefined ? 'a URL that is none' : `${target.protocol}//${target.host}`;
  throw toAzureFailure(operation, new Error(`Azure pointed to ${where}; no token is sent there`), false);
}
