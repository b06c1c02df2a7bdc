/**
 * Access tokens of the simulated Microsoft Entra ID: real JWTs, signed RS256 with a key of this server.
 * The SQL side verifies the same tokens for Entra logins (audience https://database.windows.net/).
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from 'node:crypto';

export interface TokenRequest {
  /** Resource the token is for, for example `https://management.azure.com`. */
  readonly audience: string;
  /** Display name: the SQL side shows it as the login's name. */
  readonly name: string;
  readonly tenantId: string;
  readonly appId: string;
  readonly objectId: string;
  /** Seconds until it expires, by the wall clock: SDKs decide about renewal by their own clock. Default 3599. */
  readonly expiresInSeconds?: number;
}

export interface TokenClaims {
  readonly aud: string;
  readonly iss: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly appid: string;
  readonly oid: string;
  readonly sub: string;
  readonly tid: string;
  readonly idtyp: string;
  readonly app_displayname: string;
  readonly ver: string;
  readonly uti: string;
}

export type TokenVerdict =
  | { readonly kind: 'valid'; readonly claims: TokenClaims }
  | {
      readonly kind: 'malformed' | 'bad-signature' | 'not-yet-valid' | 'wrong-audience';
      readonly detail: string;
    }
  | { readonly kind: 'expired'; readonly expiredAt: Date; readonly detail: string };

export interface JsonWebKeySet {
  readonly keys: readonly Record<string, unknown>[];
}

/** Default lifetime of Entra's app-only tokens as its token endpoint states it (`expires_in: 3599`). */
export const TOKEN_LIFETIME_SECONDS = 3599;

/** Allowance for clocks that differ, as Microsoft's own token validation allows (5 minutes). */
const CLOCK_SKEW_SECONDS = 300;

export class TokenIssuer {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #keyId = randomUUID();

  constructor() {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.#privateKey = pair.privateKey;
    this.#publicKey = createPublicKey(pair.publicKey.export({ type: 'spki', format: 'pem' }));
  }

  /** Public keys as served at `jwks_uri`. */
  jwks(): JsonWebKeySet {
    return {
      keys: [{ ...this.#publicKey.export({ format: 'jwk' }), kid: this.#keyId, use: 'sig', alg: 'RS256' }],
    };
  }

  /** @returns a compact JWT. */
  issue(request: TokenRequest): string {
    const now = Math.floor(Date.now() / 1000);
    const claims: TokenClaims = {
      aud: request.audience,
      iss: `https://sts.windows.net/${request.tenantId}/`,
      iat: now,
      nbf: now,
      exp: now + (request.expiresInSeconds ?? TOKEN_LIFETIME_SECONDS),
      appid: request.appId,
      oid: request.objectId,
      sub: request.objectId,
      tid: request.tenantId,
      idtyp: 'app',
      app_displayname: request.name,
      ver: '1.0',
      uti: randomUUID(),
    };
    const signed = `${encode({ typ: 'JWT', alg: 'RS256', kid: this.#keyId })}.${encode(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), this.#privateKey).toString('base64url')}`;
  }

  /**
   * Checks signature, times and audience.
   * @param audiences accepted resources; a trailing slash makes no difference, because SDKs ask for
   *   `https://database.windows.net/.default` and get the resource with or without one.
   */
  verify(token: string, audiences: string | readonly string[]): TokenVerdict {
    const parts = token.split('.');
    const [header, payload, signature] = parts;
    if (parts.length !== 3 || !header || !payload || !signature)
      return { kind: 'malformed', detail: 'not a JWT' };
    const head = decode(header);
    const claims = asClaims(decode(payload));
    if (head === undefined || claims === undefined)
      return { kind: 'malformed', detail: 'not JSON in the JWT' };
    const signedByUs =
      head.alg === 'RS256' &&
      verify(
        'sha256',
        Buffer.from(`${header}.${payload}`),
        this.#publicKey,
        Buffer.from(signature, 'base64url'),
      );
    if (!signedByUs) return { kind: 'bad-signature', detail: 'signature is not of this authority' };
    return judge(claims, typeof audiences === 'string' ? [audiences] : audiences);
  }
}

function judge(claims: TokenClaims, audiences: readonly string[]): TokenVerdict {
  const now = Date.now() / 1000;
  if (claims.exp + CLOCK_SKEW_SECONDS <= now)
    return { kind: 'expired', expiredAt: new Date(claims.exp * 1000), detail: `expired at ${claims.exp}` };
  if (claims.nbf - CLOCK_SKEW_SECONDS > now)
    return { kind: 'not-yet-valid', detail: `valid from ${claims.nbf}` };
  if (!audiences.some((audience) => sameResource(audience, claims.aud)))
    return { kind: 'wrong-audience', detail: claims.aud };
  return { kind: 'valid', claims };
}

/** Resource URIs are the same whatever their case or trailing slashes. */
export function sameResource(left: string, right: string): boolean {
  return bare(left) === bare(right);
}

const bare = (uri: string): string => uri.toLowerCase().replace(/\/+$/, '');

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function asClaims(value: Record<string, unknown> | undefined): TokenClaims | undefined {
  if (value === undefined) return undefined;
  const text = (key: string): string => (typeof value[key] === 'string' ? value[key] : '');
  const number = (key: string): number => (typeof value[key] === 'number' ? value[key] : Number.NaN);
  const claims: TokenClaims = {
    aud: text('aud'),
    iss: text('iss'),
    iat: number('iat'),
    nbf: number('nbf'),
    exp: number('exp'),
    appid: text('appid'),
    oid: text('oid'),
    sub: text('sub'),
    tid: text('tid'),
    idtyp: text('idtyp'),
    app_displayname: text('app_displayname'),
    ver: text('ver'),
    uti: text('uti'),
  };
  return Number.isNaN(claims.exp) || Number.isNaN(claims.nbf) ? undefined : claims;
}
