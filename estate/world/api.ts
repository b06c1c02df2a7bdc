/**
 * The operations of the world, in the words of those who call them: the SQL side and the Resource Manager side.
 *
 * Conventions: `instance`, `database`, `group` are names, compared without case. Operations on the SQL side throw
 * SqlError / SqlErrors with the real number; operations of the Resource Manager throw ArmRefusal. Checks run before
 * any change: what is refused has changed nothing. Every operation that changes something marks the running entry of
 * the effect journal (see `EffectJournal.run`).
 */
import type { StorageChange, TableStore } from '../sql/storage';
import type {
  AllowConnections,
  AvailabilityGroup,
  AvailabilityMode,
  BackgroundRequest,
  BackupSet,
  Certificate,
  ClusterType,
  CommitResult,
  Database,
  DatabaseOptions,
  DatabaseReplicaStateRow,
  Effect,
  EffectContext,
  EndpointAuthentication,
  FailoverMode,
  GroupListener,
  Instance,
  Link,
  LinkRequest,
  LoggedCommit,
  Login,
  LogStatus,
  ManagedInstanceProperties,
  MirroringEndpoint,
  NetworkPath,
  PhysicalSeedingStats,
  PlatformOperation,
  PlatformOperationKind,
  ReplicaStateRow,
  ReplicationMode,
  ReplicationProgress,
  SeedingMode,
  SeedingOperation,
  ServerTrustCertificate,
  Session,
} from './model';

/** Simulated time. Nothing in the estate reads another clock, and waits nowhere else. */
export interface Clock {
  /** Simulated Unix milliseconds. */
  now(): number;
  /** Simulated milliseconds per real millisecond; may be set at any time in real mode. */
  speed: number;
  readonly mode: 'real' | 'manual';
  /** Runs `fn` once simulated time has reached `simMs`; equal times run in the order of registration. */
  at(simMs: number, fn: () => void): TimerHandle;
  /** As `at`, counted from now. */
  after(simMs: number, fn: () => void): TimerHandle;
  /** Resolves after that much simulated time; rejects with the signal's reason when it aborts first. */
  sleep(simMs: number, signal?: AbortSignal): Promise<void>;
  /** Manual mode: moves time on and runs what falls due, in order; promise reactions run in between. */
  advance(simMs: number): Promise<void>;
  /** Real (monotonic) milliseconds since the clock was made. */
  realMs(): number;
  /** Stops all timers; pending sleeps reject. */
  stop(): void;
}

export interface TimerHandle {
  cancel(): void;
}

/** Seeded: the same seed and the same calls give the same values. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  integer(minimum: number, maximum: number): number;
  bytes(length: number): Uint8Array;
  /** Upper case with hyphens. */
  guid(): string;
}

export interface Instances {
  /** @throws Error when the world has no such instance. */
  get(name: string): Instance;
  find(name: string): Instance | undefined;
  all(): readonly Instance[];
  /** Instance that answers on this host (name, FQDN or address); the port only matters for endpoints. */
  byHost(host: string): Instance | undefined;
  /** Managed instance by ARM names. */
  byResource(subscriptionId: string, resourceGroup: string, name: string): Instance | undefined;
  /** Shuts down at once: sessions end, streams break, seeding starts over later. */
  stop(name: string): void;
  start(name: string): void;
  /** Stop, and start after `downMs` simulated milliseconds (default: the rates' restart time). */
  restart(name: string, downMs?: number): void;
  /** The machine is lost: as stop, but `start` does not bring it back, only `revive`. */
  kill(name: string): void;
  revive(name: string): void;
  /** ARM PATCH of a managed instance: applies what the world knows of it. @throws Error for a SQL Server. */
  updateManaged(
    name: string,
    change: Partial<
      Pick<ManagedInstanceProperties, 'tier' | 'vCores' | 'storageSizeInGB' | 'databaseFormat'>
    >,
  ): void;
  /** DBCC TRACEON/TRACEOFF (n, -1). */
  setTraceFlag(name: string, flag: number, on: boolean): void;
  writeErrorLog(name: string, process: string, text: string): void;
  /** Registers a session; `terminate` is called by KILL, restart and role change. */
  openSession(name: string, session: Omit<Session, 'status' | 'loginTime' | 'openTransactions'>): void;
  updateSession(name: string, spid: number, change: Partial<Omit<Session, 'spid' | 'terminate'>>): void;
  closeSession(name: string, spid: number): void;
  /** KILL spid. @throws SqlError 6106 when there is no such process. */
  killSession(name: string, spid: number): void;
  /** VDI workers of seeding, running backups. */
  backgroundRequests(name: string): readonly BackgroundRequest[];
}

export interface CreateLogin {
  readonly name: string;
  readonly type?: 'sql' | 'entra' | 'windows';
  readonly password?: string;
  /** PASSWORD = 0x... HASHED. */
  readonly passwordHash?: Uint8Array;
  readonly sid?: Uint8Array;
  readonly policyChecked?: boolean;
  readonly expirationChecked?: boolean;
  readonly defaultDatabase?: string;
  readonly defaultLanguage?: string;
}

export interface AlterLogin {
  readonly name?: string;
  readonly password?: string;
  readonly passwordHash?: Uint8Array;
  readonly disabled?: boolean;
  readonly connectDenied?: boolean;
  readonly connectRevoked?: boolean;
  readonly policyChecked?: boolean;
  readonly expirationChecked?: boolean;
  readonly defaultDatabase?: string;
  readonly defaultLanguage?: string;
}

export interface Logins {
  /** True when the login exists and the password fits (disabled or not). */
  checkPassword(instance: string, name: string, password: string): boolean;
  /** The login if it may connect. @throws SqlError 18456 (states 5, 7, 8 as in the error log), 18470 when disabled. */
  authenticate(instance: string, name: string, password: string): Login;
  /** @throws SqlError 15025 when the name is taken, 15433 when the SID is. */
  create(instance: string, login: CreateLogin): Login;
  /** @throws SqlError 15151. */
  alter(instance: string, name: string, change: AlterLogin): Login;
  /** @throws SqlError 15151, 15434 when the login is connected. */
  drop(instance: string, name: string): void;
  /** ALTER SERVER ROLE ... ADD/DROP MEMBER. @throws SqlError 15151. */
  setRole(instance: string, name: string, role: string, member: boolean): void;
  setPermission(instance: string, name: string, permission: string, granted: boolean): void;
}

export interface Certificates {
  /** @throws SqlError 15578 when there is one already. */
  createMasterKey(instance: string): void;
  /** Whoever calls has made sure that no private key is under it. */
  dropMasterKey(instance: string): void;
  /** CREATE CERTIFICATE ... WITH SUBJECT. Dates in ms. @throws SqlError 15581 (no master key), 15232 (name taken). */
  create(
    instance: string,
    certificate: { name: string; subject: string; startDate?: number; expiryDate?: number },
  ): Certificate;
  /** CREATE CERTIFICATE ... FROM BINARY. @throws SqlError 15232 (name), 15297 (same certificate), 15468 (unreadable). */
  createFromBinary(instance: string, name: string, der: Uint8Array): Certificate;
  /** @throws SqlError 15151, 15352 when the endpoint uses it. */
  drop(instance: string, name: string): void;
  byId(instance: string, certificateId: number): Certificate | undefined;
  /** sp_certificate_add_issuer. @throws SqlError 15151; 2812 where the build lacks it. */
  addIssuer(instance: string, certificateId: number, dnsPattern: string): void;
  /** sp_validate_certificate_ca_chain. @throws SqlError when the chain does not hold; 2812 before 2022 CU5. */
  validateChain(instance: string, certificateId: number): void;
  /** sp_get_endpoint_certificate 4 on a managed instance, and the ARM resource. @throws SqlError 47505. */
  endpointCertificate(managedInstance: string): Certificate;
  /** Public roots to import on SQL Server: their DER stands where Microsoft publishes its own. */
  authorities(): { readonly microsoftPki: Uint8Array; readonly digiCertPki: Uint8Array };
  /** ARM PUT serverTrustCertificates. `der` is already decoded. Same blob again is a success without effect. */
  putTrust(managedInstance: string, name: string, der: Uint8Array): ArmOperation<ServerTrustCertificate>;
  deleteTrust(managedInstance: string, name: string): ArmOperation<undefined>;
  /** Fault: the certificate is expired from now on (live sessions stay). */
  expireNow(instance: string, name: string): void;
}

export interface EndpointDefinition {
  readonly name: string;
  readonly state: 'STARTED' | 'STOPPED' | 'DISABLED';
  readonly port: number;
  readonly listenerIp: string;
  readonly role: 'ALL' | 'PARTNER' | 'WITNESS';
  readonly authentication: EndpointAuthentication;
  readonly certificateName?: string;
  readonly encryption: 'REQUIRED' | 'SUPPORTED' | 'DISABLED';
  readonly algorithm: MirroringEndpoint['algorithm'];
}

export interface Endpoints {
  /** @throws SqlError 7862 (there is one of this type), 15151 (certificate), 15581 (no private key/master key). */
  create(instance: string, endpoint: EndpointDefinition): MirroringEndpoint;
  /** Changes reset the connections of the links, except a change of nothing. @throws SqlError 15151. */
  alter(instance: string, name: string, change: Partial<Omit<EndpointDefinition, 'name'>>): MirroringEndpoint;
  /** @throws SqlError 15151. */
  drop(instance: string, name: string): void;
}

export interface CreateDatabase {
  readonly name: string;
  readonly dataBytes?: number;
  readonly logBytes?: number;
  readonly logMaxBytes?: number;
  readonly logGrowthBytes?: number;
  readonly options?: Partial<DatabaseOptions>;
  readonly syntheticLogRate?: number;
}

export interface Databases {
  /** @throws SqlError 911. */
  get(instance: string, database: string): Database;
  find(instance: string, database: string): Database | undefined;
  /** @throws SqlError 1801 when it exists. */
  create(instance: string, database: CreateDatabase): Database;
  /** @throws SqlError 3701 (missing), 3752 (in an AG), 3702 (in use is not simulated). */
  drop(instance: string, database: string): void;
  /** ALTER DATABASE SET. @throws SqlError 911, 1468 (in an AG) for what an AG database refuses. */
  setOptions(instance: string, database: string, options: Partial<DatabaseOptions>): void;
  /** ALTER DATABASE SET OFFLINE / ONLINE. @throws SqlError 1468. */
  setOnline(instance: string, database: string, online: boolean): void;
  /** ALTER DATABASE MODIFY FILE for the log: new size and limit. */
  resizeLog(instance: string, database: string, sizeBytes?: number, maxSizeBytes?: number): void;
  /** RESTORE DATABASE ... WITH RECOVERY of a copy left RESTORING. @throws SqlError 3104 while in an AG. */
  recover(instance: string, database: string): void;
  createUser(instance: string, database: string, user: { name: string; sid: Uint8Array }): void;
  alterUserSid(instance: string, database: string, name: string, sid: Uint8Array): void;
  dropUser(instance: string, database: string, name: string): void;
  setUserRole(instance: string, database: string, name: string, role: string, member: boolean): void;
  /** Stops or changes the synthetic writer (bytes of log per simulated second). */
  setSyntheticLogRate(instance: string, database: string, bytesPerSecond: number): void;
  /** ALTER DATABASE SET HADR SUSPEND / RESUME. @throws SqlError 35238-like. */
  setDataMovement(instance: string, database: string, suspended: boolean): void;

  /** Committed user tables, settled to now. @throws SqlError 911, 927, 942, 976, 983 ... as a reader would get. */
  storeForRead(instance: string, database: string, readOnlyIntent?: boolean): TableStore;
  /** @throws as `storeForRead`, and 3906 (read-only, secondary), 9002 (log full). */
  storeForWrite(instance: string, database: string): TableStore;
  /**
   * Hardens a transaction in the log, waits for synchronous secondaries, then applies it to the primary's store.
   * Rejects, with nothing applied, when the database is lost, changes role or its log is full meanwhile.
   * @param bytes size in the log; undefined = estimated from the changes
   */
  commit(
    instance: string,
    database: string,
    changes: readonly StorageChange[],
    bytes?: number,
    signal?: AbortSignal,
  ): Promise<CommitResult>;
  /** Marks an open transaction that has written: it holds the log (ACTIVE_TRANSACTION). Call the result at its end. */
  beginTransaction(instance: string, database: string): () => void;
  log(instance: string, database: string): LogStatus;
  /** Commits that are in the copy's log and applied, oldest first (bounded history: what truncation has left). */
  commits(instance: string, database: string): readonly LoggedCommit[];
}

export interface BackupRequest {
  readonly device: string;
  readonly name?: string;
  readonly copyOnly?: boolean;
  readonly compression?: boolean;
  readonly userName: string;
  /** Called while it runs, with whole percents (STATS). */
  readonly onPercent?: (percent: number) => void;
}

export interface Backups {
  /** Resolves when it is done. @throws SqlErrors (cause, then 3013): 911, 3201, 3059/3041-like refusals, 4208 ... */
  full(instance: string, database: string, request: BackupRequest, signal?: AbortSignal): Promise<BackupSet>;
  /** @throws SqlErrors 4208 (SIMPLE), 4214 (no full backup yet), 35295-like on a secondary, then 3013. */
  log(instance: string, database: string, request: BackupRequest, signal?: AbortSignal): Promise<BackupSet>;
}

export interface ReplicaDefinition {
  readonly name: string;
  readonly endpointUrl: string;
  readonly availabilityMode: AvailabilityMode;
  readonly failoverMode: FailoverMode;
  readonly seedingMode?: SeedingMode;
  readonly sessionTimeout?: number;
  readonly primaryAllowConnections?: AllowConnections;
  readonly secondaryAllowConnections?: AllowConnections;
  readonly backupPriority?: number;
}

export interface CreateGroup {
  readonly name: string;
  readonly clusterType?: ClusterType;
  readonly basic?: boolean;
  readonly databases: readonly string[];
  readonly replicas: readonly ReplicaDefinition[];
  readonly requiredSynchronizedSecondariesToCommit?: number;
}

/** A member of a distributed group; endpointUrl is its LISTENER_URL. */
export type DistributedMember = ReplicaDefinition;

export interface CreateDistributedGroup {
  readonly name: string;
  readonly members: readonly [DistributedMember, DistributedMember];
}

export type MemberChange = { readonly name: string } & Partial<Omit<ReplicaDefinition, 'name'>>;

export interface Groups {
  get(instance: string, group: string): AvailabilityGroup | undefined;
  /** CREATE AVAILABILITY GROUP. Every refusal of the link's preparation, with its number. */
  create(instance: string, group: CreateGroup): AvailabilityGroup;
  /** ALTER ... JOIN on another replica. @throws SqlErrors 47106, 47101 or 35237, and then 41158 */
  join(instance: string, group: string, clusterType?: ClusterType): AvailabilityGroup;
  /** ALTER ... ADD REPLICA ON / REMOVE REPLICA ON, on the primary (41140). */
  addReplica(instance: string, group: string, replica: ReplicaDefinition): void;
  removeReplica(instance: string, group: string, replica: string): void;
  /** ADD / MODIFY / REMOVE LISTENER, on the primary: all that the group has from then on. */
  setListeners(instance: string, group: string, listeners: readonly GroupListener[]): void;
  /** CREATE AVAILABILITY GROUP ... WITH (DISTRIBUTED). */
  createDistributed(instance: string, group: CreateDistributedGroup): AvailabilityGroup;
  /**
   * ALTER ... JOIN AVAILABILITY GROUP ON (secondary side of a distributed group). Waits a while for the other side.
   * @throws SqlErrors 47106 and 41158 when the other side does not know the group, or cannot be asked
   */
  joinDistributed(
    instance: string,
    group: CreateDistributedGroup,
    signal?: AbortSignal,
  ): Promise<AvailabilityGroup>;
  /** ALTER ... MODIFY REPLICA ON / MODIFY AVAILABILITY GROUP ON. */
  modifyMembers(instance: string, group: string, changes: readonly MemberChange[]): AvailabilityGroup;
  /** ALTER ... ADD DATABASE / REMOVE DATABASE. */
  addDatabase(instance: string, group: string, database: string): void;
  removeDatabase(instance: string, group: string, database: string): void;
  /** GRANT / DENY CREATE ANY DATABASE. */
  setCreateAnyDatabase(instance: string, group: string, granted: boolean): void;
  setRequiredSynchronizedSecondaries(instance: string, group: string, count: number): void;
  /** ALTER ... SET (ROLE = SECONDARY). */
  setRoleSecondary(instance: string, group: string): void;
  /** ALTER ... FAILOVER: resolves when done. Of a link on its primary; of a cluster's group on the replica that takes over. */
  failover(instance: string, group: string, signal?: AbortSignal): Promise<void>;
  /** ALTER ... FORCE_FAILOVER_ALLOW_DATA_LOSS, on the secondary. */
  forceFailover(instance: string, group: string, signal?: AbortSignal): Promise<void>;
  /** DROP AVAILABILITY GROUP. */
  drop(instance: string, group: string): void;
  replicaStates(instance: string): readonly ReplicaStateRow[];
  databaseReplicaStates(instance: string): readonly DatabaseReplicaStateRow[];
  /** sys.fn_hadr_is_primary_replica: undefined (NULL) when the database is in no group. */
  isPrimaryReplica(instance: string, database: string): boolean | undefined;
}

/**
 * A long-running request of the Resource Manager. `operation` changes while the clock runs; `result` reads the
 * resource after success.
 */
export interface ArmOperation<T> {
  readonly operation: PlatformOperation;
  /** False when the request found everything as asked and changed nothing. */
  readonly effective: boolean;
  readonly result: () => T;
}

export interface Links {
  list(managedInstance: string): readonly Link[];
  get(managedInstance: string, name: string): Link | undefined;
  all(): readonly Link[];
  /** ARM PUT. Succeeds once the link is connected: seeding then has only begun. */
  put(managedInstance: string, request: LinkRequest): ArmOperation<Link>;
  /** ARM PATCH replicationMode. */
  update(managedInstance: string, name: string, replicationMode: ReplicationMode): ArmOperation<Link>;
  /** ARM DELETE: also the cutover of one-way links. Of a link that is not there: accepted, without effect. */
  delete(managedInstance: string, name: string): ArmOperation<undefined>;
  /** ARM POST failover. Planned only while the instance is primary. */
  failover(
    managedInstance: string,
    name: string,
    type: 'Planned' | 'ForcedAllowDataLoss',
  ): ArmOperation<Link>;
  /** ARM POST setRole. */
  setRole(
    managedInstance: string,
    name: string,
    instanceRole: 'Primary' | 'Secondary',
    roleChangeType: 'Forced' | 'Planned',
  ): ArmOperation<Link>;
  /** Undefined while nothing has been seeded. */
  replication(managedInstance: string, name: string): ReplicationProgress | undefined;
  /** sys.dm_hadr_automatic_seeding on either side, oldest first. */
  seedingOperations(instance: string): readonly (SeedingOperation & { readonly isSource: boolean })[];
  physicalSeeding(instance: string): readonly PhysicalSeedingStats[];
  /** Fault: the running seeding of a database breaks and starts from zero. False when none runs. */
  breakSeeding(database: string): boolean;
}

export interface Network {
  path(a: string, b: string): NetworkPath;
  setPath(a: string, b: string, change: { bandwidth?: number; latencyMs?: number }): void;
  /** Cuts the path; with `forMs` it heals by itself. */
  disconnect(a: string, b: string, forMs?: number): void;
  reconnect(a: string, b: string): void;
  /** TCP test as `tnc` would answer, through either side's firewall and listener. */
  probe(from: string, toHost: string, port: number): boolean;
}

export interface EffectJournal {
  /**
   * Runs one statement or request as an entry of the journal: `effect` when an operation inside it changed the
   * world, `refused` when it threw before any change, else `no-op`. Follows asynchronous calls.
   */
  run<T>(context: EffectContext, action: () => Promise<T>): Promise<T>;
  /** As `run` for synchronous actions. */
  runSync<T>(context: EffectContext, action: () => T): T;
  /** Marks the running entry as effective; called by the operations of the world. */
  mark(change: string): void;
  all(): readonly Effect[];
  /** Entries that had an effect and whose text matches. */
  effective(pattern?: RegExp): readonly Effect[];
}

export interface Timeline {
  all(): readonly PlatformOperation[];
  start(kind: PlatformOperationKind, target: string): PlatformOperation;
  finish(operation: PlatformOperation, error?: { code: string; message: string }): void;
  get(id: string): PlatformOperation | undefined;
  /** Resolves when the operation has ended, however it ended. */
  settled(id: string): Promise<PlatformOperation>;
  /** Length of the union of all intervals, in ms: the platform's own share of a run. */
  busy(filter?: (operation: PlatformOperation) => boolean): {
    readonly simulatedMs: number;
    readonly realMs: number;
  };
}
