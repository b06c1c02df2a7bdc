/**
 * Logins are copied from the present primary to the other side, before a failover: there the users of the database find
 * them by SID, and applications log in with the password that they have. Hashes are read when they are sent, and
 * nowhere kept: facts say whether a password differs, no more.
 */
import { otherSiteOf, type SiteId } from '../../../model/run/site';
import { sqlServerSite } from '../../../model/sql-server/spec';
import { type Effect, effectDisplay, type Statement } from '../../../model/statement';
import { requireMember, requireSite } from '../../../ports/sql-server-ports';
import { sameName } from '../../../rules/names';
import {
  type CopiedLogin,
  type LoginPlan,
  planLogins,
  type RoleChange,
  settingsOf,
} from '../../../rules/sql-server/login-plan';
import type { ObjectsInput } from '../../../rules/sql-server/objects-input';
import {
  keptOfLogins,
  keptOfPasswords,
  type LoginsUndo,
  madeOfLogins,
  madeOfPasswords,
  type PasswordsUndo,
  type ReplicaLoginsUndo,
  type ServerLoginsUndo,
} from '../../../rules/sql-server/undo-facts';
import { restoredPermissions, restoredSettings } from '../../../rules/sql-server/undo-objects';
import {
  changeLogin,
  changePermissions,
  createCopiedLogin,
  createServerRole,
  dropLogin,
  dropServerRole,
  freshLogin,
  setPasswordHash,
} from '../../../tsql/copied-logins';
import { terminateSessions } from '../../../tsql/sessions';
import { NeedsPerson, NotYet } from '../../run/failures';
import { defineSqlServerStep, type SqlServerContext, type SqlServerStep } from '../context';
import { lookAtReplicas } from '../instance-objects';
import { readHashes, readSideObjects } from '../observe/instance-objects';

interface ServerLogins extends Pick<LoginPlan, 'missing' | 'changed' | 'roles'> {
  /** Names of those that belong on that side and are there. */
  readonly there: readonly string[];
  /** Their SIDs. */
  readonly sids: readonly string[];
}

interface ReplicaLogins extends ServerLogins {
  readonly server: string;
}

interface LoginFacts extends ServerLogins {
  /**
   * Replicas of the availability group beside the one that leads it, by their names in the inventory: each may lead
   * tomorrow. Absent where there are none.
   */
  readonly replicas?: readonly ReplicaLogins[];
}

/** One server of the side; the one that leads has no name here. */
type OneServer = ServerLogins & Partial<Pick<ReplicaLogins, 'server'>>;
type OneUndo = ServerLoginsUndo & Partial<Pick<ReplicaLoginsUndo, 'server' | 'isUncertain'>>;

const serversOf = (facts: LoginFacts): readonly OneServer[] => [facts, ...(facts.replicas ?? [])];

/** Creates what is missing and brings what is there in line, passwords aside. @param on side that is not the primary */
export function logins(on: SiteId): SqlServerStep {
  return defineSqlServerStep<LoginFacts>({
    id: `${on}.logins`,
    async observe(context) {
      const { input, replicas } = await lookAtReplicas(context, otherSiteOf(context.spec.sites, on).id);
      const facts = loginsFrom(input);
      if (replicas.length === 0) return facts;
      return {
        ...facts,
        replicas: replicas.map((replica) => ({ server: replica.server, ...loginsFrom(replica.input) })),
      };
    },
    // Nothing is copied before the database is there.
    assume: (facts, { spec }) => {
      const missing = withDatabase(facts.missing, spec.settings.database);
      if (facts.replicas === undefined) return { ...facts, missing };
      const replicas = facts.replicas.map((replica) => ({
        ...replica,
        missing: withDatabase(replica.missing, spec.settings.database),
      }));
      return { ...facts, missing, replicas };
    },
    settled(facts, { spec }) {
      const { there } = facts;
      if (serversOf(facts).some(isBehind)) return undefined;
      const where = sqlServerSite(spec, on).name;
      return there.length === 0
        ? `no logins belong on ${where}`
        : `${there.join(', ')}: on ${where} as on the primary`;
    },
    effects: (facts, context) => copyEffects(facts, context, on),
    kept: keptOfLogins,
    made: madeOfLogins,
    async undo(before: LoginsUndo, _now, context) {
      const undone = await Promise.all(
        [before, ...(before.replicas ?? [])].map(async (server: OneUndo) => ({
          server,
          effects: await undoOn(server, on, context),
        })),
      );
      throwIfUncertain(undone);
      return undone.flatMap(({ effects }) => effects);
    },
  });
}

async function copyEffects(
  facts: LoginFacts,
  context: SqlServerContext,
  on: SiteId,
): Promise<readonly Effect[]> {
  const servers = serversOf(facts);
  const hashes = await hashesOfPrimary(
    context,
    on,
    servers.flatMap(({ missing }) => missing),
  );
  return servers.flatMap(({ server, roles, missing, changed }) =>
    onReplica(server, [
      ...roles.flatMap((role) => roleEffects(on, role)),
      ...missing.flatMap((login) => createEffects(on, login, hashes)),
      ...changed.flatMap(({ name, present, wanted }) => effectsOf(on, changeLogin(name, present, wanted))),
    ]),
  );
}

function loginsFrom(input: ObjectsInput): ServerLogins {
  const { missing, changed, roles, there } = planLogins(input);
  return {
    missing,
    changed,
    roles,
    there: there.map(({ name }) => name),
    sids: there.map(({ sid }) => sid),
  };
}

/** As they are created once the database is there. */
const withDatabase = (missing: readonly CopiedLogin[], database: string): readonly CopiedLogin[] =>
  missing.map((login) =>
    sameName(login.defaultDatabase, database)
      ? { ...login, wanted: { ...login.wanted, defaultDatabase: login.defaultDatabase } }
      : login,
  );

const isBehind = ({ missing, changed, roles }: OneServer): boolean =>
  missing.length + changed.length + roles.length > 0;

const onReplica = (server: string | undefined, effects: readonly Effect[]): readonly Effect[] =>
  server === undefined
    ? effects
    : effects.map((effect) => (effect.kind === 'tsql' ? { ...effect, server } : effect));

/** @throws NeedsPerson with all statements, none of which is sent then: what is there may be somebody else's */
function throwIfUncertain(
  undone: readonly { readonly server: OneUndo; readonly effects: readonly Effect[] }[],
): void {
  const unsure = undone.filter(({ server, effects }) => server.isUncertain === true && effects.length > 0);
  if (unsure.length === 0) return;
  const statements = undone.flatMap(({ server: { server }, effects }) =>
    effects.map((effect) => `${server === undefined ? '' : `on ${server}: `}${effectDisplay(effect)}`),
  );
  throw new NeedsPerson(
    'UndoUncertain',
    `nobody knows whether this run made what is on ${unsure.map(({ server }) => server.server).join(', ')}; nothing was taken away: ${statements.join(' ')}`,
    'run the statements that take away what nobody needs',
  );
}

async function undoOn(
  before: OneUndo,
  on: SiteId,
  { ports, signal }: SqlServerContext,
): Promise<readonly Effect[]> {
  const { server } = before;
  const port = server === undefined ? requireSite(ports, on) : requireMember(ports.group, server);
  // All logins, not only those that would be copied now: what the run made goes, whatever became of its user.
  const side = await readSideObjects(port, [], signal);
  const find = ({ sid }: { readonly sid: string }) => side.logins.find((login) => login.sid === sid);
  const created = before.missing.flatMap((login) => find(login)?.name ?? []);
  const altered = before.changed.flatMap((login) => {
    const here = find(login);
    if (here === undefined) return [];
    const restored = restoredSettings(settingsOf(here), login.present, login.wanted);
    return effectsOf(on, changeLogin(here.name, settingsOf(here), restored));
  });
  const roles = before.roles.flatMap((role) => {
    const here = side.roles.find(({ name }) => sameName(name, role.name));
    if (here === undefined) return [];
    if (role.present === null) return effectsOf(on, [dropServerRole(here.name)]);
    const restored = restoredPermissions(here.permissions, role.present, role.wanted);
    return effectsOf(on, changePermissions(here.name, here.permissions, restored));
  });
  return onReplica(server, [
    ...altered,
    // A login that is logged in cannot be dropped (15434).
    ...(created.length === 0 ? [] : effectsOf(on, [terminateSessions({ logins: created })])),
    ...created.flatMap((name) => effectsOf(on, [dropLogin(name)])),
    ...roles,
  ]);
}

function roleEffects(on: SiteId, { name, present, wanted }: RoleChange): readonly Effect[] {
  return [
    ...(present === null ? effectsOf(on, [createServerRole(name)], dropServerRole(name).display) : []),
    ...effectsOf(on, changePermissions(name, present ?? [], wanted)),
  ];
}

/** A statement each, so that an attempt that died goes on where it was. */
function createEffects(
  on: SiteId,
  login: CopiedLogin,
  hashes: ReadonlyMap<string, string>,
): readonly Effect[] {
  const { name, sid, wanted } = login;
  const passwordHash = hashes.get(sid);
  if (passwordHash === undefined) {
    throw new NotYet('LoginGone', `the primary has no login ${name} any more`);
  }
  return [
    ...effectsOf(
      on,
      [createCopiedLogin({ name, sid, passwordHash, settings: wanted })],
      dropLogin(name).display,
    ),
    ...effectsOf(on, changeLogin(name, freshLogin(wanted), wanted)),
  ];
}

interface ServerPasswords {
  /** Names of logins that have another password on the primary. */
  readonly differing: readonly string[];
  /** The same ones. */
  readonly logins: readonly Pick<CopiedLogin, 'name' | 'sid'>[];
}

interface PasswordFacts extends ServerPasswords {
  /** The same on each replica beside the one that leads; absent where there are none. */
  readonly replicas?: readonly (ServerPasswords & { readonly server: string })[];
}

type OnePasswords = ServerPasswords & { readonly server?: string };

/** Logins that were there already get the password of the primary. Their former one is not kept, so nothing undoes it. */
export function loginPasswords(on: SiteId): SqlServerStep {
  return defineSqlServerStep<PasswordFacts>({
    id: `${on}.login-passwords`,
    async observe(context) {
      const { input, replicas } = await lookAtReplicas(context, otherSiteOf(context.spec.sites, on).id);
      const facts = passwordsFrom(input);
      if (replicas.length === 0) return facts;
      return {
        ...facts,
        replicas: replicas.map((replica) => ({ server: replica.server, ...passwordsFrom(replica.input) })),
      };
    },
    // The step before creates what is missing with its password.
    settled: (facts) =>
      passwordsOf(facts).every(({ differing }) => differing.length === 0)
        ? 'the logins have the passwords of the primary'
        : undefined,
    async effects(facts, context) {
      const servers = passwordsOf(facts);
      const hashes = await hashesOfPrimary(
        context,
        on,
        servers.flatMap(({ logins }) => logins),
      );
      const set = ({ name, sid }: Pick<CopiedLogin, 'name' | 'sid'>) => {
        const hash = hashes.get(sid);
        return hash === undefined ? [] : effectsOf(on, [setPasswordHash(name, hash)]);
      };
      return servers.flatMap(({ server, logins }) => onReplica(server, logins.flatMap(set)));
    },
    kept: keptOfPasswords,
    made: madeOfPasswords,
    async undo(before: PasswordsUndo, now, { spec }) {
      const { differing, replicas } = madeOfPasswords(before, now);
      const replaced = [...new Set([differing, ...(replicas ?? []).map((one) => one.differing)].flat())];
      if (replaced.length === 0) return [];
      throw new NeedsPerson(
        'LoginPasswordReplaced',
        `on ${sqlServerSite(spec, on).name} the login(s) ${replaced.join(', ')} keep the password of the other side`,
        'set their passwords anew, if they had others before',
      );
    },
  });
}

const passwordsOf = (facts: PasswordFacts): readonly OnePasswords[] => [facts, ...(facts.replicas ?? [])];

function passwordsFrom(input: ObjectsInput): ServerPasswords {
  const logins = planLogins(input).otherPassword;
  return { differing: logins.map(({ name }) => name), logins };
}

/** **Secret.** Hashes of the primary by SID, read when they are sent. */
async function hashesOfPrimary(
  { ports, spec, signal }: SqlServerContext,
  on: SiteId,
  logins: readonly Pick<CopiedLogin, 'sid'>[],
): Promise<ReadonlyMap<string, string>> {
  const sids = [...new Set(logins.map(({ sid }) => sid))];
  const read = await readHashes(requireSite(ports, otherSiteOf(spec.sites, on).id), sids, signal);
  return new Map([...read].flatMap(([sid, hash]) => (hash === null ? [] : [[sid, hash]])));
}

const effectsOf = (on: SiteId, statements: readonly Statement[], undo?: string): readonly Effect[] =>
  statements.map((statement, index) => ({
    kind: 'tsql',
    on,
    statement,
    ...(undo === undefined || index > 0 ? {} : { undo }),
  }));
