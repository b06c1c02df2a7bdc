/** Which logins of the primary belong on the other side, what is missing there, and which cannot be brought there. */
import { byWord } from '../../model/by-word';
import type {
  DatabaseUser,
  Login,
  LoginSettings,
  ServerPermission,
  SideObjects,
} from '../../model/sql-server/instance-objects';
import { includesName, sameName } from '../names';
import type { ObjectsInput, PasswordState } from './objects-input';
import { samePermissions } from './server-permissions';

/** A login that belongs on the other side, with the settings that it is to have there. */
export interface CopiedLogin {
  readonly name: string;
  readonly sid: string;
  readonly wanted: LoginSettings;
  /** On the primary; what is wanted differs from it while that database is not there. */
  readonly defaultDatabase: string;
}

export interface ChangedLogin extends CopiedLogin {
  readonly present: LoginSettings;
  /** Names of what differs, for people. */
  readonly what: readonly string[];
}

export interface RoleChange {
  readonly name: string;
  /** Null where there is no such role. */
  readonly present: readonly ServerPermission[] | null;
  readonly wanted: readonly ServerPermission[];
}

export interface LoginPlan {
  readonly missing: readonly CopiedLogin[];
  readonly changed: readonly ChangedLogin[];
  /** Logins of the other side that belong to the selection, as they are. */
  readonly there: readonly Login[];
  /** User-defined server roles that a login needs and the other side lacks, or has with other permissions. */
  readonly roles: readonly RoleChange[];
  /** Names of the server roles of all that are copied or there. */
  readonly rolesOfLogins: readonly string[];
  /** Logins whose password differs. */
  readonly otherPassword: readonly Pick<CopiedLogin, 'name' | 'sid'>[];
}

export const SA_SID = '01';
/** Made by the setup of the server, different on each. */
const OF_THE_SYSTEM = /^(?:##.*##$|NT AUTHORITY\\|NT SERVICE\\)/i;

export interface Selection {
  readonly logins: readonly Login[];
  /** Named in the spec, and not on the primary. */
  readonly unknown: readonly string[];
  /** Users of the database whose login is nowhere on the primary. */
  readonly orphans: readonly string[];
  /** Owner of the database that is no SQL login. */
  readonly owner: string | undefined;
}

/**
 * A database mostly belongs to whoever made it, often by a login of Windows. Applications do not need that one, so it
 * holds no failover.
 */
const isForeignOwner = ({ name, sid }: DatabaseUser, { logins }: SideObjects): boolean =>
  sameName(name, 'dbo') && logins.some((login) => login.sid === sid && login.kind !== 'sql');

/** The logins of the primary that belong on the other side, whether they can be brought there or not. */
export function selectLogins({ objects, primary, users, ownLogins }: ObjectsInput): Selection {
  const { ofDatabase, include, exclude } = objects.logins;
  const ofUsers = users.filter((user) => !isForeignOwner(user, primary));
  const sids = new Set(ofDatabase ? ofUsers.map(({ sid }) => sid) : []);
  const isWanted = ({ name, sid }: Login): boolean => sids.has(sid) || includesName(include, name);
  const isOurs = ({ name, sid }: Login): boolean =>
    sid !== SA_SID &&
    !OF_THE_SYSTEM.test(name) &&
    !includesName(exclude, name) &&
    // A login that connects sqlferry must not get another password beneath it.
    !includesName(ownLogins, name);
  const known = new Set(primary.logins.map(({ sid }) => sid));
  return {
    logins: primary.logins.filter((login) => isWanted(login) && isOurs(login)),
    unknown: include.filter((name) => !primary.logins.some((login) => sameName(login.name, name))),
    orphans: ofDatabase ? users.filter(({ sid }) => !known.has(sid)).map(({ name }) => name) : [],
    owner: ofDatabase
      ? primary.logins.find(({ sid }) =>
          users.some((user) => user.sid === sid && isForeignOwner(user, primary)),
        )?.name
      : undefined,
  };
}

/** What copying is to do for logins. Those that cannot be copied are left out: `findObjects` names them. */
export function planLogins(input: ObjectsInput): LoginPlan {
  const verdicts = selectLogins(input).logins.map((login) => judgeLogin(login, input));
  const missing = verdicts.flatMap((verdict) => (verdict.kind === 'missing' ? [verdict.login] : []));
  const pairs = verdicts.flatMap((verdict) => (verdict.kind === 'pair' ? [verdict] : []));
  const copied = [...missing, ...pairs.map(({ login }) => login)];
  const needed = copied.flatMap(({ wanted }) => wanted.roles);
  return {
    missing,
    changed: pairs.flatMap(({ login, present, what }) =>
      what.length === 0 ? [] : [{ ...login, present: settingsOf(present), what }],
    ),
    there: pairs.map(({ present }) => present),
    roles: input.primary.roles
      .filter(({ name }) => includesName(needed, name))
      .map(({ name, permissions }): RoleChange => {
        const present = input.other.roles.find((role) => sameName(role.name, name))?.permissions ?? null;
        return { name, present, wanted: permissions };
      })
      .filter(({ present, wanted }) => present === null || !samePermissions(present, wanted)),
    rolesOfLogins: needed,
    otherPassword: pairs.flatMap(({ login, password }) =>
      password === 'differs' ? [{ name: login.name, sid: login.sid }] : [],
    ),
  };
}

export type LoginVerdict =
  | { readonly kind: 'missing'; readonly login: CopiedLogin }
  | {
      readonly kind: 'pair';
      readonly login: CopiedLogin;
      readonly present: Login;
      readonly password: PasswordState;
      readonly what: readonly string[];
    }
  /** An Entra login that stands on both sides. */
  | { readonly kind: 'same' }
  | { readonly kind: 'impossible'; readonly detail: string; readonly remedy: string };

export function judgeLogin(login: Login, input: ObjectsInput): LoginVerdict {
  if (login.kind !== 'sql') return judgeForeign(login, input);
  const { names, other, passwords } = input;
  const there = names.other;
  const named = other.logins.filter(({ name }) => sameName(name, login.name));
  // A server that tells cases apart may have several of one name.
  const twin = named.find(({ sid }) => sid === login.sid) ?? named[0];
  const holder = other.logins.find(({ sid }) => sid === login.sid);
  if (twin !== undefined && twin.sid !== login.sid) {
    return impossible(
      `${there} has a login of this name with another SID, so its user in the database would be an orphan`,
      `if nobody needs it there, drop it on ${there}, and it is copied at the next look; else exclude it and map its user after the failover (ALTER USER ... WITH LOGIN)`,
    );
  }
  if (twin === undefined && holder !== undefined) {
    return impossible(
      `its SID belongs to the login ${holder.name} on ${there}`,
      `rename that login on ${there} (ALTER LOGIN ... WITH NAME), or drop it if nobody needs it`,
    );
  }
  const password = passwords.get(login.sid) ?? 'unreadable';
  if (password === 'unreadable') {
    return impossible(
      'its password hash cannot be read or compared',
      'give the logins of sqlferry on both sides CONTROL SERVER or sysadmin, or exclude this login and bring it over by hand with its SID',
    );
  }
  if (password === 'disputed') {
    return impossible(
      `its password differs between the replicas of the group, or cannot be compared there`,
      'give it the same password on every replica (ALTER LOGIN ... WITH PASSWORD = 0x... HASHED); it is copied then',
    );
  }
  const wanted = wantedSettings(login, twin, input);
  const { sid, defaultDatabase } = login;
  const copied = { name: twin?.name ?? login.name, sid, wanted, defaultDatabase };
  if (twin === undefined) return { kind: 'missing', login: copied };
  return { kind: 'pair', login: copied, present: twin, password, what: differences(twin, wanted) };
}

/** Logins that no password makes: of Windows, Entra, certificates and keys. */
function judgeForeign(login: Login, { names, other, otherPlatform }: ObjectsInput): LoginVerdict {
  const isThere = other.logins.some(({ name, sid }) => sameName(name, login.name) && sid === login.sid);
  if (isThere) return { kind: 'same' };
  switch (login.kind) {
    case 'windows-user':
    case 'windows-group':
      return byWord('platform', otherPlatform, {
        'sql-server': impossible(
          'a login of Windows is made by the domain of its server',
          `make it on ${names.other} (CREATE LOGIN ... FROM WINDOWS)`,
        ),
        'managed-instance': impossible(
          'a managed instance has no logins of Windows',
          `make a login of Microsoft Entra for the same person or group on ${names.other} (CREATE LOGIN ... FROM EXTERNAL PROVIDER), map the user after the failover, and exclude it here`,
        ),
      });
    case 'external':
      return impossible(
        'a login of Microsoft Entra is not made from a copy',
        `make it on ${names.other} (CREATE LOGIN ... FROM EXTERNAL PROVIDER) where that server knows Entra, or exclude it`,
      );
    default:
      return impossible(
        'it is mapped to a certificate or a key',
        `bring certificate and login to ${names.other} by hand, or exclude it`,
      );
  }
}

const impossible = (detail: string, remedy: string): LoginVerdict => ({ kind: 'impossible', detail, remedy });

/**
 * Settings that a login is to have on the other side. A login of the fence is born disabled there, and stays as it is
 * when it is there already: it is opened where the primary is, and the state of the fence must not be copied along.
 */
function wantedSettings(login: Login, twin: Login | undefined, input: ObjectsInput): LoginSettings {
  const { other, fencedLogins } = input;
  const isFenced = includesName(fencedLogins, login.name);
  const hasDefault = other.databases.some((name) => sameName(name, login.defaultDatabase));
  return {
    ...settingsOf(login),
    isDisabled: isFenced ? (twin?.isDisabled ?? true) : login.isDisabled,
    defaultDatabase: hasDefault ? login.defaultDatabase : 'master',
  };
}

export const settingsOf = (login: LoginSettings): LoginSettings => ({
  isDisabled: login.isDisabled,
  defaultDatabase: login.defaultDatabase,
  defaultLanguage: login.defaultLanguage,
  isPolicyChecked: login.isPolicyChecked,
  isExpirationChecked: login.isExpirationChecked,
  connect: login.connect,
  roles: login.roles,
  permissions: login.permissions,
});

/** @returns the names of what differs, in words */
export function differences(present: LoginSettings, wanted: LoginSettings): readonly string[] {
  const roles = (settings: LoginSettings): string =>
    settings.roles
      .map((role) => role.toLowerCase())
      .sort()
      .join('\n');
  const checks: readonly (readonly [string, boolean])[] = [
    [wanted.isDisabled ? 'is to be disabled' : 'is to be enabled', present.isDisabled === wanted.isDisabled],
    ['default database', sameName(present.defaultDatabase, wanted.defaultDatabase)],
    ['default language', present.defaultLanguage === wanted.defaultLanguage],
    ['CHECK_POLICY', present.isPolicyChecked === wanted.isPolicyChecked],
    ['CHECK_EXPIRATION', present.isExpirationChecked === wanted.isExpirationChecked],
    ['CONNECT SQL', present.connect === wanted.connect],
    ['server roles', roles(present) === roles(wanted)],
    ['server permissions', samePermissions(present.permissions, wanted.permissions)],
  ];
  return checks.flatMap(([what, isSame]) => (isSame ? [] : [what]));
}
