import { type ActivityOptions, workflowInfo } from '@temporalio/workflow';
import { type GrowingPause, pacingOf, TELLING } from '../../model/run/pacing';
import type { Polling } from '../../model/run/settings';
import { watchQueueOf } from '../../temporal/task-queues';

/**
 * What is cancelled is waited for: an undo must not begin, and a cutover must not go on, while a statement of the
 * step before is still under way. The SDK documents this as its default, yet leaves the field out, which the server's
 * side reads as TRY_CANCEL (@temporalio/workflow 1.x, `encodeActivityCancellationType(undefined)`).
 */
const cancellationType = 'WAIT_CANCELLATION_COMPLETED';

/** How the attempts of an activity follow one another. */
const growing = ({ firstMs, longestMs }: Pick<GrowingPause, 'firstMs'> & Partial<GrowingPause>) => ({
  initialInterval: firstMs,
  backoffCoefficient: 2,
  ...(longestMs === undefined ? {} : { maximumInterval: longestMs }),
});

/**
 * Retry policy by kind of effect. A failure that only a person can mend leaves its activity as non-retryable,
 * whatever stands here; everything else passes by itself sooner or later.
 */

/** Reads only, or one quick change that looks first: try again soon, give the platform room when it stays down. */
export const untilItSucceeds = (polling: Polling): ActivityOptions => ({
  startToCloseTimeout: '1 hour',
  cancellationType,
  heartbeatTimeout: polling.heartbeatTimeout,
  retry: growing(pacingOf(polling).attempts.soon),
});

/**
 * Waits on remote work that goes on without us, for hours or days. The attempt's own limit is only a net: the
 * heartbeat notices a dead worker, the workflow's timers hold the deadlines.
 */
export const longPoll = (polling: Polling): ActivityOptions => ({
  startToCloseTimeout: '30 days',
  cancellationType,
  heartbeatTimeout: polling.heartbeatTimeout,
  retry: growing(pacingOf(polling).attempts.patient),
});

/** As `longPoll`, for what waits for hours or for good: it takes no slot that a step may need. */
export const watch = (polling: Polling): ActivityOptions => ({
  ...longPoll(polling),
  taskQueue: watchQueueOf(workflowInfo().taskQueue),
});

/** What mostly is so already when it is asked for, and somebody waits: with the steps, and left soon where it is not. */
export const firstLook = (polling: Polling, limitMs: number): ActivityOptions => ({
  scheduleToCloseTimeout: limitMs,
  cancellationType,
  heartbeatTimeout: polling.heartbeatTimeout,
  retry: growing({ firstMs: pacingOf(polling).attempts.soon.firstMs }),
});

/**
 * Before anything was changed: a person waits for the answer, so a wrong address or password must not be retried long.
 * A host that did not answer until the connection timed out will hardly answer a second later.
 */
export const fewAttempts = (polling: Polling): ActivityOptions => ({
  startToCloseTimeout: '5 minutes',
  cancellationType,
  heartbeatTimeout: polling.heartbeatTimeout,
  retry: {
    ...growing(pacingOf(polling).attempts.few),
    maximumAttempts: 3,
    nonRetryableErrorTypes: ['Unreachable'],
  },
});

/** Longest time of a look or an undo with all its attempts: what did not get through by then is told. */
export const BOUNDED_WORK_MS = 10 * 60_000;

/**
 * A look, or the undo of a step, behind which somebody waits: a passing fault is overcome, and whatever keeps it from
 * getting through is known within `BOUNDED_WORK_MS`, also when nothing answers at all.
 */
export const bounded = (polling: Polling): ActivityOptions => ({
  scheduleToCloseTimeout: BOUNDED_WORK_MS,
  cancellationType,
  heartbeatTimeout: polling.heartbeatTimeout,
  retry: { ...growing(pacingOf(polling).attempts.soon), maximumAttempts: 8 },
});

/** Messages to people that nobody waits for: at least once, so the receiver may be away for hours. */
export const notification: ActivityOptions = {
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '6 hours',
  retry: growing(TELLING),
};

/** Messages to people behind which a short workflow waits: never worth holding it up. */
export const briefNotification: ActivityOptions = {
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '1 minute',
  retry: growing({ firstMs: TELLING.firstMs }),
};

/**
 * One call of a hook, which repeats by itself while its time lasts. Only a worker that died or was stopped makes another
 * attempt, with the same idempotency key; so the end is near whatever happens, once there is a worker.
 */
export const hookCall = (polling: Polling, timeoutMs: number): ActivityOptions => ({
  startToCloseTimeout: timeoutMs + 30_000,
  cancellationType,
  heartbeatTimeout: polling.heartbeatTimeout,
  retry: { ...growing(pacingOf(polling).attempts.few), maximumAttempts: 5 },
});

/**
 * A look or an act behind the point of no return, where every further attempt is a pause more without service. After these
 * few a person is told why it does not go through, and it is tried again.
 */
export const pastNoReturn = (polling: Polling): ActivityOptions => ({
  startToCloseTimeout: '1 hour',
  cancellationType,
  heartbeatTimeout: polling.heartbeatTimeout,
  retry: { ...growing(pacingOf(polling).attempts.pastNoReturn), maximumAttempts: 4 },
});

/** Looks once all is done: worth a few attempts, never worth holding the end of a run up. */
export const lookAfterwards = (polling: Polling): ActivityOptions => ({
  startToCloseTimeout: '2 minutes',
  cancellationType,
  heartbeatTimeout: polling.heartbeatTimeout,
  retry: { ...growing(pacingOf(polling).attempts.few), maximumAttempts: 5 },
});
