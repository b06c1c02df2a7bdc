/** Entra ID as its clients see it: the real @azure/identity and raw requests. No world is needed for it. */
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity';
import {
  type AzureEndpoint,
  AzureServer,
  DEFAULT_PRINCIPALS,
  DEFAULT_TENANT,
} from '../../../estate/azure/server';
import type { EstateParts } from '../../../estate/world/world';
import { type RawResponse, rawRequest } from './raw';

const [application, identity] = DEFAULT_PRINCIPALS;
const noFaults = { matchArm: () => undefined };

let server: AzureServer;
let azure: AzureEndpoint;

beforeAll(async () => {
  server = new AzureServer({ world: { faults: noFaults } as unknown as EstateParts });
  azure = await server.listen(0);
});
afterAll(() => server.close());

const claims = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

function tokenRequest(
  form: Record<string, string>,
  tenant = DEFAULT_TENANT,
  headers: Record<string, string> = {},
): Promise<RawResponse> {
  return rawRequest(azure, 'POST', `/${tenant}/oauth2/v2.0/token`, {
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  });
}

const good = {
  grant_type: 'client_credentials',
  client_id: application.clientId,
  client_secret: application.clientSecret ?? '',
  scope: 'https://management.azure.com/.default',
};

describe('token endpoint', () => {
  test('the real ClientSecretCredential gets a token that the SQL side accepts', async () => {
    const credential = new ClientSecretCredential(DEFAULT_TENANT, application.clientId, good.client_secret, {
      authorityHost: azure.endpoint,
      disableInstanceDiscovery: true,
      tlsOptions: { ca: azure.caPem },
    });
    const { token, expiresOnTimestamp } = await credential.getToken('https://database.windows.net/.default');
    const verdict = server.verifyToken(token, 'https://database.windows.net/');
    expect(verdict.kind).toBe('valid');
    expect(claims(token)).toMatchObject({
      appid: application.clientId,
      oid: application.objectId,
      tid: DEFAULT_TENANT,
    });
    expect(expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_000_000);
  });

  test('a wrong secret is refused through @azure/identity with AADSTS7000215', async () => {
    const credential = new ClientSecretCredential(DEFAULT_TENANT, application.clientId, 'wrong', {
      authorityHost: azure.endpoint,
      disableInstanceDiscovery: true,
      tlsOptions: { ca: azure.caPem },
    });
    await expect(credential.getToken('https://management.azure.com/.default')).rejects.toThrow(
      /AADSTS7000215/,
    );
  });

  test('tokens verify with the published keys', async () => {
    const { body } = await tokenRequest(good);
    const token = String((body as Record<string, unknown>).access_token);
    const configuration = await rawRequest(
      azure,
      'GET',
      `/${DEFAULT_TENANT}/v2.0/.well-known/openid-configuration`,
    );
    const { jwks_uri, issuer, token_endpoint } = configuration.body as Record<string, string>;
    expect(token_endpoint).toBe(`${azure.endpoint}/${DEFAULT_TENANT}/oauth2/v2.0/token`);
    expect(issuer).toBe(`${azure.endpoint}/${DEFAULT_TENANT}/v2.0`);
    const keys = await rawRequest(azure, 'GET', new URL(jwks_uri ?? '').pathname);
    const [jwk] = (keys.body as { keys: Record<string, string>[] }).keys;
    const [header = '', payload = '', signature = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString()).kid).toBe(jwk?.kid);
    const key = createPublicKey({ key: jwk ?? {}, format: 'jwk' });
    const signed = Buffer.from(`${header}.${payload}`);
    expect(verify('sha256', signed, key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  test('Resource Manager tells anybody where its cloud is, as `az cloud register` asks', async () => {
    const ask = (version: string) => rawRequest(azure, 'GET', `/metadata/endpoints?api-version=${version}`);
    const { status, body } = await ask('2022-09-01');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      resourceManager: azure.endpoint,
      authentication: {
        loginEndpoint: azure.endpoint,
        audiences: ['https://management.core.windows.net/', 'https://management.azure.com/'],
      },
      suffixes: { sqlServerHostname: 'database.windows.net' },
    });
    expect((await ask('2019-05-01')).body).toEqual([body]);
  });

  test('credentials may come as HTTP basic authentication', async () => {
    const basic = Buffer.from(`${good.client_id}:${encodeURIComponent(good.client_secret)}`).toString(
      'base64',
    );
    const { grant_type, scope } = good;
    const { status } = await tokenRequest({ grant_type, scope }, DEFAULT_TENANT, {
      authorization: `Basic ${basic}`,
    });
    expect(status).toBe(200);
  });

  test.each<[string, Record<string, string | undefined>, string | undefined, number, string, number]>([
    ['wrong secret', { client_secret: 'x' }, undefined, 401, 'invalid_client', 7000215],
    ['no secret', { client_secret: undefined }, undefined, 401, 'invalid_client', 7000218],
    [
      'unregistered assertion',
      { client_secret: undefined, client_assertion: 'a.b.c' },
      undefined,
      401,
      'invalid_client',
      700027,
    ],
    ['unknown application', { client_id: 'nobody' }, undefined, 400, 'unauthorized_client', 700016],
    [
      'managed identity has no secret',
      { client_id: identity.clientId },
      undefined,
      401,
      'invalid_client',
      7000215,
    ],
    ['unknown tenant', {}, 'contoso.example', 400, 'invalid_request', 90002],
    ['no grant type', { grant_type: undefined }, undefined, 400, 'invalid_request', 900144],
    ['other grant type', { grant_type: 'password' }, undefined, 400, 'unsupported_grant_type', 70003],
    ['no scope', { scope: undefined }, undefined, 400, 'invalid_request', 900144],
    [
      'scope without .default',
      { scope: 'https://management.azure.com/x' },
      undefined,
      400,
      'invalid_scope',
      1002012,
    ],
    ['two scopes', { scope: 'a/.default b/.default' }, undefined, 400, 'invalid_scope', 70011],
    ['unknown resource', { scope: 'https://x.example/.default' }, undefined, 400, 'invalid_resource', 500011],
  ])('%s', async (_name, change, tenant, status, error, number) => {
    const form = Object.fromEntries(
      Object.entries({ ...good, ...change }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );
    const response = await tokenRequest(form, tenant);
    expect(response.status).toBe(status);
    expect(response.body).toMatchObject({ error, error_codes: [number] });
    const { error_description } = response.body as Record<string, string>;
    expect(error_description).toContain(`AADSTS${number}:`);
    expect(error_description).not.toContain(good.client_secret);
  });

  test('the audience keeps the slash that a double slash in the scope asks for', async () => {
    const { body } = await tokenRequest({ ...good, scope: 'https://database.windows.net//.default' });
    expect(claims(String((body as Record<string, unknown>).access_token)).aud).toBe(
      'https://database.windows.net/',
    );
  });
});

describe('managed identity', () => {
  test('instance metadata service', async () => {
    const path =
      '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com';
    const answer = await rawRequest(azure, 'GET', path, { headers: { metadata: 'true' } });
    expect(answer.status).toBe(200);
    const body = answer.body as Record<string, string>;
    expect(body).toMatchObject({ client_id: identity.clientId, token_type: 'Bearer' });
    expect(server.verifyToken(body.access_token ?? '', 'https://management.azure.com/').kind).toBe('valid');
    const bare = await rawRequest(azure, 'GET', path);
    expect(bare.status).toBe(400);
  });

  test('App Service form through the real ManagedIdentityCredential', async () => {
    process.env.IDENTITY_ENDPOINT = `${azure.endpoint}/msi/token`;
    process.env.IDENTITY_HEADER = server.identityHeader;
    try {
      const credential = new ManagedIdentityCredential({
        clientId: identity.clientId,
        tlsOptions: { ca: azure.caPem },
      });
      const { token } = await credential.getToken('https://management.azure.com/.default');
      expect(claims(token).oid).toBe(identity.objectId);
    } finally {
      delete process.env.IDENTITY_ENDPOINT;
      delete process.env.IDENTITY_HEADER;
    }
  });

  test('App Service form refuses a wrong header', async () => {
    const answer = await rawRequest(
      azure,
      'GET',
      '/msi/token?api-version=2019-08-01&resource=https://management.azure.com',
      {
        headers: { 'x-identity-header': 'guess' },
      },
    );
    expect(answer.status).toBe(401);
  });
});

describe('tokens', () => {
  const audience = 'https://database.windows.net/';

  test('issued for a name, verified by audience without regard to a trailing slash', () => {
    const token = server.issueToken({ audience, name: 'alice@contoso.example' });
    const verdict = server.verifyToken(token, 'https://database.windows.net');
    expect(verdict).toMatchObject({ kind: 'valid', claims: { app_displayname: 'alice@contoso.example' } });
    expect(server.verifyToken(token, 'https://management.azure.com').kind).toBe('wrong-audience');
  });

  test('expired, altered, foreign and malformed ones are told apart', () => {
    const expired = server.issueToken({ audience, expiresInSeconds: -600 });
    expect(server.verifyToken(expired, audience).kind).toBe('expired');
    const token = server.issueToken({ audience });
    const [header, payload = '', signature] = token.split('.');
    const forged = Buffer.from(
      Buffer.from(payload, 'base64url').toString().replace(application.objectId, identity.objectId),
    ).toString('base64url');
    expect(server.verifyToken(`${header}.${forged}.${signature}`, audience).kind).toBe('bad-signature');
    const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
    expect(server.verifyToken(`${unsigned}.${payload}.${signature}`, audience).kind).toBe('bad-signature');
    expect(server.verifyToken('abc', audience).kind).toBe('malformed');
  });
});

test('the server certificate is good for 127.0.0.1 and localhost under the given authority', async () => {
  for (const servername of ['localhost', undefined]) {
    const socket = connect({
      port: azure.port,
      host: '127.0.0.1',
      ca: azure.caPem,
      ...(servername && { servername }),
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    expect(socket.authorized).toBe(true);
    socket.destroy();
  }
  expect(new X509Certificate(azure.caPem).ca).toBe(true);
});
