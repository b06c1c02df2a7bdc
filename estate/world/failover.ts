/**
 * Role changes of a link. Planned: drain, fence, drain to the last byte, swap. Forced: the secondary recovers what it
 * has hardened and becomes primary; what the old primary had beyond that is the loss, which the world knows exactly.
 */
import { endSessions } from './instances';
import { distributedGroup, isSplit, setRole } from './link-groups';
import type { LinkRuntime, LinkTable } from './link-state';
import { TransactionLog } from './log';
import type { PlatformOperation } from './model';
import { groupRefusals, linkRefusals } from './refusals';
import { formatsMatch } from './source-checks';
import {
  type DatabaseCopy,
  instanceOf,
  key,
  type MutableInstance,
  type WorldState,
  writeErrorLog,
} from './state';
import { ReplicationStream } from './stream';

export interface FailoverEvents {
  /** A managed instance has become primary: it will take its own backups. */
  managedBecamePrimary: (instance: MutableInstance, copy: DatabaseCopy) => void;
  slopesFor: (runtime: LinkRuntime) => { send: number; redo: number; latencyMs: number };
}

export class Failover {
  /** A side was set back to the fork: its log and tables are other ones now. */
  afterRewind: (instance: MutableInstance, copy: DatabaseCopy) => void = () => {};

  constructor(
    private readonly state: WorldState,
    private readonly table: LinkTable,
    private readonly events: FailoverEvents,
  ) {}

  /** Why a planned failover is refused now. @throws SqlError 47512, 47513, 47514, 47515, 47516, 47517 */
  check(runtime: LinkRuntime, instance: string): void {
    const { link, stream } = runtime;
    if (distributedGroup(runtime, instanceOf(this.state, instance))?.role !== 'PRIMARY') {
      throw linkRefusals.runOnPrimary(link.name);
    }
    if (runtime.failingOver) throw linkRefusals.failoverRunning(link.name);
    this.refuseBeyondLimit(runtime);
    if (!stream?.running || link.connection.state !== 'CONNECTED')
      throw linkRefusals.notCatchingUp(link.name);
    stream.settle();
    const sendQueue = stream.source.log.end - stream.hardened;
    const redoQueue = stream.hardened - stream.redone;
    const { failoverMaxSendQueue, failoverMaxRedoQueue } = this.state.rates;
    if (sendQueue > failoverMaxSendQueue)
      throw linkRefusals.sendQueue(link.name, Math.ceil(sendQueue / 1024));
    if (redoQueue > failoverMaxRedoQueue)
      throw linkRefusals.redoQueue(link.name, Math.ceil(redoQueue / 1024));
  }

  /** Runs a planned failover that `check` has let through. Goes on even if the client who asked has left. */
  async planned(runtime: LinkRuntime): Promise<void> {
    const { link, stream } = runtime;
    if (!stream) throw linkRefusals.notCatchingUp(link.name);
    const operation = this.state.timeline.start(
      'failover-planned',
      `${link.managedInstance}/${link.databaseName}`,
    );
    const synthetic = stream.source.log.syntheticSlope;
    runtime.failingOver = true;
    link.state = 'LinkFailoverInProgress';
    this.state.journal.mark(`planned failover of link ${link.name} begun`);
    try {
      stream.setMode('SYNCHRONOUS_COMMIT');
      await stream.whenReached('redone', stream.source.log.end);
      this.fence(runtime, stream);
      await stream.whenReached('redone', stream.source.log.end);
      await this.state.clock.sleep(this.duration(runtime));
      this.refuseBroken(runtime, stream);
      this.swap(runtime, stream);
      this.state.timeline.finish(operation);
    } catch (error) {
      this.abort(runtime, stream, synthetic, operation, error);
      throw error;
    } finally {
      runtime.failingOver = false;
    }
    this.state.journal.mark(`planned failover of link ${link.name} done`);
  }

  /** @param instance the secondary that takes over. @throws SqlError 41122, 41985, 47512, 47513, 47514 */
  checkForced(runtime: LinkRuntime, instance: string): void {
    const local = instanceOf(this.state, instance);
    if (distributedGroup(runtime, local)?.role === 'PRIMARY')
      throw groupRefusals.alreadyPrimary(runtime.link.name);
    if (runtime.failingOver) throw linkRefusals.failoverRunning(runtime.link.name);
    this.refuseBeyondLimit(runtime);
    // One-way links have no forced failover: "for migration delete the link" (41985).
    const year = this.table.sqlServer(runtime.link)?.version.year ?? 2022;
    if (year < 2022) throw linkRefusals.forcedUnsupported();
    if (!runtime.stream) throw linkRefusals.notCatchingUp(runtime.link.name);
  }

  /** Of all links of the managed instance, whoever asked for their failovers. */
  private refuseBeyondLimit({ link }: LinkRuntime): void {
    const running = this.table
      .all()
      .filter(
        (other) => other.failingOver && key(other.link.managedInstance) === key(link.managedInstance),
      ).length;
    if (running >= this.state.rates.failoversAtOnce) throw linkRefusals.tooManyFailovers(link.name, running);
  }

  async forced(runtime: LinkRuntime, instance: string): Promise<void> {
    const { link, stream } = runtime;
    if (!stream) throw linkRefusals.notCatchingUp(link.name);
    const operation = this.state.timeline.start(
      'failover-forced',
      `${link.managedInstance}/${link.databaseName}`,
    );
    runtime.failingOver = true;
    link.state = 'LinkFailoverInProgress';
    this.state.journal.mark(`forced failover of link ${link.name} to ${instance} begun`);
    // Replication stops first: what is not hardened by now stays behind.
    stream.setFlowing(false);
    try {
      await this.state.clock.sleep(this.state.rates.forcedFailoverMs);
      this.takeOver(runtime, stream, instanceOf(this.state, instance));
      this.state.timeline.finish(operation);
    } catch (error) {
      this.state.timeline.finish(operation, { code: 'FailoverFailed', message: String(error) });
      throw error;
    } finally {
      runtime.failingOver = false;
    }
  }

  /** SET (ROLE = SECONDARY) on the original primary after a forced failover: it goes back to the fork and follows. */
  rejoin(runtime: LinkRuntime, instance: string): void {
    const local = instanceOf(this.state, instance);
    const copy = this.table.copy(runtime, local);
    const group = distributedGroup(runtime, local);
    if (group?.role === 'SECONDARY') throw groupRefusals.alreadySecondary(runtime.link.name);
    const survivor = this.table.primaryCopy(runtime);
    const { fork } = runtime;
    if (!copy || !fork || !survivor || key(runtime.primary) === key(local.name)) {
      throw linkRefusals.generic(
        runtime.link.name,
        'the role can be set only on the original primary after a forced failover',
      );
    }
    copy.epoch += 1;
    copy.log.setSyntheticSlope(0);
    endSessions(local, (session) => key(session.database) === key(copy.name));
    const log = new TransactionLog(
      survivor.log.format,
      {
        sizeBytes: copy.log.sizeBytes,
        maxSizeBytes: copy.log.maxSizeBytes,
        growthBytes: copy.log.growthBytes,
      },
      this.state.clock.now(),
    );
    log.end = fork.position;
    copy.replaceLog(log);
    copy.store = fork.store.clone();
    this.afterRewind(local, copy);
    setRole(runtime, local, 'SECONDARY');
    this.replicate(runtime, survivor, copy, fork.position);
    survivor.log.holds.delete(fork.hold);
    delete runtime.fork;
    runtime.link.splitBrain = false;
    runtime.link.state = 'LinkSynchronizing';
    runtime.stream?.setFlowing(runtime.link.connection.state === 'CONNECTED');
    this.state.journal.mark(`${local.name} is secondary of link ${runtime.link.name} again`);
  }

  private duration(runtime: LinkRuntime): number {
    const { failoverBusinessCriticalMs, failoverGeneralPurposeMs } = this.state.rates;
    const tier = this.table.managed(runtime.link).managed?.tier;
    return tier === 'BusinessCritical' ? failoverBusinessCriticalMs : failoverGeneralPurposeMs;
  }

  /** No write gets in any more; sessions in the database end, as on any role change. */
  private fence(runtime: LinkRuntime, stream: ReplicationStream): void {
    this.refuseBroken(runtime, stream);
    const { source } = stream;
    source.resolving = true;
    source.epoch += 1;
    source.log.settle(this.state.clock.now());
    source.log.setSyntheticSlope(0);
    stream.settle();
    endSessions(
      instanceOf(this.state, source.instance),
      (session) => key(session.database) === key(source.name),
    );
  }

  private refuseBroken(runtime: LinkRuntime, stream: ReplicationStream): void {
    if (!stream.running || runtime.stream !== stream) {
      throw linkRefusals.generic(
        runtime.link.name,
        'the connection to the secondary was lost during the failover',
      );
    }
  }

  private abort(
    runtime: LinkRuntime,
    stream: ReplicationStream,
    synthetic: number,
    operation: PlatformOperation,
    error: unknown,
  ): void {
    stream.source.resolving = false;
    stream.source.log.settle(this.state.clock.now());
    stream.source.log.setSyntheticSlope(synthetic);
    if (stream.running) stream.setMode('ASYNCHRONOUS_COMMIT');
    if (!runtime.broken) runtime.link.state = 'LinkSynchronizing';
    this.state.timeline.finish(operation, { code: '47504', message: String(error) });
  }

  private swap(runtime: LinkRuntime, stream: ReplicationStream): void {
    const { source, target } = stream;
    const position = source.log.end;
    stream.close();
    source.resolving = false;
    this.becomePrimary(runtime, source, target);
    setRole(runtime, instanceOf(this.state, source.instance), 'SECONDARY');
    this.replicateBack(runtime, target, source, position);
  }

  private takeOver(runtime: LinkRuntime, stream: ReplicationStream, survivor: MutableInstance): void {
    const { source, target } = stream;
    stream.recover();
    if (instanceOf(this.state, source.instance).state === 'running')
      source.log.settle(this.state.clock.now());
    const position = stream.hardened;
    const lost = source.log.commits.filter((commit) => commit.position > position);
    stream.close();
    runtime.link.lastForcedLoss = {
      at: this.state.clock.now(),
      commits: lost.length,
      bytes: Math.max(0, Math.round(source.log.end - position)),
      ...(lost[0] ? { firstLostLsn: lost[0].lsn } : {}),
      survivor: survivor.name,
    };
    this.becomePrimary(runtime, source, target);
    const hold = { reason: 'AVAILABILITY_REPLICA' as const, position: () => position };
    target.log.holds.add(hold);
    runtime.fork = { position, store: target.store.clone(), hold };
    runtime.link.splitBrain = isSplit(this.table, runtime);
    this.state.journal.mark(`forced failover of link ${runtime.link.name} to ${survivor.name} done`);
  }

  private becomePrimary(runtime: LinkRuntime, source: DatabaseCopy, target: DatabaseCopy): void {
    const instance = instanceOf(this.state, target.instance);
    delete runtime.stream;
    runtime.primary = instance.name;
    target.epoch += 1;
    target.recoveryForkGuid = this.state.random.guid();
    target.log.end = Math.ceil(target.log.end);
    target.log.restartCurve(this.state.clock.now());
    target.log.keepsChain = true;
    target.log.backedUpTo = target.log.end;
    target.chainFrom = target.log.end;
    for (const [name, user] of source.users) target.users.set(name, { ...user, roles: new Set(user.roles) });
    setRole(runtime, instance, 'PRIMARY');
    const managedLeads = instance.managed !== undefined;
    runtime.link.instanceLinkRole = managedLeads ? 'Primary' : 'Secondary';
    runtime.link.partnerLinkRole = managedLeads ? 'Secondary' : 'Primary';
    // A planned failover goes synchronous for its time and ends asynchronous, whatever was set (best practices page).
    runtime.link.replicationMode = 'Async';
    setAsynchronous(runtime, this.table);
    runtime.link.state = 'LinkSynchronizing';
    writeErrorLog(
      this.state,
      instance,
      'spid40s',
      `The availability group database "${target.name}" is changing roles from "SECONDARY" to "PRIMARY" (1480).`,
    );
    if (managedLeads) this.events.managedBecamePrimary(instance, target);
  }

  /** Back replication needs equal formats, a two-way link, and SQL Server 2022 CU10 or later (2025). */
  private replicateBack(
    runtime: LinkRuntime,
    source: DatabaseCopy,
    target: DatabaseCopy,
    position: number,
  ): void {
    const server = this.table.sqlServer(runtime.link);
    const managed = this.table.managed(runtime.link).managed;
    const both =
      runtime.link.failoverMode === 'Manual' &&
      server &&
      formatsMatch(managed?.databaseFormat, server.version.year);
    if (both) {
      this.replicate(runtime, source, target, position);
      return;
    }
    runtime.link.connection = {
      ...runtime.link.connection,
      state: 'DISCONNECTED',
      since: this.state.clock.now(),
    };
    runtime.link.mostRecentError = '41988';
    runtime.broken = true;
  }

  private replicate(
    runtime: LinkRuntime,
    source: DatabaseCopy,
    target: DatabaseCopy,
    position: number,
  ): void {
    target.log.receive(position, this.state.clock.now());
    runtime.stream = new ReplicationStream(
      this.state.clock,
      source,
      target,
      position,
      this.events.slopesFor(runtime),
    );
  }
}

function setAsynchronous(runtime: LinkRuntime, table: LinkTable): void {
  for (const side of [table.managed(runtime.link), table.sqlServer(runtime.link)]) {
    for (const member of distributedGroup(runtime, side)?.replicas ?? [])
      member.availabilityMode = 'ASYNCHRONOUS_COMMIT';
  }
}
