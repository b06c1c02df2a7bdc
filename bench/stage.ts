/** What every benchmark stands on: the estate on sockets in this process, a Temporal dev server, a worker of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { type RunningEstate, startEstate } from '../estate/estate';
import type { EstateDefinitionInput } from '../estate/world/definition';
import { WorkerProcess } from '../src/cli/demo/worker-process';
import { SqlFerry } from '../src/client/runs';
import type { ResolvedLink } from '../src/model/link/spec';
import { parseLink, resolveLink } from '../src/model/link/spec-file';
import { parseInventory } from '../src/model/spec-file';
import { connectClient, temporalTarget } from '../src/temporal/connection';
import { startDevServer } from '../src/temporal/dev-server';
import { ensureSearchAttributes } from '../src/temporal/search-attributes';

export interface BenchStage {
  readonly estate: RunningEstate;
  readonly client: Client;
  readonly migrations: SqlFerry;
  /** host:port of Temporal. */
  readonly address: string;
  readonly worker: WorkerMeter;
  /** @param sections YAML of a migration behind `instance` */
  spec(name: string, database: string, sections: string): ResolvedLink;
  close(): Promise<void>;
}

export async function startBenchStage(definition: EstateDefinitionInput): Promise<BenchStage> {
  const folder = mkdtempSync(join(tmpdir(), 'sqlferry-bench-'));
  const caFile = join(folder, 'ca.pem');
  const [estate, server] = await Promise.all([
    startEstate(definition, { caFile }),
    startDevServer({ logLevel: 'error' }),
  ]);
  const instance = await temporalTarget({ address: server.address }, {});
  const client = await connectClient(instance);
  await ensureSearchAttributes(client.connection, instance.namespace);
  const worker = new WorkerProcess(
    {
      ...process.env,
      TEMPORAL_ADDRESS: server.address,
      ESTATE_CLIENT_SECRET: estate.azure.clientSecret,
      SQL1_PASSWORD: estate.instance('SQL1').adminPassword,
      MI_PASSWORD: estate.instance('mi-west').adminPassword,
      MASTER_KEY_PASSWORD: 'Master!Key!Passw0rd',
      SQLFERRY_STATE_DIRECTORY: folder,
      SQLFERRY_LOG_LEVEL: 'WARN',
      // As the Dockerfile sets them.
      NODE_OPTIONS: '--max-semi-space-size=8',
      MALLOC_ARENA_MAX: '2',
    },
    join(folder, 'worker.log'),
  );
  const pid = await worker.start();
  return {
    estate,
    client,
    migrations: new SqlFerry(client, { visibility: async () => true }),
    address: server.address,
    worker: new WorkerMeter(pid),
    spec: (name, database, sections) => resolveSpec(estate, caFile, name, database, sections),
    async close() {
      await worker.kill();
      await client.connection.close();
      await server.stop();
      await estate.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Clock ticks per second of /proc (USER_HZ, the same on every Linux). */
const TICKS = 100;

/** Reads what the worker process uses, from /proc (Linux). */
export class WorkerMeter {
  constructor(private readonly pid: number) {}

  /** Seconds of all processors since the start, user and system. */
  cpuSeconds(): number {
    // Behind the name, which may hold spaces: fields 14 and 15 of proc(5) stat.
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  }

  /** Resident memory in MB (1,048,576 bytes). */
  residentMb(): number {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1_024;
  }
}

function resolveSpec(
  estate: RunningEstate,
  caFile: string,
  name: string,
  database: string,
  sections: string,
): ResolvedLink {
  const inventory = parseInventory(inventoryYaml(estate, caFile), 'inventory.yaml');
  const migration = parseLink(
    `apiVersion: sqlferry/v1\nkind: Link\nname: ${name}\ndatabase: ${database}\nserver: sql1\ninstance: mi-west\n${sections}`,
    'migration.yaml',
  );
  if (!inventory.ok || !migration.ok) throw new Error(JSON.stringify([inventory, migration]));
  const resolved = resolveLink(inventory.value, migration.value, migration.locate);
  if (!resolved.ok) throw new Error(JSON.stringify(resolved));
  return resolved.value;
}

function inventoryYaml(estate: RunningEstate, caFile: string): string {
  const server = estate.instance('SQL1');
  const instance = estate.instance('mi-west');
  const { azure } = estate;
  return `
apiVersion: sqlferry/v1
kind: Inventory
azure:
  endpoint: ${azure.endpoint}
  authorityHost: ${azure.authorityHost}
  caFile: ${caFile}
  credential: { type: client-secret, tenantId: ${azure.tenantId}, clientId: ${azure.clientId}, clientSecret: "env:ESTATE_CLIENT_SECRET" }
sqlServers:
  sql1:
    host: ${server.host}
    port: ${server.port}
    tls: { mode: required, caFile: ${caFile}, serverName: localhost }
    authentication: { type: sql, user: ${server.adminLogin}, password: "env:SQL1_PASSWORD" }
    endpoint: { address: SQL1 }
    masterKeyPassword: env:MASTER_KEY_PASSWORD
managedInstances:
  mi-west:
    resourceId: ${instance.resourceId ?? ''}
    host: ${instance.host}
    port: ${instance.port}
    tls: { mode: required, caFile: ${caFile}, serverName: localhost }
    authentication: { type: sql, user: ${instance.adminLogin}, password: "env:MI_PASSWORD" }
`;
}
