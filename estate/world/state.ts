/** The world's own, mutable side of the model. Readers get the same objects under their read-only types. */
import type { TableStore } from '../sql/storage';
import type { Clock, Random, Timeline } from './api';
import type { Rates } from './definition';
import type { Journal } from './journal';
import type { TransactionLog } from './log';
import type {
  AvailabilityGroup,
  AvailabilityReplica,
  BackupSet,
  Certificate,
  Database,
  DatabaseUser,
  ErrorLogEntry,
  Instance,
  Login,
  ManagedInstanceProperties,
  NetworkPath,
  ServerTrustCertificate,
  Session,
} from './model';
import type { ReplicationStream } from './stream';

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type MutableLogin = Mutable<Omit<Login, 'roles' | 'permissions'>> & {
  roles: Set<string>;
  permissions: Set<string>;
};

export type MutableGroup = Mutable<Omit<AvailabilityGroup, 'replicas' | 'databases'>> & {
  replicas: Mutable<AvailabilityReplica>[];
  databases: string[];
};

export type MutableManaged = Mutable<
  Omit<ManagedInstanceProperties, 'trustCertificates' | 'tdeThumbprints' | 'endpointCertificate'>
> & {
  trustCertificates: Map<string, ServerTrustCertificate>;
  tdeThumbprints: Set<string>;
  endpointCertificate: Mutable<Certificate>;
};

type Collections =
  | 'traceFlags'
  | 'logins'
  | 'certificates'
  | 'databases'
  | 'groups'
  | 'sessions'
  | 'errorLog'
  | 'backups'
  | 'managed';

export type MutableInstance = Mutable<Omit<Instance, Collections>> & {
  traceFlags: Set<number>;
  logins: Map<string, MutableLogin>;
  certificates: Map<string, Mutable<Certificate>>;
  databases: Map<string, DatabaseCopy>;
  groups: Map<string, MutableGroup>;
  sessions: Map<number, Mutable<Session>>;
  errorLog: ErrorLogEntry[];
  backups: BackupSet[];
  managed?: MutableManaged;
  nextDatabaseId: number;
  nextCertificateId: number;
  nextPrincipalId: number;
};

export type MutableUser = Mutable<Omit<DatabaseUser, 'roles'>> & { roles: Set<string> };

interface WaitingCommit {
  readonly position: number;
  ready: boolean;
  readonly apply: () => void;
}

/** One copy of a database with its log and what replicates from it. */
export class DatabaseCopy implements Mutable<Omit<Database, 'users' | 'lastLogBackupLsn'>> {
  /** Streams that carry this copy's log elsewhere, and the one that fills it. */
  readonly streams = new Set<ReplicationStream>();
  incoming?: ReplicationStream;
  readonly users = new Map<string, MutableUser>();
  state: Database['state'] = 'ONLINE';
  databaseId = 0;
  options: Database['options'];
  files: Database['files'] = [];
  filegroups: Database['filegroups'] = [];
  ownerSid: Uint8Array = Uint8Array.of(1);
  dataBytes = 0;
  familyGuid = '';
  recoveryForkGuid = '';
  groupName?: string;
  groupDatabaseId?: string;
  replicaId?: string;
  dataMovementSuspended = false;
  awaitsFirstFullBackup = false;
  droppedLinkBeforeFirstBackup = false;
  /** Position in the log of the last log backup, once a chain exists. */
  chainFrom?: number;
  /** Changes of role, losses: a commit that began in another epoch is lost. */
  epoch = 0;
  /** A failover is taking it out of the primary role: writes are refused with 983. */
  resolving = false;
  private readonly waiting: WaitingCommit[] = [];

  constructor(
    public instance: string,
    public name: string,
    public createdAt: number,
    options: Database['options'],
    public store: TableStore,
    public log: TransactionLog,
  ) {
    this.options = options;
    this.watchLog();
  }

  get syntheticLogRate(): number {
    return this.log.syntheticSlope * 1000;
  }

  get lastLogBackupLsn(): bigint | undefined {
    return this.chainFrom === undefined ? undefined : this.log.lsn(this.chainFrom);
  }

  replaceLog(log: TransactionLog): void {
    this.log = log;
    this.watchLog();
  }

  /** First segment of the log's curve that a stream still needs. */
  firstNeededSegment(): number {
    let needed = this.log.lastSegmentIndex;
    for (const stream of this.streams) needed = Math.min(needed, stream.cursor);
    return needed;
  }

  /** Commits become visible in log order, even when a later one is acknowledged first. */
  enqueue(position: number, apply: () => void): () => void {
    const entry: WaitingCommit = { position, ready: false, apply };
    this.waiting.push(entry);
    return () => {
      entry.ready = true;
      while (this.waiting[0]?.ready) this.waiting.shift()?.apply();
    };
  }

  /** Everything committed up to here is in the store, nothing after it. */
  visiblePosition(): number {
    const first = this.waiting[0];
    return first ? first.position - 1 : this.log.end;
  }

  private watchLog(): void {
    this.log.retainFrom = () => Math.min(...[...this.streams].map((stream) => stream.redone), Infinity);
  }
}

/** What every part of the world shares. */
export interface WorldState {
  readonly seed: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly timeline: Timeline;
  readonly rates: Rates;
  readonly instances: Map<string, MutableInstance>;
  readonly paths: Map<string, Mutable<NetworkPath>>;
  /** Raised when something happened that may break or heal connections. */
  readonly events: WorldEvents;
}

export interface WorldEvents {
  /** Something changed that may let a waiting connection succeed. */
  changed: () => void;
  instanceDown: (name: string) => void;
  endpointChanged: (instance: string) => void;
  pathChanged: (a: string, b: string) => void;
  groupDropped: (instance: string, group: string) => void;
  databaseChanged: (instance: string, database: string) => void;
}

export const key = (name: string): string => name.toLowerCase();

export function instanceOf(state: WorldState, name: string): MutableInstance {
  const instance = state.instances.get(key(name));
  if (!instance) throw new Error(`the estate has no instance '${name}'`);
  return instance;
}

export function writeErrorLog(
  state: WorldState,
  instance: MutableInstance,
  process: string,
  text: string,
): void {
  instance.errorLog.push({ at: state.clock.now(), process, text });
}
