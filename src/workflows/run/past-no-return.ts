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
import { CarriedOver } from './carried';
import type { Run } from './run';

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Applications wait behind the fence, and there is no way back: a refusal that passes by itself (47514, 47515, 47516,
 * a role change that is running already) is tried again without limit, but not in silence. One for a person waits for
 * a person, as every step does.
 */
export async function performPastNoReturn(run: Run, step: StepRef, role: ForwardRole): Promise<void> {
  const perform = byWord('role of a step', role, {
    swap: run.perform,
    proof: run.prove,
    admit: run.perform,
  }).bind(run);
  const { waitingFor } = run;
  const refused = run.waits.begin();
  const over = new CarriedOver();
  let told = '';
  try {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await perform(step, () => tryOnce(run, step, over));
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

async function tryOnce(run: Run, step: StepRef, over: CarriedOver) {
  const { spec } = run;
  const activities: ActivityInterfaceFor<Pick<RunSteps, 'performStep'>> = proxyActivities(
    pastNoReturn(spec.settings.polling.heartbeatTimeout),
  );
  try {
    return await over.into((carried) =>
      activities.performStep.executeWithOptions({ summary: step.title }, [
        { spec, stepId: step.id, ...carried },
      ]),
    );
  } catch (error) {
    // Whatever would have been tried again, had the policy not ended the attempts, is tried again from here.
    const isFinal =
      !(error instanceof ActivityFailure) ||
      isCancellation(error) ||
      error.retryState === RetryState.NON_RETRYABLE_FAILURE;
    if (isFinal) throw error;
    const { cause } = error;
    if (!(cause instanceof ApplicationFailure)) {
      throw new TransientRefusal(
        'NoAnswer',
        cause?.message ?? error.message,
        'look at the log of the workers',
      );
    }
    const [detail] = (cause.details ?? []) as readonly { readonly remedy?: string }[];
    throw new TransientRefusal(cause.type ?? 'Unknown', cause.message, detail?.remedy ?? 'see the message');
  }
}
