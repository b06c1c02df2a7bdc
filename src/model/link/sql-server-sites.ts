/** The two ends of a link, as steps of any SQL Server know them. */

import type { SqlServerSite } from '../sql-server/spec';
import { type LinkSite, siteName, siteOption } from './side';
import type { ResolvedLink } from './spec';

type Ends = Pick<ResolvedLink, 'server' | 'instance'> & {
  readonly settings: Pick<ResolvedLink['settings'], LinkSite>;
};

export const sqlServerSites = (spec: Ends): readonly SqlServerSite[] => [
  { ...end('server', spec), platform: 'sql-server' },
  { ...end('instance', spec), platform: 'managed-instance' },
];

function end(id: LinkSite, spec: Ends): Omit<SqlServerSite, 'platform'> {
  const { authentication } = spec[id];
  const site = { id, name: spec.settings[id], label: siteName(id), option: siteOption(id) };
  return authentication.type === 'sql' ? { ...site, ownLogin: authentication.user } : site;
}
