import { ApplicationFailure } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import type { RunSpec } from '../../model/run/run-spec';
import { checkInput } from './incoming';
import { initialState, type RunInput, type RunState } from './state';
import { stateShape } from './state-shape';
import type { WorkflowTopology } from './topology';

/** The state was written by a version of sqlferry that this worker does not know. */
export const UNKNOWN_STATE_VERSION = 'UnknownStateVersion';

/** State of a run that begins, or that goes on in a new history. */
export function stateOf<Spec extends RunSpec, Own extends object>(
  topology: WorkflowTopology<Spec, Own>,
  { spec, state }: RunInput<Spec, Own>,
): RunState & Own {
  if (state === undefined) return initialState(spec, topology.initial(spec));
  // Its shape is checked right below.
  const upgraded = upgrade(state) as RunState & Own;
  const shape = stateShape(topology, topology.procedure.sites(spec));
  checkInput(workflowInfo().workflowType, (value) => shape(value, 'state'), upgraded);
  return upgraded;
}

/**
 * The one place that reads a state from before: each older version gets its step up here.
 * @throws ApplicationFailure, not to be tried again, for a version that this worker does not know
 */
export function upgrade(state: unknown): RunState {
  const version: unknown =
    typeof state === 'object' && state !== null && 'version' in state ? state.version : undefined;
  switch (version) {
    case 1:
      // This version wrote it, or one before that wrote the same.
      return state as RunState;
    default:
      throw ApplicationFailure.create({
        type: UNKNOWN_STATE_VERSION,
        nonRetryable: true,
        message: `the state of the run has version ${JSON.stringify(version) ?? 'none'}, and this worker knows version 1`,
        details: [
          {
            remedy:
              'nothing was changed; run workers of the version of sqlferry that wrote it, and reset the workflow to its first task',
          },
        ],
      });
  }
}
