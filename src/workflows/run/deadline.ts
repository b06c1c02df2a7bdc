/** Deadline and warnings as durable timers; they outlive every worker. */
import { CancellationScope, condition } from '@temporalio/workflow';
import type { Run } from './run';

export interface Deadline {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds before it. */
  readonly warnBefore: readonly number[];
  /** @param left milliseconds */
  warn(left: number): Promise<void>;
  missed(): Error;
}

/** @throws what `missed` makes, once the work has ended, which is asked to stop; an abort goes before it */
export async function beforeDeadline<T>(run: Run, work: () => Promise<T>, deadline: Deadline): Promise<T> {
  let done = false;
  const scope = new CancellationScope();
  const working = scope.run(work).finally(() => {
    done = true;
  });
  const watching = warnAndExpire(deadline, () => done);
  let expired: boolean;
  try {
    expired = await Promise.race([working.then(() => false), watching]);
  } catch (error) {
    // A stop ends the timers at once, the activities later.
    await CancellationScope.nonCancellable(() => working.catch(() => undefined));
    throw error;
  }
  if (!expired) return working;
  scope.cancel();
  await working.catch(() => undefined);
  run.control.throwIfAborted();
  throw deadline.missed();
}

/** @returns true when the deadline passed before the work was done. */
async function warnAndExpire({ at, warnBefore, warn }: Deadline, isDone: () => boolean): Promise<boolean> {
  for (const before of [...warnBefore].sort((a, b) => b - a)) {
    const wait = at - before - Date.now();
    if (wait <= 0) continue;
    if (await condition(isDone, wait)) return false;
    await warn(before);
  }
  return !(await condition(isDone, Math.max(at - Date.now(), 1)));
}
