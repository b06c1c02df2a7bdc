/** Why a change of a link that stands would be refused, as far as both ends tell it. */
import { byWord } from '../../model/by-word';
import type { CutoverRoute } from '../../model/link/facts';
import type { LinkChange, LinkSite } from '../../model/link/procedure';
import { siteName } from '../../model/side';

/** PRIMARY, SECONDARY, RESOLVING ...; `none` where there is no such link; null where the side does not answer. */
export type SideRole = string | null;

export interface ChangeFacts {
  readonly roles: Readonly<Record<LinkSite, SideRole>>;
  /** Null when it cannot be told. */
  readonly route: CutoverRoute | null;
}

/** @returns one sentence for each reason; none when the change may begin */
export function changeRefusals(change: LinkChange, facts: ChangeFacts): readonly string[] {
  switch (change.kind) {
    case 'failover':
      return [...swapRefusals(change.to, facts), ...silentRefusals(change, facts)];
    case 'drill':
      return [...swapRefusals(change.to, facts), ...silentSides(facts)];
    case 'repair':
      return isSplit(facts) ? [] : [`there is no split brain (${rolesInWords(facts)})`];
    case 'removal':
      return facts.roles.server === 'none' && facts.roles.instance === 'none'
        ? ['neither side has the link any more']
        : [];
  }
}

function swapRefusals(to: LinkSite, facts: ChangeFacts): readonly string[] {
  const { roles, route } = facts;
  const refusals: string[] = [];
  if (isSplit(facts)) refusals.push('both sides say that they are the primary; repair comes first');
  else if (roles[to] === 'PRIMARY') refusals.push(`the ${siteName(to)} is the primary already`);
  if (roles[to] === 'none') refusals.push(`the ${siteName(to)} has no such link`);
  if (route === 'delete-link')
    refusals.push('these versions cannot swap the roles of a link; remove it to cut over');
  return refusals;
}

function silentRefusals(
  { type, to }: Extract<LinkChange, { kind: 'failover' }>,
  facts: ChangeFacts,
): readonly string[] {
  return byWord('type of a failover', type, {
    planned: silentSides(facts),
    forced: facts.roles[to] === null ? [`the ${siteName(to)} does not answer`] : [],
  });
}

/** A planned failover needs both. */
const silentSides = ({ roles }: ChangeFacts): readonly string[] =>
  (['server', 'instance'] as const)
    .filter((side) => roles[side] === null)
    .map((side) => `the ${siteName(side)} does not answer`);

const isSplit = ({ roles }: ChangeFacts): boolean =>
  roles.server === 'PRIMARY' && roles.instance === 'PRIMARY';

const rolesInWords = ({ roles }: ChangeFacts): string =>
  (['server', 'instance'] as const)
    .map((side) => `${siteName(side)}: ${roles[side] ?? 'no answer'}`)
    .join(', ');
