/** The topologies that a worker serves, by the kinds of their specs. */
import { byWord } from '../../model/by-word';
import { checkInput } from './incoming';
import { including, oneOf } from './shapes';
import type { WorkflowTopology } from './topology';

export type Topologies = Readonly<Record<string, WorkflowTopology>>;

/**
 * The topology of a start input. Its spec has the shape that the topology asks for then.
 * @throws ApplicationFailure `MalformedInput` for a kind that is not served, and for a spec of another shape
 */
export function topologyOf(
  workflowType: string,
  topologies: Topologies,
  input: { readonly spec: { readonly kind: string } },
): WorkflowTopology {
  const kind = including({ kind: oneOf(Object.keys(topologies)) });
  checkInput(workflowType, including({ spec: kind }), input);
  const topology = byWord('kind of a spec', input.spec.kind, topologies);
  checkInput(workflowType, including({ spec: topology.specShape }), input);
  return topology;
}
