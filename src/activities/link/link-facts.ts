/** Shared by the activities that wait: the newest facts of one link, read for all links of its server at once. */

import { bySite, type LinkSite } from '../../model/link/side';
import type { ResolvedLink } from '../../model/link/spec';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import type { LinkPorts } from '../../ports/link-ports';
import { sameName } from '../../rules/names';
import { NotYet } from '../run/failures';
import type { Snapshots } from '../run/snapshots';
import { readDistributedReplicaFacts } from './observe-link';

export interface Observing {
  readonly ports: LinkPorts;
  readonly spec: ResolvedLink;
  readonly clock: Clock;
  readonly snapshots: Snapshots;
}

/**
 * Tells the instances apart whose reads are shared. Groups with several replicas on the same servers may have different
 * leaders.
 */
export function serverKey({ server, instance, replicas, names }: ResolvedLink, on: LinkSite): string {
  const address = `${server.host}:${server.port}`;
  const led = replicas === undefined ? address : `${address}, leader of ${names.availabilityGroup}`;
  return bySite(on, { server: led, instance: instance.resourceId });
}

/**
 * @param maxAgeMs how old the facts may be, milliseconds
 * @param on side whose view is asked for
 * @returns undefined when that side has no such link
 */
export async function linkFacts(
  { ports, spec, clock, snapshots }: Observing,
  maxAgeMs: number,
  on: LinkSite = 'server',
): Promise<DistributedReplicaFacts | undefined> {
  const all = await allLinks({ ports, spec, clock, snapshots }, maxAgeMs, on);
  return all.find((facts) => sameName(facts.groupName, spec.names.distributedGroup));
}

/** @returns the links of the same database to other instances, as the SQL Server sees them */
export async function otherLinkFacts(
  observing: Observing,
  maxAgeMs: number,
): Promise<readonly DistributedReplicaFacts[]> {
  const { names, settings } = observing.spec;
  const all = await allLinks(observing, maxAgeMs, 'server');
  return all.filter(
    (facts) =>
      sameName(facts.database, settings.database) && !sameName(facts.groupName, names.distributedGroup),
  );
}

function allLinks(
  { ports, spec, clock, snapshots }: Observing,
  maxAgeMs: number,
  on: LinkSite,
): Promise<readonly DistributedReplicaFacts[]> {
  // No signal: the answer is shared with others, whose waits go on when this one is cancelled.
  return snapshots.read(`links of ${serverKey(spec, on)}`, maxAgeMs, () =>
    readDistributedReplicaFacts(bySite(on, ports), clock),
  );
}

/** @throws NotYet when that side has no such link: somebody dropped it, or it is about to appear. */
export async function requireLinkFacts(
  observing: Observing,
  maxAgeMs: number,
  on: LinkSite = 'server',
): Promise<DistributedReplicaFacts> {
  const facts = await linkFacts(observing, maxAgeMs, on);
  if (facts !== undefined) return facts;
  const { server, instance } = observing.spec.settings;
  throw new NotYet(
    'LinkNotOnServer',
    `${bySite(on, { server, instance })} has no distributed availability group ${observing.spec.names.distributedGroup}`,
  );
}
