/** The shape of the start input of a run, whatever its topology. */
import type { RunSpec } from '../../model/run/run-spec';
import { anyObject, bounded, exactly, optional, type Shape, wholeNumber, yesOrNo } from './shapes';
import type { RunInput } from './state';
import { SPEC_BYTES } from './state-shape';
import type { WorkflowTopology } from './topology';

/** The state that it carries is checked when it is read (`stateOf`). */
export const runInputShape = <Spec extends RunSpec, Own extends object>({
  specShape,
}: Pick<WorkflowTopology<Spec, Own>, 'specShape'>): Shape<RunInput<Spec, Own>> =>
  exactly<RunInput<Spec, Own>>({
    spec: bounded(specShape, SPEC_BYTES),
    visibility: yesOrNo,
    maxHistoryEvents: optional(wholeNumber(1, 1_000_000)),
    state: optional(anyObject()),
  });
