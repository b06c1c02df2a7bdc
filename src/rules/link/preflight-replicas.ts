import type { GroupFacts, GroupMemberFacts } from '../../model/sql-server/group-facts';
import type { AvailabilityGroupFacts } from '../../model/sql-server/observation';
import { includesName, sameName } from '../names';
import { type Finding, failed, notApplicable, passed, unknown } from '../preflight';
import { DOC, type LinkCheck, type LinkPreflightContext } from './preflight-context';

const says = (isRight: boolean, evidence: string): Finding => (isRight ? passed(evidence) : failed(evidence));
const error = (number: number): string => `${DOC.errors} (${number})`;

/** An availability group that stands already: what a link over it needs of the group, its listener and its replicas. */
export const REPLICA_CHECKS: readonly LinkCheck[] = [
  {
    id: 'group.one-database',
    title: 'The availability group that exists holds one database',
    severity: 'blocker',
    remedy:
      'A link carries one database: move this one to an availability group of its own (ALTER AVAILABILITY GROUP [name] REMOVE DATABASE [database]), or name another group in link.availabilityGroup.',
    source: `${DOC.overview}; ${error(47502)}`,
    preventsError: '47502',
    run(context) {
      const group = groupOfLink(context);
      if (group === undefined) return notApplicable('There is no such group yet.');
      const { databases } = group;
      return says(databases.length <= 1, `${group.name} holds [${databases.join(', ')}].`);
    },
  },
  {
    id: 'group.single-database-mode',
    title: 'SQL Server makes links of one database',
    severity: 'blocker',
    remedy:
      'Links of several databases are a preview that sqlferry does not drive, and both kinds must not be mixed on one server. Remove the links of several databases, run EXEC sys.sp_multidb_milink 0 on every replica, and start again.',
    source: DOC.extend,
    preventsError: null,
    run({ facts: { group, server } }) {
      if (group === undefined) return notApplicable('The mode of links was not read.');
      const servers = [
        { name: server.serverName, mode: group.multiDatabase },
        ...answering(group).map(({ server }) => ({ name: server.serverName, mode: server.multiDatabase })),
      ];
      const inMode = servers.filter(({ mode }) => mode === true).map(({ name }) => name);
      if (inMode.length > 0)
        return failed(`sys.sp_multidb_milink answers 1 on ${[...new Set(inMode)].join(', ')}.`);
      return passed(
        group.multiDatabase === null
          ? 'This build has no sys.sp_multidb_milink.'
          : 'sys.sp_multidb_milink answers 0.',
      );
    },
  },
  {
    id: 'group.single-database-link',
    title: 'The link of this name, if there is one, has one database',
    severity: 'blocker',
    remedy: 'Set link.name to an unused name. sqlferry does not touch a link of several databases.',
    source: DOC.extend,
    preventsError: null,
    run({ facts: { group }, spec }) {
      if (group === undefined) return notApplicable('The link was not read.');
      const { distributedGroup: link } = spec.names;
      return group.isMultiDatabase
        ? failed(`Azure has a link ${link} of several databases (linkMode MultiDatabase).`)
        : passed(`No link ${link} of several databases is there.`);
    },
  },
  {
    id: 'group.replicas-named',
    title: 'Every replica of the availability group is named',
    severity: 'blocker',
    remedy:
      'Describe each replica under sqlServers in the inventory, and name all but server in link.replicas: any of them may lead the group tomorrow, and needs the trust of the instance then.',
    source: `${DOC.scripts} (trust on every replica)`,
    preventsError: '41973',
    run(context) {
      const group = groupOfLink(context);
      if (group === undefined) return notApplicable('There is no such group yet.');
      const known = [context.facts.server.serverName, ...memberNames(context)];
      const missing = group.replicas.map(({ name }) => name).filter((name) => !includesName(known, name));
      // A server that does not answer cannot tell which replica it is.
      const silent = silentMembers(context);
      if (missing.length > 0 && missing.length <= silent.length)
        return unknown(`${missing.join(', ')} may be ${silent.map(({ name }) => name).join(', ')}.`);
      return missing.length === 0
        ? passed(`${group.name} has the replicas ${group.replicas.map(({ name }) => name).join(', ')}.`)
        : failed(`link.replicas names no ${missing.join(', ')}, a replica of ${group.name}.`);
    },
  },
  {
    id: 'group.replicas-joined',
    title: 'Every server that is named as a replica belongs to the availability group',
    severity: 'blocker',
    remedy:
      'Take the server out of link.replicas, or join it: ALTER AVAILABILITY GROUP [name] JOIN. A run makes no group with several replicas: link.availabilityGroup must be there.',
    source: `${error(35237)}`,
    preventsError: '41976',
    run: ofMembers((members, context) => {
      const name = context.spec.names.availabilityGroup;
      const outside = members.filter(({ server }) => server.roleDesc === null).map((one) => one.name);
      return outside.length === 0
        ? passed(
            `In ${name}: ${members.map((one) => `${one.name} ${one.server.roleDesc ?? ''}`).join(', ')}.`,
          )
        : failed(`${outside.join(', ')} has no availability group ${name}.`);
    }),
  },
  {
    id: 'group.replicas-reachable',
    title: 'Every server that is named as a replica answers',
    severity: 'blocker',
    remedy: 'Start the server, or correct host, port and login in the inventory.',
    source: 'sqlferry: trust is made on every replica',
    preventsError: '41973',
    run(context) {
      const members = context.facts.group?.members ?? [];
      if (members.length === 0) return notApplicable('link.replicas names none.');
      const silent = silentMembers(context);
      return silent.length === 0
        ? passed(`${members.map(({ name }) => name).join(', ')} answer.`)
        : failed(silent.map(({ name, problem }) => `${name}: ${problem ?? 'no answer'}`).join('; '));
    },
  },
  {
    id: 'group.replicas-ready',
    title: 'Every replica can be given the trust of the link',
    severity: 'blocker',
    remedy:
      'Each replica needs a build that knows the link, a login that is sysadmin, and a master key (or masterKeyPassword in the inventory).',
    source: DOC.scripts,
    preventsError: '15581',
    run: ofMembers((members, { spec }) => {
      const lacking = members.flatMap(({ name, server }) => {
        const entry =
          name === spec.settings.server
            ? spec.server
            : spec.replicas?.find((replica) => replica.name === name)?.server;
        const hasKey = server.hasMasterKey || entry?.masterKeyPassword !== undefined;
        return [
          ...(server.canTrustCertificateIssuers ? [] : [`${name} (${server.productVersion}) knows no link`]),
          ...(server.isSysadmin ? [] : [`the login on ${name} is not sysadmin`]),
          ...(hasKey ? [] : [`${name} has no master key and no masterKeyPassword`]),
        ];
      });
      return lacking.length === 0
        ? passed(`${members.map(({ name }) => name).join(', ')} are ready.`)
        : failed(`${lacking.join('; ')}.`);
    }),
  },
  {
    id: 'group.replicas-builds',
    title: 'All replicas have the same build',
    severity: 'warning',
    remedy:
      'Patch all replicas alike. The way of the cutover is chosen for the build of the primary, and another replica may lead the group by then.',
    source: 'inferred: what a build can do with a link is documented for each build',
    preventsError: '35104',
    run: ofMembers((members) => {
      const builds = members.map(({ name, server }) => `${name}: ${server.productVersion}`);
      const isOne = new Set(members.map(({ server }) => server.productVersion)).size <= 1;
      return says(isOne, `${builds.join(', ')}.`);
    }),
  },
  {
    id: 'group.listener',
    title: 'The instance reaches a group with several replicas through its listener',
    severity: 'blocker',
    remedy:
      'Set link.listener.address to an address of the listener. If there is none: ALTER AVAILABILITY GROUP [name] ADD LISTENER. Without it the link ends with the first failover of the group.',
    source: `${DOC.scripts}; ${DOC.extend}`,
    preventsError: '41976',
    run(context) {
      const { facts, spec } = context;
      const { listener } = spec.settings.link;
      const group = groupOfLink(context);
      const several = (group?.replicas.length ?? 0) > 1;
      if (listener === undefined) {
        return several
          ? failed(`${group?.name} has several replicas, and the migration gives no link.listener.`)
          : notApplicable('The group has one replica, and the migration gives no link.listener.');
      }
      if (group === undefined)
        return failed(
          `The migration gives link.listener, and there is no group ${spec.names.availabilityGroup}.`,
        );
      if (facts.group === undefined) return unknown('The listeners were not read.');
      const own = listenersOf(facts.group, group);
      if (own.length === 0) return failed(`${group.name} has no listener.`);
      const addresses = own.flatMap(({ dnsName, addresses: ips }) => [...ips, dnsName]);
      return says(
        includesName(addresses, listener.address),
        `link.listener.address is ${listener.address}; the listener of ${group.name} has ${addresses.join(', ')}.`,
      );
    },
  },
  {
    id: 'group.listener-used',
    title: 'A listener that exists is used',
    severity: 'warning',
    remedy:
      'Set link.listener.address to the address of the listener, as documented for a link over a group that exists.',
    source: DOC.scripts,
    preventsError: '41976',
    run(context) {
      const group = groupOfLink(context);
      const { group: facts } = context.facts;
      if (group === undefined || facts === undefined) return notApplicable('There is no such group yet.');
      const own = listenersOf(facts, group);
      if (own.length === 0) return notApplicable(`${group.name} has no listener.`);
      const name = own.map(({ dnsName }) => dnsName).join(', ');
      return context.spec.settings.link.listener === undefined
        ? failed(`${group.name} has the listener ${name}, and the migration gives no link.listener.`)
        : passed(`${group.name} has the listener ${name}.`);
    },
  },
  {
    id: 'group.endpoint-ports',
    title: 'The mirroring endpoints of all replicas listen on one port',
    severity: 'blocker',
    remedy:
      'The listener leads to whichever replica is primary, always on one port: give all mirroring endpoints the same port, and set it as endpoint.port in the inventory.',
    source:
      'learn.microsoft.com/sql/database-engine/availability-groups/windows/configure-distributed-availability-groups',
    preventsError: '41986',
    run: ofMembers((members, { spec }) => {
      const port = spec.settings.link.listener?.port ?? spec.server.endpoint.port;
      const listening = members.map(({ name, server }) => ({ name, port: server.endpoint?.port ?? null }));
      if (listening.every((one) => one.port === null))
        return notApplicable('No replica has an endpoint yet.');
      const text = listening.map((one) => `${one.name}: ${one.port ?? 'no endpoint'}`).join(', ');
      return says(
        listening.every((one) => one.port === port),
        `The link uses port ${port}. ${text}.`,
      );
    }),
  },
];

/** The local group that the link shall be made over, whatever it holds. */
export function groupOfLink({ facts, spec }: LinkPreflightContext): AvailabilityGroupFacts | undefined {
  return facts.availabilityGroups.find(
    ({ isDistributed, name }) => !isDistributed && sameName(name, spec.names.availabilityGroup),
  );
}

type AnsweringMember = GroupMemberFacts & { readonly server: NonNullable<GroupMemberFacts['server']> };

const isAnswering = (member: GroupMemberFacts): member is AnsweringMember => member.server !== null;

const answering = (group: GroupFacts): readonly AnsweringMember[] => group.members.filter(isAnswering);

const memberNames = ({ facts }: LinkPreflightContext): readonly string[] =>
  facts.group === undefined ? [] : answering(facts.group).map(({ server }) => server.serverName);

const silentMembers = ({ facts }: LinkPreflightContext): readonly GroupMemberFacts[] =>
  (facts.group?.members ?? []).filter(({ server }) => server === null);

const listenersOf = (facts: GroupFacts, group: AvailabilityGroupFacts) =>
  facts.listeners.filter((listener) => sameName(listener.group, group.name));

/** A check of the replicas that answer; another check tells of those that do not. */
function ofMembers(
  look: (members: readonly AnsweringMember[], context: LinkPreflightContext) => Finding,
): (context: LinkPreflightContext) => Finding {
  return (context) => {
    const { group } = context.facts;
    if (group === undefined || group.members.length === 0)
      return notApplicable('link.replicas names no other replica.');
    return look(answering(group), context);
  };
}
