import type { AvailabilityGroupFacts } from '../../model/sql-server/observation';
import type { Query } from '../../model/statement';
import { query } from '../query';
import { readBoolean, readNullableInteger, readNullableText, readText } from '../rows';

/** One replica (for a distributed group: one member group) of one group, with one database of that replica. */
export interface AvailabilityGroupRow {
  readonly name: string;
  readonly isDistributed: boolean;
  readonly clusterTypeDesc: string | null;
  readonly localRoleDesc: string | null;
  readonly replica: AvailabilityGroupFacts['replicas'][number] | null;
  readonly database: string | null;
}

/**
 * All availability groups, as rows of group x replica x database; {@link groupAvailabilityGroups} puts them together.
 * cluster_type_desc came with 2017.
 */
export const readAvailabilityGroups = (): Query<AvailabilityGroupRow> =>
  query(
    'read-availability-groups',
    `
DECLARE @cluster_type nvarchar(60) = N'CONVERT(nvarchar(60), NULL)';
IF COL_LENGTH(N'sys.availability_groups', N'cluster_type_desc') IS NOT NULL
    SET @cluster_type = N'g.cluster_type_desc';
DECLARE @text nvarchar(max) = N'
SELECT
    g.name AS group_name, g.is_distributed, ' + @cluster_type + N' AS cluster_type_desc,
    s.role_desc AS local_role_desc,
    r.replica_server_name, r.endpoint_url, r.availability_mode_desc,
    d.name AS database_name
FROM sys.availability_groups AS g
LEFT JOIN sys.dm_hadr_availability_replica_states AS s ON s.group_id = g.group_id AND s.is_local = 1
LEFT JOIN sys.availability_replicas AS r ON r.group_id = g.group_id
LEFT JOIN sys.databases AS d ON d.replica_id = r.replica_id
ORDER BY g.name, r.replica_server_name, d.name;';
EXEC sys.sp_executesql @text;
`,
    (row) => {
      const replica = readNullableText(row, 'replica_server_name');
      return {
        name: readText(row, 'group_name'),
        isDistributed: readBoolean(row, 'is_distributed'),
        clusterTypeDesc: readNullableText(row, 'cluster_type_desc'),
        localRoleDesc: readNullableText(row, 'local_role_desc'),
        replica:
          replica === null
            ? null
            : {
                name: replica,
                endpointUrl: readNullableText(row, 'endpoint_url') ?? '',
                availabilityModeDesc: readNullableText(row, 'availability_mode_desc') ?? '',
              },
        database: readNullableText(row, 'database_name'),
      };
    },
  );

/** @returns one entry per group, replicas and databases in the order of the rows, each once */
export function groupAvailabilityGroups(rows: readonly AvailabilityGroupRow[]): AvailabilityGroupFacts[] {
  const byName = new Map<string, AvailabilityGroupFacts>();
  for (const row of rows) byName.set(row.name, withRow(byName.get(row.name), row));
  return [...byName.values()];
}

function withRow(
  group: AvailabilityGroupFacts | undefined,
  row: AvailabilityGroupRow,
): AvailabilityGroupFacts {
  const { replica, database } = row;
  const replicas = group?.replicas ?? [];
  const databases = group?.databases ?? [];
  const isNewReplica = replica !== null && !replicas.some((known) => known.name === replica.name);
  const isNewDatabase = database !== null && !databases.includes(database);
  return {
    name: row.name,
    isDistributed: row.isDistributed,
    clusterTypeDesc: row.clusterTypeDesc,
    localRoleDesc: row.localRoleDesc,
    replicas: isNewReplica ? [...replicas, replica] : replicas,
    databases: isNewDatabase ? [...databases, database] : databases,
  };
}

/** Whether a server leads an availability group. */
export interface GroupRoleRow {
  /** PRIMARY, SECONDARY, RESOLVING; null while the server cannot tell. */
  readonly roleDesc: string | null;
}

/** Role of this server in a local availability group; no row when it is no replica of it. */
export const readGroupRole = (group: string): Query<GroupRoleRow> =>
  query(
    'read-group-role',
    `
SELECT s.role_desc
FROM sys.availability_groups AS g
LEFT JOIN sys.dm_hadr_availability_replica_states AS s ON s.group_id = g.group_id AND s.is_local = 1
WHERE g.name = @group;
`,
    (row) => ({ roleDesc: readNullableText(row, 'role_desc') }),
    { parameters: { group } },
  );

export interface GroupListenerRow {
  readonly group: string;
  readonly dnsName: string;
  /** Port for clients. */
  readonly port: number | null;
  readonly address: string | null;
}

/** Listeners of all groups of a server: one row for each address. */
export const readGroupListeners = (): Query<GroupListenerRow> =>
  query(
    'read-group-listeners',
    `
SELECT g.name AS group_name, l.dns_name, l.port, i.ip_address
FROM sys.availability_group_listeners AS l
JOIN sys.availability_groups AS g ON g.group_id = l.group_id
LEFT JOIN sys.availability_group_listener_ip_addresses AS i ON i.listener_id = l.listener_id
ORDER BY g.name, l.dns_name, i.ip_address;
`,
    (row) => ({
      group: readText(row, 'group_name'),
      dnsName: readText(row, 'dns_name'),
      port: readNullableInteger(row, 'port'),
      address: readNullableText(row, 'ip_address'),
    }),
  );
