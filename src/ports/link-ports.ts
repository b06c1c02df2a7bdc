import type { LinkSite } from '../model/link/side';
import type { ResolvedLink } from '../model/link/spec';
import type { ManagedInstancePort } from './managed-instance';
import type { SqlServerPort } from './sql-server';
import type { SqlServerPorts } from './sql-server-ports';

/** Both ends of a link and its Azure resource. */
export interface LinkPorts extends SqlServerPorts {
  /** `server` and `instance` by their names. */
  readonly sites: Readonly<Record<LinkSite, SqlServerPort>>;
  /** The SQL Server; of an availability group with several replicas always the one that leads it. */
  readonly server: SqlServerPort;
  /** The managed instance over TDS. */
  readonly instance: SqlServerPort;
  /** The managed instance through Azure Resource Manager. */
  readonly azure: ManagedInstancePort;
}

/** Opens (or shares) the ports of a migration; pools and clients are kept by the worker. */
export type OpenLinkPorts = (spec: ResolvedLink) => Promise<LinkPorts>;
