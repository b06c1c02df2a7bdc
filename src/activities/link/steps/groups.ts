import type { ResolvedLink } from '../../../model/link/spec';
import type { AvailabilityGroupFacts } from '../../../model/sql-server/observation';
import { clusterTypeClause } from '../../../rules/link/cluster-type';
import { otherLinks } from '../../../rules/link/other-links';
import { sameName } from '../../../rules/names';
import {
  createAvailabilityGroup,
  createDistributedAvailabilityGroup,
  dropAvailabilityGroup,
  instanceListenerUrl,
} from '../../../tsql/link/availability-groups';
import { groupAvailabilityGroups, readAvailabilityGroups } from '../../../tsql/queries/availability-groups';
import { readServer } from '../../../tsql/queries/server';
import { NeedsPerson } from '../../run/failures';
import { defineLinkStep, type LinkContext, ownEndpointUrl, queryServer, serverEndpointUrl } from '../context';

interface GroupState {
  readonly serverName: string;
  readonly productVersion: string;
  readonly group: AvailabilityGroupFacts | null;
}

export const availabilityGroup = defineLinkStep<GroupState>({
  id: 'server.availability-group',
  observe: (context) => observeGroup(context, context.spec.names.availabilityGroup),
  settled({ group }, { spec }) {
    if (group === null) return undefined;
    const holdsOnlyThis =
      group.databases.length === 1 &&
      group.databases[0]?.toLowerCase() === spec.settings.database.toLowerCase();
    if (!group.isDistributed && holdsOnlyThis)
      return `availability group ${group.name} holds ${spec.settings.database}`;
    throw new NeedsPerson(
      'AvailabilityGroupNameTaken',
      `an availability group ${group.name} exists with the databases [${group.databases.join(', ')}]`,
      'set link.availabilityGroup in the migration to an unused name, or drop that group if it is a leftover',
    );
  },
  async effects({ serverName, productVersion }, { spec }) {
    const name = spec.names.availabilityGroup;
    if (spec.replicas !== undefined) {
      throw new NeedsPerson(
        'AvailabilityGroupMissing',
        `there is no availability group ${name}; a run makes none with several replicas`,
        'create it with its replicas and its listener, or take link.replicas out of the migration',
      );
    }
    const statement = createAvailabilityGroup({
      name,
      database: spec.settings.database,
      serverName,
      endpointUrl: ownEndpointUrl(spec),
      clusterType: clusterTypeClause(productVersion),
    });
    return [
      {
        kind: 'tsql',
        on: 'server',
        statement,
        undo: dropAvailabilityGroup(name).display,
        deadlineMs: 180_000,
      },
    ];
  },
  undo: dropIfMade,
});

export const distributedAvailabilityGroup = defineLinkStep<GroupState & { readonly instanceUrl: string }>({
  id: 'server.distributed-availability-group',
  async observe(context) {
    const [state, instance] = await Promise.all([
      observeGroup(context, context.spec.names.distributedGroup),
      context.ports.azure.readInstance(context.signal),
    ]);
    const instanceUrl = instanceListenerUrl(instance.fullyQualifiedDomainName, instance.name);
    return { ...state, instanceUrl };
  },
  settled({ group }, { spec }) {
    if (group === null) return undefined;
    const members = group.replicas.map((replica) => replica.name.toLowerCase());
    const wanted = [spec.names.availabilityGroup, spec.names.instanceAvailabilityGroup];
    if (group.isDistributed && wanted.every((name) => members.includes(name.toLowerCase()))) {
      return `distributed availability group ${group.name} joins ${wanted.join(' and ')}`;
    }
    throw new NeedsPerson(
      'AvailabilityGroupNameTaken',
      `a group ${group.name} exists with the members [${members.join(', ')}]`,
      'set link.name in the migration to an unused name, or drop that group if it is a leftover',
    );
  },
  async effects({ instanceUrl }, { spec }) {
    const statement = createDistributedAvailabilityGroup({
      name: spec.names.distributedGroup,
      availabilityGroup: spec.names.availabilityGroup,
      serverUrl: serverEndpointUrl(spec),
      instanceAvailabilityGroup: spec.names.instanceAvailabilityGroup,
      instanceUrl,
    });
    const undo = dropAvailabilityGroup(spec.names.distributedGroup).display;
    return [{ kind: 'tsql', on: 'server', statement, undo, deadlineMs: 180_000 }];
  },
  undo: dropIfMade,
});

export const dropDistributedAvailabilityGroup = defineDrop(
  'server.drop-distributed-availability-group',
  'distributedGroup',
);
export const dropLocalAvailabilityGroup = defineDrop('server.drop-availability-group', 'availabilityGroup');

function defineDrop(id: string, which: 'distributedGroup' | 'availabilityGroup') {
  return defineLinkStep<{ readonly exists: boolean; readonly otherLinks?: readonly string[] }>({
    id,
    async observe(context) {
      const { names } = context.spec;
      const groups = await readGroups(context);
      const exists = groups.some(({ name }) => sameName(name, names[which]));
      const others = which === 'availabilityGroup' ? otherLinks(groups, names) : [];
      return { exists, ...(others.length === 0 ? {} : { otherLinks: others }) };
    },
    assume: (seen) => ({ ...seen, exists: true }),
    settled({ exists, otherLinks: others }, { spec }) {
      if (!exists) return `there is no group ${spec.names[which]}`;
      return others === undefined ? undefined : `${spec.names[which]} stays: ${others.join(', ')} uses it`;
    },
    async effects(_facts, { spec }) {
      return [{ kind: 'tsql', on: 'server', statement: dropAvailabilityGroup(spec.names[which]) }];
    },
  });
}

async function dropIfMade(before: GroupState, now: GroupState, context: LinkContext) {
  if (before.group !== null || now.group === null) return [];
  const { names } = context.spec;
  const groups = await readGroups(context);
  const link = groups.find(({ name }) => sameName(name, names.distributedGroup));
  throwIfFailedOver(link?.localRoleDesc ?? null, context.spec);
  const others = sameName(now.group.name, names.availabilityGroup) ? otherLinks(groups, names) : [];
  if (others.length > 0) {
    throw new NeedsPerson(
      'AvailabilityGroupInUse',
      `${now.group.name} stays for ${others.join(', ')}`,
      'drop it by hand once no link uses it',
    );
  }
  return [{ kind: 'tsql' as const, on: 'server' as const, statement: dropAvailabilityGroup(now.group.name) }];
}

/**
 * Undoing is for a SQL Server that is still the primary. Once somebody failed over, the copy on the instance is the database.
 * @throws NeedsPerson when the SQL Server is SECONDARY of the link
 */
export function throwIfFailedOver(serverRole: string | null, { settings }: ResolvedLink): void {
  if (serverRole !== 'SECONDARY') return;
  throw new NeedsPerson(
    'InstanceIsPrimary',
    `${settings.instance} is the primary of ${settings.database} now, by a failover that this run did not make`,
    'link, groups and copy are left as they are; remove by hand what is not needed, the link first',
  );
}

async function observeGroup(context: LinkContext, name: string): Promise<GroupState> {
  const [[server], group] = await Promise.all([queryServer(context, readServer()), findGroup(context, name)]);
  return { serverName: server?.serverName ?? '', productVersion: server?.productVersion ?? '', group };
}

export async function findGroup(context: LinkContext, name: string): Promise<AvailabilityGroupFacts | null> {
  return (await readGroups(context)).find((group) => sameName(group.name, name)) ?? null;
}

const readGroups = async (context: LinkContext): Promise<readonly AvailabilityGroupFacts[]> =>
  groupAvailabilityGroups(await queryServer(context, readAvailabilityGroups()));
