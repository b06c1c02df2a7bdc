/** What the world keeps of each link beside what its readers see. */
import type { TableStore } from '../sql/storage';
import type { TimerHandle } from './api';
import type { LogHold } from './log';
import type { Link, PlatformOperation, SeedingOperation } from './model';
import {
  type DatabaseCopy,
  instanceOf,
  key,
  type Mutable,
  type MutableInstance,
  type WorldState,
} from './state';
import type { ReplicationStream } from './stream';

/** One attempt to seed. */
export interface SeedingRun {
  readonly row: Mutable<SeedingOperation>;
  readonly platform: PlatformOperation;
  readonly startedAt: number;
  target?: DatabaseCopy;
  streaming: boolean;
  /** Data bytes moved, as of `movedAt`, and the current speed in bytes per ms. */
  moved: number;
  movedAt: number;
  slope: number;
  hold?: LogHold;
  /** Set when streaming is over: what the secondary will start from. */
  snapshot?: { readonly at: number; readonly position: number; readonly store: TableStore };
  timer?: TimerHandle;
}

/** Where two primaries parted after a forced failover. */
export interface Fork {
  readonly position: number;
  readonly store: TableStore;
  readonly hold: LogHold;
}

export interface LinkRuntime {
  readonly link: Mutable<Link>;
  /** Instance that the link holds for its primary. */
  primary: string;
  creation?: PlatformOperation;
  initDeadline?: TimerHandle;
  createDeadline?: TimerHandle;
  attempt?: TimerHandle;
  seeding?: SeedingRun;
  attempts: number;
  /** The group of the SQL Server may not create the database. */
  denied?: boolean;
  /** What a broken seeding left on the SQL Server. */
  halfCopy?: DatabaseCopy;
  stream?: ReplicationStream;
  failingOver: boolean;
  /** Broken for good (1412, cancelled): only delete helps. */
  broken: boolean;
  fork?: Fork;
}

export class LinkTable {
  readonly runtimes = new Map<string, LinkRuntime>();
  readonly history: { readonly row: Mutable<SeedingOperation>; readonly instances: readonly string[] }[] = [];

  constructor(private readonly state: WorldState) {}

  static id = (managedInstance: string, name: string): string => `${key(managedInstance)}/${key(name)}`;

  get(managedInstance: string, name: string): LinkRuntime | undefined {
    return this.runtimes.get(LinkTable.id(managedInstance, name));
  }

  all(): LinkRuntime[] {
    return [...this.runtimes.values()];
  }

  /** The link behind a distributed group, seen from either side. */
  ofGroup(instance: string, group: string): LinkRuntime | undefined {
    return this.all().find(({ link }) => key(link.name) === key(group) && this.touches(link, instance));
  }

  touches(link: Link, instance: string): boolean {
    return key(link.managedInstance) === key(instance) || key(link.sqlServer ?? '') === key(instance);
  }

  managed(link: Link): MutableInstance {
    return instanceOf(this.state, link.managedInstance);
  }

  sqlServer(link: Link): MutableInstance | undefined {
    return link.sqlServer === undefined ? undefined : instanceOf(this.state, link.sqlServer);
  }

  /** Other end of the link than the given instance. */
  partner(runtime: LinkRuntime, instance: string): MutableInstance | undefined {
    const { link } = runtime;
    return key(instance) === key(link.managedInstance) ? this.sqlServer(link) : this.managed(link);
  }

  copy(runtime: LinkRuntime, instance: MutableInstance | undefined): DatabaseCopy | undefined {
    return instance?.databases.get(key(runtime.link.databaseName));
  }

  primaryCopy(runtime: LinkRuntime): DatabaseCopy | undefined {
    return this.copy(runtime, instanceOf(this.state, runtime.primary));
  }
}
