import type { LinkSide } from '../../model/link/procedure';
import type { LinkReplicaFacts } from '../../model/observation';
import type { SplitBrainNews } from './api';
import { linkFacts, type Observing } from './observing';

/**
 * Two primaries?
 * @param facts what the side that leads says of itself; @param theirs what the other side says of itself
 * @returns undefined when the other side does not answer, or is no primary
 */
export function splitBrain(
  { spec }: Observing,
  leads: LinkSide,
  facts: LinkReplicaFacts | undefined,
  theirs: LinkReplicaFacts | undefined,
): Omit<SplitBrainNews, 'health'> | undefined {
  if (facts?.localRoleDesc !== 'PRIMARY' || theirs?.localRoleDesc !== 'PRIMARY') return undefined;
  const ours = facts.endOfLogLsn;
  const logEnds =
    leads === 'source'
      ? { source: ours, target: theirs.endOfLogLsn }
      : { source: theirs.endOfLogLsn, target: ours };
  return {
    kind: 'split-brain',
    reason: `${spec.migration.source} and ${spec.migration.target} both say that they are PRIMARY`,
    logEnds,
  };
}

/** Undefined while that side does not answer: a dead former primary is the usual case. */
export const otherFacts = (observing: Observing, side: LinkSide): Promise<LinkReplicaFacts | undefined> =>
  linkFacts(observing, observing.spec.migration.polling.steady / 2, side).catch(() => undefined);
