import type { AvailabilityGroupFacts } from '../../model/sql-server/observation';

/** @returns names of the distributed groups to one instance, by the host of its LISTENER_URL */
export function groupsTo(groups: readonly AvailabilityGroupFacts[], fqdn: string): readonly string[] {
  const host = `//${fqdn.toLowerCase()}:`;
  return groups
    .filter(
      ({ isDistributed, replicas }) =>
        isDistributed && replicas.some(({ endpointUrl }) => endpointUrl.toLowerCase().includes(host)),
    )
    .map(({ name }) => name);
}
