/** Commands as real processes. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../src/adapters/clock';
import { createHooks } from '../../../src/adapters/hooks';
import { calling, command, MESSAGE } from './hook-parts';

let folder: string;
let hooks: ReturnType<typeof createHooks>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlferry-commands-'));
  hooks = createHooks({ clock: systemClock, commandDirectories: [folder], path: process.env.PATH });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @returns path of a script in the allowed directory */
function script(body: string): string {
  const file = join(folder, 'hook.sh');
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function gone(pid: number): Promise<void> {
  for (let looks = 0; isRunning(pid) && looks < 300; looks += 1) await delay(20);
  expect(isRunning(pid)).toBe(false);
}

async function written(file: string): Promise<string> {
  for (let looks = 0; looks < 500; looks += 1) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (text.endsWith('\n')) return text.trim();
    await delay(10);
  }
  throw new Error(`${file} was not written`);
}

test('gets the message, its fields and its arguments, and nothing of the environment of the worker', async () => {
  process.env.SQL1_PASSWORD = 'hidden-from-hooks';
  const out = join(folder, 'out');
  const file = script(`{ cat; echo; env; echo "args:$#:$1"; } > ${out}; echo drained; echo more`);
  const injected = '$(touch /tmp/never) ; `id`';
  expect(await hooks.call(command(file, [injected]), MESSAGE, calling())).toEqual({
    kind: 'exit',
    code: 0,
    text: 'drained',
  });
  delete process.env.SQL1_PASSWORD;
  const [body, ...rest] = readFileSync(out, 'utf8').split('\n');
  expect(JSON.parse(body ?? '')).toEqual(MESSAGE);
  expect(rest).toEqual(
    expect.arrayContaining([
      'SQLFERRY_PHASE=beforeFailover',
      'SQLFERRY_TO=mi-west',
      `SQLFERRY_IDEMPOTENCY_KEY=${MESSAGE.idempotencyKey}`,
      `args:1:${injected}`,
    ]),
  );
  expect(rest.join('\n')).not.toContain('hidden-from-hooks');
});

test('an exit code comes with the first line, of the errors where there is no other', async () => {
  const file = script('echo "  " >&2; echo "12 sessions are open" >&2; exit 3');
  expect(await hooks.call(command(file), MESSAGE, calling())).toEqual({
    kind: 'exit',
    code: 3,
    text: '12 sessions are open',
  });
});

test('output without end is bounded, and does not hold the command up', async () => {
  const file = script('head -c 5000000 /dev/zero | tr "\\0" x; exit 0');
  const reply = await hooks.call(command(file), MESSAGE, calling());
  expect(reply).toMatchObject({ kind: 'exit', code: 0 });
  expect(JSON.stringify(reply).length).toBeLessThan(300);
});

test('out of time, the command ends with its children, also when it does not want to', async () => {
  const pids = join(folder, 'pids');
  const file = script(`trap '' TERM; sleep 300 & echo "$$ $!" > ${pids}; wait; sleep 300`);
  const reply = await hooks.call(command(file), MESSAGE, calling({}, 1_500));
  expect(reply).toEqual({ kind: 'no-answer', reason: 'it did not end in time and was ended' });
  const [own = 0, child = 0] = (await written(pids)).split(' ').map(Number);
  await gone(own);
  await gone(child);
});

test('cancelled, the command ends, and the call rejects', async () => {
  const pids = join(folder, 'pids');
  const file = script(`echo "$$" > ${pids}; sleep 300`);
  const stop = new AbortController();
  const call = hooks.call(command(file), MESSAGE, calling({}, 60_000, stop.signal));
  call.catch(() => undefined);
  const pid = Number(await written(pids));
  stop.abort(new Error('cancelled'));
  await expect(call).rejects.toThrow('cancelled');
  await gone(pid);
});

test('a child in the background that keeps the output is not waited for', async () => {
  const pids = join(folder, 'pids');
  const file = script(`sleep 300 & echo "$!" > ${pids}; echo done`);
  expect(await hooks.call(command(file), MESSAGE, calling())).toEqual({
    kind: 'exit',
    code: 0,
    text: 'done',
  });
  const child = Number(await written(pids));
  // It was meant to go on.
  expect(isRunning(child)).toBe(true);
  process.kill(child);
});

test('a signal that ends it is no decision of anybody', async () => {
  expect(await hooks.call(command(script('kill -9 $$')), MESSAGE, calling())).toEqual({
    kind: 'no-answer',
    reason: 'it was ended by SIGKILL',
  });
});

describe('what a spec may not run', () => {
  test('anything, on a worker that was not told of a directory', async () => {
    const closed = createHooks({ clock: systemClock });
    expect(await closed.call(command(script('exit 0')), MESSAGE, calling())).toMatchObject({
      kind: 'not-allowed',
      reason: expect.stringContaining('SQLFERRY_COMMAND_HOOKS'),
    });
  });

  test('programs elsewhere, ways out of the directory, and links that lead out', async () => {
    const link = join(folder, 'link');
    symlinkSync('/bin/sh', link);
    for (const path of [
      '/bin/sh',
      `${folder}/../../bin/sh`,
      link,
      `${folder}-other/hook`,
      `${folder}/absent`,
    ]) {
      const reply = await hooks.call(command(path), MESSAGE, calling());
      expect([path, reply.kind]).toEqual([path, 'not-allowed']);
    }
  });

  test('a file that is no program is no answer, not a crash', async () => {
    const file = script('exit 0');
    chmodSync(file, 0o644);
    expect(await hooks.call(command(file), MESSAGE, calling())).toMatchObject({
      kind: 'no-answer',
      reason: expect.stringContaining('cannot be run'),
    });
  });
});
