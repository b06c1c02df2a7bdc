/**
 * What an undo needs of the facts before objects outside of the database were copied: no more is kept, for they are
 * copied again and again while a database replicates. Logins are known by their SIDs, jobs by their names.
 */
import type { ServerPermission } from '../../model/sql-server/instance-objects';
import { includesName, sameName } from '../names';
import {
  addUp,
  addUpPermissions,
  isNoChange,
  madeOf,
  madeOfPermissions,
  onlyChanged,
  onlyChangedPermissions,
  type SettingsChange,
} from './login-changes';

export interface LoginUndo extends SettingsChange {
  readonly sid: string;
}

export interface RoleUndo {
  readonly name: string;
  /** Null where there was no such role. */
  readonly present: readonly ServerPermission[] | null;
  readonly wanted: readonly ServerPermission[];
}

export interface ServerLoginsUndo {
  /** Those that were not there. */
  readonly missing: readonly { readonly sid: string }[];
  readonly changed: readonly LoginUndo[];
  readonly roles: readonly RoleUndo[];
  /** Those that were there. */
  readonly sids: readonly string[];
}

export interface ReplicaLoginsUndo extends ServerLoginsUndo {
  readonly server: string;
  /** A beginning failed halfway, and the replica did not answer then: nobody knows what was made there. */
  readonly isUncertain?: true;
}

export interface LoginsUndo extends ServerLoginsUndo {
  readonly replicas?: readonly ReplicaLoginsUndo[];
}

export interface ServerPasswordsUndo {
  /** Names of logins that had another password on the primary. */
  readonly differing: readonly string[];
}

export interface PasswordsUndo extends ServerPasswordsUndo {
  readonly replicas?: readonly (ServerPasswordsUndo & { readonly server: string })[];
}

export interface JobsUndo {
  readonly missing: readonly string[];
  readonly missingCategories: readonly string[];
  readonly there: readonly string[];
}

export interface JobChangesUndo {
  readonly differing: readonly { readonly name: string }[];
}

/** @returns the facts without what an undo does not ask for */
export function keptOfLogins(facts: LoginsUndo): LoginsUndo {
  const { replicas } = facts;
  const kept = keptOfServer(facts);
  if (replicas === undefined) return kept;
  return {
    ...kept,
    replicas: replicas.map((replica) => ({ ...keptOfServer(replica), ...identityOf(replica) })),
  };
}

const identityOf = ({ server, isUncertain }: ReplicaLoginsUndo) =>
  isUncertain === undefined ? { server } : { server, isUncertain };

const keptOfServer = ({ missing, changed, roles, sids }: ServerLoginsUndo): ServerLoginsUndo => ({
  missing: missing.map(({ sid }) => ({ sid })),
  changed: changed
    .map((login): LoginUndo => ({ sid: login.sid, ...onlyChanged(login) }))
    .filter(({ present, wanted }) => !isNoChange({ present, wanted })),
  roles: roles.map(keptOfRole),
  sids,
});

/** A role that was made is taken away whole. */
const keptOfRole = ({ name, present, wanted }: RoleUndo): RoleUndo =>
  present === null ? { name, present, wanted: [] } : { name, ...onlyChangedPermissions({ present, wanted }) };

export function keptOfPasswords({ differing, replicas }: PasswordsUndo): PasswordsUndo {
  if (replicas === undefined) return { differing };
  return { differing, replicas: replicas.map(({ server, ...of }) => ({ server, differing: of.differing })) };
}

export const keptOfJobChanges = ({ differing }: JobChangesUndo): JobChangesUndo => ({
  differing: differing.map(({ name }) => ({ name })),
});

/** @returns what was made of the logins by a beginning that failed halfway. @param after facts when it had failed */
export function madeOfLogins(before: LoginsUndo, after: LoginsUndo): LoginsUndo {
  const made = madeOnServer(before, after);
  if (before.replicas === undefined) return made;
  const replicas = before.replicas.map((replica): ReplicaLoginsUndo => {
    const now = after.replicas?.find(({ server }) => server === replica.server);
    if (now === undefined) return { ...replica, isUncertain: true };
    return { server: replica.server, ...madeOnServer(replica, now) };
  });
  return { ...made, replicas };
}

function madeOnServer({ missing, changed, roles, sids }: ServerLoginsUndo, after: ServerLoginsUndo) {
  const there = new Set(after.sids);
  const left = new Map(after.changed.map((login) => [login.sid, login]));
  const nothing: SettingsChange = { present: {}, wanted: {} };
  return {
    sids,
    missing: missing.filter(({ sid }) => there.has(sid)),
    changed: changed
      .map((login): LoginUndo => ({ sid: login.sid, ...madeOf(login, left.get(login.sid) ?? nothing) }))
      .filter(({ present, wanted }) => !isNoChange({ present, wanted })),
    roles: roles.flatMap((role) =>
      madeOfRole(
        role,
        after.roles.find(({ name }) => sameName(name, role.name)),
      ),
    ),
  };
}

function madeOfRole(role: RoleUndo, left: RoleUndo | undefined): readonly RoleUndo[] {
  if (left === undefined) return [role];
  if (left.present === null) return [];
  if (role.present === null) return [role];
  const made = madeOfPermissions(
    { present: role.present, wanted: role.wanted },
    {
      present: left.present,
      wanted: left.wanted,
    },
  );
  return isNoChange(made) ? [] : [{ name: role.name, ...made }];
}

/** Two beginnings of one step as one. */
export function addUpLogins(first: LoginsUndo, later: LoginsUndo): LoginsUndo {
  const both = addUpServers(first, later);
  const replicas = addUpReplicas(first.replicas ?? [], later.replicas ?? [], addUpOnReplica);
  return replicas.length === 0 ? both : { ...both, replicas };
}

/** Who knows nothing of one of them knows nothing of both. */
function addUpOnReplica(first: ReplicaLoginsUndo, later: ReplicaLoginsUndo): ReplicaLoginsUndo {
  const isUncertain = first.isUncertain === true || later.isUncertain === true;
  const { server } = first;
  return { server, ...addUpServers(first, later), ...(isUncertain ? { isUncertain } : {}) };
}

function addUpServers(first: ServerLoginsUndo, later: ServerLoginsUndo): ServerLoginsUndo {
  const missing = [...new Set([...first.missing, ...later.missing].map(({ sid }) => sid))];
  // What was made goes as a whole: it is not changed back before.
  const made = new Set(missing);
  const before = new Map(first.changed.map((login) => [login.sid, login]));
  const after = new Map(later.changed.map((login) => [login.sid, login]));
  const changed = [...new Map([...before, ...after]).values()].flatMap((login) => {
    const { sid } = login;
    if (made.has(sid)) return [];
    const [one, other] = [before.get(sid), after.get(sid)];
    const sum = one === undefined || other === undefined ? login : { sid, ...addUp(one, other) };
    return isNoChange({ present: sum.present, wanted: sum.wanted }) ? [] : [sum];
  });
  return {
    missing: missing.map((sid) => ({ sid })),
    changed,
    roles: addUpRoles(first.roles, later.roles),
    sids: [],
  };
}

function addUpRoles(first: readonly RoleUndo[], later: readonly RoleUndo[]): readonly RoleUndo[] {
  const find = (list: readonly RoleUndo[], wanted: string) => list.find(({ name }) => sameName(name, wanted));
  const added = later.filter(({ name }) => find(first, name) === undefined);
  const sums = first.flatMap((one): readonly RoleUndo[] => {
    const other = find(later, one.name);
    if (other === undefined || one.present === null) return [one];
    if (other.present === null) return [other];
    const sum = addUpPermissions(
      { present: one.present, wanted: one.wanted },
      { present: other.present, wanted: other.wanted },
    );
    return isNoChange(sum) ? [] : [{ name: one.name, ...sum }];
  });
  return [...sums, ...added];
}

/** Each replica by itself, as far as it is in one of the two. */
function addUpReplicas<T extends { readonly server: string }>(
  first: readonly T[],
  later: readonly T[],
  add: (first: T, later: T) => T,
): readonly T[] {
  const find = (list: readonly T[], wanted: string) => list.find(({ server }) => server === wanted);
  const sums = first.map((one) => {
    const other = find(later, one.server);
    return other === undefined ? one : add(one, other);
  });
  return [...sums, ...later.filter(({ server }) => find(first, server) === undefined)];
}

/** As {@link addUpLogins}. */
export function addUpPasswords(first: PasswordsUndo, later: PasswordsUndo): PasswordsUndo {
  const add = (one: ServerPasswordsUndo, other: ServerPasswordsUndo): ServerPasswordsUndo => ({
    differing: union(one.differing, other.differing),
  });
  const replicas = addUpReplicas(first.replicas ?? [], later.replicas ?? [], (one, other) => ({
    server: one.server,
    ...add(one, other),
  }));
  return { ...add(first, later), ...(replicas.length === 0 ? {} : { replicas }) };
}

/** As {@link madeOfLogins}. */
export const madeOfJobs = ({ missing, missingCategories, there }: JobsUndo, after: JobsUndo): JobsUndo => ({
  there,
  missing: missing.filter((name) => includesName(after.there, name)),
  missingCategories: missingCategories.filter((name) => !includesName(after.missingCategories, name)),
});

/** As {@link madeOfLogins}. */
export const madeOfJobChanges = (before: JobChangesUndo, after: JobChangesUndo): JobChangesUndo => ({
  differing: before.differing.filter(
    ({ name }) => !after.differing.some((left) => sameName(left.name, name)),
  ),
});

/** As {@link madeOfLogins}. */
export const madeOfPasswords = (before: PasswordsUndo, after: PasswordsUndo): PasswordsUndo => {
  const made = (server: string | undefined, { differing }: ServerPasswordsUndo): ServerPasswordsUndo => {
    const now = server === undefined ? after : after.replicas?.find((replica) => replica.server === server);
    return { differing: differing.filter((name) => !includesName(now?.differing ?? [], name)) };
  };
  const { replicas } = before;
  if (replicas === undefined) return made(undefined, before);
  return {
    ...made(undefined, before),
    replicas: replicas.map((one) => ({ server: one.server, ...made(one.server, one) })),
  };
};

/** As {@link addUpLogins}. */
export const addUpJobs = (first: JobsUndo, later: JobsUndo): JobsUndo => ({
  missing: union(first.missing, later.missing),
  missingCategories: union(first.missingCategories, later.missingCategories),
  there: [],
});

/** As {@link addUpLogins}. */
export const addUpJobChanges = (first: JobChangesUndo, later: JobChangesUndo): JobChangesUndo => ({
  differing: union(
    first.differing.map(({ name }) => name),
    later.differing.map(({ name }) => name),
  ).map((name) => ({ name })),
});

const union = (first: readonly string[], later: readonly string[]): readonly string[] => [
  ...first,
  ...later.filter((name) => !includesName(first, name)),
];
