import type { ServerFacts } from '../../model/sql-server/observation';
import type { Query } from '../../model/statement';
import { query } from '../query';
import {
  RowShapeError,
  readBoolean,
  readInteger,
  readNullableBoolean,
  readNullableText,
  readText,
  readUtcTime,
} from '../rows';

export type ServerRow = Omit<ServerFacts, 'observedAt' | 'traceFlags'>;

/**
 * Properties of an instance, SQL Server 2016 to 2025 and Managed Instance. sys.dm_os_host_info came with 2017: a
 * statement on a missing view is only resolved when it runs, so the IF keeps it from failing.
 */
export const readServer = (): Query<ServerRow> =>
  query(
    'read-server',
    `
DECLARE @host_platform nvarchar(256);
IF OBJECT_ID(N'sys.dm_os_host_info') IS NOT NULL
    SELECT @host_platform = host_platform FROM sys.dm_os_host_info;
SELECT
    CONVERT(varchar(33), SYSUTCDATETIME(), 126) AS server_time,
    CONVERT(nvarchar(256), @@SERVERNAME) AS server_name,
    CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')) AS product_version,
    CONVERT(nvarchar(128), SERVERPROPERTY('ProductLevel')) AS product_level,
    CONVERT(nvarchar(128), SERVERPROPERTY('ProductUpdateLevel')) AS product_update_level,
    CONVERT(nvarchar(128), SERVERPROPERTY('Edition')) AS edition,
    CONVERT(int, SERVERPROPERTY('EngineEdition')) AS engine_edition,
    @host_platform AS host_platform,
    CONVERT(int, SERVERPROPERTY('IsHadrEnabled')) AS is_hadr_enabled,
    CONVERT(nvarchar(128), SERVERPROPERTY('Collation')) AS collation,
    IS_SRVROLEMEMBER('sysadmin') AS is_sysadmin,
    CASE WHEN EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE symmetric_key_id = 101) THEN 1 ELSE 0 END AS has_master_key,
    CASE WHEN OBJECT_ID(N'sys.sp_validate_certificate_ca_chain') IS NULL THEN 0 ELSE 1 END AS can_validate_certificate_chain,
    CASE WHEN OBJECT_ID(N'sys.sp_certificate_add_issuer') IS NULL THEN 0 ELSE 1 END AS can_trust_certificate_issuers;
`,
    (row) => ({
      serverTime: readUtcTime(row, 'server_time'),
      serverName: readText(row, 'server_name'),
      productVersion: readText(row, 'product_version'),
      productLevel: readText(row, 'product_level'),
      productUpdateLevel: readNullableText(row, 'product_update_level'),
      edition: readText(row, 'edition'),
      engineEdition: readInteger(row, 'engine_edition'),
      hostPlatform: readNullableText(row, 'host_platform'),
      // NULL where the property is not known, as on some managed instances (inferred).
      isHadrEnabled: readNullableBoolean(row, 'is_hadr_enabled') ?? false,
      collation: readText(row, 'collation'),
      isSysadmin: readNullableBoolean(row, 'is_sysadmin') ?? false,
      hasMasterKey: readBoolean(row, 'has_master_key'),
      canValidateCertificateChain: readBoolean(row, 'can_validate_certificate_chain'),
      canTrustCertificateIssuers: readBoolean(row, 'can_trust_certificate_issuers'),
    }),
  );

export interface TraceFlagRow {
  readonly flag: number;
  readonly isOn: boolean;
}

/** Global trace flags; no row when none is on. DBCC cannot be joined, hence a query of its own. */
export const readTraceFlags = (): Query<TraceFlagRow> =>
  query('read-trace-flags', 'DBCC TRACESTATUS (-1) WITH NO_INFOMSGS;', (row) => ({
    flag: readInteger(row, 'TraceFlag'),
    isOn: readBoolean(row, 'Status'),
  }));

export interface LinkModeRow {
  /** Links of this server hold several databases; null where its build knows only links of one. */
  readonly multiDatabase: boolean | null;
}

/**
 * Mode of links: `EXEC sys.sp_multidb_milink` without a parameter answers 1 or 0 (extend page). Whether as a row or as
 * the return value is not documented, nor how the column is named: the first value of the first result set counts. A
 * procedure that is missing is only looked for when it runs, so the IF keeps that from failing.
 */
export const readLinkMode = (): Query<LinkModeRow> =>
  query(
    'read-link-mode',
    `
DECLARE @value int;
IF OBJECT_ID(N'sys.sp_multidb_milink') IS NOT NULL
    EXEC @value = sys.sp_multidb_milink;
SELECT @value AS multi_database;
`,
    (row) => {
      const [value] = Object.values(row);
      if (value === undefined) throw new RowShapeError('(first)', 'the mode of links', value);
      // int or bit
      return { multiDatabase: value === null ? null : Number(value) !== 0 };
    },
  );
