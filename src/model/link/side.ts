/** The two sides of a link: the one place that chooses by them. */
import { byWord } from '../by-word';
import type { Site, SiteId } from '../run/site';

export type LinkSite = 'server' | 'instance';

/** What belongs to a side. @throws RangeError when it is neither of the two */
export const bySite = <Choice>(side: LinkSite, choices: Readonly<Record<LinkSite, Choice>>): Choice =>
  byWord('side of a link', side, choices);

/** The side that is not this one. */
export const otherSite = (side: LinkSite): LinkSite =>
  bySite(side, { server: 'instance', instance: 'server' });

/** In sentences for people. */
export const siteName = (side: LinkSite): string =>
  bySite(side, { server: 'SQL Server', instance: 'instance' });

/** As people type it: `--to`, `--survivor`. */
export const siteOption = (side: LinkSite): string =>
  bySite(side, { server: 'server', instance: 'instance' });

/** A site that a run knows by its id, as a side. @throws RangeError when it is neither of the two */
export const linkSite = (id: SiteId): LinkSite =>
  byWord<string, LinkSite>('side of a link', id, { server: 'server', instance: 'instance' });

const ORDER: readonly LinkSite[] = ['server', 'instance'];

/** Both as sites, for what knows no link. @param names of both in the inventory */
export const linkSites = (names: Readonly<Record<LinkSite, string>>): readonly Site[] =>
  ORDER.map((id) => ({ id, name: names[id], label: siteName(id), option: siteOption(id) }));
