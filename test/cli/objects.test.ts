/** `sqlferry objects` against an estate: both sides, what differs, what to do; it changes nothing. */
import { query } from '../support/application';
import { type EstateStage, startEstateStage } from '../support/scenario';
import { json, type SpecFolder, sqlferry, writeSpecs } from './command';

let stage: EstateStage;
const folders: SpecFolder[] = [];

beforeAll(async () => {
  stage = await startEstateStage({
    estate: {
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL1',
          logins: [
            { name: 'sa', password: 'Ferry!Passw0rd' },
            { name: 'sales_app', password: 'Sales!Passw0rd', roles: [] },
          ],
          databases: [{ name: 'Sales', users: [{ name: 'sales_app' }] }],
        },
        { kind: 'managed-instance', name: 'mi-west' },
      ],
    },
  });
  for (const text of [
    "EXEC sp_addlinkedserver @server = N'OLDBOX'",
    "EXEC msdb.dbo.sp_add_job @job_name = N'files', @owner_login_name = N'sa'",
    "EXEC msdb.dbo.sp_add_jobstep @job_name = N'files', @step_name = N'copy', @subsystem = N'CmdExec', @command = N'robocopy'",
  ])
    await query(stage.estate, 'SQL1', text);
});
afterAll(async () => {
  for (const folder of folders) folder.close();
  await stage.close();
});

function files(section = ''): readonly string[] {
  const specs = writeSpecs(stage, {
    sections: `logBackups: { directory: "C:\\\\Backup" }\n${section}`,
  });
  folders.push(specs);
  return [specs.migration, '--inventory', specs.inventory];
}

const SECTION = 'instanceObjects: { jobs: { include: [files] } }\n';

test('names what is missing, what cannot be copied, and what is left to a person, with remedies; ends with 3', async () => {
  const effects = stage.estate.world.journal.effective().length;
  const { code, out, err } = await sqlferry(['objects', ...files(SECTION)], stage.env);
  expect([code, err]).toEqual([3, '']);
  const lines = out.split('\n');
  expect(lines[0]).toBe('What sql1 has, and mi-west:');
  expect(lines[1]).toMatch(/^✗ job files {2}cannot be copied {2}step 1 \(copy\) is of the subsystem CmdExec/);
  expect(lines[2]).toMatch(/^ {4}→ write these steps anew for mi-west/);
  expect(lines[3]).toBe('! login sales_app  missing  mi-west has no such login');
  expect(lines[4]).toMatch(/^· linked-server OLDBOX {2}not copied/);
  expect(out.trimEnd().split('\n').at(-1)).toBe(
    'the sides differ: 0 the same, 1 to copy, 1 cannot be copied, 1 by hand',
  );
  expect(stage.estate.world.journal.effective()).toHaveLength(effects);
});

test('--json holds the same; a policy that does not block ends with 0', async () => {
  const result = await sqlferry(
    ['objects', ...files(`${SECTION.slice(0, -3)}, drift: warn }\n`), '--json'],
    stage.env,
  );
  expect(result.code).toBe(0);
  const report = json(result);
  expect(report).toMatchObject({
    primary: 'server',
    policy: 'warn',
    drift: 2,
    findings: expect.arrayContaining([
      expect.objectContaining({ kind: 'login', name: 'sales_app', state: 'missing' }),
    ]),
  });
});

test('without the section it still looks, and says that a run would not', async () => {
  const { code, out, err } = await sqlferry(['objects', ...files()], stage.env);
  expect([code, out.includes('login sales_app')]).toEqual([0, true]);
  expect(err).toContain('has no instanceObjects');
});

test('--primary instance turns the question round; anything else is wrong use', async () => {
  const { out } = await sqlferry(['objects', ...files(), '--primary', 'server'], stage.env);
  expect(out).toContain('What sql1 has');
  const wrong = await sqlferry(['objects', ...files(), '--primary', 'west'], stage.env);
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('no side of a link')]);
});
