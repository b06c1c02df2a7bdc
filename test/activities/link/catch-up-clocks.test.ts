/** The fence may be stamped by one worker and the LSNs by another, whose clock is behind. */
import { awaitCatchUp } from '../../../src/activities/link/catch-up';
import type { Observing } from '../../../src/activities/link/link-facts';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import type { Query } from '../../../src/model/statement';
import { linkSpec } from '../../support/link-spec';

const NOW = Date.parse('2026-11-01T00:00:00.000Z');

function waiting(hardened: readonly string[]) {
  let now = NOW;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const rest = [...hardened];
  const query = async (asked: Query<unknown>): Promise<readonly unknown[]> => {
    switch (asked.id) {
      case 'read-link-replicas':
        return [{ groupName: 'DAG_Sales', database: 'Sales', endOfLogLsn: '42', redoQueueKb: 0 }];
      case 'read-instance-database':
        return [{ lastHardenedLsn: rest.length > 1 ? rest.shift() : rest[0] }];
      case 'read-server':
        return [{ serverTime: '2026-11-01T00:00:09.000Z' }];
      default:
        return [];
    }
  };
  const observing = {
    ports: { server: { query }, instance: { query } },
    spec: linkSpec(),
    clock,
    snapshots: new Snapshots(clock),
  } as unknown as Observing;
  const reporter = {
    signal: new AbortController().signal,
    report: () => undefined,
  } as unknown as ActivityReporter;
  return {
    wait: (fencedAt: string) => awaitCatchUp(observing, reporter, 'server', fencedAt),
    elapsed: () => now - NOW,
  };
}

test.each([
  ['by a clock that is an hour ahead', '2026-11-01T01:00:00.000Z'],
  ['a moment ago', '2026-10-31T23:59:59.999Z'],
])('fenced %s: three equal looks are enough', async (_clock, fencedAt) => {
  const { wait, elapsed } = waiting(['42']);
  expect(await wait(fencedAt)).toMatchObject({ fencedAt, samples: 3, secondaryHardenedLsn: '42' });
  expect(elapsed()).toBeLessThan(1_000);
});

test('an instance that is behind is waited for', async () => {
  const { wait, elapsed } = waiting(['40', '41', '42']);
  expect(await wait('2026-11-01T01:00:00.000Z')).toMatchObject({ samples: 3, primaryEndOfLogLsn: '42' });
  // Rare looks until both agree, then quick ones.
  expect(elapsed()).toBe(2 * 200 + 2 * 5);
});
