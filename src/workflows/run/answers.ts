/** Messages that every run understands, whatever its topology. */
import { defineUpdate } from '@temporalio/workflow';

/** Who asks, and why; stands in the journal. */
export interface Request {
  /** Name of the person or service that asks. */
  readonly by: string;
  readonly reason?: string;
}

/** A refusal is an answer (promise 13): reasons and what to do, never an exception. */
export type Answer =
  | { readonly accepted: true; readonly note: string }
  | { readonly accepted: false; readonly reasons: readonly string[]; readonly nextSteps: readonly string[] };

export const pauseUpdate = defineUpdate<Answer, [Request]>('pause');
export const resumeUpdate = defineUpdate<Answer, [Request]>('resume');
/** While a run is being undone: what does not get through is left as it is, and named in the result. */
export const leaveBehindUpdate = defineUpdate<Answer, [Request]>('leaveBehind');
export const abortUpdate = defineUpdate<Answer, [Request]>('abort');

export const accept = (note: string): Answer => ({ accepted: true, note });

export const refuse = (reason: string, nextStep: string): Answer => ({
  accepted: false,
  reasons: [reason],
  nextSteps: [nextStep],
});
