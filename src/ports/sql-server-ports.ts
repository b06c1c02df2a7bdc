import type { SiteId } from '../model/run/site';
import type { SqlServerPort } from './sql-server';

/** What answers T-SQL at each site of a topology. */
export interface SqlServerPorts {
  /** Of an availability group with several replicas always the one that leads it. */
  readonly sites: Readonly<Record<SiteId, SqlServerPort>>;
  /** Only where an availability group has several replicas. */
  readonly group?: GroupPorts;
}

/** The replicas of an availability group. */
export interface GroupPorts {
  /** Each by its name in the inventory, the one that a spec names first. */
  readonly members: ReadonlyMap<string, SqlServerPort>;
  /** Name of the replica that led the group when it was last asked; undefined before that. */
  leader(): string | undefined;
}

/** @throws RangeError for a site that the ports do not know */
export function requireSite({ sites }: Pick<SqlServerPorts, 'sites'>, site: SiteId): SqlServerPort {
  const port = Object.hasOwn(sites, site) ? sites[site] : undefined;
  if (port !== undefined) return port;
  throw new RangeError(
    `there is no site ${JSON.stringify(site)}; known are: ${Object.keys(sites).join(', ')}`,
  );
}

/** @throws RangeError when the ports were opened for another run */
export function requireMember(
  group: { readonly members: GroupPorts['members'] } | undefined,
  name: string,
): SqlServerPort {
  const port = group?.members.get(name);
  if (port === undefined) throw new RangeError(`there is no replica ${name} in the availability group`);
  return port;
}
