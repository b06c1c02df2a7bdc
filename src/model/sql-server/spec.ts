/** What the steps of any SQL Server read of a spec: a topology gives it with its sites. */
import { type Site, type SiteId, siteOf } from '../run/site';
import type { InstanceObjects } from './instance-objects-spec';

/** What answers T-SQL at a site: not all of them can have everything. */
export type Platform = 'sql-server' | 'managed-instance';

export interface SqlServerSite extends Site {
  readonly platform: Platform;
  /** Login by which sqlferry itself connects; absent where it does so without one of SQL Server. */
  readonly ownLogin?: string;
}

export interface SqlServerSpec {
  readonly sites: readonly SqlServerSite[];
  readonly settings: {
    readonly name: string;
    readonly database: string;
    readonly cutover: { readonly fence: { readonly disableLogins: readonly string[] } };
    readonly logBackups: { readonly directory: string; readonly compression: boolean };
    readonly instanceObjects?: InstanceObjects | undefined;
  };
  /** The distributed availability group that the sites share. */
  readonly names: { readonly distributedGroup: string };
}

/** @throws RangeError for a site that the spec does not know */
export function sqlServerSite({ sites }: Pick<SqlServerSpec, 'sites'>, id: SiteId): SqlServerSite {
  const known = siteOf(sites, id);
  const found = sites.find((site) => site.id === known.id);
  if (found === undefined) throw new RangeError(`there is no site ${known.id}`);
  return found;
}
