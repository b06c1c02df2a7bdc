import type { Clock } from '../ports/clock';

/** What work gets that has so much time and no more. */
export interface TimeLimit {
  /** Aborted when the time is over, or by the caller. */
  readonly signal: AbortSignal;
  /** Whether it is the time that is over. */
  readonly isOver: () => boolean;
}

/**
 * Does something that ends with its signal. The timer ends with the work: none stays behind after an answer.
 * @param limitMs milliseconds of `clock`
 * @param caller a further signal that ends the work
 */
export async function withinTime<Value>(
  clock: Clock,
  limitMs: number,
  work: (limit: TimeLimit) => Promise<Value>,
  caller?: AbortSignal,
): Promise<Value> {
  const late = new AbortController();
  const ended = new AbortController();
  clock.sleep(limitMs, ended.signal).then(
    () => late.abort(new DOMException('The time is over', 'TimeoutError')),
    () => undefined,
  );
  const signal = caller === undefined ? late.signal : AbortSignal.any([caller, late.signal]);
  try {
    return await work({ signal, isOver: () => late.signal.aborted });
  } finally {
    ended.abort();
  }
}
