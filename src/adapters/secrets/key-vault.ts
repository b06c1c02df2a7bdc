/** Azure Key Vault: GET of one secret (data plane REST, api-version 7.4). */
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import type { SecretReference } from '../../model/secret-reference';
import type { Clock } from '../../ports/clock';
import { SecretFailure } from '../../ports/failures';
import { withinTime } from '../time-limit';

export interface KeyVaultOptions {
  /** Asked only when a reference needs it: the credential itself may come from a secret. */
  readonly credential: () => Promise<TokenCredential>;
  /** URL of a vault by name; default https://NAME.vault.azure.net. Sovereign clouds have other suffixes. */
  readonly vaultUrl?: (name: string) => string;
  /** PEM authorities that replace the usual roots. */
  readonly ca?: string;
}

const API_VERSION = '7.4';
const TIMEOUT_MS = 30_000;
const SCOPE = 'https://vault.azure.net/.default';

/** azure-keyvault:VAULT/SECRET or azure-keyvault:VAULT/SECRET/VERSION */
export async function readKeyVault(
  reference: SecretReference,
  place: string,
  options: KeyVaultOptions | undefined,
  clock: Clock,
): Promise<string> {
  if (options === undefined)
    throw new SecretFailure(reference, `${reference}: no Azure credential is set up for key vaults.`);
  const [vault = '', ...path] = place.split('/');
  const base = (options.vaultUrl ?? defaultUrl)(vault);
  const url = `${base}/secrets/${path.map(encodeURIComponent).join('/')}?api-version=${API_VERSION}`;
  const response = await get(reference, url, options, clock);
  if (response.status !== 200) throw new SecretFailure(reference, `${reference}: ${remedy(response, vault)}`);
  return decode(reference, response.bodyAsText);
}

const defaultUrl = (vault: string): string => `https://${vault}.vault.azure.net`;

async function get(
  reference: SecretReference,
  url: string,
  options: KeyVaultOptions,
  clock: Clock,
): Promise<PipelineResponse> {
  try {
    const pipeline = createPipelineFromOptions({
      // A redirect could carry the token to another host.
      redirectOptions: { maxRetries: 0 },
      ...(options.ca === undefined ? {} : { tlsOptions: { ca: options.ca } }),
    });
    pipeline.addPolicy(
      bearerTokenAuthenticationPolicy({ credential: await options.credential(), scopes: SCOPE }),
    );
    return await withinTime(clock, TIMEOUT_MS, ({ signal: abortSignal }) =>
      pipeline.sendRequest(
        createDefaultHttpClient(),
        createPipelineRequest({ url, method: 'GET', abortSignal }),
      ),
    );
  } catch (error) {
    if (error instanceof SecretFailure) throw error;
    throw new SecretFailure(reference, `${reference}: the vault gave no answer (${reason(error)}).`);
  }
}

/** The message may hold the request's headers, so only its code or name is shown. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function remedy(response: PipelineResponse, vault: string): string {
  switch (response.status) {
    case 401:
      return `vault ${vault} does not accept the worker's identity. It must belong to the vault's tenant.`;
    case 403:
      return `the worker's identity may not read secrets of vault ${vault}. Give it the role "Key Vault Secrets User", or let the vault's firewall admit it.`;
    case 404:
      return `vault ${vault} has no such secret, or it is deleted or disabled.`;
    case 429:
      return `vault ${vault} throttles; it is tried again later.`;
    default:
      return `vault ${vault} answered HTTP ${response.status}.`;
  }
}

function decode(reference: SecretReference, body: string | null | undefined): string {
  const value = readValue(body);
  if (typeof value === 'string' && value !== '') return value;
  throw new SecretFailure(reference, `${reference}: the vault's answer holds no value.`);
}

function readValue(body: string | null | undefined): unknown {
  try {
    const parsed: unknown = JSON.parse(body ?? '');
    return typeof parsed === 'object' && parsed !== null && 'value' in parsed ? parsed.value : undefined;
  } catch {
    return undefined;
  }
}
