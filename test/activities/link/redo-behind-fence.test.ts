/** FAILOVER is refused over a large redo queue (47516): that must come out before the point of no return. */
import { awaitCatchUp, confirmPointOfNoReturn } from '../../../src/activities/link/catch-up';
import type { Observing } from '../../../src/activities/link/link-facts';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import type { LinkSite } from '../../../src/model/link/side';
import type { Lsn } from '../../../src/model/sql-server/lsn';
import type { DistributedReplicaFacts } from '../../../src/model/sql-server/observation';
import type { Query } from '../../../src/model/statement';
import { replica } from '../../rules/link/replica';
import { linkSpec } from '../../support/link-spec';

const LSN = '42' as Lsn;
const FENCED_AT = '2026-11-01T00:00:00.000Z';

/** Both sides stand at the same LSN; the queue of the secondary drains by `perLookKb`. */
function fenced(redoQueueKb: number, perLookKb: number, primary: LinkSite) {
  let now = Date.parse(FENCED_AT) + 1;
  let queue = redoQueueKb;
  const told: string[] = [];
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
      queue = Math.max(0, queue - perLookKb);
    },
  };
  const facts = (): Partial<DistributedReplicaFacts> =>
    replica({ groupName: 'DAG_Sales', database: 'Sales', endOfLogLsn: LSN, redoQueueKb: queue });
  const led = async (asked: Query<unknown>): Promise<readonly unknown[]> => {
    if (asked.id === 'read-link-replicas') return [facts()];
    return asked.id === 'read-server' ? [{ serverTime: FENCED_AT }] : [];
  };
  const follows = async (asked: Query<unknown>): Promise<readonly unknown[]> => {
    if (asked.id === 'read-instance-database') return [{ lastHardenedLsn: '42' }];
    return asked.id === 'read-server' ? [{ serverTime: FENCED_AT }] : [];
  };
  const [server, instance] = primary === 'server' ? [led, follows] : [follows, led];
  const observing = {
    ports: { server: { query: server }, instance: { query: instance } },
    spec: linkSpec(),
    clock,
    snapshots: new Snapshots(clock),
  } as unknown as Observing;
  const reporter = {
    signal: new AbortController().signal,
    report: ({ waitingFor }: { waitingFor: string }) => told.push(waitingFor),
  } as unknown as ActivityReporter;
  const evidence = {
    observedAt: FENCED_AT,
    fencedAt: FENCED_AT,
    primaryEndOfLogLsn: LSN,
    secondaryHardenedLsn: LSN,
    samples: 3,
    platformTime: FENCED_AT,
    method: 'equal-lsn',
    summary: 'equal',
  };
  return {
    told,
    queue: () => queue,
    wait: () => awaitCatchUp(observing, reporter, primary, FENCED_AT),
    confirm: () => confirmPointOfNoReturn(observing, reporter, primary, evidence),
  };
}

describe.each<LinkSite>(['server', 'instance'])('led by the %s', (primary) => {
  test('equal LSNs are not enough: what is not applied is waited for', async () => {
    const world = fenced(500_000, 20_000, primary);
    await world.wait();
    expect(world.queue()).toBeLessThan(500_000);
    expect(world.told.at(-1)).toContain('to apply its log');
  });

  test('the last look refuses a queue that grew again', async () => {
    await expect(fenced(500_000, 0, primary).confirm()).rejects.toMatchObject({ code: 'RedoNotDrained' });
    await expect(fenced(0, 0, primary).confirm()).resolves.toMatchObject({ primaryEndOfLogLsn: '42' });
  });
});
