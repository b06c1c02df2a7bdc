import { includesName, sameName } from '../names';
import { type Finding, failed, notApplicable, passed, unknown } from '../preflight';
import { parseBuild, releaseYear } from '../sql-server/version';
import { updatePolicyRelation } from './capability';
import {
  DOC,
  hasOwnLink,
  type LinkCheck,
  type LinkPreflightContext,
  ownDistributedGroup,
  ownGroup,
} from './preflight-context';

/** Links and databases per instance: 100, or 500 on next-generation General Purpose (overview page). */
const CAPACITY = 100;
const CAPACITY_NEXT_GENERATION = 500;

/** States of a managed instance in which it refuses links; any other unknown one is told as unknown. */
const BUSY_STATES = [
  'starting',
  'stopping',
  'stopped',
  'updating',
  'creating',
  'deleting',
  'failed',
  'inaccessible',
];

const says = (isRight: boolean, evidence: string): Finding => (isRight ? passed(evidence) : failed(evidence));
const error = (number: number): string => `${DOC.errors} (${number})`;

/** Names of the groups and of the link that are to be made. */
export const GROUP_CHECKS: readonly LinkCheck[] = [
  {
    id: 'group.availability-group-name',
    title: 'The name of the availability group is free, or it is the group of this database',
    severity: 'blocker',
    remedy:
      'Set link.availabilityGroup to an unused name, or drop the group if it is a leftover: DROP AVAILABILITY GROUP [name].',
    source: `${error(41042)}, ${error(47502)}`,
    preventsError: '41042',
    run(context) {
      const name = context.spec.names.availabilityGroup;
      const group = context.facts.availabilityGroups.find((candidate) => sameName(candidate.name, name));
      if (group === undefined) return passed(`No group is named ${name}.`);
      if (ownGroup(context) !== undefined)
        return passed(`${name} exists, holds only this database and is used again.`);
      const what = group.isDistributed
        ? 'a distributed group'
        : `a group with [${group.databases.join(', ')}]`;
      return failed(`${name} exists as ${what}.`);
    },
  },
  {
    id: 'group.availability-group-role',
    title: 'The group of this database that exists is primary here',
    severity: 'blocker',
    remedy:
      'Name all replicas of the group: server and link.replicas. The run then finds the one that is primary; or give the primary as server.',
    source: error(41140),
    preventsError: '41140',
    run(context) {
      const group = ownGroup(context);
      if (group === undefined) return notApplicable('There is no such group yet.');
      if (group.localRoleDesc === null) return unknown(`The role of ${group.name} is not reported.`);
      return says(group.localRoleDesc === 'PRIMARY', `${group.name} is ${group.localRoleDesc} here.`);
    },
  },
  {
    id: 'group.link-name',
    title: 'The name of the distributed availability group is free, or it is that of this link',
    severity: 'blocker',
    remedy:
      'Set link.name to an unused name, or drop the group if it is a leftover: DROP AVAILABILITY GROUP [name].',
    source: error(41042),
    preventsError: '41042',
    run(context) {
      const name = context.spec.names.distributedGroup;
      const group = context.facts.availabilityGroups.find((candidate) => sameName(candidate.name, name));
      if (group === undefined) return passed(`No group is named ${name}.`);
      if (ownDistributedGroup(context) !== undefined)
        return passed(`${name} joins the groups of this link and is used again.`);
      return failed(
        `${name} exists with the members [${group.replicas.map((replica) => replica.name).join(', ')}].`,
      );
    },
  },
  {
    id: 'group.link-name-on-instance',
    title: 'The instance has no other link of this name',
    severity: 'blocker',
    remedy: 'Delete the leftover link (az sql mi link delete), or set link.name to an unused name.',
    source: 'Azure REST: distributedAvailabilityGroups',
    preventsError: 'ManagedInstanceLinkForProvidedAvailabilityGroupsAlreadyExists',
    run(context) {
      const { facts, spec } = context;
      if (!includesName(facts.instance.distributedGroupNames, spec.names.distributedGroup))
        return passed(`No link is named ${spec.names.distributedGroup}.`);
      if (hasOwnLink(context)) return passed(`${spec.names.distributedGroup} is the link of this migration.`);
      return failed(
        `A link ${spec.names.distributedGroup} exists, but SQL Server has no such distributed availability group.`,
      );
    },
  },
  {
    id: 'group.instance-group-name',
    title: 'The name of the group on the instance is not used by another link from this server',
    severity: 'blocker',
    remedy: 'Set link.instanceAvailabilityGroup to an unused name.',
    source: error(41987),
    preventsError: '41987',
    run({ facts, spec }) {
      const name = spec.names.instanceAvailabilityGroup;
      const fqdn = facts.instance.fullyQualifiedDomainName.toLowerCase();
      const other = facts.availabilityGroups.find(
        (group) =>
          group.isDistributed &&
          !sameName(group.name, spec.names.distributedGroup) &&
          group.replicas.some(
            (replica) => sameName(replica.name, name) && replica.endpointUrl.toLowerCase().includes(fqdn),
          ),
      );
      if (other === undefined) return passed(`No other link from here uses ${name} on the instance.`);
      return failed(`${other.name} uses ${name} on the same instance.`);
    },
  },
];

/** The managed instance as Azure and the instance itself describe it. */
export const INSTANCE_CHECKS: readonly LinkCheck[] = [
  {
    id: 'instance.ready',
    title: 'The managed instance is ready',
    severity: 'blocker',
    remedy: 'Wait until its operation is over, or start it (az sql mi start).',
    source: 'Azure REST: managedInstances, properties.state',
    preventsError: 'ManagedInstanceStoppingOrStopped',
    run({ facts: { instance } }) {
      const evidence = `Its state is ${instance.state}, provisioning ${instance.provisioningState}.`;
      if (instance.state.toLowerCase() === 'ready') return passed(evidence);
      return BUSY_STATES.includes(instance.state.toLowerCase()) ? failed(evidence) : unknown(evidence);
    },
  },
  {
    id: 'instance.engine',
    title: 'The instance is a managed instance',
    severity: 'blocker',
    remedy: 'Correct host of the managed instance in the inventory.',
    source: DOC.differences,
    preventsError: '35102',
    run: ({ facts: { instanceServer } }) =>
      instanceServer === null
        ? NOT_READY
        : says(
            instanceServer.engineEdition === 8,
            `Its engine edition is ${instanceServer.engineEdition}; 8 is a managed instance.`,
          ),
  },
  {
    id: 'instance.identity',
    title: 'The host in the inventory and the resource id are the same instance',
    severity: 'blocker',
    remedy: 'Correct host or resourceId of the managed instance in the inventory.',
    source: `${DOC.differences}: @@SERVERNAME is the full DNS name`,
    preventsError: '41976',
    run({ facts: { instance, instanceServer } }) {
      if (instanceServer === null) return NOT_READY;
      const evidence = `@@SERVERNAME is ${instanceServer.serverName}; Azure says ${instance.fullyQualifiedDomainName}.`;
      return says(
        sameName(firstLabel(instanceServer.serverName), firstLabel(instance.fullyQualifiedDomainName)),
        evidence,
      );
    },
  },
  {
    id: 'instance.failover-group',
    title: 'The instance is in no failover group',
    severity: 'blocker',
    remedy: 'Remove the failover group, or take another instance: both cannot be together.',
    source: `${DOC.overview}; ${error(41982)}`,
    preventsError: '41982',
    run: ({ facts: { instance } }) =>
      says(
        !instance.isInFailoverGroup,
        `It is ${instance.isInFailoverGroup ? '' : 'not '}in a failover group.`,
      ),
  },
  {
    id: 'instance.database-name',
    title: 'The name of the database is free on the instance',
    severity: 'blocker',
    remedy: 'Drop or rename the database on the instance; the link cannot rename the one that comes.',
    source: `${error(41977)}; seeding failure 23; ARM code ManagedDatabaseNameInUse`,
    preventsError: 'ManagedDatabaseNameInUse',
    run(context) {
      const { facts, spec } = context;
      if (!includesName(facts.instance.databaseNames, spec.settings.database)) {
        return passed(`The instance has no database ${spec.settings.database}.`);
      }
      return hasOwnLink(context)
        ? passed(`${spec.settings.database} on the instance came over the link of this migration.`)
        : failed(`The instance has a database ${spec.settings.database} already.`);
    },
  },
  capacityCheck('database-capacity', 'databases', 'DatabaseNumberLimitReached', ({ facts, spec }) =>
    facts.instance.databaseNames.filter((name) => !sameName(name, spec.settings.database)),
  ),
  capacityCheck('link-capacity', 'links', 'DatabaseNumberLimitReached', ({ facts, spec }) =>
    facts.instance.distributedGroupNames.filter((name) => !sameName(name, spec.names.distributedGroup)),
  ),
  {
    id: 'instance.update-policy',
    title: 'The update policy of the instance is not older than SQL Server',
    severity: 'blocker',
    remedy:
      'Change the update policy of the instance to SQLServer2025 or AlwaysUpToDate; it cannot be changed back.',
    source: `${DOC.policy}; ${error(41984)}`,
    preventsError: '41984',
    run({ facts: { server, instance } }) {
      const year = yearOf(server.productVersion);
      const policy = instance.databaseFormat ?? 'not reported';
      const evidence = `SQL Server ${year ?? server.productVersion}, update policy ${policy}.`;
      // Up to 2022 every policy is new enough; only 2025 can be too new.
      if (year !== undefined && year < 2025) return passed(evidence);
      const relation = updatePolicyRelation(year, instance.databaseFormat);
      if (relation === 'unknown') return unknown(evidence);
      return says(relation !== 'instance-older', evidence);
    },
  },
  {
    id: 'instance.way-back',
    title: 'The update policy leaves a way back to SQL Server',
    severity: 'warning',
    remedy:
      'Where a way back is wanted, take an instance whose update policy matches SQL Server 2022 or 2025; otherwise the cutover is final.',
    source: `${DOC.policy}; ${error(41988)}`,
    preventsError: '41988',
    run({ facts: { server, instance } }) {
      const year = yearOf(server.productVersion);
      const policy = instance.databaseFormat ?? 'not reported';
      const evidence = `SQL Server ${year ?? server.productVersion}, update policy ${policy}.`;
      if (year === undefined) return unknown(evidence);
      if (year < 2022) return failed(`${evidence} There is no way back by the link before SQL Server 2022.`);
      const relation = updatePolicyRelation(year, instance.databaseFormat);
      return relation === 'unknown' ? unknown(evidence) : says(relation === 'match', evidence);
    },
  },
];

function capacityCheck(
  id: string,
  what: string,
  preventsError: string,
  others: (context: LinkPreflightContext) => readonly string[],
): LinkCheck {
  return {
    id: `instance.${id}`,
    title: `The instance has room for one more of its ${what}`,
    severity: 'blocker',
    remedy: `Remove ${what} that are not needed, or take another instance.`,
    source: `${DOC.overview} (100; next-generation General Purpose 500)`,
    preventsError,
    run(context) {
      const { tier } = context.facts.instance;
      const count = others(context).length;
      const evidence = `It has ${count} other ${what}; the tier is ${tier}.`;
      if (count < CAPACITY) return passed(evidence);
      // Azure's model does not tell next-generation General Purpose from the older one here.
      const mayBeNextGeneration = tier === 'GeneralPurpose' && count < CAPACITY_NEXT_GENERATION;
      return mayBeNextGeneration
        ? passed(`${evidence} Only next-generation General Purpose allows it.`)
        : failed(evidence);
    },
  };
}

/** Said by the check of its state already. */
const NOT_READY = notApplicable('The instance is not ready; it takes no connections.');

const firstLabel = (host: string): string => host.split(/[.\\,]/)[0] ?? host;

function yearOf(productVersion: string) {
  const build = parseBuild(productVersion);
  return build === undefined ? undefined : releaseYear(build);
}
