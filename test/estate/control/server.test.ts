/** The control API as tests and the command line use it. */
import { request } from 'node:http';
import { type ControlEndpoint, ControlServer } from '../../../estate/control/server';
import { EstateWorld } from '../../../estate/world/world';

let world: EstateWorld;
let server: ControlServer;
let control: ControlEndpoint;

beforeEach(async () => {
  world = EstateWorld.create({ clock: { mode: 'manual' } });
  server = new ControlServer({ world, endpoints: () => ({ azure: 'https://127.0.0.1:1' }) });
  control = await server.listen();
});
afterEach(async () => {
  await server.close();
  world.stop();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${control.endpoint}${path}`, { method, headers, agent: false }, (incoming) => {
      let text = '';
      incoming.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(text) }));
    });
    outgoing.on('error', reject);
    outgoing.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  });
}

test('health, endpoints and world', async () => {
  expect(await call('GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect((await call('GET', '/endpoints')).body).toEqual({ azure: 'https://127.0.0.1:1' });
  const { body } = await call('GET', '/world');
  expect(body.instances).toMatchObject([
    { name: 'SQL1', kind: 'sql-server', databases: [{ name: 'Sales', state: 'ONLINE' }] },
    { name: 'mi-west', kind: 'managed-instance' },
  ]);
  expect(JSON.stringify(body)).not.toContain('Passw0rd');
});

test('the clock is moved by advance, or by speed', async () => {
  const before = world.clock.now();
  await call('POST', '/clock', { advance: 60_000 });
  expect(world.clock.now()).toBe(before + 60_000);
  expect((await call('POST', '/clock', { advance: -1 })).status).toBe(400);
  expect((await call('POST', '/clock', {})).status).toBe(400);
  expect((await call('POST', '/clock', '{')).status).toBe(400);
});

test('faults are added, listed and removed; a bad one among several adds none', async () => {
  const rule = { surface: 'arm', method: 'PUT', action: { kind: 'drop' } };
  const { body } = await call('POST', '/faults', rule);
  const [id] = body.ids as string[];
  expect((await call('GET', '/faults')).body.faults).toMatchObject([{ id, struck: 0 }]);
  expect((await call('POST', '/faults', [rule, { surface: 'nowhere' }])).status).toBe(400);
  expect(world.faults.list()).toHaveLength(1);
  expect((await call('DELETE', `/faults/${id}`)).status).toBe(200);
  expect((await call('DELETE', `/faults/${id}`)).status).toBe(404);
  await call('POST', '/faults', [rule, rule]);
  await call('DELETE', '/faults');
  expect(world.faults.list()).toHaveLength(0);
});

test('instances are restarted, killed and revived; it stands in the journal', async () => {
  expect((await call('POST', '/instances/sql1/restart', { downMs: 5_000 })).body).toMatchObject({
    state: 'stopped',
  });
  await world.clock.advance(6_000);
  expect(world.instances.get('SQL1').state).toBe('running');
  expect((await call('POST', '/instances/SQL1/kill')).body).toMatchObject({ state: 'dead' });
  expect((await call('POST', '/instances/SQL1/revive')).status).toBe(200);
  expect((await call('POST', '/instances/none/restart')).status).toBe(404);
  expect((await call('POST', '/instances/SQL1/explode')).status).toBe(404);
  const effects = (await call('GET', '/effects')).body.effects as { text: string; sequence: number }[];
  expect(effects.map((each) => each.text)).toEqual(['restart SQL1', 'kill SQL1', 'revive SQL1']);
  const later = await call('GET', `/effects?since=${effects[1]?.sequence}`);
  expect(later.body.effects).toHaveLength(1);
});

test('connections are cut and healed', async () => {
  const between = ['SQL1', 'mi-west'];
  expect((await call('POST', '/connections/cut', { between })).body).toMatchObject({ path: { up: false } });
  expect((await call('POST', '/connections/heal', { between })).body).toMatchObject({ path: { up: true } });
  expect((await call('POST', '/connections/cut', { between: ['SQL1', 'x'] })).status).toBe(404);
  expect((await call('POST', '/connections/bend', { between })).status).toBe(404);
});

test('the timeline tells what the platform worked on', async () => {
  expect((await call('GET', '/platform-timeline')).body).toMatchObject({
    operations: [],
    busy: { simulatedMs: 0 },
  });
});

test('web pages and foreign host names are refused', async () => {
  expect((await call('GET', '/world', undefined, { host: 'evil.example' })).status).toBe(403);
  expect((await call('POST', '/faults', {}, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await call('GET', '/nothing')).status).toBe(404);
  expect((await call('GET', '/%zz')).status).toBe(400);
});
