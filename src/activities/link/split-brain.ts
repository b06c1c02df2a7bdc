import { bySite, type LinkSite, otherSite } from '../../model/link/side';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import type { SplitBrainNews } from '../run/api';
import { sharedAgeMs } from '../run/snapshots';
import { linkFacts, type Observing } from './link-facts';

/**
 * Two primaries? What is shared may be from before a failover, so that a suspicion is looked at again: first the other
 * side, then the one that leads. Roles that swap between the two looks are never both PRIMARY.
 * @param facts what the side that leads says of itself; @param theirs what the other side says of itself
 * @returns undefined when the other side does not answer, or is no primary
 */
export async function splitBrain(
  observing: Observing,
  leads: LinkSite,
  facts: DistributedReplicaFacts | undefined,
  theirs: DistributedReplicaFacts | undefined,
): Promise<Omit<SplitBrainNews, 'health'> | undefined> {
  if (facts?.localRoleDesc !== 'PRIMARY' || theirs?.localRoleDesc !== 'PRIMARY') return undefined;
  const { settings } = observing.spec;
  const now = await otherFacts(observing, otherSite(leads), 0);
  if (now?.localRoleDesc !== 'PRIMARY') return undefined;
  const ours = await linkFacts(observing, 0, leads);
  if (ours?.localRoleDesc !== 'PRIMARY') return undefined;
  const [server, instance] = bySite(leads, { server: [ours, now], instance: [now, ours] } as const);
  return {
    kind: 'split-brain',
    reason: `${settings.server} and ${settings.instance} both say that they are PRIMARY`,
    logEnds: { server: server.endOfLogLsn, instance: instance.endOfLogLsn },
  };
}

/** Undefined while that side does not answer: a dead former primary is the usual case. */
export const otherFacts = (
  observing: Observing,
  side: LinkSite,
  maxAgeMs = sharedAgeMs(observing.spec.settings.polling.steady),
): Promise<DistributedReplicaFacts | undefined> =>
  linkFacts(observing, maxAgeMs, side).catch(() => undefined);
