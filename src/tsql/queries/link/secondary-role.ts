import type { Query } from '../../../model/statement';
import { query } from '../../query';
import { readNullableText, readText } from '../../rows';

export interface SecondaryRoleRow {
  readonly serverName: string;
  /** NO, READ_ONLY or ALL; null where the view does not say. */
  readonly connections: string | null;
}

/** Who may read the databases of a group while this server is the secondary; one row, or none without the group. */
export const readSecondaryRole = (group: string): Query<SecondaryRoleRow> =>
  query(
    'read-secondary-role',
    `
SELECT r.replica_server_name AS server_name, r.secondary_role_allow_connections_desc AS connections
FROM sys.availability_groups AS g
JOIN sys.availability_replicas AS r ON r.group_id = g.group_id AND r.replica_server_name = @@SERVERNAME
WHERE g.is_distributed = 0 AND g.name = @group;
`,
    (row) => ({
      serverName: readText(row, 'server_name'),
      connections: readNullableText(row, 'connections'),
    }),
    { parameters: { group } },
  );
