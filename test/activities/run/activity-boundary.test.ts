/** What leaves an activity: a catalogue code, whether a person is needed, and when to try again. */
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { asActivity } from '../../../src/activities/run/activity-boundary';
import type { Carried } from '../../../src/activities/run/carried';
import type { Reporter } from '../../../src/activities/run/reporter';
import { systemClock } from '../../../src/adapters/clock';
import type { Clock } from '../../../src/ports/clock';
import { AzureFailure, SettingFailure, SqlServerFailure } from '../../../src/ports/failures';
import type { SealedOperation } from '../../../src/ports/managed-instance';
import { CATALOGUE } from '../../../src/rules/errors/catalogue';
import { QuotingError } from '../../../src/tsql/quote';
import { RowShapeError } from '../../../src/tsql/rows';

async function failureOf(error: Error, attempt = 1): Promise<ApplicationFailure> {
  const thrown = await new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') })
    .run(() =>
      asActivity(async () => {
        throw error;
      }, systemClock),
    )
    .catch((caught: unknown) => caught);
  if (!(thrown instanceof ApplicationFailure))
    throw new Error(`not an ApplicationFailure: ${String(thrown)}`);
  return thrown;
}

test('throttled by Azure: tried again when Azure says, not sooner', async () => {
  const failure = await failureOf(new AzureFailure('put-link', 429, undefined, 'throttled', 47_000, 'slow'));
  expect(failure).toMatchObject({ type: 'Throttled', nonRetryable: false, nextRetryDelay: 47_000 });
});

test('without a word of Azure the retry policy decides', async () => {
  const failure = await failureOf(new AzureFailure('put-link', 500, undefined, undefined, undefined, 'oops'));
  expect(failure.nonRetryable).toBe(false);
  expect(failure.nextRetryDelay ?? undefined).toBeUndefined();
});

test('what only a person can mend is not tried again', async () => {
  const wrong = { number: 18456, severity: 14, state: 1, message: 'Login failed' };
  const failure = await failureOf(new SqlServerFailure('sql1', 'connect', [wrong], 'login-failed', 'no'));
  expect(failure).toMatchObject({ type: 'LoginFailed', nonRetryable: true });
  expect(failure.details?.[0]).toMatchObject({ remedy: expect.stringContaining('inventory') });
});

test.each([
  [1, false],
  [2, true],
])('groups that do not answer (41976), attempt %i: for a person is %s', async (attempt, nonRetryable) => {
  const silent = new AzureFailure('put-link', 200, '41976', undefined, undefined, 'no answer');
  expect(await failureOf(silent, attempt)).toMatchObject({ type: 'PartnerGroupSilent', nonRetryable });
});

test('a failover whose answer was lost meets 47517 while the role changes: looked at again, for no person', async () => {
  const resolving = { number: 47517, severity: 16, state: 1, message: 'must be run on the primary' };
  const failure = await failureOf(new SqlServerFailure('sql1', 'failover', [resolving], undefined, 'no'));
  expect(failure).toMatchObject({ type: 'FailoverOnWrongSide', nonRetryable: false });
});

test.each<[string, Error]>([
  ['SettingUnusable', new SettingFailure('azure.caFile', 'azure.caFile /ca.pem cannot be read: ENOENT')],
  ['NotQuotable', new QuotingError('a name must not hold a NUL character')],
  ['RowNotUnderstood', new RowShapeError('port', 'an integer below 2^53', 'x')],
])('%s: the same each time, so a person is told and it is not retried for ever', async (code, error) => {
  const failure = await failureOf(error);
  expect(failure).toMatchObject({ type: code, nonRetryable: true, message: error.message });
  expect(CATALOGUE.flatMap(({ entries }) => entries).find((entry) => entry.code === code)).toMatchObject({
    reaction: 'needs-person',
  });
});

/** A sealed one, as far as the edge is concerned. */
const OPERATION = 'sealed' as SealedOperation;

/** Attempts of one activity, each with the heartbeat of the one before, and what the last failure carries on. */
async function carriedBy(
  bodies: readonly ((reporter: Reporter) => void)[],
  carried?: Carried,
): Promise<Carried | undefined> {
  let heartbeatDetails: unknown;
  let left: Carried | undefined;
  for (const [index, body] of bodies.entries()) {
    const options = { logger: new DefaultLogger('ERROR') };
    const environment = new MockActivityEnvironment({ attempt: index + 1, heartbeatDetails }, options);
    environment.on('heartbeat', (details: unknown) => {
      heartbeatDetails = details;
    });
    const attempt = () =>
      asActivity(
        async (reporter) => {
          body(reporter);
          throw new Error('unreachable');
        },
        systemClock,
        carried,
      );
    const failure = await environment.run(attempt).catch((error: ApplicationFailure) => error);
    left = (failure as { details?: [{ carried?: Carried }] }).details?.[0].carried;
  }
  return left;
}

describe('what an activity leaves to the one that takes over', () => {
  const fails = (): void => undefined;

  test('nothing, where all requests were answered', async () => {
    expect(await carriedBy([fails])).toBeUndefined();
  });

  test('an operation that is under way, and a request without an answer', async () => {
    expect(await carriedBy([(reporter) => reporter.saveOperation(OPERATION), fails])).toEqual({
      operation: OPERATION,
      mayHaveSent: false,
    });
    expect(await carriedBy([(reporter) => reporter.noteUnanswered(true)])).toEqual({ mayHaveSent: true });
  });

  test('what it took over, when no attempt got as far as a look', async () => {
    const carried = { operation: OPERATION, mayHaveSent: true };
    expect(await carriedBy([fails, fails, fails], carried)).toEqual(carried);
  });

  test('that all is known, once it looked', async () => {
    const seen: unknown[] = [];
    const looks = (reporter: Reporter): void => {
      seen.push([reporter.resumable, reporter.mayHaveSent]);
      reporter.saveOperation(undefined);
      reporter.noteUnanswered(false);
    };
    const carried = { operation: OPERATION, mayHaveSent: true };
    expect(await carriedBy([looks, fails], carried)).toEqual({ mayHaveSent: false });
    expect(seen).toEqual([[OPERATION, true]]);
  });
});

test('an attempt that ends before its look leaves to the next one what it does not know itself', async () => {
  const may: boolean[] = [];
  const note = (reporter: Reporter): void => {
    may.push(reporter.mayHaveSent);
  };
  await carriedBy([(reporter) => reporter.noteUnanswered(true), note, note, note]);
  expect(may).toEqual([true, true, true]);
});

describe('heartbeats', () => {
  test("go by Temporal's clock alone, and end with the attempt", async () => {
    const asked: number[] = [];
    const wakers: (() => void)[] = [];
    let isAsleep = false;
    const temporalClock: Clock = {
      ...systemClock,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          asked.push(ms);
          isAsleep = true;
          wakers.push(resolve);
          signal?.addEventListener('abort', () => {
            isAsleep = false;
            reject(signal.reason);
          });
        }),
    };
    let beats = 0;
    const options = { logger: new DefaultLogger('ERROR') };
    const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 8_000 }, options);
    environment.on('heartbeat', () => {
      beats += 1;
    });
    await environment.run(() =>
      asActivity(async () => {
        for (let slept = 1; slept <= 3; slept += 1) {
          expect(asked).toHaveLength(slept);
          wakers.at(-1)?.();
          await new Promise(setImmediate);
        }
      }, temporalClock),
    );
    expect(asked).toEqual([2_000, 2_000, 2_000, 2_000]);
    expect(beats).toBe(3);
    expect(isAsleep).toBe(false);
  });
});
