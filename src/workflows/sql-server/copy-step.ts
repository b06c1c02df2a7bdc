/** One step for what nobody is to wait for: what fails is told, and it may begin again and again. */
import { ActivityFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import type { StepRef } from '../../model/run/procedure';
import type { Run } from '../run/run';
import { activityProblem, type Problem, personProblem } from '../run/run-control';
import type { StartedStep } from '../run/state';
import { joinBegun } from './started-copies';

/**
 * As `run.perform`, for what nobody is to wait for. A step can be begun again and again here: each time that it changes
 * something, what it found is noted for an abort.
 */
export async function tryStep(run: Run, step: StepRef): Promise<Problem | undefined> {
  const { spec, state } = run;
  const stepId = step.id;
  try {
    const seen = await run.fewAttempts.observeStep.executeWithOptions({ summary: `Look: ${step.title}` }, [
      { spec, stepId },
    ]);
    if (seen.settled !== undefined) return undefined;
    const begun: StartedStep = { stepId, before: seen.before, mayBeLeft: true };
    // What stands is taken down on request only: nothing is undone any more.
    if (state.protection === null) state.startedSteps.push(begun);
    const act = run.fewAttempts.performStep.executeWithOptions({ summary: step.title }, [{ spec, stepId }]);
    const asksAfter = state.protection === null && seen.asksAfter === true;
    const outcome = await (asksAfter ? act.catch((error) => failedHalfway(run, step, begun, error)) : act);
    joinBegun(state);
    run.journal(step, 'done', seen.planned, outcome.evidence, outcome.durationMs);
    return undefined;
  } catch (error) {
    if (isCancellation(error)) throw error;
    const problem = personProblem(error) ?? activityProblem(error);
    if (problem === undefined) throw error;
    return problem;
  }
}

/** What stands there right after a failure was made by this run; what a person makes later is not. @throws the failure */
async function failedHalfway(run: Run, step: StepRef, begun: StartedStep, failure: unknown): Promise<never> {
  const after = await CancellationScope.nonCancellable(() => factsAfter(run, step));
  const { state } = run;
  const isUntouched = JSON.stringify(after) === JSON.stringify(begun.before);
  const noted = isUntouched ? [] : [{ ...begun, after }];
  state.startedSteps = state.startedSteps.flatMap((one) => (one === begun ? noted : [one]));
  joinBegun(state);
  throw failure;
}

/** @returns null when they cannot be taken */
async function factsAfter({ fewAttempts, spec }: Run, { id: stepId, title }: StepRef): Promise<unknown> {
  try {
    const input = { spec, stepId };
    const summary = `Look after the failure: ${title}`;
    return (await fewAttempts.observeStep.executeWithOptions({ summary }, [input])).before;
  } catch (error) {
    if (error instanceof ActivityFailure) return null;
    throw error;
  }
}
