/** A tiny workflow around `until`, for its test. */
import {
  condition,
  defineQuery,
  defineSignal,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import { type Until, type UntilLimits, until } from '../../src/workflows/run/until';

interface Activities {
  work(): Promise<string>;
}

const { work } = proxyActivities<Activities>({
  startToCloseTimeout: '1 day',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});

export interface UntilSeen {
  readonly done: Until<string> | { readonly thrown: string } | null;
  readonly afterMs: number | null;
  /** Conditions that the SDK looks at with each activation. */
  readonly conditions: number;
}

export const leaveSignal = defineSignal('leave');
export const seenQuery = defineQuery<UntilSeen>('seen');

const conditions = (): number =>
  (globalThis as unknown as { __TEMPORAL_ACTIVATOR__: { blockedConditions: Map<number, unknown> } })
    .__TEMPORAL_ACTIVATOR__.blockedConditions.size;

/** `UntilLimits`, as they can be sent. */
export interface LimitsSent {
  readonly withinMs?: number;
  readonly graceMs?: number;
}

/** Works until it is told to leave; then it sleeps, so that it can be looked at. */
export async function untilWorkflow({ withinMs, graceMs }: LimitsSent): Promise<void> {
  let leaves = false;
  let done: UntilSeen['done'] = null;
  let afterMs: number | null = null;
  setHandler(leaveSignal, () => {
    leaves = true;
  });
  setHandler(seenQuery, () => ({ done, afterMs, conditions: conditions() }));
  const limits: UntilLimits = {
    ...(withinMs === undefined ? {} : { withinMs }),
    ...(graceMs === undefined ? {} : { graceMs: () => graceMs }),
  };
  const began = Date.now();
  try {
    const seen = await until(work, () => leaves, limits);
    done = seen.left && 'failure' in seen ? { ...seen, failure: String(seen.failure) } : seen;
  } catch (error) {
    done = { thrown: error instanceof Error ? error.name : String(error) };
  }
  afterMs = Date.now() - began;
  await sleep('1 day');
  await condition(() => true);
}
