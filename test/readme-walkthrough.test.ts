/** The step-by-step part of README.md, typed into real shells; and the files that its other part begins with. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseLink, resolveLink } from '../src/model/link/spec-file';
import { parseInventory } from '../src/model/spec-file';
import { type DevServer, startDevServer } from '../src/temporal/dev-server';
import { type Fence, ROOT, readPage, shellLines } from './support/pages';

const README = readPage('README.md');
const blocksUnder = (heading: string): readonly string[] =>
  README.fences
    .filter((fence: Fence) => fence.heading === heading)
    .map((fence) => shellLines(fence).join('\n'));

/** The one block with this text in it. */
function blockWith(blocks: readonly string[], text: string): string {
  const [block, ...more] = blocks.filter((candidate) => candidate.includes(text));
  if (block === undefined || more.length > 0) throw new Error(`README: not one block with "${text}"`);
  return block;
}

const folder = mkdtempSync(join(tmpdir(), 'sqlferry-readme-'));
const children: ChildProcess[] = [];
let server: DevServer | undefined;

/** `sqlferry` on PATH, as the alias of the README has it in an interactive shell. */
function shellEnvironment(): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const program = join(bin, 'sqlferry');
  writeFileSync(
    program,
    `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'bin', 'sqlferry.js')}" "$@"\n`,
  );
  chmodSync(program, 0o755);
  const {
    TEMPORAL_ADDRESS: _one,
    SQLFERRY_TASK_QUEUE: _two,
    SQLFERRY_STATE_KEY: _three,
    ...rest
  } = process.env;
  return {
    ...rest,
    PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
    XDG_STATE_HOME: join(folder, 'state'),
  };
}

const env = shellEnvironment();

/** Types a block into a terminal of its own and leaves it there; resolves once it said `ready`. */
async function leaveRunning(block: string, ready: string): Promise<void> {
  // Its own process group, so that the shell and what it started end together.
  const child = spawn('/bin/sh', ['-e', '-c', block], { cwd: folder, env, detached: true });
  children.push(child);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes(ready)) resolve();
      });
    }
    child.once('exit', (code) => reject(new Error(`"${block}" ended with ${code}: ${said}`)));
  });
}

/** Types a block and waits for its end. Rejects when one of its lines fails. */
function type(block: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      '/bin/sh',
      ['-e', '-c', block],
      { cwd: folder, env, maxBuffer: 1 << 26 },
      (error, out, errors) => {
        if (error === null) resolve(out);
        else reject(new Error(`${error.message}\n${out}\n${errors}`));
      },
    );
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  process.kill(-child.pid, 'SIGTERM');
  await ended;
}

afterAll(async () => {
  for (const child of children.reverse()) await end(child);
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('step by step: estate, Temporal, worker, and a migration to its end', async () => {
  const blocks = blocksUnder('Step by step');
  await leaveRunning(blockWith(blocks, 'sqlferry estate'), 'The simulated estate is running');

  // At a free port: the usual one may be taken here.
  expect(blockWith(blocks, 'temporal server start-dev')).toBe('temporal server start-dev');
  server = await startDevServer();
  env.TEMPORAL_ADDRESS = server.address;
  await leaveRunning(blockWith(blocks, 'sqlferry worker'), 'worker ready');

  const said = await type(blockWith(blocks, 'sqlferry start'));
  expect(said).toContain('CREATE AVAILABILITY GROUP [AG_Sales]');
  expect(said).toContain('preflight passed');
  expect(said).toContain('approve sales-to-mi-west: ');
  expect(said).toContain('Planned failover: the SQL Server is SECONDARY of the link');
  expect(said).toMatch(/sales-to-mi-west\b.*\bcompleted/);

  const status = JSON.parse(await type('sqlferry status sales-to-mi-west --json')) as {
    status: { outcome: string; approval: { by: string } };
  };
  expect(status.status.outcome).toBe('completed');
}, 120_000);

test('init writes files that are read without a complaint, under the name that the README goes on with', async () => {
  const [init = '', ...rest] = blocksUnder('The way');
  await type(init);
  const written = join(folder, 'my-migration');
  expect(readdirSync(written).sort()).toEqual(['inventory.yaml', 'migration.yaml']);
  const inventory = parseInventory(readFileSync(join(written, 'inventory.yaml'), 'utf8'), 'inventory.yaml');
  const migration = parseLink(readFileSync(join(written, 'migration.yaml'), 'utf8'), 'migration.yaml');
  if (!inventory.ok || !migration.ok) throw new Error(JSON.stringify([inventory, migration]));
  expect(resolveLink(inventory.value, migration.value, migration.locate).ok).toBe(true);

  const names = rest.join('\n').matchAll(/sqlferry (?:watch|approve) (\S+)/g);
  const named = [...names].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(1);
  expect(new Set(named)).toEqual(new Set([migration.value.name]));
});

test('what the text says of single commands is so', async () => {
  expect(await type('sqlferry explain 1412')).toContain('1412');
  // The package says what the README calls it.
  expect(await type('sqlferry --version')).toMatch(/^\d+\.\d+\.\d+\n$/);
});
