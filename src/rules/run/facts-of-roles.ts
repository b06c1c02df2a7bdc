/** What a plan knows of what stands: what its sites say just now, and whether the versions allow a failover. */
import type { SiteRoles } from '../../model/run/site';
import type { StandingFacts } from '../../model/run/standing';

/**
 * The run may be busy, paused, or in its cool-down; that it alone knows, and nothing of it is assumed.
 * @param cannotFailOver why no failover is possible at all; null where it is, or where nobody can tell
 */
export function factsOfRoles(
  named: Pick<StandingFacts, 'name' | 'thing' | 'sites'>,
  roles: SiteRoles,
  cannotFailOver: string | null,
): StandingFacts {
  const leaders = named.sites.filter(({ id }) => roles[id] === 'PRIMARY');
  const [leader] = leaders;
  const isSplit = leaders.length > 1;
  return {
    ...named,
    activity: 'idle',
    primary: isSplit ? null : (leader?.id ?? null),
    paused: false,
    splitBrain: isSplit ? 'both sides say that they are the primary' : null,
    deletedExternally: null,
    cannotFailOver,
    preempted: false,
    failoverWorkflow: null,
    drill: null,
    forcedTo: null,
    roles,
    toAcknowledge: () => null,
    loss: null,
  };
}
