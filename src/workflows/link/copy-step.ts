/** One step for what nobody is to wait for: what fails is told, and it may begin again and again. */
import { ActivityFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import type { LinkStepInfo } from '../../model/link/procedure';
import { activityProblem, type Problem, personProblem } from '../run-control';
import { joinBegun } from './begun-copies';
import type { LinkRun } from './run';
import type { BegunStep } from './state';

/**
 * As `run.perform`, for what nobody is to wait for. A step can be begun again and again here: each time that it changes
 * something, what it found is noted for an abort.
 */
export async function tryStep(run: LinkRun, step: LinkStepInfo): Promise<Problem | undefined> {
  const { spec, state } = run;
  const stepId = step.id;
  try {
    const seen = await run.first.observeLinkStep.executeWithOptions({ summary: `Look: ${step.title}` }, [
      { spec, stepId },
    ]);
    if (seen.settled !== undefined) return undefined;
    const begun: BegunStep = { stepId, before: seen.before };
    // A link that stands is taken down on request only: nothing is undone any more.
    if (state.protection === null) state.begun.push(begun);
    const act = run.first.performLinkStep.executeWithOptions({ summary: step.title }, [{ spec, stepId }]);
    const asksAfter = state.protection === null && seen.asksAfter === true;
    const outcome = await (asksAfter ? act.catch((error) => failedHalfway(run, step, begun, error)) : act);
    joinBegun(state);
    run.record(step, 'done', seen.planned, outcome.evidence, outcome.durationMs);
    return undefined;
  } catch (error) {
    if (isCancellation(error)) throw error;
    const problem = personProblem(error) ?? activityProblem(error);
    if (problem === undefined) throw error;
    return problem;
  }
}

/** What stands there right after a failure was made by this run; what a person makes later is not. @throws the failure */
async function failedHalfway(
  run: LinkRun,
  step: LinkStepInfo,
  begun: BegunStep,
  failure: unknown,
): Promise<never> {
  const after = await CancellationScope.nonCancellable(() => factsAfter(run, step));
  const { state } = run;
  const isUntouched = JSON.stringify(after) === JSON.stringify(begun.before);
  const noted = isUntouched ? [] : [{ ...begun, after }];
  state.begun = state.begun.flatMap((one) => (one === begun ? noted : [one]));
  joinBegun(state);
  throw failure;
}

/** @returns null when they cannot be taken */
async function factsAfter({ first, spec }: LinkRun, { id: stepId, title }: LinkStepInfo): Promise<unknown> {
  try {
    const input = { spec, stepId };
    const summary = `Look after the failure: ${title}`;
    return (await first.observeLinkStep.executeWithOptions({ summary }, [input])).before;
  } catch (error) {
    if (error instanceof ActivityFailure) return null;
    throw error;
  }
}
