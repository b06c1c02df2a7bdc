/** Logins of an instance with all that makes one, and the users of a database that need them. */
import type { DatabaseUser, LoginKind, ServerPermission } from '../../model/sql-server/instance-objects';
import type { Query } from '../../model/statement';
import { listParameter, query } from '../query';
import {
  type DriverRow,
  RowShapeError,
  readBoolean,
  readNullableBoolean,
  readNullableText,
  readText,
} from '../rows';

export interface InstanceLoginRow {
  readonly name: string;
  readonly sid: string;
  readonly kind: LoginKind;
  readonly isDisabled: boolean;
  readonly defaultDatabase: string;
  readonly defaultLanguage: string | null;
  readonly isPolicyChecked: boolean;
  readonly isExpirationChecked: boolean;
}

/** All logins, without passwords. */
export const readInstanceLogins = (): Query<InstanceLoginRow> =>
  query(
    'read-instance-logins',
    `
SELECT p.name, CONVERT(varchar(172), p.sid, 1) AS sid, p.type, p.is_disabled,
    p.default_database_name, p.default_language_name, l.is_policy_checked, l.is_expiration_checked
FROM sys.server_principals AS p
LEFT JOIN sys.sql_logins AS l ON l.principal_id = p.principal_id
WHERE p.type IN ('S', 'U', 'G', 'E', 'X', 'C', 'K') AND p.sid IS NOT NULL
ORDER BY p.name;
`,
    (row) => ({
      name: readText(row, 'name'),
      sid: readHex(row, 'sid'),
      kind: kindOf(readText(row, 'type')),
      isDisabled: readBoolean(row, 'is_disabled'),
      defaultDatabase: readNullableText(row, 'default_database_name') ?? 'master',
      defaultLanguage: readNullableText(row, 'default_language_name'),
      isPolicyChecked: readNullableBoolean(row, 'is_policy_checked') ?? false,
      isExpirationChecked: readNullableBoolean(row, 'is_expiration_checked') ?? false,
    }),
  );

/** sys.server_principals.type. */
function kindOf(type: string): LoginKind {
  switch (type.trim()) {
    case 'S':
      return 'sql';
    case 'U':
      return 'windows-user';
    case 'G':
      return 'windows-group';
    case 'E':
    case 'X':
      return 'external';
    default:
      return 'other';
  }
}

/**
 * Password hashes. **Secret**: they never leave the activity that reads them.
 * Null for those without CONTROL SERVER (sys.sql_logins, "permissions").
 * @param sids hexadecimal digits without 0x: two servers may spell a name in different ways, and a server that tells cases
 *   apart may have two logins of one name
 */
export function readPasswordHashes(
  sids: readonly string[],
): Query<{ readonly sid: string; readonly hash: string | null }> {
  const list = listParameter(
    'sid',
    sids.map((sid) => `0x${sid.toUpperCase()}`),
  );
  return query(
    'read-password-hashes',
    `
SELECT CONVERT(varchar(172), sid, 1) AS sid, CONVERT(varchar(514), password_hash, 1) AS password_hash
FROM sys.sql_logins
WHERE CONVERT(varchar(172), sid, 1) IN ${list.text}
ORDER BY name;
`,
    (row) => ({
      sid: readHex(row, 'sid'),
      hash: row.password_hash === null ? null : readHex(row, 'password_hash'),
    }),
    { parameters: list.parameters },
  );
}

/** Members of server roles; the role `public` has all logins and is not listed. */
export const readServerRoleMembers = (): Query<{ readonly role: string; readonly member: string }> =>
  query(
    'read-server-role-members',
    `
SELECT r.name AS role_name, m.name AS member_name
FROM sys.server_role_members AS rm
JOIN sys.server_principals AS r ON r.principal_id = rm.role_principal_id
JOIN sys.server_principals AS m ON m.principal_id = rm.member_principal_id
ORDER BY r.name, m.name;
`,
    (row) => ({ role: readText(row, 'role_name'), member: readText(row, 'member_name') }),
  );

/** User-defined server roles. `public` (principal 2) is no fixed role by this column. */
export const readServerRoles = (): Query<{ readonly name: string }> =>
  query(
    'read-server-roles',
    `
SELECT name
FROM sys.server_principals
WHERE type = 'R' AND is_fixed_role = 0 AND principal_id <> 2 AND name NOT LIKE N'##%'
ORDER BY name;
`,
    (row) => ({ name: readText(row, 'name') }),
  );

export interface ServerPermissionRow extends Pick<ServerPermission, 'name' | 'state'> {
  readonly grantee: string;
  /** Null for `sa`, whatever that login is called. */
  readonly grantor: string | null;
}

/** Permissions on the server itself (class 100), to logins and roles: a row for each grantor of the same permission. */
export const readServerPermissions = (): Query<ServerPermissionRow> =>
  query(
    'read-server-permissions',
    `
SELECT g.name AS grantee, p.permission_name, p.state,
    CASE WHEN p.grantor_principal_id = 1 THEN NULL ELSE o.name END AS grantor
FROM sys.server_permissions AS p
JOIN sys.server_principals AS g ON g.principal_id = p.grantee_principal_id
LEFT JOIN sys.server_principals AS o ON o.principal_id = p.grantor_principal_id
WHERE p.class = 100
ORDER BY g.name, p.permission_name, p.grantor_principal_id;
`,
    (row) => ({
      grantee: readText(row, 'grantee'),
      name: readText(row, 'permission_name'),
      state: stateOf(readText(row, 'state')),
      grantor: readNullableText(row, 'grantor'),
    }),
  );

/** sys.server_permissions.state. */
function stateOf(state: string): ServerPermission['state'] {
  switch (state.trim()) {
    case 'D':
      return 'DENY';
    case 'W':
      return 'GRANT_WITH_GRANT_OPTION';
    default:
      return 'GRANT';
  }
}

/**
 * Users of the database whose login is found by SID: of SQL (1), Windows (3) and Entra (4). `dbo` stands for the owner
 * of the database; SID 0x01 is `sa`, whatever that login is called.
 */
export const readDatabaseUsers = (database: string): Query<DatabaseUser> =>
  query(
    'read-database-users',
    `
SELECT name, CONVERT(varchar(172), sid, 1) AS sid
FROM sys.database_principals
WHERE type IN ('S', 'U', 'G', 'E', 'X') AND authentication_type IN (1, 3, 4)
    AND sid IS NOT NULL AND sid <> 0x01
ORDER BY name;
`,
    (row) => ({ name: readText(row, 'name'), sid: readHex(row, 'sid') }),
    { database },
  );

/** Names of all databases: the default database of a login must be one of them (15010). */
export const readDatabaseNames = (): Query<{ readonly name: string }> =>
  query('read-database-names', 'SELECT name FROM sys.databases ORDER BY name;', (row) => ({
    name: readText(row, 'name'),
  }));

/** Style 1 of CONVERT: 0x and digits. @returns the digits, upper case */
function readHex(row: DriverRow, column: string): string {
  const text = readText(row, column);
  if (!/^0x(?:[0-9A-F]{2})+$/i.test(text)) throw new RowShapeError(column, 'a binary value as text', null);
  return text.slice(2).toUpperCase();
}
