/**
 * Facts as they were read, each with the time of reading (promise 3). Field names follow the catalog views and
 * the Azure model; LSNs are decimal strings; unknown enum values are kept as they came (promise 12).
 */
import type { Lsn } from './lsn';

/** ISO 8601 UTC time, by the clock of the worker that read the fact. */
export type ObservedAt = string;

export interface ServerFacts {
  readonly observedAt: ObservedAt;
  /** Time of the server itself when it was read, ISO 8601 UTC. */
  readonly serverTime: string;
  readonly serverName: string;
  /** Four-part build, for example 16.0.4165.4. */
  readonly productVersion: string;
  readonly productLevel: string;
  readonly productUpdateLevel: string | null;
  readonly edition: string;
  /** 2 Standard, 3 Enterprise and Developer, 8 Managed Instance. */
  readonly engineEdition: number;
  /** 'Windows' or 'Linux'; null where sys.dm_os_host_info does not exist (2016). */
  readonly hostPlatform: string | null;
  readonly isHadrEnabled: boolean;
  readonly collation: string;
  readonly isSysadmin: boolean;
  readonly hasMasterKey: boolean;
  /** sys.sp_validate_certificate_ca_chain exists (2022 CU5 and later). */
  readonly canValidateCertificateChain: boolean;
  /** sys.sp_certificate_add_issuer exists: the build knows the link. */
  readonly canTrustCertificateIssuers: boolean;
  readonly traceFlags: readonly number[];
}

export interface DatabaseFacts {
  readonly observedAt: ObservedAt;
  readonly name: string;
  readonly databaseId: number;
  readonly stateDesc: string;
  readonly userAccessDesc: string;
  readonly isReadOnly: boolean;
  readonly isAutoCloseOn: boolean;
  readonly recoveryModelDesc: string;
  readonly compatibilityLevel: number;
  readonly collationName: string | null;
  readonly isBrokerEnabled: boolean;
  readonly isCdcEnabled: boolean;
  readonly isPublished: boolean;
  readonly isEncrypted: boolean;
  /** 'CERTIFICATE' or 'ASYMMETRIC KEY' when encrypted by TDE. */
  readonly tdeEncryptorType: string | null;
  readonly tdeCertificateName: string | null;
  /** Null before 2019. */
  readonly isAcceleratedDatabaseRecoveryOn: boolean | null;
  /** Availability group that the database is in. */
  readonly availabilityGroupName: string | null;
  readonly lastLogBackupLsn: Lsn | null;
  /** Finish time of the newest full backup that is not copy-only, ISO 8601 UTC. */
  readonly lastFullBackupAt: string | null;
  readonly logReuseWaitDesc: string;
  readonly files: readonly DatabaseFileFacts[];
  readonly hasFilestream: boolean;
  readonly hasFileTables: boolean;
  readonly hasMemoryOptimizedFilegroup: boolean;
}

export interface DatabaseFileFacts {
  readonly name: string;
  /** ROWS, LOG, FILESTREAM. */
  readonly typeDesc: string;
  readonly stateDesc: string;
  readonly sizeBytes: number;
}

export interface CertificateFacts {
  readonly name: string;
  readonly certificateId: number;
  readonly subject: string;
  readonly issuerName: string;
  readonly startDate: string;
  readonly expiryDate: string;
  /** Hexadecimal SHA-1 without 0x. */
  readonly thumbprint: string;
  /** 'MK' = private key protected by the master key. */
  readonly privateKeyEncryptionType: string;
}

export interface EndpointFacts {
  readonly name: string;
  readonly stateDesc: string;
  readonly roleDesc: string;
  readonly connectionAuthDesc: string;
  readonly isEncryptionEnabled: boolean;
  readonly encryptionAlgorithmDesc: string;
  readonly certificateName: string | null;
  readonly port: number;
  /** Address that it is bound to; null where it listens on all, absent in facts of older versions. */
  readonly ipAddress?: string | null;
}

export interface AvailabilityGroupFacts {
  readonly name: string;
  readonly isDistributed: boolean;
  /** NONE, WSFC, EXTERNAL; null on 2016. */
  readonly clusterTypeDesc: string | null;
  readonly databases: readonly string[];
  readonly replicas: readonly {
    readonly name: string;
    readonly endpointUrl: string;
    readonly availabilityModeDesc: string;
  }[];
  /** Role of the local side: PRIMARY, SECONDARY, RESOLVING. */
  readonly localRoleDesc: string | null;
}

export interface ManagedInstanceFacts {
  readonly observedAt: ObservedAt;
  readonly resourceId: string;
  readonly name: string;
  readonly location: string;
  readonly fullyQualifiedDomainName: string;
  readonly state: string;
  readonly provisioningState: string;
  /** GeneralPurpose, BusinessCritical. */
  readonly tier: string;
  readonly collation: string;
  /** Update policy: SQLServer2022, SQLServer2025, AlwaysUpToDate; null when Azure does not say. */
  readonly databaseFormat: string | null;
  readonly storageSizeGb: number;
  readonly distributedGroupNames: readonly string[];
  readonly databaseNames: readonly string[];
  readonly isInFailoverGroup: boolean;
}

export interface TrustCertificateFacts {
  readonly name: string;
  /** Hexadecimal SHA-1 without 0x, upper case. */
  readonly thumbprint: string;
}

/** One database of a distributed availability group, seen from the SQL Server, all in one round trip for all groups. */
export interface DistributedReplicaFacts {
  readonly observedAt: ObservedAt;
  readonly serverTime: string;
  readonly groupName: string;
  readonly database: string;
  /** Role of this server in the distributed availability group. */
  readonly localRoleDesc: string;
  readonly connectedStateDesc: string | null;
  readonly lastConnectErrorNumber: number | null;
  readonly lastConnectErrorDescription: string | null;
  /** State of the remote copy: NOT SYNCHRONIZING, SYNCHRONIZING, SYNCHRONIZED ... */
  readonly synchronizationStateDesc: string | null;
  readonly synchronizationHealthDesc: string | null;
  readonly availabilityModeDesc: string | null;
  readonly endOfLogLsn: Lsn | null;
  readonly remoteHardenedLsn: Lsn | null;
  readonly logSendQueueKb: number | null;
  readonly logSendRateKbPerSecond: number | null;
  readonly redoQueueKb: number | null;
  readonly redoRateKbPerSecond: number | null;
  readonly secondaryLagSeconds: number | null;
  readonly isSuspended: boolean;
  readonly suspendReasonDesc: string | null;
  readonly logReuseWaitDesc: string;
  readonly logSizeBytes: number;
  readonly logUsedBytes: number;
  readonly seeding: SeedingFacts | null;
}

export interface SeedingFacts {
  readonly operationId: string;
  /** PENDING, CHECK_IF_SEEDING_NEEDED, LIMIT_CONCURRENT_BACKUPS, SEEDING, COMPLETED, FAILED or newer. */
  readonly currentState: string;
  readonly failureState: number | null;
  readonly failureStateDesc: string | null;
  readonly errorCode: number | null;
  readonly numberOfAttempts: number;
  readonly transferredBytes: number | null;
  readonly databaseBytes: number | null;
  readonly transferRateBytesPerSecond: number | null;
  /** True while the backup stream is read from the database of the SQL Server (VDI_CLIENT_WORKER requests). */
  readonly isStreaming: boolean;
}

/** The copy on the managed instance, read there. */
export interface InstanceDatabaseFacts {
  readonly observedAt: ObservedAt;
  readonly database: string;
  /** ONLINE, RESTORING ...; null when there is no such database. */
  readonly stateDesc: string | null;
  /** READ_WRITE or READ_ONLY; null while it cannot be told. */
  readonly updateability: string | null;
  readonly groupRoleDesc: string | null;
  readonly lastHardenedLsn: Lsn | null;
  readonly lastFullBackupAt: string | null;
}

export interface SessionFacts {
  readonly sessionId: number;
  readonly loginName: string;
  readonly programName: string;
}
