/** A watch that is asked to end does so soon, whatever hangs: a forced failover may be the reason. */

import { watchInstanceLed } from '../../../src/activities/link/instance-led-watch';
import type { Observing } from '../../../src/activities/link/link-facts';
import { measureLoss } from '../../../src/activities/link/loss';
import { watchServerLed } from '../../../src/activities/link/server-led-watch';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import type { Query } from '../../../src/model/statement';
import type { Clock } from '../../../src/ports/clock';
import { SqlServerFailure } from '../../../src/ports/failures';
import type { SqlCallOptions } from '../../../src/ports/sql-server';
import { replica } from '../../rules/link/replica';
import { linkSpec } from '../../support/link-spec';

/** Time that stands still but for what is slept: sleepers wake in order, once everything else waits. */
class SleepersClock implements Clock {
  private time = Date.parse('2026-11-01T00:00:00.000Z');
  private sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  private readonly timer = setInterval(() => this.wakeNext(), 1);
  readonly now = (): number => this.time;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake, reject) => {
      const sleeper = { at: this.time + ms, wake };
      this.sleepers = [...this.sleepers, sleeper].sort((one, other) => one.at - other.at);
      signal?.addEventListener('abort', () => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
    });
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private wakeNext(): void {
    const [next, ...others] = this.sleepers;
    if (next === undefined) return;
    this.sleepers = others;
    this.time = next.at;
    next.wake();
  }
}

const NOTHING_KNOWN = { splitBrainKnown: false, deletionKnown: false };
const never = new Promise<never>(() => undefined);

/** As the driver does: ends with the signal of its caller. */
const untilStopped = ({ signal }: SqlCallOptions = {}): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () =>
      reject(new SqlServerFailure('sql1', 'log-backup', [], 'cancelled', 'sql1: cancelled by its caller')),
    );
  });

const clocks: SleepersClock[] = [];
afterEach(() => {
  for (const clock of clocks.splice(0)) clock.stop();
});

interface Side {
  readonly query: (asked: Query<unknown>) => Promise<readonly unknown[]>;
  readonly execute?: (statement: unknown, options?: SqlCallOptions) => Promise<void>;
}

function scene(parts: { readonly server?: Partial<Side>; readonly instance?: Partial<Side> }) {
  const clock = new SleepersClock();
  clocks.push(clock);
  const stop = new AbortController();
  const seen = (role: string) => async (asked: Query<unknown>) => {
    if (asked.id !== 'read-link-replicas') return [];
    const { observedAt: _, ...row } = replica({
      groupName: 'DAG_Sales',
      database: 'Sales',
      localRoleDesc: role,
      serverTime: new Date(clock.now()).toISOString(),
    });
    return [row];
  };
  const sites = {
    server: { query: seen('PRIMARY'), ...parts.server },
    instance: { query: seen('SECONDARY'), ...parts.instance },
  };
  const observing = {
    ports: {
      ...sites,
      sites,
      azure: { readLink: async () => ({}) },
    },
    spec: linkSpec(),
    clock,
    snapshots: new Snapshots(clock),
  } as unknown as Observing;
  const reporter = {
    signal: stop.signal,
    report: () => undefined,
    noteUnanswered: () => undefined,
  } as unknown as ActivityReporter;
  const input = {
    primary: 'server',
    knownHealthy: true,
    known: { logAlarmRaised: false },
    checkpointAfterMs: Number.MAX_SAFE_INTEGER,
  };
  return { clock, observing, reporter, stop, input };
}

test('of a DR link: a log backup that hangs is cut off after its grace, and the last look stays', async () => {
  const { clock, observing, reporter, stop, input } = scene({
    server: {
      execute: (_statement, options) => {
        askedAt = clock.now();
        stop.abort(new Error('asked to stop'));
        return untilStopped(options);
      },
    },
  });
  let askedAt = 0;
  const news = await watchServerLed(observing, reporter, { ...input, standing: NOTHING_KNOWN });
  expect(news).toMatchObject({ kind: 'checkpoint', health: { healthy: true } });
  expect(clock.now() - askedAt).toBeLessThanOrEqual(10_000);
});

test('a log backup that comes to its end within its grace counts', async () => {
  const { clock, observing, reporter, stop, input } = scene({
    server: {
      execute: async () => {
        stop.abort(new Error('asked to stop'));
        await clock.sleep(5_000);
      },
    },
  });
  const news = await watchServerLed(observing, reporter, { ...input, standing: NOTHING_KNOWN });
  expect(news).toMatchObject({ kind: 'log-backup-taken', backup: { durationMs: 5_000 } });
});

test('of a migration, which nobody forces: the log backup is waited for', async () => {
  const { clock, observing, reporter, stop, input } = scene({
    server: {
      execute: async () => {
        stop.abort(new Error('asked to stop'));
        await clock.sleep(3_600_000);
      },
    },
  });
  const news = await watchServerLed(observing, reporter, input);
  expect(news).toMatchObject({ kind: 'log-backup-taken', backup: { durationMs: 3_600_000 } });
});

test('an other side that hangs does not keep a watch from ending', async () => {
  const { clock, observing, reporter, stop, input } = scene({ instance: { query: () => never } });
  const watching = watchServerLed(observing, reporter, { ...input, standing: NOTHING_KNOWN });
  clock.sleep(60_000).then(() => stop.abort(new Error('asked to stop')));
  expect(await watching).toMatchObject({ kind: 'checkpoint' });
});

test('nor the watch of an instance that leads', async () => {
  const { clock, observing, reporter, stop, input } = scene({ server: { query: () => never } });
  const watching = watchInstanceLed(observing, reporter, {
    ...input,
    primary: 'instance',
    standing: NOTHING_KNOWN,
  });
  clock.sleep(60_000).then(() => stop.abort(new Error('asked to stop')));
  expect(await watching).toMatchObject({ kind: 'checkpoint' });
});

test('an old primary that hangs is not waited for: the loss is estimated', async () => {
  const { clock, observing, stop } = scene({ server: { query: () => never } });
  const begunAt = clock.now();
  const health = {
    observedAt: new Date(begunAt - 5_000).toISOString(),
    healthy: true,
    summary: 'fine',
    lagSeconds: 1,
    logUsedPercent: 5,
  };
  const loss = await measureLoss(observing, stop.signal, 'instance', health);
  expect(loss).toMatchObject({ method: 'estimate', seconds: 7 });
  expect(clock.now() - begunAt).toBeLessThanOrEqual(5_000);
});
