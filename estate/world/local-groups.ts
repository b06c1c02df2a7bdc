/**
 * Availability groups with several replicas: who belongs to one, who joins it, and how its primary moves to another
 * replica. The replicas of a group share one log and one set of tables here: a local secondary has at every moment
 * what its primary has. That a local replica lags is not simulated; only links have distance.
 */
import type { SqlError } from '../sql/errors';
import { copyForSeeding } from './copies';
import { parseEndpointUrl } from './handshake';
import { endSessions } from './instances';
import { leaveGroup } from './link-groups';
import type { WorldLinks } from './links';
import { TransactionLog } from './log';
import type { AvailabilityReplica, ClusterType, GroupListener } from './model';
import { hostOf, pathBetween } from './network';
import { groupRefusals } from './refusals';
import { distributedGroupsOf } from './roles';
import {
  type DatabaseCopy,
  key,
  type Mutable,
  type MutableGroup,
  type MutableInstance,
  type WorldState,
  writeErrorLog,
} from './state';

/** Servers that belong to a group now, with what each of them knows of it. */
export interface Member {
  readonly instance: MutableInstance;
  readonly group: MutableGroup;
}

/** A cluster notices a dead primary and brings another replica up within about this (inferred). */
const AUTOMATIC_FAILOVER_MS = 10_000;

export class LocalGroups {
  constructor(
    private readonly state: WorldState,
    private readonly links: WorldLinks,
  ) {}

  /** All who have joined, whoever is asked. */
  members(group: MutableGroup): Member[] {
    return [...this.state.instances.values()].flatMap((instance) => {
      const known = instance.groups.get(key(group.name));
      return known?.groupId === group.groupId && !known.distributed ? [{ instance, group: known }] : [];
    });
  }

  others(instance: MutableInstance, group: MutableGroup): Member[] {
    return this.members(group).filter((member) => member.instance !== instance);
  }

  primary(group: MutableGroup): Member | undefined {
    return this.members(group).find((member) => member.group.role === 'PRIMARY');
  }

  /**
   * ALTER AVAILABILITY GROUP ... JOIN, on a server that a group names as its replica.
   * @throws SqlError 41042; SqlErrors 35237, 47101 or 47106 and then 41158
   */
  join(instance: MutableInstance, name: string, clusterType: ClusterType): MutableGroup {
    if (instance.groups.has(key(name))) throw groupRefusals.exists(name);
    const found = this.leaderOf(instance, name);
    if (!found) throw groupRefusals.joinFailed(name, groupRefusals.joinTimeout(name));
    const { instance: leader, group: led } = found;
    const fail = (cause: SqlError) => groupRefusals.joinFailed(name, cause);
    const own = led.replicas.find((replica) => key(replica.name) === key(instance.serverName));
    if (!own) throw fail(groupRefusals.noLocalReplica(name, instance.serverName));
    if (led.clusterType !== clusterType) throw fail(groupRefusals.clusterTypeDiffers(name, led.clusterType));
    if (replicaProblem(this.state, leader, instance, led) !== undefined)
      throw fail(groupRefusals.joinTimeout(name));
    const group: MutableGroup = {
      ...led,
      role: 'SECONDARY',
      replicas: led.replicas.map((replica) => ({ ...replica, isLocal: replica === own })),
      databases: [...led.databases],
      mayCreateAnyDatabase: false,
    };
    instance.groups.set(key(group.name), group);
    writeErrorLog(
      this.state,
      leader,
      'spid35s',
      `A connection for availability group '${group.name}' from availability replica '${leader.serverName}' to '${instance.serverName}' has been successfully established (35202).`,
    );
    this.state.journal.mark(`join availability group ${group.name} on ${instance.name}`);
    return group;
  }

  /** Copies that automatic seeding makes on a secondary that may create databases (GRANT CREATE ANY DATABASE). */
  seed(member: Member): void {
    const { instance, group } = member;
    const leader = this.primary(group)?.instance;
    const local = group.replicas.find((replica) => replica.isLocal);
    if (!leader || !local || group.role !== 'SECONDARY' || !group.mayCreateAnyDatabase) return;
    if (local.seedingMode !== 'AUTOMATIC') return;
    for (const name of group.databases) {
      const source = leader.databases.get(key(name));
      if (!source || instance.databases.has(key(name))) continue;
      const copy = copyForSeeding(this.state, source, instance);
      copy.state = 'ONLINE';
      copy.groupName = group.name;
      copy.replicaId = local.replicaId;
      if (source.groupDatabaseId !== undefined) copy.groupDatabaseId = source.groupDatabaseId;
      instance.databases.set(key(name), copy);
      share(source, copy);
      this.state.journal.mark(`seed ${name} on ${instance.name} for ${group.name}`);
    }
  }

  /** A primary's log or tables were replaced: its local secondaries have the same. */
  shareAgain(instance: MutableInstance, source: DatabaseCopy): void {
    const group = instance.groups.get(key(source.groupName ?? ''));
    if (!group) return;
    for (const { instance: other } of this.others(instance, group)) {
      const copy = other.databases.get(key(source.name));
      if (copy?.groupName === source.groupName && copy) share(source, copy);
    }
  }

  addDatabase(instance: MutableInstance, group: MutableGroup, database: string): void {
    for (const member of this.others(instance, group)) {
      member.group.databases.push(database);
      this.seed(member);
    }
  }

  /** On the other replicas the copy stays behind, restoring (REMOVE DATABASE, DROP AVAILABILITY GROUP). */
  removeDatabase(instance: MutableInstance, group: MutableGroup, database: string): void {
    for (const member of this.others(instance, group)) {
      member.group.databases = member.group.databases.filter((one) => key(one) !== key(database));
      leaveBehind(this.state, member, database);
    }
  }

  /** The listener belongs to the group, whichever replica leads it. */
  setListeners(group: MutableGroup, listeners: readonly GroupListener[]): void {
    for (const member of this.members(group)) member.group.listeners = listeners;
  }

  addReplica(group: MutableGroup, replica: Mutable<AvailabilityReplica>): void {
    for (const member of this.members(group)) member.group.replicas.push({ ...replica });
  }

  removeReplica(group: MutableGroup, name: string): void {
    const gone = this.members(group).find(({ instance }) => key(instance.serverName) === key(name));
    for (const member of this.members(group)) {
      member.group.replicas = member.group.replicas.filter((replica) => key(replica.name) !== key(name));
    }
    if (gone) this.forget(gone);
  }

  /** A cluster takes the group away everywhere; without one each replica drops its own (DROP AVAILABILITY GROUP). */
  dropped(instance: MutableInstance, group: MutableGroup): void {
    if (group.clusterType !== 'WSFC') return;
    for (const member of this.others(instance, group)) this.forget(member);
  }

  /** @throws SqlError 41142, 47104, 47122, 41122 */
  failover(instance: MutableInstance, group: MutableGroup): void {
    if (group.clusterType === 'NONE') throw groupRefusals.onlyForced(group.name);
    if (group.role === 'PRIMARY') throw groupRefusals.alreadyPrimary(group.name);
    if (group.clusterType === 'EXTERNAL') throw groupRefusals.externalCluster(group.name);
    const leader = this.primary(group);
    const local = group.replicas.find((replica) => replica.isLocal);
    const isReady =
      leader !== undefined &&
      local?.availabilityMode === 'SYNCHRONOUS_COMMIT' &&
      replicaProblem(this.state, leader.instance, instance, group) === undefined &&
      group.databases.every((name) => instance.databases.has(key(name)));
    if (!isReady) throw groupRefusals.notSynchronized(group.name);
    this.takeOver(instance, group);
  }

  /** FORCE_FAILOVER_ALLOW_DATA_LOSS. The former primary is demoted at once: two primaries of one group are not simulated. */
  force(instance: MutableInstance, group: MutableGroup): void {
    if (group.role === 'PRIMARY') throw groupRefusals.alreadyPrimary(group.name);
    if (!group.databases.every((name) => instance.databases.has(key(name))))
      throw groupRefusals.notSynchronized(group.name);
    this.takeOver(instance, group);
  }

  /** SET (ROLE = SECONDARY) of a group without a cluster: the first half of a manual failover without loss. */
  demote(instance: MutableInstance, group: MutableGroup): void {
    if (group.role === 'SECONDARY') throw groupRefusals.alreadySecondary(group.name);
    if (group.clusterType !== 'NONE' || group.replicas.length < 2) throw groupRefusals.notPrimary(group.name);
    group.role = 'SECONDARY';
    for (const name of group.databases) {
      const copy = instance.databases.get(key(name));
      if (!copy) continue;
      copy.epoch += 1;
      if (!copy.incoming) copy.log.settle(this.state.clock.now());
      copy.log.paused = true;
      endSessions(instance, (session) => key(session.database) === key(name));
    }
    this.links.groupMoves(instance.name, group.name);
    this.state.journal.mark(`${group.name} on ${instance.name} is secondary`);
  }

  /** FAILOVER_MODE = AUTOMATIC on both sides of a cluster's group: another replica takes over from a dead primary. */
  primaryDown(instance: MutableInstance): void {
    for (const group of instance.groups.values()) {
      if (group.distributed || group.role !== 'PRIMARY' || group.clusterType !== 'WSFC') continue;
      if (group.replicas.find((replica) => replica.isLocal)?.failoverMode !== 'AUTOMATIC') continue;
      this.state.journal.detached(() =>
        this.state.clock.after(AUTOMATIC_FAILOVER_MS, () => {
          if (instance.state === 'running' || group.role !== 'PRIMARY') return;
          const next = this.others(instance, group).find((member) => this.mayTakeOver(member));
          if (next) this.takeOver(next.instance, next.group);
        }),
      );
    }
  }

  private mayTakeOver({ instance, group }: Member): boolean {
    const local = group.replicas.find((replica) => replica.isLocal);
    return (
      instance.state === 'running' &&
      local?.failoverMode === 'AUTOMATIC' &&
      local.availabilityMode === 'SYNCHRONOUS_COMMIT' &&
      group.databases.every((name) => instance.databases.has(key(name)))
    );
  }

  private leaderOf(instance: MutableInstance, name: string): Member | undefined {
    for (const leader of this.state.instances.values()) {
      const group = leader.groups.get(key(name));
      const leads = group?.role === 'PRIMARY' && !group.distributed && !leader.managed;
      if (leader !== instance && group && leads) return { instance: leader, group };
    }
    return undefined;
  }

  /** The roles change, and with the primary go its distributed groups: only a primary shows them (distributed groups page). */
  private takeOver(instance: MutableInstance, group: MutableGroup): void {
    const others = this.others(instance, group);
    const former =
      others.find((member) => member.group.role === 'PRIMARY') ??
      others.find((member) => distributedGroupsOf(member.instance, group.name).length > 0) ??
      others[0];
    if (!former) return;
    this.links.groupMoves(former.instance.name, group.name);
    for (const member of others) member.group.role = 'SECONDARY';
    group.role = 'PRIMARY';
    for (const distributed of distributedGroupsOf(former.instance, group.name)) {
      former.instance.groups.delete(key(distributed.name));
      instance.groups.set(key(distributed.name), distributed);
    }
    for (const name of group.databases) this.handOver(former.instance, instance, name);
    this.links.groupMoved(former.instance.name, instance.name, group.name);
    this.state.journal.mark(`availability group ${group.name} fails over to ${instance.name}`);
  }

  private handOver(from: MutableInstance, to: MutableInstance, name: string): void {
    const old = from.databases.get(key(name));
    const copy = to.databases.get(key(name));
    if (!old || !copy) return;
    if (!old.incoming && from.state === 'running') old.log.settle(this.state.clock.now());
    for (const one of [old, copy]) one.epoch += 1;
    copy.options = old.options;
    copy.dataBytes = old.dataBytes;
    copy.state = old.state === 'RESTORING' ? 'RESTORING' : 'ONLINE';
    copy.recoveryForkGuid = old.recoveryForkGuid;
    if (old.chainFrom !== undefined) copy.chainFrom = old.chainFrom;
    copy.users.clear();
    for (const [id, user] of old.users) copy.users.set(id, { ...user, roles: new Set(user.roles) });
    copy.store = old.store;
    copy.replaceLog(old.log);
    copy.log.paused = false;
    for (const [instance, role] of [
      [from, 'from "PRIMARY" to "SECONDARY"'],
      [to, 'from "SECONDARY" to "PRIMARY"'],
    ] as const) {
      endSessions(instance, (session) => key(session.database) === key(name));
      if (instance.state === 'running')
        writeErrorLog(
          this.state,
          instance,
          'spid40s',
          `The availability group database "${name}" is changing roles ${role} because of a failover of its availability group (1480).`,
        );
    }
  }

  private forget({ instance, group }: Member): void {
    instance.groups.delete(key(group.name));
    for (const name of group.databases) leaveBehind(this.state, { instance, group }, name);
  }
}

/** A secondary's copy of a group that it has left: restoring, and on its own. */
export function leaveBehind(state: WorldState, { instance, group }: Member, database: string): void {
  const copy = instance.databases.get(key(database));
  if (!copy || key(copy.groupName ?? '') !== key(group.name)) return;
  // Its own from here on: what the former primary writes no longer reaches it.
  const { format, sizeBytes, maxSizeBytes, growthBytes, end } = copy.log;
  const log = new TransactionLog(format, { sizeBytes, maxSizeBytes, growthBytes }, state.clock.now());
  log.end = end;
  copy.store = copy.store.clone();
  copy.replaceLog(log);
  copy.state = 'RESTORING';
  leaveGroup(copy);
}

function share(source: DatabaseCopy, copy: DatabaseCopy): void {
  copy.store = source.store;
  copy.log = source.log;
  // Whose streams keep the log is the primary's affair.
  source.replaceLog(source.log);
  if (source.chainFrom !== undefined) copy.chainFrom = source.chainFrom;
}

/**
 * What keeps two replicas of a local group apart; undefined when they are connected. Windows authentication works
 * between all servers of the estate, as in one domain; by certificates each needs the other's.
 */
export function replicaProblem(
  state: WorldState,
  a: MutableInstance,
  b: MutableInstance,
  group: MutableGroup,
): string | undefined {
  if (a.state !== 'running' || b.state !== 'running') return 'a replica is down';
  if (!pathBetween(state, a.name, b.name).up) return 'the network is down';
  for (const instance of [a, b]) {
    const { endpoint } = instance;
    const url = group.replicas.find((replica) => key(replica.name) === key(instance.serverName))?.endpointUrl;
    const address = parseEndpointUrl(url ?? '');
    if (endpoint?.state !== 'STARTED') return 'an endpoint is not started';
    if (!address || address.port !== endpoint.port || hostOf(state, address.host) !== instance)
      return 'an endpoint does not listen at its ENDPOINT_URL';
  }
  const windows = [a, b].every(({ endpoint }) =>
    /NTLM|KERBEROS|NEGOTIATE/.test(endpoint?.authentication ?? ''),
  );
  if (windows || (knows(a, b) && knows(b, a))) return undefined;
  return 'the endpoints do not accept each other';
}

function knows(server: MutableInstance, { endpoint, certificates }: MutableInstance): boolean {
  const shown = certificates.get(key(endpoint?.certificateName ?? ''));
  if (!shown) return false;
  return [...server.certificates.values()].some((known) => Buffer.compare(known.der, shown.der) === 0);
}
