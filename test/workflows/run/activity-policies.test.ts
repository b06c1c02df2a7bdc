/** What the policies of activities say for a spec that says nothing of its polling. */
import type { ActivityOptions } from '@temporalio/workflow';
import { pollingSchema } from '../../../src/model/run/settings';
import {
  bounded,
  briefNotification,
  fewAttempts,
  firstLook,
  hookCall,
  longPoll,
  lookAfterwards,
  notification,
  pastNoReturn,
  untilItSucceeds,
} from '../../../src/workflows/run/activity-policies';

const POLLING = pollingSchema.parse({});
const MINUTE = 60_000;

test.each<[string, ActivityOptions, ActivityOptions['retry']]>([
  ['untilItSucceeds', untilItSucceeds(POLLING), { initialInterval: 500, maximumInterval: 30_000 }],
  ['longPoll', longPoll(POLLING), { initialInterval: 1_000, maximumInterval: MINUTE }],
  ['firstLook', firstLook(POLLING, 5_000), { initialInterval: 500 }],
  [
    'fewAttempts',
    fewAttempts(POLLING),
    { initialInterval: 1_000, maximumAttempts: 3, nonRetryableErrorTypes: ['Unreachable'] },
  ],
  ['bounded', bounded(POLLING), { initialInterval: 500, maximumInterval: 30_000, maximumAttempts: 8 }],
  [
    'pastNoReturn',
    pastNoReturn(POLLING),
    { initialInterval: 1_000, maximumInterval: 5_000, maximumAttempts: 4 },
  ],
  ['hookCall', hookCall(POLLING, MINUTE), { initialInterval: 1_000, maximumAttempts: 5 }],
  ['lookAfterwards', lookAfterwards(POLLING), { initialInterval: 1_000, maximumAttempts: 5 }],
])('%s', (_, { retry, heartbeatTimeout }, expected) => {
  expect(retry).toEqual({ backoffCoefficient: 2, ...expected });
  expect(heartbeatTimeout).toBe(POLLING.heartbeatTimeout);
});

test('people are told in their own time', () => {
  expect(notification.retry).toEqual({
    initialInterval: 1_000,
    backoffCoefficient: 2,
    maximumInterval: 5 * MINUTE,
  });
  expect(briefNotification.retry).toEqual({ initialInterval: 1_000, backoffCoefficient: 2 });
});
