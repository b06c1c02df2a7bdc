import type { ResolvedLinkMigration } from '../model/link/spec';
import type { ManagedInstancePort } from './managed-instance';
import type { SqlServerPort } from './sql-server';

/** Both ends of a link and its Azure resource. */
export interface LinkPorts {
  readonly source: SqlServerPort;
  /** The managed instance over TDS. */
  readonly target: SqlServerPort;
  /** The managed instance through Azure Resource Manager. */
  readonly azure: ManagedInstancePort;
}

/** Opens (or shares) the ports of a migration; pools and clients are kept by the worker. */
export type OpenLinkPorts = (spec: ResolvedLinkMigration) => Promise<LinkPorts>;
