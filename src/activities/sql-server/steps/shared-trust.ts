import type { Effect } from '../../../model/statement';
import { groupsTo } from '../../../rules/sql-server/distributed-groups';
import { NeedsPerson } from '../../run/failures';
import { readAvailabilityGroupFacts } from '../observe/availability-groups';
import type { EndpointContext } from './endpoint-context';

/**
 * Endpoint, certificates and trust serve every distributed group of a server. One that stands when they are to be given
 * back uses them: that of another migration that found them made, or one that could not be undone.
 * @param effects what would give the trust back
 * @param instance FQDN of the instance, where only the groups to it use what is given back
 * @throws NeedsPerson when there is something to give back, and a distributed group stands
 */
export async function unlessInUse(
  effects: readonly Effect[],
  context: EndpointContext,
  instance?: string,
): Promise<readonly Effect[]> {
  if (effects.length === 0) return effects;
  const { group, server } = context.ports;
  // Only the replica that leads its group shows the distributed groups; which one that is does not matter here.
  const servers = group === undefined ? [server] : [...group.members.values()];
  const groups = (
    await Promise.all(servers.map((server) => readAvailabilityGroupFacts(server, context.signal)))
  ).flat();
  const users =
    instance === undefined
      ? groups.filter(({ isDistributed }) => isDistributed).map(({ name }) => name)
      : groupsTo(groups, instance);
  if (users.length === 0) return effects;
  throw new NeedsPerson(
    'TrustInUse',
    `it stays for ${[...new Set(users)].join(', ')}`,
    'remove it by hand once none of them uses it',
  );
}
