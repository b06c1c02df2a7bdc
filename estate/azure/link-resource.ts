/** Shows a link of the world as the resource that each api-version has for it. Absent values are left out [R]. */
import type {
  DatabaseReplicaStateRow,
  Link,
  ReplicationProgress,
  SynchronizationHealth,
} from '../world/model';
import type { EstateParts } from '../world/world';
import type { ManagedInstance } from './context';
import { instant } from './operations';
import { hasLinkMode, linkModelOf } from './versions';

const TYPE = 'Microsoft.Sql/managedInstances/distributedAvailabilityGroups';

export interface LinkView {
  readonly link: Link;
  readonly target: ManagedInstance;
  /** False until the databases of a new link are listed, some seconds after its PUT succeeded [R]. */
  readonly databasesVisible: boolean;
}

export function renderLink(world: EstateParts, view: LinkView, apiVersion: string): unknown {
  const { link, target } = view;
  const properties =
    linkModelOf(apiVersion) === 'old' ? oldModel(world, view) : newModel(world, view, apiVersion);
  return {
    properties,
    id: `${target.managed.resourceId}/distributedAvailabilityGroups/${link.name}`,
    name: link.name,
    type: TYPE,
  };
}

function newModel(world: EstateParts, view: LinkView, apiVersion: string): unknown {
  const { link } = view;
  const identity = {
    distributedAvailabilityGroupName: link.name,
    distributedAvailabilityGroupId: link.id.toLowerCase(),
    partnerLinkRole: link.partnerLinkRole,
    partnerAvailabilityGroupName: link.partnerAvailabilityGroupName,
    instanceLinkRole: link.instanceLinkRole,
    instanceAvailabilityGroupName: link.instanceAvailabilityGroupName,
    seedingMode: link.seedingMode,
    ...(hasLinkMode(apiVersion) ? { linkMode: 'SingleDatabase' } : {}),
  };
  // [R] right after the PUT the answer lacks databases, partnerEndpoint, replicationMode and failoverMode.
  if (!view.databasesVisible) return identity;
  return {
    ...identity,
    replicationMode: link.replicationMode,
    partnerEndpoint: link.partnerEndpoint,
    failoverMode: link.failoverMode,
    databases: [databaseOf(world, view)],
  };
}

function oldModel(world: EstateParts, { link, target }: LinkView): unknown {
  const progress = world.links.replication(target.instance.name, link.name);
  return {
    targetDatabase: link.databaseName,
    sourceEndpoint: link.partnerEndpoint,
    primaryAvailabilityGroupName: link.partnerAvailabilityGroupName,
    secondaryAvailabilityGroupName: link.instanceAvailabilityGroupName,
    replicationMode: link.replicationMode,
    distributedAvailabilityGroupId: link.id.toLowerCase(),
    sourceReplicaId: link.partnerReplicaId.toLowerCase(),
    targetReplicaId: link.instanceReplicaId.toLowerCase(),
    linkState: link.state,
    ...(progress === undefined ? {} : { lastHardenedLsn: progress.hardenedLsn.toString() }),
  };
}

function databaseOf(world: EstateParts, { link, target }: LinkView): unknown {
  const progress = world.links.replication(target.instance.name, link.name);
  const seeding = seedingProgress(world, link);
  return {
    databaseName: link.databaseName,
    instanceReplicaId: link.instanceReplicaId.toLowerCase(),
    partnerReplicaId: link.partnerReplicaId.toLowerCase(),
    replicaState: link.state,
    ...(seeding === undefined ? {} : { seedingProgress: seeding }),
    synchronizationHealth: health(world, link, progress),
    connectedState: link.connection.state,
    ...(progress === undefined ? {} : positions(link, progress)),
    ...lastLogBackup(world, link),
    ...(link.mostRecentError === undefined ? {} : { mostRecentLinkError: link.mostRecentError }),
    partnerAuthCertValidity: partnerCertificate(world, link, target),
  };
}

/** [R] lastReceived* while the instance is secondary; lastSent* and lastCommitLsn "0" while it is primary. */
function positions(link: Link, progress: ReplicationProgress): Record<string, unknown> {
  const hardened = {
    lastHardenedLsn: progress.hardenedLsn.toString(),
    ...time('lastHardenedTime', progress.lastHardenedTime),
  };
  if (link.instanceLinkRole === 'Primary')
    return {
      lastSentLsn: progress.sentLsn.toString(),
      ...time('lastSentTime', progress.lastSentTime),
      lastCommitLsn: '0',
      ...hardened,
      instanceSendReplicationLagSeconds: Math.round(progress.lagSeconds),
      instanceRedoReplicationLagSeconds: Math.round(progress.lagSeconds),
    };
  return {
    lastReceivedLsn: progress.sentLsn.toString(),
    ...time('lastReceivedTime', progress.lastSentTime),
    lastCommitLsn: progress.lastCommitLsn.toString(),
    ...time('lastCommitTime', progress.lastCommitTime),
    ...hardened,
  };
}

const time = (key: string, ms: number | undefined): Record<string, string> =>
  ms === undefined ? {} : { [key]: instant(ms) };

/** A string in the specification, its form is not documented: whole percents (inferred). */
function seedingProgress(world: EstateParts, link: Link): string | undefined {
  const streaming = world.links
    .physicalSeeding(link.managedInstance)
    .find((row) => same(row.localDatabaseName, link.databaseName));
  if (streaming === undefined) return link.seeding?.state === 'COMPLETED' ? '100' : undefined;
  const share = streaming.databaseBytes === 0 ? 0 : streaming.transferredBytes / streaming.databaseBytes;
  return String(Math.min(100, Math.floor(share * 100)));
}

/** While it is seeded, and while the partners are apart, the database is not kept in step (inferred). */
function health(
  world: EstateParts,
  link: Link,
  progress: ReplicationProgress | undefined,
): SynchronizationHealth {
  if (!link.seeded || link.connection.state === 'DISCONNECTED') return 'NOT_HEALTHY';
  return localRow(world, link)?.synchronizationHealth ?? (progress?.running ? 'HEALTHY' : 'NOT_HEALTHY');
}

function localRow(world: EstateParts, link: Link): DatabaseReplicaStateRow | undefined {
  return world.groups
    .databaseReplicaStates(link.managedInstance)
    .find((row) => row.isLocal && !row.distributed && same(row.databaseName, link.databaseName));
}

function lastLogBackup(world: EstateParts, link: Link): Record<string, string> {
  const primary = link.instanceLinkRole === 'Primary' ? link.managedInstance : link.sqlServer;
  const backup =
    primary === undefined
      ? undefined
      : world.instances
          .find(primary)
          ?.backups.findLast((each) => each.type === 'L' && same(each.databaseName, link.databaseName));
  if (backup === undefined) return {};
  return { lastBackupLsn: backup.lastLsn.toString(), lastBackupTime: instant(backup.finishedAt) };
}

/** The uploaded certificate that the SQL Server's endpoint presents; `{}` when there is none [R]. */
function partnerCertificate(world: EstateParts, link: Link, { managed }: ManagedInstance): unknown {
  const server = link.sqlServer === undefined ? undefined : world.instances.find(link.sqlServer);
  const certificateName = server?.endpoint?.certificateName?.toLowerCase();
  const own = certificateName === undefined ? undefined : server?.certificates.get(certificateName);
  if (own === undefined) return {};
  const thumbprint = Buffer.from(own.thumbprint).toString('hex').toUpperCase();
  const trusted = [...managed.trustCertificates.values()].find((each) => each.thumbprint === thumbprint);
  if (trusted === undefined) return {};
  return { certificateName: trusted.name, expiryDate: instant(trusted.expiryDate) };
}

const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();
