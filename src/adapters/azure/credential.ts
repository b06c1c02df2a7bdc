/** Who the worker is for Azure: Entra ID credentials of @azure/identity, for the resource manager, SQL and key vaults. */
import {
  ClientSecretCredential,
  DefaultAzureCredential,
  type GetTokenOptions,
  ManagedIdentityCredential,
  type TokenCredential,
} from '@azure/identity';
import type { AzureAccess } from '../../model/inventory';
import type { Clock } from '../../ports/clock';
import type { SecretsPort } from '../../ports/secrets';
import { withinTime } from '../time-limit';
import type { Transports } from '../transports';
import { toAzureFailure } from './failures';
import { trustedAuthorities } from './trust';

export type { TokenCredential };

export interface CredentialDependencies {
  readonly secrets: SecretsPort;
  readonly clock: Clock;
  /** In place of the network. */
  readonly httpClient?: Transports['httpClient'] | undefined;
}

/**
 * Keep and share it: it caches tokens.
 * @throws SecretFailure when the client secret cannot be read; SettingFailure when the CA file cannot.
 */
export async function createCredential(
  azure: AzureAccess,
  dependencies: CredentialDependencies,
): Promise<TokenCredential> {
  return new PunctualCredential(await openCredential(azure, dependencies), dependencies.clock);
}

async function openCredential(
  azure: AzureAccess,
  { secrets, httpClient }: CredentialDependencies,
): Promise<TokenCredential> {
  const options = {
    ...(await clientOptions(azure)),
    ...(httpClient === undefined ? {} : { httpClient }),
  };
  const { credential } = azure;
  switch (credential.type) {
    case 'default':
      return new DefaultAzureCredential(options);
    case 'managed-identity':
      return credential.clientId === undefined
        ? new ManagedIdentityCredential(options)
        : new ManagedIdentityCredential({ ...options, clientId: credential.clientId });
    case 'client-secret': {
      const { tenantId, clientId, clientSecret } = credential;
      const open = async () =>
        new ClientSecretCredential(tenantId, clientId, await secrets.read(clientSecret), options);
      return new ReopeningCredential(await open(), open);
    }
    default:
      return credential satisfies never;
  }
}

/** Several requests to Entra ID, with the retries of @azure/identity. */
const TOKEN_LIMIT_MS = 30_000;

/**
 * @azure/identity 4 sets no time-out and hears no signal while it asks Entra ID, and the pipeline lets every request wait
 * for the token that is under way: one connection that falls silent would hold up all of Azure for good.
 */
class PunctualCredential implements TokenCredential {
  constructor(
    private readonly inner: TokenCredential,
    private readonly clock: Clock,
  ) {}

  getToken(scopes: string | string[], options: GetTokenOptions = {}) {
    return withinTime(
      this.clock,
      TOKEN_LIMIT_MS,
      ({ signal, isOver }) => {
        const late = new Promise<never>((_, reject) => {
          const stop = (): void => reject(isOver() ? noTokenInTime() : notWanted());
          if (signal.aborted) stop();
          signal.addEventListener('abort', stop, { once: true });
        });
        const asked = this.inner.getToken(scopes, { ...options, abortSignal: signal });
        return Promise.race([asked, late]);
      },
      options.abortSignal as AbortSignal | undefined,
    );
  }
}

/** As what the pipeline itself throws. */
const notWanted = (): Error =>
  Object.assign(new Error('no token is wanted any more'), { name: 'AbortError' });

const noTokenInTime = (): Error =>
  Object.assign(new Error(`Entra ID gave no token within ${TOKEN_LIMIT_MS / 1_000} s`), {
    code: 'ETIMEDOUT',
  });

/** A secret may be rotated while a worker runs for months: after a refusal it is read again. */
class ReopeningCredential implements TokenCredential {
  #current: TokenCredential | undefined;

  constructor(
    first: TokenCredential,
    private readonly open: () => Promise<TokenCredential>,
  ) {
    this.#current = first;
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions) {
    this.#current ??= await this.open();
    const used = this.#current;
    try {
      return await used.getToken(scopes, options);
    } catch (error) {
      if (this.#current === used) this.#current = undefined;
      throw error;
    }
  }
}

async function clientOptions(azure: AzureAccess) {
  const ca = await trustedAuthorities(azure.caFile);
  return {
    ...(ca === undefined ? {} : { tlsOptions: { ca } }),
    ...(azure.authorityHost === undefined
      ? {}
      : // A private authority is not in Microsoft's list of clouds: asking that list would fail, and needs the internet.
        { authorityHost: azure.authorityHost, disableInstanceDiscovery: true }),
  };
}

/** Gives an access token for a scope, for example `https://database.windows.net/.default`. */
export type TokenProvider = (scope: string, signal?: AbortSignal) => Promise<string>;

/** Tokens for SQL logins. Rejects with AzureFailure (`get-token`). */
export function createTokenProvider(credential: TokenCredential): TokenProvider {
  return async (scope, signal) => {
    try {
      const token = await credential.getToken(scope, signal === undefined ? {} : { abortSignal: signal });
      if (token === null) throw new Error(`no token for ${scope}`);
      return token.token;
    } catch (error) {
      throw toAzureFailure('get-token', error, signal?.aborted ?? false);
    }
  };
}
