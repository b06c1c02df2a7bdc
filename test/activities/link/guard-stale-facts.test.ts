/** How old facts are is a matter of the worker's clock: nothing is decided on what was seen long ago (promise 2). */
import { guardReplication } from '../../../src/activities/link/guarding';
import type { Observing } from '../../../src/activities/link/observing';
import { Snapshots } from '../../../src/activities/observe/snapshots';
import type { ActivityReporter } from '../../../src/activities/temporal/edge';
import type { Query } from '../../../src/model/statement';
import { replica } from '../../rules/link/replica';
import { linkSpec } from '../../support/link-spec';

const START = Date.parse('2026-11-01T00:00:00.000Z');

test.each([
  ['at once', 10, 1],
  ['after ten minutes', 600_000, 2],
])('the backup history answers %s: a log backup is taken on facts that are fresh then', async (_case, takesMs, looks) => {
  let now = START;
  let histories = 0;
  const done: string[] = [];
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const query = async (asked: Query<unknown>): Promise<readonly unknown[]> => {
    if (asked.id === 'read-link-replicas') {
      done.push('look');
      const { observedAt: _, ...row } = replica({
        linkName: 'DAG_Sales',
        database: 'Sales',
        serverTime: new Date(now).toISOString(),
      });
      return [row];
    }
    if (asked.id === 'read-backups') {
      now += histories === 0 ? takesMs : 10;
      histories += 1;
    }
    return [];
  };
  const execute = async (): Promise<void> => {
    done.push('backup');
  };
  const observing = {
    ports: { source: { query, execute } },
    spec: linkSpec(),
    clock,
    snapshots: new Snapshots(clock),
  } as unknown as Observing;
  const reporter = {
    signal: new AbortController().signal,
    report: () => undefined,
  } as unknown as ActivityReporter;
  const news = await guardReplication(observing, reporter, {
    spec: observing.spec,
    knownHealthy: true,
    logAlarmRaised: false,
    checkpointAfterMs: Number.MAX_SAFE_INTEGER,
  });
  expect(news.kind).toBe('log-backup-taken');
  expect(done).toEqual([...Array<string>(looks).fill('look'), 'backup']);
});
