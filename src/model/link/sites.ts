/** The two sides of a link as sites, for what knows no link. */
import type { Site } from '../run/site';
import type { LinkSite } from './procedure';
import { siteName, siteOption } from './side';

const ORDER: readonly LinkSite[] = ['server', 'instance'];

/** @param names of both in the inventory */
export const linkSites = (names: Readonly<Record<LinkSite, string>>): readonly Site[] =>
  ORDER.map((id) => ({ id, name: names[id], label: siteName(id), option: siteOption(id) }));
