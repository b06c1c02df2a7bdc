import type { Effect } from '../../../model/statement';
import { groupAvailabilityGroups, readAvailabilityGroups } from '../../../tsql/queries/availability-groups';
import { NeedsPerson } from '../../failures';
import { type LinkContext, readSource } from '../context';

/**
 * Endpoint, certificates and trust serve every link of a server. A link that stands when they are to be given back
 * uses them: one of another migration that found them made, or one that could not be undone.
 * @param effects what would give the trust back
 * @throws NeedsPerson when there is something to give back, and a link stands
 */
export async function unlessInUse(
  effects: readonly Effect[],
  context: LinkContext,
): Promise<readonly Effect[]> {
  if (effects.length === 0) return effects;
  const groups = groupAvailabilityGroups(await readSource(context, readAvailabilityGroups()));
  const links = groups.filter(({ isDistributed }) => isDistributed).map(({ name }) => name);
  if (links.length === 0) return effects;
  throw new NeedsPerson(
    'TrustInUse',
    `it stays for ${links.join(', ')}`,
    'remove it by hand once no link uses it',
  );
}
