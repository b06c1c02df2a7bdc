/** The workload through the real driver, against the estate's sockets, across a planned failover. */
import { type RunningEstate, startEstate } from '../../../estate/estate';
import type { WorkloadTarget } from '../../../estate/workload/driver';
import { verify, WorkloadWriter } from '../../../estate/workload/writer';
import { groups, linkRequest, MI, SQL, trust } from '../world/story';

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};

/** The story's steps wait by the manual clock; here real time passes. */
const inRealTime = (estate: RunningEstate) => {
  Object.assign(estate.world.clock, { advance: (ms: number) => estate.world.clock.sleep(ms) });
  return estate.world;
};

const target = (estate: RunningEstate, name: string): WorkloadTarget => {
  const { host, port, adminLogin, adminPassword } = estate.instance(name);
  return { host, port, database: 'Sales', user: adminLogin, password: adminPassword };
};

describe('workload on the wire', () => {
  let estate: RunningEstate;
  let writer: WorkloadWriter;

  beforeEach(async () => {
    estate = await startEstate({
      clock: { speed: 500 },
      rates: { seedingRate: 500 * 1024 ** 2 },
      instances: [
        {
          kind: 'sql-server',
          name: SQL,
          addresses: ['10.0.1.8'],
          databases: [{ name: 'Sales', dataBytes: 1024 ** 3 }],
        },
        { kind: 'managed-instance', name: MI },
      ],
    });
    writer = new WorkloadWriter({ target: target(estate, SQL), rate: 200, retryMs: 20 });
  });

  afterEach(async () => {
    await writer.stop();
    await estate.close();
  });

  it('finds every acknowledged row on the new primary, and goes on there', async () => {
    const world = inRealTime(estate);
    writer.start();
    await until(() => writer.report().acknowledged >= 20);
    await trust(world);
    await groups(world);
    world.links.put(MI, linkRequest());
    await until(() => world.links.get(MI, 'DAG_Sales')?.state === 'LinkSynchronizing');
    await world.groups.failover(SQL, 'DAG_Sales');
    await until(() => writer.report().connectionFailures + writer.report().unknown > 0);
    const before = writer.report().acknowledged;
    writer.repoint(target(estate, MI));
    await until(() => writer.report().acknowledged >= before + 20);
    await writer.stop();
    const verdict = await verify(writer.acknowledged, target(estate, MI));
    expect(verdict).toMatchObject({ lost: [], duplicates: 0 });
    expect(verdict.present).toBeGreaterThanOrEqual(before + 20);
  });
});
