import { groupMembers } from '../../model/link/replicas';
import type { ResolvedLink } from '../../model/link/spec';
import type { GroupFacts, GroupListenerFacts, GroupMemberFacts } from '../../model/sql-server/group-facts';
import { SqlServerFailure } from '../../ports/failures';
import type { LinkPorts } from '../../ports/link-ports';
import type { SqlServerPort } from '../../ports/sql-server';
import {
  type GroupListenerRow,
  readGroupListeners,
  readGroupRole,
} from '../../tsql/queries/availability-groups';
import { readFullBackup } from '../../tsql/queries/backups';
import { readEndpoints } from '../../tsql/queries/endpoints';
import { readLinkMode, readServer } from '../../tsql/queries/server';
import { FactMissing } from '../run/failures';
import { withSignal } from '../sql-server/observe/reading';

/** An availability group that exists, with its listeners and the replicas that the migration names. Only reads. */
export async function readGroupFacts(
  ports: LinkPorts,
  spec: ResolvedLink,
  signal?: AbortSignal,
): Promise<GroupFacts> {
  const options = withSignal(signal);
  const [[mode], listeners, link, members] = await Promise.all([
    ports.server.query(readLinkMode(), options),
    ports.server.query(readGroupListeners(), options),
    ports.azure.readLink(spec.names.distributedGroup, signal),
    Promise.all(groupMembers(spec).map(({ name }) => readMember(ports, spec, name, signal))),
  ]);
  return {
    multiDatabase: mode?.multiDatabase ?? null,
    listeners: collectListeners(listeners),
    members,
    isMultiDatabase: link?.isMultiDatabase ?? false,
  };
}

/** A replica that does not answer is a finding, not a failure of the reading. */
async function readMember(
  ports: LinkPorts,
  spec: ResolvedLink,
  name: string,
  signal: AbortSignal | undefined,
): Promise<GroupMemberFacts> {
  const port = ports.group?.members.get(name);
  if (port === undefined) return { name, server: null, problem: 'no connection was opened to it' };
  try {
    return { name, server: await readReplica(port, spec, signal), problem: null };
  } catch (error) {
    if (!(error instanceof SqlServerFailure)) throw error;
    return { name, server: null, problem: error.message };
  }
}

async function readReplica(
  port: SqlServerPort,
  { settings, names }: ResolvedLink,
  signal: AbortSignal | undefined,
): Promise<NonNullable<GroupMemberFacts['server']>> {
  const options = withSignal(signal);
  const [[server], [mode], [endpoint], [role], [backup]] = await Promise.all([
    port.query(readServer(), options),
    port.query(readLinkMode(), options),
    port.query(readEndpoints(), options),
    port.query(readGroupRole(names.availabilityGroup), options),
    port.query(readFullBackup(settings.database), options),
  ]);
  if (server === undefined) throw new FactMissing(port.name, 'its properties');
  const { serverName, productVersion, isSysadmin, hasMasterKey, canTrustCertificateIssuers } = server;
  return {
    serverName,
    productVersion,
    isSysadmin,
    hasMasterKey,
    canTrustCertificateIssuers,
    multiDatabase: mode?.multiDatabase ?? null,
    endpoint: endpoint ?? null,
    roleDesc: role === undefined ? null : (role.roleDesc ?? 'RESOLVING'),
    lastFullBackupAt: backup?.finishedAt ?? null,
  };
}

function collectListeners(rows: readonly GroupListenerRow[]): readonly GroupListenerFacts[] {
  const found = new Map<string, GroupListenerFacts>();
  for (const { group, dnsName, address } of rows) {
    const key = JSON.stringify([group, dnsName]);
    const known = found.get(key)?.addresses ?? [];
    found.set(key, { group, dnsName, addresses: address === null ? known : [...known, address] });
  }
  return [...found.values()];
}
