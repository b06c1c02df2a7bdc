import fc from 'fast-check';
import type { EstateWorld } from '../../../estate/world/world';
import { createTable, insertRow, link, MI, newWorld, refusedWith, replicating, rows, SQL } from './story';

const MB = 1024 * 1024;

/** What can happen to a running link. */
type Step =
  | { readonly kind: 'commit'; readonly bytes: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'cut'; readonly ms: number }
  | { readonly kind: 'synthetic'; readonly rate: number }
  | { readonly kind: 'mode'; readonly mode: 'Sync' | 'Async' }
  | { readonly kind: 'backup' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      bytes: fc.integer({ min: 1, max: 40 * MB }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 5_000 }) }),
  },
  fc.record({ kind: fc.constant('cut' as const), ms: fc.integer({ min: 1, max: 30_000 }) }),
  fc.record({ kind: fc.constant('synthetic' as const), rate: fc.integer({ min: 0, max: 20 * MB }) }),
  fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom('Sync' as const, 'Async' as const) }),
  fc.record({ kind: fc.constant('backup' as const) }),
);

interface Ledger {
  next: number;
  readonly acknowledged: number[];
  readonly pending: Promise<unknown>[];
}

async function play(world: EstateWorld, one: Step, ledger: Ledger): Promise<void> {
  switch (one.kind) {
    case 'commit': {
      const id = ledger.next++;
      const commit = world.databases.commit(SQL, 'Sales', [insertRow(id)], one.bytes);
      ledger.pending.push(
        commit.then(
          () => ledger.acknowledged.push(id),
          () => undefined,
        ),
      );
      return;
    }
    case 'wait':
      return world.clock.advance(one.ms);
    case 'cut':
      return world.network.disconnect(SQL, MI, one.ms);
    case 'synthetic':
      return world.databases.setSyntheticLogRate(SQL, 'Sales', one.rate);
    case 'mode':
      world.links.update(MI, 'DAG_Sales', one.mode);
      return;
    case 'backup':
      ledger.pending.push(
        world.backups.log(SQL, 'Sales', { device: 'x', userName: 'sa' }).catch(() => undefined),
      );
      return;
    default:
      return one satisfies never;
  }
}

const expectPrefix = (world: EstateWorld): void => {
  const secondary = rows(world, MI);
  expect(secondary).toEqual(Array.from({ length: secondary.length }, (_, index) => index + 1));
};

const expectOrder = (world: EstateWorld): void => {
  const progress = world.links.replication(MI, 'DAG_Sales');
  if (!progress) throw new Error('no replication');
  expect(progress.redoneLsn <= progress.hardenedLsn).toBe(true);
  expect(progress.hardenedLsn <= progress.endOfLogLsn).toBe(true);
  const log = world.databases.log(SQL, 'Sales');
  expect(log.firstLsn <= progress.hardenedLsn).toBe(true);
  expect(log.usedBytes).toBeLessThanOrEqual(log.maxSizeBytes);
};

async function start(): Promise<EstateWorld> {
  const world = newWorld({ rates: { networkBandwidth: 10 * MB, redoRate: 8 * MB, reconnectMs: 1_000 } });
  await world.databases.commit(SQL, 'Sales', [createTable]);
  await replicating(world);
  return world;
}

describe('replication', () => {
  it('shows an exact prefix of the commits, whatever happens; LSNs are ordered and never go back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (script) => {
        const world = await start();
        const ledger: Ledger = { next: 1, acknowledged: [], pending: [] };
        let hardened = 0n;
        for (const one of script) {
          await play(world, one, ledger);
          expectPrefix(world);
          expectOrder(world);
          const now = world.links.replication(MI, 'DAG_Sales')?.hardenedLsn ?? 0n;
          expect(now >= hardened).toBe(true);
          hardened = now;
        }
        world.stop();
      }),
      { numRuns: 40 },
    );
  });

  it('loses nothing that was acknowledged when it fails over as planned', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (script, writeOn) => {
          const world = await start();
          const ledger: Ledger = { next: 1, acknowledged: [], pending: [] };
          for (const one of script) await play(world, one, ledger);
          world.databases.setSyntheticLogRate(SQL, 'Sales', 0);
          await world.clock.advance(600_000);
          const failover = world.groups.failover(SQL, 'DAG_Sales');
          for (let second = 0; second < 120; second += 1) {
            if (writeOn && second < 20) await play(world, { kind: 'commit', bytes: 1000 }, ledger);
            await world.clock.advance(1_000);
          }
          await failover;
          await Promise.all(ledger.pending);
          const there = new Set(rows(world, MI));
          expect(ledger.acknowledged.filter((id) => !there.has(id))).toEqual([]);
          expect(link(world).instanceLinkRole).toBe('Primary');
          world.stop();
        },
      ),
      { numRuns: 20 },
    );
  });

  it('sends and redoes at the rates it is given, after the latency', async () => {
    const world = newWorld({
      rates: { networkBandwidth: 10 * MB, redoRate: 5 * MB, networkLatencyMs: 1_000 },
    });
    await world.databases.commit(SQL, 'Sales', [createTable]);
    await replicating(world);
    await world.clock.advance(60_000);
    await world.databases.commit(SQL, 'Sales', [insertRow(1)], 100 * MB);
    const queues = () => {
      const progress = world.links.replication(MI, 'DAG_Sales');
      return [
        Math.round((progress?.sendQueueBytes ?? 0) / MB),
        Math.round((progress?.redoQueueBytes ?? 0) / MB),
      ];
    };
    await world.clock.advance(1_000);
    expect(queues()).toEqual([100, 0]);
    await world.clock.advance(4_000);
    expect(queues()).toEqual([60, 20]);
    expect(world.links.replication(MI, 'DAG_Sales')?.lagSeconds).toBe(5);
    await world.clock.advance(6_000);
    expect(queues()).toEqual([0, 50]);
    expect(rows(world, MI)).toEqual([]);
    await world.clock.advance(10_001);
    expect(queues()).toEqual([0, 0]);
    expect(rows(world, MI)).toEqual([1]);
  });

  it('redoes what has hardened even when a log backup has freed it on the primary', async () => {
    const world = newWorld({ rates: { redoRate: MB } });
    await world.databases.commit(SQL, 'Sales', [createTable]);
    await replicating(world);
    await world.databases.commit(SQL, 'Sales', [insertRow(1)], 30 * MB);
    await world.databases.commit(SQL, 'Sales', [insertRow(2)], 30 * MB);
    await world.clock.advance(5_000);
    const backup = world.backups.log(SQL, 'Sales', { device: 'x', userName: 'sa' });
    await world.clock.advance(5_000);
    await backup;
    expect(world.databases.log(SQL, 'Sales').usedBytes).toBe(0);
    expect(rows(world, MI)).toEqual([]);
    await world.clock.advance(120_000);
    expect(rows(world, MI)).toEqual([1, 2]);
  });

  it('acknowledges a synchronous commit only when the secondary has hardened it', async () => {
    const world = await start();
    world.links.update(MI, 'DAG_Sales', 'Sync');
    await world.clock.advance(5_000);
    let acknowledged = false;
    void world.databases.commit(SQL, 'Sales', [insertRow(1)], 10 * MB).then(() => {
      acknowledged = true;
    });
    await world.clock.advance(500);
    expect(acknowledged).toBe(false);
    await world.clock.advance(1_000);
    expect(acknowledged).toBe(true);
  });
});

describe('log', () => {
  it('waits for a log backup, then for the replica, and is full in the end', async () => {
    const world = newWorld({
      database: { logBytes: 64 * MB, logMaxBytes: 256 * MB, logGrowthBytes: 64 * MB },
    });
    await world.databases.commit(SQL, 'Sales', [createTable]);
    await replicating(world);
    await world.databases.commit(SQL, 'Sales', [insertRow(1)], 100 * MB);
    expect(world.databases.log(SQL, 'Sales')).toMatchObject({ reuseWait: 'LOG_BACKUP', sizeBytes: 128 * MB });
    await world.clock.advance(30_000);
    const backup = world.backups.log(SQL, 'Sales', { device: 'x', userName: 'sa' });
    await world.clock.advance(10_000);
    await backup;
    expect(world.databases.log(SQL, 'Sales').usedBytes).toBe(0);
    world.network.disconnect(SQL, MI);
    await world.databases.commit(SQL, 'Sales', [insertRow(2)], 200 * MB);
    const second = world.backups.log(SQL, 'Sales', { device: 'x', userName: 'sa' });
    await world.clock.advance(10_000);
    await second;
    expect(world.databases.log(SQL, 'Sales')).toMatchObject({
      reuseWait: 'AVAILABILITY_REPLICA',
      usedBytes: 200 * MB,
    });
    expect(await refusedWith(() => world.databases.commit(SQL, 'Sales', [insertRow(3)], 100 * MB))).toEqual([
      9002,
    ]);
    world.network.reconnect(SQL, MI);
    await world.clock.advance(60_000);
    expect(world.databases.log(SQL, 'Sales').usedBytes).toBe(0);
  });

  it('stops a synthetic writer at the limit and lets it go on after a log backup', async () => {
    const world = newWorld({ database: { logBytes: 64 * MB, logMaxBytes: 128 * MB, syntheticLogRate: MB } });
    await world.clock.advance(3_600_000);
    expect(world.databases.log(SQL, 'Sales').usedBytes).toBe(128 * MB);
    const backup = world.backups.log(SQL, 'Sales', { device: 'x', userName: 'sa' });
    await world.clock.advance(2_000);
    await backup;
    const { usedBytes } = world.databases.log(SQL, 'Sales');
    expect(usedBytes).toBeGreaterThan(0);
    expect(usedBytes).toBeLessThan(4 * MB);
  });

  it('is held by an open transaction', async () => {
    const world = newWorld();
    const end = world.databases.beginTransaction(SQL, 'Sales');
    await world.databases.commit(SQL, 'Sales', [createTable], MB);
    const backup = world.backups.log(SQL, 'Sales', { device: 'x', userName: 'sa' });
    await world.clock.advance(5_000);
    await backup;
    expect(world.databases.log(SQL, 'Sales').reuseWait).toBe('ACTIVE_TRANSACTION');
    end();
    expect(world.databases.log(SQL, 'Sales').usedBytes).toBe(0);
  });
});
