import { CancellationScope } from '@temporalio/workflow';
import type { LinkRun } from './run';

/**
 * Undoes exactly what this run made, latest first (promise 4). A cancelled workflow gets here too, so nothing in
 * it can be interrupted.
 * @returns what had to be left behind
 */
export function undoRun(run: LinkRun): Promise<readonly string[]> {
  return CancellationScope.nonCancellable(async () => {
    const left: string[] = [];
    for (const { stepId } of [...run.state.begun].reverse()) {
      run.step = `Undo ${stepId}`;
      const problem = await run.undo(stepId);
      if (problem !== undefined) left.push(problem);
    }
    run.step = null;
    return left;
  });
}
