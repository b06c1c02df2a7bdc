/** Availability groups and distributed ones, as their T-SQL statements change them. */
import type { CreateDistributedGroup, CreateGroup, Groups, MemberChange, ReplicaDefinition } from './api';
import {
  checkCreateGroup,
  checkDistributedGroup,
  checkJoin,
  databaseRefusal,
  leadsToManagedInstance,
  primaryOf,
  requireHadr,
} from './group-checks';
import { adoptConfiguration } from './link-from-instance';
import { leaveGroup } from './link-groups';
import type { LinkRuntime } from './link-state';
import type { WorldLinks } from './links';
import { LocalGroups, leaveBehind } from './local-groups';
import type {
  AvailabilityGroup,
  AvailabilityReplica,
  ClusterType,
  DatabaseReplicaStateRow,
  GroupListener,
  ReplicaStateRow,
} from './model';
import { groupRefusals, linkRefusals, refusals } from './refusals';
import { databaseReplicaRows, replicaRows } from './replica-rows';
import { distributedGroupsOf, roleOf } from './roles';
import {
  instanceOf,
  key,
  type Mutable,
  type MutableGroup,
  type MutableInstance,
  type WorldState,
} from './state';
import { atLeast } from './versions';

export class WorldGroups implements Groups {
  readonly local: LocalGroups;

  constructor(
    private readonly state: WorldState,
    private readonly links: WorldLinks,
  ) {
    this.local = new LocalGroups(state, links);
    links.failovers.afterRewind = (instance, copy) => this.local.shareAgain(instance, copy);
  }

  get(instance: string, group: string): AvailabilityGroup | undefined {
    return instanceOf(this.state, instance).groups.get(key(group));
  }

  create(instanceName: string, request: CreateGroup): AvailabilityGroup {
    const instance = instanceOf(this.state, instanceName);
    checkCreateGroup(instance, request);
    const group: MutableGroup = {
      name: request.name,
      groupId: this.state.random.guid(),
      distributed: false,
      clusterType: request.clusterType ?? (instance.platform === 'linux' ? 'EXTERNAL' : 'WSFC'),
      basic: request.basic === true || /standard/i.test(instance.edition),
      createdAt: this.state.clock.now(),
      role: 'PRIMARY',
      replicas: request.replicas.map((one) => this.replica(one, key(one.name) === key(instance.serverName))),
      databases: [],
      requiredSynchronizedSecondariesToCommit: request.requiredSynchronizedSecondariesToCommit ?? 0,
      mayCreateAnyDatabase: false,
      listeners: [],
    };
    instance.groups.set(key(group.name), group);
    for (const name of request.databases) this.enter(instance, group, name);
    this.state.journal.mark(`create availability group ${group.name} on ${instance.name}`);
    return group;
  }

  join(instanceName: string, groupName: string, clusterType?: ClusterType): AvailabilityGroup {
    const instance = instanceOf(this.state, instanceName);
    requireHadr(instance, 'ALTER AVAILABILITY GROUP');
    const fallback = instance.platform === 'linux' ? 'EXTERNAL' : 'WSFC';
    return this.local.join(instance, groupName, clusterType ?? fallback);
  }

  addReplica(instanceName: string, groupName: string, replica: ReplicaDefinition): void {
    const instance = instanceOf(this.state, instanceName);
    const group = this.led(instance, groupName);
    if (group.replicas.some((one) => key(one.name) === key(replica.name)))
      throw groupRefusals.replicaExists(replica.name, group.name);
    if (!parseable(replica.endpointUrl)) throw groupRefusals.badUrl(replica.endpointUrl);
    if (group.clusterType === 'NONE' && replica.failoverMode !== 'MANUAL')
      throw groupRefusals.failoverModeForCluster(group.name, replica.failoverMode);
    this.local.addReplica(group, this.replica(replica, false));
    this.state.journal.mark(`add replica ${replica.name} to availability group ${group.name}`);
  }

  removeReplica(instanceName: string, groupName: string, replica: string): void {
    const instance = instanceOf(this.state, instanceName);
    const group = this.led(instance, groupName);
    const member = this.member(group, replica);
    if (member.isLocal) throw groupRefusals.removesPrimary(replica, group.name);
    this.local.removeReplica(group, replica);
    this.state.journal.mark(`remove replica ${replica} from availability group ${group.name}`);
  }

  setListeners(instanceName: string, groupName: string, listeners: readonly GroupListener[]): void {
    const instance = instanceOf(this.state, instanceName);
    const group = this.led(instance, groupName);
    this.local.setListeners(group, listeners);
    this.state.journal.mark(`listeners of ${group.name}: ${listeners.map((one) => one.dnsName).join(', ')}`);
  }

  createDistributed(instanceName: string, request: CreateDistributedGroup): AvailabilityGroup {
    const instance = instanceOf(this.state, instanceName);
    const { local, followsInstance } = checkDistributedGroup(this.state, instance, request);
    const group = this.distributed(request, local.name, followsInstance ? 'SECONDARY' : 'PRIMARY');
    instance.groups.set(key(group.name), group);
    this.state.journal.mark(`create distributed availability group ${group.name} on ${instance.name}`);
    return group;
  }

  async joinDistributed(
    instanceName: string,
    request: CreateDistributedGroup,
    signal?: AbortSignal,
  ): Promise<AvailabilityGroup> {
    const instance = instanceOf(this.state, instanceName);
    const sides = checkJoin(this.state, instance, request);
    let primary = primaryOf(this.state, instance, request, sides);
    if (!primary) {
      // The configuration comes from the other side, which has to know the group already (47106 within 41158).
      await this.state.clock.sleep(this.state.rates.joinTimeoutMs, signal);
      primary = primaryOf(this.state, instance, request, sides);
    }
    if (!primary) throw groupRefusals.joinFailed(request.name, groupRefusals.joinTimeout(request.name));
    // Another session may have joined meanwhile.
    if (instance.groups.has(key(request.name))) throw groupRefusals.exists(request.name);
    const group = this.distributed(request, sides.local.name, 'SECONDARY');
    adoptConfiguration(group, primary);
    instance.groups.set(key(group.name), group);
    this.state.journal.mark(`join distributed availability group ${group.name} on ${instance.name}`);
    return group;
  }

  modifyMembers(
    instanceName: string,
    groupName: string,
    changes: readonly MemberChange[],
  ): AvailabilityGroup {
    const instance = instanceOf(this.state, instanceName);
    const group = this.existing(instance, groupName);
    for (const change of changes) this.checkMember(group, change);
    if (!group.distributed && group.role !== 'PRIMARY') throw groupRefusals.notPrimary(group.name);
    let effective = false;
    for (const { name, ...change } of changes) {
      const member = this.member(group, name);
      if (Object.entries(change).every(([field, value]) => Reflect.get(member, field) === value)) continue;
      Object.assign(member, change, { modifiedAt: this.state.clock.now() });
      effective = true;
    }
    if (!effective) return group;
    if (!group.distributed) this.tellReplicas(instance, group);
    this.followMode(instance, group);
    this.state.journal.mark(`modify availability group ${group.name} on ${instance.name}`);
    return group;
  }

  addDatabase(instanceName: string, groupName: string, database: string): void {
    const instance = instanceOf(this.state, instanceName);
    const group = this.led(instance, groupName);
    const refusal = databaseRefusal(instance, database, group.name);
    if (refusal) throw refusal;
    if (this.isInLink(instance, group)) throw linkRefusals.cannotAddDatabase(group.name);
    if (group.basic && group.databases.length > 0) throw groupRefusals.basicLimit(group.name);
    this.enter(instance, group, database);
    this.local.addDatabase(instance, group, database);
    this.state.journal.mark(
      `add database ${database} to availability group ${group.name} on ${instance.name}`,
    );
  }

  removeDatabase(instanceName: string, groupName: string, database: string): void {
    const instance = instanceOf(this.state, instanceName);
    const group = this.existing(instance, groupName);
    if (!group.databases.some((name) => key(name) === key(database))) {
      throw groupRefusals.notMember(database, group.name);
    }
    if (this.isInLink(instance, group)) throw linkRefusals.cannotRemoveDatabase(group.name);
    if (group.role !== 'PRIMARY') throw groupRefusals.notPrimary(group.name);
    this.local.removeDatabase(instance, group, database);
    this.leave(instance, group, database);
    this.state.journal.mark(
      `remove database ${database} from availability group ${group.name} on ${instance.name}`,
    );
  }

  setCreateAnyDatabase(instanceName: string, groupName: string, granted: boolean): void {
    const instance = instanceOf(this.state, instanceName);
    const group = this.existing(instance, groupName);
    if (group.mayCreateAnyDatabase === granted) return;
    group.mayCreateAnyDatabase = granted;
    this.state.journal.mark(
      `create any database ${granted ? 'granted to' : 'denied'} ${group.name} on ${instanceName}`,
    );
    this.local.seed({ instance, group });
  }

  setRequiredSynchronizedSecondaries(instanceName: string, groupName: string, count: number): void {
    const instance = instanceOf(this.state, instanceName);
    const group = this.existing(instance, groupName);
    if (group.distributed && this.links.table.ofGroup(instance.name, group.name)) {
      throw linkRefusals.optionUnsupported('REQUIRED_SYNCHRONIZED_SECONDARIES_TO_COMMIT');
    }
    if (group.requiredSynchronizedSecondariesToCommit === count) return;
    group.requiredSynchronizedSecondariesToCommit = count;
    this.state.journal.mark(
      `required synchronized secondaries of ${group.name} on ${instanceName} = ${count}`,
    );
  }

  setRoleSecondary(instanceName: string, groupName: string): void {
    const instance = instanceOf(this.state, instanceName);
    const group = this.existing(instance, groupName);
    if (!group.distributed) {
      this.local.demote(instance, group);
      return;
    }
    if (group.role === 'SECONDARY') throw groupRefusals.alreadySecondary(group.name);
    const link = this.links.table.ofGroup(instance.name, group.name);
    if (link) {
      this.links.failovers.rejoin(link, instance.name);
      return;
    }
    group.role = 'SECONDARY';
    this.state.journal.mark(`${group.name} on ${instance.name} is secondary`);
  }

  async failover(instanceName: string, groupName: string, signal?: AbortSignal): Promise<void> {
    const { instance, group } = this.forFailover(instanceName, groupName);
    if (!group.distributed) return this.local.failover(instance, group);
    const link = this.linkOf(instance, group);
    this.links.failovers.check(link, instance.name);
    await abandonable(this.links.failovers.planned(link), signal);
  }

  async forceFailover(instanceName: string, groupName: string, signal?: AbortSignal): Promise<void> {
    const { instance, group } = this.forFailover(instanceName, groupName);
    if (!group.distributed) return this.local.force(instance, group);
    const link = this.linkOf(instance, group);
    this.links.failovers.checkForced(link, instance.name);
    await abandonable(this.links.failovers.forced(link, instance.name), signal);
  }

  drop(instanceName: string, groupName: string): void {
    const instance = instanceOf(this.state, instanceName);
    const group = instance.groups.get(key(groupName));
    if (!group) throw refusals.cannotAlterMissing('availability group', groupName, 'drop');
    if (instance.managed) throw refusals.unsupportedOnManaged('DROP AVAILABILITY GROUP');
    const wasSecondary = group.distributed && group.role === 'SECONDARY';
    if (!group.distributed && group.role === 'PRIMARY') this.local.dropped(instance, group);
    instance.groups.delete(key(group.name));
    if (wasSecondary) this.leaveRestoring(instance, group);
    const isLocalSecondary = !group.distributed && group.role === 'SECONDARY';
    for (const name of [...group.databases]) {
      if (isLocalSecondary) leaveBehind(this.state, { instance, group }, name);
      else this.leave(instance, group, name);
    }
    this.state.events.groupDropped(instance.name, group.name);
    this.state.journal.mark(`drop availability group ${group.name} on ${instance.name}`);
  }

  replicaStates(instance: string): readonly ReplicaStateRow[] {
    return replicaRows(this.state, this.links.table, instanceOf(this.state, instance));
  }

  databaseReplicaStates(instance: string): readonly DatabaseReplicaStateRow[] {
    return databaseReplicaRows(this.state, this.links.table, instanceOf(this.state, instance));
  }

  isPrimaryReplica(instanceName: string, database: string): boolean | undefined {
    const instance = instanceOf(this.state, instanceName);
    const copy = instance.databases.get(key(database));
    const role = copy ? roleOf(instance, copy) : undefined;
    return role === undefined ? undefined : role === 'PRIMARY';
  }

  private replica(one: ReplicaDefinition, isLocal: boolean): Mutable<AvailabilityReplica> {
    const now = this.state.clock.now();
    return {
      replicaId: this.state.random.guid(),
      name: one.name,
      endpointUrl: one.endpointUrl,
      availabilityMode: one.availabilityMode,
      failoverMode: one.failoverMode,
      seedingMode: one.seedingMode ?? 'MANUAL',
      sessionTimeout: one.sessionTimeout ?? 10,
      primaryAllowConnections: one.primaryAllowConnections ?? 'ALL',
      secondaryAllowConnections: one.secondaryAllowConnections ?? 'NO',
      backupPriority: one.backupPriority ?? 50,
      isLocal,
      createdAt: now,
      modifiedAt: now,
    };
  }

  private distributed(
    request: CreateDistributedGroup,
    localName: string,
    role: 'PRIMARY' | 'SECONDARY',
  ): MutableGroup {
    return {
      name: request.name,
      groupId: this.state.random.guid(),
      distributed: true,
      clusterType: 'NONE',
      basic: false,
      createdAt: this.state.clock.now(),
      role,
      replicas: request.members.map((member) => this.replica(member, key(member.name) === key(localName))),
      databases: [],
      requiredSynchronizedSecondariesToCommit: 0,
      mayCreateAnyDatabase: false,
      listeners: [],
    };
  }

  private enter(instance: MutableInstance, group: MutableGroup, name: string): void {
    const copy = instance.databases.get(key(name));
    if (!copy) throw groupRefusals.databaseMissing(name);
    group.databases.push(copy.name);
    copy.groupName = group.name;
    copy.groupDatabaseId = this.state.random.guid();
    const local = group.replicas.find((replica) => replica.isLocal);
    if (local) copy.replicaId = local.replicaId;
  }

  private leave(instance: MutableInstance, group: MutableGroup, name: string): void {
    group.databases = group.databases.filter((one) => key(one) !== key(name));
    const copy = instance.databases.get(key(name));
    if (copy) leaveGroup(copy);
  }

  /** What the primary changes of a replica, the other replicas know too. */
  private tellReplicas(instance: MutableInstance, group: MutableGroup): void {
    for (const other of this.local.others(instance, group)) {
      other.group.replicas = group.replicas.map((replica) => ({
        ...replica,
        isLocal: key(replica.name) === key(other.instance.serverName),
      }));
    }
  }

  /** The secondary's database stays behind in RESTORING when its group goes (inferred for distributed groups). */
  private leaveRestoring(instance: MutableInstance, group: MutableGroup): void {
    for (const copy of instance.databases.values()) {
      const member = group.replicas.some(
        (replica) => replica.isLocal && key(replica.name) === key(copy.groupName ?? ''),
      );
      if (member) copy.state = 'RESTORING';
    }
  }

  private checkMember(group: MutableGroup, change: MemberChange): void {
    const member = this.member(group, change.name);
    if (change.endpointUrl !== undefined && !parseable(change.endpointUrl))
      throw groupRefusals.badUrl(change.endpointUrl);
    if (!group.distributed) return;
    if (change.failoverMode !== undefined && change.failoverMode !== 'MANUAL')
      throw groupRefusals.automaticOnDistributed();
    if (!group.replicas.some((one) => leadsToManagedInstance(this.state, one.endpointUrl))) return;
    // Which options are refused is not listed; availability mode is the documented one (inferred for the others).
    if (change.seedingMode === 'MANUAL' && !member.isLocal)
      throw linkRefusals.optionUnsupported('SEEDING_MODE');
    if (change.endpointUrl !== undefined) throw linkRefusals.optionUnsupported('LISTENER_URL');
  }

  private member(group: MutableGroup, name: string): Mutable<AvailabilityReplica> {
    const member = group.replicas.find((replica) => key(replica.name) === key(name));
    if (!member) throw refusals.cannotAlterMissing('availability replica', name);
    return member;
  }

  /** Synchronous when the remote member of the primary's distributed group is set so, whichever way it was asked for. */
  private followMode(instance: MutableInstance, group: MutableGroup): void {
    const link = group.distributed ? this.links.table.ofGroup(instance.name, group.name) : undefined;
    if (!link || key(link.primary) !== key(instance.name)) return;
    const remote = group.replicas.find((replica) => !replica.isLocal);
    this.links.setReplicationMode(link, remote?.availabilityMode === 'SYNCHRONOUS_COMMIT' ? 'Sync' : 'Async');
  }

  private forFailover(instanceName: string, groupName: string) {
    const instance = instanceOf(this.state, instanceName);
    return { instance, group: this.existing(instance, groupName) };
  }

  /** @throws SqlError 35104 where the build cannot fail over by T-SQL, 47511 without a link */
  private linkOf(instance: MutableInstance, group: MutableGroup): LinkRuntime {
    // FAILOVER and FORCE_FAILOVER_ALLOW_DATA_LOSS of links by T-SQL came with 2022 CU13 (KB5036432).
    if (!instance.managed && !atLeast(instance.version, '16.0.4125.3'))
      throw linkRefusals.versionUnsupported();
    const link = this.links.table.ofGroup(instance.name, group.name);
    if (!link) throw linkRefusals.notALink(group.name);
    return link;
  }

  private isInLink(instance: MutableInstance, group: MutableGroup): boolean {
    return distributedGroupsOf(instance, group.name).some((distributed) =>
      distributed.replicas.some(
        (replica) => !replica.isLocal && leadsToManagedInstance(this.state, replica.endpointUrl),
      ),
    );
  }

  /** @throws SqlError 15151, 41140 */
  private led(instance: MutableInstance, name: string): MutableGroup {
    const group = this.existing(instance, name);
    if (group.role !== 'PRIMARY') throw groupRefusals.notPrimary(group.name);
    return group;
  }

  private existing(instance: MutableInstance, name: string): MutableGroup {
    const group = instance.groups.get(key(name));
    if (!group) throw refusals.cannotAlterMissing('availability group', name);
    return group;
  }
}

const parseable = (url: string): boolean => /^tcp:\/\/[^:/;\s]+:\d+/i.test(url.trim());

/** The client may leave; the failover goes on without it. */
function abandonable(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work;
  work.catch(() => {});
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
