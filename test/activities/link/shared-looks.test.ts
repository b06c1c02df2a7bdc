/** However many links of a server are watched: they look at the same moments, and share one read. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Observing } from '../../../src/activities/link/link-facts';
import { watchServerLed } from '../../../src/activities/link/server-led-watch';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import type { Query } from '../../../src/model/statement';
import { replica } from '../../rules/link/replica';
import { linkSpec } from '../../support/link-spec';

const START = Date.parse('2026-11-01T00:00:00.000Z');
const MINUTE = 60_000;
const HALF_AN_HOUR = 30 * MINUTE;

/** Time passes when everybody waits. */
class SharedClock {
  private time = START;
  private readonly waits: { readonly at: number; readonly wake: () => void }[] = [];

  readonly now = (): number => this.time;
  readonly sleep = (ms: number): Promise<void> =>
    new Promise((wake) => this.waits.push({ at: this.time + ms, wake }));

  async runUntil(end: number): Promise<void> {
    for (;;) {
      for (let turns = 0; turns < 20; turns += 1) await turn();
      this.waits.sort((a, b) => a.at - b.at);
      const next = this.waits.shift();
      if (next === undefined || next.at > end) return;
      this.time = next.at;
      next.wake();
    }
  }
}

const nameOf = (index: number): string => `Db${index}`;

/** Reads of all links by that many watches in half an hour, and the log backups that they took. */
async function halfAnHour(links: number): Promise<{ reads: number; backups: number }> {
  const clock = new SharedClock();
  const snapshots = new Snapshots(clock);
  let reads = 0;
  let backups = 0;
  const query = async (asked: Query<unknown>): Promise<readonly unknown[]> => {
    if (asked.id !== 'read-link-replicas') return [];
    reads += 1;
    return Array.from({ length: links }, (_, index) => {
      const { observedAt: _at, ...row } = replica({
        groupName: `DAG_${nameOf(index)}`,
        database: nameOf(index),
        serverTime: new Date(clock.now()).toISOString(),
      });
      return row;
    });
  };
  const execute = async (): Promise<void> => {
    backups += 1;
    await clock.sleep(1_000);
  };
  const base = linkSpec();
  const watch = async (index: number): Promise<void> => {
    const spec = {
      ...base,
      settings: { ...base.settings, database: nameOf(index) },
      names: { ...base.names, distributedGroup: `DAG_${nameOf(index)}` },
    };
    const observing = {
      ports: { server: { query, execute }, sites: { server: { query, execute } } },
      spec,
      clock,
      snapshots,
    } as unknown as Observing;
    const reporter = {
      signal: new AbortController().signal,
      report: () => undefined,
      noteUnanswered: () => undefined,
    } as unknown as ActivityReporter;
    // Their last backups lie all over the cadence of 15 minutes.
    let lastBackupAt = new Date(START - ((index + 0.5) * 15 * MINUTE) / links).toISOString();
    for (;;) {
      const news = await watchServerLed(observing, reporter, {
        primary: 'server',
        knownHealthy: true,
        checkpointAfterMs: Number.MAX_SAFE_INTEGER,
        known: { logAlarmRaised: false, lastBackupAt },
      });
      if (news.kind === 'log-backup-taken') lastBackupAt = news.backup.serverAt ?? lastBackupAt;
    }
  };
  for (let index = 0; index < links; index += 1) watch(index).catch(() => undefined);
  await clock.runUntil(START + HALF_AN_HOUR);
  return { reads, backups };
}

test.each([1, 10, 50])('%i links: one look each 30 s, and each log backup at its time', async (links) => {
  const { reads, backups } = await halfAnHour(links);
  expect(backups).toBe(links * 2);
  expect(reads).toBeGreaterThanOrEqual(60);
  // A look that comes just before a moment may need one more.
  expect(reads).toBeLessThanOrEqual(64);
});
