import type { ResolvedLink } from '../model/link/spec';
import type { ManagedInstancePort } from './managed-instance';
import type { SqlServerPort } from './sql-server';

/** Both ends of a link and its Azure resource. */
export interface LinkPorts {
  /** The SQL Server; of an availability group with several replicas always the one that leads it. */
  readonly server: SqlServerPort;
  /** The managed instance over TDS. */
  readonly instance: SqlServerPort;
  /** The managed instance through Azure Resource Manager. */
  readonly azure: ManagedInstancePort;
  /** Only where the availability group has several replicas. */
  readonly group?: GroupPorts;
}

/** The replicas of an availability group. */
export interface GroupPorts {
  /** Each by its name in the inventory, `server` first. */
  readonly members: ReadonlyMap<string, SqlServerPort>;
  /** Name of the replica that led the group when it was last asked; undefined before that. */
  leader(): string | undefined;
}

/** Opens (or shares) the ports of a migration; pools and clients are kept by the worker. */
export type OpenLinkPorts = (spec: ResolvedLink) => Promise<LinkPorts>;
