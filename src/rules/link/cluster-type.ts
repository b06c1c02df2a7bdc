import { parseBuild } from '../sql-server/version';

/**
 * SQL Server 2016 knows no CLUSTER_TYPE; later versions need NONE for the link's availability group
 * (link-with-scripts, "Create an availability group on SQL Server").
 * @param productVersion four-part build
 */
export function clusterTypeClause(productVersion: string): 'NONE' | 'omit' {
  return parseBuild(productVersion)?.major === 13 ? 'omit' : 'NONE';
}
