/** How old facts are is a matter of the worker's clock: nothing is decided on what was seen long ago (promise 3). */
import type { LinkKnown } from '../../../src/activities/link/api';
import type { Observing } from '../../../src/activities/link/link-facts';
import { watchServerLed } from '../../../src/activities/link/server-led-watch';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import type { Query } from '../../../src/model/statement';
import type { Clock } from '../../../src/ports/clock';
import { replica } from '../../rules/link/replica';
import { linkSpec } from '../../support/link-spec';

const START = Date.parse('2026-11-01T00:00:00.000Z');

/** One link on a server whose backup history and backups the test plays. */
function watched(parts: {
  readonly clock: Clock;
  readonly history: () => readonly unknown[];
  readonly backUp: () => void;
  readonly looked?: () => void;
}) {
  const { clock } = parts;
  const query = async (asked: Query<unknown>): Promise<readonly unknown[]> => {
    if (asked.id === 'read-backups') return parts.history();
    if (asked.id !== 'read-link-replicas') return [];
    parts.looked?.();
    const { observedAt: _, ...row } = replica({
      groupName: 'DAG_Sales',
      database: 'Sales',
      serverTime: new Date(clock.now()).toISOString(),
    });
    return [row];
  };
  const execute = async (): Promise<void> => parts.backUp();
  const observing = {
    ports: { server: { query, execute }, sites: { server: { query, execute } } },
    spec: linkSpec(),
    clock,
    snapshots: new Snapshots(clock),
  } as unknown as Observing;
  const reporter = {
    signal: new AbortController().signal,
    report: () => undefined,
    noteUnanswered: () => undefined,
  } as unknown as ActivityReporter;
  return (more: Partial<LinkKnown> = {}) =>
    watchServerLed(observing, reporter, {
      primary: 'server',
      knownHealthy: true,
      checkpointAfterMs: Number.MAX_SAFE_INTEGER,
      known: { logAlarmRaised: false, ...more },
    });
}

class TestClock implements Clock {
  time = START;
  readonly now = (): number => this.time;
  readonly sleep = async (ms: number): Promise<void> => {
    this.time += ms;
  };
}

test.each([
  ['at once', 10, 1],
  ['after ten minutes', 600_000, 2],
])('the backup history answers %s: a log backup is taken on facts that are fresh then', async (_case, takesMs, looks) => {
  const clock = new TestClock();
  let histories = 0;
  const done: string[] = [];
  const watch = watched({
    clock,
    history: () => {
      clock.time += histories === 0 ? takesMs : 10;
      histories += 1;
      return [];
    },
    backUp: () => done.push('backup'),
    looked: () => done.push('look'),
  });
  expect((await watch()).kind).toBe('log-backup-taken');
  expect(done).toEqual([...Array<string>(looks).fill('look'), 'backup']);
});

/** One due time, one backup, however often the watch begins again: 66 minutes at one backup in 15. */
test('a log backup that was just taken is not taken again by the next watch', async () => {
  const clock = new TestClock();
  const taken: number[] = [];
  let histories = 0;
  const watch = watched({
    clock,
    history: () => {
      histories += 1;
      return taken
        .toReversed()
        .map((at) => ({ type: 'L', name: 'x', finishedAt: new Date(at).toISOString(), isCopyOnly: false }));
    },
    backUp: () => {
      clock.time += 1_000;
      taken.push(clock.time);
    },
  });
  let lastBackupAt: string | undefined;
  while (clock.time < START + 66 * 60_000) {
    const news = await watch(lastBackupAt === undefined ? {} : { lastBackupAt });
    if (news.kind !== 'log-backup-taken') throw new Error(news.kind);
    lastBackupAt = news.backup.serverAt;
  }
  const minutes = taken.map((at) => Math.round((at - START) / 60_000));
  expect(minutes).toEqual([0, 15, 30, 45, 60, 75]);
  // One look before each backup, and one more by the first watch, which remembered none.
  expect(histories).toBe(taken.length + 1);
});

/** A job of others may end while the run backs up itself: it is older than the run's own then, and told all the same. */
test('a foreign log backup that is older than the own one is told before the next backup', async () => {
  const at = (minutes: number): string => new Date(START - minutes * 60_000).toISOString();
  const backUp = jest.fn();
  const watch = watched({
    clock: new TestClock(),
    history: () => [
      { type: 'L', name: 'sales log backup by sqlferry', finishedAt: at(20), isCopyOnly: false },
      { type: 'L', name: 'Nightly', finishedAt: at(21), isCopyOnly: false },
    ],
    backUp,
  });
  const news = await watch({ lastBackupAt: at(20), foreignBackups: { since: at(600), told: [] } });
  expect(news).toMatchObject({ kind: 'foreign-log-backup', jobs: ['Nightly'] });
  expect(backUp).not.toHaveBeenCalled();
});
