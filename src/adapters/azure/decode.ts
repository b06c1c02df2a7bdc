/** From ARM's JSON to facts. What is absent becomes null; unknown enum values stay as they came (promise 12). */
import type { AzureLinkFacts } from '../../model/link/azure-link';
import { parseLsn } from '../../model/sql-server/lsn';
import type { ManagedInstanceFacts, TrustCertificateFacts } from '../../model/sql-server/observation';
import { isRecord } from './failures';
import { type InstanceResource, sameResource } from './resource-id';

type Json = Readonly<Record<string, unknown>>;

const record = (value: unknown): Json => (isRecord(value) ? value : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const orNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const properties = (resource: unknown): Json => record(record(resource).properties);

/** Documented as strings; a number would have lost digits already, so it is taken only while it is exact. */
function lsnText(value: unknown): string | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : null;
  return orNull(value);
}

export const nameOf = (resource: unknown): string => text(record(resource).name);

export interface InstanceSurroundings {
  readonly observedAt: string;
  readonly distributedGroupNames: readonly string[];
  readonly databases: readonly unknown[];
  /** Instance failover groups of the instance's region; undefined when they could not be read. */
  readonly failoverGroups: readonly unknown[] | undefined;
}

export function decodeInstance(
  resource: unknown,
  instance: InstanceResource,
  around: InstanceSurroundings,
): ManagedInstanceFacts {
  const own = record(resource);
  const values = properties(resource);
  return {
    observedAt: around.observedAt,
    resourceId: text(own.id) || instance.resourceId,
    name: text(own.name) || instance.managedInstanceName,
    location: text(own.location),
    fullyQualifiedDomainName: text(values.fullyQualifiedDomainName),
    state: text(values.state),
    provisioningState: text(values.provisioningState),
    tier: text(record(own.sku).tier),
    collation: text(values.collation),
    databaseFormat: orNull(values.databaseFormat),
    storageSizeGb: typeof values.storageSizeInGB === 'number' ? values.storageSizeInGB : 0,
    distributedGroupNames: around.distributedGroupNames,
    databaseNames: around.databases.map(nameOf),
    isInFailoverGroup: isInFailoverGroup(instance, around),
  };
}

function isInFailoverGroup(instance: InstanceResource, around: InstanceSurroundings): boolean {
  // Databases of a group carry its id (ManagedDatabase.failoverGroupId), also where groups cannot be listed.
  if (around.databases.some((database) => orNull(properties(database).failoverGroupId) !== null)) return true;
  return (around.failoverGroups ?? []).some((group) => hasInstance(group, instance.resourceId));
}

function hasInstance(group: unknown, resourceId: string): boolean {
  const pairs = properties(group).managedInstancePairs;
  if (!Array.isArray(pairs)) return false;
  return pairs
    .map(record)
    .some((pair) =>
      [pair.primaryManagedInstanceId, pair.partnerManagedInstanceId].some((id) =>
        sameResource(text(id), resourceId),
      ),
    );
}

/** `name` is the one that was asked for: a link's own id and name are not always its own (recorded in 2024). */
export function decodeLink(resource: unknown, name: string, observedAt: string): AzureLinkFacts {
  const values = properties(resource);
  return {
    observedAt,
    name: orNull(values.distributedAvailabilityGroupName) ?? name,
    instanceLinkRole: orNull(values.instanceLinkRole),
    partnerLinkRole: orNull(values.partnerLinkRole),
    partnerAvailabilityGroupName: orNull(values.partnerAvailabilityGroupName),
    instanceAvailabilityGroupName: orNull(values.instanceAvailabilityGroupName),
    partnerEndpoint: orNull(values.partnerEndpoint),
    replicationMode: orNull(values.replicationMode),
    ...(isMultiDatabase(values) ? { isMultiDatabase: true as const } : {}),
    database: decodeLinkDatabase(values.databases),
  };
}

/** linkMode came with api-version 2025-08-01-preview; an older one shows such a link by its databases. */
const isMultiDatabase = ({ linkMode, databases }: Json): boolean =>
  text(linkMode).toLowerCase() === 'multidatabase' || (Array.isArray(databases) && databases.length > 1);

/** A link has one database in the api-version used here; for some seconds after its creation it shows none. */
function decodeLinkDatabase(databases: unknown): AzureLinkFacts['database'] {
  if (!Array.isArray(databases) || databases.length === 0) return null;
  const first = record(databases[0]);
  return {
    name: text(first.databaseName),
    replicaState: orNull(first.replicaState),
    synchronizationHealth: orNull(first.synchronizationHealth),
    connectedState: orNull(first.connectedState),
    seedingProgress: orNull(first.seedingProgress),
    mostRecentLinkError: orNull(first.mostRecentLinkError),
    lastHardenedLsn: parseLsn(lsnText(first.lastHardenedLsn)) ?? null,
  };
}

export const decodeTrustCertificate = (resource: unknown): TrustCertificateFacts => ({
  name: orNull(properties(resource).certificateName) ?? nameOf(resource),
  thumbprint: withoutPrefix(text(properties(resource).thumbprint)).toUpperCase(),
});

/** @returns hexadecimal without 0x; undefined when the answer holds none. */
export function decodePublicBlob(resource: unknown): string | undefined {
  const blob = withoutPrefix(text(properties(resource).publicBlob));
  return /^([0-9a-f]{2})+$/i.test(blob) ? blob : undefined;
}

const withoutPrefix = (hex: string): string => hex.replace(/^0x/i, '');

export interface Page {
  readonly items: readonly unknown[];
  readonly nextLink: string | undefined;
}

export function decodePage(body: unknown): Page {
  const { value, nextLink } = record(body);
  return { items: Array.isArray(value) ? value : [], nextLink: orNull(nextLink) ?? undefined };
}
