/** A step behind the point of no return: tried again until it is done, and told while it is refused. */
import { ApplicationFailure, RetryState } from '@temporalio/common';
import {
  ActivityFailure,
  type ActivityInterfaceFor,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { RunSteps } from '../../activities/run/api';
import { byWord } from '../../model/by-word';
import { longestPause, pacingOf, type TiringPause } from '../../model/run/pacing';
import type { ForwardRole, StepRef } from '../../model/run/procedure';
import { pastNoReturn } from './activity-policies';
import type { Run } from './run';
import type { Problem } from './run-control';
import type { OpenWait } from './waits';

/**
 * Applications wait behind the fence, and there is no way back: a refusal that passes by itself (47514, 47515, 47516,
 * a role change that is running already) is tried again without limit, but not in silence. One for a person waits for
 * a person, as every step does.
 */
export async function performPastNoReturn(run: Run, step: StepRef, role: ForwardRole): Promise<void> {
  const activities: ActivityInterfaceFor<Pick<RunSteps, 'observeStep' | 'performStep'>> = proxyActivities(
    pastNoReturn(run.spec.settings.polling),
  );
  const act = orRefusal(run.acting(step, activities));
  // Whoever does not even let itself be looked at keeps the applications out as well.
  const look = orRefusal(run.looking(step, activities));
  const perform = byWord('role of a step', role, {
    swap: () => run.perform(step, act, look),
    proof: () => run.prove(step, act),
    admit: () => run.perform(step, act, look),
  });
  const refused = new Refused(run, step);
  try {
    for (;;) {
      const asked = run.control.retriesAsked;
      try {
        await perform();
        run.refusal = null;
        return;
      } catch (error) {
        if (!(error instanceof TransientRefusal)) throw error;
        await refused.tell(error);
        await refused.pause(asked);
      }
    }
  } finally {
    refused.end();
  }
}

/** A step that is refused, for as long as it is: what is told and shown of it, and when it is tried again. */
class Refused {
  private readonly since = Date.now();
  private readonly waitingFor: string;
  private readonly wait: OpenWait;
  private readonly told = new Set<string>();
  private shown = '';
  private readonly pauses: TiringPause;
  private pauseMs: number;

  constructor(
    private readonly run: Run,
    private readonly step: StepRef,
  ) {
    this.waitingFor = run.waitingFor;
    this.pauses = pacingOf(run.spec.settings.polling).pastNoReturn;
    this.pauseMs = this.pauses.firstMs;
    this.wait = run.waits.begin();
  }

  /** Once for each reason. */
  async tell({ code, message, remedy }: TransientRefusal): Promise<void> {
    const { run, step } = this;
    run.refusal = `${this.waitingFor}: ${message}; it is tried again`;
    this.wait.say(run.refusal);
    if (this.shown !== '' || this.pauseMs > this.pauses.oftenMs) this.show({ code, message, remedy });
    if (this.told.has(code)) return;
    this.told.add(code);
    await run.notify(
      'critical',
      'failover.refused',
      `${step.title}: ${message} (${code}); the applications stay fenced, and it is tried again`,
      remedy,
    );
  }

  /** @param asked how often somebody had asked to try again, before it was tried */
  async pause(asked: number): Promise<void> {
    const isRetry = await this.run.control.untilRetried(asked, this.pauseMs, () => false);
    const longest = longestPause(this.pauses, Date.now() - this.since);
    // Once somebody looks after it, minutes are long.
    this.pauseMs = isRetry ? this.pauses.firstMs : Math.min(2 * this.pauseMs, longest);
  }

  end(): void {
    this.wait.end();
    this.run.control.showWaits(this, []);
  }

  /** With pauses of minutes a person can have it tried at once. */
  private show({ code, message, remedy }: Problem): void {
    const what = `${code}: ${message}`;
    if (this.shown === what) return;
    this.shown = what;
    const problem = {
      code,
      message: `${message}; the applications stay fenced, and it is tried again every few minutes`,
      remedy: `${remedy}; resume tries it at once`,
    };
    this.run.control.showWaits(this, [{ problem, where: this.step.title }]);
  }
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
