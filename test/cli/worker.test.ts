/** A worker that is started while Temporal is down. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevServer, startDevServer } from '../../src/temporal/dev-server';
import { until } from '../support/application';
import { BIN } from './command';

const WAITS = /waiting for Temporal/g;

class WorkerProcess {
  out = '';
  err = '';
  readonly ended: Promise<number | null>;
  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString('utf8');
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString('utf8');
    });
    this.ended = new Promise((resolve) => child.on('close', resolve));
  }

  static start(port: number, folder: string): WorkerProcess {
    const env = {
      ...process.env,
      TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
      SQLFERRY_STATE_DIRECTORY: folder,
      SQLFERRY_TASK_QUEUE: 'worker-that-waits',
    };
    const argv = [BIN, 'worker', '--json'];
    return new WorkerProcess(spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.ended;
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

let folder: string;
let worker: WorkerProcess | undefined;
let server: DevServer | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlferry-worker-'));
});
afterEach(async () => {
  await worker?.stop();
  await server?.stop();
  worker = undefined;
  server = undefined;
  rmSync(folder, { recursive: true });
});

test('waits, says so once, and goes on when Temporal is there', async () => {
  const port = await freePort();
  const started = WorkerProcess.start(port, folder);
  worker = started;
  await until('it waits', () => WAITS.test(started.err), 60_000);
  expect(started.err).toContain(`Temporal at 127.0.0.1:${port}: no answer`);
  server = await startDevServer({
    ...(process.env.SQLFERRY_TEMPORAL_CLI === undefined ? {} : { cli: process.env.SQLFERRY_TEMPORAL_CLI }),
    logLevel: 'error',
    port,
  });
  await until('it is ready', () => started.out.includes('"ready"'), 60_000);
  expect(started.err.match(WAITS)).toHaveLength(1);
  expect(started.err).toContain('answers');
  expect(await started.stop()).toBe(0);
  // The one object of --json.
  expect(started.out.trimEnd().split('\n')).toHaveLength(1);
}, 180_000);

test('is ended by SIGTERM while it waits', async () => {
  const started = WorkerProcess.start(await freePort(), folder);
  worker = started;
  await until('it waits', () => started.err.includes('waiting for Temporal'), 60_000);
  expect(await started.stop()).toBe(0);
  expect(started.out).toBe('');
  expect(started.err).not.toContain('error:');
}, 120_000);
