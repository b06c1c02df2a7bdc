import type { Query } from '../../../model/statement';
import { query } from '../../query';
import { readNullableText } from '../../rows';

export interface FollowingCopyRow {
  /** ONLINE, RESTORING ...; null when there is no such database. */
  readonly stateDesc: string | null;
  /** Availability group that it is in. */
  readonly groupName: string | null;
}

/** A database as a side that gets it by seeding shows it. Always one row. */
export const readFollowingCopy = (database: string): Query<FollowingCopyRow> =>
  query(
    'read-following-copy',
    `
SELECT d.state_desc, g.name AS group_name
FROM (SELECT @database AS name) AS wanted
LEFT JOIN sys.databases AS d ON d.name = wanted.name
LEFT JOIN sys.availability_replicas AS r ON r.replica_id = d.replica_id
LEFT JOIN sys.availability_groups AS g ON g.group_id = r.group_id;
`,
    (row) => ({
      stateDesc: readNullableText(row, 'state_desc'),
      groupName: readNullableText(row, 'group_name'),
    }),
    { parameters: { database } },
  );
