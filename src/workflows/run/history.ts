import { workflowInfo } from '@temporalio/workflow';
import type { Run } from './run';

/** True when a new history should begin: the server says so, or the run's own limit is reached. */
export function historyIsLong(run: Run): boolean {
  const info = workflowInfo();
  return (
    info.continueAsNewSuggested ||
    info.historyLength >= (run.input.maxHistoryEvents ?? Number.MAX_SAFE_INTEGER)
  );
}
