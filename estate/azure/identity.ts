/**
 * The simulated Microsoft Entra ID: what `@azure/identity`, `azure-identity` and `azidentity` call to get an
 * app-only token by client secret, and the two metadata endpoints that managed identities use.
 */
import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { HttpRequest, HttpResponse } from './http';
import { type Directory, type Principal, secretMatches } from './principals';
import { sameResource, TOKEN_LIFETIME_SECONDS, type TokenIssuer } from './tokens';

export const AUDIENCES = {
  resourceManager: [
    'https://management.azure.com',
    'https://management.core.windows.net',
    'https://management.usgovcloudapi.net',
  ],
  sql: ['https://database.windows.net'],
} as const;

export interface IdentityOptions {
  readonly directory: Directory;
  readonly tokens: TokenIssuer;
  /** Secret that App Service gives its apps as IDENTITY_HEADER. */
  readonly identityHeader: string;
}

/** OAuth error answer with the AADSTS number that Entra uses for it (Entra error code reference). */
class OAuthError extends Error {
  constructor(
    readonly status: number,
    readonly error: string,
    readonly number: number,
    message: string,
  ) {
    super(message);
  }
}

const TENANT_ALIASES = ['common', 'organizations', 'consumers'];

export class IdentityProvider {
  constructor(private readonly options: IdentityOptions) {}

  /** Answers the request, or undefined when the path belongs to somebody else. */
  handle(request: HttpRequest): HttpResponse | undefined {
    try {
      return this.#route(request);
    } catch (error) {
      if (error instanceof OAuthError) return oauthFailure(error);
      throw error;
    }
  }

  #route(request: HttpRequest): HttpResponse | undefined {
    const path = request.segments.map((segment) => segment.toLowerCase());
    const [first = '', second = '', third = '', fourth = ''] = path;
    if (first === 'metadata' && second === 'identity') return this.#imds(request, `${third}/${fourth}`);
    if (first === 'msi' && second === 'token' && path.length === 2) return this.#appService(request);
    if (first === 'common' && second === 'discovery' && third === 'instance') return discovery(request);
    const rest = path.slice(1).join('/');
    if (rest === 'v2.0/.well-known/openid-configuration' || rest === '.well-known/openid-configuration')
      return this.#configuration(request, first);
    if (rest === 'discovery/v2.0/keys' || rest === 'discovery/keys') return ok(this.options.tokens.jwks());
    if (rest === 'oauth2/v2.0/token') return this.#token(request, first);
    return undefined;
  }

  #configuration(request: HttpRequest, tenant: string): HttpResponse {
    this.#knownTenant(tenant);
    const base = `${request.origin}/${tenant}`;
    return ok({
      token_endpoint: `${base}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_modes_supported: ['query', 'fragment', 'form_post'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      // MSAL checks that the issuer has the authority's own host and tenant.
      issuer: `${base}/v2.0`,
      request_uri_parameter_supported: false,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'tid', 'ver', 'oid', 'appid'],
      tenant_region_scope: 'EU',
      cloud_instance_name: new URL(request.origin).host,
    });
  }

  #knownTenant(tenant: string): void {
    if (TENANT_ALIASES.includes(tenant) || this.options.directory.hasTenant(tenant)) return;
    throw new OAuthError(
      400,
      'invalid_request',
      90002,
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
    );
  }

  #token(request: HttpRequest, tenant: string): HttpResponse {
    if (request.method !== 'POST')
      throw new OAuthError(400, 'invalid_request', 900561, 'The endpoint only accepts POST requests.');
    this.#knownTenant(tenant);
    const form = new URLSearchParams(request.body.toString('utf8'));
    const grant = required(form, 'grant_type');
    if (grant !== 'client_credentials')
      throw new OAuthError(
        400,
        'unsupported_grant_type',
        70003,
        `The app requested an unsupported grant type '${grant}'.`,
      );
    const principal = this.#authenticate(request, form, tenant);
    const resource = requestedResource(required(form, 'scope'), request.origin);
    return ok({
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_SECONDS,
      ext_expires_in: TOKEN_LIFETIME_SECONDS,
      access_token: this.#issue(principal, resource),
    });
  }

  #authenticate(request: HttpRequest, form: URLSearchParams, tenant: string): Principal {
    const basic = basicCredentials(request.headers.authorization);
    const clientId = basic?.id ?? required(form, 'client_id');
    const principal = this.options.directory.application(tenant, clientId);
    if (principal === undefined)
      throw new OAuthError(
        400,
        'unauthorized_client',
        700016,
        `Application with identifier '${clientId}' was not found in the directory '${tenant}'.`,
      );
    // No certificate or federated credential is registered for any application of the estate, so every
    // assertion is one that Entra would not accept.
    if (form.has('client_assertion'))
      throw new OAuthError(
        401,
        'invalid_client',
        700027,
        'Client assertion failed signature validation. The certificate used to sign the assertion is not registered on application.',
      );
    const secret = basic?.secret ?? form.get('client_secret');
    if (secret === null || secret === '')
      throw new OAuthError(
        401,
        'invalid_client',
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
      );
    if (!secretMatches(principal, secret))
      throw new OAuthError(
        401,
        'invalid_client',
        7000215,
        `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
      );
    return principal;
  }

  #issue(principal: Principal, audience: string): string {
    return this.options.tokens.issue({
      audience,
      name: principal.name,
      tenantId: principal.tenantId,
      appId: principal.clientId,
      objectId: principal.objectId,
    });
  }

  /** Instance metadata service of virtual machines: `GET /metadata/identity/oauth2/token`. */
  #imds(request: HttpRequest, endpoint: string): HttpResponse | undefined {
    if (endpoint !== 'oauth2/token') return undefined;
    if (request.headers.metadata?.toString().toLowerCase() !== 'true')
      return metadataError(400, 'invalid_request', 'Required metadata header not specified');
    if (request.query.get('api-version') === undefined)
      return metadataError(400, 'invalid_request', 'Required query variable api-version not specified');
    return this.#managedIdentity(request, (principal, resource, token) => {
      const now = Math.floor(Date.now() / 1000);
      return {
        access_token: token,
        client_id: principal.clientId,
        expires_in: String(TOKEN_LIFETIME_SECONDS),
        expires_on: String(now + TOKEN_LIFETIME_SECONDS),
        ext_expires_in: String(TOKEN_LIFETIME_SECONDS),
        not_before: String(now),
        resource,
        token_type: 'Bearer',
      };
    });
  }

  /** App Service form (IDENTITY_ENDPOINT and IDENTITY_HEADER), api-version 2019-08-01. */
  #appService(request: HttpRequest): HttpResponse {
    const given = Buffer.from(request.headers['x-identity-header']?.toString() ?? '');
    const expected = Buffer.from(this.options.identityHeader);
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      return metadataError(401, 'unauthorized', 'The X-IDENTITY-HEADER is missing or wrong');
    return this.#managedIdentity(request, (principal, resource, token) => ({
      access_token: token,
      expires_on: String(Math.floor(Date.now() / 1000) + TOKEN_LIFETIME_SECONDS),
      resource,
      token_type: 'Bearer',
      client_id: principal.clientId,
    }));
  }

  #managedIdentity(
    request: HttpRequest,
    render: (principal: Principal, resource: string, token: string) => unknown,
  ): HttpResponse {
    if (request.method !== 'GET') return metadataError(405, 'method_not_allowed', 'Only GET is allowed');
    const resource = request.query.get('resource');
    if (resource === undefined)
      return metadataError(400, 'invalid_request', 'Required query variable resource not specified');
    if (!knownResource(resource, request.origin))
      return metadataError(
        400,
        'invalid_resource',
        `AADSTS500011: The resource principal named ${resource} was not found`,
      );
    const id =
      request.query.get('client_id') ?? request.query.get('object_id') ?? request.query.get('principal_id');
    const principal = this.options.directory.managedIdentity(id);
    if (principal === undefined) return metadataError(400, 'invalid_request', 'Identity not found');
    return ok(render(principal, resource, this.#issue(principal, resource)));
  }
}

function requestedResource(scope: string, origin: string): string {
  const scopes = scope
    .split(/\s+/)
    .filter((part) => !['', 'openid', 'profile', 'offline_access'].includes(part));
  const [only] = scopes;
  if (only === undefined || scopes.length !== 1)
    throw new OAuthError(
      400,
      'invalid_scope',
      70011,
      `The provided request must include exactly one resource in 'scope'. The scope ${scope} is not valid.`,
    );
  if (!only.endsWith('/.default'))
    throw new OAuthError(
      400,
      'invalid_scope',
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  // `https://database.windows.net//.default` keeps one slash in the audience, as Entra does.
  const resource = only.slice(0, -'/.default'.length);
  if (knownResource(resource, origin)) return resource;
  throw new OAuthError(
    400,
    'invalid_resource',
    500011,
    `The resource principal named ${resource} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.`,
  );
}

/**
 * The estate's own address counts as a resource manager of its own, as in a custom cloud: SDKs that are only
 * given another endpoint ask for `{endpoint}/.default`.
 */
function knownResource(resource: string, origin: string): boolean {
  return [...AUDIENCES.resourceManager, ...AUDIENCES.sql, origin].some((known) =>
    sameResource(known, resource),
  );
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value !== null && value !== '') return value;
  throw new OAuthError(
    400,
    'invalid_request',
    900144,
    `The request body must contain the following parameter: '${name}'.`,
  );
}

/** MSAL for Go may send the client's id and secret as HTTP basic credentials (RFC 6749 §2.3.1). */
function basicCredentials(header: string | undefined): { id: string; secret: string } | undefined {
  const match = header?.match(/^basic ([a-z0-9+/=]+)$/i);
  if (!match?.[1]) return undefined;
  const [id = '', ...secret] = Buffer.from(match[1], 'base64').toString('utf8').split(':');
  try {
    return { id: decodeURIComponent(id), secret: decodeURIComponent(secret.join(':')) };
  } catch {
    return undefined;
  }
}

function discovery(request: HttpRequest): HttpResponse {
  const authorization = request.query.get('authorization_endpoint') ?? '';
  const { host } = new URL(request.origin);
  const tenant = authorization.match(/^https:\/\/[^/]+\/([^/]+)/)?.[1] ?? 'common';
  return ok({
    tenant_discovery_endpoint: `${request.origin}/${tenant}/v2.0/.well-known/openid-configuration`,
    'api-version': request.query.get('api-version') ?? '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  });
}

const NO_STORE = { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' } as const;

const ok = (body: unknown): HttpResponse => ({ status: 200, headers: NO_STORE, body });

function metadataError(status: number, error: string, description: string): HttpResponse {
  return { status, headers: NO_STORE, body: { error, error_description: description } };
}

function oauthFailure(error: OAuthError): HttpResponse {
  const trace = randomUUID();
  const correlation = randomUUID();
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    status: error.status,
    headers: { ...NO_STORE, 'x-ms-request-id': trace },
    body: {
      error: error.error,
      error_description: `AADSTS${error.number}: ${error.message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
      error_codes: [error.number],
      timestamp,
      trace_id: trace,
      correlation_id: correlation,
      error_uri: `https://login.microsoftonline.com/error?code=${error.number}`,
    },
  };
}

/** A secret for App Service's IDENTITY_HEADER. */
export const newIdentityHeader = (): string => randomBytes(24).toString('hex');
