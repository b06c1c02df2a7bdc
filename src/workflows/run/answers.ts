/** Messages that every run understands, whatever its topology. */
import { defineUpdate } from '@temporalio/workflow';

/** Who asks, and why; stands in the journal. */
export interface Request {
  /** Name of the person or service that asks. */
  readonly by: string;
  readonly reason?: string;
}

/**
 * A refusal is an answer (promise 13): reasons and what to do, never an exception. `rule` is the id of what decided, and
 * stays as it is from version to version.
 */
export type Answer =
  | { readonly accepted: true; readonly rule: string; readonly note: string }
  | {
      readonly accepted: false;
      readonly rule: string;
      readonly reasons: readonly string[];
      readonly nextSteps: readonly string[];
    };

export const pauseUpdate = defineUpdate<Answer, [Request]>('pause');
export const resumeUpdate = defineUpdate<Answer, [Request]>('resume');
/** While a run is being undone: what does not get through is left as it is, and named in the result. */
export const leaveBehindUpdate = defineUpdate<Answer, [Request]>('leaveBehind');
export const abortUpdate = defineUpdate<Answer, [Request]>('abort');

/** What an accepted request is among the events, where it has a code of its own. */
export interface DecisionEvent {
  readonly severity: 'info' | 'warning';
  readonly code: string;
  readonly message: string;
}

/** An answer on its way to who asked: `Run.decide` notes it. */
export type Decision = Answer & { readonly event?: DecisionEvent };

export const accept = (rule: string, note: string, event?: DecisionEvent): Decision => ({
  accepted: true,
  rule,
  note,
  ...(event === undefined ? {} : { event }),
});

/** An accepted request among the events. */
export const info = (code: string, message: string): DecisionEvent => ({ severity: 'info', code, message });

export const refuse = (rule: string, reason: string, nextStep: string): Answer => ({
  accepted: false,
  rule,
  reasons: [reason],
  nextSteps: [nextStep],
});

/** As it goes back to who asked. */
export const answerOf = ({ event: _noted, ...answer }: Decision): Answer => answer;

/** The event of a decision that has none of its own. @param asked what was asked for and by whom */
export const plainEvent = (asked: string, answer: Answer): DecisionEvent =>
  answer.accepted
    ? info('request.accepted', `${asked}: ${answer.note}`)
    : info('request.refused', `${asked} was refused: ${answer.reasons[0] ?? answer.rule}`);
