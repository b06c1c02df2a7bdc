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

/** One due time, one backup, however often the guard begins again: 66 minutes at one backup in 15. */
test('a log backup that was just taken is not taken again by the next guard', async () => {
  let now = START;
  const taken: number[] = [];
  let histories = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const query = async (asked: Query<unknown>): Promise<readonly unknown[]> => {
    if (asked.id === 'read-link-replicas') {
      const { observedAt: _, ...row } = replica({
        linkName: 'DAG_Sales',
        database: 'Sales',
        serverTime: new Date(now).toISOString(),
      });
      return [row];
    }
    if (asked.id !== 'read-backups') return [];
    histories += 1;
    return taken
      .toReversed()
      .map((at) => ({ type: 'L', name: 'x', finishedAt: new Date(at).toISOString(), isCopyOnly: false }));
  };
  const execute = async (): Promise<void> => {
    now += 1_000;
    taken.push(now);
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
    noteUnanswered: () => undefined,
  } as unknown as ActivityReporter;
  let lastBackupAt: string | undefined;
  while (now < START + 66 * 60_000) {
    const news = await guardReplication(observing, reporter, {
      spec: observing.spec,
      knownHealthy: true,
      logAlarmRaised: false,
      checkpointAfterMs: Number.MAX_SAFE_INTEGER,
      ...(lastBackupAt === undefined ? {} : { lastBackupAt }),
    });
    if (news.kind !== 'log-backup-taken') throw new Error(news.kind);
    lastBackupAt = news.backup.serverAt;
  }
  const minutes = taken.map((at) => Math.round((at - START) / 60_000));
  expect(minutes).toEqual([0, 15, 30, 45, 60, 75]);
  // One look before each backup, and one more by the first guard, which remembered none.
  expect(histories).toBe(taken.length + 1);
});

/** A job of others may end while the run backs up itself: it is older than the run's own then, and told all the same. */
test('a foreign log backup that is older than the own one is told before the next backup', async () => {
  const now = START;
  const clock = { now: () => now, sleep: async () => undefined };
  const at = (minutes: number): string => new Date(START - minutes * 60_000).toISOString();
  const query = async (asked: Query<unknown>): Promise<readonly unknown[]> => {
    if (asked.id === 'read-link-replicas') {
      const { observedAt: _, ...row } = replica({
        linkName: 'DAG_Sales',
        database: 'Sales',
        serverTime: new Date(now).toISOString(),
      });
      return [row];
    }
    if (asked.id !== 'read-backups') return [];
    const own = 'sales log backup by sqlferry';
    return [
      { type: 'L', name: own, finishedAt: at(20), isCopyOnly: false },
      { type: 'L', name: 'Nightly', finishedAt: at(21), isCopyOnly: false },
    ];
  };
  const execute = jest.fn();
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
    lastBackupAt: at(20),
    foreignBackups: { since: at(600), told: [] },
  });
  expect(news).toMatchObject({ kind: 'foreign-log-backup', jobs: ['Nightly'] });
  expect(execute).not.toHaveBeenCalled();
});
