/** Scripted faults of the resource manager, and what the effect journal says about each request. */
import { type Estate, INSTANCE, MI, settle, startEstate } from './estate';

const DATABASE = `${INSTANCE}/databases/Fresh`;
const body = { location: 'westeurope' };

let estate: Estate;
beforeEach(async () => {
  estate = await startEstate();
});
afterEach(() => estate.stop());

const outcomes = () => estate.world.journal.all().map((each) => each.outcome);
const exists = () => estate.world.databases.find(MI, 'Fresh') !== undefined;
const create = () => estate.call('PUT', DATABASE, body);

test('a status, with and without Retry-After, is answered once and nothing happens', async () => {
  for (const retryAfter of [undefined, 7, 0.5]) {
    estate.world.faults.add({
      surface: 'arm',
      method: 'PUT',
      path: '/databases/',
      count: 1,
      action: { kind: 'status', status: 429, code: 'TooManyRequests', ...(retryAfter && { retryAfter }) },
    });
    const refused = await create();
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe(retryAfter && String(Math.ceil(retryAfter)));
    expect(refused.headers['retry-after-ms']).toBe(retryAfter === 0.5 ? '500' : undefined);
    expect(refused.body).toMatchObject({ error: { code: 'TooManyRequests' } });
  }
  expect(outcomes()).toEqual(['refused', 'refused', 'refused']);
  expect((await create()).status).toBe(202);
});

test.each(['fin', 'rst'] as const)('a dropped request (%s) has no effect', async (how) => {
  estate.world.faults.add({ surface: 'arm', method: 'PUT', count: 1, action: { kind: 'drop', how } });
  await expect(create()).rejects.toThrow(/ECONNRESET|socket hang up/);
  await estate.world.clock.advance(60_000);
  expect(exists()).toBe(false);
  expect(outcomes()).toEqual(['refused']);
});

test.each(['fin', 'rst'] as const)('a lost answer (%s) hides an effect', async (how) => {
  estate.world.faults.add({
    surface: 'arm',
    method: 'PUT',
    count: 1,
    action: { kind: 'lost-response', how },
  });
  await expect(create()).rejects.toThrow(/ECONNRESET|socket hang up/);
  await estate.world.clock.advance(60_000);
  expect(exists()).toBe(true);
  expect(outcomes()).toEqual(['effect']);
});

test.each([true, false])('a failed operation, taking effect: %s', async (takesEffect) => {
  estate.world.faults.add({
    surface: 'arm',
    method: 'PUT',
    count: 1,
    action: { kind: 'failed-operation', code: 'OperationTimedOut', message: 'Too slow.', takesEffect },
  });
  const accepted = await create();
  expect(accepted.status).toBe(202);
  const ended = await settle(estate, accepted);
  expect(ended).toMatchObject({
    status: 200,
    body: { status: 'Failed', error: { code: 'OperationTimedOut', message: 'Too slow.' } },
  });
  const location = await estate.call('GET', String(accepted.headers.location));
  expect(location.status).toBeGreaterThanOrEqual(400);
  expect(exists()).toBe(takesEffect);
  expect(outcomes()).toEqual([takesEffect ? 'effect' : 'no-op']);
});

test('a slow answer comes', async () => {
  estate.world.faults.add({ surface: 'arm', method: 'GET', count: 1, action: { kind: 'slow', ms: 20 } });
  expect((await estate.call('GET', INSTANCE)).status).toBe(200);
});

test('refusals stand in the journal with their code, reads do not stand there', async () => {
  await estate.call('GET', INSTANCE);
  await estate.call('PUT', `${INSTANCE}/databases/master`, body);
  const [only, ...more] = estate.world.journal.all();
  expect(more).toEqual([]);
  expect(only).toMatchObject({
    surface: 'arm',
    instance: MI,
    actor: 'ferry-app',
    outcome: 'refused',
    text: `PUT ${INSTANCE}/databases/master`,
    error: { code: 'CannotUseReservedDatabaseName' },
  });
});

test('a request that hangs leaves the others alone', async () => {
  estate.world.faults.add({
    surface: 'arm',
    method: 'PUT',
    count: 1,
    action: { kind: 'lost-response', how: 'hang' },
  });
  const hanging = create().then(
    () => 'answered',
    () => 'hung up',
  );
  while (outcomes().length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect((await estate.call('GET', INSTANCE)).status).toBe(200);
  await estate.server.close();
  expect(await hanging).toBe('hung up');
});
