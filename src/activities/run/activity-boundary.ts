/**
 * The edge between plain functions and Temporal: cancellation comes in as a signal, progress goes out as heartbeats,
 * and every error leaves as an ApplicationFailure whose type is a code of the error catalogue.
 */
import { activityInfo, Context, cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Progress } from '../../model/run/progress';
import type { Clock } from '../../ports/clock';
import { AzureFailure } from '../../ports/failures';
import type { SealedOperation } from '../../ports/managed-instance';
import type { Carried } from './carried';
import { describeFailure } from './describe-failure';
import type { Reporter } from './reporter';

/** What an attempt leaves to the next one, and to those who look. */
export interface HeartbeatDetails {
  readonly version: 1;
  readonly progress?: Progress;
  readonly operation?: SealedOperation;
  /** Small state of a wait that a later attempt goes on with. */
  readonly resume?: unknown;
  /** The attempt ended in order, and knew the answers to all its requests. Absent when its worker died. */
  readonly answered?: true;
}

export interface ActivityReporter extends Reporter {
  readonly signal: AbortSignal;
  /** When Temporal scheduled this attempt, milliseconds since 1970-01-01 UTC by its clock; absent outside of Temporal. */
  readonly scheduledAt?: number;
}

/** A sign of life this often, also while a statement runs for hours. Cancellation comes back with it. */
const HEARTBEATS_PER_TIMEOUT = 4;
const LONGEST_INTERVAL_MS = 5_000;

/** 41976: groups that were just made may not answer yet; the second time somebody must look (troubleshooting page). */
const WORTH_ONE_RETRY: ReadonlySet<string> = new Set(['PartnerGroupSilent']);

/**
 * Runs the body of an activity with a reporter whose heartbeats go on by themselves.
 * @param temporalClock of the heartbeats
 * @param carried what an activity that gave up left to this one
 * @throws ApplicationFailure with a catalogue code, or CancelledFailure
 */
export async function asActivity<T>(
  body: (reporter: ActivityReporter) => Promise<T>,
  temporalClock: Clock,
  carried?: Carried,
): Promise<T> {
  const info = activityInfo();
  const { answered, ...earlier } = earlierDetails(info.heartbeatDetails, carried);
  const mayHaveSent = info.attempt > 1 ? answered !== true : carried?.mayHaveSent === true;
  let details: HeartbeatDetails = earlier;
  // An attempt that did not get as far as the look leaves what it does not know.
  let unanswered = mayHaveSent;
  const beat = (): void => heartbeat(details);
  const interval = Math.min(
    (info.heartbeatTimeoutMs ?? 60_000) / HEARTBEATS_PER_TIMEOUT,
    LONGEST_INTERVAL_MS,
  );
  const ended = new AbortController();
  every(interval, beat, temporalClock, ended.signal).catch(() => undefined);
  const reporter: ActivityReporter = {
    signal: cancellationSignal(),
    scheduledAt: info.currentAttemptScheduledTimestampMs,
    resumable: details.operation,
    mayHaveSent,
    resumeState: details.resume,
    report(progress) {
      details = { ...details, progress };
      beat();
    },
    saveOperation(operation) {
      const { operation: _former, ...rest } = details;
      details = operation === undefined ? rest : { ...rest, operation };
      beat();
    },
    noteUnanswered(now) {
      unanswered = now;
    },
    saveResumeState(state) {
      details = { ...details, resume: state };
    },
  };
  try {
    return await body(reporter);
  } catch (error) {
    // Sent along with the failure: the SDK flushes the last heartbeat of an attempt that fails.
    if (!unanswered) {
      details = { ...details, answered: true };
      beat();
    }
    const isToBeCarried = unanswered || details.operation !== undefined || carried !== undefined;
    throw atEdge(error, isToBeCarried ? carriedOf(details, unanswered) : undefined);
  } finally {
    ended.abort();
  }
}

/** @throws when it is asked to end */
async function every(ms: number, act: () => void, clock: Clock, ended: AbortSignal): Promise<never> {
  for (;;) {
    await clock.sleep(ms, ended);
    act();
  }
}

const carriedOf = ({ operation }: HeartbeatDetails, mayHaveSent: boolean): Carried => ({
  ...(operation === undefined ? {} : { operation }),
  mayHaveSent,
});

/** @param carried for the activity that takes over once this one gives up */
function atEdge(error: unknown, carried: Carried | undefined): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  const { cancellationSignal: signal } = Context.current();
  if (signal.aborted)
    return signal.reason instanceof CancelledFailure ? signal.reason : new CancelledFailure('cancelled');
  const failure = describeFailure(error);
  const isTriedOnceMore = WORTH_ONE_RETRY.has(failure.code) && activityInfo().attempt === 1;
  return ApplicationFailure.create({
    type: failure.code,
    message: failure.message,
    nonRetryable: failure.reaction === 'needs-person' && !isTriedOnceMore,
    // Azure says when: asking sooner only makes the throttling longer.
    ...(error instanceof AzureFailure && error.retryAfterMs !== undefined
      ? { nextRetryDelay: error.retryAfterMs }
      : {}),
    details: [
      {
        remedy: failure.remedy,
        evidence: failure.evidence,
        server: failure.source,
        ...(carried === undefined ? {} : { carried }),
      },
    ],
  });
}

const operationOf = (carried: Carried | undefined): Pick<HeartbeatDetails, 'operation'> =>
  carried?.operation === undefined ? {} : { operation: carried.operation };

/** Details of an unknown version are not used: the activity observes from the start. */
function earlierDetails(details: unknown, carried: Carried | undefined): HeartbeatDetails {
  const isOurs =
    typeof details === 'object' && details !== null && 'version' in details && details.version === 1;
  return isOurs ? (details as HeartbeatDetails) : { version: 1, ...operationOf(carried) };
}
