/** Whole migrations on the time-skipping test server: what only real retries, time-outs and heartbeats can show. */

import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ResolvedLink } from '../../../src/model/link/spec';
import type { MigrationResult } from '../../../src/workflows/link/migration-result';
import { linkSpecWith } from '../../support/link-spec';
import { type SkippedRun, TimeSkipping } from '../../support/time-skipping';
import { hang } from '../../support/workflow-driver';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let server: TimeSkipping;

beforeEach(async () => {
  server = await TimeSkipping.start();
});
afterEach(() => server.stop());

/** Heartbeats may be hours apart here: each costs a call of the server, and six days have many minutes. */
const specWith = (cutover: string, heartbeatTimeout = '6h'): ResolvedLink =>
  linkSpecWith(
    `cutover: { approval: { required: false }${cutover} }\npolling: { heartbeatTimeout: ${heartbeatTimeout} }\n`,
  );

function resultOf({ outcome }: SkippedRun): MigrationResult {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value as MigrationResult;
}

const times = (values: readonly string[], wanted: string): number =>
  values.filter((value) => value === wanted).length;

test('a seeding of 5.9 days is in time; log backups go on each quarter of an hour until the cutover', async () => {
  const cutoverAt = new Date((await server.now()) + 6.9 * DAY).toISOString();
  const run = await server.run(specWith(`, schedule: { type: at, time: "${cutoverAt}" }`), {
    seedingMs: 5.9 * DAY,
  });
  const result = resultOf(run);
  expect(result.outcome).toBe('completed');
  expect(run.elapsedMs).toBeGreaterThanOrEqual(6.9 * DAY);
  expect(run.elapsedMs).toBeLessThan(6.9 * DAY + HOUR);
  expect(times(run.link.effects, 'notify seeding.deadline-near')).toBe(2);
  // One day at four an hour, and the first one.
  expect(result.logBackups).toBeGreaterThanOrEqual(93);
  expect(result.logBackups).toBeLessThanOrEqual(97);
}, 60_000);

test('a seeding that does not end is given up at 6 days, and what the run made is undone', async () => {
  const run = await server.run(specWith(''), {
    override: (call) => (call.type === 'watchSeeding' ? hang : undefined),
  });
  expect(run.outcome).toMatchObject({
    status: 'rejected',
    reason: { cause: { type: 'SeedingDeadlineExceeded', nonRetryable: true } },
  });
  expect(run.elapsedMs).toBeGreaterThanOrEqual(6 * DAY);
  expect(run.elapsedMs).toBeLessThan(6 * DAY + 12 * HOUR);
  expect(times(run.link.effects, 'notify seeding.deadline-near')).toBe(3);
  const done = run.link.changes.filter((change) => change.startsWith('do ')).map((change) => change.slice(3));
  const undone = run.link.changes
    .filter((change) => change.startsWith('undo '))
    .map((change) => change.slice(5));
  expect(done).toContain('instance.link');
  expect(undone).toEqual(done.toReversed());
}, 60_000);

test('a step that fails for hours is tried at least each minute, and the run goes on when it succeeds', async () => {
  const until = (await server.now()) + 3 * HOUR;
  const run = await server.run(specWith(''), {}, (attempt) =>
    attempt.type === 'performStep' && attempt.at < until
      ? Promise.reject(ApplicationFailure.create({ type: 'ServerUnreachable', message: 'no route to host' }))
      : undefined,
  );
  const tries = run.attempts.filter(({ type, at }) => type === 'performStep' && at < until);
  const pauses = tries.slice(1).map(({ at }, index) => at - (tries[index]?.at ?? 0));
  expect(tries.length).toBeGreaterThan(100);
  expect(Math.max(...pauses)).toBeLessThan(62_000);
  expect(resultOf(run)).toMatchObject({ outcome: 'completed', cutoverAttempts: 1 });
}, 60_000);

test('an activity whose worker is lost is taken over after the heartbeat time-out', async () => {
  const run = await server.run(specWith('', '1s'), { seedingMs: 0 }, (attempt) => {
    if (attempt.type !== 'watchSeeding' || attempt.attempt > 1) return undefined;
    // No sign of life; what it would say afterwards comes too late. The clock is the real one while it is at work.
    return delay(3_000).then(() => Promise.reject(new CancelledFailure('nobody listens any more')));
  });
  const [first, second, ...others] = run.attempts.filter(({ type }) => type === 'watchSeeding');
  expect([first?.attempt, second?.attempt, others.length]).toEqual([1, 2, 0]);
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_000);
  expect(resultOf(run)).toMatchObject({ outcome: 'completed', seedingRestarts: 0 });
  expect(run.link.changes.filter((change) => change === 'do instance.link')).toHaveLength(1);
}, 60_000);
