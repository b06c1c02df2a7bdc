/** Availability groups, links, seeding and replication: what instances and their readers see of them. */
import type { DatabaseState, Lsn } from './model';

export type ReplicaRole = 'PRIMARY' | 'SECONDARY' | 'RESOLVING';
export type AvailabilityMode = 'SYNCHRONOUS_COMMIT' | 'ASYNCHRONOUS_COMMIT';
export type FailoverMode = 'MANUAL' | 'AUTOMATIC' | 'EXTERNAL';
export type SeedingMode = 'AUTOMATIC' | 'MANUAL';
export type ClusterType = 'WSFC' | 'NONE' | 'EXTERNAL';
export type AllowConnections = 'NO' | 'READ_ONLY' | 'ALL' | 'READ_WRITE';
export type ConnectedState = 'CONNECTED' | 'DISCONNECTED';
export type OperationalState =
  | 'PENDING_FAILOVER'
  | 'PENDING'
  | 'ONLINE'
  | 'OFFLINE'
  | 'FAILED'
  | 'FAILED_NO_QUORUM';
export type SynchronizationState =
  | 'NOT SYNCHRONIZING'
  | 'SYNCHRONIZING'
  | 'SYNCHRONIZED'
  | 'REVERTING'
  | 'INITIALIZING';
export type SynchronizationHealth = 'NOT_HEALTHY' | 'PARTIALLY_HEALTHY' | 'HEALTHY';

/** An availability group or a distributed one, as one instance knows it. */
export interface AvailabilityGroup {
  readonly name: string;
  readonly groupId: string;
  readonly distributed: boolean;
  readonly clusterType: ClusterType;
  readonly basic: boolean;
  readonly createdAt: number;
  /** Role of the local replica in this group. */
  readonly role: ReplicaRole;
  /** Members; of a distributed group the member groups (replica_server_name = their names). */
  readonly replicas: readonly AvailabilityReplica[];
  /** Names of the databases of a local group, as given. Empty for a distributed group. */
  readonly databases: readonly string[];
  readonly requiredSynchronizedSecondariesToCommit: number;
  readonly mayCreateAnyDatabase: boolean;
  readonly listeners: readonly GroupListener[];
}

/** A listener of a local group: clients and partners reach the primary through it, whichever replica that is. */
export interface GroupListener {
  readonly listenerId: string;
  readonly dnsName: string;
  /** Port for clients; partners come on the port of the mirroring endpoint. */
  readonly port: number;
  readonly addresses: readonly { readonly ip: string; readonly mask?: string }[];
  readonly dhcp?: boolean;
}

export interface AvailabilityReplica {
  readonly replicaId: string;
  readonly name: string;
  /** ENDPOINT_URL, or LISTENER_URL for the members of a distributed group. */
  readonly endpointUrl: string;
  readonly availabilityMode: AvailabilityMode;
  readonly failoverMode: FailoverMode;
  readonly seedingMode: SeedingMode;
  /** Seconds. */
  readonly sessionTimeout: number;
  readonly primaryAllowConnections: AllowConnections;
  readonly secondaryAllowConnections: AllowConnections;
  readonly backupPriority: number;
  readonly isLocal: boolean;
  readonly createdAt: number;
  readonly modifiedAt: number;
}

/** One row of sys.dm_hadr_availability_replica_states, as seen from one instance. */
export interface ReplicaStateRow {
  readonly groupName: string;
  readonly groupId: string;
  readonly distributed: boolean;
  readonly replicaId: string;
  readonly replicaName: string;
  readonly isLocal: boolean;
  readonly role: ReplicaRole;
  /** Undefined (NULL) for remote rows. */
  readonly operationalState?: OperationalState;
  readonly connectedState: ConnectedState;
  readonly recoveryHealth?: 'ONLINE' | 'ONLINE_IN_PROGRESS';
  readonly synchronizationHealth: SynchronizationHealth;
  readonly lastConnectErrorNumber?: number;
  readonly lastConnectErrorDescription?: string;
  readonly lastConnectErrorTimestamp?: number;
}

/** One row of sys.dm_hadr_database_replica_states, as seen from one instance. Undefined = NULL. */
export interface DatabaseReplicaStateRow {
  readonly databaseId: number;
  readonly databaseName: string;
  readonly groupName: string;
  readonly groupId: string;
  readonly distributed: boolean;
  readonly replicaId: string;
  readonly groupDatabaseId: string;
  readonly isLocal: boolean;
  readonly isPrimaryReplica: boolean;
  readonly synchronizationState: SynchronizationState;
  readonly synchronizationHealth: SynchronizationHealth;
  readonly databaseState?: DatabaseState;
  readonly isCommitParticipant: boolean;
  readonly isSuspended: boolean;
  readonly suspendReason?: string;
  readonly recoveryLsn?: Lsn;
  readonly truncationLsn?: Lsn;
  readonly lastSentLsn?: Lsn;
  readonly lastSentTime?: number;
  readonly lastReceivedLsn?: Lsn;
  readonly lastReceivedTime?: number;
  readonly lastHardenedLsn?: Lsn;
  readonly lastHardenedTime?: number;
  readonly lastRedoneLsn?: Lsn;
  readonly lastRedoneTime?: number;
  readonly logSendQueueBytes?: number;
  readonly logSendRate?: number;
  readonly redoQueueBytes?: number;
  readonly redoRate?: number;
  readonly filestreamSendRate?: number;
  readonly endOfLogLsn?: Lsn;
  readonly lastCommitLsn?: Lsn;
  readonly lastCommitTime?: number;
  readonly lowWaterMarkForGhosts?: bigint;
  readonly secondaryLagSeconds?: number;
}

// ---------------------------------------------------------------- link and seeding

export type LinkRole = 'Primary' | 'Secondary';
export type ReplicationMode = 'Async' | 'Sync';

/** What ARM is asked to create: PUT distributedAvailabilityGroups/{name}, 2023-08-01 model. */
export interface LinkRequest {
  readonly name: string;
  readonly databaseName: string;
  readonly partnerAvailabilityGroupName: string;
  readonly instanceAvailabilityGroupName: string;
  readonly partnerEndpoint: string;
  readonly instanceLinkRole: LinkRole;
  readonly failoverMode: 'None' | 'Manual';
  readonly seedingMode: string;
  readonly replicationMode?: ReplicationMode;
}

/** InitiatingLink, LinkSynchronizing, LinkFailoverInProgress, ... ; the real enum is open. */
export type LinkState =
  | 'CreatingLink'
  | 'InitiatingLink'
  | 'LinkSynchronizing'
  | 'LinkFailoverInProgress'
  | 'LinkInitError'
  | 'LinkSynchronizingError'
  | 'LinkCreationCancelled';

export interface Link {
  readonly id: string;
  readonly name: string;
  readonly managedInstance: string;
  /** World name of the SQL Server behind partnerEndpoint; undefined while nobody answers there. */
  readonly sqlServer?: string;
  readonly databaseName: string;
  readonly partnerAvailabilityGroupName: string;
  readonly instanceAvailabilityGroupName: string;
  readonly partnerEndpoint: string;
  readonly replicationMode: ReplicationMode;
  readonly failoverMode: 'None' | 'Manual';
  readonly seedingMode: 'Automatic';
  readonly instanceLinkRole: LinkRole;
  readonly partnerLinkRole: LinkRole;
  /** Side that led when the link was created: its copy is the one that is seeded from. */
  readonly initialPrimary: 'server' | 'instance';
  readonly state: LinkState;
  readonly connection: LinkConnection;
  readonly createdAt: number;
  /** After this the service cancels a creation whose seeding has not ended: 6 days. */
  readonly createDeadline: number;
  readonly instanceReplicaId: string;
  readonly partnerReplicaId: string;
  /** Number of the most recent error as text, for example '41976'. */
  readonly mostRecentError?: string;
  readonly seeding?: SeedingOperation;
  /** Managed instances cancel what is not done in time, see createDeadline. */
  readonly seeded: boolean;
  /** Both sides are primary after a forced failover while the old primary lived. */
  readonly splitBrain: boolean;
  /** Bytes and commits that the last forced failover left behind on the old primary. */
  readonly lastForcedLoss?: ForcedLoss;
}

export interface LinkConnection {
  readonly state: ConnectedState;
  readonly since: number;
  readonly lastError?: ConnectError;
}

export interface ConnectError {
  readonly number: number;
  readonly description: string;
  readonly at: number;
}

export interface ForcedLoss {
  readonly at: number;
  readonly commits: number;
  readonly bytes: number;
  readonly firstLostLsn?: Lsn;
  readonly survivor: string;
}

export type SeedingState =
  | 'PENDING'
  | 'CHECK_IF_SEEDING_NEEDED'
  | 'LIMIT_CONCURRENT_BACKUPS'
  | 'SEEDING'
  | 'COMPLETED'
  | 'FAILED';

/** One row of sys.dm_hadr_automatic_seeding (an attempt; kept as history). */
export interface SeedingOperation {
  readonly operationId: string;
  readonly groupName: string;
  readonly groupId: string;
  readonly groupDatabaseId: string;
  readonly remoteReplicaId: string;
  readonly databaseName: string;
  readonly source: string;
  readonly target: string;
  readonly startedAt: number;
  readonly completedAt?: number;
  readonly state: SeedingState;
  readonly performedSeeding: boolean;
  readonly failureState?: number;
  readonly failureStateDesc?: string;
  readonly errorCode?: number;
  readonly attempts: number;
}

/** One row of sys.dm_hadr_physical_seeding_stats, settled to now; exists only while bytes stream. */
export interface PhysicalSeedingStats {
  readonly localSeedingId: string;
  readonly remoteSeedingId: string;
  readonly localDatabaseId: number;
  readonly localDatabaseName: string;
  readonly remoteMachineName: string;
  readonly role: 'Source' | 'Destination';
  readonly internalState: string;
  readonly transferRate: number;
  readonly transferredBytes: number;
  readonly databaseBytes: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly estimatedCompletion?: number;
  readonly diskWaitMs: number;
  readonly networkWaitMs: number;
  readonly failureCode: number;
  readonly failureMessage?: string;
  readonly failureAt?: number;
  readonly compressed: boolean;
}

/** Live replication of a link, settled to now. */
export interface ReplicationProgress {
  readonly source: string;
  readonly target: string;
  readonly running: boolean;
  readonly mode: AvailabilityMode;
  readonly endOfLogLsn: Lsn;
  readonly sentLsn: Lsn;
  readonly hardenedLsn: Lsn;
  readonly redoneLsn: Lsn;
  readonly sendQueueBytes: number;
  readonly redoQueueBytes: number;
  readonly sendRate: number;
  readonly redoRate: number;
  readonly lagSeconds: number;
  readonly lastSentTime?: number;
  readonly lastHardenedTime?: number;
  readonly lastRedoneTime?: number;
  readonly lastCommitLsn: Lsn;
  readonly lastCommitTime?: number;
}

/** Requests that run inside the server without a session, for sys.dm_exec_requests. */
export interface BackgroundRequest {
  readonly sessionId: number;
  readonly command: string; // VDI_CLIENT_WORKER, BACKUP LOG ...
  readonly databaseId: number;
  readonly startedAt: number;
  readonly percentComplete: number;
}
