/** Server and database principals, the fixed ones included, with the ids that SQL Server gives them. */
import { isSystemDatabase, type SessionContext } from './context';
import { guidBytes, stableGuid, stableHash } from './values';

export interface ServerPrincipal {
  readonly id: number;
  readonly name: string;
  readonly sid: Uint8Array;
  /** S SQL login, R role, U Windows, E Entra user. */
  readonly type: 'S' | 'R' | 'U' | 'E';
  readonly typeDescription: string;
  readonly disabled: boolean;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly defaultDatabase: string | null;
  readonly defaultLanguage: string | null;
  readonly fixedRole: boolean;
}

export interface DatabasePrincipal {
  readonly id: number;
  readonly name: string;
  readonly sid: Uint8Array | null;
  readonly type: 'S' | 'R' | 'E' | 'U';
  readonly typeDescription: string;
  readonly defaultSchema: string | null;
  readonly authentication: 'NONE' | 'INSTANCE' | 'WINDOWS' | 'EXTERNAL';
  readonly createdAt: number;
  readonly fixedRole: boolean;
}

/** Fixed server roles; `public` is 2. */
export const fixedServerRoles: Readonly<Record<string, number>> = {
  public: 2,
  sysadmin: 3,
  securityadmin: 4,
  serveradmin: 5,
  setupadmin: 6,
  processadmin: 7,
  diskadmin: 8,
  dbcreator: 9,
  bulkadmin: 10,
};

/** Fixed database roles. */
export const fixedDatabaseRoles: Readonly<Record<string, number>> = {
  public: 0,
  db_owner: 16384,
  db_accessadmin: 16385,
  db_securityadmin: 16386,
  db_ddladmin: 16387,
  db_backupoperator: 16389,
  db_datareader: 16390,
  db_datawriter: 16391,
  db_denydatareader: 16392,
  db_denydatawriter: 16393,
};

const installed = Date.UTC(2009, 3, 13, 12, 59, 6);

const roleSid = (id: number): Uint8Array => Uint8Array.of(id);

const customRoleId = (name: string): number => 256 + (stableHash(`server-role/${name}`) % 100_000);

const loginTypes = {
  sql: { type: 'S', typeDescription: 'SQL_LOGIN' },
  entra: { type: 'E', typeDescription: 'EXTERNAL_LOGIN' },
  windows: { type: 'U', typeDescription: 'WINDOWS_LOGIN' },
} as const;

export const serverPrincipals = (context: SessionContext): ServerPrincipal[] => {
  const logins = [...context.instance.logins.values()].map((login): ServerPrincipal => {
    const { type, typeDescription } = loginTypes[login.type];
    return {
      id: login.principalId,
      name: login.name,
      sid: login.sid,
      type,
      typeDescription,
      disabled: login.disabled,
      createdAt: login.createdAt,
      modifiedAt: login.modifiedAt,
      defaultDatabase: login.defaultDatabase,
      defaultLanguage: login.defaultLanguage,
      fixedRole: false,
    };
  });
  const role = (name: string, id: number, fixed: boolean): ServerPrincipal => ({
    id,
    name,
    sid: roleSid(id & 0xff),
    type: 'R',
    typeDescription: 'SERVER_ROLE',
    disabled: false,
    createdAt: installed,
    modifiedAt: installed,
    defaultDatabase: null,
    defaultLanguage: null,
    fixedRole: fixed && name !== 'public',
  });
  const fixed = Object.entries(fixedServerRoles).map(([name, id]) => role(name, id, true));
  const custom = [...context.state.serverRoles.values()].map((name) => role(name, customRoleId(name), false));
  return [...logins, ...fixed, ...custom].sort((left, right) => left.id - right.id);
};

/** Pairs of role id and member id. */
export const serverRoleMembers = (context: SessionContext): (readonly [number, number])[] => {
  const { serverRoles, rolesOfRoles } = context.state;
  const idOf = (role: string): number | undefined =>
    fixedServerRoles[role] ??
    (serverRoles.has(role) ? customRoleId(serverRoles.get(role) ?? role) : undefined);
  const members = (roles: Iterable<string>, member: number) =>
    [...roles].flatMap((role) => {
      const id = idOf(role);
      return id === undefined || role === 'public' ? [] : [[id, member] as const];
    });
  return [
    ...[...context.instance.logins.values()].flatMap((login) => members(login.roles, login.principalId)),
    ...[...rolesOfRoles].flatMap(([role, outer]) => members(outer, idOf(role) ?? 0)),
  ];
};

const schemaPrincipals: readonly (readonly [string, number, string | null])[] = [
  ['dbo', 1, 'dbo'],
  ['guest', 2, 'guest'],
  ['INFORMATION_SCHEMA', 3, null],
  ['sys', 4, null],
];

const userTypes = {
  sql: { type: 'S', typeDescription: 'SQL_USER', authentication: 'INSTANCE' },
  entra: { type: 'E', typeDescription: 'EXTERNAL_USER', authentication: 'EXTERNAL' },
  windows: { type: 'U', typeDescription: 'WINDOWS_USER', authentication: 'WINDOWS' },
} as const;

/** S-1-5-21-...: also where no login has it, a user of Windows is one. */
const isWindowsSid = (sid: Uint8Array): boolean =>
  sid.length === 28 && sid[0] === 1 && sid[7] === 5 && sid[8] === 21;

const customDatabaseRoleId = (name: string): number => 5000 + (stableHash(`database-role/${name}`) % 10_000);

export const databasePrincipals = (context: SessionContext, database: string): DatabasePrincipal[] => {
  const model = isSystemDatabase(database)
    ? undefined
    : context.world.databases.find(context.instanceName, database);
  const ownerSid = model?.ownerSid ?? Uint8Array.of(1);
  const fixedUsers = schemaPrincipals.map(
    ([name, id, schema]): DatabasePrincipal => ({
      id,
      name,
      sid: id === 1 ? ownerSid : id === 2 ? Uint8Array.of(0) : null,
      type: 'S',
      typeDescription: 'SQL_USER',
      defaultSchema: schema,
      authentication: id === 1 ? 'INSTANCE' : 'NONE',
      createdAt: installed,
      fixedRole: false,
    }),
  );
  const users = [...(model?.users.values() ?? [])].map((user): DatabasePrincipal => {
    const isEntra = [...context.instance.logins.values()].some(
      (login) => login.type === 'entra' && sameBytes(login.sid, user.sid),
    );
    return {
      ...userTypes[isEntra ? 'entra' : isWindowsSid(user.sid) ? 'windows' : 'sql'],
      id: user.principalId,
      name: user.name,
      sid: user.sid,
      defaultSchema: context.state.defaultSchemas.get(`${database}.${user.name}`.toLowerCase()) ?? 'dbo',
      createdAt: model?.createdAt ?? installed,
      fixedRole: false,
    };
  });
  const role = (name: string, id: number, fixed: boolean): DatabasePrincipal => ({
    id,
    name,
    sid: guidBytes(stableGuid(`role/${name}`)),
    type: 'R',
    typeDescription: 'DATABASE_ROLE',
    defaultSchema: null,
    authentication: 'NONE',
    createdAt: installed,
    fixedRole: fixed && name !== 'public',
  });
  const roles = Object.entries(fixedDatabaseRoles).map(([name, id]) => role(name, id, true));
  const prefix = `${database.toLowerCase()}.`;
  const custom = [...context.state.databaseRoles.entries()]
    .filter(([key]) => key.startsWith(prefix))
    .map(([, name]) => role(name, customDatabaseRoleId(name), false));
  return [...fixedUsers, ...users, ...roles, ...custom].sort((left, right) => left.id - right.id);
};

export const databaseRoleMembers = (
  context: SessionContext,
  database: string,
): (readonly [number, number])[] => {
  const principals = databasePrincipals(context, database);
  const idOf = (name: string): number | undefined =>
    principals.find(
      (principal) => principal.type === 'R' && principal.name.toLowerCase() === name.toLowerCase(),
    )?.id;
  const model = context.world.databases.find(context.instanceName, database);
  const members = [...(model?.users.values() ?? [])].flatMap((user) =>
    [...user.roles].flatMap((name) => {
      const id = idOf(name);
      return id === undefined ? [] : [[id, user.principalId] as const];
    }),
  );
  return [[16384, 1], ...members];
};

export const sameBytes = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

/** The database user that a session has in a database; undefined when it may not enter. */
export const userIn = (context: SessionContext, database: string): string | undefined => {
  if (context.isSysadmin) return 'dbo';
  const { login } = context;
  if (login === undefined) return undefined;
  if (isSystemDatabase(database)) return database.toLowerCase() === 'model' ? undefined : 'guest';
  const model = context.world.databases.find(context.instanceName, database);
  if (model === undefined) return undefined;
  if (sameBytes(model.ownerSid, login.sid)) return 'dbo';
  const user = [...model.users.values()].find((entry) => sameBytes(entry.sid, login.sid));
  if (user !== undefined) return user.name;
  return context.may('CONNECT ANY DATABASE') ? 'public' : undefined;
};

/** True when the session's user has this role (or owns the database). */
export const hasDatabaseRole = (context: SessionContext, database: string, role: string): boolean => {
  const user = userIn(context, database);
  if (user === undefined) return false;
  if (user === 'dbo' || role === 'public') return true;
  const roles = context.world.databases
    .find(context.instanceName, database)
    ?.users.get(user.toLowerCase())?.roles;
  if (roles === undefined) return false;
  return [...roles].some(
    (entry) => entry.toLowerCase() === role.toLowerCase() || entry.toLowerCase() === 'db_owner',
  );
};
