/** What the resource manager says before a handler is asked, and the shape of every answer. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import * as fc from 'fast-check';
import { ROLES } from '../../../estate/azure/principals';
import { DEFAULT_PRINCIPALS } from '../../../estate/azure/server';
import { type Estate, GROUP, INSTANCE, MI, SQL, SUBSCRIPTION, startEstate, VERSION } from './estate';
import { rawRequest } from './raw';

const READER = '66666666-6666-6666-6666-666666666666';
const [application] = DEFAULT_PRINCIPALS;
const reader = { ...application, clientId: READER, objectId: READER, name: 'reader', roles: [ROLES.reader] };

let estate: Estate;
beforeAll(async () => {
  estate = await startEstate({}, { principals: [application, reader] });
});
afterAll(() => estate.stop());

const error = (body: unknown): { code: string; message: string } =>
  (body as { error: { code: string; message: string } }).error;

test('every answer carries the common headers and ids of its own', async () => {
  const first = await estate.call('GET', INSTANCE);
  const second = await estate.call('GET', INSTANCE);
  expect(first.status).toBe(200);
  expect(first.headers).toMatchObject({
    'cache-control': 'no-cache',
    'content-type': 'application/json; charset=utf-8',
    expires: '-1',
    pragma: 'no-cache',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
  });
  expect(first.headers['x-ms-ratelimit-remaining-subscription-global-reads']).toMatch(/^\d+$/);
  expect(first.headers['x-ms-request-id']).not.toBe(second.headers['x-ms-request-id']);
});

test('a correlation id of the caller is kept', async () => {
  const id = '77777777-7777-7777-7777-777777777777';
  const { headers } = await estate.call('GET', INSTANCE, undefined, {
    headers: { 'x-ms-correlation-request-id': id },
  });
  expect(headers['x-ms-correlation-request-id']).toBe(id);
});

describe('refusals before any handler', () => {
  test.each([
    ['no api-version', `${INSTANCE}?x=1`, 400, 'MissingApiVersionParameter'],
    ['unsupported api-version', `${INSTANCE}?api-version=2014-01-01`, 400, 'NoRegisteredProviderFound'],
    ['malformed api-version', `${INSTANCE}?api-version=latest`, 400, 'InvalidApiVersionParameter'],
    [
      'link of a version before links',
      `${INSTANCE}/distributedAvailabilityGroups?api-version=2020-11-01-preview`,
      400,
      'NoRegisteredProviderFound',
    ],
    [
      'unsupported version of groups',
      `/subscriptions/${SUBSCRIPTION}/resourceGroups?api-version=2000-01-01`,
      400,
      'InvalidApiVersionParameter',
    ],
    [
      'malformed subscription',
      `/subscriptions/x/resourceGroups?api-version=2022-09-01`,
      400,
      'InvalidSubscriptionId',
    ],
    [
      'unknown subscription',
      `/subscriptions/${SUBSCRIPTION.replace(/1$/, '9')}?api-version=2022-12-01`,
      404,
      'SubscriptionNotFound',
    ],
    [
      'unknown group',
      `/subscriptions/${SUBSCRIPTION}/resourceGroups/none?api-version=2022-09-01`,
      404,
      'ResourceGroupNotFound',
    ],
    ['unknown group of an instance', INSTANCE.replace(GROUP, 'none'), 404, 'ResourceGroupNotFound'],
    [
      'unknown namespace',
      `${SQL.replace('Microsoft.Sql', 'Contoso.X')}/things`,
      404,
      'InvalidResourceNamespace',
    ],
    ['unknown type', `${INSTANCE}/hybridLinks`, 404, 'InvalidResourceType'],
    ['no resource manager path', '/favicon.ico', 404, 'NotFound'],
  ])('%s', async (_name, path, status, code) => {
    const answer = await estate.call('GET', path);
    expect([answer.status, error(answer.body).code]).toEqual([status, code]);
  });

  test('an unknown instance is refused by the gateway, with its words', async () => {
    const { status, headers, body } = await estate.call('GET', `${SQL}/managedInstances/none`);
    expect(status).toBe(404);
    expect(headers['x-ms-failure-cause']).toBe('gateway');
    expect(error(body)).toEqual({
      code: 'ResourceNotFound',
      message: `The Resource 'Microsoft.Sql/managedInstances/none' under resource group '${GROUP}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    });
  });

  test('the supported versions are listed', async () => {
    const { body } = await estate.call(
      'GET',
      `${INSTANCE}/distributedAvailabilityGroups?api-version=2020-11-01-preview`,
    );
    for (const version of ['2021-11-01-preview', VERSION, '2025-08-01-preview'])
      expect(error(body).message).toContain(version);
  });

  test.each([
    ['PATCH', `${INSTANCE}/endpointCertificates/DATABASE_MIRRORING`],
    ['OPTIONS', INSTANCE],
    ['GET', `${INSTANCE}/distributedAvailabilityGroups/x/failover`],
  ])('%s is not allowed on %s', async (method, path) => {
    const answer = await estate.call(method, path);
    expect([answer.status, error(answer.body).code]).toEqual([405, 'MethodNotAllowed']);
  });
});

test('HEAD answers like GET without a body; paths compare without case', async () => {
  const head = await estate.call('HEAD', INSTANCE);
  expect([head.status, head.body]).toEqual([200, undefined]);
  const shouted = await estate.call('GET', `${INSTANCE.toUpperCase()}?API-VERSION=${VERSION}`);
  expect(shouted.body).toMatchObject({ name: MI });
});

describe('who may call', () => {
  const withToken = (authorization: string | undefined, method = 'GET', path = INSTANCE) =>
    rawRequest(estate.azure, method, `${path}?api-version=${VERSION}`, {
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      body: method === 'GET' ? '' : '{}',
    });
  const issue = (change: Record<string, unknown>) =>
    `Bearer ${estate.server.issueToken({ audience: 'https://management.azure.com', ...change })}`;

  test.each([
    ['no token', () => undefined, 'AuthenticationFailed'],
    ['another scheme', () => 'Basic eDp5', 'AuthenticationFailedInvalidHeader'],
    ['garbage', () => 'Bearer abc', 'InvalidAuthenticationToken'],
    ['expired', () => issue({ expiresInSeconds: -900 }), 'ExpiredAuthenticationToken'],
    [
      'audience of SQL',
      () => issue({ audience: 'https://database.windows.net/' }),
      'InvalidAuthenticationTokenAudience',
    ],
    ['unknown principal', () => issue({ objectId: 'nobody' }), 'InvalidAuthenticationToken'],
  ])('%s: 401', async (_name, token, code) => {
    const { status, headers, body } = await withToken(token());
    expect([status, error(body).code]).toEqual([401, code]);
    expect(headers['www-authenticate']).toMatch(/^Bearer authorization_uri="https:.*error="invalid_token"/);
  });

  test('the estate itself counts as an audience, as in a custom cloud', async () => {
    const { status } = await withToken(issue({ audience: estate.azure.endpoint }));
    expect(status).toBe(200);
  });

  test('a reader may read, and is told what it lacks for more', async () => {
    const token = issue({ objectId: READER });
    expect((await withToken(token)).status).toBe(200);
    const { status, body } = await withToken(token, 'DELETE', `${INSTANCE}/distributedAvailabilityGroups/x`);
    expect(status).toBe(403);
    expect(error(body).code).toBe('AuthorizationFailed');
    expect(error(body).message).toContain(
      'Microsoft.Sql/managedInstances/distributedAvailabilityGroups/delete',
    );
    expect(error(body).message).toContain(`${INSTANCE}/distributedAvailabilityGroups/x`);
  });
});

describe('the custom role of the link documentation', () => {
  const mi = 'Microsoft.Sql/managedInstances';
  const roles = [
    {
      actions: [
        `${mi}/read`,
        `${mi}/distributedAvailabilityGroups/read`,
        `${mi}/distributedAvailabilityGroups/write`,
        `${mi}/distributedAvailabilityGroups/delete`,
        `${mi}/distributedAvailabilityGroups/setRole/action`,
      ],
    },
  ];

  test('is enough to follow an operation by its signed URL, not by its id, and not for failover', async () => {
    const narrow = await startEstate({}, { principals: [{ ...application, roles }] });
    try {
      const accepted = await narrow.call('DELETE', `${INSTANCE}/distributedAvailabilityGroups/x`);
      const url = new URL(String(accepted.headers['azure-asyncoperation']));
      expect((await narrow.call('GET', url.href)).status).toBe(200);
      expect((await narrow.call('GET', `${url.pathname}?api-version=${VERSION}`)).status).toBe(403);
      const failover = await narrow.call('POST', `${INSTANCE}/distributedAvailabilityGroups/x/failover`, {});
      expect(error(failover.body).message).toContain('distributedAvailabilityGroups/failover/action');
    } finally {
      await narrow.stop();
    }
  });
});

describe('groups, subscriptions, instances', () => {
  const values = (body: unknown) => (body as { value: { name?: string }[] }).value;

  test.each([
    ['/subscriptions?api-version=2022-12-01', 1],
    [`/subscriptions/${SUBSCRIPTION}/resourceGroups?api-version=2022-09-01`, 1],
    [`/subscriptions/${SUBSCRIPTION}/providers?api-version=2022-09-01`, 1],
    [`/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Sql/managedInstances?api-version=${VERSION}`, 1],
    [`${SQL}/managedInstances?api-version=${VERSION}`, 1],
    [`${INSTANCE}/databases?api-version=${VERSION}`, 0],
    [`${INSTANCE}/distributedAvailabilityGroups?api-version=${VERSION}`, 0],
    [`${INSTANCE}/encryptionProtector?api-version=${VERSION}`, 1],
    [`${INSTANCE}/endpointCertificates?api-version=${VERSION}`, 1],
  ])('%s', async (path, count) => {
    const { status, body } = await estate.call('GET', path);
    expect(status).toBe(200);
    expect(values(body)).toHaveLength(count);
  });

  test('databaseFormat shows from 2023-05-01-preview on', async () => {
    const properties = async (version: string) =>
      (await estate.call('GET', `${INSTANCE}?api-version=${version}`)).body as { properties: object };
    expect((await properties('2023-05-01-preview')).properties).toHaveProperty(
      'databaseFormat',
      'SQLServer2022',
    );
    expect((await properties('2022-08-01-preview')).properties).not.toHaveProperty('databaseFormat');
  });
});

describe('long lists', () => {
  test('come in pages with an absolute nextLink', async () => {
    const databases = Array.from({ length: 230 }, (_, index) => ({ name: `db${index}` }));
    const large = await startEstate({ instances: [{ kind: 'managed-instance', name: MI, databases }] });
    try {
      const names: string[] = [];
      let next: string | undefined = `${INSTANCE}/databases?api-version=${VERSION}`;
      let pages = 0;
      while (next !== undefined) {
        const { body } = await large.call('GET', next);
        const { value, nextLink } = body as { value: { name: string }[]; nextLink?: string };
        names.push(...value.map((each) => each.name));
        if (nextLink !== undefined) expect(nextLink.startsWith(`${large.azure.endpoint}/`)).toBe(true);
        next = nextLink;
        pages += 1;
      }
      expect(pages).toBe(3);
      expect(new Set(names).size).toBe(230);
      const bad = await large.call('GET', `${INSTANCE}/databases?api-version=${VERSION}&$skiptoken=x`);
      expect(bad.status).toBe(400);
    } finally {
      await large.stop();
    }
  });
});

describe('limits', () => {
  test('more writes than the bucket holds are answered 429 with Retry-After', async () => {
    const bucket = { capacity: 3, refillPerSecond: 0.001 };
    const narrow = await startEstate({}, { limits: { reads: bucket, writes: bucket, deletes: bucket } });
    try {
      const statuses: number[] = [];
      let last = await narrow.call('DELETE', `${INSTANCE}/distributedAvailabilityGroups/x`);
      for (let index = 0; index < 3; index += 1) {
        statuses.push(last.status);
        last = await narrow.call('DELETE', `${INSTANCE}/distributedAvailabilityGroups/x`);
      }
      expect(statuses).toEqual([202, 202, 202]);
      expect(last.status).toBe(429);
      expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
      expect((await narrow.call('GET', INSTANCE)).status).toBe(200);
    } finally {
      await narrow.stop();
    }
  });
});

describe('malformed input never brings it down', () => {
  const link = `${INSTANCE}/distributedAvailabilityGroups/L?api-version=${VERSION}`;

  test('paths', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 80 }), async (text) => {
        const { status } = await estate.call('GET', `/${encodeURIComponent(text)}?api-version=${VERSION}`);
        expect(status).toBe(404);
      }),
      { numRuns: 30 },
    );
    for (const target of ['/%zz', '/subscriptions/%ff', '//', '/subscriptions//', '/?api-version'])
      expect(
        (await estate.call('GET', target.includes('?') ? target : `${target}?api-version=1`)).status,
      ).toBeGreaterThanOrEqual(400);
  });

  test('bodies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        const { status, body } = await estate.call('PUT', link, text);
        expect(status).toBe(400);
        expect(error(body).code).not.toBe('');
      }),
      { numRuns: 60 },
    );
  });

  test('properties of any kind', async () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.array(fc.anything(), { maxLength: 2 }),
      fc.object({ maxDepth: 1 }),
    );
    const properties = fc.record(
      {
        databases: fc.oneof(value, fc.constant([{ databaseName: 'Sales' }])),
        instanceAvailabilityGroupName: value,
        partnerAvailabilityGroupName: value,
        partnerEndpoint: value,
        seedingMode: value,
        instanceLinkRole: value,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(properties, async (each) => {
        const text = JSON.stringify({ properties: each }, (_key, item: unknown) =>
          typeof item === 'bigint' ? item.toString() : item,
        );
        const { status } = await estate.call('PUT', link, text);
        expect(status).toBe(400);
      }),
      { numRuns: 60 },
    );
  });

  test('bytes that are no TLS, and TLS that is no HTTP', async () => {
    const { port, caPem: ca } = estate.azure;
    const ended = (socket: Socket, bytes: string) =>
      new Promise<void>((resolve) => {
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.resume();
        socket.end(bytes);
      });
    await ended(connectTcp(port, '127.0.0.1'), 'GET / HTTP/1.1\r\n\r\n');
    for (const bytes of ['\0\x01garbage\r\n\r\n', 'GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', 'GET'])
      await ended(connectTls({ port, host: '127.0.0.1', ca }), bytes);
    expect((await estate.call('GET', INSTANCE)).status).toBe(200);
  });

  test('a body over 4 MB is refused', async () => {
    const answer = await estate
      .call('PUT', link, `"${'x'.repeat(4 * 1024 * 1024)}"`)
      .catch((cause: Error) => cause);
    // The server may hang up before the client has sent it all.
    if (answer instanceof Error) expect(answer.message).toMatch(/EPIPE|ECONNRESET|socket hang up/);
    else expect(answer.status).toBe(413);
    expect((await estate.call('GET', INSTANCE)).status).toBe(200);
  });
});
