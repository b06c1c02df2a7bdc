import type { ActivityOptions } from '@temporalio/workflow';

/**
 * What is cancelled is waited for: an undo must not begin, and a cutover must not go on, while a statement of the
 * step before is still under way. The SDK documents this as its default, yet leaves the field out, which the server's
 * side reads as TRY_CANCEL (@temporalio/workflow 1.x, `encodeActivityCancellationType(undefined)`).
 */
const cancellationType = 'WAIT_CANCELLATION_COMPLETED';

/**
 * Retry policy by kind of effect. A failure that only a person can mend leaves its activity as non-retryable,
 * whatever stands here; everything else passes by itself sooner or later.
 */

/** Reads only, or one quick change that looks first: try again soon, give the platform room when it stays down. */
export const quickAndIdempotent = (heartbeatTimeoutMs: number): ActivityOptions => ({
  startToCloseTimeout: '1 hour',
  cancellationType,
  heartbeatTimeout: heartbeatTimeoutMs,
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/**
 * Waits on remote work that goes on without us, for hours or days. The attempt's own limit is only a net: the
 * heartbeat notices a dead worker, the workflow's timers hold the deadlines.
 */
export const longWithHeartbeat = (heartbeatTimeoutMs: number): ActivityOptions => ({
  startToCloseTimeout: '30 days',
  cancellationType,
  heartbeatTimeout: heartbeatTimeoutMs,
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** Codes with which Azure ends the creation of a link that the SQL Server did not join in time (41962, 41976, 41986). */
export const AZURE_GAVE_UP: readonly string[] = ['LinkNotEstablished', 'SourceSilent', 'PartnerGroupSilent'];

/** As `longWithHeartbeat`, for a creation that must not be sent again by itself once Azure gave it up. */
export const untilAzureGivesUp = (heartbeatTimeoutMs: number): ActivityOptions => {
  const options = longWithHeartbeat(heartbeatTimeoutMs);
  return { ...options, retry: { ...options.retry, nonRetryableErrorTypes: [...AZURE_GAVE_UP] } };
};

/**
 * Before anything was changed: a person waits for the answer, so a wrong address or password must not be retried long.
 * A host that did not answer until the connection timed out will hardly answer a second later.
 */
export const beforeAnyChange = (heartbeatTimeoutMs: number): ActivityOptions => ({
  startToCloseTimeout: '5 minutes',
  cancellationType,
  heartbeatTimeout: heartbeatTimeoutMs,
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumAttempts: 3,
    nonRetryableErrorTypes: ['Unreachable'],
  },
});

/** Messages to people: at least once, and never worth holding a run up. */
export const notification: ActivityOptions = {
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumAttempts: 5 },
};
