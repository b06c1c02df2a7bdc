/** Objects outside of the database: both sides read and compared, now and again. */

import { otherSiteOf, type SiteId } from '../../model/run/site';
import {
  driftFingerprint,
  driftOf,
  type ObjectFinding,
  type ObjectsReport,
} from '../../model/sql-server/instance-objects';
import { instanceObjectsSchema } from '../../model/sql-server/instance-objects-spec';
import { sqlServerSite } from '../../model/sql-server/spec';
import { SqlServerFailure } from '../../ports/failures';
import type { SqlServerPort } from '../../ports/sql-server';
import { type GroupPorts, requireSite } from '../../ports/sql-server-ports';
import { sameName } from '../../rules/names';
import { findObjects } from '../../rules/sql-server/instance-objects';
import { selectLogins } from '../../rules/sql-server/login-plan';
import type { ObjectsInput, PasswordState } from '../../rules/sql-server/objects-input';
import {
  type ReplicaDifference,
  replicaDifferences,
  replicaFindings,
  silentReplica,
} from '../../rules/sql-server/replica-objects';
import { readDatabaseUsers } from '../../tsql/queries/instance-logins';
import type { SqlServerContext } from './context';
import type { InstanceObjectActivities, ObjectsWatchInput } from './instance-object-api';
import { readHashes, readReported, readSideObjects } from './observe/instance-objects';

/** Comparing reads no secret of a spec. */
export type ObjectsContext = Omit<SqlServerContext, 'secret'>;

/** Opens what a spec of some topology names, for one activity. */
export type CallSites<Spec> = <T>(spec: Spec, work: (context: ObjectsContext) => Promise<T>) => Promise<T>;

export function createInstanceObjectActivities<Id extends SiteId, Spec>(
  call: CallSites<Spec>,
): InstanceObjectActivities<Id, Spec> {
  return {
    compareInstanceObjects: ({ spec, primary }) =>
      call(spec, async (context) => driftAlone(await compareObjects(context, primary))),
    watchInstanceObjects: (input) =>
      call(input.spec, async (context) => driftAlone(await watchObjects(context, input))),
  };
}

/** A history need not hold what is the same: there may be hundreds of logins. */
const driftAlone = <Id extends SiteId>(report: ObjectsReport<Id>): ObjectsReport<Id> => ({
  ...report,
  findings: driftOf(report),
});

/** Compares everything that the spec asks for, and what is only shown. Changes nothing. */
export async function compareObjects<Id extends SiteId>(
  context: ObjectsContext,
  primary: Id,
): Promise<ObjectsReport<Id>> {
  const { ports, clock, signal } = context;
  const observedAt = new Date(clock.now()).toISOString();
  const [{ input, replicas, silent, differences }, here, there] = await Promise.all([
    lookAtReplicas(context, primary),
    readReported(requireSite(ports, primary), signal),
    readReported(requireSite(ports, otherSiteOf(context.spec.sites, primary).id), signal),
  ]);
  const findings = findObjects(input, { primary: here, other: there });
  const leader = ports.group === undefined ? undefined : leaderOf(ports.group);
  const onReplicas = replicas.flatMap((replica) => {
    const found = findObjects(replica.input, { primary: [], other: [] });
    return driftOf({ findings: found }).filter(
      ({ kind, name, copyable }) =>
        kind === 'login' && (copyable || !findings.some((other) => sameDrift(other, kind, name))),
    );
  });
  return {
    observedAt,
    primary,
    findings: [
      ...findings,
      ...onReplicas,
      ...(leader === undefined ? [] : replicaFindings(differences, leader)),
      ...silent.map(silentReplica),
    ],
  };
}

/** While no server has the group, the one that the migration names answers in its place. */
const leaderOf = (group: GroupPorts): string | undefined => group.leader() ?? [...group.members.keys()][0];

const sameDrift = (finding: ObjectFinding, kind: ObjectFinding['kind'], name: string): boolean =>
  finding.state === 'cannot-be-copied' && finding.kind === kind && sameName(finding.name, name);

interface ReplicaInput {
  readonly server: string;
  /** As of the replica that leads, with this one as the other side. */
  readonly input: ObjectsInput;
}

interface LookedAtReplicas {
  readonly input: ObjectsInput;
  /** While the instance leads: replicas beside the one that leads the group, all of which are kept alike. */
  readonly replicas: readonly ReplicaInput[];
  /** Replicas that do not answer. */
  readonly silent: readonly string[];
  /** While the SQL Server leads: what its replicas have differently. */
  readonly differences: readonly ReplicaDifference[];
}

/**
 * As `lookAtObjects`, with all replicas of an availability group that answer. What it returns holds job commands: it must
 * not leave the activity.
 */
export async function lookAtReplicas(context: ObjectsContext, primary: SiteId): Promise<LookedAtReplicas> {
  const looked = await lookAtLeader(context, primary);
  const { group } = context.ports;
  if (group === undefined) return { input: looked, replicas: [], silent: [], differences: [] };
  const leader = leaderOf(group);
  const here = requireSite(context.ports, primary);
  const groupLeads = sqlServerSite(context.spec, primary).platform === 'sql-server';
  const others = [...group.members].filter(([name]) => name !== leader);
  const looks = await Promise.all(
    others.map(async ([replica, port]) => {
      const input = await unlessSilent(context.signal, async () => {
        const other = await readSideObjects(port, [], context.signal);
        const seen = { ...looked, objects: { ...looked.objects, jobs: { include: [] } }, other };
        const names = groupLeads ? looked.names : { ...looked.names, other: replica };
        const passwords = await comparePasswords(here, port, seen, context.signal);
        return { ...seen, passwords, names };
      });
      return { server: replica, input };
    }),
  );
  const silent = looks.flatMap(({ server, input }) => (input === undefined ? [server] : []));
  const replicas = looks.flatMap(({ server, input }) => (input === undefined ? [] : [{ server, input }]));
  if (!groupLeads) return { input: looked, replicas, silent, differences: [] };
  const differences = replicaDifferences(
    looked,
    replicas.map(({ server, input: { other, passwords } }) => ({ server, objects: other, passwords })),
  );
  const disputed = differences.filter(({ isDisputed }) => isDisputed);
  const passwords = new Map<string, PasswordState>([
    ...looked.passwords,
    ...disputed.map(({ sid }): [string, PasswordState] => [sid, 'disputed']),
  ]);
  return { input: { ...looked, passwords }, replicas: [], silent, differences };
}

/** @returns undefined when the replica cannot be reached: nobody waits for it */
async function unlessSilent<T>(signal: AbortSignal, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof SqlServerFailure && error.transport !== undefined && !signal.aborted)
      return undefined;
    throw error;
  }
}

/** Reads both sides. What it returns holds job commands: it must not leave the activity. */
export const lookAtObjects = async (context: ObjectsContext, primary: SiteId): Promise<ObjectsInput> =>
  (await lookAtReplicas(context, primary)).input;

async function lookAtLeader(context: ObjectsContext, primarySite: SiteId): Promise<ObjectsInput> {
  const { ports, spec, signal } = context;
  const { settings } = spec;
  const objects = settings.instanceObjects ?? instanceObjectsSchema.parse({});
  const otherSite = sqlServerSite(spec, otherSiteOf(spec.sites, primarySite).id);
  const here = requireSite(ports, primarySite);
  const there = requireSite(ports, otherSite.id);
  const names = objects.jobs.include;
  const [primary, other, users] = await Promise.all([
    readSideObjects(here, names, signal),
    readSideObjects(there, names, signal),
    here.query(readDatabaseUsers(settings.database), { signal }),
  ]);
  const input: ObjectsInput = {
    objects,
    names: { primary: sqlServerSite(spec, primarySite).name, other: otherSite.name },
    otherPlatform: otherSite.platform,
    primary,
    other,
    users,
    database: settings.database,
    passwords: new Map(),
    ownLogins: spec.sites.flatMap(({ ownLogin }) => ownLogin ?? []),
    fencedLogins: settings.cutover.fence.disableLogins,
  };
  return { ...input, passwords: await comparePasswords(here, there, input, signal) };
}

/** Hashes are compared here and forgotten: not even a digest of one goes further. */
async function comparePasswords(
  onPrimary: SqlServerPort,
  onOther: SqlServerPort,
  input: ObjectsInput,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PasswordState>> {
  const { other } = input;
  const logins = selectLogins(input).logins.filter(({ kind }) => kind === 'sql');
  const hasTwin = ({ name, sid }: (typeof logins)[number]): boolean =>
    other.logins.some((login) => sameName(login.name, name) && login.sid === sid);
  const sidsOf = (list: typeof logins): readonly string[] => list.map(({ sid }) => sid);
  const [here, there] = await Promise.all([
    readHashes(onPrimary, sidsOf(logins), signal),
    readHashes(onOther, sidsOf(logins.filter(hasTwin)), signal),
  ]);
  return new Map(
    logins.map((login): [string, PasswordState] => {
      const hash = here.get(login.sid);
      if (hash == null) return [login.sid, 'unreadable'];
      if (!hasTwin(login)) return [login.sid, 'same'];
      const present = there.get(login.sid);
      if (present == null) return [login.sid, 'unreadable'];
      return [login.sid, hash === present ? 'same' : 'differs'];
    }),
  );
}

async function watchObjects<Id extends SiteId>(
  context: ObjectsContext,
  input: Omit<ObjectsWatchInput<Id>, 'spec'>,
): Promise<ObjectsReport<Id>> {
  const { clock, signal } = context;
  const startedAt = clock.now();
  if (input.waitsFirst) await clock.sleep(input.everyMs, signal);
  for (;;) {
    const report = await compareObjects(context, input.primary);
    if (driftFingerprint(report) !== input.known) return report;
    if (clock.now() - startedAt >= input.checkpointAfterMs) return report;
    // No progress is told: what people wait for meanwhile is something else.
    await clock.sleep(input.everyMs, signal);
  }
}
