import { SimulatedClock } from '../../../estate/world/clock';
import { SeededRandom } from '../../../estate/world/random';
import { createTable, insertRow, linked, MI, newWorld, replicating, SQL } from './story';

const manual = () => new SimulatedClock({ mode: 'manual', speed: 1, base: 1_000_000 });

describe('clock', () => {
  it('runs timers in order of time, then of registration, at their own time', async () => {
    const clock = manual();
    const seen: [string, number][] = [];
    clock.after(20, () => seen.push(['c', clock.now()]));
    clock.after(10, () => {
      seen.push(['a', clock.now()]);
      clock.after(5, () => seen.push(['nested', clock.now()]));
    });
    clock.after(10, () => seen.push(['b', clock.now()]));
    clock.after(10, () => seen.push(['cancelled', clock.now()])).cancel();
    await clock.advance(30);
    expect(seen).toEqual([
      ['a', 1_000_010],
      ['b', 1_000_010],
      ['nested', 1_000_015],
      ['c', 1_000_020],
    ]);
    expect(clock.now()).toBe(1_000_030);
  });

  it('keeps the order of many timers of the same time', async () => {
    const clock = manual();
    const seen: number[] = [];
    const wanted = Array.from({ length: 50 }, (_, index) => index);
    for (const index of wanted) clock.after(10, () => seen.push(index));
    await clock.advance(10);
    expect(seen).toEqual(wanted);
  });

  it('sleeps, and wakes with the reason of the signal', async () => {
    const clock = manual();
    const stop = new AbortController();
    const first = clock.sleep(100);
    const second = clock.sleep(100, stop.signal).catch((error: Error) => error.message);
    stop.abort(new Error('enough'));
    expect(await second).toBe('enough');
    await clock.advance(100);
    await first;
    const third = clock.sleep(5).catch((error: Error) => error.message);
    clock.stop();
    expect(await third).toContain('stopped');
  });

  it('goes at any speed in real mode, and changes it on the run', async () => {
    const clock = new SimulatedClock({ mode: 'real', speed: 1, base: 0 });
    const long = clock.sleep(86_400_000);
    clock.speed = 86_400_000 * 100;
    await long;
    expect(clock.now()).toBeGreaterThanOrEqual(86_400_000);
    expect(() => {
      clock.speed = 0;
    }).toThrow(RangeError);
    clock.stop();
  });
});

describe('determinism', () => {
  const story = async (seed: number) => {
    const world = newWorld({ seed, database: { syntheticLogRate: 12_345 } });
    await world.databases.commit(SQL, 'Sales', [createTable, insertRow(1)], 5_000);
    await linked(world);
    world.network.disconnect(SQL, MI, 7_000);
    await replicating(world).catch(() => {});
    await world.clock.advance(100_000);
    return JSON.stringify(
      {
        certificates: [...world.instances.get(SQL).certificates.values()].map((one) =>
          Buffer.from(one.der).toString('hex'),
        ),
        operations: world.platformTimeline().map(({ startedRealMs, endedRealMs, ...rest }) => rest),
        progress: world.links.replication(MI, 'DAG_Sales'),
        groups: [...world.instances.get(SQL).groups.values()],
        errorLog: world.instances.get(MI).errorLog,
      },
      (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
    );
  };

  it('the same seed and script give the same world, another seed another one', async () => {
    const first = await story(5);
    expect(await story(5)).toBe(first);
    expect(await story(6)).not.toBe(first);
  });

  it('draws evenly enough', () => {
    const random = new SeededRandom(1);
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 4_000; draw += 1) {
      const index = random.integer(0, 3);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(900);
    expect(random.guid()).toMatch(/^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
  });
});
