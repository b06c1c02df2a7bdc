/** What goes wrong before the cutover: a seeding that begins again or breaks, and a log that fills. */
import { query, until } from '../support/application';
import { FollowedMigration, fencingSections } from '../support/followed-migration';
import { closeServer } from '../support/scenario';

afterAll(closeServer);

let migration: FollowedMigration;

afterEach(() => migration.close());

const BY = { by: 'test' };
const NO_APPROVAL = 'approval: { required: false }';

describe('seeding', () => {
  test('begins again after a lost connection, and that is told', async () => {
    migration = await FollowedMigration.begin({ speed: 100 }, fencingSections(NO_APPROVAL));
    const { links, network, clock } = migration.world;
    const streamed = (): number => links.physicalSeeding('SQL1')[0]?.transferredBytes ?? 0;
    await until('a third is sent', () => streamed() > 8 * 1024 ** 3);
    network.disconnect('SQL1', 'mi-west', 10_000);
    clock.speed = 300;
    expect(await migration.result()).toMatchObject({ outcome: 'completed', seedingRestarts: 1 });
    expect(await migration.codes()).toContain('seeding.restarted');
  });

  test('is broken by a foreign log backup at its end: a person looks, and the link is made again', async () => {
    migration = await FollowedMigration.begin(
      { rates: { restoreTailMs: 900_000 } },
      fencingSections(NO_APPROVAL),
    );
    const { links } = migration.world;
    await until('the copy is being restored', () =>
      links.physicalSeeding('SQL1').some((row) => row.internalState === 'WaitingForRestoreToFinish'),
    );
    await query(
      migration.stage.estate,
      'SQL1',
      `BACKUP LOG [Sales] TO DISK = N'C:\\Backup\\foreign.trn' WITH NAME = N'Nightly maintenance'`,
    );
    await migration.until('it waits for a person', ({ blockedBy }) => blockedBy !== null);
    const { blockedBy, nextSteps } = await migration.status();
    expect(blockedBy).toMatchObject({ code: 'LinkBroken' });
    expect(blockedBy?.message).toContain('1412');
    // By the name of whoever broke it.
    expect(blockedBy?.message).toMatch(
      /the likely cause: log backups of Sales are taken by "Nightly maintenance"/,
    );
    expect(nextSteps).toContain(`sqlferry resume ${migration.name}`);
    expect(await migration.stage.migrations.resume(migration.name, BY)).toMatchObject({ accepted: true });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect((await migration.status()).blockedBy).toBeNull();
    expect(migration.world.journal.effective(/distributedAvailabilityGroups\/DAG_Sales$/).length).toBe(4);
  });
});

describe('a log backup of somebody else', () => {
  const foreignBackup = (file: string): Promise<unknown> =>
    query(
      migration.stage.estate,
      'SQL1',
      `BACKUP LOG [Sales] TO DISK = N'C:\\Backup\\${file}.trn' WITH NAME = N'Nightly maintenance'`,
    );
  const told = async (code: string) =>
    (await migration.status()).events.filter((event) => event.code === code);

  test('is told while the copy streams, before it can break it, and once more when it shares the chain', async () => {
    migration = await FollowedMigration.begin(
      { speed: 100 },
      fencingSections('approval: { required: true }'),
    );
    const { links, clock } = migration.world;
    const streamed = (): number => links.physicalSeeding('SQL1')[0]?.transferredBytes ?? 0;
    await until('the copy streams', () => streamed() > 1024 ** 3);
    expect(await told('seeding.foreign-log-backup')).toEqual([]);
    await foreignBackup('one');
    await until('it is told', async () => (await told('seeding.foreign-log-backup')).length > 0);
    // Still streaming: there is time to stop the job before the end, where it does harm.
    expect(streamed()).toBeGreaterThan(0);
    await foreignBackup('two');
    clock.speed = 300;
    await migration.untilReplicating();
    expect(await told('seeding.foreign-log-backup')).toMatchObject([
      {
        severity: 'warning',
        message: expect.stringMatching(/Sales are taken by "Nightly maintenance".*1412/),
      },
    ]);
    expect(await told('log-backup.foreign')).toEqual([]);

    await foreignBackup('three');
    await until('the shared chain is told', async () => (await told('log-backup.foreign')).length > 0);
    await foreignBackup('four');
    const { count } = (await migration.status()).logBackups;
    await migration.until('backups go on', ({ logBackups }) => logBackups.count >= count + 2);
    expect(await told('log-backup.foreign')).toMatchObject([
      { severity: 'warning', message: expect.stringMatching(/"Nightly maintenance".*share one log chain/) },
    ]);
    expect(await told('seeding.foreign-log-backup')).toHaveLength(1);
    expect(await migration.stage.migrations.approve(migration.name, BY)).toMatchObject({ accepted: true });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', seedingRestarts: 0 });
  });
});

describe('a copy of nearly six days', () => {
  const DAY_MS = 86_400_000;
  const DATA_BYTES = 20 * 1024 ** 3;
  /** So slow a line that the copy takes 5.8 days: Azure would cancel it at 6. */
  const BYTES_PER_SECOND = DATA_BYTES / (5.8 * 86_400);

  test('has its nightly log backup by others found in time: stopped by a person, it breaks nothing', async () => {
    migration = await FollowedMigration.begin(
      {
        speed: 600,
        database: { dataBytes: DATA_BYTES },
        rates: { seedingRate: BYTES_PER_SECOND, seedingCompression: 1 },
      },
      fencingSections(NO_APPROVAL),
    );
    const { links, clock } = migration.world;
    const streamed = (): number => links.physicalSeeding('SQL1')[0]?.transferredBytes ?? 0;
    await until('the copy streams', () => streamed() > 0);
    const beganAt = clock.now();
    clock.speed = 50_000;
    const found = () => migration.codes().then((codes) => codes.includes('seeding.foreign-log-backup'));
    let nights = 0;
    while (!(await found())) {
      nights += 1;
      await query(
        migration.stage.estate,
        'SQL1',
        `BACKUP LOG [Sales] TO DISK = N'C:\\Backup\\night${nights}.trn' WITH NAME = N'Nightly maintenance'`,
      );
      const until = clock.now() + DAY_MS;
      while (clock.now() < until && !(await found())) await clock.sleep(DAY_MS / 24);
    }
    // Most of the copy is still to come when the person hears of it and stops the job.
    expect(streamed()).toBeLessThan(0.9 * DATA_BYTES);
    expect(streamed()).toBeGreaterThan(0);
    await migration.until('it is copied', ({ phase }) => phase !== 'seeding');
    expect((clock.now() - beganAt) / DAY_MS).toBeGreaterThan(5.5);
    clock.speed = 600;
    expect(await migration.result()).toMatchObject({ outcome: 'completed', seedingRestarts: 0 });
  });
});

describe('a log that fills', () => {
  test('is backed up early, and a person is told when that does not help', async () => {
    const GB = 1024 ** 3;
    migration = await FollowedMigration.begin(
      { database: { logBytes: GB, logMaxBytes: GB } },
      fencingSections('approval: { required: true }', 'every: 7d, atUsedPercent: 50'),
    );
    await migration.untilReplicating();
    const { databases } = migration.world;
    databases.setSyntheticLogRate('SQL1', 'Sales', 512 * 1024);
    await migration.until('an early backup is taken', ({ logBackups }) => logBackups.count >= 2);
    const journal = await migration.stage.migrations.journal(migration.name);
    expect(journal.at(-1)?.evidence).toContain('log-backup.pressure');
    expect(await migration.codes()).not.toContain('log-backup.alarm');

    const end = databases.beginTransaction('SQL1', 'Sales');
    await until('the alarm is raised', async () => (await migration.codes()).includes('log-backup.alarm'));
    expect(
      (await migration.status()).events.find((event) => event.code === 'log-backup.alarm'),
    ).toMatchObject({
      severity: 'critical',
      message: expect.stringContaining('transaction'),
    });
    end();
    databases.setSyntheticLogRate('SQL1', 'Sales', 0);
    expect(await migration.stage.migrations.approve(migration.name, BY)).toMatchObject({ accepted: true });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });
});
