/** The policy `seeding.keepLog: trace-flag-12381`: the copy outlives a log backup of others, and the flag goes again. */
import { query, until } from '../support/application';
import { FollowedMigration, fencingSections } from '../support/followed-migration';
import { closeServer } from '../support/scenario';

afterAll(closeServer);

const SECTIONS = `${fencingSections('approval: { required: true }')}seeding: { keepLog: trace-flag-12381 }\n`;
const BY = { by: 'test' };

let migration: FollowedMigration;

afterEach(() => migration.close());

const flags = (): readonly number[] => [...migration.world.instances.get('SQL1').traceFlags];

const untilTheCopyIsRestored = (): Promise<void> =>
  until('the copy is being restored', () =>
    migration.world.links
      .physicalSeeding('SQL1')
      .some((row) => row.internalState === 'WaitingForRestoreToFinish'),
  );

test('a log backup of others at the end of streaming breaks nothing, and the flag is off afterwards', async () => {
  migration = await FollowedMigration.begin({ rates: { restoreTailMs: 900_000 } }, SECTIONS);
  await untilTheCopyIsRestored();
  expect(flags()).toEqual([12381]);
  await query(migration.stage.estate, 'SQL1', `BACKUP LOG [Sales] TO DISK = N'C:\\Backup\\foreign.trn'`);
  await migration.untilReplicating();
  expect(flags()).toEqual([]);
  expect((await migration.status()).blockedBy).toBeNull();
  expect(await migration.codes()).toContain('seeding.foreign-log-backup');
  const journal = await migration.stage.migrations.journal(migration.name);
  const order = ['server.keep-log', 'instance.link', 'server.release-log', 'server.log-backup'];
  expect(
    journal
      .map(({ stepId }) => stepId)
      .filter((id, index, all) => order.includes(id) && all.indexOf(id) === index),
  ).toEqual(order);

  expect(await migration.stage.migrations.abort(migration.name, BY)).toMatchObject({ accepted: true });
  expect(await migration.result()).toMatchObject({ outcome: 'aborted', leftovers: [] });
  expect(flags()).toEqual([]);
});

test('an abort while the copy is made turns it off', async () => {
  migration = await FollowedMigration.begin({ rates: { restoreTailMs: 9_000_000 } }, SECTIONS);
  await untilTheCopyIsRestored();
  expect(flags()).toEqual([12381]);
  expect(await migration.stage.migrations.abort(migration.name, BY)).toMatchObject({ accepted: true });
  expect(await migration.result()).toMatchObject({ outcome: 'aborted', leftovers: [] });
  expect(flags()).toEqual([]);
});
