/** Commands that look, over an availability group with two replicas: they name the server of everything that they show. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inventoryYaml } from '../support/estate-spec';
import { type EstateStage, startEstateStage } from '../support/scenario';
import { json, sqlferry } from './command';

let stage: EstateStage;
let folder: string;
let files: readonly string[];
const saved = { ...process.env };
const endpoint = { name: 'Hadr_endpoint' };

beforeAll(async () => {
  stage = await startEstateStage({
    estate: {
      clock: { speed: 600 },
      instances: [
        { kind: 'sql-server', name: 'SQL1', clustered: true, endpoint, databases: [{ name: 'Sales' }] },
        { kind: 'sql-server', name: 'SQL2', clustered: true, endpoint },
        { kind: 'managed-instance', name: 'mi-west' },
      ],
      groups: [
        {
          name: 'AG_Prod',
          replicas: ['SQL1', 'SQL2'],
          databases: ['Sales'],
          listener: { name: 'ag-sales', address: '10.0.1.50' },
        },
      ],
    },
  });
  folder = mkdtempSync(join(tmpdir(), 'sqlferry-replicas-'));
  const [inventory, migration] = [join(folder, 'inventory.yaml'), join(folder, 'migration.yaml')];
  const text = inventoryYaml(stage.estate, join(stage.folder, 'ca.pem'));
  const first = /\n {2}sql1:\n(?: {4}.*\n)+/.exec(text)?.[0] ?? '';
  const second = first
    .replace('sql1:', 'sql2:')
    .replace(/port: \d+/, `port: ${stage.estate.instance('SQL2').port}`)
    .replace('address: SQL1', 'address: SQL2');
  writeFileSync(inventory, text.replace(first, `${first}${second.slice(1)}`));
  writeFileSync(
    migration,
    `apiVersion: sqlferry/v1
kind: Link
name: sales
database: Sales
server: sql1
instance: mi-west
link:
  availabilityGroup: AG_Prod
  replicas: [sql2]
  listener: { address: 10.0.1.50 }
logBackups: { directory: /backup }
`,
  );
  files = [migration, '--inventory', inventory];
  Object.assign(process.env, stage.env);
});
afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
  rmSync(folder, { recursive: true, force: true });
  await stage.close();
});

test('preflight finds both replicas, and no blocker', async () => {
  const { code, out } = await sqlferry(['preflight', ...files]);
  expect({ code, out }).toMatchObject({ code: 0 });
  expect(json(await sqlferry(['preflight', ...files, '--json']))).toMatchObject({ report: { blockers: 0 } });
});

test('the plan says on which server each statement runs', async () => {
  const { code, out } = await sqlferry(['plan', ...files]);
  expect(code).toBe(0);
  const servers = [...out.matchAll(/^-- on (\w+)$/gm)].map(([, server]) => server);
  expect(servers).toContain('sql2');
  expect(out).toMatch(
    /-- Mirroring endpoint of the SQL Server \(sql2\)\n-- on sql2\nALTER ENDPOINT \[Hadr_endpoint\]/,
  );
  expect(out).toContain("LISTENER_URL = 'TCP://10.0.1.50:5022'");
  expect(out).not.toMatch(/(CREATE|DROP|ALTER) AVAILABILITY GROUP \[AG_Prod\]/);
});

test('certificates are listed for each replica', async () => {
  const result = await sqlferry(['certificates', ...files, '--json']);
  expect(json(result)).toMatchObject({
    servers: [
      { server: 'sql1', serverName: 'SQL1' },
      { server: 'sql2', serverName: 'SQL2' },
    ],
  });
});

test('a rotation of a server that is no replica is wrong use', async () => {
  const refused = await sqlferry(['certificates', 'rotate', ...files, '--server', 'sql3', '--yes']);
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('no replica "sql3"') });
});
