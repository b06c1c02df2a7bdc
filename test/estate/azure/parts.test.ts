/** The parts of the Azure side that need neither a socket nor a world. */
import * as fc from 'fast-check';
import type { ArmError } from '../../../estate/azure/errors';
import { parseTarget, QueryString } from '../../../estate/azure/http';
import { OperationStore } from '../../../estate/azure/operations';
import { isAllowed, type Principal, ROLES } from '../../../estate/azure/principals';
import { operationError, toArmError } from '../../../estate/azure/refusals';
import { parseResourcePath, scopeOf } from '../../../estate/azure/resource-path';
import { UrlSigner } from '../../../estate/azure/signed-url';
import { DEFAULT_LIMITS, Throttle } from '../../../estate/azure/throttle';

import { SqlError } from '../../../estate/sql/errors';

const SUBSCRIPTION = '00000000-0000-0000-0000-000000000001';

function refusal(action: () => unknown): ArmError {
  try {
    action();
  } catch (error) {
    return error as ArmError;
  }
  throw new Error('was not refused');
}

describe('throttle', () => {
  test('counters start as the service showed them', () => {
    const throttle = new Throttle();
    expect(throttle.take('s', 'p', 'reads')).toEqual({
      'x-ms-ratelimit-remaining-subscription-global-reads': '16499',
    });
    expect(throttle.take('s', 'p', 'writes')).toEqual({
      'x-ms-ratelimit-remaining-subscription-writes': '799',
      'x-ms-ratelimit-remaining-subscription-global-writes': '11999',
    });
    expect(throttle.take('s', 'p', 'deletes')).toEqual({
      'x-ms-ratelimit-remaining-subscription-deletes': '799',
      'x-ms-ratelimit-remaining-subscription-global-deletes': '11999',
    });
  });

  test('an empty bucket answers 429 with whole seconds, and refills with time', () => {
    let now = 0;
    const limits = { ...DEFAULT_LIMITS, writes: { capacity: 2, refillPerSecond: 0.5 } };
    const throttle = new Throttle(limits, () => now);
    throttle.take('s', 'p', 'writes');
    throttle.take('s', 'p', 'writes');
    const refused = refusal(() => throttle.take('s', 'p', 'writes'));
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
    expect(() => throttle.take('s', 'other', 'writes')).not.toThrow();
    expect(() => throttle.take('s', 'p', 'deletes')).not.toThrow();
    now = 2_000;
    expect(() => throttle.take('s', 'p', 'writes')).not.toThrow();
    expect(() => throttle.take('s', 'p', 'writes')).toThrow();
  });
});

describe('signed URLs', () => {
  const signer = new UrlSigner();
  const path = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Sql/locations/westeurope/x/1`;
  const query = signer.query(path, '2023-08-01');

  test('have t, c, s and h and are about 3.5 kB', () => {
    const parameters = new URLSearchParams(query);
    expect([...parameters.keys()]).toEqual(['api-version', 't', 'c', 's', 'h']);
    expect(parameters.get('t')).toMatch(/^\d{18}$/);
    expect(query.length).toBeGreaterThan(2_800);
    expect(query.length).toBeLessThan(4_000);
  });

  test('are accepted as given, and without any signature', () => {
    expect(() => signer.check(path, new QueryString(query))).not.toThrow();
    expect(() => signer.check(path, new QueryString('api-version=2023-08-01'))).not.toThrow();
  });

  test.each(['t', 'c', 's', 'h'])('are refused when %s is changed or missing', (name) => {
    const changed = new URLSearchParams(query);
    changed.set(name, `${changed.get(name)}x`);
    expect(refusal(() => signer.check(path, new QueryString(changed.toString()))).status).toBe(403);
    const cut = new URLSearchParams(query);
    cut.delete(name);
    expect(refusal(() => signer.check(path, new QueryString(cut.toString()))).status).toBe(403);
  });

  test('are refused for another path', () => {
    expect(() => signer.check(`${path}2`, new QueryString(query))).toThrow();
  });
});

describe('permissions', () => {
  const principal = (...roles: Principal['roles']): Principal => ({
    name: 'p',
    tenantId: 't',
    clientId: 'c',
    objectId: 'o',
    roles,
  });
  const link = 'Microsoft.Sql/managedInstances/distributedAvailabilityGroups';

  test.each([
    ['reader', ROLES.reader, `${link}/read`, true],
    ['reader', ROLES.reader, `${link}/write`, false],
    ['contributor', ROLES.contributor, `${link}/failover/action`, true],
    ['contributor', ROLES.contributor, 'Microsoft.Authorization/roleAssignments/write', false],
    ['instance contributor', ROLES.sqlManagedInstanceContributor, `${link}/setRole/action`, true],
    ['instance contributor', ROLES.sqlManagedInstanceContributor, 'Microsoft.Sql/servers/read', false],
  ] as const)('%s: %s %s', (_name, role, action, allowed) => {
    expect(isAllowed(principal(role), action, `/subscriptions/${SUBSCRIPTION}`)).toBe(allowed);
  });

  test('a role counts under its scope only, on whole path segments', () => {
    const scoped = principal({ actions: ['*'], scope: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg` });
    const at = (group: string) => `/subscriptions/${SUBSCRIPTION}/RESOURCEGROUPS/${group}/providers/x`;
    expect(isAllowed(scoped, 'a/read', at('RG'))).toBe(true);
    expect(isAllowed(scoped, 'a/read', at('rg2'))).toBe(false);
  });

  test('wildcards match like the regular expression they stand for', () => {
    const piece = fc.constantFrom('a', 'b', '/', 'read', '*');
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.constantFrom('a', 'b', '/', 'read')), (pattern, text) => {
        const expression = new RegExp(`^${pattern.map((each) => (each === '*' ? '.*' : each)).join('')}$`);
        const role = { actions: [pattern.join('')] };
        expect(isAllowed(principal(role), text.join(''), '/')).toBe(expression.test(text.join('')));
      }),
    );
  });
});

describe('paths', () => {
  const sql = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Sql`;
  test.each([
    ['/subscriptions', 'subscriptions'],
    [`/SUBSCRIPTIONS/${SUBSCRIPTION}`, 'subscriptions/*'],
    [`/subscriptions/${SUBSCRIPTION}/resourceGroups`, 'resourcegroups'],
    [`/subscriptions/${SUBSCRIPTION}/RESOURCEGROUPS/rg`, 'resourcegroups/*'],
    [`${sql}/managedInstances`, 'managedinstances'],
    [`${sql}/managedInstances/mi`, 'managedinstances/*'],
    [
      `${sql}/managedInstances/mi/distributedAvailabilityGroups/l/failover`,
      'managedinstances/*/distributedavailabilitygroups/*/failover',
    ],
  ])('%s', (target, key) => {
    expect(parseResourcePath(parseTarget(target).segments)?.key).toBe(key);
  });

  test('scope of a message about permissions', () => {
    const path = parseResourcePath(parseTarget(`${sql}/managedInstances/mi/databases`).segments);
    expect(path && scopeOf(path)).toBe(`${sql}/managedInstances/mi`);
  });

  test('never throws on any segments', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (rest) => {
        parseResourcePath(['subscriptions', SUBSCRIPTION, ...rest]);
      }),
    );
  });
});

test('an operation answers only under its own subscription, type and region', () => {
  const store = new OperationStore(new UrlSigner());
  const request = {
    method: 'GET',
    target: '/',
    segments: [],
    query: new QueryString(''),
    headers: {},
    body: Buffer.alloc(0),
    origin: 'https://127.0.0.1:1',
  };
  const { id } = store.start({
    type: 'distributedAvailabilityGroups',
    name: 'X',
    subscriptionId: SUBSCRIPTION,
    location: 'westeurope',
    apiVersion: '2023-08-01',
    startedAt: 0,
    state: () => ({ status: 'InProgress' }),
    result: () => ({ status: 200, headers: {} }),
  });
  const path = {
    subscriptionId: SUBSCRIPTION,
    location: 'West Europe',
    type: 'distributedavailabilitygroups',
    id,
  };
  expect(store.status(path, request).body).toEqual({
    name: id,
    status: 'InProgress',
    startTime: '1970-01-01T00:00:00.000Z',
  });
  for (const other of [
    { location: 'eastus' },
    { type: 'managedInstance' },
    { id: 'x' },
    { subscriptionId: 'y' },
  ])
    expect(refusal(() => store.status({ ...path, ...other }, request)).code).toBe('OperationIdNotFound');
});

describe('refusals of the world', () => {
  test.each([
    [41923, 400, 'ManagedInstanceLinkTdeCertificateMissing'],
    [41965, 409, 'DistributedAvailabilityGroupSetRoleInstanceAlreadyInRequestedRole'],
    [47516, 409, 'DistributedAvailabilityGroupFailoverRedoQueueSizeTooBig'],
    [3752, 400, 'OperationCanNotStartDueToMiLink'],
    [911, 404, 'DatabaseDoesNotExist'],
    [99999, 409, 'ConflictingServerOperation'],
  ])('error %i becomes %i %s', (number, status, code) => {
    expect(toArmError(new SqlError(number, 'no'))).toMatchObject({ status, code, message: 'no' });
  });

  test('a failed operation says it with the same codes, and keeps those that are codes already', () => {
    expect(operationError({ code: '41962', message: 'm' })).toEqual({
      status: 400,
      code: 'ManagedInstanceLinkConnectivityIsNotEstablished',
      message: 'm',
    });
    expect(operationError({ code: 'OperationTimedOut', message: 'm' })).toMatchObject({
      code: 'OperationTimedOut',
    });
  });

  test('a defect of the estate is no refusal', () => {
    expect(toArmError(new TypeError('defect'))).toBeUndefined();
  });
});
