/** What SQL Server refuses when availability groups are made or changed (error tables 1400-1490, 35200-35280, 47500-47523). */
import type { SqlError } from '../sql/errors';
import type { CreateDistributedGroup, CreateGroup, DistributedMember } from './api';
import { linkIsPatchedIn } from './certificates';
import { connectionProblem, parseEndpointUrl } from './handshake';
import { linksFromInstance } from './link-from-instance';
import { listenerParts, namesDatabase } from './listener';
import { hostOf } from './network';
import { groupRefusals, linkRefusals, refusals } from './refusals';
import { type DatabaseCopy, key, type MutableGroup, type MutableInstance, type WorldState } from './state';

const SYSTEM_DATABASES = new Set(['master', 'model', 'msdb', 'tempdb', 'distribution']);

/** @throws SqlError 40510, 35221, 35220 */
export function requireHadr(instance: MutableInstance, statement: string): void {
  if (instance.managed) throw refusals.unsupportedOnManaged(statement);
  if (!instance.hadrEnabled) throw groupRefusals.hadrDisabled();
  if (instance.version.year === 2016 && !instance.clustered) throw groupRefusals.noCluster();
}

/** @throws SqlError, SqlErrors (cause and then 41152) */
export function checkCreateGroup(instance: MutableInstance, request: CreateGroup): void {
  requireHadr(instance, 'CREATE AVAILABILITY GROUP');
  // CLUSTER_TYPE came with 2017.
  if (instance.version.year === 2016 && request.clusterType !== undefined)
    throw groupRefusals.clusterTypeUnsupported();
  if (/express|web/i.test(instance.edition)) throw groupRefusals.feature(instance.edition);
  if (instance.groups.has(key(request.name))) throw groupRefusals.exists(request.name);
  const basic = request.basic === true || /standard/i.test(instance.edition);
  if (basic && request.databases.length > 1) throw groupRefusals.basicLimit(request.name);
  for (const replica of request.replicas) {
    if (!parseEndpointUrl(replica.endpointUrl)) throw groupRefusals.badUrl(replica.endpointUrl);
    if (request.clusterType === 'NONE' && replica.failoverMode !== 'MANUAL') {
      throw groupRefusals.failoverModeForCluster(request.name, replica.failoverMode);
    }
  }
  if (!request.replicas.some((replica) => key(replica.name) === key(instance.serverName))) {
    throw groupRefusals.noLocalReplica(request.name, instance.serverName);
  }
  for (const name of request.databases) {
    const refusal = databaseRefusal(instance, name, request.name);
    if (refusal) throw groupRefusals.createFailed(request.name, refusal);
  }
}

/** Why a database cannot be in an availability group. */
export function databaseRefusal(
  instance: MutableInstance,
  name: string,
  group: string,
): SqlError | undefined {
  if (SYSTEM_DATABASES.has(key(name))) return groupRefusals.systemDatabase(name);
  const copy = instance.databases.get(key(name));
  if (!copy) return groupRefusals.databaseMissing(name);
  if (copy.groupName !== undefined) {
    const same = key(copy.groupName) === key(group);
    return same ? groupRefusals.alreadyMember(copy.name, group) : groupRefusals.otherGroup(copy.name, group);
  }
  if (copy.state === 'RESTORING') return refusals.restoring(copy.name);
  if (copy.state !== 'ONLINE') return groupRefusals.databaseNotOnline(copy.name);
  return optionRefusal(copy);
}

function optionRefusal(copy: DatabaseCopy): SqlError | undefined {
  const { options, name } = copy;
  if (options.readOnly) return groupRefusals.databaseReadOnly(name);
  if (options.autoClose) return groupRefusals.autoClose(name);
  if (options.userAccess !== 'MULTI_USER') return groupRefusals.singleUser(name);
  if (options.recoveryModel !== 'FULL') return groupRefusals.notFull(name);
  return copy.chainFrom === undefined ? groupRefusals.noFullBackup(name) : undefined;
}

export interface DistributedSides {
  readonly local: DistributedMember;
  readonly remote: DistributedMember;
  /** The remote member lies on a managed instance: a link. */
  readonly isLink: boolean;
  /** A link whose initial primary is the instance, in the older documented form. */
  readonly followsInstance: boolean;
}

/** @throws SqlError */
export function checkDistributedGroup(
  state: WorldState,
  instance: MutableInstance,
  request: CreateDistributedGroup,
): DistributedSides {
  requireHadr(instance, 'CREATE AVAILABILITY GROUP');
  const { local, remote, isLink } = membersOf(state, instance, request, request.members[0].name);
  const followsInstance = isLink && namesDatabase(remote.endpointUrl);
  if (followsInstance) checkFollower(instance, local, remote);
  else if (isLink) checkLinkSide(instance, local, remote);
  return { local, remote, isLink, followsInstance };
}

/** JOIN of a distributed group. @throws SqlError */
export function checkJoin(
  state: WorldState,
  instance: MutableInstance,
  request: CreateDistributedGroup,
): DistributedSides {
  requireHadr(instance, 'ALTER AVAILABILITY GROUP');
  const { local, remote, isLink } = membersOf(state, instance, request, request.members[1].name);
  if (isLink) checkFollower(instance, local, remote);
  return { local, remote, isLink, followsInstance: isLink };
}

/** @param expected name of the group that should stand here, for the refusal. @throws SqlError */
function membersOf(
  state: WorldState,
  instance: MutableInstance,
  { name, members }: CreateDistributedGroup,
  expected: string,
): Pick<DistributedSides, 'local' | 'remote' | 'isLink'> {
  if (instance.groups.has(key(name))) throw groupRefusals.exists(name);
  for (const member of members) {
    if (!parseEndpointUrl(member.endpointUrl)) throw groupRefusals.badUrl(member.endpointUrl);
    if (member.failoverMode !== 'MANUAL') throw groupRefusals.automaticOnDistributed();
  }
  const local = members.find((member) => instance.groups.get(key(member.name))?.distributed === false);
  if (!local) throw groupRefusals.unknown(expected);
  const remote = members[0] === local ? members[1] : members[0];
  return { local, remote, isLink: leadsToManagedInstance(state, remote.endpointUrl) };
}

/**
 * The distributed group on the side that leads it: found by name among SQL Servers, by its listener on a managed
 * instance, whose endpoint must accept the connection. Undefined: nobody answers with a configuration.
 */
export function primaryOf(
  state: WorldState,
  instance: MutableInstance,
  request: CreateDistributedGroup,
  { remote, isLink }: DistributedSides,
): MutableGroup | undefined {
  const leads = (one: MutableInstance | undefined): MutableGroup | undefined => {
    const group = one === undefined || one === instance ? undefined : one.groups.get(key(request.name));
    return group?.role === 'PRIMARY' && group.distributed ? group : undefined;
  };
  if (!isLink) return [...state.instances.values()].map(leads).find((group) => group !== undefined);
  const managed = hostOf(state, parseEndpointUrl(remote.endpointUrl)?.host ?? '');
  const { server, database } = listenerParts(remote.endpointUrl);
  const group = leads(managed);
  if (!managed?.managed || !group || key(server ?? '') !== key(managed.name)) return undefined;
  const own = managed.groups.get(key(remote.name));
  const holds = own?.databases.some((name) => key(name) === key(database ?? '')) === true;
  return holds && !connectionProblem(state, instance, managed) ? group : undefined;
}

function checkLinkSide(instance: MutableInstance, local: DistributedMember, remote: DistributedMember): void {
  if (!linkIsPatchedIn(instance.version)) throw linkRefusals.versionUnsupported();
  if (remote.seedingMode !== 'AUTOMATIC') throw linkRefusals.seedingManual();
  if (remote.availabilityMode !== 'ASYNCHRONOUS_COMMIT') throw linkRefusals.syncInitial();
  const databases = instance.groups.get(key(local.name))?.databases.length ?? 0;
  if (databases > 1) throw linkRefusals.tooManyDatabases(local.name);
  if (databases === 0) throw linkRefusals.emptyGroup(local.name);
}

/** The other way round: the group of the SQL Server is empty, and the build knows such links (2022 CU10). */
function checkFollower(instance: MutableInstance, local: DistributedMember, remote: DistributedMember): void {
  if (!linksFromInstance(instance)) throw linkRefusals.versionUnsupported();
  if (local.seedingMode !== 'AUTOMATIC' || remote.seedingMode !== 'AUTOMATIC')
    throw linkRefusals.seedingManual();
  if (local.availabilityMode !== 'ASYNCHRONOUS_COMMIT') throw linkRefusals.syncInitial();
  const databases = instance.groups.get(key(local.name))?.databases.length ?? 0;
  // Which number the server has for it is not published (inferred).
  if (databases > 0)
    throw linkRefusals.generic(
      local.name,
      'the local availability group holds a database, and the managed instance is the initial primary',
    );
}

/** By the host, or by the `;Server=[...]` that only a managed instance's listener has. */
export function leadsToManagedInstance(state: WorldState, url: string): boolean {
  const host = parseEndpointUrl(url)?.host ?? '';
  return hostOf(state, host)?.managed !== undefined || /;\s*Server=\[/i.test(url);
}
