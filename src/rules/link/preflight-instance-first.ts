/**
 * Preflight of a link that the managed instance leads first (initialPrimary: instance): its own conditions, and which of
 * the others make no sense there.
 */
import { instanceIsFirst } from '../../model/link/initial-primary';
import { sameName } from '../names';
import { type Finding, failed, notApplicable, passed, unknown } from '../preflight';
import type { LinkCapability } from './capability';
import { DOC, hasOwnLink, type LinkCheck, ofDatabase, ownDistributedGroup } from './preflight-context';

const error = (number: number): string => `${DOC.errors} (${number})`;

/** Checks of a database that comes from a SQL Server, and of names and room on an instance that is to receive it. */
const ONLY_FROM_SERVER: ReadonlySet<string> = new Set([
  'database.exists',
  'database.auto-close',
  'database.recovery-model',
  'database.full-backup',
  'database.availability-group',
  'database.log-files',
  'database.file-count',
  'database.filestream',
  'database.memory-optimized',
  'database.defunct-files',
  'database.size',
  'database.encryption-key',
  'database.compatibility-level',
  'database.change-data-capture',
  'database.published',
  'database.service-broker',
  'database.accelerated-recovery',
  'database.version-store',
  'group.availability-group-name',
  'group.availability-group-role',
  'instance.database-name',
  'instance.database-capacity',
  'instance.update-policy',
  'instance.way-back',
  'server.keep-log',
  'server.trace-flag-12381',
]);

const FROM_SERVER = notApplicable('The SQL Server leads first.');
const FROM_INSTANCE = notApplicable('The instance leads first.');

/** A check that is asked only in the direction that it is about. */
export function forItsDirection(check: LinkCheck): LinkCheck {
  const isOurs = INSTANCE_FIRST_CHECKS.includes(check);
  if (!isOurs && !ONLY_FROM_SERVER.has(check.id)) return check;
  return {
    ...check,
    run(context) {
      if (instanceIsFirst(context.spec) === isOurs) return check.run(context);
      return isOurs ? FROM_SERVER : FROM_INSTANCE;
    },
  };
}

export const INSTANCE_FIRST_CHECKS: readonly LinkCheck[] = [
  {
    id: 'instance-first.build',
    title: 'The build of SQL Server can follow an instance',
    severity: 'blocker',
    remedy:
      'Install SQL Server 2022 CU10 (16.0.4095.4) or later, CU13 to fail over as well; older releases can only be the first primary themselves.',
    source: DOC.overview,
    preventsError: '35104',
    run: ({ capabilities }) =>
      ofCapability(
        capabilities.operations['link-from-instance'],
        (rule) => rule !== 'capability.update-policy',
      ),
  },
  {
    id: 'instance-first.update-policy',
    title: 'The update policy of the instance is that of the version of SQL Server',
    severity: 'blocker',
    remedy:
      'Take an instance with the policy SQLServer2022 for SQL Server 2022, SQLServer2025 for 2025; a policy can be raised, never lowered.',
    source: `${DOC.policy}; ${error(41984)}, ${error(41988)}`,
    preventsError: '41988',
    run({ capabilities, facts }) {
      const found = ofCapability(
        capabilities.operations['link-from-instance'],
        (rule) => rule === 'capability.update-policy',
      );
      return found.outcome === 'passed'
        ? passed(
            `SQL Server ${capabilities.year ?? '?'}, update policy ${facts.instance.databaseFormat ?? 'not reported'}.`,
          )
        : found;
    },
  },
  {
    id: 'instance-first.failover',
    title: 'The roles of the link can be swapped later',
    severity: 'warning',
    remedy: 'Install SQL Server 2022 CU13 (16.0.4125.3) or later before the first failover.',
    source: DOC.failover,
    preventsError: '35104',
    run: ({ capabilities }) => ofCapability(capabilities.operations['planned-failover'], () => true),
  },
  {
    id: 'instance-first.database',
    title: 'The database exists on the instance',
    severity: 'blocker',
    remedy:
      'Correct database or instance in the migration, or leave initialPrimary out if the SQL Server has it.',
    source: error(911),
    preventsError: '911',
    run({ facts: { database, instanceServer }, spec }) {
      const { instance, database: name } = spec.settings;
      if (database !== null)
        return passed(`${database.name} has the id ${database.databaseId} on ${instance}.`);
      return instanceServer === null
        ? unknown('The instance is not ready; it takes no connections.')
        : failed(`${instance} has no database "${name}".`);
    },
  },
  {
    id: 'instance-first.not-linked',
    title: 'The database is in no other link of the instance',
    severity: 'blocker',
    remedy: 'Remove the other link first: a database of an instance can be linked once.',
    source: DOC.overview,
    preventsError: 'OperationCanNotStartDueToMiLink',
    run: ofDatabase(({ availabilityGroupName }, context) => {
      if (availabilityGroupName === null) return passed('It is in no link.');
      const isOwn =
        hasOwnLink(context) && sameName(availabilityGroupName, context.spec.names.instanceAvailabilityGroup);
      return isOwn
        ? passed(`It is in ${availabilityGroupName}, the group of this link.`)
        : failed(`It is in ${availabilityGroupName}, the group of another link.`);
    }),
  },
  {
    id: 'instance-first.service-managed-key',
    title: 'The database is not encrypted with a key of the service',
    severity: 'blocker',
    remedy:
      'Give the instance a key of your own in Azure Key Vault as its TDE protector, or turn encryption off: ALTER DATABASE [name] SET ENCRYPTION OFF on the instance.',
    source: `${error(41979)}, ${error(41980)}, ${error(41981)}; that such a key shows as a certificate is inferred`,
    preventsError: '41979',
    run: ofDatabase(({ isEncrypted, tdeEncryptorType }) => {
      if (!isEncrypted) return passed('It is not encrypted.');
      return isAsymmetric(tdeEncryptorType)
        ? passed('It is encrypted with a key of Azure Key Vault.')
        : failed(`It is encrypted by ${tdeEncryptorType ?? 'an unknown protector'}, a key of the service.`);
    }),
  },
  {
    id: 'instance-first.key-vault',
    title: 'SQL Server reaches the key that encrypts the database',
    severity: 'warning',
    remedy:
      'Set SQL Server up for the same key with the connector for Azure Key Vault (extensible key management). It cannot be seen from here whether that was done.',
    source: DOC.overview,
    preventsError: '41979',
    run: ofDatabase(({ isEncrypted, tdeEncryptorType }) =>
      isEncrypted && isAsymmetric(tdeEncryptorType)
        ? unknown('It is encrypted with a key of Azure Key Vault.')
        : notApplicable('No key of Azure Key Vault protects it.'),
    ),
  },
  {
    id: 'instance-first.name-on-server',
    title: 'The name of the database is free on the SQL Server',
    severity: 'blocker',
    remedy: 'Drop or rename the database on the SQL Server; the link cannot rename the one that comes.',
    source: `${error(41977)}; seeding failure 23`,
    preventsError: '41977',
    run(context) {
      const { facts, spec } = context;
      const there = facts.databaseOnServer;
      const { server, database } = spec.settings;
      if (there === undefined) return unknown(`The databases of ${server} were not read.`);
      if (there === null) return passed(`${server} has no database ${database}.`);
      const isOwn =
        ownDistributedGroup(context) !== undefined &&
        sameName(there.availabilityGroupName ?? '', spec.names.availabilityGroup);
      return isOwn
        ? passed(`${database} on ${server} came over the link of this migration.`)
        : failed(`${server} has a database ${database} already; it is ${there.stateDesc}.`);
    },
  },
  {
    id: 'instance-first.group-name',
    title: 'The name of the group on the SQL Server is free, or it is an empty group of an earlier run',
    severity: 'blocker',
    remedy:
      'Set link.availabilityGroup to an unused name, or drop the group if it is a leftover: DROP AVAILABILITY GROUP [name].',
    source: `${error(41042)}, ${error(47502)}`,
    preventsError: '41042',
    run(context) {
      const { facts, spec } = context;
      const name = spec.names.availabilityGroup;
      const group = facts.availabilityGroups.find((candidate) => sameName(candidate.name, name));
      if (group === undefined) return passed(`No group is named ${name}.`);
      const isOurs =
        !group.isDistributed &&
        group.databases.every((database) => sameName(database, spec.settings.database)) &&
        group.replicas.every((replica) => sameName(replica.name, facts.server.serverName));
      if (isOurs) return passed(`${name} exists, holds nothing else and is used again.`);
      const what = group.isDistributed
        ? 'a distributed group'
        : `a group with [${group.databases.join(', ')}]`;
      return failed(`${name} exists as ${what}.`);
    },
  },
  {
    id: 'instance-first.fence-own-login',
    title: 'The fence does not disable the login with which sqlferry reaches the instance',
    severity: 'blocker',
    remedy: 'Give sqlferry a login of its own on the instance, that no application uses.',
    source: 'sqlferry: whoever puts up the fence must be able to lift it',
    preventsError: '18470',
    run({ spec }) {
      const { authentication } = spec.instance;
      if (authentication.type !== 'sql') return notApplicable('sqlferry does not use a SQL login there.');
      const { user } = authentication;
      const isOwn = spec.settings.cutover.fence.disableLogins.some((login) => sameName(login, user));
      return isOwn
        ? failed(`cutover.fence.disableLogins names ${user}, which sqlferry uses.`)
        : passed(`${user} is not in cutover.fence.disableLogins.`);
    },
  },
];

/** @param isAsked by which rule a capability may have been denied for this check to fail; by another one it passes */
function ofCapability(
  { available, ruleId, reason }: LinkCapability,
  isAsked: (ruleId: string) => boolean,
): Finding {
  if (available === 'yes' || !isAsked(ruleId)) return passed(reason);
  return available === 'no' ? failed(reason) : unknown(reason);
}

const isAsymmetric = (type: string | null): boolean => /^ASYMMETRIC/i.test(type ?? '');
