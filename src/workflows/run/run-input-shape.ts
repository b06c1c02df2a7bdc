/** The shape of the start input of a run, whatever its topology. */
import type { RunSpec } from '../../model/run/run-spec';
import { anyObject, exactly, optional, type Shape, wholeNumber, yesOrNo } from './shapes';
import type { RunInput } from './state';
import type { WorkflowTopology } from './topology';

/** The state that it carries is checked when it is read (`stateOf`). */
export const runInputShape = <Spec extends RunSpec, Own extends object>({
  specShape,
}: Pick<WorkflowTopology<Spec, Own>, 'specShape'>): Shape<RunInput<Spec, Own>> =>
  exactly<RunInput<Spec, Own>>({
    spec: specShape,
    visibility: yesOrNo,
    maxHistoryEvents: optional(wholeNumber(1, 1_000_000)),
    state: optional(anyObject()),
  });
