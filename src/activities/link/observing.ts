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
  const server = on === 'source' ? `${spec.source.host}:${spec.source.port}` : spec.target.resourceId;
  // No signal: the answer is shared with others, whose waits go on when this one is cancelled.
  const all = await snapshots.read(`links of ${server}`, maxAgeMs, () =>
    readLinkReplicaFacts(on === 'source' ? ports.source : ports.target, clock),
  );
  const wanted = spec.names.link.toLowerCase();
  return all.find((facts) => facts.linkName.toLowerCase() === wanted);
}

/** @throws NotYet when that side has no such link: somebody dropped it, or it is about to appear. */
export async function requireLinkFacts(
  observing: Observing,
  maxAgeMs: number,
  on: LinkSide = 'source',
): Promise<LinkReplicaFacts> {
  const facts = await linkFacts(observing, maxAgeMs, on);
  if (facts !== undefined) return facts;
  const { source, target } = observing.spec.migration;
  throw new NotYet(
    'LinkNotOnSource',
    `${on === 'source' ? source : target} has no distributed availability group ${observing.spec.names.link}`,
  );
}
