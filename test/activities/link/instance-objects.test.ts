/** Logins and jobs over real sockets: two simulated servers, the real driver, and attempts that die in between. */
import sql from 'mssql';
import { compareObjects } from '../../../src/activities/link/instance-objects';
import { systemClock } from '../../../src/adapters/clock';
import { driftOf } from '../../../src/model/link/instance-objects';
import { copySteps, jobSwitch } from '../../../src/model/link/instance-object-steps';
import type { LinkStepId } from '../../../src/model/link/procedure';
import { effectDisplay } from '../../../src/model/statement';
import { APPLICATION, estateWithApplication, query } from '../../support/application';
import { type EstateStage, QUICK_POLLING, startEstateStage } from '../../support/scenario';
import { nothingLeft, StepBench } from '../../support/step-bench';
import { worldSnapshot } from '../../support/world-snapshot';

const JOB = 'Nightly [totals] of O\'Neil';

const SECTIONS = `
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
instanceObjects:
  logins: { include: [batch] }
  jobs: { include: ["${JOB}"] }
${QUICK_POLLING}
`;

const SETUP = `
CREATE SERVER ROLE [watchers];
GRANT VIEW ANY DEFINITION TO [watchers];
CREATE LOGIN [batch] WITH PASSWORD = N'Batch!Passw0rd', CHECK_POLICY = OFF, DEFAULT_DATABASE = [Sales];
ALTER SERVER ROLE [watchers] ADD MEMBER [batch];
ALTER SERVER ROLE [dbcreator] ADD MEMBER [batch];
GRANT VIEW SERVER STATE TO [batch] WITH GRANT OPTION;
DENY ALTER ANY DATABASE TO [batch];
EXEC msdb.dbo.sp_add_category @class = 'JOB', @type = 'LOCAL', @name = N'Totals';
EXEC msdb.dbo.sp_add_job @job_name = N'${JOB.replaceAll("'", "''")}', @category_name = N'Totals', @owner_login_name = N'batch',
  @description = N'adds up';
EXEC msdb.dbo.sp_add_jobstep @job_name = N'${JOB.replaceAll("'", "''")}', @step_name = N'add', @subsystem = N'TSQL',
  @command = N'SELECT ''topsecret'' AS [x]', @database_name = N'Sales', @retry_attempts = 2, @retry_interval = 5;
EXEC msdb.dbo.sp_add_jobschedule @job_name = N'${JOB.replaceAll("'", "''")}', @name = N'at night', @freq_type = 4,
  @freq_interval = 1, @active_start_time = 10000;
EXEC msdb.dbo.sp_add_jobserver @job_name = N'${JOB.replaceAll("'", "''")}', @server_name = N'(local)';
`;

const COPY: readonly LinkStepId[] = copySteps('target').map(({ id }) => id);

let stage: EstateStage;
let bench: StepBench;

beforeEach(async () => {
  stage = await startEstateStage({ estate: estateWithApplication() });
  for (const batch of SETUP.split(';\n')) if (batch.trim() !== '') await query(stage.estate, 'SQL1', batch);
  bench = await StepBench.open(stage, stage.spec(SECTIONS));
});
afterEach(async () => {
  await bench.close();
  await stage.close();
});

const hashOf = (instance: string, login: string): string =>
  Buffer.from(stage.estate.world.instances.get(instance).logins.get(login)?.passwordHash ?? []).toString('hex');

/** A login with its password, over the wire. @returns the number of the refusal, or 0 */
async function logIn(instance: string, user: string, password: string): Promise<number> {
  const { host, port } = stage.estate.instance(instance);
  const pool = new sql.ConnectionPool({
    server: host,
    port,
    database: 'master',
    user,
    password,
    options: { encrypt: true, trustServerCertificate: true },
  });
  try {
    await pool.connect();
    await pool.close();
    return 0;
  } catch (error) {
    const { originalError } = error as { originalError?: { info?: { number?: number }; errors?: { number?: number }[] } };
    return (originalError as { number?: number } | undefined)?.number ?? (error as { number?: number }).number ?? -1;
  }
}

async function report() {
  const context = {
    ports: bench.ports,
    spec: bench.spec,
    clock: systemClock,
    signal: new AbortController().signal,
  };
  return compareObjects(context, 'source');
}

test('copies everything once, and a second time changes nothing', async () => {
  for (const id of COPY) expect({ id, ...(await bench.run(id)) }).toMatchObject({ id, stepId: id });
  const after = worldSnapshot(stage.estate.world);
  for (const id of COPY) expect(await bench.run(id)).toMatchObject({ outcome: 'already-done', effects: [] });
  expect(worldSnapshot(stage.estate.world)).toEqual(after);
  expect(driftOf(await report())).toEqual([]);
  expect(hashOf('mi-west', 'batch')).toBe(hashOf('SQL1', 'batch'));
  expect(await logIn('mi-west', 'batch', 'Batch!Passw0rd')).toBe(0);
});
