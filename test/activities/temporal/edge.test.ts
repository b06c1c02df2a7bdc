/** What leaves an activity: a catalogue code, whether a person is needed, and when to try again. */
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { atTheEdge } from '../../../src/activities/temporal/edge';
import { AzureFailure, SettingFailure, SqlServerFailure } from '../../../src/ports/failures';
import { CATALOGUE } from '../../../src/rules/errors/catalogue';
import { QuotingError } from '../../../src/tsql/quote';
import { RowShapeError } from '../../../src/tsql/rows';

async function failureOf(error: Error, attempt = 1): Promise<ApplicationFailure> {
  const thrown = await new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') })
    .run(() =>
      atTheEdge(async () => {
        throw error;
      }),
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
