/** preflight and plan against an estate: what they print, and that they change nothing. */
import { LINK_CHECKS } from '../../src/rules/link/preflight';
import { type EstateStage, startEstateStage } from '../support/scenario';
import { json, type SpecFolder, sqlferry, sqlferryProcess, writeSpecs } from './command';

let stage: EstateStage;
let specs: SpecFolder;

beforeAll(async () => {
  stage = await startEstateStage({
    estate: {
      clock: { speed: 1 },
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL1',
          logins: [
            { name: 'sa', password: 'Ferry!Passw0rd' },
            { name: 'sales_app', password: 'Sales!Passw0rd', roles: [] },
          ],
          databases: [
            { name: 'Sales' },
            { name: 'Simple', recoveryModel: 'SIMPLE', extraFiles: [{ type: 'LOG', name: 'Simple_log2' }] },
          ],
        },
        { kind: 'managed-instance', name: 'mi-west' },
      ],
    },
  });
  specs = writeSpecs(stage);
});
afterAll(async () => {
  // Nothing that was asked here has changed anything.
  expect(stage.estate.world.journal.effective()).toEqual([]);
  specs.close();
  await stage.close();
});

const files = ({ migration, inventory }: SpecFolder) => [migration, '--inventory', inventory];

describe('preflight', () => {
  test('text: the verdict last, no colours, nothing on standard error', async () => {
    const { code, out, err } = await sqlferry(['preflight', ...files(specs)], stage.env);
    expect([code, err]).toEqual([0, '']);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(
      /^ready to start: no blockers, no warnings, \d+ remarks, \d+ passed, \d+ do not apply$/,
    );
    expect(out).toMatch(/^· server\.trace-flag-1800 {2}Trace flag 1800 is off\.\n {4}→ \S/m);
    expect(out).not.toContain('\u001b');
    expect(out).not.toMatch(/database\.exists/);
  });

  test('--all shows what passed as well, after what is open', async () => {
    const { out } = await sqlferry(['preflight', ...files(specs), '--all'], stage.env);
    for (const { id } of LINK_CHECKS) expect(out).toContain(` ${id}  `);
    expect(out.indexOf('· server.trace-flag-1800')).toBe(0);
    expect(out.indexOf('✓ database.exists')).toBeGreaterThan(out.lastIndexOf('\n· '));
  });

  test('blockers come first and end with 3; --json holds the same report', async () => {
    const broken = writeSpecs(stage, { database: 'Simple' });
    const { code, out } = await sqlferry(['preflight', ...files(broken)], stage.env);
    const result = json(await sqlferry(['preflight', ...files(broken), '--json'], stage.env));
    broken.close();
    expect(code).toBe(3);
    expect(out.startsWith('✗ database.')).toBe(true);
    expect(out).toMatch(
      /✗ database\.recovery-model {2}The recovery model is SIMPLE\.\n {4}→ .*SET RECOVERY FULL/,
    );
    expect(out).toMatch(/not ready: 3 blockers, no warnings/);
    expect(result).toMatchObject({
      route: 'planned-failover',
      serverName: 'SQL1',
      report: { blockers: 3, warnings: 0 },
    });
  });

  test('as a process of its own, piped: plain lines and the same exit code', async () => {
    const result = await sqlferryProcess(['preflight', ...files(specs), '--json'], stage.env);
    expect([result.code, result.err]).toEqual([0, '']);
    expect(json(result)).toMatchObject({ report: { blockers: 0 } });
  });
});

describe('plan', () => {
  test('is a script: every batch ends with GO, requests to Azure are comments, secrets are masked', async () => {
    const { code, out, err } = await sqlferry(['plan', ...files(specs)], stage.env);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^-- Plan of sales: Sales from sql1 to mi-west\n-- Cutover by planned-failover\./);
    expect(out).toMatch(/^-- on Azure: PUT distributedAvailabilityGroups\/DAG_Sales/m);
    expect(out).toMatch(/^CREATE AVAILABILITY GROUP \[AG_Sales\]/m);
    expect(out).toMatch(/^-- undo: DROP AVAILABILITY GROUP \[AG_Sales\]/m);
    expect(out.match(/^-- on (sql1|mi-west)$/gm)?.length).toBe(out.match(/^GO$/gm)?.length);
    expect(out).not.toContain(String(stage.env.MASTER_KEY_PASSWORD));
    expect(out).not.toContain('\u001b');
  });

  test('Markdown and --json say the same steps in the same order', async () => {
    const markdown = await sqlferry(['plan', ...files(specs), '--format', 'markdown'], stage.env);
    const plan = json(await sqlferry(['plan', ...files(specs), '--json'], stage.env));
    const steps = plan.steps as readonly { readonly title: string }[];
    const titles = [...markdown.out.matchAll(/^### (.*?)(?: \(again.*)?$/gm)].map(([, title]) => title);
    expect(titles).toEqual(steps.map(({ title }) => title));
    expect(titles).toContain('Create the link');
    expect(plan).toMatchObject({ migration: 'sales', route: 'planned-failover', blockers: 0 });
    expect(JSON.stringify(plan)).not.toContain(String(stage.env.MASTER_KEY_PASSWORD));
  });

  test('says on standard error that a run would stop at blockers', async () => {
    const broken = writeSpecs(stage, { database: 'Simple' });
    const { code, out, err } = await sqlferry(['plan', ...files(broken)], stage.env);
    broken.close();
    expect(err).toBe(
      'preflight finds 3 blockers: a run would stop before the first statement; see: sqlferry preflight\n',
    );
    expect([code, out.startsWith('-- Plan')]).toEqual([0, true]);
  });
});
