/** Objects outside of the database: both sides read and compared, now and again. */
import { driftMark, driftOf, type ObjectsReport, otherSideOf } from '../../model/link/instance-objects';
import { instanceObjectsSchema } from '../../model/link/instance-objects-spec';
import type { ResolvedLinkMigration } from '../../model/link/spec';
import type { Side } from '../../model/statement';
import {
  findObjects,
  type ObjectsInput,
  type PasswordState,
  selectLogins,
} from '../../rules/link/instance-objects';
import { sameName } from '../../rules/names';
import { readDatabaseUsers } from '../../tsql/queries/instance-logins';
import { readTargetDatabase } from '../../tsql/queries/target';
import { readHashes, readReported, readSideObjects } from '../observe/instance-objects';
import { type LinkActivityDependencies, linkCalls } from './call';
import type { LinkContext } from './context';
import type { InstanceObjectActivities, ObjectsWatchInput } from './instance-object-api';

/** Comparing reads no secret of a spec. */
export type ObjectsContext = Omit<LinkContext, 'secret'>;

export function createInstanceObjectActivities(
  dependencies: LinkActivityDependencies,
): InstanceObjectActivities {
  const call = linkCalls(dependencies);
  return {
    compareInstanceObjects: ({ spec, primary }) =>
      call(spec, async ({ context }) => driftAlone(await compareObjects(context, primary))),
    watchInstanceObjects: (input) =>
      call(input.spec, async ({ context }) => driftAlone(await watchObjects(context, input))),
  };
}

/** A history need not hold what is the same: there may be hundreds of logins. */
const driftAlone = (report: ObjectsReport): ObjectsReport => ({ ...report, findings: driftOf(report) });

/** Compares everything that the spec asks for, and what is only shown. Changes nothing. */
export async function compareObjects(context: ObjectsContext, primary: Side): Promise<ObjectsReport> {
  const { ports, clock, signal } = context;
  const observedAt = new Date(clock.now()).toISOString();
  const [input, source, target] = await Promise.all([
    lookAtObjects(context, primary),
    readReported(ports.source, signal),
    readReported(ports.target, signal),
  ]);
  return { observedAt, primary, findings: findObjects(input, { source, target }) };
}

/** Reads both sides. What it returns holds job commands: it must not leave the activity. */
export async function lookAtObjects(context: ObjectsContext, primarySide: Side): Promise<ObjectsInput> {
  const { ports, spec, signal } = context;
  const { migration } = spec;
  const objects = migration.instanceObjects ?? instanceObjectsSchema.parse({});
  const to = otherSideOf(primarySide);
  const names = objects.jobs.include;
  const [primary, other, users] = await Promise.all([
    readSideObjects(ports[primarySide], names, signal),
    readSideObjects(ports[to], names, signal),
    ports[primarySide].query(readDatabaseUsers(migration.database), { signal }),
  ]);
  const input: ObjectsInput = {
    objects,
    primarySide,
    names: { source: migration.source, target: migration.target },
    primary,
    other,
    users,
    database: migration.database,
    passwords: new Map(),
    ownLogins: ownLogins(spec),
    fencedLogins: migration.cutover.fence.disableLogins,
  };
  return { ...input, passwords: await comparePasswords(context, input) };
}

const ownLogins = ({ source, target }: ResolvedLinkMigration): readonly string[] =>
  [source.authentication, target.authentication].flatMap((authentication) =>
    authentication.type === 'sql' ? [authentication.user] : [],
  );

/** Hashes are compared here and forgotten: not even a digest of one goes further. */
async function comparePasswords(
  { ports, signal }: ObjectsContext,
  input: ObjectsInput,
): Promise<ReadonlyMap<string, PasswordState>> {
  const { primarySide, other } = input;
  const logins = selectLogins(input).logins.filter(({ kind }) => kind === 'sql');
  const hasTwin = ({ name, sid }: (typeof logins)[number]): boolean =>
    other.logins.some((login) => sameName(login.name, name) && login.sid === sid);
  const sidsOf = (list: typeof logins): readonly string[] => list.map(({ sid }) => sid);
  const [here, there] = await Promise.all([
    readHashes(ports[primarySide], sidsOf(logins), signal),
    readHashes(ports[otherSideOf(primarySide)], sidsOf(logins.filter(hasTwin)), signal),
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

/** @returns the side that is the primary of the link; the SQL Server while there is none */
export async function leadingSide({ ports, spec, signal }: ObjectsContext): Promise<Side> {
  const { database } = spec.migration;
  const [row] = await ports.source.query(readTargetDatabase(database, spec.names.link), { signal });
  return row?.linkRoleDesc === 'SECONDARY' ? 'target' : 'source';
}

async function watchObjects(context: ObjectsContext, input: ObjectsWatchInput): Promise<ObjectsReport> {
  const { clock, signal } = context;
  const startedAt = clock.now();
  if (input.waitsFirst) await clock.sleep(input.everyMs, signal);
  for (;;) {
    const report = await compareObjects(context, input.primary);
    if (driftMark(report) !== input.known) return report;
    if (clock.now() - startedAt >= input.checkpointAfterMs) return report;
    // No progress is told: what people wait for meanwhile is something else.
    await clock.sleep(input.everyMs, signal);
  }
}
