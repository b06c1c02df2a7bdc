import { byWord } from '../by-word';
import { bySite } from '../side';
import { copySteps, cutoverAdditions, INSTANCE_OBJECT_STEP_IDS } from '../sql-server/instance-object-steps';
import type { CutoverRoute } from './facts';

/** Phases of a link migration, in order. People see these words. */
export const LINK_PHASES = [
  'preflight',
  'trust',
  'groups',
  'link',
  'seeding',
  'first-log-backup',
  'replicating',
  'cutover',
  'after',
] as const;
export type LinkPhase = (typeof LINK_PHASES)[number];

export const LINK_PHASE_TITLES: Readonly<Record<LinkPhase, string>> = {
  preflight: 'Preflight',
  trust: 'Trust between the instances',
  groups: 'Availability groups',
  link: 'Link',
  seeding: 'Seeding',
  'first-log-backup': 'First log backup',
  replicating: 'Replicating',
  cutover: 'Cutover',
  after: 'After the cutover',
};

/** Steps that change something. Each observes first, so that it can run twice (promise 1). */
export const LINK_STEP_IDS = [
  'server.master-key',
  'server.endpoint-certificate',
  'instance.trust-server-certificate',
  'server.trust-instance-certificate',
  'server.trust-azure-authorities',
  'server.validate-certificate-chain',
  'server.mirroring-endpoint',
  'server.availability-group',
  'server.distributed-availability-group',
  'server.keep-log',
  'instance.link',
  'server.release-log',
  'server.log-backup',
  'server.fence',
  'server.synchronous-commit',
  'server.planned-failover',
  'instance.delete-link-to-cut-over',
  'instance.verify-writable',
  'instance.remove-link',
  'server.drop-distributed-availability-group',
  'server.drop-availability-group',
  'instance.fence',
  'server.admit-applications',
  'instance.admit-applications',
  'instance.planned-failover',
  'instance.forced-failover',
  'server.forced-failover',
  'server.verify-writable',
  'server.become-secondary',
  'instance.become-secondary',
  'server.repair-orphaned-users',
  'instance.repair-orphaned-users',
  ...INSTANCE_OBJECT_STEP_IDS,
  'server.empty-availability-group',
  'server.grant-create-database',
  'server.readable-secondary',
  'instance.link-from-instance',
  'server.join-distributed-availability-group',
] as const;
export type LinkStepId = (typeof LINK_STEP_IDS)[number];

export interface StepRef {
  readonly id: LinkStepId;
  readonly phase: LinkPhase;
  readonly title: string;
  /** How often a run performs it. */
  readonly repeats: 'once' | 'on-cadence';
  /**
   * Replica of the availability group that the step is about, by its name in the inventory. Absent: the server that
   * leads the group (of a group with one replica: `server`).
   */
  readonly server?: string;
}

const TRUST: readonly StepRef[] = [
  step('server.master-key', 'trust', 'Master key of the SQL Server'),
  step('server.endpoint-certificate', 'trust', 'Certificate of the endpoint of the SQL Server'),
  step('instance.trust-server-certificate', 'trust', 'Instance trusts the SQL Server'),
  step('server.trust-instance-certificate', 'trust', 'SQL Server trusts the instance'),
  step('server.trust-azure-authorities', 'trust', 'SQL Server trusts the authorities of Azure'),
  step('server.validate-certificate-chain', 'trust', 'Certificate chain validates'),
  step('server.mirroring-endpoint', 'trust', 'Mirroring endpoint of the SQL Server'),
];

const GROUPS: readonly StepRef[] = [
  step('server.availability-group', 'groups', 'Availability group'),
  step('server.distributed-availability-group', 'groups', 'Distributed availability group'),
];

const LINK: readonly StepRef[] = [step('instance.link', 'link', 'Create the link')];

/** How the log that the copy needs is kept while it is made: see `seeding.keepLog` of a spec. */
export type KeepLog = 'none' | 'trace-flag-12381';

/** Last of its phase: the link comes next. */
const KEEP_LOG: Readonly<Record<KeepLog, readonly StepRef[]>> = {
  none: [],
  'trace-flag-12381': [step('server.keep-log', 'groups', 'Keep the log for the copy')],
};

/** Before the first log backup, so that this one frees the log. */
const RELEASE_LOG: Readonly<Record<KeepLog, readonly StepRef[]>> = {
  none: [],
  'trace-flag-12381': [step('server.release-log', 'first-log-backup', 'Keep the log no longer')],
};

const FIRST_BACKUP: readonly StepRef[] = [step('server.log-backup', 'first-log-backup', 'First log backup')];

const BACKUPS: readonly StepRef[] = [
  { id: 'server.log-backup', phase: 'replicating', title: 'Log backup', repeats: 'on-cadence' },
];

const CUTOVER: Readonly<Record<CutoverRoute, readonly StepRef[]>> = {
  'planned-failover': [
    step('server.fence', 'cutover', 'Fence the SQL Server'),
    step('server.planned-failover', 'cutover', 'Planned failover'),
    step('instance.verify-writable', 'cutover', 'New primary takes writes'),
  ],
  'delete-link': [
    step('server.fence', 'cutover', 'Fence the SQL Server'),
    step('server.synchronous-commit', 'cutover', 'Synchronous commit'),
    step('instance.delete-link-to-cut-over', 'cutover', 'Delete the link to cut over'),
    step('instance.verify-writable', 'cutover', 'New primary takes writes'),
  ],
};

const DROP_GROUPS: readonly StepRef[] = [
  step('server.drop-distributed-availability-group', 'after', 'Drop the distributed availability group'),
  step('server.drop-availability-group', 'after', 'Drop the availability group'),
];

/** Setting up a link that replicates: all there is to plan of a link that stays. */
export const establishing = (keepLog: KeepLog = 'none', objects = false): readonly StepRef[] => [
  ...TRUST,
  ...GROUPS,
  ...byWord('seeding.keepLog', keepLog, KEEP_LOG),
  ...LINK,
  ...byWord('seeding.keepLog', keepLog, RELEASE_LOG),
  ...FIRST_BACKUP,
  ...(objects ? copySteps('instance') : []),
  ...BACKUPS,
];

/** What a spec asks for besides the crossing itself. */
export interface AskedFor {
  /** Orphaned users get their logins. */
  readonly repairUsers?: boolean;
  /** Logins and agent jobs are copied (`instanceObjects`). */
  readonly objects?: boolean;
}
/** Setting up a link that the instance leads at first: a group without a database, and the SQL Server joins. */
export const establishingFromInstance = (objects = false): readonly StepRef[] => [
  ...FROM_INSTANCE,
  ...(objects ? copySteps('server') : []),
];

const FROM_INSTANCE: readonly StepRef[] = [
  ...TRUST,
  step('server.empty-availability-group', 'groups', 'Availability group without a database'),
  step('server.grant-create-database', 'groups', 'The group may create the database'),
  step('server.readable-secondary', 'groups', 'The copy can be read'),
  step('instance.link-from-instance', 'link', 'Create the link from the instance'),
  step('server.join-distributed-availability-group', 'link', 'Join the distributed availability group'),
];

/** What follows a cutover; on the route `delete-link` there is no link any more that could be kept. */
const AFTER: Readonly<Record<CutoverRoute, (afterwards: Afterwards) => readonly StepRef[]>> = {
  'planned-failover': (afterwards) =>
    byWord('cutover.afterwards', afterwards, {
      'remove-link': [step('instance.remove-link', 'after', 'Remove the link'), ...DROP_GROUPS],
      'keep-link': [],
    }),
  'delete-link': () => DROP_GROUPS,
};

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
  { repairUsers = false, objects = false }: AskedFor = {},
): readonly StepRef[] {
  const common = [
    ...establishing(keepLog, objects),
    ...byWord('route of a cutover', route, CUTOVER),
    ...(objects ? cutoverAdditions() : []),
    ...(repairUsers ? [repairOfUsers('instance')] : []),
  ];
  return [...common, ...byWord('route of a cutover', route, AFTER)(afterwards)];
}

/** Which side of the link is meant to be the primary: the SQL Server (server) or the managed instance (instance). */
export type LinkSite = 'server' | 'instance';

export type FailoverType = 'planned' | 'forced';

/** Steps of a failover of a link that stays: the fence first where there is one. */
export interface FailoverProcedure {
  readonly fence: StepRef | null;
  readonly forward: readonly StepRef[];
}

/**
 * The failover of a long-lived link as a table. A forced one knows no fence: the old primary is out of reach.
 * @param to side that becomes the primary
 */
export function failoverProcedure(type: FailoverType, to: LinkSite): FailoverProcedure {
  const { fence, act, proof } = bySite(to, byWord('type of a failover', type, FAILOVERS));
  return { fence, forward: [act, ...proof] };
}

interface FailoverSteps {
  readonly fence: StepRef | null;
  readonly act: StepRef;
  readonly proof: readonly StepRef[];
}

const PROOF: Readonly<Record<LinkSite, readonly StepRef[]>> = {
  instance: [
    step('instance.verify-writable', 'cutover', 'New primary takes writes'),
    step('instance.admit-applications', 'cutover', 'Admit the applications to the instance'),
  ],
  server: [
    step('server.verify-writable', 'cutover', 'New primary takes writes'),
    step('server.admit-applications', 'cutover', 'Admit the applications to the SQL Server'),
  ],
};

/** By the side that becomes the primary. */
const FAILOVERS: Readonly<Record<FailoverType, Readonly<Record<LinkSite, FailoverSteps>>>> = {
  planned: {
    instance: {
      fence: step('server.fence', 'cutover', 'Fence the SQL Server'),
      act: step('server.planned-failover', 'cutover', 'Planned failover to the instance'),
      proof: PROOF.instance,
    },
    server: {
      fence: step('instance.fence', 'cutover', 'Fence the instance'),
      act: step('instance.planned-failover', 'cutover', 'Planned failover to the SQL Server'),
      proof: PROOF.server,
    },
  },
  forced: {
    instance: {
      fence: null,
      act: step('instance.forced-failover', 'cutover', 'Forced failover to the instance'),
      proof: PROOF.instance,
    },
    server: {
      fence: null,
      act: step('server.forced-failover', 'cutover', 'Forced failover to the SQL Server'),
      proof: PROOF.server,
    },
  },
};

/** Repair after a split brain: what the loser has alone is backed up first, then it follows the survivor. */
export const repairProcedure = (survivor: LinkSite): readonly StepRef[] => bySite(survivor, REPAIRS);

const REPAIRS: Readonly<Record<LinkSite, readonly StepRef[]>> = {
  server: [step('instance.become-secondary', 'replicating', 'Demote the instance')],
  instance: [
    step('server.log-backup', 'replicating', 'Back up the log of the former primary'),
    step('server.become-secondary', 'replicating', 'Demote the SQL Server'),
  ],
};

/** Users without a login of their SID get the login of their name, once the new primary takes writes. */
export const repairOfUsers = (on: LinkSite): StepRef =>
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

/** Taking a long-lived link down, in the documented order. */
export const REMOVAL: readonly StepRef[] = [
  step('instance.remove-link', 'after', 'Remove the link'),
  ...DROP_GROUPS,
];

/** Trace flags belong to servers, too. */
const OF_EACH_SERVER: readonly LinkStepId[] = ['server.keep-log', 'server.release-log'];

/**
 * Trust is a matter of each replica of an availability group ("for every replica", link-with-scripts): its steps are
 * there once for each of them, since any of them may lead the group tomorrow. So are those of trace flags.
 * @param servers all replicas, by their names in the inventory; empty where the group has one
 */
export function forReplicas(procedure: readonly StepRef[], servers: readonly string[]): readonly StepRef[] {
  if (servers.length === 0) return procedure;
  const on = (one: StepRef, server: string) => ({ ...one, server, title: `${one.title} (${server})` });
  const rest = procedure.filter(({ phase }) => phase !== 'trust');
  return [
    ...servers.flatMap((server) => TRUST.map((one) => on(one, server))),
    ...rest.flatMap((one) =>
      OF_EACH_SERVER.includes(one.id) ? servers.map((server) => on(one, server)) : [one],
    ),
  ];
}

/** @returns the steps of one phase, in order. */
export function stepsOfPhase(procedure: readonly StepRef[], phase: LinkPhase): readonly StepRef[] {
  return procedure.filter((candidate) => candidate.phase === phase);
}

function step(id: LinkStepId, phase: LinkPhase, title: string): StepRef {
  return { id, phase, title, repeats: 'once' };
}
