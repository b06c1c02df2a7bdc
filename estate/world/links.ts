/** Links as the Resource Manager knows them, and what drives them: connection, seeding, replication, role changes. */

import type { ArmOperation, Links } from './api';
import { startArm } from './arm';
import type { WorldBackups } from './backups';
import { requireManaged } from './certificates';
import { Connections } from './connections';
import { Failover } from './failover';
import { parseEndpointUrl } from './handshake';
import { checkLinkRequest, sameRequest } from './link-checks';
import { makeLeadingGroups } from './link-from-instance';
import {
  distributedGroup,
  dropManagedGroups,
  isSplit,
  leaveGroup,
  makeManagedGroups,
  setRole,
} from './link-groups';
import { alreadyInRole, asArm, lost } from './link-refusals';
import { type LinkRuntime, LinkTable } from './link-state';
import { ManagedBackups } from './managed-backups';
import {
  ArmRefusal,
  type Link,
  type LinkRequest,
  type PhysicalSeedingStats,
  type PlatformOperation,
  type ReplicationMode,
  type ReplicationProgress,
} from './model';
import { hostOf, pathBetween } from './network';
import { Seeding } from './seeding';
import { sourceProblem } from './source-checks';
import { type DatabaseCopy, instanceOf, key, type WorldState, writeErrorLog } from './state';
import { ReplicationStream } from './stream';

const INIT_LIMIT_MS = 5 * 60_000;
const CREATE_LIMIT_MS = 6 * 86_400_000;
const CONNECTIVITY = 'ManagedInstanceLinkConnectivityIsNotEstablished';

export class WorldLinks implements Links {
  readonly table: LinkTable;
  readonly connections: Connections;
  readonly seeding: Seeding;
  readonly failovers: Failover;
  private readonly managedBackups: ManagedBackups;

  constructor(
    private readonly state: WorldState,
    backups: WorldBackups,
  ) {
    this.table = new LinkTable(state);
    this.managedBackups = new ManagedBackups(state, backups);
    this.connections = new Connections(state, this.table, {
      connected: (runtime) => this.connected(runtime),
      disconnected: (runtime) => this.disconnected(runtime),
    });
    this.seeding = new Seeding(state, this.table, {
      completed: (runtime) => this.seeded(runtime),
      failedForGood: (runtime, number) => this.breakForGood(runtime, number, 'LinkSynchronizingError'),
    });
    this.failovers = new Failover(state, this.table, {
      managedBecamePrimary: (instance, copy) => this.managedBackups.begin(instance, copy, true),
      slopesFor: (runtime) => this.slopesFor(runtime),
    });
    backups.afterLogBackup = (copy, startedAt) => this.seeding.logWasBackedUp(copy, startedAt);
  }

  list(managedInstance: string): readonly Link[] {
    return this.all().filter((link) => key(link.managedInstance) === key(managedInstance));
  }

  get(managedInstance: string, name: string): Link | undefined {
    return this.table.get(managedInstance, name)?.link;
  }

  all(): readonly Link[] {
    return this.table.all().map((runtime) => runtime.link);
  }

  /** Azure backs up the databases that live on its instances from the beginning. */
  backUpInstances(): void {
    for (const instance of this.state.instances.values()) {
      if (!instance.managed) continue;
      for (const copy of instance.databases.values()) {
        if (copy.chainFrom !== undefined) this.managedBackups.continue(instance, copy);
      }
    }
  }

  put(managedInstance: string, request: LinkRequest): ArmOperation<Link> {
    const managed = instanceOf(this.state, managedInstance);
    requireManaged(managed);
    const known = this.table.get(managedInstance, request.name);
    if (known && sameRequest(known.link, request) && !known.broken) {
      return { operation: this.instant('link-create', known), effective: false, result: () => known.link };
    }
    checkLinkRequest(this.state, this.table, managed, request);
    const runtime = this.register(managed.name, request);
    const operation = this.state.timeline.start('link-create', `${managed.name}/${request.databaseName}`);
    runtime.creation = operation;
    runtime.attempt = this.later(this.state.rates.linkCreateMs, () => {
      if (!this.isCurrent(runtime)) return;
      // The instance's own side first: the SQL Server's JOIN asks for it.
      if (runtime.link.initialPrimary === 'instance') makeLeadingGroups(this.state, this.table, runtime);
      this.connections.attempt(runtime);
    });
    runtime.initDeadline = this.later(INIT_LIMIT_MS, () => this.giveUpConnecting(runtime));
    runtime.createDeadline = this.later(CREATE_LIMIT_MS, () => this.cancelCreation(runtime));
    this.state.journal.mark(`create link ${request.name} on ${managed.name}`);
    return { operation, effective: true, result: () => runtime.link };
  }

  update(managedInstance: string, name: string, replicationMode: ReplicationMode): ArmOperation<Link> {
    const runtime = this.require(managedInstance, name);
    const effective = runtime.link.replicationMode !== replicationMode;
    const operation = startArm(this.state, 'link-update', `${managedInstance}/${name}`, 2_000, () => {
      this.setReplicationMode(runtime, replicationMode);
    });
    if (effective) this.state.journal.mark(`replication mode of link ${name} becomes ${replicationMode}`);
    return { operation, effective, result: () => runtime.link };
  }

  delete(managedInstance: string, name: string): ArmOperation<undefined> {
    requireManaged(instanceOf(this.state, managedInstance));
    const runtime = this.table.get(managedInstance, name);
    const target = `${managedInstance}/${runtime?.link.databaseName ?? name}`;
    const operation = startArm(this.state, 'link-delete', target, this.state.rates.linkDeleteMs, () => {
      if (runtime && this.table.get(managedInstance, name) === runtime) this.remove(runtime);
    });
    if (runtime) this.state.journal.mark(`delete link ${name} of ${managedInstance}`);
    return { operation, effective: runtime !== undefined, result: () => undefined };
  }

  failover(
    managedInstance: string,
    name: string,
    type: 'Planned' | 'ForcedAllowDataLoss',
  ): ArmOperation<Link> {
    const runtime = this.require(managedInstance, name);
    const isPrimary = runtime.link.instanceLinkRole === 'Primary';
    if (type === 'Planned' && !isPrimary) {
      throw new ArmRefusal(
        400,
        'InvalidDistributedAvailabilityGroupFailoverInstanceRole',
        'Planned failover can be executed on a link in the primary role only. Current state of the specified link is secondary.',
      );
    }
    return this.changeRole(runtime, type === 'Planned');
  }

  setRole(
    managedInstance: string,
    name: string,
    instanceRole: 'Primary' | 'Secondary',
    roleChangeType: 'Forced' | 'Planned',
  ): ArmOperation<Link> {
    const runtime = this.require(managedInstance, name);
    if (instanceRole === 'Primary' && roleChangeType === 'Planned') {
      throw new ArmRefusal(
        409,
        'DistributedAvailabilityGroupSetRolePrimaryPlannedNotSupported',
        'Planned change of the instance to the primary role is not supported (41970).',
      );
    }
    if (instanceRole === this.ownRole(runtime)) throw alreadyInRole();
    if (instanceRole === 'Primary') return this.changeRole(runtime, false);
    if (roleChangeType === 'Planned') return this.changeRole(runtime, true);
    asArm(() => this.failovers.rejoin(runtime, managedInstance));
    return { operation: this.instant('link-set-role', runtime), effective: true, result: () => runtime.link };
  }

  replication(managedInstance: string, name: string): ReplicationProgress | undefined {
    const stream = this.table.get(managedInstance, name)?.stream;
    if (!stream) return undefined;
    stream.settle();
    const { source, target } = stream;
    const commit = target.log.lastCommit;
    return {
      source: source.instance,
      target: target.instance,
      running: stream.running,
      mode: stream.mode,
      endOfLogLsn: source.log.lsn(),
      sentLsn: source.log.lsn(stream.hardened),
      hardenedLsn: source.log.lsn(stream.hardened),
      redoneLsn: source.log.lsn(stream.redone),
      sendQueueBytes: Math.max(0, Math.round(source.log.end - stream.hardened)),
      redoQueueBytes: Math.max(0, Math.round(stream.hardened - stream.redone)),
      sendRate: stream.sendRate,
      redoRate: stream.maxRedoRate,
      lagSeconds: stream.lagSeconds(),
      lastSentTime: stream.lastHardenedTime,
      lastHardenedTime: stream.lastHardenedTime,
      lastRedoneTime: stream.lastRedoneTime,
      lastCommitLsn: commit?.lsn ?? 0n,
      ...(commit ? { lastCommitTime: commit.at } : {}),
    };
  }

  seedingOperations(instance: string) {
    return this.table.history
      .filter((entry) => entry.instances.some((name) => key(name) === key(instance)))
      .map(({ row }) => ({ ...row, isSource: key(row.source) === key(instance) }));
  }

  physicalSeeding(instance: string): readonly PhysicalSeedingStats[] {
    return this.seeding.stats(instanceOf(this.state, instance));
  }

  breakSeeding(database: string): boolean {
    const running = this.table
      .all()
      .filter(({ link, seeding }) => seeding && key(link.databaseName) === key(database));
    for (const runtime of running) {
      this.seeding.fail(runtime, 106, 'Transport');
      this.later(this.state.rates.reconnectMs, () => this.seedIfConnected(runtime));
      this.state.journal.mark(`seeding of ${database} broken`);
    }
    return running.length > 0;
  }

  // ------------------------------------------------------------ what others report

  instanceDown(name: string): void {
    this.connections.break([name], lost('10054', 'the partner has shut down'));
  }

  endpointChanged(name: string): void {
    this.connections.break([name], lost('10054', 'the database mirroring endpoint was changed'));
  }

  pathChanged(a: string, b: string): void {
    if (!pathBetween(this.state, a, b).up)
      this.connections.break([a, b], lost('10060', 'the network is down'));
    this.seeding.rebalance();
  }

  /** The distributed group or the local one below it is gone from SQL Server. */
  groupDropped(instance: string, group: string): void {
    for (const runtime of this.table.all()) {
      const { link } = runtime;
      if (key(link.sqlServer ?? '') !== key(instance)) continue;
      if (![link.name, link.partnerAvailabilityGroupName].some((name) => key(name) === key(group))) continue;
      this.connections.disconnect(runtime, {
        number: 41976,
        connectNumber: 41976,
        description: 'The availability group was dropped on the partner.',
        armCode: '',
      });
    }
  }

  /** The primary of a local group goes elsewhere: its links lose their connection. */
  groupMoves(instance: string, group: string): void {
    for (const runtime of this.ofLocalGroup(instance, group)) {
      this.connections.disconnect(runtime, lost('10054', 'the availability group fails over'));
    }
  }

  /** Its links go on from the new primary, once it and the instance trust each other. */
  groupMoved(from: string, to: string, group: string): void {
    for (const runtime of this.ofLocalGroup(from, group)) {
      runtime.link.sqlServer = to;
      if (key(runtime.primary) === key(from)) runtime.primary = to;
      const { stream } = runtime;
      if (!stream) continue;
      const moved = (copy: DatabaseCopy): DatabaseCopy =>
        key(copy.instance) === key(from)
          ? (instanceOf(this.state, to).databases.get(key(copy.name)) ?? copy)
          : copy;
      stream.recover();
      const position = stream.hardened;
      stream.close();
      const ends = [moved(stream.source), moved(stream.target)] as const;
      runtime.stream = new ReplicationStream(this.state.clock, ...ends, position, this.slopesFor(runtime));
      this.updateFlow(runtime);
    }
  }

  private ofLocalGroup(instance: string, group: string): LinkRuntime[] {
    return this.table
      .all()
      .filter(
        ({ link }) =>
          key(link.sqlServer ?? '') === key(instance) &&
          key(link.partnerAvailabilityGroupName) === key(group),
      );
  }

  dataMovementChanged(database: string): void {
    for (const runtime of this.table.all()) {
      if (key(runtime.link.databaseName) === key(database)) this.updateFlow(runtime);
    }
  }

  changed(): void {
    for (const runtime of this.table.all())
      runtime.link.splitBrain = runtime.fork !== undefined && isSplit(this.table, runtime);
    for (const runtime of this.table.all()) if (runtime.denied) this.seedIfConnected(runtime);
    this.connections.poke();
  }

  setReplicationMode(runtime: LinkRuntime, mode: ReplicationMode): void {
    runtime.link.replicationMode = mode;
    if (runtime.stream?.running)
      runtime.stream.setMode(mode === 'Sync' ? 'SYNCHRONOUS_COMMIT' : 'ASYNCHRONOUS_COMMIT');
  }

  // ------------------------------------------------------------ the course of a link

  private register(managedInstance: string, request: LinkRequest): LinkRuntime {
    const now = this.state.clock.now();
    const address = parseEndpointUrl(request.partnerEndpoint);
    const server = address ? hostOf(this.state, address.host) : undefined;
    const distributed = server?.groups.get(key(request.name));
    const leads = request.instanceLinkRole === 'Primary';
    const memberId = (name: string) =>
      distributed?.replicas.find((member) => key(member.name) === key(name))?.replicaId ??
      this.state.random.guid();
    const runtime: LinkRuntime = {
      link: {
        id: distributed?.groupId ?? this.state.random.guid(),
        name: request.name,
        managedInstance,
        ...(server && !server.managed ? { sqlServer: server.name } : {}),
        databaseName: request.databaseName,
        partnerAvailabilityGroupName: request.partnerAvailabilityGroupName,
        instanceAvailabilityGroupName: request.instanceAvailabilityGroupName,
        partnerEndpoint: request.partnerEndpoint,
        // The mode is ignored on create: a link begins asynchronous.
        replicationMode: 'Async',
        failoverMode: request.failoverMode,
        seedingMode: 'Automatic',
        instanceLinkRole: leads ? 'Primary' : 'Secondary',
        partnerLinkRole: leads ? 'Secondary' : 'Primary',
        initialPrimary: leads ? 'instance' : 'server',
        state: 'CreatingLink',
        connection: { state: 'DISCONNECTED', since: now },
        createdAt: now,
        createDeadline: now + CREATE_LIMIT_MS,
        instanceReplicaId: memberId(request.instanceAvailabilityGroupName),
        partnerReplicaId: memberId(request.partnerAvailabilityGroupName),
        seeded: false,
        splitBrain: false,
      },
      primary: leads ? managedInstance : (server?.name ?? managedInstance),
      attempts: 0,
      failingOver: false,
      broken: false,
    };
    this.table.runtimes.set(LinkTable.id(managedInstance, request.name), runtime);
    return runtime;
  }

  private connected(runtime: LinkRuntime): void {
    const server = this.table.sqlServer(runtime.link);
    const fromInstance = runtime.link.initialPrimary === 'instance';
    const source = this.table.copy(runtime, server);
    if (fromInstance && !runtime.link.seeded) {
      runtime.link.state = 'InitiatingLink';
      delete runtime.link.mostRecentError;
    } else if (server && source && !runtime.link.seeded) {
      const problem = sourceProblem(server, this.table.managed(runtime.link), source);
      if (problem) {
        this.failCreation(runtime, problem.number, problem.code, problem.message);
        return;
      }
      makeManagedGroups(this.state, this.table, runtime);
      runtime.link.state = 'InitiatingLink';
      delete runtime.link.mostRecentError;
    } else if (!runtime.broken) {
      runtime.link.state = 'LinkSynchronizing';
    }
    // Recorded of links from an instance: when their operation succeeds, the databases synchronize already.
    if (!fromInstance) this.endCreation(runtime);
    this.updateFlow(runtime);
    this.beginSeeding(runtime);
  }

  /** Only then has the link begun: without the right to create the database it is given up like a silent one. */
  private beginSeeding(runtime: LinkRuntime): void {
    if (this.seeding.begin(runtime)) runtime.initDeadline?.cancel();
  }

  private endCreation(runtime: LinkRuntime): void {
    if (runtime.creation) this.state.timeline.finish(runtime.creation);
    delete runtime.creation;
  }

  private disconnected(runtime: LinkRuntime): void {
    this.updateFlow(runtime);
    this.seeding.fail(runtime, 106, 'Transport');
  }

  private updateFlow(runtime: LinkRuntime): void {
    const { stream, link } = runtime;
    if (!stream) return;
    const suspended = stream.source.dataMovementSuspended || stream.target.dataMovementSuspended;
    stream.setFlowing(link.connection.state === 'CONNECTED' && !suspended && runtime.fork === undefined);
    if (stream.running && link.replicationMode === 'Sync') stream.setMode('SYNCHRONOUS_COMMIT');
  }

  private seedIfConnected(runtime: LinkRuntime): void {
    if (runtime.link.connection.state === 'CONNECTED' && this.isCurrent(runtime)) this.beginSeeding(runtime);
  }

  private seeded(runtime: LinkRuntime): void {
    const { link, stream } = runtime;
    runtime.createDeadline?.cancel();
    link.state = 'LinkSynchronizing';
    this.endCreation(runtime);
    this.updateFlow(runtime);
    if (!stream) return;
    const catchUp = this.state.timeline.start('catch-up', `${link.managedInstance}/${link.databaseName}`);
    void stream.whenReached('redone', stream.source.log.end).then(() => this.state.timeline.finish(catchUp));
    this.state.journal.detached(() => this.state.events.changed());
  }

  private giveUpConnecting(runtime: LinkRuntime): void {
    if (!this.isCurrent(runtime) || runtime.link.seeded) return;
    if (runtime.denied) {
      const group = runtime.link.partnerAvailabilityGroupName;
      this.failCreation(
        runtime,
        41962,
        CONNECTIVITY,
        `Link creation was aborted: replication did not start within 5 minutes. The availability group '${group}' on SQL Server may not create databases.`,
      );
    }
    if (runtime.link.connection.state === 'CONNECTED') return;
    const problem = this.connections.attempt(runtime);
    if (!problem) return;
    // A SQL Server that did not join is one that did not connect, whatever else it has.
    const isSilent =
      problem.armCode === CONNECTIVITY ||
      (runtime.link.initialPrimary === 'instance' && problem.number === 41976);
    const known = isSilent ? 41962 : problem.number;
    const message =
      known === 41962
        ? `Link creation was aborted: replication did not start within 5 minutes. Last error ${problem.number}: ${problem.description}`
        : problem.description;
    this.failCreation(runtime, known, isSilent ? CONNECTIVITY : problem.armCode, message);
  }

  private failCreation(runtime: LinkRuntime, number: number, code: string, message: string): void {
    this.breakForGood(runtime, number, 'LinkInitError');
    // A database that led is as it was before, on its own.
    if (runtime.link.initialPrimary === 'instance') dropManagedGroups(this.table, runtime);
    runtime.initDeadline?.cancel();
    runtime.createDeadline?.cancel();
    runtime.link.connection = {
      ...runtime.link.connection,
      state: 'DISCONNECTED',
      since: this.state.clock.now(),
    };
    if (runtime.creation) this.state.timeline.finish(runtime.creation, { code, message });
    delete runtime.creation;
  }

  /** The service cancels a creation whose seeding has not ended after 6 days (troubleshooting page). */
  private cancelCreation(runtime: LinkRuntime): void {
    if (!this.isCurrent(runtime) || runtime.link.seeded) return;
    this.seeding.fail(runtime, 101, 'User Cancellation');
    dropManagedGroups(this.table, runtime);
    if (runtime.creation)
      this.state.timeline.finish(runtime.creation, {
        code: 'OperationCancelled',
        message: 'Initial seeding did not finish within 6 days.',
      });
    delete runtime.creation;
    this.breakForGood(runtime, 41962, 'LinkCreationCancelled');
    runtime.link.connection = {
      ...runtime.link.connection,
      state: 'DISCONNECTED',
      since: this.state.clock.now(),
    };
    writeErrorLog(
      this.state,
      this.table.managed(runtime.link),
      'spid31s',
      `Link '${runtime.link.name}' was cancelled: initial seeding did not finish within 6 days.`,
    );
  }

  private breakForGood(runtime: LinkRuntime, number: number, state: Link['state']): void {
    runtime.broken = true;
    runtime.attempt?.cancel();
    runtime.link.state = state;
    runtime.link.mostRecentError = String(number);
  }

  private remove(runtime: LinkRuntime): void {
    const { link } = runtime;
    const managed = this.table.managed(link);
    const server = this.table.sqlServer(link);
    for (const timer of [runtime.initDeadline, runtime.createDeadline, runtime.attempt]) timer?.cancel();
    if (runtime.creation)
      this.state.timeline.finish(runtime.creation, {
        code: 'OperationCancelled',
        message: 'The link was deleted.',
      });
    this.seeding.fail(runtime, 101, 'User Cancellation');
    const copy = this.table.copy(runtime, managed);
    const ledBefore = distributedGroup(runtime, managed)?.role === 'PRIMARY';
    if (runtime.stream?.target === copy) runtime.stream?.recover();
    runtime.stream?.close();
    if (runtime.fork) this.table.primaryCopy(runtime)?.log.holds.delete(runtime.fork.hold);
    if (copy && link.seeded) {
      copy.droppedLinkBeforeFirstBackup = copy.awaitsFirstFullBackup;
      if (!ledBefore) this.release(runtime);
    }
    dropManagedGroups(this.table, runtime);
    this.table.runtimes.delete(LinkTable.id(link.managedInstance, link.name));
    if (ledBefore && distributedGroup(runtime, server)?.role === 'PRIMARY')
      setRole(runtime, server, 'PRIMARY');
    this.seeding.rebalance();
  }

  /** Cutover by delete: the instance's copy recovers, is read/write and on its own. */
  private release(runtime: LinkRuntime): void {
    const managed = this.table.managed(runtime.link);
    const copy = this.table.copy(runtime, managed);
    if (!copy) return;
    copy.epoch += 1;
    copy.state = 'ONLINE';
    copy.log.end = Math.ceil(copy.log.end);
    copy.log.restartCurve(this.state.clock.now());
    copy.log.keepsChain = true;
    copy.log.backedUpTo = copy.log.end;
    copy.chainFrom = copy.log.end;
    leaveGroup(copy);
    this.managedBackups.begin(managed, copy, false);
  }

  private changeRole(runtime: LinkRuntime, planned: boolean): ArmOperation<Link> {
    const { link } = runtime;
    const to = link.managedInstance;
    asArm(() => (planned ? this.failovers.check(runtime, to) : this.failovers.checkForced(runtime, to)));
    const operation = this.state.timeline.start(
      'link-failover',
      `${link.managedInstance}/${link.databaseName}`,
    );
    const work = planned ? this.failovers.planned(runtime) : this.failovers.forced(runtime, to);
    void work.then(
      () => this.state.timeline.finish(operation),
      (error: unknown) =>
        this.state.timeline.finish(operation, {
          code: 'DistributedAvailabilityGroupSetRoleFailed',
          message: String(error),
        }),
    );
    return { operation, effective: true, result: () => link };
  }

  /**
   * What the instance says of itself: after SQL Server was forced to take over, it is still a primary, whatever the
   * resource says of the link, and only setRole makes it follow (failover how-to, split brain; inferred).
   */
  private ownRole(runtime: LinkRuntime): Link['instanceLinkRole'] {
    const group = distributedGroup(runtime, this.table.managed(runtime.link));
    return group?.role === 'PRIMARY' ? 'Primary' : 'Secondary';
  }

  private slopesFor(runtime: LinkRuntime) {
    const { bandwidth, latencyMs } = pathBetween(
      this.state,
      runtime.link.managedInstance,
      runtime.link.sqlServer ?? runtime.link.managedInstance,
    );
    return { send: bandwidth / 1000, redo: this.state.rates.redoRate / 1000, latencyMs };
  }

  private require(managedInstance: string, name: string): LinkRuntime {
    requireManaged(instanceOf(this.state, managedInstance));
    const runtime = this.table.get(managedInstance, name);
    if (!runtime) {
      throw new ArmRefusal(
        404,
        'ResourceNotFound',
        `The requested resource of type 'Microsoft.Sql/managedInstances/distributedAvailabilityGroups' with name '${name}' was not found.`,
      );
    }
    return runtime;
  }

  private isCurrent(runtime: LinkRuntime): boolean {
    return this.table.get(runtime.link.managedInstance, runtime.link.name) === runtime;
  }

  private later(ms: number, act: () => void) {
    return this.state.journal.detached(() => this.state.clock.after(ms, act));
  }

  private instant(kind: 'link-create' | 'link-set-role', runtime: LinkRuntime): PlatformOperation {
    const operation = this.state.timeline.start(
      kind,
      `${runtime.link.managedInstance}/${runtime.link.databaseName}`,
    );
    this.state.timeline.finish(operation);
    return operation;
  }
}
