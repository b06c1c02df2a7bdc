/** A step behind the point of no return: tried again until it is done, and told while it is refused. */
import { ApplicationFailure, RetryState } from '@temporalio/common';
import {
  ActivityFailure,
  type ActivityInterfaceFor,
  isCancellation,
  proxyActivities,
  sleep,
} from '@temporalio/workflow';
import type { RunSteps } from '../../activities/run/api';
import { byWord } from '../../model/by-word';
import type { ForwardRole, StepRef } from '../../model/run/procedure';
import { pastNoReturn } from './activity-policies';
import type { Run } from './run';

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Applications wait behind the fence, and there is no way back: a refusal that passes by itself (47514, 47515, 47516,
 * a role change that is running already) is tried again without limit, but not in silence. One for a person waits for
 * a person, as every step does.
 */
export async function performPastNoReturn(run: Run, step: StepRef, role: ForwardRole): Promise<void> {
  const activities: ActivityInterfaceFor<Pick<RunSteps, 'observeStep' | 'performStep'>> = proxyActivities(
    pastNoReturn(run.spec.settings.polling.heartbeatTimeout),
  );
  const act = orRefusal(run.acting(step, activities));
  // Whoever does not even let itself be looked at keeps the applications out as well.
  const look = orRefusal(run.looking(step, activities));
  const perform = byWord('role of a step', role, {
    swap: () => run.perform(step, act, look),
    proof: () => run.prove(step, act),
    admit: () => run.perform(step, act, look),
  });
  const { waitingFor } = run;
  const refused = run.waits.begin();
  let told = '';
  try {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await perform();
        run.refusal = null;
        return;
      } catch (error) {
        if (!(error instanceof TransientRefusal)) throw error;
        run.refusal = `${waitingFor}: ${error.message}; it is tried again`;
        refused.say(run.refusal);
        if (error.code !== told) await tell(run, step, error);
        told = error.code;
        await sleep(pause);
      }
    }
  } finally {
    refused.end();
  }
}

function tell(run: Run, step: StepRef, { code, message, remedy }: TransientRefusal): Promise<void> {
  return run.notify(
    'critical',
    'failover.refused',
    `${step.title}: ${message} (${code}); the applications stay fenced, and it is tried again`,
    remedy,
  );
}

/** Passes by itself, it is said, but did not within the attempts that a person need not hear of. */
class TransientRefusal extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** Whatever would have been tried again, had the policy not ended the attempts, is tried again from here. */
function orRefusal<T>(call: () => Promise<T>): () => Promise<T> {
  return async () => {
    try {
      return await call();
    } catch (error) {
      throw refusalOf(error) ?? error;
    }
  };
}

/** @returns undefined of what is final, and of a cancellation */
function refusalOf(error: unknown): TransientRefusal | undefined {
  const isFinal =
    !(error instanceof ActivityFailure) ||
    isCancellation(error) ||
    error.retryState === RetryState.NON_RETRYABLE_FAILURE;
  if (isFinal) return undefined;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) {
    return new TransientRefusal(
      'NoAnswer',
      cause?.message ?? error.message,
      'look at the log of the workers',
    );
  }
  const [detail] = (cause.details ?? []) as readonly { readonly remedy?: string }[];
  return new TransientRefusal(cause.type ?? 'Unknown', cause.message, detail?.remedy ?? 'see the message');
}
