/** Several links of one database: one availability group, and one distributed availability group for each link. */
import type { AvailabilityGroupFacts } from '../../model/sql-server/observation';
import { includesName, sameName } from '../names';

/** @returns names of the other links over the same availability group */
export function otherLinks(
  groups: readonly AvailabilityGroupFacts[],
  names: { readonly distributedGroup: string; readonly availabilityGroup: string },
): readonly string[] {
  return groups
    .filter(({ isDistributed, name }) => isDistributed && !sameName(name, names.distributedGroup))
    .filter(({ replicas }) =>
      includesName(
        replicas.map(({ name }) => name),
        names.availabilityGroup,
      ),
    )
    .map(({ name }) => name);
}
