/** Every link of one SQL Server at once, each from the view of the side that leads it. */
import type { ResolvedLink } from '../../model/link/spec';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import type { LinkPorts } from '../../ports/link-ports';
import { sameName } from '../../rules/names';
import { readDistributedReplicaFacts } from './observe-link';

export interface LinkEnd {
  readonly spec: ResolvedLink;
  readonly ports: LinkPorts;
}

/**
 * The links that the SQL Server shows. Where the SQL Server only follows, its rows say little (only a primary has rows of a
 * distributed group), so the instance that leads is asked.
 * @param ends the instances that are known, all with the same SQL Server
 */
export async function readLinksOfServer(
  ends: readonly [LinkEnd, ...LinkEnd[]],
  clock: Clock,
  signal: AbortSignal,
): Promise<DistributedReplicaFacts[]> {
  const seen = await readDistributedReplicaFacts(ends[0].ports.server, clock, { signal });
  if (seen.every(({ localRoleDesc }) => localRoleDesc === 'PRIMARY')) return seen;
  const led = (
    await Promise.all(ends.map(({ ports }) => readDistributedReplicaFacts(ports.instance, clock, { signal })))
  ).flat();
  return seen.map((here) => {
    if (here.localRoleDesc === 'PRIMARY') return here;
    return (
      led.find((there) => there.localRoleDesc === 'PRIMARY' && sameName(there.groupName, here.groupName)) ??
      here
    );
  });
}
