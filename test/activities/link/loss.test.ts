/** What a forced failover loses: a lag or an age that is not known is never 0. */
import type { Observing } from '../../../src/activities/link/link-facts';
import { measureLoss } from '../../../src/activities/link/loss';
import type { Health } from '../../../src/activities/run/api';
import { Snapshots } from '../../../src/activities/run/snapshots';
import type { Lsn } from '../../../src/model/sql-server/lsn';
import type { Query } from '../../../src/model/statement';
import { replica } from '../../rules/link/replica';
import { linkSpec } from '../../support/link-spec';

const NOW = Date.parse('2026-11-26T12:00:00.000Z');
const clock = { now: () => NOW, sleep: () => new Promise<void>(() => undefined) };
const iso = (ms: number): string => new Date(ms).toISOString();

const seen = (lagSeconds: number | null, at: number): Health => ({
  observedAt: iso(at),
  healthy: true,
  summary: 'fine',
  lagSeconds,
});

/** The SQL Server answers, and is ahead of what the instance has hardened. */
function loss(secondaryLagSeconds: number | null, last: Health | null) {
  const spec = linkSpec();
  const row = replica({
    groupName: spec.names.distributedGroup,
    endOfLogLsn: '60' as Lsn,
    secondaryLagSeconds,
  });
  const server = {
    query: async ({ id }: Query<unknown>) => (id === 'read-link-replicas' ? [row] : []),
  };
  const instance = {
    query: async ({ id }: Query<unknown>) =>
      id === 'read-server' ? [{ serverTime: iso(NOW) }] : [{ lastHardenedLsn: '42', endOfLogLsn: '42' }],
  };
  const observing = { ports: { server, instance }, spec, clock, snapshots: new Snapshots(clock) };
  return measureLoss(observing as unknown as Observing, new AbortController().signal, 'instance', last);
}

test('measured, with the second that is rounded away', async () => {
  expect(await loss(4, null)).toMatchObject({ method: 'measured', seconds: 5 });
});

test('one end is behind, and nobody knows how far: the last lag that was seen bounds it', async () => {
  expect(await loss(null, seen(2, NOW - 30_000))).toMatchObject({ method: 'estimate', seconds: 33 });
});

test.each([
  ['no lag was ever seen', null],
  ['the last look knew none', seen(null, NOW - 30_000)],
  ['the last lag lies seven minutes ahead', seen(0, NOW + 7 * 60_000)],
])('%s: not known', async (_, last) => {
  expect(await loss(null, last)).toMatchObject({
    method: 'unknown',
    seconds: null,
    summary: expect.stringContaining('not known'),
  });
});
