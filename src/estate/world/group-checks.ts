/** What SQL Server refuses when availability groups are made or changed (error tables 1400-1490, 35200-35280, 47500-47523). */
import type { SqlError } from '../sql/errors';
import type { CreateDistributedGroup, CreateGroup, DistributedMember } from './api';
import { linkIsPatchedIn } from './certificates';
import { parseEndpointUrl } from './handshake';
import { hostOf } from './network';
import { groupRefusals, linkRefusals, refusals } from './refusals';
import { type DatabaseCopy, key, type MutableInstance, type WorldState } from './state';

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
}

/** @throws SqlError */
export function checkDistributedGroup(
  state: WorldState,
  instance: MutableInstance,
  request: CreateDistributedGroup,
): DistributedSides {
  requireHadr(instance, 'CREATE AVAILABILITY GROUP');
  if (instance.groups.has(key(request.name))) throw groupRefusals.exists(request.name);
  for (const member of request.members) {
    if (!parseEndpointUrl(member.endpointUrl)) throw groupRefusals.badUrl(member.endpointUrl);
    if (member.failoverMode !== 'MANUAL') throw groupRefusals.automaticOnDistributed();
  }
  const local = request.members.find(
    (member) => instance.groups.get(key(member.name))?.distributed === false,
  );
  if (!local) throw groupRefusals.unknown(request.members[0].name);
  const remote = request.members[0] === local ? request.members[1] : request.members[0];
  const isLink = leadsToManagedInstance(state, remote.endpointUrl);
  if (isLink) checkLinkSide(instance, local, remote);
  return { local, remote, isLink };
}

function checkLinkSide(instance: MutableInstance, local: DistributedMember, remote: DistributedMember): void {
  if (!linkIsPatchedIn(instance.version)) throw linkRefusals.versionUnsupported();
  if (remote.seedingMode !== 'AUTOMATIC') throw linkRefusals.seedingManual();
  if (remote.availabilityMode !== 'ASYNCHRONOUS_COMMIT') throw linkRefusals.syncInitial();
  const databases = instance.groups.get(key(local.name))?.databases.length ?? 0;
  if (databases > 1) throw linkRefusals.tooManyDatabases(local.name);
  if (databases === 0) throw linkRefusals.emptyGroup(local.name);
}

/** By the host, or by the `;Server=[...]` that only a managed instance's listener has. */
export function leadsToManagedInstance(state: WorldState, url: string): boolean {
  const host = parseEndpointUrl(url)?.host ?? '';
  return hostOf(state, host)?.managed !== undefined || /;\s*Server=\[/i.test(url);
}
