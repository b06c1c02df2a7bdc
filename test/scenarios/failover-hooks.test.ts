/**
 * What surrounds a failover, on a real Temporal server with a real worker: hooks over HTTPS and as processes, a veto, a
 * look at the new primary, and users that get their logins.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sql from 'mssql';
import type { RunningWorker } from '../../src/worker/run-worker';
import { FakeAzure } from '../adapters/azure/fake-azure';
import { APPLICATION, applicationOn, estateWithApplication, until } from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

const GB = 1024 ** 3;
const BY = { by: 'dba' };

interface Received {
  readonly phase: string;
  readonly hook: string;
  readonly idempotencyKey: string;
  readonly to: { readonly name: string };
  readonly evidence: { readonly firstWriteAt: string | null } | null;
}

describe('hooks around the failovers of a DR link', () => {
  let receiver: FakeAzure;
  let folder: string;
  let stage: Stage;
  let worker: RunningWorker;

  const received = () => receiver.requests.map(({ body }) => body as Received);
  const status = async () => (await stage.migrations.view('sales')).status;
  const standsFree = async () => (await status()).protection?.pendingRequest === null;
  const failoversOf = async () => (await status()).protection?.failovers ?? [];
  const commandLog = () => readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');

  async function failOver(to: 'server' | 'instance') {
    const before = (await failoversOf()).length;
    await until('the link is free', standsFree);
    const request = { ...BY, type: 'planned', to, acknowledgedBy: 'dba' } as const;
    expect(await stage.migrations.failover('sales', request)).toMatchObject({ accepted: true });
    await until(
      'the failover ended',
      async () => (await failoversOf()).length > before && (await standsFree()),
    );
    return (await failoversOf()).at(-1);
  }

  const isFenced = () => stage.estate.world.instances.get('SQL1').logins.get(APPLICATION.name)?.disabled;

  beforeAll(async () => {
    receiver = await FakeAzure.start();
    receiver.handler = () => ({ status: 204 });
    folder = mkdtempSync(join(tmpdir(), 'sqlferry-hook-scenario-'));
    const script = join(folder, 'repoint.sh');
    writeFileSync(script, `#!/bin/sh\necho "$SQLFERRY_PHASE $SQLFERRY_TO $1" >> ${folder}/log\n`);
    chmodSync(script, 0o755);
    stage = await startStage({
      estate: estateWithApplication({
        database: { dataBytes: GB },
        instance: {
          logins: [
            { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
            { ...APPLICATION, roles: [] },
          ],
        },
      }),
      env: {
        HOOK_URL: `${receiver.origin}/drain?key=k3y-of-the-hook`,
        HOOK_TOKEN: 'Bearer s3cret-of-the-hook',
        SQLFERRY_COMMAND_HOOKS: folder,
        SQLFERRY_STATE_KEY: 'of all workers of this scenario',
      },
    });
    worker = await stage.startWorker();
    const webhook = (name: string, more = '') =>
      `{ name: ${name}, type: webhook, url: "env:HOOK_URL", headers: { Authorization: "env:HOOK_TOKEN" }, caFile: "${receiver.caFile}", timeout: 5s${more} }`;
    await stage.migrations.start(
      stage.spec(`
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
failover: { coolDown: 1s }
hooks:
  beforeFailover: [${webhook('drain', ', onFailure: veto')}]
  whenFenced: [${webhook('drained')}]
  afterFailover:
    - ${webhook('dns')}
    - { name: repoint, type: command, executable: "${script}", args: ["a b; echo never"], timeout: 10s }
  whenWithdrawn: [${webhook('undrain')}]
afterFailover: { repairOrphanedUsers: true }
${QUICK_POLLING}`),
    );
    await until('the link stands', async () => (await status()).protection !== null);
  }, 120_000);
  afterAll(async () => {
    await stage.close();
    await receiver.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a refusal before the fence withdraws; what was drained is given back', async () => {
    receiver.handler = ({ body }) =>
      (body as Received).hook === 'drain'
        ? { status: 409, body: 'payroll runs until noon' }
        : { status: 204 };
    expect(await failOver('instance')).toMatchObject({
      outcome: 'withdrawn',
      summary: expect.stringContaining('payroll runs until noon'),
    });
    expect(received().map(({ hook }) => hook)).toEqual(['drain', 'undrain']);
    expect(isFenced()).toBe(false);
  }, 60_000);

  test('a refusal behind the fence lifts it', async () => {
    receiver.requests.length = 0;
    let wasFenced: boolean | undefined;
    receiver.handler = ({ body }) => {
      if ((body as Received).hook !== 'drained') return { status: 204 };
      wasFenced = isFenced();
      return { status: 423, body: 'a batch is open' };
    };
    expect(await failOver('instance')).toMatchObject({
      outcome: 'withdrawn',
      summary: expect.stringMatching(/a batch is open.*the fence is lifted/),
    });
    expect([wasFenced, isFenced()]).toEqual([true, false]);
    expect(received().map(({ hook }) => hook)).toEqual(['drain', 'drained', 'undrain']);
  }, 60_000);

  test('a hook that is down for a moment is called again with the same key; all are called in order', async () => {
    receiver.requests.length = 0;
    let broken = 1;
    receiver.handler = ({ body }) => {
      if ((body as Received).hook !== 'drain' || broken === 0) return { status: 204 };
      broken -= 1;
      return { status: 503 };
    };
    const done = await failOver('instance');
    expect(done).toMatchObject({
      outcome: 'done',
      hooks: [
        { hook: 'drain', outcome: 'passed', tries: 2 },
        { hook: 'drained', outcome: 'passed' },
        { hook: 'dns', outcome: 'passed' },
        { hook: 'repoint', outcome: 'passed' },
      ],
    });
    const [first, second, ...rest] = received();
    expect(first?.idempotencyKey).toBe(second?.idempotencyKey);
    expect(rest.map(({ hook }) => hook)).toEqual(['drained', 'dns']);
    expect(rest.at(-1)).toMatchObject({
      to: { name: 'mi-west' },
      evidence: { firstWriteAt: expect.any(String) },
    });
    expect(commandLog()).toEqual(['afterFailover mi-west a b; echo never']);
  }, 60_000);

  test('the user whose login has another SID there got its login, and the checks say that all is well', async () => {
    const record = (await failoversOf()).at(-1);
    expect(record?.checks?.map(({ id, outcome }) => [id, outcome])).toEqual(
      expect.arrayContaining([
        ['after.orphaned-users', 'passed'],
        ['after.commit-mode', 'passed'],
        ['after.owner', 'passed'],
        ['after.compatibility-level', 'passed'],
      ]),
    );
    const statements = stage.estate.world.journal.effective().map(({ text }) => text);
    expect(statements).toEqual(
      expect.arrayContaining([
        expect.stringContaining(`ALTER USER [${APPLICATION.name}] WITH LOGIN = [${APPLICATION.name}]`),
      ]),
    );
    const { host: server, ...login } = applicationOn(stage.estate, 'mi-west');
    const options = { encrypt: true, trustServerCertificate: true };
    const pool = await new sql.ConnectionPool({ server, ...login, options }).connect();
    expect((await pool.request().query('SELECT USER_NAME() AS name')).recordset).toEqual([
      { name: APPLICATION.name },
    ]);
    await pool.close();
  }, 60_000);

  test('a hook that fails behind the point of no return is told of, and holds nothing up', async () => {
    receiver.handler = ({ body }) => ((body as Received).hook === 'dns' ? { status: 500 } : { status: 204 });
    const back = await failOver('server');
    expect(back).toMatchObject({ outcome: 'done', to: 'server' });
    expect(back?.hooks?.map(({ hook, outcome }) => [hook, outcome])).toEqual([
      ['drain', 'passed'],
      ['drained', 'passed'],
      ['dns', 'failed'],
      ['repoint', 'passed'],
    ]);
    expect(isFenced()).toBe(false);
    expect(commandLog().at(-1)).toBe('afterFailover sql1 a b; echo never');
  }, 60_000);

  test('a worker that is stopped in the middle of a hook: the next one calls again, with the same key', async () => {
    receiver.requests.length = 0;
    const calls = () => received().filter(({ hook }) => hook === 'drain');
    receiver.handler = () => (calls().length === 1 ? { hang: true } : { status: 204 });
    const before = (await failoversOf()).length;
    await until('the link is free', standsFree);
    await stage.migrations.failover('sales', {
      ...BY,
      type: 'planned',
      to: 'instance',
      acknowledgedBy: 'dba',
    });
    await until('the hook is called', () => calls().length === 1);
    worker.stop();
    await worker.done;
    await stage.startWorker();
    await until('the failover ended', async () => (await failoversOf()).length > before);
    expect((await failoversOf()).at(-1)).toMatchObject({ outcome: 'done' });
    const keys = calls().map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  }, 60_000);

  test('no secret of a hook is in any history', async () => {
    const texts: string[] = [];
    for await (const { workflowId, runId } of stage.client.workflow.list({
      query: `TaskQueue = "${stage.taskQueue}"`,
    })) {
      texts.push(JSON.stringify(await stage.client.workflow.getHandle(workflowId, runId).fetchHistory()));
    }
    const decoded = texts.map((text) =>
      text.replaceAll(/"data":"([A-Za-z0-9+/=]+)"/g, (_all, data: string) =>
        Buffer.from(data, 'base64').toString('utf8'),
      ),
    );
    expect(decoded.length).toBeGreaterThan(3);
    expect(decoded.join()).toContain('payroll runs until noon');
    for (const secret of ['s3cret-of-the-hook', 'k3y-of-the-hook'])
      expect(decoded.join()).not.toContain(secret);
  }, 60_000);
});
