import type { DatabaseProperties, DatabaseUser, LoginSid } from '../../model/run/failover-facts';
import type { Query } from '../../model/statement';
import { query } from '../query';
import { readNullableBoolean, readNullableInteger, readNullableText, readText } from '../rows';

export type DatabasePropertiesRow = Omit<DatabaseProperties, 'observedAt' | 'on'>;

/**
 * A database as it should be the same before and after a failover. Always one row. The column for accelerated
 * database recovery came with 2019, hence the dynamic text.
 */
export const readDatabaseProperties = (name: string): Query<DatabasePropertiesRow> =>
  query(
    'read-database-properties',
    `
DECLARE @recovery nvarchar(80) = N'CONVERT(int, NULL)';
IF COL_LENGTH(N'sys.databases', N'is_accelerated_database_recovery_on') IS NOT NULL
    SET @recovery = N'CONVERT(int, d.is_accelerated_database_recovery_on)';
DECLARE @text nvarchar(max) = N'
SELECT
    d.state_desc, d.compatibility_level, d.is_broker_enabled,
    CONVERT(nvarchar(60), DATABASEPROPERTYEX(@database, ''Updateability'')) AS updateability,
    SUSER_SNAME(d.owner_sid) AS owner_name, CONVERT(varchar(180), d.owner_sid, 1) AS owner_sid,
    ' + @recovery + N' AS is_accelerated_database_recovery_on
FROM (SELECT @database AS name) AS wanted
LEFT JOIN sys.databases AS d ON d.name = wanted.name;';
EXEC sys.sp_executesql @text, N'@database nvarchar(128)', @database = @database;
`,
    (row) => ({
      stateDesc: readNullableText(row, 'state_desc'),
      updateability: readNullableText(row, 'updateability'),
      compatibilityLevel: readNullableInteger(row, 'compatibility_level'),
      owner: readNullableText(row, 'owner_name'),
      ownerSid: readNullableText(row, 'owner_sid'),
      isBrokerEnabled: readNullableBoolean(row, 'is_broker_enabled'),
      isAcceleratedDatabaseRecoveryOn: readNullableBoolean(row, 'is_accelerated_database_recovery_on'),
    }),
    { parameters: { database: name } },
  );

/**
 * Users that log in by the instance, without the built-in ones (dbo, guest, INFORMATION_SCHEMA, sys: ids 1 to 4),
 * which cannot be given another login (15150). Windows and Entra users are another type: their SIDs cannot be mapped
 * by name.
 * @param database must be readable
 */
export const readInstanceUsers = (database: string): Query<DatabaseUser> =>
  query(
    'read-instance-users',
    `
SELECT name, CONVERT(varchar(180), sid, 1) AS sid
FROM sys.database_principals
WHERE authentication_type_desc = 'INSTANCE' AND sid IS NOT NULL AND principal_id > 4
ORDER BY name;
`,
    (row) => ({ user: readText(row, 'name'), sid: readText(row, 'sid') }),
    { database },
  );

/** SIDs of all SQL logins. Apart from the users: the names of both have collations of their own (error 468). */
export const readLoginSids = (): Query<LoginSid> =>
  query(
    'read-login-sids',
    `
SELECT name, CONVERT(varchar(180), sid, 1) AS sid
FROM sys.server_principals
WHERE type = 'S' AND sid IS NOT NULL
ORDER BY name;
`,
    (row) => ({ login: readText(row, 'name'), sid: readText(row, 'sid') }),
  );
