/** A SQL Server that does not answer must not stay a secret: no log backups are taken meanwhile. */

import type { Observing } from '../../../src/activities/link/link-facts';
import { watchServerLed } from '../../../src/activities/link/server-led-watch';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import { SqlServerFailure, type TransportProblem } from '../../../src/ports/failures';
import { linkSpec } from '../../support/link-spec';

function silentServer(transport: TransportProblem, signal = new AbortController().signal) {
  let now = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const server = {
    name: 'sql1',
    query: async () => {
      now += 100;
      throw new SqlServerFailure('sql1', 'read-link-replicas', [], transport, 'sql1: no answer');
    },
  };
  const observing = {
    ports: { server },
    spec: linkSpec(),
    clock,
    snapshots: new Snapshots(clock),
  } as unknown as Observing;
  const reporter = { signal, report: () => undefined } as unknown as ActivityReporter;
  const watch = (knownHealthy: boolean) =>
    watchServerLed(observing, reporter, {
      primary: 'server',
      knownHealthy,
      checkpointAfterMs: Number.MAX_SAFE_INTEGER,
      known: { logAlarmRaised: false },
    });
  return { watch, elapsed: () => now };
}

test('a SQL Server that does not answer for minutes is told as unhealthy, with the reason', async () => {
  const { watch, elapsed } = silentServer('unreachable');
  const news = await watch(true);
  expect(news).toMatchObject({ kind: 'health-changed', health: { healthy: false } });
  expect(news.health.summary).toContain('sql1');
  expect(elapsed()).toBeGreaterThanOrEqual(120_000);
  expect(elapsed()).toBeLessThan(200_000);
});

test('once that is known, the failure goes to Temporal, which tries again', async () => {
  await expect(silentServer('unreachable').watch(false)).rejects.toBeInstanceOf(SqlServerFailure);
});

test('a failure for a person is told at once, as itself', async () => {
  const { watch, elapsed } = silentServer('login-failed');
  await expect(watch(true)).rejects.toMatchObject({ transport: 'login-failed' });
  expect(elapsed()).toBeLessThan(1_000);
});

test('a cancelled watch does not wait: it ends with the cancellation itself', async () => {
  const { watch, elapsed } = silentServer('unreachable', AbortSignal.abort());
  await expect(watch(true)).rejects.toMatchObject({ name: 'AbortError' });
  expect(elapsed()).toBeLessThan(1_000);
});
