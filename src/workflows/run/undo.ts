import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { ActivityFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import { pacingOf } from '../../model/run/pacing';
import type { Run } from './run';
import { notUndoable } from './state-size';
import { leftSentence, Undo } from './undo-items';

/**
 * Undoes exactly what this run made, latest first (promise 5). A cancelled workflow gets here too, so nothing in
 * it can be interrupted. What does not get through is told, and waited for until somebody decides.
 * @returns what had to be left behind
 */
export function undoRun(run: Run): Promise<readonly string[]> {
  return CancellationScope.nonCancellable(async () => {
    // A pause holds what is done, not what is undone.
    run.state.paused = false;
    const items = run.state.startedSteps.toReversed().map((begun) => run.undoItem(begun));
    const { firstMs, longestMs } = pacingOf(run.spec.settings.polling).undo;
    const undoing = new Undo(run.control, items, {
      refused: 'leave',
      firstPauseMs: firstMs,
      longestPauseMs: () => longestMs,
      leaveCommand: `sqlferry leave ${run.spec.settings.name}`,
      title: ({ where }) => `Undo on ${where}`,
      onLeft: (left) => run.noteLeft(left),
    });
    run.control.beginUndo(undoing);
    const left = await undoing.all();
    run.step = null;
    return [...notUndoable(run.state), ...left.map(leftSentence), ...(await run.fences.liftOnceMore())];
  });
}

/** An abort that left something behind ends well, and still must not be taken for a clean one. */
export async function tellLeftovers(run: Run, leftovers: readonly string[]): Promise<void> {
  if (leftovers.length === 0) return;
  const message = `the run was aborted; what it made was undone, except: ${leftovers.join('; ')}`;
  await CancellationScope.nonCancellable(() =>
    run.notify('critical', 'run.aborted', message, 'remove by hand what was left behind'),
  );
}

/** What became of the work of a run that ends, and what a person does now. */
function endOf(
  { state, procedure }: Run,
  leftovers: readonly string[],
): { undone: string; nextStep: string } {
  // Of what stands nothing is undone: others rely on it.
  if (state.protection !== null) {
    return {
      undone: `the ${procedure.thing} stands; nobody watches it any more${procedure.unwatched.undone}`,
      nextStep: procedure.unwatched.nextStep,
    };
  }
  return {
    undone: state.pointOfNoReturn === null ? 'what it made was undone' : 'nothing is undone any more',
    nextStep: leftovers.length > 0 ? 'remove by hand what was left behind' : 'find the cause and start again',
  };
}

/**
 * A run that ends without its goal tells people why, and what it left behind.
 * @returns the failure to end with; it carries the leftovers in its details
 */
export async function failWith(run: Run, error: unknown, leftovers: readonly string[]): Promise<unknown> {
  const isCancelled = isCancellation(error);
  const cause = error instanceof ActivityFailure && error.cause !== undefined ? error.cause : error;
  const why = isCancelled ? 'the run was cancelled' : cause instanceof Error ? cause.message : String(cause);
  const left = leftovers.length === 0 ? '' : `, except: ${leftovers.join('; ')}`;
  const { undone, nextStep } = endOf(run, leftovers);
  const code = isCancelled ? 'run.cancelled' : 'run.failed';
  await CancellationScope.nonCancellable(async () => {
    await run.notify('critical', code, `${why}; ${undone}${left}`, nextStep);
    await run.notices.delivered();
  });
  // A cancelled run must end as cancelled; an error that is no failure ends no run.
  if (leftovers.length === 0 || isCancelled || !(cause instanceof TemporalFailure)) return error;
  const isOurs = cause instanceof ApplicationFailure;
  const [detail] = isOurs ? (cause.details ?? []) : [];
  return ApplicationFailure.create({
    type: (isOurs ? cause.type : undefined) ?? cause.name,
    message: cause.message,
    nonRetryable: true,
    details: [{ ...(typeof detail === 'object' ? detail : {}), leftovers }],
    cause,
  });
}
