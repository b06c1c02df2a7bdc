/** Everything that takes part in the demo, each of it on sockets or a process of its own. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningEstate } from '../../../estate/estate';
import { WorkloadWriter } from '../../../estate/workload/writer';
import { SqlFerry } from '../../client/runs';
import type { ResolvedLink } from '../../model/link/spec';
import { connectClient } from '../../temporal/connection';
import { ensureSearchAttributes } from '../../temporal/search-attributes';
import { openTemporalServer, type TemporalServer } from '../../temporal/server';
import { CLIENT_SECRET_VARIABLE, passwordVariable, writeSpecFiles } from '../estate/spec-files';
import { loadLinkMigration } from '../spec-files';
import { applicationTarget, DEMO_MIGRATION, startDemoEstate } from './estate';
import { WorkerProcess } from './worker-process';

const TASK_QUEUE = 'sqlferry-demo';
export const ROWS_PER_SECOND = 40;

export interface DemoStage {
  readonly temporal: TemporalServer;
  readonly estate: RunningEstate;
  readonly spec: ResolvedLink;
  readonly migrations: SqlFerry;
  /** Not started yet, as the writer. */
  readonly worker: WorkerProcess;
  readonly writer: WorkloadWriter;
}

/** @param closing gets what ends each part, in the order in which they were opened */
export async function openStage(folder: string, closing: (() => Promise<void>)[]): Promise<DemoStage> {
  const temporal = await openTemporalServer({
    ui: true,
    databaseFile: join(folder, 'temporal.db'),
    logLevel: 'error',
  });
  closing.push(() => temporal.stop());
  const estate = await startDemoEstate();
  closing.push(() => estate.close());
  const spec = await writeSpec(estate, folder);

  const client = await connectClient(temporal.target);
  closing.push(async () => client.connection.close());
  const { usable } = await ensureSearchAttributes(client.connection, temporal.target.namespace);
  const migrations = new SqlFerry(client, { taskQueue: TASK_QUEUE, visibility: async () => usable });

  const worker = new WorkerProcess(workerEnvironment(temporal, estate, folder), join(folder, 'worker.log'));
  closing.push(() => worker.stop());
  const writer = new WorkloadWriter({ target: applicationTarget(estate, 'SQL1'), rate: ROWS_PER_SECOND });
  closing.push(() => writer.stop());
  return { temporal, estate, spec, migrations, worker, writer };
}

async function writeSpec(estate: RunningEstate, folder: string): Promise<ResolvedLink> {
  const { inventory } = await writeSpecFiles(estate, folder);
  const migration = join(folder, 'sales.yaml');
  await writeFile(migration, DEMO_MIGRATION);
  return loadLinkMigration({ inventory, migration });
}

const workerEnvironment = (
  { target }: TemporalServer,
  estate: RunningEstate,
  folder: string,
): NodeJS.ProcessEnv => ({
  ...process.env,
  TEMPORAL_ADDRESS: target.address,
  TEMPORAL_NAMESPACE: target.namespace,
  SQLFERRY_TASK_QUEUE: TASK_QUEUE,
  SQLFERRY_STATE_DIRECTORY: folder,
  SQLFERRY_SHUTDOWN_GRACE_SECONDS: '1',
  [CLIENT_SECRET_VARIABLE]: estate.azure.clientSecret,
  [passwordVariable('SQL1')]: estate.instance('SQL1').adminPassword,
  [passwordVariable('mi-west')]: estate.instance('mi-west').adminPassword,
  ESTATE_MASTER_KEY_PASSWORD: 'Master!Key0Passw0rd',
});
