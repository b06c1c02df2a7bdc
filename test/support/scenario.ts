/**
 * A whole stage for scenarios: the simulated estate on sockets, a real Temporal dev server, workers in this process.
 * Everything binds to free ports and is taken down by `close`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { type RunningEstate, startEstate } from '../../estate/estate';
import type { EstateDefinitionInput } from '../../estate/world/definition';
import { SqlFerry } from '../../src/client/runs';
import type { ResolvedLink } from '../../src/model/link/spec';
import { connectClient, connectWorker, temporalTarget } from '../../src/temporal/connection';
import { type DevServer, startDevServer } from '../../src/temporal/dev-server';
import { ensureSearchAttributes } from '../../src/temporal/search-attributes';
import { type WorkerConfig, workerConfig } from '../../src/worker/config';
import { type RunningWorker, startWorker } from '../../src/worker/run-worker';
import { installRuntime } from '../../src/worker/runtime';
import { estateClock } from './estate-clock';
import { inventoryYaml, specOf } from './estate-spec';

let runtimeInstalled = false;

/** Quick polls: the estate's days are seconds. */
export const QUICK_POLLING = `
polling: { steady: 500ms, seeding: 500ms, active: 100ms, heartbeatTimeout: 5s }
`;

export interface StageOptions {
  readonly estate?: EstateDefinitionInput;
  /** YAML of the sections after `instance`, for example logBackups, cutover, polling. */
  readonly sections?: string;
  /** Further environment of the worker. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Time of the workers' activities and adapters: of the estate, or the system's (by default), for which a spec needs
   * polling as quick as QUICK_POLLING. Workflows and heartbeats keep to the system's in any case.
   */
  readonly clock?: 'estate' | 'system';
  /** A server of the scenario's own, which it stops itself; by default all scenarios of a file share one. */
  readonly server?: DevServer;
}

export const DEFAULT_SECTIONS = `
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { approval: { required: false } }
${QUICK_POLLING}
`;

/** The estate with a spec that fits it, without Temporal. */
export interface EstateStage {
  readonly estate: RunningEstate;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  spec(sections?: string, name?: string, database?: string): ResolvedLink;
  close(): Promise<void>;
}

export async function startEstateStage(options: StageOptions = {}): Promise<EstateStage> {
  const folder = mkdtempSync(join(tmpdir(), 'sqlferry-scenario-'));
  const caFile = join(folder, 'ca.pem');
  const estate = await startEstate(options.estate ?? { clock: { speed: 600 } }, { caFile });
  const env = {
    ...process.env,
    ESTATE_CLIENT_SECRET: estate.azure.clientSecret,
    SQL1_PASSWORD: estate.instance('SQL1').adminPassword,
    MI_PASSWORD: estate.instance('mi-west').adminPassword,
    MASTER_KEY_PASSWORD: 'Master!Key!Passw0rd',
    SQLFERRY_STATE_DIRECTORY: folder,
    ...options.env,
  };
  return {
    estate,
    folder,
    env,
    spec: (sections = options.sections ?? DEFAULT_SECTIONS, name = 'sales', database = 'Sales') =>
      specOf(inventoryYaml(estate, caFile), { sections, name, database }),
    close: async () => {
      await estate.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Stage extends EstateStage {
  readonly server: DevServer;
  readonly taskQueue: string;
  readonly client: Client;
  readonly migrations: SqlFerry;
  /** Starts a worker in this process. */
  startWorker(settings?: Partial<WorkerConfig>): Promise<RunningWorker>;
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const [base, server] = await Promise.all([startEstateStage(options), options.server ?? sharedServer()]);
  const taskQueue = `scenario-${Math.random().toString(36).slice(2, 10)}`;
  const instance = await temporalTarget({ address: server.address }, {});
  const client = await connectClient(instance);
  await ensureSearchAttributes(client.connection, instance.namespace);
  const workers: RunningWorker[] = [];
  const connections: NativeConnection[] = [];
  const config = workerConfig(base.env, { taskQueue, logLevel: 'ERROR', shutdownGraceMs: 200 });
  return {
    ...base,
    server,
    taskQueue,
    client,
    migrations: new SqlFerry(client, { taskQueue, visibility: async () => true }),
    async startWorker(settings = {}) {
      // Not before: a runtime ends with its last worker, and one that never had any would keep the process alive.
      if (!runtimeInstalled) {
        runtimeInstalled = true;
        await installRuntime(config, (line) => {
          if (process.env.SQLFERRY_TEST_LOG) process.stderr.write(`${line}\n`);
        });
      }
      const connection = await connectWorker(instance);
      connections.push(connection);
      const worker = await startWorker({
        connection,
        namespace: instance.namespace,
        config: { ...config, ...settings },
        env: base.env,
        log: (line) => {
          if (process.env.SQLFERRY_TEST_LOG) process.stderr.write(`${line}\n`);
        },
        ...(options.clock === 'estate' ? { clock: estateClock(base.estate) } : {}),
        workflowBundle: join(__dirname, '../../dist/workflow-bundle.js'),
      });
      workers.push(worker);
      return worker;
    },
    async close() {
      for (const worker of workers) worker.stop();
      await Promise.allSettled(workers.map((worker) => worker.done));
      for (const connection of connections) await connection.close();
      await client.connection.close();
      await base.close();
    },
  };
}

let server: Promise<DevServer> | undefined;

/** One dev server for all scenarios of a test file. */
function sharedServer(): Promise<DevServer> {
  server ??= startDevServer({
    ...(process.env.SQLFERRY_TEMPORAL_CLI === undefined ? {} : { cli: process.env.SQLFERRY_TEMPORAL_CLI }),
    logLevel: 'error',
  });
  return server;
}

/** To be called once after the scenarios of a file. */
export async function closeServer(): Promise<void> {
  await (await server)?.stop();
  server = undefined;
}
