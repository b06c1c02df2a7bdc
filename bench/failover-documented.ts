/**
 * A planned failover as the failover how-to of the link describes it, done by a diligent person with two query windows
 * who refreshes every 5 seconds: stop the workload, compare the last hardened LSNs, fail over, look at the roles.
 */
import { setTimeout as delay } from 'node:timers/promises';
import sql from 'mssql';
import type { WorkloadWriter } from '../estate/workload/writer';
import type { LinkSite } from '../src/model/link/side';
import {
  APPLICATION,
  administrator,
  application,
  type FailoverSample,
  instanceName,
  platformMs,
} from './failover';
import type { BenchStage } from './stage';

const REFRESH_MS = 5_000;
/** Beyond this something is wrong, and a benchmark that waits for ever tells nobody. */
const LONGEST_WAIT_MS = 60_000;
const LINK = 'DAG_Sales';

/** An asynchronous primary reports no hardened LSN of its own (sys.dm_hadr_database_replica_states): its log's end counts. */
const LSN = `SELECT TOP (1) CONVERT(varchar(40), COALESCE(r.last_hardened_lsn, r.end_of_log_lsn)) AS value
FROM sys.dm_hadr_database_replica_states AS r JOIN sys.availability_groups AS ag ON ag.group_id = r.group_id
WHERE ag.is_distributed = 1 AND ag.name = N'${LINK}' AND r.is_local = 1`;

const ROLE = `SELECT ars.role_desc AS value FROM sys.availability_groups AS ag
JOIN sys.dm_hadr_availability_replica_states AS ars ON ars.group_id = ag.group_id AND ars.is_local = 1
WHERE ag.name = N'${LINK}'`;

export async function documentedFailover(
  stage: BenchStage,
  writer: WorkloadWriter,
  to: LinkSite,
): Promise<FailoverSample> {
  const from: LinkSite = to === 'instance' ? 'server' : 'instance';
  const [here, there] = await Promise.all([window(stage, from), window(stage, to)]);
  try {
    const askedAt = Date.now();
    await stopWorkload(here);
    await refreshUntil(async () => (await value(here, LSN)) === (await value(there, LSN)));
    const failing = failOver(stage, here, from);
    await refreshUntil(async () => (await value(there, ROLE)) === 'PRIMARY');
    await failing;
    await there
      .request()
      .query('USE Sales; CREATE TABLE dbo.bench_probe (id int NOT NULL); DROP TABLE dbo.bench_probe;');
    const totalMs = Date.now() - askedAt;
    await there.request().query(`ALTER LOGIN [${APPLICATION.name}] ENABLE;`);
    writer.repoint(application(stage, to));
    return { to, totalMs, platformMs: platformMs(stage) };
  } finally {
    await Promise.all([here.close(), there.close()]);
  }
}

async function stopWorkload(here: sql.ConnectionPool): Promise<void> {
  await here.request().query(`ALTER LOGIN [${APPLICATION.name}] DISABLE;`);
  const { recordset } = await here
    .request()
    .query<{ session_id: number }>(
      `SELECT session_id FROM sys.dm_exec_sessions WHERE login_name = N'${APPLICATION.name}'`,
    );
  for (const { session_id } of recordset) await here.request().query(`KILL ${session_id};`);
}

/** T-SQL on a SQL Server, Azure on an instance (failover how-to). */
function failOver(stage: BenchStage, here: sql.ConnectionPool, from: LinkSite): Promise<unknown> {
  if (from === 'server')
    return here.request().query(`USE master; ALTER AVAILABILITY GROUP [${LINK}] FAILOVER;`);
  const { links, timeline } = stage.estate.world;
  return timeline.settled(links.failover(instanceName('instance'), LINK, 'Planned').operation.id);
}

/** The first look comes one refresh after what was done, as a hand on the F5 key has it. */
async function refreshUntil(reached: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + LONGEST_WAIT_MS;
  do {
    if (Date.now() > giveUpAt) throw new Error('the documented procedure does not come to its next step');
    await delay(REFRESH_MS);
  } while (!(await reached()));
}

async function value(pool: sql.ConnectionPool, text: string): Promise<string | undefined> {
  const { recordset } = await pool.request().query<{ value: string }>(`USE master; ${text};`);
  return recordset[0]?.value;
}

/** In master, as in the how-to: a database that is a secondary lets nobody in. */
function window(stage: BenchStage, side: LinkSite): Promise<sql.ConnectionPool> {
  const { host, port, user, password } = administrator(stage, side);
  return new sql.ConnectionPool({
    server: host,
    port,
    database: 'master',
    user,
    password,
    requestTimeout: 60_000,
    pool: { min: 0, max: 1 },
    options: { encrypt: true, trustServerCertificate: true },
  }).connect();
}
