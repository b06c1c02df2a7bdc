import type { AzureLinkFacts } from '../../../model/link/azure-link';
import type { ResolvedLink } from '../../../model/link/spec';
import type { Effect } from '../../../model/statement';
import { linkCapabilities } from '../../../rules/link/capability';
import { NeedsPerson } from '../../run/failures';
import { readServerFacts } from '../../sql-server/observe/server';
import { defineLinkStep, type LinkContext, serverEndpointUrl } from '../context';
import { findGroup, throwIfFailedOver } from './groups';

interface LinkState {
  readonly link: AzureLinkFacts | null;
  readonly databaseOnInstance: boolean;
  /** Role of the SQL Server in the distributed group; null when there is none. */
  readonly serverRole: string | null;
  /** Versions and update policy let the link be reversed: Azure calls such a link two-way. */
  readonly canFailBack: boolean;
}

/** `LinkInitError`, `LinkCreationError`, ...: failed for good (troubleshooting page: suffix Error). */
export const isFailedReplicaState = (state: string | null | undefined): boolean => /Error$/.test(state ?? '');

export const createLink = defineLinkStep<LinkState>({
  id: 'instance.link',
  async observe(context) {
    const { ports, clock, signal } = context;
    const [link, instance, server, group] = await Promise.all([
      ports.azure.readLink(context.spec.names.distributedGroup, signal),
      ports.azure.readInstance(signal),
      readServerFacts(ports.server, clock, signal),
      findGroup(context, context.spec.names.distributedGroup),
    ]);
    const wanted = context.spec.settings.database.toLowerCase();
    return {
      link: link ?? null,
      databaseOnInstance: instance.databaseNames.some((name) => name.toLowerCase() === wanted),
      serverRole: group?.localRoleDesc ?? null,
      canFailBack: linkCapabilities(server, instance).operations.failback.available === 'yes',
    };
  },
  settled({ link }) {
    throwIfMultiDatabase(link);
    if (link === null || isFailedReplicaState(link.database?.replicaState)) return undefined;
    return `link ${link.name} exists (${link.database?.replicaState ?? 'starting'})`;
  },
  async effects({ link, canFailBack }, { spec }) {
    const body = {
      database: spec.settings.database,
      partnerAvailabilityGroupName: spec.names.availabilityGroup,
      instanceAvailabilityGroupName: spec.names.instanceAvailabilityGroup,
      partnerEndpoint: serverEndpointUrl(spec),
      instanceLinkRole: 'Secondary',
      failoverMode: canFailBack ? 'Manual' : 'None',
    } as const;
    const put: Effect = {
      kind: 'arm',
      request: { operation: 'put-link', linkName: spec.names.distributedGroup, link: body },
      display: `PUT distributedAvailabilityGroups/${spec.names.distributedGroup} ${JSON.stringify(body)}`,
      undo: `DELETE distributedAvailabilityGroups/${spec.names.distributedGroup}`,
    };
    // A link in an error state is not repaired by another PUT; it is dropped and made again (troubleshooting page).
    return link === null ? [put] : [deleteLink(spec.names.distributedGroup), put];
  },
  async undo(before, now, { spec }, found) {
    if (before.link !== null) return [];
    throwIfMultiDatabase(now.link);
    throwIfFailedOver(now.serverRole, spec);
    if (now.link?.instanceLinkRole?.toUpperCase() === 'PRIMARY') throwIfFailedOver('SECONDARY', spec);
    if (found.link === null) return copyWithoutLink(before, now, spec);
    // Without its link the copy would stay behind on the instance, open for writes.
    const copyIsOurs = !before.databaseOnInstance && (now.link !== null || now.databaseOnInstance);
    return [
      ...(now.link === null ? [] : [deleteLink(spec.names.distributedGroup)]),
      ...(copyIsOurs ? [deleteCopy(spec.settings.database)] : []),
    ];
  },
});

/**
 * Deleting the link by hand is a way to cut over (failover how-to): a copy whose link somebody else deleted may be
 * what the applications use now, and is never deleted.
 */
function copyWithoutLink(before: LinkState, now: LinkState, spec: ResolvedLink): readonly Effect[] {
  if (before.databaseOnInstance || !now.databaseOnInstance) return [];
  const { database, instance } = spec.settings;
  throw new NeedsPerson(
    'CopyWithoutLink',
    `the link is gone, and ${database} stays on ${instance}: whoever deleted the link may use the copy`,
    `drop ${database} on ${instance} if no application uses it`,
  );
}

/** A link of several databases is a preview that nothing here drives: it is never changed. @throws NeedsPerson */
export function throwIfMultiDatabase(link: AzureLinkFacts | null | undefined): void {
  if (link?.isMultiDatabase !== true) return;
  throw new NeedsPerson(
    'LinkOfSeveralDatabases',
    `link ${link.name} has several databases (linkMode MultiDatabase)`,
    'set link.name to an unused name; such a link is not touched',
  );
}

interface LinkExists {
  readonly exists: boolean;
}

/** On 2016 to 2019 deleting the link is the cutover: both copies become independent (failover how-to). */
export const deleteLinkToCutOver = defineLinkStep<LinkExists>({
  id: 'instance.delete-link-to-cut-over',
  observe: linkExists,
  assume: () => ({ exists: true }),
  settled: linkIsGone,
  effects: async (_facts, { spec }) => [deleteLink(spec.names.distributedGroup)],
});

export const removeLink = defineLinkStep<LinkExists>({
  id: 'instance.remove-link',
  observe: linkExists,
  assume: () => ({ exists: true }),
  settled: linkIsGone,
  effects: async (_facts, { spec }) => [deleteLink(spec.names.distributedGroup)],
});

async function linkExists(context: LinkContext): Promise<LinkExists> {
  const link = await context.ports.azure.readLink(context.spec.names.distributedGroup, context.signal);
  throwIfMultiDatabase(link);
  return { exists: link !== undefined };
}

function linkIsGone({ exists }: LinkExists, { spec }: LinkContext): string | undefined {
  return exists ? undefined : `Azure has no link ${spec.names.distributedGroup}`;
}

export const deleteLink = (linkName: string): Effect => ({
  kind: 'arm',
  request: { operation: 'delete-link', linkName },
  display: `DELETE distributedAvailabilityGroups/${linkName}`,
});

const deleteCopy = (database: string): Effect => ({
  kind: 'arm',
  request: { operation: 'delete-database', database },
  display: `DELETE databases/${database}`,
});
