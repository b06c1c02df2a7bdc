/** A bad night, through the command line alone: the primary dies, is forced out, comes back, and is made to follow. */
import { query, untilSeen } from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';
import { json, type SpecFolder, sqlferry, writeSpecs } from './command';

const SECTIONS = `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
failover: { coolDown: 1s }
${QUICK_POLLING}`;

let stage: Stage;
let specs: SpecFolder;

beforeAll(async () => {
  stage = await startStage();
  await stage.startWorker();
  specs = writeSpecs(stage, { sections: SECTIONS });
});
afterAll(async () => {
  specs.close();
  await stage.close();
  await closeServer();
});

/** As a script would call it, against the Temporal and the task queue of this stage. */
const ferry = (...argv: readonly string[]) =>
  sqlferry([...argv, '--address', stage.server.address, '--task-queue', stage.taskQueue], stage.env);

interface Seen {
  readonly status: {
    readonly phase: string;
    readonly health: { readonly healthy: boolean } | null;
    readonly nextSteps: readonly string[];
    readonly protection: {
      readonly primary: 'server' | 'instance';
      readonly splitBrain: { readonly reason: string } | null;
      readonly pendingRequest: string | null;
      readonly failovers: readonly { readonly loss: { readonly method: string } | null }[];
    } | null;
  };
}

/** What `status --json` says once it fits. */
function untilStatus(what: string, fits: (status: Seen['status']) => boolean): Promise<Seen['status']> {
  const look = async () => (json(await ferry('status', 'sales', '--json')) as unknown as Seen).status;
  return untilSeen(what, look, fits, 45_000);
}

const roleOn = async (name: 'SQL1' | 'mi-west'): Promise<string | null> => {
  const rows = await query<{ role_desc: string }>(
    stage.estate,
    name,
    `SELECT ars.role_desc FROM sys.availability_groups AS ag
JOIN sys.dm_hadr_availability_replica_states AS ars ON ars.group_id = ag.group_id AND ars.is_local = 1
WHERE ag.is_distributed = 1`,
  );
  return rows[0]?.role_desc ?? null;
};

test('a forced failover with the primary dead, its return, the repair, and a healthy link', async () => {
  const started = await ferry('start', specs.migration, '-i', specs.inventory);
  expect(started).toMatchObject({ code: 0, err: '' });
  await untilStatus('the link stands', ({ protection }) => protection !== null);

  const { world } = stage.estate;
  world.instances.kill('SQL1');
  const force = ['failover', 'sales', '--to', 'instance', '--force', '--yes'];
  // Consent alone is not enough: a reason, and a loss that somebody accepts by its number.
  const unfounded = await ferry(...force);
  expect(unfounded).toMatchObject({ code: 3, err: expect.stringContaining('needs a reason') });
  const unaccepted = await ferry(...force, '--reason', 'SQL1 burnt down');
  expect(unaccepted).toMatchObject({ code: 3, err: expect.stringMatching(/--accept-loss-seconds \d+/) });
  const forced = await ferry(...force, '--reason', 'SQL1 burnt down', '--accept-loss-seconds', '3600');
  expect(forced).toMatchObject({ code: 0, err: '' });
  const led = await untilStatus(
    'the instance leads',
    ({ protection }) => protection?.primary === 'instance' && protection.pendingRequest === null,
  );
  expect(led.protection?.failovers.at(-1)?.loss).toMatchObject({ method: 'estimate' });

  world.instances.revive('SQL1');
  world.instances.start('SQL1');
  const split = await untilStatus(
    'two primaries are found',
    ({ protection }) => protection?.splitBrain != null,
  );
  expect(split.protection?.splitBrain?.reason).toContain('PRIMARY');
  expect(split.nextSteps[0]).toContain('sqlferry repair sales');
  expect([await roleOn('SQL1'), await roleOn('mi-west')]).toEqual(['PRIMARY', 'PRIMARY']);
  // Until somebody decides, nothing else is possible.
  expect(await ferry('failover', 'sales', '--to', 'server', '--yes')).toMatchObject({
    code: 3,
    err: expect.stringContaining('two primaries'),
  });

  expect(await ferry('repair', 'sales', '--survivor', 'instance', '--yes')).toMatchObject({
    code: 0,
    err: '',
  });
  await untilStatus(
    'the link is whole',
    ({ protection, health }) =>
      protection?.splitBrain === null && protection.pendingRequest === null && health?.healthy === true,
  );
  expect([await roleOn('SQL1'), await roleOn('mi-west')]).toEqual(['SECONDARY', 'PRIMARY']);
  const log = await ferry('logs', 'sales', '--statements');
  expect(log.out).toMatch(/BACKUP LOG \[Sales\][\s\S]*SET \(ROLE = SECONDARY\)/);
}, 120_000);
