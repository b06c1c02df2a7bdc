import type { EstateWorld } from '../../../estate/world/world';
import {
  createTable,
  groups,
  insertRow,
  link,
  linked,
  linkRequest,
  MI,
  newWorld,
  refusedWith,
  replicating,
  rows,
  SQL,
} from './story';

const MB = 1024 * 1024;

async function settled<T>(world: EstateWorld, work: Promise<T>, ms = 120_000): Promise<T> {
  const watched = work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await world.clock.advance(ms);
  const outcome = await watched;
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

async function running(options: Parameters<typeof newWorld>[0] = {}, mode: 'None' | 'Manual' = 'Manual') {
  const world = newWorld(options);
  await world.databases.commit(SQL, 'Sales', [createTable, insertRow(1)]);
  await replicating(world, mode);
  await world.clock.advance(2_000);
  return world;
}

const codeOf = async (action: () => unknown): Promise<string | undefined> => {
  try {
    await action();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
};

describe('planned failover', () => {
  it('takes as long as the tier says, and both sides know their role', async () => {
    for (const [tier, ms] of [
      ['GeneralPurpose', 15_000],
      ['BusinessCritical', 8_000],
    ] as const) {
      const world = await running({ managed: { tier } });
      await settled(world, world.groups.failover(SQL, 'DAG_Sales'));
      const operation = world.timeline.all().find((one) => one.kind === 'failover-planned');
      expect((operation?.endedAt ?? 0) - (operation?.startedAt ?? 0)).toBe(ms);
      expect(world.groups.isPrimaryReplica(SQL, 'Sales')).toBe(false);
      expect(world.groups.isPrimaryReplica(MI, 'Sales')).toBe(true);
    }
  });

  it('ends the sessions in the database and takes the first full backup later', async () => {
    const world = await running();
    const ended: number[] = [];
    for (const [spid, database] of [
      [51, 'master'],
      [52, 'Sales'],
    ] as const) {
      world.instances.openSession(SQL, {
        spid,
        login: 'app',
        hostName: 'h',
        applicationName: 'a',
        database,
        terminate: () => ended.push(spid),
      });
    }
    await settled(world, world.groups.failover(SQL, 'DAG_Sales'));
    expect(ended).toEqual([52]);
    expect(world.databases.get(MI, 'Sales').awaitsFirstFullBackup).toBe(true);
    await world.clock.advance(3_600_000);
    expect(world.databases.get(MI, 'Sales').awaitsFirstFullBackup).toBe(false);
    expect(world.instances.get(MI).backups.filter((one) => one.type === 'D')).toHaveLength(1);
  });

  it('shows the risk of dropping the link before that backup', async () => {
    const world = await running();
    await settled(world, world.groups.failover(SQL, 'DAG_Sales'));
    world.links.delete(MI, 'DAG_Sales');
    await world.clock.advance(30_000);
    expect(world.databases.get(MI, 'Sales').droppedLinkBeforeFirstBackup).toBe(true);
    await world.databases.commit(MI, 'Sales', [insertRow(2)]);
    expect(rows(world, MI)).toEqual([1, 2]);
  });

  it('goes back again by the Resource Manager', async () => {
    const world = await running();
    expect(await codeOf(() => world.links.failover(MI, 'DAG_Sales', 'Planned'))).toBe(
      'InvalidDistributedAvailabilityGroupFailoverInstanceRole',
    );
    await settled(world, world.groups.failover(SQL, 'DAG_Sales'));
    await world.databases.commit(MI, 'Sales', [insertRow(2)]);
    const { operation } = world.links.failover(MI, 'DAG_Sales', 'Planned');
    await world.clock.advance(60_000);
    expect(world.timeline.get(operation.id)?.status).toBe('Succeeded');
    expect(rows(world, SQL)).toEqual([1, 2]);
    await world.databases.commit(SQL, 'Sales', [insertRow(3)]);
    await world.clock.advance(2_000);
    expect(rows(world, MI)).toEqual([1, 2, 3]);
  });

  it('replicates back only between equal formats', async () => {
    const world = await running({ managed: { databaseFormat: 'AlwaysUpToDate' } }, 'None');
    await settled(world, world.groups.failover(SQL, 'DAG_Sales'));
    expect(link(world)).toMatchObject({ instanceLinkRole: 'Primary', mostRecentError: '41988' });
    expect(world.links.replication(MI, 'DAG_Sales')).toBeUndefined();
  });

  it('is refused for each documented reason, and changes nothing', async () => {
    const world = await running({
      rates: {
        networkBandwidth: 10 * MB,
        redoRate: 5 * MB,
        failoverMaxSendQueue: 50 * MB,
        failoverMaxRedoQueue: 20 * MB,
      },
    });
    const fail = () => world.groups.failover(SQL, 'DAG_Sales');
    expect(await refusedWith(() => world.groups.failover(MI, 'DAG_Sales'))).toEqual([47517]);
    expect(await refusedWith(() => world.groups.failover(SQL, 'AG_Sales'))).toEqual([47122]);
    expect(await refusedWith(() => world.groups.failover(SQL, 'nothing'))).toEqual([15151]);
    await world.databases.commit(SQL, 'Sales', [insertRow(2)], 100 * MB);
    expect(await refusedWith(fail)).toEqual([47515]);
    await world.clock.advance(10_500);
    expect(await refusedWith(fail)).toEqual([47516]);
    await world.clock.advance(60_000);
    world.network.disconnect(SQL, MI);
    expect(await refusedWith(fail)).toEqual([47514]);
    world.network.reconnect(SQL, MI);
    await world.clock.advance(60_000);
    const first = fail();
    expect(await refusedWith(fail)).toEqual([47512]);
    await settled(world, first);
    expect(link(world).instanceLinkRole).toBe('Primary');
  });

  it('is refused while as many of the instance are under way as may be at a time', async () => {
    const world = newWorld({
      rates: { failoversAtOnce: 1 },
      server: {
        databases: [
          { name: 'Sales', dataBytes: 2 * 1024 * MB },
          { name: 'Stock', dataBytes: 2 * 1024 * MB },
        ],
      },
    });
    await replicating(world, 'Manual');
    await groups(world, 'Stock');
    world.links.put(MI, linkRequest('Stock'));
    await world.clock.advance(600_000);
    const first = world.groups.failover(SQL, 'DAG_Sales');
    const second = () => world.groups.failover(SQL, 'DAG_Stock');
    expect(await refusedWith(second)).toEqual([47513]);
    await settled(world, first);
    await settled(world, second());
    expect(world.groups.isPrimaryReplica(MI, 'Stock')).toBe(true);
  });

  it('drains what was on its way when it fenced, and refuses what comes later', async () => {
    const world = await running({ rates: { networkLatencyMs: 30_000 } });
    await world.clock.advance(60_000);
    await world.databases.commit(SQL, 'Sales', [insertRow(2)]);
    const failover = world.groups.failover(SQL, 'DAG_Sales');
    await world.clock.advance(20_000);
    const inFlight = refusedWith(() => world.databases.commit(SQL, 'Sales', [insertRow(3)]));
    await settled(world, failover);
    // Its client hears of an error, though the row came across: an unknown outcome, never a lost one.
    expect(await inFlight).toEqual([983]);
    expect(rows(world, MI)).toEqual([1, 2, 3]);
    const operation = world.timeline.all().find((one) => one.kind === 'failover-planned');
    expect((operation?.endedAt ?? 0) - (operation?.startedAt ?? 0)).toBeGreaterThanOrEqual(
      20_000 + 30_000 + 15_000,
    );
  });

  it('is refused before 2022 CU13, and while the link is seeding', async () => {
    const old = await running({ update: 'CU12' });
    expect(await refusedWith(() => old.groups.failover(SQL, 'DAG_Sales'))).toEqual([35104]);
    const seeding = newWorld();
    await linked(seeding);
    expect(await refusedWith(() => seeding.groups.failover(SQL, 'DAG_Sales'))).toEqual([47514]);
  });

  it('falls back to the old primary when the connection breaks in the middle', async () => {
    const world = await running();
    const failover = world.groups.failover(SQL, 'DAG_Sales');
    const refused = refusedWith(() => failover);
    await world.clock.advance(5_000);
    expect(await refusedWith(() => world.databases.commit(SQL, 'Sales', [insertRow(2)]))).toEqual([983]);
    world.network.disconnect(SQL, MI, 20_000);
    await world.clock.advance(60_000);
    expect(await refused).toEqual([47504]);
    await world.databases.commit(SQL, 'Sales', [insertRow(3)]);
    await world.clock.advance(5_000);
    expect(rows(world, MI)).toEqual([1, 3]);
    expect(link(world).instanceLinkRole).toBe('Secondary');
  });
});

describe('forced failover', () => {
  it('knows its loss; the old primary comes back, both are primary, and it can follow again', async () => {
    const world = await running({ rates: { networkBandwidth: MB } });
    await world.databases.commit(SQL, 'Sales', [insertRow(2)], 100 * MB);
    await world.databases.commit(SQL, 'Sales', [insertRow(3)]);
    world.instances.kill(SQL);
    const { operation } = world.links.failover(MI, 'DAG_Sales', 'ForcedAllowDataLoss');
    await world.clock.advance(30_000);
    expect(world.timeline.get(operation.id)?.status).toBe('Succeeded');
    expect(rows(world, MI)).toEqual([1]);
    expect(link(world)).toMatchObject({ lastForcedLoss: { commits: 2, survivor: MI }, splitBrain: false });
    await world.databases.commit(MI, 'Sales', [insertRow(10)]);
    world.instances.revive(SQL);
    await world.clock.advance(60_000);
    expect(link(world).splitBrain).toBe(true);
    await world.databases.commit(SQL, 'Sales', [insertRow(4)]);
    expect(rows(world, SQL)).toEqual([1, 2, 3, 4]);
    expect(rows(world, MI)).toEqual([1, 10]);
    world.groups.setRoleSecondary(SQL, 'DAG_Sales');
    await world.clock.advance(60_000);
    expect(link(world).splitBrain).toBe(false);
    expect(await refusedWith(() => world.databases.commit(SQL, 'Sales', [insertRow(5)]))).toEqual([976]);
    const failback = world.links.failover(MI, 'DAG_Sales', 'Planned');
    await world.clock.advance(60_000);
    expect(world.timeline.get(failback.operation.id)?.status).toBe('Succeeded');
    expect(rows(world, SQL)).toEqual([1, 10]);
  });

  it('the instance, too, is a primary until it is told to follow; only then is setRole refused', async () => {
    const world = await running();
    world.links.failover(MI, 'DAG_Sales', 'ForcedAllowDataLoss');
    await world.clock.advance(30_000);
    world.groups.setRoleSecondary(SQL, 'DAG_Sales');
    await world.clock.advance(60_000);
    const forced = world.groups.forceFailover(SQL, 'DAG_Sales');
    await world.clock.advance(30_000);
    await forced;
    expect(link(world).splitBrain).toBe(true);
    await world.databases.commit(SQL, 'Sales', [insertRow(20)]);
    world.links.setRole(MI, 'DAG_Sales', 'Secondary', 'Forced');
    await world.clock.advance(60_000);
    expect(link(world).splitBrain).toBe(false);
    expect(rows(world, MI)).toEqual([1, 20]);
    expect(await codeOf(() => world.links.setRole(MI, 'DAG_Sales', 'Secondary', 'Forced'))).toBe(
      'DistributedAvailabilityGroupSetRoleInstanceAlreadyInRequestedRole',
    );
  });

  it('is refused on one-way links and on the primary', async () => {
    const old = await running({ version: '2019' }, 'None');
    expect(await codeOf(() => old.links.failover(MI, 'DAG_Sales', 'ForcedAllowDataLoss'))).toBe(
      'DistributedAvailabilityGroupForcedFailoverNotSupported',
    );
    const world = await running();
    expect(await refusedWith(() => world.groups.forceFailover(SQL, 'DAG_Sales'))).toEqual([41122]);
    expect(await refusedWith(() => world.groups.setRoleSecondary(SQL, 'DAG_Sales'))).toEqual([47504]);
  });
});

describe.each([
  '2016',
  '2017',
  '2019',
  '2022',
  '2025',
] as const)('cutover of %s by deleting the link', (version) => {
  it('leaves two independent databases that can both be written', async () => {
    const world = await running({ version, managed: { databaseFormat: 'AlwaysUpToDate' } }, 'None');
    await world.databases.commit(SQL, 'Sales', [insertRow(2)]);
    await world.clock.advance(1_000);
    expect(await refusedWith(() => world.databases.commit(MI, 'Sales', [insertRow(9)]))).toEqual([3906]);
    const { operation } = world.links.delete(MI, 'DAG_Sales');
    await world.clock.advance(30_000);
    expect(operation.status).toBe('Succeeded');
    await world.databases.commit(MI, 'Sales', [insertRow(3)]);
    await world.databases.commit(SQL, 'Sales', [insertRow(4)]);
    expect(rows(world, MI)).toEqual([1, 2, 3]);
    expect(rows(world, SQL)).toEqual([1, 2, 4]);
    expect(world.instances.get(SQL).groups.has('dag_sales')).toBe(true);
    expect(world.links.delete(MI, 'DAG_Sales').effective).toBe(false);
  });
});
