/** Shared by the activities that wait: the newest facts of one link, read for all links of its server at once. */
import type { LinkSide } from '../../model/link/procedure';
import type { ResolvedLinkMigration } from '../../model/link/spec';
import type { LinkReplicaFacts } from '../../model/observation';
import type { Clock } from '../../ports/clock';
import type { LinkPorts } from '../../ports/link-ports';
import { NotYet } from '../failures';
import { readLinkReplicaFacts } from '../observe/link';
import type { Snapshots } from '../observe/snapshots';

export interface Observing {
  readonly ports: LinkPorts;
  readonly spec: ResolvedLinkMigration;
  readonly clock: Clock;
  readonly snapshots: Snapshots;
}

/** Tells the instances apart whose reads are shared. */
export const serverKey = ({ source, target }: ResolvedLinkMigration, on: LinkSide): string =>
  on === 'source' ? `${source.host}:${source.port}` : target.resourceId;

/**
 * @param maxAgeMs how old the facts may be, milliseconds
 * @param on side whose view is asked for
 * @returns undefined when that side has no such link
 */
export async function linkFacts(
  { ports, spec, clock, snapshots }: Observing,
  maxAgeMs: number,
  on: LinkSide = 'source',
): Promise<LinkReplicaFacts | undefined> {
  // No signal: the answer is shared with others, whose waits go on when this one is cancelled.
  const all = await snapshots.read(`links of ${serverKey(spec, on)}`, maxAgeMs, () =>
    readLinkReplicaFacts(on === 'source' ? ports.source : ports.target, clock),
  );
  const wanted = spec.names.link.toLowerCase();
  return all.find((facts) => facts.linkName.toLowerCase() === wanted);
}

/** @throws NotYet when the source has no such link: somebody dropped it, or it is about to appear. */
export async function requireLinkFacts(observing: Observing, maxAgeMs: number): Promise<LinkReplicaFacts> {
  const facts = await linkFacts(observing, maxAgeMs);
  if (facts !== undefined) return facts;
  throw new NotYet(
    'LinkNotOnSource',
    `${observing.spec.migration.source} has no distributed availability group ${observing.spec.names.link}`,
  );
}
