import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseLink, resolveLink } from '../../src/model/link/spec-file';
import { parseInventory } from '../../src/model/spec-file';
import { BIN, json, sqlferry, sqlferryProcess } from './command';
import { commandNames, helpOf } from './help';

const VERSION = (
  JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string }
).version;

describe('help and version', () => {
  test('--version prints the version of the package, also as a process of its own', async () => {
    expect(await sqlferry(['--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
    expect(await sqlferryProcess(['--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  });

  test('a reader who leaves early is no failure', async () => {
    const child = spawn(process.execPath, [BIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString('utf8');
    });
    await once(child, 'close');
    expect({ err, code: child.exitCode }).toEqual({ err: '', code: 0 });
  });

  test('--help lists every command and the exit codes', async () => {
    const { code, out } = await sqlferry(['--help']);
    expect(code).toBe(0);
    for (const name of [
      'init',
      'preflight',
      'plan',
      'start',
      'watch',
      'approve',
      'abort',
      'worker',
      'estate',
    ])
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(out).toMatch(/Exit codes: 0 done, 1 failed, 2 wrong use/);
  });

  test('every command says what it does and shows an example of itself', async () => {
    for (const name of await commandNames()) {
      if (name === 'help') continue;
      const help = await helpOf(name);
      expect([name, help.description.length > 10]).toEqual([name, true]);
      // The demo is its own example.
      if (name !== 'demo')
        expect([name, help.text]).toEqual([
          name,
          expect.stringMatching(new RegExp(`\\$ .*sqlferry ${name}`)),
        ]);
      expect(help.options).toContain('--json');
    }
  });

  test('no option of help is undescribed', async () => {
    for (const name of await commandNames()) {
      const { optionLines } = await helpOf(name);
      for (const line of optionLines)
        expect([name, line]).toEqual([name, expect.stringMatching(/^ {2}\S.*? {2,}\S/)]);
    }
  });
});

describe('wrong use ends with 2 and a hint', () => {
  test.each([
    [['prefligt'], /unknown command 'prefligt'\n\(Did you mean preflight\?\)/],
    [['frobnicate'], /unknown command 'frobnicate'\n\(see: sqlferry --help/],
    [['status', 'a', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [['status'], /missing required argument 'name'/],
    [['status', 'a', 'b'], /too many arguments/],
    [['watch', 'a', '--interval', 'soon'], /write for example 500ms, 2s or 1m/],
    [['plan', 'x.yaml', '--format', 'pdf'], /Allowed choices are sql, markdown/],
    [['postpone', 'a'], /required option '--until <time>'/],
    [['schedule', 'a'], /give one of --now, --at TIME or --windows FILE/],
    [['schedule', 'a', '--now', '--at', '2027-01-01T00:00:00Z'], /give one of/],
    [['schedule', 'a', '--at', 'tomorrow'], /"tomorrow" is no time\n {2}→ write for example 2026/],
    [['postpone', 'a', '--until', 'later'], /"later" is no time/],
    [['estate', '--speed', 'fast'], /--speed needs a number above 0/],
    [
      ['start', 'no-such.yaml'],
      /there is no file inventory\.yaml \(--inventory\)\n {2}→ make example files with: sqlferry init/,
    ],
  ] as const)('sqlferry %j', async (argv, text) => {
    const { code, out, err } = await sqlferry(argv);
    expect(err).toMatch(text);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  test('no command at all prints the help', async () => {
    const { code, err } = await sqlferry([]);
    expect([code, err]).toEqual([2, expect.stringContaining('Usage: sqlferry')]);
  });

  test('with --json the mistake is an object, and nothing else', async () => {
    const result = await sqlferry(['status', 'a', '--json', '--nope']);
    expect(json(result)).toEqual({
      error: { message: "unknown option '--nope'", exitCode: 2, nextSteps: ['sqlferry --help'] },
    });
    expect([result.code, result.err]).toEqual([2, '']);
  });
});

describe('init', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sqlferry-init-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('writes files that sqlferry itself accepts', async () => {
    const instance = join(directory, 'my', 'migration');
    const { code, out } = await sqlferry(['init', instance]);
    expect(code).toBe(0);
    expect(out).toMatch(/next: .*sqlferry preflight migration\.yaml/);
    const inventory = parseInventory(
      readFileSync(join(instance, 'inventory.yaml'), 'utf8'),
      'inventory.yaml',
    );
    const migration = parseLink(readFileSync(join(instance, 'migration.yaml'), 'utf8'), 'migration.yaml');
    if (!inventory.ok || !migration.ok) throw new Error(JSON.stringify([inventory, migration]));
    expect(resolveLink(inventory.value, migration.value, migration.locate).ok).toBe(true);
  });

  test('never overwrites without --force', async () => {
    writeFileSync(join(directory, 'migration.yaml'), 'mine');
    const refused = await sqlferry(['init', directory]);
    expect(refused.code).toBe(3);
    expect(refused.err).toMatch(
      /migration\.yaml exist.* in .*\n {2}→ choose another directory, or overwrite them with --force/,
    );
    expect(readFileSync(join(directory, 'migration.yaml'), 'utf8')).toBe('mine');
    expect(existsSync(join(directory, 'inventory.yaml'))).toBe(false);
    const forced = await sqlferry(['init', directory, '--force', '--json']);
    expect([forced.code, json(forced)]).toEqual([
      0,
      { files: [join(directory, 'inventory.yaml'), join(directory, 'migration.yaml')] },
    ]);
    expect(readFileSync(join(directory, 'migration.yaml'), 'utf8')).toMatch(/^# One database/);
  });
});

describe('explain', () => {
  test('finds a number, a message as it is copied, and a code of Azure in any case', async () => {
    const byNumber = await sqlferry(['explain', '1412']);
    expect(byNumber.code).toBe(0);
    expect(byNumber.out).toMatch(/^meaning +\S/m);
    expect(byNumber.out).toMatch(/^remedy +\S/m);
    expect((await sqlferry(['explain', 'Msg 1412'])).out).toBe(byNumber.out);
    const ofAzure = json(await sqlferry(['explain', 'managedinstancelinktdecertificatemissing', '--json']));
    expect(ofAzure).toMatchObject({
      matches: expect.arrayContaining(['ManagedInstanceLinkTdeCertificateMissing']),
    });
  });

  test('a near miss ends with 5 and names the neighbours', async () => {
    const { code, err } = await sqlferry(['explain', 'ManagedInstanceLinkTdeCertMissing']);
    expect(code).toBe(5);
    expect(err).toMatch(/did you mean ManagedInstanceLinkTdeCertificateMissing\?/);
    expect((await sqlferry(['explain', 'xyzzy'])).code).toBe(5);
  });
});

test('approve, abort and leave are refused where nobody can be asked', async () => {
  for (const name of ['approve', 'abort', 'leave']) {
    const { code, err, out } = await sqlferry([name, 'sales', '--address', '127.0.0.1:1']);
    expect(err).toMatch(
      /^error: not done without a yes, and there is no terminal to ask on\. This .*\n {2}→ add --yes to go ahead\n$/,
    );
    expect([code, out]).toEqual([3, '']);
  }
});
