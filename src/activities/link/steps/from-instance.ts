/**
 * Steps of a link whose initial primary is the managed instance: on the SQL Server a group without a database, which
 * joins what the instance leads. The newer documented statement (ALTER ... JOIN) is the one that is sent: it reads the
 * configuration from the instance, so that a wrong name fails here and not minutes later. A distributed group that the
 * older form (CREATE ... WITH (DISTRIBUTED)) left behind is as good, and is accepted.
 */
import type { AzureLinkFacts } from '../../../model/link/azure-link';
import type { ResolvedLink } from '../../../model/link/spec';
import type { AvailabilityGroupFacts } from '../../../model/sql-server/observation';
import type { Effect, Statement } from '../../../model/statement';
import { includesName, sameName } from '../../../rules/names';
import { dropDatabase } from '../../../tsql/databases';
import {
  createEmptyAvailabilityGroup,
  dropAvailabilityGroup,
  grantCreateAnyDatabase,
  joinDistributedAvailabilityGroup,
  leadingInstanceListenerUrl,
  setSecondaryConnections,
} from '../../../tsql/link/availability-groups';
import { type FollowingCopyRow, readFollowingCopy } from '../../../tsql/queries/link/following-copy';
import { readSecondaryRole } from '../../../tsql/queries/link/secondary-role';
import { readServer } from '../../../tsql/queries/server';
import { FactMissing, NeedsPerson } from '../../run/failures';
import { defineLinkStep, type LinkContext, queryServer, serverEndpointUrl } from '../context';
import { findGroup } from './groups';
import { deleteLink, isFailedReplicaState, throwIfMultiDatabase } from './link';

const GROUP_DEADLINE_MS = 180_000;
/** The server waits for the configuration of the instance by itself, and gives up (47106). */
const JOIN_DEADLINE_MS = 60_000;

const onServer = (statement: Statement, undo?: string, deadlineMs = GROUP_DEADLINE_MS): Effect => ({
  kind: 'tsql',
  on: 'server',
  statement,
  ...(undo === undefined ? {} : { undo }),
  deadlineMs,
});

interface EmptyGroupState {
  readonly serverName: string;
  readonly group: AvailabilityGroupFacts | null;
  readonly copy: FollowingCopyRow;
  /** Role of this server in the distributed group; null when there is none. */
  readonly linkRole: string | null;
}

export const emptyAvailabilityGroup = defineLinkStep<EmptyGroupState>({
  id: 'server.empty-availability-group',
  async observe(context) {
    const { names, settings } = context.spec;
    const [serverName, group, [copy], link] = await Promise.all([
      ownName(context),
      findGroup(context, names.availabilityGroup),
      queryServer(context, readFollowingCopy(settings.database)),
      findGroup(context, names.distributedGroup),
    ]);
    return {
      serverName,
      group,
      copy: copy ?? { stateDesc: null, groupName: null },
      linkRole: link?.localRoleDesc ?? null,
    };
  },
  settled({ group, serverName }, { spec }) {
    if (group === null) return undefined;
    const { database } = spec.settings;
    const isOurs =
      !group.isDistributed &&
      group.databases.every((name) => sameName(name, database)) &&
      group.replicas.every(({ name }) => sameName(name, serverName));
    if (isOurs)
      return `availability group ${group.name} ${group.databases.length === 0 ? 'holds no database yet' : `holds the copy of ${database}`}`;
    throw new NeedsPerson(
      'AvailabilityGroupNameTaken',
      `an availability group ${group.name} exists with the databases [${group.databases.join(', ')}]`,
      'set link.availabilityGroup in the migration to an unused name, or drop that group if it is a leftover',
    );
  },
  async effects({ serverName, copy }, { spec }) {
    const { database, server } = spec.settings;
    if (copy.stateDesc !== null) {
      throw new NeedsPerson(
        'DatabaseOnServer',
        `${server} has a database ${database} already, ${copy.stateDesc}: the copy of the instance cannot take its place`,
        `drop or rename ${database} on ${server} if it is not needed, then resume`,
      );
    }
    const name = spec.names.availabilityGroup;
    const endpointUrl = serverEndpointUrl(spec);
    return [
      onServer(
        createEmptyAvailabilityGroup({ name, serverName, endpointUrl }),
        `${dropAvailabilityGroup(name).display} then, of a copy that the link made: ${dropDatabase(database).display}`,
      ),
    ];
  },
  async undo(before, now, { spec }, found) {
    if (before.group !== null) return [];
    throwIfServerLeads(now.linkRole, spec);
    const { database, server } = spec.settings;
    const cameBySeeding =
      before.copy.stateDesc === null && sameName(found.copy.groupName ?? '', groupOf(spec));
    const isThere = now.copy.stateDesc !== null && cameBySeeding;
    if (isThere && now.copy.stateDesc !== 'RESTORING') {
      throw new NeedsPerson(
        'CopyInUse',
        `the copy of ${database} on ${server} is ${now.copy.stateDesc}, not RESTORING: somebody may use it`,
        `drop ${database} and the availability group ${groupOf(spec)} on ${server} if nobody does`,
      );
    }
    return [
      ...(now.group === null ? [] : [onServer(dropAvailabilityGroup(now.group.name))]),
      ...(isThere ? [onServer(dropDatabase(database))] : []),
    ];
  },
});

/** Nothing shows whether it was granted: it is granted again whenever asked, which changes nothing. */
export const grantCreateDatabase = defineLinkStep<{ readonly group: string }>({
  id: 'server.grant-create-database',
  always: true,
  observe: async ({ spec }) => ({ group: groupOf(spec) }),
  settled: () => undefined,
  effects: async ({ group }) => [onServer(grantCreateAnyDatabase(group))],
});

interface SecondaryRoleState {
  readonly serverName: string;
  /** Null while there is no such group. */
  readonly connections: string | null;
}

export const readableSecondary = defineLinkStep<SecondaryRoleState>({
  id: 'server.readable-secondary',
  async observe(context) {
    const [serverName, [role]] = await Promise.all([
      ownName(context),
      queryServer(context, readSecondaryRole(groupOf(context.spec))),
    ]);
    return { serverName, connections: role?.connections ?? null };
  },
  settled: ({ connections }) => (connections === 'ALL' ? 'the secondary can be read by all' : undefined),
  async effects({ serverName }, { spec }) {
    const name = groupOf(spec);
    const undo = setSecondaryConnections({ name, serverName, connections: 'NO' }).display;
    return [onServer(setSecondaryConnections({ name, serverName, connections: 'ALL' }), undo)];
  },
  async undo(before, now, { spec }) {
    const earlier = before.connections;
    if (now.connections !== 'ALL' || (earlier !== 'NO' && earlier !== 'READ_ONLY')) return [];
    const { serverName } = now;
    return [onServer(setSecondaryConnections({ name: groupOf(spec), serverName, connections: earlier }))];
  },
});

interface LeadingLinkState {
  readonly link: AzureLinkFacts | null;
}

/**
 * The instance's side of the link. It comes before the JOIN, although the how-to lists it last: the JOIN asks the
 * instance for a configuration that only this request makes, and Azure refuses here what it will not have, before
 * anything on the SQL Server belongs to a link.
 */
export const createLinkFromInstance = defineLinkStep<LeadingLinkState>({
  id: 'instance.link-from-instance',
  observe: async ({ ports, spec, signal }) => ({
    link: (await ports.azure.readLink(spec.names.distributedGroup, signal)) ?? null,
  }),
  settled({ link }) {
    throwIfMultiDatabase(link);
    if (link === null || isFailedReplicaState(link.database?.replicaState)) return undefined;
    return `link ${link.name} exists (${link.database?.replicaState ?? 'starting'})`;
  },
  async effects({ link }, { spec }) {
    const { names, settings } = spec;
    const body = {
      database: settings.database,
      partnerAvailabilityGroupName: names.availabilityGroup,
      instanceAvailabilityGroupName: names.instanceAvailabilityGroup,
      partnerEndpoint: serverEndpointUrl(spec),
      instanceLinkRole: 'Primary',
      // One that the instance leads is two-way: the update policy matches, or Azure refuses it (41988).
      failoverMode: 'Manual',
    } as const;
    const put: Effect = {
      kind: 'arm',
      request: { operation: 'put-link', linkName: names.distributedGroup, link: body },
      display: `PUT distributedAvailabilityGroups/${names.distributedGroup} ${JSON.stringify(body)}`,
      undo: `DELETE distributedAvailabilityGroups/${names.distributedGroup}`,
    };
    return link === null ? [put] : [deleteLink(names.distributedGroup), put];
  },
  async undo(before, now, { spec }) {
    // A link that had failed before is nothing to keep: with it no JOIN would ever be tried again.
    const stoodBefore = before.link !== null && !isFailedReplicaState(before.link.database?.replicaState);
    if (stoodBefore || now.link === null) return [];
    throwIfMultiDatabase(now.link);
    // The database stays where it is, on the instance.
    if (now.link.partnerLinkRole?.toUpperCase() === 'PRIMARY') throwIfServerLeads('PRIMARY', spec);
    return [deleteLink(spec.names.distributedGroup)];
  },
});

interface JoinState {
  readonly group: AvailabilityGroupFacts | null;
  readonly instanceUrl: string;
}

export const joinDistributedGroup = defineLinkStep<JoinState>({
  id: 'server.join-distributed-availability-group',
  async observe(context) {
    const { names, settings } = context.spec;
    const [group, instance] = await Promise.all([
      findGroup(context, names.distributedGroup),
      context.ports.azure.readInstance(context.signal),
    ]);
    const { fullyQualifiedDomainName, name } = instance;
    const instanceUrl = leadingInstanceListenerUrl(fullyQualifiedDomainName, name, settings.database);
    return { group, instanceUrl };
  },
  settled({ group }, { spec }) {
    if (group === null || isLeftover(group)) return undefined;
    const members = group.replicas.map(({ name }) => name);
    const wanted = [spec.names.availabilityGroup, spec.names.instanceAvailabilityGroup];
    if (group.isDistributed && wanted.every((name) => includesName(members, name)))
      return `distributed availability group ${group.name} joins ${wanted.join(' and ')}`;
    throw new NeedsPerson(
      'AvailabilityGroupNameTaken',
      `a group ${group.name} exists with the members [${members.join(', ')}]`,
      'set link.name in the migration to an unused name, or drop that group if it is a leftover',
    );
  },
  async effects({ group, instanceUrl }, { spec }) {
    const { names } = spec;
    const statement = joinDistributedAvailabilityGroup({
      name: names.distributedGroup,
      availabilityGroup: names.availabilityGroup,
      serverUrl: serverEndpointUrl(spec),
      instanceAvailabilityGroup: names.instanceAvailabilityGroup,
      instanceUrl,
    });
    const drop = dropAvailabilityGroup(names.distributedGroup);
    return [...(group === null ? [] : [onServer(drop)]), onServer(statement, drop.display, JOIN_DEADLINE_MS)];
  },
  async undo(before, now, { spec }) {
    if (before.group !== null || now.group === null) return [];
    throwIfServerLeads(now.group.localRoleDesc, spec);
    return [onServer(dropAvailabilityGroup(now.group.name))];
  },
});

/** What a JOIN leaves that failed and was not rolled back (41159): a group without members (inferred). */
const isLeftover = ({ isDistributed, replicas }: AvailabilityGroupFacts): boolean =>
  isDistributed && replicas.length === 0;

/**
 * Undoing is for a link that the instance still leads. Once somebody failed over, the copy on the SQL Server is the
 * database.
 * @throws NeedsPerson
 */
function throwIfServerLeads(serverRole: string | null, { settings }: ResolvedLink): void {
  if (serverRole !== 'PRIMARY') return;
  throw new NeedsPerson(
    'ServerIsPrimary',
    `${settings.server} is the primary of ${settings.database} now, by a failover that this run did not make`,
    'link, groups and copies are left as they are; remove by hand what is not needed, the link first',
  );
}

const groupOf = (spec: ResolvedLink): string => spec.names.availabilityGroup;

async function ownName(context: LinkContext): Promise<string> {
  const [server] = await queryServer(context, readServer());
  if (server === undefined) throw new FactMissing(context.ports.server.name, 'its properties');
  return server.serverName;
}
