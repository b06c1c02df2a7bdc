/** The Temporal dev server of the CLI as a child process that never outlives its parent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithParent } from './end-with-parent';
import { SEARCH_ATTRIBUTE_NAMES } from './search-attributes';
import { type FindOptions, findTemporalCli } from './server-binary';

export interface DevServerOptions {
  /** Path of the Temporal CLI; by default it is found (server-binary.ts). */
  readonly cli?: string;
  readonly find?: FindOptions;
  /** TCP port of gRPC on 127.0.0.1; 0 or absent takes a free one. */
  readonly port?: number;
  /** True for a UI at a free port, a number for that port; absent for none. */
  readonly ui?: boolean | number;
  /** SQLite file that keeps everything over a restart; absent keeps it in memory. */
  readonly databaseFile?: string;
  readonly namespace?: string;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'never';
  /** Further arguments of `temporal server start-dev`. */
  readonly extraArguments?: readonly string[];
  /** Milliseconds until gRPC must answer; default 30,000. */
  readonly startTimeoutMs?: number;
}

export interface DevServer {
  /** host:port of gRPC. */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | undefined;
  readonly pid: number;
  /** SIGTERM, and SIGKILL when it does not end within 5 s. Safe to call twice. */
  stop(): Promise<void>;
  /** SIGKILL at once, as a crash of the server would be. */
  kill(): Promise<void>;
}

export class DevServerFailure extends Error {
  override readonly name = 'DevServerFailure';
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
/** A free port may be taken by somebody else before the server binds it. */
const PORT_ATTEMPTS = 3;

/** Starts a dev server and waits until its namespace answers. @throws DevServerFailure, TemporalBinaryMissing */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  const cli = options.cli ?? (await findTemporalCli(options.find)).path;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(cli, options);
    } catch (error) {
      const portWasTaken = error instanceof DevServerFailure && /address already in use/i.test(error.message);
      if (!portWasTaken || (options.port ?? 0) !== 0 || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(cli: string, options: DevServerOptions): Promise<DevServer> {
  const namespace = options.namespace ?? 'default';
  const port = options.port !== undefined && options.port !== 0 ? options.port : await freePort();
  const uiPort = await choosePort(options.ui);
  const child = launch(cli, devServerArguments({ ...options, namespace }, port, uiPort));
  const address = `127.0.0.1:${port}`;
  const output = keepOutput(child);
  const release = endWithParent(child);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    await terminate(child, signal);
    release();
  };
  try {
    await waitUntilServing(child, address, namespace, options.startTimeoutMs ?? START_TIMEOUT_MS);
  } catch (error) {
    await end('SIGKILL');
    const reason = error instanceof Error ? error.message : String(error);
    throw new DevServerFailure(`the Temporal dev server (${cli}) did not start: ${reason}${output()}`);
  }
  return {
    address,
    namespace,
    uiUrl: uiPort === undefined ? undefined : `http://127.0.0.1:${uiPort}`,
    pid: child.pid ?? 0,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** Arguments of `temporal server start-dev` (CLI 1.5 to 1.9). */
export function devServerArguments(
  options: DevServerOptions,
  port: number,
  uiPort: number | undefined,
): readonly string[] {
  const attributes = SEARCH_ATTRIBUTE_NAMES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]);
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--namespace',
    options.namespace ?? 'default',
    '--log-level',
    options.logLevel ?? 'error',
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(options.databaseFile === undefined ? [] : ['--db-filename', options.databaseFile]),
    ...attributes,
    ...(options.extraArguments ?? []),
  ];
}

/**
 * In its own process group: Ctrl-C in a terminal reaches the whole foreground group, and a worker must be able to end
 * its work against a living server. end-with-parent.ts sees to it that the server does not stay behind.
 */
function launch(cli: string, args: readonly string[]): ChildProcess {
  return spawn(cli, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
}

function keepOutput(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-4_000);
    });
  }
  return () => (text.trim() === '' ? '' : `\n${text.trim()}`);
}

async function waitUntilServing(
  child: ChildProcess,
  address: string,
  namespace: string,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  const failedToRun = once(child, 'error').then(([error]) => Promise.reject(error));
  const ended = once(child, 'exit').then(([code, signal]) =>
    Promise.reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`)),
  );
  // Both may reject long after the server is up; nobody listens then.
  failedToRun.catch(() => undefined);
  ended.catch(() => undefined);
  await Promise.race([failedToRun, ended, pollNamespace(child, address, namespace, deadline)]);
}

async function pollNamespace(
  child: ChildProcess,
  address: string,
  namespace: string,
  deadline: number,
): Promise<void> {
  // A bare connection first: a gRPC channel that cannot connect leaves timers behind for seconds.
  while (!(await accepts(address))) await pause(child, deadline, new Error('its port does not open'));
  for (;;) {
    try {
      await describeNamespace(address, namespace);
      return;
    } catch (error) {
      await pause(child, deadline, error);
    }
  }
}

/** @throws `problem` once there is no hope. */
async function pause(child: ChildProcess, deadline: number, problem: unknown): Promise<void> {
  if (hasEnded(child) || Date.now() > deadline) throw problem;
  await sleep(50);
}

function accepts(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function describeNamespace(address: string, namespace: string): Promise<void> {
  const { Connection } = await import('@temporalio/client');
  // Lazy: `connect` gives up without closing its channel, which would then go on trying.
  const connection = Connection.lazy({ address, connectTimeout: 2_000 });
  try {
    await connection.ensureConnected();
    await connection.withDeadline(Date.now() + 2_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } finally {
    await connection.close();
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

async function terminate(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

async function choosePort(ui: boolean | number | undefined): Promise<number | undefined> {
  if (ui === undefined || ui === false) return undefined;
  return ui === true || ui === 0 ? freePort() : ui;
}

/** @returns a TCP port of 127.0.0.1 that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new DevServerFailure('no free port');
  return address.port;
}
