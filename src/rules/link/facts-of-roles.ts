/** What a plan knows of a link that stands: what both sides say just now, and what the versions allow. */
import { byWord } from '../../model/by-word';
import type { CutoverRoute } from '../../model/link/facts';
import type { LinkSite } from '../../model/link/procedure';
import { linkSites } from '../../model/link/sites';
import type { StandingFacts } from '../../model/run/standing';

/** PRIMARY, SECONDARY, RESOLVING ...; `none` where there is no such link; null where the side does not answer. */
export type SideRole = string | null;

export const NO_SWAP_OF_ROLES = 'these versions cannot swap the roles of a link; remove it to cut over';

/**
 * The run may be busy, paused, or in its cool-down; that it alone knows, and nothing of it is assumed.
 * @param route null when it cannot be told
 */
export function factsOfRoles(
  settings: Readonly<Record<'name' | LinkSite, string>>,
  roles: Readonly<Record<LinkSite, SideRole>>,
  route: CutoverRoute | null,
): StandingFacts {
  const isLeading = (side: LinkSite): boolean => roles[side] === 'PRIMARY';
  const isSplit = isLeading('server') && isLeading('instance');
  const leads = isLeading('server') ? 'server' : isLeading('instance') ? 'instance' : null;
  return {
    name: settings.name,
    thing: 'link',
    sites: linkSites(settings),
    activity: 'idle',
    primary: isSplit ? null : leads,
    paused: false,
    splitBrain: isSplit ? 'both sides say that they are the primary' : null,
    deletedExternally: null,
    cannotFailOver:
      route === null
        ? null
        : byWord('route', route, { 'planned-failover': null, 'delete-link': NO_SWAP_OF_ROLES }),
    preempted: false,
    drill: null,
    forcedTo: null,
    roles,
    toAcknowledge: () => null,
    loss: null,
  };
}
