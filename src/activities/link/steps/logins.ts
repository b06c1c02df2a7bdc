/**
 * Logins are copied from the present primary to the other side, before a failover: there the users of the database find
 * them by SID, and applications log in with the password that they have. Hashes are read when they are sent, and
 * nowhere kept: facts say whether a password differs, no more.
 */
import { otherSideOf } from '../../../model/link/instance-objects';
import type { Effect, Side, Statement } from '../../../model/statement';
import {
  type CopiedLogin,
  differences,
  type LoginPlan,
  planLogins,
  type RoleChange,
  settingsOf,
} from '../../../rules/link/instance-objects';
import { includesName, sameName } from '../../../rules/names';
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
import { NeedsPerson, NotYet } from '../../failures';
import { readHashes, readSideObjects } from '../../observe/instance-objects';
import { requireMember } from '../../steps/apply-effect';
import { defineLinkStep, type LinkContext } from '../context';
import { lookAtReplicas } from '../instance-objects';

export const loginsOnTarget = defineLogins('target');
export const loginsOnSource = defineLogins('source');
export const loginPasswordsOnTarget = defineLoginPasswords('target');
export const loginPasswordsOnSource = defineLoginPasswords('source');

type ServerLogins = Pick<LoginPlan, 'missing' | 'changed' | 'roles'>;

interface LoginFacts extends ServerLogins {
  /** Names of those that belong on that side and are there. */
  readonly there: readonly string[];
  /**
   * Replicas of the availability group beside the one that leads it, by their names in the inventory: each may lead
   * tomorrow. Absent where there are none.
   */
  readonly replicas?: readonly (ServerLogins & { readonly server: string })[];
}

/** One server of the side; the one that leads has no name here. */
type OneServer = ServerLogins & { readonly server?: string };

const serversOf = (facts: LoginFacts): readonly OneServer[] => [facts, ...(facts.replicas ?? [])];

/** Creates what is missing and brings what is there in line, passwords aside. @param on side that is not the primary */
function defineLogins(on: Side) {
  return defineLinkStep<LoginFacts>({
    id: `${on}.logins`,
    async observe(context) {
      const { input, replicas } = await lookAtReplicas(context, otherSideOf(on));
      const { missing, changed, roles, there } = planLogins(input);
      const facts = { missing, changed, roles, there: there.map(({ name }) => name) };
      if (replicas.length === 0) return facts;
      return {
        ...facts,
        replicas: replicas.map((replica) => {
          const plan = planLogins(replica.input);
          return { server: replica.server, missing: plan.missing, changed: plan.changed, roles: plan.roles };
        }),
      };
    },
    // Nothing is copied before the database is there.
    assume: (facts, { spec }) => {
      const missing = withDatabase(facts.missing, spec.migration.database);
      if (facts.replicas === undefined) return { ...facts, missing };
      const replicas = facts.replicas.map((replica) => ({
        ...replica,
        missing: withDatabase(replica.missing, spec.migration.database),
      }));
      return { ...facts, missing, replicas };
    },
    settled(facts, { spec }) {
      const { there } = facts;
      if (serversOf(facts).some(isBehind)) return undefined;
      const where = spec.migration[on];
      return there.length === 0
        ? `no logins belong on ${where}`
        : `${there.join(', ')}: on ${where} as on the primary`;
    },
    async effects(facts, context) {
      const servers = serversOf(facts);
      const names = servers.flatMap(({ missing }) => missing.map(({ name }) => name));
      const hashes = await hashesOfPrimary(context, on, [...new Set(names)]);
      return servers.flatMap(({ server, roles, missing, changed }) =>
        onReplica(server, [
          ...roles.flatMap((role) => roleEffects(on, role)),
          ...missing.flatMap((login) => createEffects(on, login, hashes)),
          ...changed.flatMap(({ name, present, wanted }) =>
            effectsOf(on, changeLogin(name, present, wanted)),
          ),
        ]),
      );
    },
    async undo(before, _now, context) {
      const undone = serversOf(before).map((server) => undoOn(server, on, context));
      return (await Promise.all(undone)).flat();
    },
  });
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

async function undoOn(
  before: OneServer,
  on: Side,
  { ports, signal }: LinkContext,
): Promise<readonly Effect[]> {
  const { server } = before;
  const port = server === undefined ? ports[on] : requireMember(ports.group, server);
  // All logins, not only those that would be copied now: what the run made goes, whatever became of its user.
  const side = await readSideObjects(port, [], signal);
  const find = ({ sid }: CopiedLogin) => side.logins.find((login) => login.sid === sid);
  const created = before.missing.flatMap((login) => find(login)?.name ?? []);
  const altered = before.changed.flatMap((login) => {
    const here = find(login);
    if (here === undefined || differences(here, login.present).length === 0) return [];
    return effectsOf(on, changeLogin(here.name, settingsOf(here), login.present));
  });
  const roles = before.roles.flatMap((role) => {
    const here = side.roles.find(({ name }) => sameName(name, role.name));
    if (here === undefined) return [];
    return role.present === null
      ? effectsOf(on, [dropServerRole(here.name)])
      : effectsOf(on, changePermissions(here.name, here.permissions, role.present));
  });
  return onReplica(server, [
    ...altered,
    // A login that is logged in cannot be dropped (15434).
    ...(created.length === 0 ? [] : effectsOf(on, [terminateSessions({ logins: created })])),
    ...created.flatMap((name) => effectsOf(on, [dropLogin(name)])),
    ...roles,
  ]);
}

function roleEffects(on: Side, { name, present, wanted }: RoleChange): readonly Effect[] {
  return [
    ...(present === null ? effectsOf(on, [createServerRole(name)], dropServerRole(name).display) : []),
    ...effectsOf(on, changePermissions(name, present ?? [], wanted)),
  ];
}

/** A statement each, so that an attempt that died goes on where it was. */
function createEffects(on: Side, login: CopiedLogin, hashes: ReadonlyMap<string, string>): readonly Effect[] {
  const { name, sid, wanted } = login;
  const passwordHash = hashes.get(name.toLowerCase());
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

interface PasswordFacts {
  /** Names of logins that have another password on the primary. */
  readonly differing: readonly string[];
  /** The same on each replica beside the one that leads; absent where there are none. */
  readonly replicas?: readonly { readonly server: string; readonly differing: readonly string[] }[];
}

/** Logins that were there already get the password of the primary. Their former one is not kept, so nothing undoes it. */
function defineLoginPasswords(on: Side) {
  return defineLinkStep<PasswordFacts>({
    id: `${on}.login-passwords`,
    async observe(context) {
      const { input, replicas } = await lookAtReplicas(context, otherSideOf(on));
      const differing = planLogins(input).otherPassword;
      if (replicas.length === 0) return { differing };
      return {
        differing,
        replicas: replicas.map((replica) => ({
          server: replica.server,
          differing: planLogins(replica.input).otherPassword,
        })),
      };
    },
    // The step before creates what is missing with its password.
    settled: (facts) =>
      everyPassword(facts).length === 0 ? 'the logins have the passwords of the primary' : undefined,
    async effects(facts, context) {
      const hashes = await hashesOfPrimary(context, on, everyPassword(facts));
      const set = (name: string) => {
        const hash = hashes.get(name.toLowerCase());
        return hash === undefined ? [] : effectsOf(on, [setPasswordHash(name, hash)]);
      };
      return [
        ...facts.differing.flatMap(set),
        ...(facts.replicas ?? []).flatMap(({ server, differing }) =>
          onReplica(server, differing.flatMap(set)),
        ),
      ];
    },
    async undo(before, now, { spec }) {
      const differing = everyPassword(now);
      const replaced = everyPassword(before).filter((name) => !includesName(differing, name));
      if (replaced.length === 0) return [];
      throw new NeedsPerson(
        'LoginPasswordReplaced',
        `on ${spec.migration[on]} the login(s) ${replaced.join(', ')} keep the password of the other side`,
        'set their passwords anew, if they had others before',
      );
    },
  });
}

const everyPassword = ({ differing, replicas = [] }: PasswordFacts): readonly string[] => [
  ...new Set([...differing, ...replicas.flatMap((replica) => replica.differing)]),
];

/** **Secret.** Hashes of the primary by lower-case name, read when they are sent. */
async function hashesOfPrimary(
  { ports, signal }: LinkContext,
  on: Side,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const read = await readHashes(ports[otherSideOf(on)], names, signal);
  return new Map([...read].flatMap(([name, hash]) => (hash === null ? [] : [[name, hash]])));
}

const effectsOf = (on: Side, statements: readonly Statement[], undo?: string): readonly Effect[] =>
  statements.map((statement, index) => ({
    kind: 'tsql',
    on,
    statement,
    ...(undo === undefined || index > 0 ? {} : { undo }),
  }));
