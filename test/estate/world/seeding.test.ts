import { GB } from '../../../estate/world/definition';
import { EstateWorld } from '../../../estate/world/world';
import {
  createTable,
  DAY,
  distributedRequest,
  insertRow,
  link,
  linked,
  linkRequest,
  MI,
  makeGroup,
  newWorld,
  rows,
  SQL,
  trust,
} from './story';

const MB = 1024 * 1024;

const state = (world: EstateWorld) => world.links.seedingOperations(SQL).at(-1)?.state;

/** Moves on in small steps until the newest seeding has this state. */
async function until(world: EstateWorld, wanted: string | undefined, streaming?: boolean): Promise<void> {
  for (let step = 0; step < 2_000; step += 1) {
    const vdi = world.instances.backgroundRequests(SQL).some((one) => one.command === 'VDI_CLIENT_WORKER');
    if (state(world) === wanted && (streaming === undefined || vdi === streaming)) return;
    await world.clock.advance(500);
  }
  throw new Error(`seeding never was ${wanted}, it is ${state(world)}`);
}

const backUpLog = async (world: EstateWorld): Promise<void> => {
  const backup = world.backups.log(SQL, 'Sales', { device: 'x', userName: 'sa' });
  await world.clock.advance(1_000);
  await backup;
};

describe('seeding', () => {
  it('goes through its states at the speed that size and rate give', async () => {
    const world = newWorld();
    await linked(world);
    expect(state(world)).toBe('PENDING');
    await until(world, 'CHECK_IF_SEEDING_NEEDED');
    await until(world, 'SEEDING', true);
    await world.clock.advance(5_000);
    const [stats] = world.links.physicalSeeding(SQL);
    expect(stats).toMatchObject({ role: 'Source', databaseBytes: 2 * GB, transferRate: 100 * MB });
    expect(stats?.transferredBytes).toBeGreaterThan(400 * MB);
    expect(world.instances.get(MI).databases.get('sales')?.state).toBe('RESTORING');
    await until(world, 'SEEDING', false);
    expect(world.instances.get(MI).databases.get('sales')?.state).toBe('RESTORING');
    await until(world, 'COMPLETED');
    expect(world.links.physicalSeeding(SQL)).toEqual([]);
    expect(link(world)).toMatchObject({ state: 'LinkSynchronizing', seeded: true });
    const operation = world.timeline.all().find((one) => one.kind === 'seeding');
    const took = (operation?.endedAt ?? 0) - (operation?.startedAt ?? 0);
    expect(took).toBe(4_000 + 20_480 + 30_000);
    expect(world.groups.databaseReplicaStates(SQL).find((row) => !row.isLocal)).toMatchObject({
      synchronizationState: 'SYNCHRONIZING',
      synchronizationHealth: 'HEALTHY',
    });
  });

  it.each([
    7, 333, 1_001, 9_999,
  ])('never shows more bytes than there are, looked at every %i ms', async (every) => {
    const world = newWorld();
    await linked(world);
    await until(world, 'SEEDING', true);
    let shown = 0;
    // A timer that is late: the clock passes the end of the stream before its timer has run.
    const state = world.clock as unknown as { simulatedBase: number };
    while (world.links.physicalSeeding(SQL)[0]?.internalState === 'ReadWriteLoop') {
      const { transferredBytes = 0 } = world.links.physicalSeeding(SQL)[0] ?? {};
      expect(transferredBytes).toBeGreaterThanOrEqual(shown);
      expect(transferredBytes).toBeLessThanOrEqual(2 * GB);
      shown = transferredBytes;
      if (shown < 2 * GB) state.simulatedBase += every;
      else await world.clock.advance(1);
    }
    expect(world.links.physicalSeeding(SQL)[0]?.transferredBytes).toBe(2 * GB);
  });

  it('starts from zero after the connection was lost', async () => {
    const world = newWorld();
    await linked(world);
    await until(world, 'SEEDING', true);
    await world.clock.advance(10_000);
    world.network.disconnect(SQL, MI, 5_000);
    expect(state(world)).toBe('FAILED');
    expect(world.instances.get(MI).databases.has('sales')).toBe(false);
    await until(world, 'SEEDING', true);
    expect(world.links.physicalSeeding(SQL)[0]?.transferredBytes).toBeLessThan(100 * MB);
    await until(world, 'COMPLETED');
    expect(world.links.seedingOperations(SQL).map((one) => [one.state, one.attempts])).toEqual([
      ['FAILED', 1],
      ['COMPLETED', 2],
    ]);
  });

  it.each([SQL, MI])('starts from zero after a restart of %s', async (instance) => {
    const world = newWorld();
    await linked(world);
    await until(world, 'SEEDING', true);
    world.instances.restart(instance, 20_000);
    expect(state(world)).toBe('FAILED');
    await until(world, 'COMPLETED');
    expect(world.links.seedingOperations(MI).map((one) => one.state)).toEqual(['FAILED', 'COMPLETED']);
  });

  it('lets a log backup pass while VDI streams', async () => {
    const world = newWorld();
    await linked(world);
    await until(world, 'SEEDING', true);
    await world.databases.commit(SQL, 'Sales', [createTable, insertRow(1)]);
    await backUpLog(world);
    expect(world.databases.log(SQL, 'Sales').reuseWait).toBe('ACTIVE_BACKUP_OR_RESTORE');
    await until(world, 'COMPLETED');
    await world.clock.advance(5_000);
    expect(rows(world, MI)).toEqual([1]);
  });

  it('breaks with 1412 when the log is backed up between the end of streaming and synchronization', async () => {
    const world = newWorld();
    await linked(world);
    await until(world, 'SEEDING', true);
    await until(world, 'SEEDING', false);
    await backUpLog(world);
    expect(state(world)).toBe('FAILED');
    expect(link(world)).toMatchObject({ mostRecentError: '1412', state: 'LinkSynchronizingError' });
    expect(world.instances.get(MI).errorLog.some((entry) => entry.text.includes('1412'))).toBe(true);
    await world.clock.advance(3_600_000);
    expect(state(world)).toBe('FAILED');
    // Dropped and created anew, it works.
    world.links.delete(MI, 'DAG_Sales');
    await world.clock.advance(20_000);
    world.links.put(MI, linkRequest());
    await world.clock.advance(20_000);
    await until(world, 'COMPLETED');
    expect(link(world).state).toBe('LinkSynchronizing');
  });

  it('keeps the log under trace flag 12381, whatever is backed up', async () => {
    const world = newWorld();
    world.instances.setTraceFlag(SQL, 12381, true);
    await linked(world);
    await until(world, 'SEEDING', true);
    await until(world, 'SEEDING', false);
    await backUpLog(world);
    await until(world, 'COMPLETED');
    expect(link(world).state).toBe('LinkSynchronizing');
  });

  it('is cancelled after 6 days, and finishes just before', async () => {
    for (const [days, seeded] of [
      [5.9, true],
      [6.1, false],
    ] as const) {
      const world = newWorld({ rates: { seedingRate: Math.round((2 * GB) / (days * 86_400)) } });
      await linked(world);
      await world.clock.advance(5 * DAY);
      expect(link(world).seeded).toBe(false);
      await world.clock.advance(1.2 * DAY);
      expect(link(world).seeded).toBe(seeded);
      expect(link(world).state).toBe(seeded ? 'LinkSynchronizing' : 'LinkCreationCancelled');
      expect(world.instances.get(MI).databases.has('sales')).toBe(seeded);
    }
  });

  it('carries 100 links for days, five seedings at a time, with the bandwidth shared', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `db${index}`);
    const world = EstateWorld.create({
      clock: { mode: 'manual' },
      rates: { networkBandwidth: 50 * MB, seedingRate: 50 * MB },
      instances: [
        {
          kind: 'sql-server',
          name: SQL,
          addresses: ['10.0.1.8'],
          databases: names.map((name) => ({ name, dataBytes: GB, syntheticLogRate: 1000 })),
        },
        { kind: 'managed-instance', name: MI },
      ],
    });
    await trust(world);
    for (const name of names) {
      makeGroup(world, name);
      world.groups.createDistributed(SQL, distributedRequest(world, name));
      world.links.put(MI, linkRequest(name));
    }
    await world.clock.advance(60_000);
    const streaming = world.instances.backgroundRequests(SQL);
    expect(streaming).toHaveLength(5);
    expect(world.links.physicalSeeding(SQL)[0]?.transferRate).toBe(10 * MB);
    await world.clock.advance(3_600_000);
    expect(world.links.all().every((one) => one.seeded)).toBe(true);
    await world.clock.advance(2 * DAY);
    for (const name of names) {
      expect(world.links.replication(MI, `DAG_${name}`)?.lagSeconds).toBeLessThanOrEqual(1);
    }
  });
});
