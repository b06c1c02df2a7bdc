/** The one race between work and a reason to leave it. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

export interface UntilLimits {
  /** Milliseconds after which the work is left in any case. */
  readonly withinMs?: number;
  /** Milliseconds for which work that was left is waited for, asked when it is left; without limit by default. */
  readonly graceMs?: () => number;
}

export type Until<T> =
  | { readonly left: false; readonly value: T }
  /** `failure`: the work ended badly after it was left, other than by its cancellation. */
  | { readonly left: true; readonly hasEnded: boolean; readonly failure?: unknown };

/**
 * Works until it is done, or there is a reason to leave: then the work is cancelled, and waited for until it has ended.
 * What came to its end nevertheless counts. A cancellation from outside reaches the work itself, and is waited for.
 * @param leave looked at after every message and every result, like the condition of a wait
 * @throws what the work throws, unless it was left
 */
export async function until<T>(
  work: () => Promise<T>,
  leave: () => boolean,
  { withinMs, graceMs }: UntilLimits = {},
): Promise<Until<T>> {
  const scope = new CancellationScope();
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  const working = scope.run(work);
  working.then(end, end);
  // Holds as soon as the work ended, so that no condition stays behind.
  await holds(() => isOver || leave(), withinMs);
  const left = !isOver;
  if (left) {
    scope.cancel();
    await holds(() => isOver, graceMs?.());
  }
  if (!isOver) return { left: true, hasEnded: false };
  try {
    return { left: false, value: await working };
  } catch (failure) {
    if (!left) throw failure;
    return isCancellation(failure) ? { left: true, hasEnded: true } : { left: true, hasEnded: true, failure };
  }
}

async function holds(isSo: () => boolean, limitMs: number | undefined): Promise<void> {
  if (limitMs !== undefined && limitMs <= 0) return;
  await CancellationScope.nonCancellable(async () => {
    if (limitMs === undefined) await condition(isSo);
    else await condition(isSo, limitMs);
  });
}

/** For those to whom work that was left and ended badly is still a failure. @throws that failure */
export function throwIfLeftBadly(done: Until<unknown>): void {
  if (done.left && 'failure' in done) throw done.failure;
}
