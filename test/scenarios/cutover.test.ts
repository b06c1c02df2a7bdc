/** When the cutover may begin, and what calls it off behind the fence. */
import type { WorkloadWriter } from '../../estate/workload/writer';
import { repointApplication, sideOf, startApplication, until, verifyOn } from '../support/application';
import { FollowedMigration, fencingSections } from '../support/followed-migration';
import { closeServer } from '../support/scenario';

afterAll(closeServer);

let migration: FollowedMigration;

afterEach(() => migration.close());

const BY = { by: 'test' };
const NO_APPROVAL = 'approval: { required: false }';

const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe('the cutover begins when people and the calendar let it', () => {
  test('at its time, with an approval that is still valid', async () => {
    const nextDay = fromNow(86_400_000);
    migration = await FollowedMigration.begin(
      {},
      fencingSections(`approval: { validFor: 1s }, schedule: { type: at, time: "${nextDay}" }`),
    );
    await migration.untilReplicating();
    expect(await migration.stage.migrations.approve(migration.name, BY)).toMatchObject({ accepted: true });
    expect(await migration.status()).toMatchObject({ nextCutoverAt: nextDay, attempts: [] });
    const time = fromNow(2_000);
    const schedule = { type: 'at', time } as const;
    expect(
      await migration.stage.migrations.changeSchedule(migration.name, { ...BY, schedule }),
    ).toMatchObject({
      accepted: true,
    });
    await migration.untilItWaitsFor('older than 1s and must be given again');
    expect((await migration.status()).attempts).toEqual([]);
    expect(await migration.stage.migrations.approve(migration.name, BY)).toMatchObject({ accepted: true });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', cutoverAttempts: 1 });
    const [attempt] = (await migration.status()).attempts;
    expect(Date.parse(attempt?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(time));
  });

  test('in its windows, when it is neither postponed nor paused', async () => {
    const opens = fromNow(2 * 3_600_000).slice(11, 16);
    const closes = fromNow(3 * 3_600_000).slice(11, 16);
    const days = '[mon, tue, wed, thu, fri, sat, sun]';
    const window = `{ days: ${days}, from: "${opens}", to: "${closes}", timezone: UTC }`;
    migration = await FollowedMigration.begin(
      {},
      fencingSections(`${NO_APPROVAL}, schedule: { type: in-windows, windows: [${window}] }`),
    );
    await migration.untilItWaitsFor('The next maintenance window opens at');
    expect((await migration.status()).nextCutoverAt?.slice(11, 16)).toBe(opens);

    const later = fromNow(3_000);
    const schedule = { type: 'as-soon-as-ready' } as const;
    expect(await migration.stage.migrations.pause(migration.name, BY)).toMatchObject({ accepted: true });
    expect(
      await migration.stage.migrations.changeSchedule(migration.name, { ...BY, schedule }),
    ).toMatchObject({
      accepted: true,
    });
    expect(await migration.stage.migrations.postpone(migration.name, { ...BY, until: later })).toMatchObject({
      accepted: true,
    });
    expect(await migration.stage.migrations.resume(migration.name, BY)).toMatchObject({ accepted: true });
    expect(await migration.status()).toMatchObject({
      nextCutoverAt: later,
      postponedUntil: later,
      attempts: [],
    });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', cutoverAttempts: 1 });
    const [attempt] = (await migration.status()).attempts;
    expect(Date.parse(attempt?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(later));
    expect(await migration.stage.migrations.failure(migration.name)).toBeUndefined();
  });
});

describe('an instance that does not catch up behind the fence', () => {
  const CASES = [
    {
      title: 'the network is cut',
      version: '2022' as const,
      disturb: () => migration.world.network.disconnect('SQL1', 'mi-west'),
      mend: () => migration.world.network.reconnect('SQL1', 'mi-west'),
    },
    {
      title: 'the network is slow',
      version: '2019' as const,
      disturb: () => migration.world.network.setPath('SQL1', 'mi-west', { latencyMs: 864_000_000 }),
      mend: () => migration.world.network.setPath('SQL1', 'mi-west', { latencyMs: 20 }),
    },
  ];

  test.each(CASES)('gives the SQL Server back, and crosses later: $title, from $version', async (each) => {
    const retry = 'catchUpTimeout: 3s, attempts: 10, retryAfter: [300ms]';
    migration = await FollowedMigration.begin(
      { server: { version: each.version } },
      fencingSections(`${NO_APPROVAL}, ${retry}`),
    );
    const { world } = migration.stage.estate;
    // The login is disabled and its open session still writes: what it commits now cannot reach the instance.
    world.faults.add({
      surface: 'sql',
      statement: '^DECLARE @kill',
      count: 1,
      action: { kind: 'slow', ms: 300_000 },
    });
    const writer = startApplication(migration.stage.estate);
    try {
      await until('sessions are ended', () => world.faults.list().some((fault) => fault.struck > 0));
      each.disturb();
      await migration.until(
        'the attempt is withdrawn',
        ({ attempts }) => attempts[0]?.outcome === 'withdrawn',
      );
      expect((await migration.status()).attempts[0]?.reason).toContain('3s behind the fence');
      expect(await sideOf(migration.stage.estate, 'SQL1')).toMatchObject({
        updateability: 'READ_WRITE',
        applicationDisabled: false,
      });
      const { acknowledged } = writer.report();
      await until('the application goes on', () => writer.report().acknowledged > acknowledged + 5);
      each.mend();
      const { outcome, cutoverAttempts } = await migration.result();
      expect({ outcome, again: cutoverAttempts > 1 }).toEqual({ outcome: 'completed', again: true });
      expect(await migration.codes()).toContain('cutover.withdrawn');
      await expectNothingLost(writer);
    } finally {
      await writer.stop();
    }
  });
});

test('a link that is lost behind the fence is no link to cross by, however equal the logs', async () => {
  migration = await FollowedMigration.begin(
    {},
    fencingSections(`${NO_APPROVAL}, attempts: 10, retryAfter: [300ms]`),
  );
  const { network, faults } = migration.world;
  faults.add({
    surface: 'sql',
    statement: '^DECLARE @kill',
    count: 1,
    action: { kind: 'slow', ms: 300_000 },
  });
  await until('sessions are ended', () => faults.list().some((fault) => fault.struck > 0));
  network.disconnect('SQL1', 'mi-west');
  await migration.until('the attempt is withdrawn', ({ attempts }) => attempts[0]?.outcome === 'withdrawn');
  expect(await migration.status()).toMatchObject({ pointOfNoReturn: null });
  expect(await sideOf(migration.stage.estate, 'SQL1')).toMatchObject({ applicationDisabled: false });
  network.reconnect('SQL1', 'mi-west');
  expect(await migration.result()).toMatchObject({ outcome: 'completed', cutoverAttempts: 2 });
});

async function expectNothingLost(writer: WorkloadWriter): Promise<void> {
  const { acknowledged } = writer.report();
  await repointApplication(migration.stage.estate, writer);
  await until('the application writes again', () => writer.report().acknowledged > acknowledged + 5);
  await writer.stop();
  expect(await verifyOn(migration.stage.estate, 'mi-west', writer)).toMatchObject({
    lost: [],
    duplicates: 0,
  });
}
