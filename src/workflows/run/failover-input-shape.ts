import type { RunSpec } from '../../model/run/run-spec';
import { exactly, nullable, optional, type Shape, time } from './shapes';
import type { FailoverInput } from './standing-messages';
import { failoverOfRunShape } from './standing-request-shapes';
import { healthShape } from './state-shape';
import type { WorkflowTopology } from './topology';

/** @param spec of the input, whose shape is checked already: its sites can lead */
export const failoverInputShape = (
  { procedure, specShape }: WorkflowTopology,
  spec: RunSpec,
): Shape<FailoverInput> =>
  exactly<FailoverInput>({
    spec: specShape,
    request: failoverOfRunShape(procedure.sites(spec)),
    lastHealth: nullable(healthShape),
    askedAt: optional(time),
  });
