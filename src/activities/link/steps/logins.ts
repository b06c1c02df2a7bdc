/**
 * Logins are copied from the present primary to the other side, before a failover: there the users of the database find
 * them by SID, and applications log in with the password that they have. Hashes are read when they are sent, and
 * nowhere kept: facts say whether a password differs, no more.
 */
import { otherSideOf } from '../../../model/link/instance-objects';
import type { Effect, Side, Statement } from '../../../model/statement';
import {
  type CopiedLogin,
  type LoginPlan,
  planLogins,
  type RoleChange,
  settingsOf,
} from '../../../rules/link/instance-objects';
import { restoredPermissions, restoredSettings } from '../../../rules/link/undo-objects';
import { sameName } from '../../../rules/names';
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
import { defineLinkStep, type LinkContext } from '../context';
import { lookAtObjects } from '../instance-objects';

export const loginsOnTarget = defineLogins('target');
export const loginsOnSource = defineLogins('source');
export const loginPasswordsOnTarget = defineLoginPasswords('target');
export const loginPasswordsOnSource = defineLoginPasswords('source');

interface LoginFacts extends Pick<LoginPlan, 'missing' | 'changed' | 'roles'> {
  /** Names of those that belong on that side and are there. */
  readonly there: readonly string[];
}

/** Creates what is missing and brings what is there in line, passwords aside. @param on side that is not the primary */
function defineLogins(on: Side) {
  return defineLinkStep<LoginFacts>({
    id: `${on}.logins`,
    async observe(context) {
      const { missing, changed, roles, there } = planLogins(await lookAtObjects(context, otherSideOf(on)));
      return { missing, changed, roles, there: there.map(({ name }) => name) };
    },
    // Nothing is copied before the database is there.
    assume: (facts, { spec }) => ({
      ...facts,
      missing: facts.missing.map((login) =>
        sameName(login.defaultDatabase, spec.migration.database)
          ? { ...login, wanted: { ...login.wanted, defaultDatabase: login.defaultDatabase } }
          : login,
      ),
    }),
    settled({ missing, changed, roles, there }, { spec }) {
      if (missing.length + changed.length + roles.length > 0) return undefined;
      const where = spec.migration[on];
      return there.length === 0
        ? `no logins belong on ${where}`
        : `${there.join(', ')}: on ${where} as on the primary`;
    },
    async effects(facts, context) {
      const hashes = await hashesOfPrimary(context, on, facts.missing);
      return [
        ...facts.roles.flatMap((role) => roleEffects(on, role)),
        ...facts.missing.flatMap((login) => createEffects(on, login, hashes)),
        ...facts.changed.flatMap(({ name, present, wanted }) =>
          effectsOf(on, changeLogin(name, present, wanted)),
        ),
      ];
    },
    made: ({ missing, changed, roles, there }, after) => ({
      there,
      missing: missing.filter(({ name }) => after.there.some((other) => sameName(other, name))),
      // Of what is still to be changed, what it is by now was made.
      changed: changed.map((login) => {
        const left = after.changed.find(({ sid }) => sid === login.sid);
        return left === undefined ? login : { ...login, wanted: left.present };
      }),
      roles: roles.flatMap((role) => {
        const left = after.roles.find(({ name }) => sameName(name, role.name));
        if (left === undefined) return [role];
        return left.present === null ? [] : [{ ...role, wanted: left.present }];
      }),
    }),
    async undo(before, _now, { ports, signal }) {
      // All logins, not only those that would be copied now: what the run made goes, whatever became of its user.
      const side = await readSideObjects(ports[on], [], signal);
      const find = ({ sid }: CopiedLogin) => side.logins.find((login) => login.sid === sid);
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
        return role.present === null
          ? effectsOf(on, [dropServerRole(here.name)])
          : effectsOf(
              on,
              changePermissions(
                here.name,
                here.permissions,
                restoredPermissions(here.permissions, role.present, role.wanted),
              ),
            );
      });
      return [
        ...altered,
        // A login that is logged in cannot be dropped (15434).
        ...(created.length === 0 ? [] : effectsOf(on, [terminateSessions({ logins: created })])),
        ...created.flatMap((name) => effectsOf(on, [dropLogin(name)])),
        ...roles,
      ];
    },
  });
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

interface PasswordFacts {
  /** Names of logins that have another password on the primary. */
  readonly differing: readonly string[];
  /** The same ones; the facts of older runs, of which only an undo asks, do not have them. */
  readonly logins: readonly Pick<CopiedLogin, 'name' | 'sid'>[];
}

/** Logins that were there already get the password of the primary. Their former one is not kept, so nothing undoes it. */
function defineLoginPasswords(on: Side) {
  return defineLinkStep<PasswordFacts>({
    id: `${on}.login-passwords`,
    async observe(context) {
      const logins = planLogins(await lookAtObjects(context, otherSideOf(on))).otherPassword;
      return { differing: logins.map(({ name }) => name), logins };
    },
    // The step before creates what is missing with its password.
    settled: ({ differing }) =>
      differing.length === 0 ? 'the logins have the passwords of the primary' : undefined,
    async effects({ logins }, context) {
      const hashes = await hashesOfPrimary(context, on, logins);
      return logins.flatMap(({ name, sid }) => {
        const hash = hashes.get(sid);
        return hash === undefined ? [] : effectsOf(on, [setPasswordHash(name, hash)]);
      });
    },
    made: ({ differing, logins }, after) => ({
      logins,
      differing: differing.filter((name) => !after.differing.some((other) => sameName(other, name))),
    }),
    async undo(before, now, { spec }) {
      const replaced = before.differing.filter(
        (name) => !now.differing.some((other) => sameName(other, name)),
      );
      if (replaced.length === 0) return [];
      throw new NeedsPerson(
        'LoginPasswordReplaced',
        `on ${spec.migration[on]} the login(s) ${replaced.join(', ')} keep the password of the other side`,
        'set their passwords anew, if they had others before',
      );
    },
  });
}

/** **Secret.** Hashes of the primary by SID, read when they are sent. */
async function hashesOfPrimary(
  { ports, signal }: LinkContext,
  on: Side,
  logins: readonly Pick<CopiedLogin, 'sid'>[],
): Promise<ReadonlyMap<string, string>> {
  const sids = logins.map(({ sid }) => sid);
  const read = await readHashes(ports[otherSideOf(on)], sids, signal);
  return new Map([...read].flatMap(([sid, hash]) => (hash === null ? [] : [[sid, hash]])));
}

const effectsOf = (on: Side, statements: readonly Statement[], undo?: string): readonly Effect[] =>
  statements.map((statement, index) => ({
    kind: 'tsql',
    on,
    statement,
    ...(undo === undefined || index > 0 ? {} : { undo }),
  }));
