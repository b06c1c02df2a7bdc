/** A history grows with what happens, not with waiting, and continues as new without anybody noticing. */
import { SqlFerry, type StartedRun } from '../../src/client/runs';
import { estateWithApplication, query, until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

const DAY_MS = 86_400_000;

/** The estate's quarter of an hour is a fifth of a second here, so the SQL Server is looked at often. */
const sections = (every: string): string => `
logBackups: { directory: "C:\\\\Backup", every: ${every} }
polling: { steady: 25ms, seeding: 100ms, active: 25ms, heartbeatTimeout: 5s }
`;

interface LogBackup {
  readonly first_lsn: string;
  readonly last_lsn: string;
}

const logBackups = ({ estate }: Stage): Promise<LogBackup[]> =>
  query<LogBackup>(
    estate,
    'SQL1',
    `SELECT CAST(first_lsn AS varchar(30)) AS first_lsn, CAST(last_lsn AS varchar(30)) AS last_lsn
FROM msdb.dbo.backupset WHERE database_name = N'Sales' AND type = 'L' ORDER BY backup_set_id`,
  );

function expectUnbroken(backups: readonly LogBackup[]): void {
  const ends = backups.map((backup) => backup.last_lsn);
  expect(backups.slice(1).map((backup) => backup.first_lsn)).toEqual(ends.slice(0, -1));
  expect(backups.every((backup) => BigInt(backup.last_lsn) > BigInt(backup.first_lsn))).toBe(true);
}

async function backupsTaken({ migrations }: Stage, name: string): Promise<number> {
  return (await migrations.view(name)).status.logBackups.count;
}

async function replicates({ migrations }: Stage, name: string): Promise<boolean> {
  return (await migrations.view(name)).status.phase === 'replicating';
}

/** Run ids of one migration from its first history to its newest. */
async function chainOf({ client }: Stage, { runId, workflowId }: StartedRun): Promise<readonly string[]> {
  const chain = [runId];
  for (;;) {
    const handle = client.workflow.getHandle(workflowId, chain.at(-1));
    const last = (await handle.fetchHistory()).events?.at(-1);
    const next = last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
    if (!next) return chain;
    chain.push(next);
  }
}

/** Events of each history of a migration. */
async function eventsOf(stage: Stage, started: StartedRun): Promise<number[]> {
  const runIds = await chainOf(stage, started);
  const handles = runIds.map((runId) => stage.client.workflow.getHandle(started.workflowId, runId));
  const described = await Promise.all(handles.map((handle) => handle.describe()));
  return described.map((description) => description.historyLength);
}

describe('a link that replicates', () => {
  let stage: Stage;

  afterEach(() => stage.close());

  test('for more than a day with a log backup every quarter of an hour needs fewer than 2,000 events', async () => {
    stage = await startStage({
      estate: estateWithApplication({ speed: 600, database: { syntheticLogRate: 64 * 1024 } }),
    });
    const { clock } = stage.estate.world;
    await stage.startWorker();
    const started = await stage.migrations.start(stage.spec(sections('15m'), 'day'));
    await until('it replicates', () => replicates(stage, 'day'));
    clock.speed = 4_000;
    const startedAt = clock.now();
    await until('96 backups are taken', async () => (await backupsTaken(stage, 'day')) >= 96, 55_000);

    expect(clock.now() - startedAt).toBeGreaterThan(DAY_MS * 0.95);
    const events = await eventsOf(stage, started);
    expect(events.reduce((sum, count) => sum + count, 0)).toBeLessThan(2_000);
    const backups = await logBackups(stage);
    expect(backups.length).toBeGreaterThanOrEqual(96);
    expectUnbroken(backups);
  });

  test('and has nothing to do adds at most 10 events in a day', async () => {
    stage = await startStage({ estate: estateWithApplication({}) });
    const { clock } = stage.estate.world;
    await stage.startWorker();
    const started = await stage.migrations.start(stage.spec(sections('30d'), 'idle'));
    await until('it replicates', () => replicates(stage, 'idle'));
    const [before = 0] = await eventsOf(stage, started);
    clock.speed = 20_000;
    const end = clock.now() + DAY_MS;
    await until('a day has passed', () => clock.now() >= end);
    const [after = 0] = await eventsOf(stage, started);
    expect(after - before).toBeLessThanOrEqual(10);
    expect(await backupsTaken(stage, 'idle')).toBe(1);
    // One activity watched all the while.
    const { pending } = await stage.migrations.view('idle');
    expect(pending.map((work) => [work.activity, work.attempt])).toEqual([['watch', 1]]);
  });

  test('goes on in a new history when the old one is long, and is approved and awaited across them', async () => {
    stage = await startStage({
      estate: estateWithApplication({ speed: 2_000, database: { syntheticLogRate: 64 * 1024 } }),
    });
    const { world } = stage.estate;
    await stage.startWorker();
    const migrations = new SqlFerry(stage.client, {
      taskQueue: stage.taskQueue,
      visibility: async () => true,
      maxHistoryEvents: 60,
    });
    const started = await migrations.start(stage.spec(sections('15m'), 'long'));
    const result = migrations.result('long');
    await until('a third history begins', async () => (await chainOf(stage, started)).length >= 3);

    const view = await migrations.view('long');
    expect(view.runId).not.toBe(started.runId);
    expect(view.status).toMatchObject({ phase: 'replicating', route: 'planned-failover', approval: null });
    expect(view.status.phases.map((phase) => phase.phase)).toEqual([
      'preflight',
      'trust',
      'groups',
      'link',
      'seeding',
      'first-log-backup',
      'replicating',
    ]);
    world.databases.setSyntheticLogRate('SQL1', 'Sales', 0);
    expect(await migrations.approve('long', { by: 'test' })).toMatchObject({ accepted: true });
    expect(await result).toMatchObject({ outcome: 'completed', cutoverAttempts: 1 });

    const journal = await migrations.journal('long');
    const backups = await logBackups(stage);
    expect(journal.filter((entry) => entry.stepId === 'server.log-backup')).toHaveLength(backups.length);
    expect(await result).toMatchObject({ workflowType: 'linkMigration', logBackups: backups.length });
    expect(journal[0]?.stepId).toBe('server.master-key');
    const events = await eventsOf(stage, started);
    // Each history but the last ended soon after the limit; the first cannot end before the link replicates.
    expect(Math.max(...events.slice(1, -1))).toBeLessThan(100);
  });
});
