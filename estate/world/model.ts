/**
 * What the simulated world holds. Everything here is read-only to its readers: the live objects are handed out, and
 * only the operations of `EstateWorld` change them. Times are simulated Unix milliseconds, sizes are bytes, rates are
 * bytes per simulated second, LSNs are SQL Server's numeric(25,0) kept as bigint. Names compare without case.
 */
import type { SqlError } from '../sql/errors';
import type { StorageChange, TableStore } from '../sql/storage';
import type { AvailabilityGroup } from './model-availability';

export * from './model-availability';

export type Lsn = bigint;

// ---------------------------------------------------------------- instances

export type InstanceKind = 'sql-server' | 'managed-instance';
export type SqlServerYear = 2016 | 2017 | 2019 | 2022 | 2025;

export interface ServerVersion {
  readonly year: SqlServerYear;
  readonly major: number;
  readonly minor: number;
  readonly build: number;
  readonly revision: number;
  /** SERVERPROPERTY('ProductVersion'), for example 16.0.4165.4. */
  readonly productVersion: string;
  /** SERVERPROPERTY('ProductLevel'): RTM, SP3. */
  readonly productLevel: string;
  /** SERVERPROPERTY('ProductUpdateLevel'): CU16, or undefined (NULL). */
  readonly updateLevel?: string;
}

export interface Instance {
  /** Key in the world: the SQL Server's machine name or the managed instance's short name. */
  readonly name: string;
  readonly kind: InstanceKind;
  /** @@SERVERNAME: on a managed instance its full DNS name. */
  readonly serverName: string;
  readonly version: ServerVersion;
  /** SERVERPROPERTY('Edition'). */
  readonly edition: string;
  /** SERVERPROPERTY('EngineEdition'): 2 Standard, 3 Enterprise/Developer, 8 managed instance. */
  readonly engineEdition: number;
  readonly platform: 'windows' | 'linux';
  readonly collation: string;
  readonly hadrEnabled: boolean;
  /** Windows only: a failover cluster exists (2016 needs one for Always On). */
  readonly clustered: boolean;
  /** Host names and addresses under which partners reach it (besides `name` and `serverName`), lower case. */
  readonly addresses: readonly string[];
  readonly state: InstanceState;
  readonly startedAt: number;
  readonly traceFlags: ReadonlySet<number>;
  /** Keys are lower case. */
  readonly logins: ReadonlyMap<string, Login>;
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly masterKey?: MasterKey;
  readonly endpoint?: MirroringEndpoint;
  /** User databases only; system databases are the catalog's. Keys are lower case. */
  readonly databases: ReadonlyMap<string, Database>;
  /** Availability groups and distributed ones that this instance knows. Keys are lower case. */
  readonly groups: ReadonlyMap<string, AvailabilityGroup>;
  readonly sessions: ReadonlyMap<number, Session>;
  readonly errorLog: readonly ErrorLogEntry[];
  /** msdb: backup history, oldest first. */
  readonly backups: readonly BackupSet[];
  /** msdb: SQL Agent jobs are the SQL side's; they live there. */
  readonly managed?: ManagedInstanceProperties;
}

/** stopped: shut down, comes back by `start`; dead: lost until `revive`. */
export type InstanceState = 'running' | 'stopped' | 'dead';

export type DatabaseFormat = 'SQLServer2022' | 'SQLServer2025' | 'AlwaysUpToDate';
export type ServiceTier = 'GeneralPurpose' | 'BusinessCritical';

export interface ManagedInstanceProperties {
  readonly resourceId: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly fullyQualifiedDomainName: string;
  readonly dnsZone: string;
  readonly tier: ServiceTier;
  readonly vCores: number;
  readonly storageSizeInGB: number;
  readonly databaseFormat: DatabaseFormat;
  readonly inFailoverGroup: boolean;
  /** Public keys of SQL Servers uploaded through ARM (serverTrustCertificates), by lower-case name. */
  readonly trustCertificates: ReadonlyMap<string, ServerTrustCertificate>;
  /** TDE certificate thumbprints uploaded (upper-case hex). */
  readonly tdeThumbprints: ReadonlySet<string>;
  readonly endpointCertificate: Certificate;
  /** DNS-like names of the HADR fabric node (sys.dm_hadr_fabric_*); changes after a failover of the instance. */
  readonly fabricNode: string;
  readonly hadrPort: number;
}

export interface ErrorLogEntry {
  readonly at: number;
  readonly process: string;
  readonly text: string;
}

// ---------------------------------------------------------------- security

export interface Login {
  readonly name: string;
  readonly principalId: number;
  readonly sid: Uint8Array;
  readonly type: 'sql' | 'entra' | 'windows';
  /** 0x0200 + salt + SHA-512, as sys.sql_logins.password_hash; undefined for Entra logins. */
  readonly passwordHash?: Uint8Array;
  readonly disabled: boolean;
  readonly connectDenied: boolean;
  /** CONNECT SQL, which every new login has, was revoked: there is neither a grant nor a denial. */
  readonly connectRevoked: boolean;
  readonly policyChecked: boolean;
  readonly expirationChecked: boolean;
  readonly defaultDatabase: string;
  readonly defaultLanguage: string;
  /** Server roles, lower case: sysadmin, securityadmin, dbcreator ..., and user-defined ones. */
  readonly roles: ReadonlySet<string>;
  /** Server permissions granted, upper case: 'VIEW SERVER STATE', 'ALTER ANY AVAILABILITY GROUP' ... */
  readonly permissions: ReadonlySet<string>;
  readonly createdAt: number;
  readonly modifiedAt: number;
}

export interface MasterKey {
  readonly createdAt: number;
  readonly open: boolean;
}

export interface Certificate {
  readonly certificateId: number;
  readonly name: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  /** Public part, X.509 DER: what CERTENCODED returns. */
  readonly der: Uint8Array;
  /** SHA-1 of the DER. */
  readonly thumbprint: Uint8Array;
  readonly startDate: number;
  readonly expiryDate: number;
  /** MK: own, under the master key; NA: only the public key is here. */
  readonly privateKey: 'MK' | 'NA';
  /** DNS patterns trusted through sp_certificate_add_issuer. */
  readonly issuerFor: readonly string[];
}

export interface ServerTrustCertificate {
  readonly name: string;
  readonly der: Uint8Array;
  /** SHA-1, upper-case hex. */
  readonly thumbprint: string;
  readonly expiryDate: number;
  readonly uploadedAt: number;
}

export type EndpointAuthentication =
  | 'CERTIFICATE'
  | 'NEGOTIATE'
  | 'KERBEROS'
  | 'NTLM'
  | 'NTLM, CERTIFICATE'
  | 'KERBEROS, CERTIFICATE'
  | 'NEGOTIATE, CERTIFICATE'
  | 'CERTIFICATE, NTLM'
  | 'CERTIFICATE, KERBEROS'
  | 'CERTIFICATE, NEGOTIATE';

export interface MirroringEndpoint {
  readonly endpointId: number;
  readonly name: string;
  readonly state: 'STARTED' | 'STOPPED' | 'DISABLED';
  readonly port: number;
  readonly listenerIp: string;
  readonly role: 'ALL' | 'PARTNER' | 'WITNESS';
  readonly authentication: EndpointAuthentication;
  readonly encryption: 'REQUIRED' | 'SUPPORTED' | 'DISABLED';
  readonly algorithm: 'AES' | 'RC4' | 'AES RC4' | 'RC4 AES' | 'NONE';
  readonly certificateName?: string;
}

export interface Session {
  readonly spid: number;
  readonly login: string;
  readonly hostName: string;
  readonly applicationName: string;
  readonly database: string;
  readonly loginTime: number;
  readonly openTransactions: number;
  readonly status: 'sleeping' | 'running';
  /** Command and text of the running request, for sys.dm_exec_requests. */
  readonly command?: string;
  readonly text?: string;
  readonly requestStartedAt?: number;
  readonly terminate: () => void;
}

// ---------------------------------------------------------------- databases

export type RecoveryModel = 'FULL' | 'SIMPLE' | 'BULK_LOGGED';
export type DatabaseState =
  | 'ONLINE'
  | 'RESTORING'
  | 'RECOVERING'
  | 'RECOVERY_PENDING'
  | 'SUSPECT'
  | 'EMERGENCY'
  | 'OFFLINE';
export type UserAccess = 'MULTI_USER' | 'SINGLE_USER' | 'RESTRICTED_USER';

export interface DatabaseOptions {
  readonly recoveryModel: RecoveryModel;
  readonly userAccess: UserAccess;
  readonly readOnly: boolean;
  readonly autoClose: boolean;
  readonly compatibilityLevel: number;
  readonly collation: string;
  readonly brokerEnabled: boolean;
  readonly cdcEnabled: boolean;
  readonly published: boolean;
  readonly acceleratedRecovery: boolean;
  /** Filegroup of the persistent version store (41939 when it is not PRIMARY). */
  readonly versionStoreFilegroup: string;
  readonly trustworthy: boolean;
  readonly readCommittedSnapshot: boolean;
  readonly snapshotIsolation: boolean;
  /** Thumbprint (upper-case hex) of the TDE protector; undefined = not encrypted. */
  readonly tdeThumbprint?: string;
  readonly tdeCertificateName?: string;
  /** On a managed instance: whose key protects it. */
  readonly tdeKey?: 'service-managed' | 'customer-managed';
  /** Feature that a managed instance lacks, found at link creation (41952). */
  readonly unsupportedFeature?: string;
}

export interface DatabaseFile {
  readonly fileId: number;
  readonly type: 'ROWS' | 'LOG' | 'FILESTREAM';
  readonly logicalName: string;
  readonly physicalName: string;
  readonly filegroup?: string;
  readonly state: 'ONLINE' | 'DEFUNCT' | 'OFFLINE';
  readonly sizeBytes: number;
  /** undefined = unlimited. */
  readonly maxSizeBytes?: number;
  readonly growthBytes: number;
}

export interface Filegroup {
  readonly dataSpaceId: number;
  readonly name: string;
  /** FG rows, FD FILESTREAM, FX memory-optimized (sys.filegroups.type). */
  readonly type: 'FG' | 'FD' | 'FX';
  readonly isDefault: boolean;
}

export interface DatabaseUser {
  readonly name: string;
  readonly principalId: number;
  readonly sid: Uint8Array;
  readonly roles: ReadonlySet<string>;
}

/** One copy of a database on one instance. */
export interface Database {
  readonly databaseId: number;
  readonly name: string;
  readonly instance: string;
  readonly createdAt: number;
  readonly state: DatabaseState;
  readonly options: DatabaseOptions;
  readonly files: readonly DatabaseFile[];
  readonly filegroups: readonly Filegroup[];
  readonly users: ReadonlyMap<string, DatabaseUser>;
  readonly ownerSid: Uint8Array;
  /** Data size that seeding and full backups move. */
  readonly dataBytes: number;
  /** Lineage: equal on copies of one database. */
  readonly familyGuid: string;
  readonly recoveryForkGuid: string;
  /** Local availability group it belongs to, and ids as in sys.databases. */
  readonly groupName?: string;
  readonly groupDatabaseId?: string;
  readonly replicaId?: string;
  /** sys.database_recovery_status.last_log_backup_lsn; undefined until the log chain has begun (1475). */
  readonly lastLogBackupLsn?: Lsn | undefined;
  readonly dataMovementSuspended: boolean;
  /**
   * Managed instances: the database became primary by failover and Azure's first full backup after it is not finished;
   * dropping the link now is dangerous (the migration page warns of it).
   */
  readonly awaitsFirstFullBackup: boolean;
  /** The link was dropped before that backup was finished: a restart may lose the database. */
  readonly droppedLinkBeforeFirstBackup: boolean;
  /** Bytes of log that the synthetic workload writes per simulated second. */
  readonly syntheticLogRate: number;
  readonly store: TableStore;
}

export type LogReuseWait =
  | 'NOTHING'
  | 'CHECKPOINT'
  | 'LOG_BACKUP'
  | 'ACTIVE_BACKUP_OR_RESTORE'
  | 'ACTIVE_TRANSACTION'
  | 'AVAILABILITY_REPLICA';

/** sys.databases.log_reuse_wait. */
export const LOG_REUSE_WAIT_CODE: Readonly<Record<LogReuseWait, number>> = {
  NOTHING: 0,
  CHECKPOINT: 1,
  LOG_BACKUP: 2,
  ACTIVE_BACKUP_OR_RESTORE: 3,
  ACTIVE_TRANSACTION: 4,
  AVAILABILITY_REPLICA: 9,
};

export interface LogStatus {
  readonly sizeBytes: number;
  readonly maxSizeBytes: number;
  readonly usedBytes: number;
  readonly usedPercent: number;
  readonly bytesSinceLastBackup: number;
  readonly reuseWait: LogReuseWait;
  readonly endOfLogLsn: Lsn;
  /** Oldest LSN that is still in the log. */
  readonly firstLsn: Lsn;
  readonly vlfCount: number;
}

export interface CommitResult {
  readonly lsn: Lsn;
  readonly at: number;
}

// ---------------------------------------------------------------- backups

export type BackupType = 'D' | 'I' | 'L';

export interface BackupSet {
  readonly backupSetId: number;
  readonly databaseName: string;
  readonly serverName: string;
  readonly type: BackupType;
  readonly copyOnly: boolean;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly firstLsn: Lsn;
  readonly lastLsn: Lsn;
  readonly checkpointLsn: Lsn;
  readonly databaseBackupLsn: Lsn;
  readonly backupSizeBytes: number;
  readonly compressedSizeBytes: number;
  readonly device: string;
  readonly name?: string;
  readonly userName: string;
  readonly recoveryModel: RecoveryModel;
  /** Rows that automatic seeding leaves: their device name is a GUID (to be filtered out by readers). */
  readonly isVdi: boolean;
}

// ---------------------------------------------------------------- network

/** The way between two instances, for both directions. */
export interface NetworkPath {
  readonly a: string;
  readonly b: string;
  readonly up: boolean;
  /** Bytes per second that all streams on this path share. */
  readonly bandwidth: number;
  readonly latencyMs: number;
  readonly downUntil?: number;
}

// ---------------------------------------------------------------- operations and journal

export type PlatformOperationKind =
  | 'link-create'
  | 'link-delete'
  | 'link-update'
  | 'link-failover'
  | 'link-set-role'
  | 'trust-certificate-put'
  | 'trust-certificate-delete'
  | 'seeding'
  | 'catch-up'
  | 'failover-planned'
  | 'failover-forced'
  | 'backup-full'
  | 'backup-log'
  | 'automatic-full-backup'
  | 'connect'
  | 'instance-restart';

/** Something that takes the platform's own time. */
export interface PlatformOperation {
  readonly id: string;
  readonly kind: PlatformOperationKind;
  /** What it works on: `mi-west/Sales`, `SQL1/Sales`. */
  readonly target: string;
  readonly status: 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled';
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Real (monotonic) milliseconds since the world was made. */
  readonly startedRealMs: number;
  readonly endedRealMs?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

export type EffectOutcome = 'effect' | 'no-op' | 'refused';

export interface EffectContext {
  readonly surface: 'tsql' | 'arm' | 'control';
  /** Instance on which the statement ran, or the managed instance of the request. */
  readonly instance: string;
  /** Login or caller. */
  readonly actor: string;
  readonly session?: number;
  /** Statement text, or `METHOD path`. */
  readonly text: string;
}

export interface Effect extends EffectContext {
  readonly sequence: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: EffectOutcome;
  /** What changed, in words: `create certificate Cert_SQL1_endpoint`. */
  readonly changes: readonly string[];
  readonly error?: { readonly number?: number; readonly code?: string; readonly message: string };
}

/** A committed transaction in a copy's log. */
export interface LoggedCommit {
  readonly lsn: Lsn;
  readonly at: number;
  readonly changes: readonly StorageChange[];
}

/** A refusal that belongs to Azure Resource Manager. */
export class ArmRefusal extends Error {
  override readonly name = 'ArmRefusal';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export type Refusal = SqlError | ArmRefusal;
