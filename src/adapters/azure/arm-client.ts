/** One subscription of Azure Resource Manager through @azure/arm-sql, reduced to: send, and say what came back. */
import { SqlManagementClient } from '@azure/arm-sql';
import type { FullOperationResponse, OperationSpec, RawResponseCallback } from '@azure/core-client';
import { createPipelineRequest, isRestError } from '@azure/core-rest-pipeline';
import type { AzureAccess } from '../../model/inventory';
import type { TokenCredential } from './credential';
import { refusal, toAzureFailure } from './failures';
import { trustedAuthorities } from './trust';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly header: (name: string) => string | undefined;
}

export interface ArmClient {
  /** A request with the driver's retries. @throws AzureFailure */
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
  /** Unix milliseconds, for Retry-After dates. */
  readonly now: () => number;
}

const PUBLIC_HOST = 'management.azure.com';

/** Clouds whose resource manager is its own token audience; any other endpoint stands in for the public one. */
const CLOUDS = [PUBLIC_HOST, 'management.usgovcloudapi.net', 'management.chinacloudapi.cn'];

const READ_TIMEOUT_MS = 60_000;
/** ARM's own front door gives up after about a minute (inferred); then at the latest it has answered. */
const CHANGE_TIMEOUT_MS = 120_000;

/** @throws Error when the CA file cannot be read. */
export async function createArmClient(options: ArmClientOptions): Promise<ArmClient> {
  const ca = await trustedAuthorities(options.azure.caFile);
  const { endpoint } = options.azure;
  const { host } = new URL(endpoint);
  const shared = {
    endpoint: endpoint.replace(/\/+$/, ''),
    credentialScopes: `https://${CLOUDS.includes(host) ? host : PUBLIC_HOST}/.default`,
    // A redirect could carry the token to another host.
    redirectOptions: { maxRetries: 0 },
    userAgentOptions: { userAgentPrefix: 'sqlferry' },
    ...(ca === undefined ? {} : { tlsOptions: { ca } }),
  };
  const client = (extra: object): SqlManagementClient =>
    new SqlManagementClient(options.credential, options.subscriptionId, { ...shared, ...extra });
  const reader = client({});
  // The driver would send a PUT or POST again on 5xx and lost connections: whether it took effect, only a look tells.
  const changer = client({ retryOptions: { maxRetries: 0 } });
  return {
    read: (operation, spec, parameters, signal) =>
      send({ client: reader, operation, spec, parameters, signal, timeout: READ_TIMEOUT_MS }, options.now),
    change: (operation, spec, parameters, signal) =>
      send({ client: changer, operation, spec, parameters, signal, timeout: CHANGE_TIMEOUT_MS }, options.now),
    follow: (operation, url, signal) => {
      checkHost(operation, url, host);
      return get(reader, operation, url, options.now, signal);
    },
  };
}

interface Sending {
  readonly client: SqlManagementClient;
  readonly operation: string;
  readonly spec: OperationSpec;
  readonly parameters: object;
  readonly signal: AbortSignal | undefined;
  readonly timeout: number;
}

async function send(sending: Sending, now: () => number): Promise<Answer> {
  const { client, operation, spec, parameters, signal, timeout } = sending;
  let raw: FullOperationResponse | undefined;
  const onResponse: RawResponseCallback = (response) => {
    raw = response;
  };
  const options = { onResponse, requestOptions: { timeout }, ...(signal ? { abortSignal: signal } : {}) };
  try {
    await client.sendOperationRequest({ ...parameters, options }, spec);
  } catch (error) {
    throw failureOf(operation, error, signal, now);
  }
  if (raw === undefined) throw toAzureFailure(operation, new Error('no answer was seen'), false);
  return toAnswer(raw);
}

async function get(
  client: SqlManagementClient,
  operation: string,
  url: string,
  now: () => number,
  signal?: AbortSignal,
): Promise<Answer> {
  const request = createPipelineRequest({
    url,
    method: 'GET',
    timeout: READ_TIMEOUT_MS,
    ...(signal === undefined ? {} : { abortSignal: signal }),
  });
  try {
    const response: FullOperationResponse = await client.sendRequest(request);
    // Unlike sendOperationRequest, this does not throw for a refusal.
    if (response.status < 200 || response.status > 299) throw refusalOf(operation, response, now);
    return toAnswer(response);
  } catch (error) {
    throw failureOf(operation, error, signal, now);
  }
}

function failureOf(operation: string, error: unknown, signal: AbortSignal | undefined, now: () => number) {
  if (isRestError(error) && error.response !== undefined) return refusalOf(operation, error.response, now);
  return toAzureFailure(operation, error, signal?.aborted ?? false);
}

type RefusedResponse = Pick<FullOperationResponse, 'status' | 'headers' | 'bodyAsText'>;

const refusalOf = (operation: string, response: RefusedResponse, now: () => number) =>
  refusal(
    operation,
    {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: response.bodyAsText ?? undefined,
    },
    now(),
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
