import { byWord } from '../by-word';
import {
  type FailoverPlan,
  type FailoverType,
  type FenceInWords,
  forwardSteps,
  type Procedure,
} from '../run/procedure';
import { copySteps, jobSwitch } from '../sql-server/instance-object-steps';
import type { CutoverRoute } from './facts';
import { instanceIsFirst } from './initial-primary';
import { bySite, type LinkSite, linkSite, linkSites, otherSite, siteName } from './side';
import type { ResolvedLink } from './spec';
import { LINK_PHASE_TITLES, LINK_STEP_IDS, type LinkStep, type LinkStepId, step } from './step';

const SERVER = { id: 'server', label: siteName('server') } as const;
const INSTANCE = { id: 'instance', label: siteName('instance') } as const;
const SITES = { server: SERVER, instance: INSTANCE } as const;

const TRUST: readonly LinkStep[] = [
  step('server.master-key', 'trust', 'Master key of the SQL Server'),
  step('server.endpoint-certificate', 'trust', 'Certificate of the endpoint of the SQL Server'),
  step('instance.trust-server-certificate', 'trust', 'Instance trusts the SQL Server'),
  step('server.trust-instance-certificate', 'trust', 'SQL Server trusts the instance'),
  step('server.trust-azure-authorities', 'trust', 'SQL Server trusts the authorities of Azure'),
  step('server.validate-certificate-chain', 'trust', 'Certificate chain validates'),
  step('server.mirroring-endpoint', 'trust', 'Mirroring endpoint of the SQL Server'),
];

const GROUPS: readonly LinkStep[] = [
  step('server.availability-group', 'groups', 'Availability group'),
  step('server.distributed-availability-group', 'groups', 'Distributed availability group'),
];

/** The one step of its phase where the SQL Server leads first. */
export const CREATE_LINK = step('instance.link', 'link', 'Create the link');

/** How the log that the copy needs is kept while it is made: see `seeding.keepLog` of a spec. */
export type KeepLog = 'none' | 'trace-flag-12381';

/** Last of its phase: the link comes next. */
const KEEP_LOG: Readonly<Record<KeepLog, readonly LinkStep[]>> = {
  none: [],
  'trace-flag-12381': [step('server.keep-log', 'groups', 'Keep the log for the copy')],
};

/** Before the first log backup, so that this one frees the log. */
const RELEASE_LOG: Readonly<Record<KeepLog, readonly LinkStep[]>> = {
  none: [],
  'trace-flag-12381': [step('server.release-log', 'first-log-backup', 'Keep the log no longer')],
};

export const FIRST_LOG_BACKUP = step('server.log-backup', 'first-log-backup', 'First log backup');

const BACKUPS: readonly LinkStep[] = [
  { id: 'server.log-backup', phase: 'replicating', title: 'Log backup', repeats: 'on-cadence' },
];

/** What every cutover of a migration has, by its role. */
const TO_INSTANCE: Omit<FailoverPlan<LinkStep>, 'swap' | 'follow'> = {
  prepare: [],
  fence: [step('server.fence', 'cutover', 'Fence the SQL Server')],
  revocable: [],
  proof: [step('instance.verify-writable', 'cutover', 'New primary takes writes')],
  admit: [],
};

const CUTOVER: Readonly<Record<CutoverRoute, Omit<FailoverPlan<LinkStep>, 'follow'>>> = {
  'planned-failover': {
    ...TO_INSTANCE,
    swap: [step('server.planned-failover', 'cutover', 'Planned failover')],
  },
  'delete-link': {
    ...TO_INSTANCE,
    revocable: [step('server.synchronous-commit', 'cutover', 'Synchronous commit')],
    swap: [step('instance.delete-link-to-cut-over', 'cutover', 'Delete the link to cut over')],
  },
};

/**
 * The cutover of a migration by roles. Logins of the instance are the operator's, unless they were copied: those were
 * copied disabled, and are admitted.
 */
export function cutoverPlan(route: CutoverRoute, asked: AskedFor = {}): FailoverPlan<LinkStep> {
  const plan = byWord('route of a cutover', route, CUTOVER);
  const follow = following(asked, 'instance', 'planned');
  if (asked.objects !== true) return { ...plan, follow };
  return { ...plan, prepare: copySteps(INSTANCE), admit: ADMIT.instance, follow };
}

/** Its copies are made while the link is set up, too, and stand there in the procedure. */
const inOrder = (plan: FailoverPlan<LinkStep>): readonly LinkStep[] => [
  ...plan.fence,
  ...plan.revocable,
  ...forwardSteps(plan),
  ...plan.follow,
];

const DROP_GROUPS: readonly LinkStep[] = [
  step('server.drop-distributed-availability-group', 'after', 'Drop the distributed availability group'),
  {
    ...step('server.drop-availability-group', 'after', 'Drop the availability group'),
    madeBy: ['server.availability-group', 'server.empty-availability-group'],
  },
];

/** Setting up a link that replicates: all there is to plan of a link that stays. */
export const establishing = (keepLog: KeepLog = 'none', objects = false): readonly LinkStep[] => [
  ...TRUST,
  ...GROUPS,
  ...byWord('seeding.keepLog', keepLog, KEEP_LOG),
  CREATE_LINK,
  ...byWord('seeding.keepLog', keepLog, RELEASE_LOG),
  FIRST_LOG_BACKUP,
  ...(objects ? copySteps(INSTANCE) : []),
  ...BACKUPS,
];

/** What a spec asks for besides the crossing itself. */
export interface AskedFor {
  /** Orphaned users get their logins. */
  readonly repairUsers?: boolean;
  /** Logins and agent jobs are copied (`instanceObjects`). */
  readonly objects?: boolean;
  /** Some agent jobs are named: they run where the primary is. */
  readonly jobs?: boolean;
}

export const askedFor = ({ afterFailover, instanceObjects }: ResolvedLink['settings']): AskedFor => ({
  repairUsers: afterFailover.repairOrphanedUsers,
  objects: instanceObjects !== undefined,
  jobs: (instanceObjects?.jobs.include ?? []).length > 0,
});

/** Once the applications are in. @param by how the roles were swapped */
function following(asked: AskedFor, primary: LinkSite, by: FailoverType): readonly LinkStep[] {
  const { on, off } = jobSwitch(SITES[primary], SITES[otherSite(primary)], by);
  return [
    ...(asked.repairUsers === true ? [repairOfUsers(primary)] : []),
    ...(asked.jobs === true ? [on, off] : []),
  ];
}

/** Setting up a link that the instance leads at first: a group without a database, and the SQL Server joins. */
export const establishingFromInstance = (objects = false): readonly LinkStep[] => [
  ...FROM_INSTANCE,
  ...(objects ? copySteps(SERVER) : []),
];

/** Azure waits five minutes for the SQL Server to join. */
export const LINK_FROM_INSTANCE = {
  create: step('instance.link-from-instance', 'link', 'Create the link from the instance'),
  join: step('server.join-distributed-availability-group', 'link', 'Join the distributed availability group'),
} as const;

const FROM_INSTANCE: readonly LinkStep[] = [
  ...TRUST,
  step('server.empty-availability-group', 'groups', 'Availability group without a database'),
  step('server.grant-create-database', 'groups', 'The group may create the database'),
  step('server.readable-secondary', 'groups', 'The copy can be read'),
  LINK_FROM_INSTANCE.create,
  LINK_FROM_INSTANCE.join,
];

/** Taking a link down, in the documented order. */
export interface TakeDown {
  /** Only after the first full backup that Azure takes of an instance that leads. */
  readonly removeLink: readonly LinkStep[];
  readonly dropGroups: readonly LinkStep[];
}

export const TAKE_DOWN: TakeDown = {
  removeLink: [step('instance.remove-link', 'after', 'Remove the link')],
  dropGroups: DROP_GROUPS,
};

/** What follows a cutover; on the route `delete-link` there is no link any more that could be kept. */
export const takeDownPlan = (route: CutoverRoute, afterwards: Afterwards): TakeDown =>
  byWord('route of a cutover', route, {
    'planned-failover': byWord('cutover.afterwards', afterwards, {
      'remove-link': TAKE_DOWN,
      'keep-link': { removeLink: [], dropGroups: [] },
    }),
    'delete-link': { removeLink: [], dropGroups: DROP_GROUPS },
  });

type Afterwards = 'remove-link' | 'keep-link';

/**
 * The procedure as a table: which steps, in which order. Plan and run both walk it (promise 4).
 * @param route how this version leaves its SQL Server
 * @param afterwards whether the link is kept; on the route `delete-link` it is gone in any case
 * @param keepLog policy of the spec
 * @param asked what the spec asks for besides
 */
export function linkProcedure(
  route: CutoverRoute,
  afterwards: Afterwards,
  keepLog: KeepLog = 'none',
  asked: AskedFor = {},
): readonly LinkStep[] {
  const { removeLink, dropGroups } = takeDownPlan(route, afterwards);
  return [
    ...establishing(keepLog, asked.objects),
    ...inOrder(cutoverPlan(route, asked)),
    ...removeLink,
    ...dropGroups,
  ];
}

const PROOF: Readonly<Record<LinkSite, readonly LinkStep[]>> = {
  instance: [step('instance.verify-writable', 'cutover', 'New primary takes writes')],
  server: [step('server.verify-writable', 'cutover', 'New primary takes writes')],
};

const ADMIT: Readonly<Record<LinkSite, readonly LinkStep[]>> = {
  instance: [step('instance.admit-applications', 'cutover', 'Admit the applications to the instance')],
  server: [step('server.admit-applications', 'cutover', 'Admit the applications to the SQL Server')],
};

/** Of the side that stops being the primary. */
const FENCE: Readonly<Record<LinkSite, readonly LinkStep[]>> = {
  instance: [step('instance.fence', 'cutover', 'Fence the instance')],
  server: [step('server.fence', 'cutover', 'Fence the SQL Server')],
};

/** By the side that becomes the primary. */
const SWAP: Readonly<Record<FailoverType, Readonly<Record<LinkSite, readonly LinkStep[]>>>> = {
  planned: {
    instance: [step('server.planned-failover', 'cutover', 'Planned failover to the instance')],
    server: [step('instance.planned-failover', 'cutover', 'Planned failover to the SQL Server')],
  },
  forced: {
    instance: [step('instance.forced-failover', 'cutover', 'Forced failover to the instance')],
    server: [step('server.forced-failover', 'cutover', 'Forced failover to the SQL Server')],
  },
};

/** A forced one knows no fence: the old primary is out of reach. */
function failoverPlan(type: FailoverType, to: LinkSite, asked: AskedFor): FailoverPlan<LinkStep> {
  const fence = bySite(otherSite(to), FENCE);
  const prepare = asked.objects === true ? copySteps(SITES[to]) : [];
  return {
    ...byWord('type of a failover', type, {
      planned: { prepare, fence },
      forced: { prepare: [], fence: [] },
    }),
    revocable: [],
    swap: bySite(to, byWord('type of a failover', type, SWAP)),
    proof: bySite(to, PROOF),
    admit: bySite(to, ADMIT),
    follow: following(asked, to, type),
  };
}

/**
 * After a split brain the loser is fenced first: what it commits behind the backup of its log would be gone with its
 * demotion. Then what it has alone is backed up, and it follows the survivor.
 */
const REPAIRS: Readonly<Record<LinkSite, readonly LinkStep[]>> = {
  server: [...FENCE.instance, step('instance.become-secondary', 'replicating', 'Demote the instance')],
  instance: [
    ...FENCE.server,
    step('server.log-backup', 'replicating', 'Back up the log of the former primary'),
    step('server.become-secondary', 'replicating', 'Demote the SQL Server'),
  ],
};

/** Users without a login of their SID get the login of their name, once the new primary takes writes. */
export const repairOfUsers = (on: LinkSite): LinkStep =>
  bySite(on, {
    server: step(
      'server.repair-orphaned-users',
      'cutover',
      'Orphaned users of the SQL Server get their logins',
    ),
    instance: step(
      'instance.repair-orphaned-users',
      'cutover',
      'Orphaned users of the instance get their logins',
    ),
  });

/** A link that stands: who can lead it, how it fails over, is repaired and taken down. */
export const LINK_PROCEDURE: Procedure<ResolvedLink, LinkStep> = {
  kind: 'link',
  thing: 'link',
  standing: 'a DR link',
  goesOn: 'log backups go on',
  unwatched: {
    undone: ', and no log backups are taken',
    nextStep: 'back up the log by hand until the link is watched again, or take it down',
  },
  stepIds: LINK_STEP_IDS,
  phases: LINK_PHASE_TITLES,
  describe: (spec) => {
    const { database, server, instance } = spec.settings;
    const [from, to] = instanceIsFirst(spec) ? [instance, server] : [server, instance];
    return `${database}: ${from} → ${to}`;
  },
  sites: ({ settings }) => linkSites(settings),
  failover: (spec, type, to) => failoverPlan(type, linkSite(to), askedFor(spec.settings)),
  fence: ({ settings }) => fenceInWords(settings.cutover.fence.disableLogins),
  repair: (_spec, survivor) => bySite(linkSite(survivor), REPAIRS),
  remove: () => [...TAKE_DOWN.removeLink, ...TAKE_DOWN.dropGroups],
  hasReplicas: (site) => bySite(linkSite(site), { server: true, instance: false }),
  afterRemoval: (primary) =>
    bySite(linkSite(primary), {
      server: 'both copies become independent',
      instance: 'the copy on the SQL Server is left restoring',
    }),
  slotGiver: ({ settings, instance }) => ({
    resource: instance.resourceId,
    name: settings.instance,
    label: siteName('instance'),
  }),
  repairOfUsers: (primary) => repairOfUsers(linkSite(primary)),
};

const fenceInWords = (logins: readonly string[]): FenceInWords => {
  const named = logins.join(', ');
  const byHand = 'enable its logins by hand where they are disabled';
  return logins.length === 0
    ? { shut: null, byHand }
    : { shut: `disabled there: ${named}`, byHand: `${byHand} (${named})` };
};

/** Trace flags belong to servers, too. */
const OF_EACH_SERVER: readonly LinkStepId[] = ['server.keep-log', 'server.release-log'];

/**
 * Trust is a matter of each replica of an availability group ("for every replica", link-with-scripts): its steps are
 * there once for each of them, since any of them may lead the group tomorrow. So are those of trace flags.
 * @param servers all replicas, by their names in the inventory; empty where the group has one
 */
export function forReplicas(procedure: readonly LinkStep[], servers: readonly string[]): readonly LinkStep[] {
  if (servers.length === 0) return procedure;
  const on = (one: LinkStep, server: string) => ({ ...one, server, title: `${one.title} (${server})` });
  const rest = procedure.filter(({ phase }) => phase !== 'trust');
  return [
    ...servers.flatMap((server) => TRUST.map((one) => on(one, server))),
    ...rest.flatMap((one) =>
      OF_EACH_SERVER.includes(one.id) ? servers.map((server) => on(one, server)) : [one],
    ),
  ];
}
