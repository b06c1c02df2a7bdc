/** docker-compose.yml cannot be run where the tests run: it is parsed, and held to what the README says of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { SEARCH_ATTRIBUTE_NAMES } from '../src/temporal/search-attributes';
import { TEMPORAL_CLI } from '../src/temporal/server-release';
import { workerConfig } from '../src/worker/config';

const ROOT = join(__dirname, '..');
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

const environment = z.record(z.string().regex(/^[A-Z0-9_]+$/), z.string());

/** The part of the Compose specification that the file uses; anything else is a typing error. */
const composeSchema = z.strictObject({
  name: z.string(),
  services: z.record(
    z.string(),
    z.strictObject({
      image: z.string(),
      build: z.strictObject({ context: z.string() }).optional(),
      command: z.array(z.string()).optional(),
      user: z.string().optional(),
      hostname: z.string().optional(),
      profiles: z.array(z.string()).optional(),
      environment: environment.optional(),
      ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).optional(),
      volumes: z.array(z.string().regex(/^[a-z0-9-]+:\/\S+$/)).optional(),
      networks: z.array(z.string()).optional(),
      depends_on: z
        .record(z.string(), z.strictObject({ condition: z.literal('service_healthy') }))
        .optional(),
      healthcheck: z
        .strictObject({
          test: z.array(z.string()).min(2),
          interval: z.string(),
          timeout: z.string(),
          retries: z.int(),
          start_period: z.string(),
        })
        .optional(),
      stop_grace_period: z.string().optional(),
      restart: z.literal('unless-stopped'),
    }),
  ),
  networks: z.record(z.string(), z.null()),
  volumes: z.record(z.string(), z.null()),
});

const compose = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
const { temporal, sql1, sql2, worker } = compose.services;

test('holds the services that the README names, the optional ones behind profiles', () => {
  expect(Object.keys(compose.services)).toEqual(['temporal', 'sql1', 'sql2', 'worker']);
  expect(temporal?.profiles).toBeUndefined();
  expect([sql1?.profiles, sql2?.profiles]).toEqual([['sql'], ['sql']]);
  expect(worker?.profiles).toEqual(['worker']);
});

test('every volume and network that is used is declared, and the other way round', () => {
  const services = Object.values(compose.services);
  const volumes = services.flatMap((service) => (service.volumes ?? []).map((one) => one.split(':')[0]));
  const networks = services.flatMap((service) => service.networks ?? []);
  expect([...new Set(volumes)].sort()).toEqual(Object.keys(compose.volumes).sort());
  expect([...new Set(networks)].sort()).toEqual(Object.keys(compose.networks).sort());
});

test('no two services share a port or a volume', () => {
  const services = Object.values(compose.services);
  for (const list of [
    services.flatMap((one) => one.ports ?? []),
    services.flatMap((one) => one.volumes ?? []),
  ]) {
    const first = list.map((entry) => entry.split(':').slice(0, 2).join(':'));
    expect(new Set(first).size).toBe(first.length);
  }
});

test('Temporal is the release that is used everywhere, keeps its data, and knows the search attributes', () => {
  expect(temporal?.image).toBe(`temporalio/temporal:\${TEMPORAL_CLI_VERSION:-${TEMPORAL_CLI.version}}`);
  const database = temporal?.command?.find((part) => part.startsWith('--db-filename='))?.split('=')[1] ?? '';
  expect(temporal?.volumes?.some((volume) => database.startsWith(`${volume.split(':')[1]}/`))).toBe(true);
  for (const name of SEARCH_ATTRIBUTE_NAMES)
    expect(temporal?.command).toContain(`--search-attribute=${name}=Keyword`);
});

test.each([
  ['sql1', sql1, 'SQL1_SA_PASSWORD'],
  ['sql2', sql2, 'SQL2_SA_PASSWORD'],
] as const)('%s is a Developer edition ready for availability groups, its password asked for', (name, service, variable) => {
  expect(service?.image).toBe('mcr.microsoft.com/mssql/server:2022-latest');
  expect(service?.hostname).toBe(name);
  expect(service?.environment).toMatchObject({
    ACCEPT_EULA: 'Y',
    MSSQL_PID: 'Developer',
    MSSQL_ENABLE_HADR: '1',
    MSSQL_AGENT_ENABLED: 'true',
  });
  expect(service?.environment?.MSSQL_SA_PASSWORD).toMatch(new RegExp(`^\\$\\{${variable}:\\?.+\\}$`));
  // $$ is one $ for the shell in the container: the password stands in no argument that Compose shows.
  expect(service?.healthcheck?.test.join(' ')).toContain('"$$MSSQL_SA_PASSWORD"');
  expect(service?.networks).toContain('replication');
});

test('the example of .env names every variable without a default, and no password', () => {
  const required = [...read('docker-compose.yml').matchAll(/\$\{([A-Z0-9_]+):\?/g)].map(([, name]) => name);
  const named = [...read('.env.example').matchAll(/^([A-Z0-9_]+)=(.*)$/gm)];
  expect(named.map(([, name]) => name).sort()).toEqual([...new Set(required)].sort());
  expect(named.every(([, , value]) => value === '')).toBe(true);
  expect(read('.gitignore').split('\n')).toContain('.env');
});

test('the worker waits for Temporal, and its settings are ones that it reads', () => {
  expect(worker?.depends_on).toEqual({ temporal: { condition: 'service_healthy' } });
  expect(temporal?.healthcheck).toBeDefined();
  expect(worker?.environment?.TEMPORAL_ADDRESS).toBe('temporal:7233');
  const state = worker?.volumes?.[0]?.split(':')[1];
  const config = workerConfig({ SQLFERRY_STATE_DIRECTORY: worker?.environment?.SQLFERRY_STATE_DIRECTORY });
  expect(config.stateDirectory).toBe(state);
  expect(Number.parseInt(worker?.stop_grace_period ?? '', 10) * 1_000).toBeGreaterThan(
    config.shutdownGraceMs,
  );
  expect(worker?.networks?.filter((network) => temporal?.networks?.includes(network))).toHaveLength(1);
});

describe('the image of the worker', () => {
  const lines = read('Dockerfile').split('\n');

  test('is built in one stage and runs in another, not as root', () => {
    expect(lines.filter((line) => line.startsWith('FROM '))).toHaveLength(2);
    const user = lines.filter((line) => line.startsWith('USER ')).at(-1);
    expect(user).toBe('USER node');
    expect(lines.indexOf('USER node')).toBeLessThan(lines.findIndex((line) => line.startsWith('ENTRYPOINT')));
  });

  test('copies what exists, and starts the command that package.json names', () => {
    const manifest = JSON.parse(read('package.json')) as { bin: { sqlferry: string } };
    expect(lines).toContain(`ENTRYPOINT ["node", "${manifest.bin.sqlferry}"]`);
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'bin'])
      expect(existsSync(join(ROOT, file))).toBe(true);
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.env', 'node_modules', '.git']),
    );
  });
});
