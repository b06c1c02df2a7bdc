/** `sqlferry certificates` against the estate: what it prints, and what it refuses before asking anybody. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inventoryYaml } from '../support/estate-spec';
import { type EstateStage, startEstateStage } from '../support/scenario';
import { StepBench } from '../support/step-bench';
import { json, sqlferry } from './command';

let stage: EstateStage;
let folder: string;
let files: readonly string[];
const saved = { ...process.env };

beforeAll(async () => {
  stage = await startEstateStage();
  folder = mkdtempSync(join(tmpdir(), 'sqlferry-certificates-'));
  const [inventory, migration] = [join(folder, 'inventory.yaml'), join(folder, 'migration.yaml')];
  writeFileSync(inventory, inventoryYaml(stage.estate, join(stage.folder, 'ca.pem')));
  writeFileSync(
    migration,
    'apiVersion: sqlferry/v1\nkind: Link\nname: sales\ndatabase: Sales\nserver: sql1\ninstance: mi-west\nlogBackups: { directory: /backup }\n',
  );
  files = [migration, '--inventory', inventory];
  Object.assign(process.env, stage.env);
});
afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
  rmSync(folder, { recursive: true, force: true });
  await stage.close();
});

test('before there is a link, what it needs is missing; nothing is changed by looking', async () => {
  const result = await sqlferry(['certificates', ...files, '--json']);
  expect(result.code).toBe(0);
  const inventory = json(result) as unknown as { worst: string; items: { use: string; level: string }[] };
  expect(inventory.worst).toBe('missing');
  expect(inventory.items.map(({ use, level }) => [use, level])).toEqual([
    ['endpoint', 'missing'],
    ['trust-on-instance', 'missing'],
    ['instance', 'ok'],
    ['instance-on-server', 'missing'],
    ['authority', 'missing'],
    ['authority', 'missing'],
  ]);
  expect(stage.estate.world.instances.get('SQL1').certificates.size).toBe(0);
});

test('with trust made, every certificate has its days, and one near its end says so', async () => {
  const bench = await StepBench.open(
    stage,
    stage.spec(`certificate: { validFor: 20d }\nlogBackups: { directory: /backup }`),
  );
  try {
    for (const stepId of [
      'server.master-key',
      'server.endpoint-certificate',
      'instance.trust-server-certificate',
      'server.trust-instance-certificate',
      'server.trust-azure-authorities',
      'server.mirroring-endpoint',
    ] as const)
      await bench.run(stepId);
  } finally {
    await bench.close();
  }
  const { code, out } = await sqlferry(['certificates', ...files]);
  expect(code).toBe(0);
  expect(out).toMatch(/^Cert_SQL1_endpoint +SQL1 .* warning +endpoint /m);
  expect(out).toMatch(/^DigiCertPKI +SQL1 +2038-01-15/m);
  expect(out).toContain('the chain validates');
});

test('a schedule that would rotate for ever, or has no interval, is wrong use', async () => {
  const schedule = ['certificates', 'schedule', ...files];
  const forEver = await sqlferry([...schedule, '--rotate-before', '365d']);
  expect(forEver).toMatchObject({ code: 2, err: expect.stringContaining('would be due at once') });
  const never = await sqlferry([...schedule, '--check', 'now', 'and', 'then']);
  expect(never).toMatchObject({ code: 2, err: expect.stringContaining('"now and then" is no interval') });
});

test('a rotation asks first', async () => {
  const refused = await sqlferry(['certificates', 'rotate', ...files]);
  expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('a new certificate') });
});
