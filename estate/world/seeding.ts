/**
 * Automatic seeding of links: a copy of the data files streams at a shared speed, then a short tail in which the target
 * restores. While it streams, a VDI backup holds the source's log; in the tail nothing does (unless trace flag 12381
 * is on), and a log backup then frees what the target still needs: 1412. Any loss of connection starts it over.
 */
import { copyForSeeding } from './copies';
import type { LinkRuntime, LinkTable, SeedingRun } from './link-state';
import type { BackgroundRequest, PhysicalSeedingStats, SeedingOperation, SeedingState } from './model';
import { pathBetween } from './network';
import {
  type DatabaseCopy,
  key,
  type Mutable,
  type MutableGroup,
  type MutableInstance,
  type WorldState,
  writeErrorLog,
} from './state';
import { ReplicationStream } from './stream';

/** Seedings that one source runs at a time ("up to five concurrent databases"). */
const MAX_CONCURRENT = 5;
/** Time in the first states (inferred: a few seconds each). */
const STATE_MS = 2_000;
const COMPRESS_SEEDING = 9567;
const HOLD_LOG_WHILE_SEEDING = 12381;

export interface SeedingEvents {
  completed: (runtime: LinkRuntime) => void;
  failedForGood: (runtime: LinkRuntime, number: number, text: string) => void;
}

export class Seeding {
  private waiting: LinkRuntime[] = [];

  constructor(
    private readonly state: WorldState,
    private readonly table: LinkTable,
    private readonly events: SeedingEvents,
  ) {}

  /**
   * Begins an attempt; the link is connected.
   * @returns false when the target's group may not create the database
   */
  begin(runtime: LinkRuntime): boolean {
    const { link } = runtime;
    const { from, to } = this.ends(runtime);
    const source = this.table.copy(runtime, from);
    // After a forced failover both copies are complete and apart: nothing is to be seeded.
    if (!from || !to || !source || runtime.seeding || runtime.stream || runtime.broken || runtime.fork)
      return true;
    const mayCreate = to.managed !== undefined || localGroup(runtime, to)?.mayCreateAnyDatabase === true;
    if (!mayCreate && runtime.denied) return false;
    runtime.attempts += 1;
    const row: Mutable<SeedingOperation> = {
      operationId: this.state.random.guid(),
      groupName: link.name,
      groupId: from.groups.get(key(link.name))?.groupId ?? '',
      groupDatabaseId: source.groupDatabaseId ?? '',
      remoteReplicaId: from.managed ? link.partnerReplicaId : link.instanceReplicaId,
      databaseName: link.databaseName,
      source: from.name,
      target: to.name,
      startedAt: this.state.clock.now(),
      state: 'PENDING' as SeedingState,
      performedSeeding: false,
      attempts: runtime.attempts,
    };
    this.table.history.push({ row, instances: [from.name, to.name] });
    runtime.denied = !mayCreate;
    if (!mayCreate) {
      this.deny(runtime, row, to);
      return false;
    }
    const run: SeedingRun = {
      row,
      platform: this.state.timeline.start('seeding', `${link.managedInstance}/${link.databaseName}`),
      startedAt: row.startedAt,
      streaming: false,
      moved: 0,
      movedAt: row.startedAt,
      slope: 0,
    };
    runtime.seeding = run;
    link.seeding = row;
    this.next(run, STATE_MS, () => {
      row.state = 'CHECK_IF_SEEDING_NEEDED';
      this.next(run, STATE_MS, () => {
        row.state = 'LIMIT_CONCURRENT_BACKUPS';
        this.waiting.push(runtime);
        this.admit();
      });
    });
    return true;
  }

  /** The group of the SQL Server lacks CREATE ANY DATABASE: nothing comes until it is granted. */
  private deny(runtime: LinkRuntime, row: Mutable<SeedingOperation>, to: MutableInstance): void {
    const group = runtime.link.partnerAvailabilityGroupName;
    row.state = 'FAILED';
    row.completedAt = this.state.clock.now();
    row.failureState = 202;
    row.failureStateDesc = 'SQL Error';
    // The number of the warning is not in the pages (inferred: no number).
    writeErrorLog(
      this.state,
      to,
      'spid31s',
      `The availability group '${group}' does not have permission to create databases, but has SEEDING_MODE = AUTOMATIC. Use ALTER AVAILABILITY GROUP ... GRANT CREATE ANY DATABASE to allow the creation of databases seeded by the primary.`,
    );
  }

  /** Ends the attempt without success. The target's half-made copy goes with it. */
  fail(runtime: LinkRuntime, failureState: number, description: string, errorCode?: number): void {
    const run = runtime.seeding;
    if (!run) return;
    run.timer?.cancel();
    delete runtime.seeding;
    this.waiting = this.waiting.filter((one) => one !== runtime);
    run.row.state = 'FAILED';
    run.row.completedAt = this.state.clock.now();
    run.row.failureState = failureState;
    run.row.failureStateDesc = description;
    if (errorCode !== undefined) run.row.errorCode = errorCode;
    this.releaseLog(runtime, run);
    this.dropHalfCopy(runtime, run);
    this.state.timeline.finish(run.platform, {
      code: String(errorCode ?? failureState),
      message: description,
    });
    this.rebalance();
    this.admit();
  }

  /**
   * An instance cleans up after itself. On a SQL Server the half copy stays RESTORING in its group, until another
   * attempt of the same link takes its place (inferred).
   */
  private dropHalfCopy(runtime: LinkRuntime, { target }: SeedingRun): void {
    const { to } = this.ends(runtime);
    if (!to || !target || to.databases.get(key(target.name)) !== target) return;
    if (to.managed) to.databases.delete(key(target.name));
    else runtime.halfCopy = target;
  }

  /**
   * A log backup has freed log of a database: the seedings in their tail needed it. One that had begun before the end of
   * a stream frees no log from behind that end (inferred).
   */
  logWasBackedUp(copy: DatabaseCopy, startedAt: number): void {
    for (const runtime of this.table.all()) {
      const run = runtime.seeding;
      if (!run || run.streaming || run.snapshot === undefined || run.hold) continue;
      if (startedAt < run.snapshot.at) continue;
      if (this.table.primaryCopy(runtime) !== copy) continue;
      const text = `The remote copy of database "${copy.name}" has not been rolled forward to a point in time that is encompassed in the local copy of the database log.`;
      writeErrorLog(
        this.state,
        this.table.managed(runtime.link),
        'spid31s',
        `Error: 1412, Severity: 16, State: 211. ${text}`,
      );
      this.fail(runtime, 224, 'Secondary Catchup Timeout', 1412);
      this.events.failedForGood(runtime, 1412, text);
    }
  }

  /** Speeds after something changed: seedings and replication share each path. */
  rebalance(): void {
    for (const runtime of this.table.all()) {
      const share = this.shareOf(runtime);
      if (runtime.seeding?.streaming) this.setSpeed(runtime, runtime.seeding, share);
      runtime.stream?.setSlopes({ send: share, latencyMs: this.pathOf(runtime)?.latencyMs ?? 0 });
    }
  }

  stats(instance: MutableInstance): readonly PhysicalSeedingStats[] {
    return this.table.all().flatMap((runtime) => {
      const run = runtime.seeding;
      const { from, to } = this.ends(runtime);
      const source = this.table.copy(runtime, from);
      if (!run?.target || !source || !from || !to || !this.table.touches(runtime.link, instance.name))
        return [];
      this.move(run, source);
      const isSource = instance === from;
      const left = run.slope > 0 ? (source.dataBytes - run.moved) / run.slope : 0;
      return [
        {
          localSeedingId: run.row.operationId,
          remoteSeedingId: run.row.operationId,
          localDatabaseId: isSource ? source.databaseId : run.target.databaseId,
          localDatabaseName: source.name,
          remoteMachineName: machineName(isSource ? to : from),
          role: isSource ? 'Source' : 'Destination',
          internalState: run.streaming ? 'ReadWriteLoop' : 'WaitingForRestoreToFinish',
          transferRate: run.streaming ? Math.round(run.slope * 1000) : 0,
          transferredBytes: Math.floor(run.moved),
          databaseBytes: source.dataBytes,
          startedAt: run.row.startedAt,
          ...(run.streaming ? { estimatedCompletion: this.state.clock.now() + left } : {}),
          diskWaitMs: 0,
          networkWaitMs: 0,
          failureCode: 0,
          compressed: from.traceFlags.has(COMPRESS_SEEDING),
        } satisfies PhysicalSeedingStats,
      ];
    });
  }

  /** VDI workers on the source, while bytes stream. */
  backgroundRequests(instance: MutableInstance): readonly BackgroundRequest[] {
    return this.table.all().flatMap((runtime, index) => {
      const run = runtime.seeding;
      const source = this.table.copy(runtime, instance);
      if (!run?.streaming || !source || this.ends(runtime).from !== instance) return [];
      this.move(run, source);
      return [
        {
          sessionId: 30 + index,
          command: 'VDI_CLIENT_WORKER',
          databaseId: source.databaseId,
          startedAt: run.startedAt,
          percentComplete: (100 * run.moved) / source.dataBytes,
        },
      ];
    });
  }

  private next(run: SeedingRun, ms: number, act: () => void): void {
    run.timer = this.state.journal.detached(() => this.state.clock.after(ms, act));
  }

  private admit(): void {
    const running = (source: string) =>
      this.table
        .all()
        .filter(({ primary, seeding }) => seeding?.row.state === 'SEEDING' && primary === source).length;
    for (const runtime of [...this.waiting]) {
      if (running(runtime.primary) >= MAX_CONCURRENT) continue;
      this.waiting = this.waiting.filter((one) => one !== runtime);
      this.stream(runtime);
    }
  }

  private stream(runtime: LinkRuntime): void {
    const run = runtime.seeding;
    const { from, to } = this.ends(runtime);
    const source = this.table.copy(runtime, from);
    if (!run || !source || !to) return;
    this.replaceHalfCopy(runtime, to);
    if (to.databases.has(key(source.name))) {
      this.fail(runtime, 223, 'Database With Name Already Exists', 41977);
      this.events.failedForGood(
        runtime,
        41977,
        `Database '${source.name}' already exists on ${to.managed ? 'the managed instance' : to.name}.`,
      );
      return;
    }
    source.log.settle(this.state.clock.now());
    const start = source.log.end;
    run.hold = { reason: 'ACTIVE_BACKUP_OR_RESTORE', position: () => start };
    source.log.holds.add(run.hold);
    run.target = copyForSeeding(this.state, source, to);
    const group = localGroup(runtime, to);
    const replicaId = group?.replicas.find((replica) => replica.isLocal)?.replicaId;
    run.target.groupName = group?.name ?? runtime.link.instanceAvailabilityGroupName;
    if (replicaId !== undefined) run.target.replicaId = replicaId;
    if (source.groupDatabaseId !== undefined) run.target.groupDatabaseId = source.groupDatabaseId;
    if (group && !group.databases.some((name) => key(name) === key(source.name)))
      group.databases.push(source.name);
    to.databases.set(key(source.name), run.target);
    run.row.state = 'SEEDING';
    run.row.performedSeeding = true;
    run.streaming = true;
    run.movedAt = this.state.clock.now();
    this.rebalance();
  }

  private setSpeed(runtime: LinkRuntime, run: SeedingRun, share: number): void {
    const { from } = this.ends(runtime);
    const source = this.table.copy(runtime, from);
    if (!from || !source) return;
    this.move(run, source);
    const onWire = from.traceFlags.has(COMPRESS_SEEDING) ? this.state.rates.seedingCompression : 1;
    run.slope = Math.min(this.state.rates.seedingRate / 1000, share / onWire);
    run.timer?.cancel();
    this.next(run, Math.ceil((source.dataBytes - run.moved) / run.slope), () =>
      this.endOfStream(runtime, run, source),
    );
  }

  /** Never more than there is: the timer that ends the stream is rounded up, and may come late. */
  private move(run: SeedingRun, { dataBytes }: DatabaseCopy): void {
    const now = this.state.clock.now();
    if (run.streaming) run.moved = Math.min(dataBytes, run.moved + run.slope * (now - run.movedAt));
    run.movedAt = now;
  }

  private endOfStream(runtime: LinkRuntime, run: SeedingRun, source: DatabaseCopy): void {
    run.moved = source.dataBytes;
    run.streaming = false;
    source.log.settle(this.state.clock.now());
    run.snapshot = {
      at: this.state.clock.now(),
      position: source.visiblePosition(),
      store: source.store.clone(),
    };
    const { from } = this.ends(runtime);
    // Azure takes the log backups of an instance itself, and keeps the log that its own seeding needs (inferred).
    const isHeld = from?.managed !== undefined || from?.traceFlags.has(HOLD_LOG_WHILE_SEEDING) === true;
    if (!isHeld) this.releaseLog(runtime, run);
    this.rebalance();
    this.next(run, this.state.rates.restoreTailMs, () => this.complete(runtime, run, source));
  }

  private complete(runtime: LinkRuntime, run: SeedingRun, source: DatabaseCopy): void {
    const { target, snapshot } = run;
    if (!target || !snapshot) return;
    target.store = snapshot.store;
    target.log.receive(snapshot.position, this.state.clock.now());
    for (const [name, user] of source.users) target.users.set(name, { ...user, roles: new Set(user.roles) });
    target.options = source.options;
    target.state = 'ONLINE';
    delete runtime.seeding;
    runtime.link.seeded = true;
    runtime.stream = new ReplicationStream(this.state.clock, source, target, snapshot.position, {
      send: this.shareOf(runtime),
      redo: this.state.rates.redoRate / 1000,
      latencyMs: this.pathOf(runtime)?.latencyMs ?? 0,
    });
    this.releaseLog(runtime, run);
    run.row.state = 'COMPLETED';
    run.row.completedAt = this.state.clock.now();
    this.state.timeline.finish(run.platform);
    this.rebalance();
    this.admit();
    this.events.completed(runtime);
  }

  private releaseLog(runtime: LinkRuntime, run: SeedingRun): void {
    if (!run.hold) return;
    const log = this.table.copy(runtime, this.ends(runtime).from)?.log;
    log?.holds.delete(run.hold);
    delete run.hold;
    log?.truncate();
  }

  private replaceHalfCopy(runtime: LinkRuntime, to: MutableInstance): void {
    const { halfCopy } = runtime;
    if (halfCopy && to.databases.get(key(halfCopy.name)) === halfCopy)
      to.databases.delete(key(halfCopy.name));
    delete runtime.halfCopy;
  }

  /** Seeding runs from the side that leads to the one that follows. */
  private ends(runtime: LinkRuntime): {
    readonly from: MutableInstance | undefined;
    readonly to: MutableInstance | undefined;
  } {
    const server = this.table.sqlServer(runtime.link);
    const managed = this.table.managed(runtime.link);
    return key(runtime.primary) === key(managed.name) && server !== managed
      ? { from: managed, to: server }
      : { from: server, to: managed };
  }

  /** Bytes per ms for one of those who share the path: running seedings, and replication as one more of them. */
  private shareOf(runtime: LinkRuntime): number {
    const path = this.pathOf(runtime);
    if (!path) return 1;
    const seedings = this.table
      .all()
      .filter((one) => one.seeding?.streaming && this.pathOf(one) === path).length;
    return path.bandwidth / 1000 / (seedings + (runtime.seeding?.streaming ? 0 : 1));
  }

  private pathOf(runtime: LinkRuntime) {
    const server = this.table.sqlServer(runtime.link);
    return server ? pathBetween(this.state, server.name, runtime.link.managedInstance) : undefined;
  }
}

/** The group below the distributed one, on that side. */
function localGroup({ link }: LinkRuntime, instance: MutableInstance): MutableGroup | undefined {
  const name = instance.managed ? link.instanceAvailabilityGroupName : link.partnerAvailabilityGroupName;
  return instance.groups.get(key(name));
}

const machineName = (instance: MutableInstance): string =>
  instance.managed ? instance.name : instance.serverName;
