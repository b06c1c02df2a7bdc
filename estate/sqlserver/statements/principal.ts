/** Runs logins, users, roles and permissions. */
import type { AlterLogin } from '../../world/api';
import { isSystemDatabase, type SessionContext, sameName } from '../context';
import { splitName } from '../functions/names';
import { serverError } from '../messages/raise';
import {
  databasePrincipals,
  fixedDatabaseRoles,
  fixedServerRoles,
  hasDatabaseRole,
  sameBytes,
  serverPrincipals,
} from '../principals';
import { findProcedure } from '../procedures/names';
import type { StoredPermission } from '../server-state';
import { catalogStore } from '../stores';
import type { LoginOptions, ParsedStatement } from '../syntax/ast';
import { guidBytes, stableGuid } from '../values';
import { findView } from '../views/registry';
import { isStrongPassword } from './encryption';
import { requirePermission } from './io';

type Of<Kind extends ParsedStatement['kind']> = Extract<ParsedStatement, { kind: Kind }>;

const common = (options: LoginOptions): AlterLogin => ({
  ...(options.defaultDatabase === undefined ? {} : { defaultDatabase: options.defaultDatabase }),
  ...(options.defaultLanguage === undefined ? {} : { defaultLanguage: options.defaultLanguage }),
  ...(options.checkPolicy === undefined ? {} : { policyChecked: options.checkPolicy }),
  ...(options.checkExpiration === undefined ? {} : { expirationChecked: options.checkExpiration }),
});

const passwordChange = (options: LoginOptions, checked: boolean): AlterLogin => {
  const { password } = options;
  if (password === undefined) return {};
  if (password.kind === 'hash') {
    // 0x0100 (SHA-1, before 2012) or 0x0200 (SHA-512) must lead a stored hash.
    if (password.hash[0] !== 1 && password.hash[0] !== 2) throw serverError(15021, ['PASSWORD']);
    return { passwordHash: password.hash };
  }
  if (checked && !isStrongPassword(password.password)) throw serverError(15118);
  return { password: password.password };
};

export const createLogin = (context: SessionContext, statement: Of<'create-login'>): void => {
  requirePermission(context, 'ALTER ANY LOGIN');
  const { name, options } = statement;
  if (serverPrincipals(context).some((principal) => sameName(principal.name, name)))
    throw serverError(15025, [name]);
  if (options.defaultDatabase !== undefined && context.databaseId(options.defaultDatabase) === undefined) {
    throw serverError(15010, [options.defaultDatabase]);
  }
  switch (statement.source) {
    case 'PASSWORD':
      context.world.logins.create(context.instanceName, {
        name,
        ...common(options),
        ...passwordChange(options, options.checkPolicy !== false),
        ...(options.sid === undefined ? {} : { sid: checkedSid(options.sid) }),
      });
      return;
    case 'EXTERNAL PROVIDER':
      context.world.logins.create(context.instanceName, { name, type: 'entra', ...common(options) });
      return;
    case 'WINDOWS':
      if (context.managedInstance) throw serverError(41906, ['CREATE LOGIN FROM WINDOWS']);
      if (!name.includes('\\')) throw serverError(15407, [name]);
      // There is no domain controller here, so no Windows account can be found.
      throw serverError(15401, [name]);
    case 'CERTIFICATE':
      if (!context.instance.certificates.has((statement.certificate ?? '').toLowerCase())) {
        throw serverError(15151, ['find', 'certificate', statement.certificate ?? '']);
      }
      throw serverError(40510, ['CREATE LOGIN FROM CERTIFICATE']);
  }
};

const checkedSid = (sid: Uint8Array): Uint8Array => {
  if (sid.length !== 16) throw serverError(15419);
  return sid;
};

export const alterLogin = (context: SessionContext, statement: Of<'alter-login'>): void => {
  const own = sameName(statement.name, context.loginName) && statement.enable === undefined;
  const login = context.instance.logins.get(statement.name.toLowerCase());
  if (!context.may('ALTER ANY LOGIN') && !own) throw serverError(15151, ['alter', 'login', statement.name]);
  if (login === undefined) throw serverError(15151, ['alter', 'login', statement.name]);
  const { options } = statement;
  context.world.logins.alter(context.instanceName, statement.name, {
    ...common(options),
    ...passwordChange(options, options.checkPolicy ?? login.policyChecked),
    ...(options.newName === undefined ? {} : { name: options.newName }),
    ...(statement.enable === undefined ? {} : { disabled: !statement.enable }),
  });
};

export const dropLogin = (context: SessionContext, statement: Of<'drop-login'>): void => {
  requirePermission(context, 'ALTER ANY LOGIN');
  const jobs = [...context.state.agent.jobs.values()].filter((job) =>
    sameName(job.ownerLogin, statement.name),
  );
  if (jobs.length > 0) throw serverError(15170, [jobs.length]);
  if (context.state.permissions.some(({ grantor }) => sameName(grantor ?? '', statement.name)))
    throw serverError(15173, [statement.name]);
  context.world.logins.drop(context.instanceName, statement.name);
  context.state.permissions = context.state.permissions.filter(
    (entry) => entry.scope !== 'server' || !sameName(entry.principal, statement.name),
  );
};

const requireUserDatabase = (context: SessionContext, what: string): string => {
  if (isSystemDatabase(context.database)) throw serverError(40510, [`${what} in ${context.database}`]);
  if (!hasDatabaseRole(context, context.database, 'db_accessadmin')) throw serverError(15247);
  // Writes need the database writable: 3906 on a secondary, 9002 and so on.
  context.world.databases.storeForWrite(context.instanceName, context.database);
  return context.database;
};

export const createUser = (context: SessionContext, statement: Of<'create-user'>): void => {
  const database = requireUserDatabase(context, 'CREATE USER');
  const { name } = statement;
  if (statement.password !== undefined) throw serverError(33233);
  const principals = databasePrincipals(context, database);
  if (principals.some((principal) => sameName(principal.name, name))) throw serverError(15023, [name]);
  const sid = userSid(context, statement);
  const twin = principals.find(
    (principal) => principal.sid !== null && principal.type !== 'R' && sameBytes(principal.sid, sid),
  );
  if (twin !== undefined) throw serverError(15063);
  context.world.databases.createUser(context.instanceName, database, { name, sid });
  if (statement.defaultSchema !== undefined) {
    context.state.defaultSchemas.set(`${database}.${name}`.toLowerCase(), statement.defaultSchema);
  }
};

const userSid = (context: SessionContext, statement: Of<'create-user'>): Uint8Array => {
  if (statement.without || statement.external) {
    return guidBytes(stableGuid(`user/${context.instanceName}/${context.database}/${statement.name}`));
  }
  const loginName = statement.login ?? statement.name;
  const login = context.instance.logins.get(loginName.toLowerCase());
  if (login === undefined) throw serverError(15007, [loginName]);
  return login.sid;
};

export const alterUser = (context: SessionContext, statement: Of<'alter-user'>): void => {
  const database = requireUserDatabase(context, 'ALTER USER');
  const user = context.userDatabase(database).users.get(statement.name.toLowerCase());
  if (user === undefined) throw serverError(15151, ['alter', 'user', statement.name]);
  if (statement.newName !== undefined) throw serverError(40510, ['ALTER USER ... WITH NAME']);
  if (statement.defaultSchema !== undefined) {
    context.state.defaultSchemas.set(`${database}.${user.name}`.toLowerCase(), statement.defaultSchema);
    context.world.journal.mark(`alter user ${user.name} in ${database} on ${context.instanceName}`);
  }
  if (statement.login === undefined) return;
  const login = context.instance.logins.get(statement.login.toLowerCase());
  if (login === undefined) throw serverError(15151, ['find', 'login', statement.login]);
  context.world.databases.alterUserSid(context.instanceName, database, user.name, login.sid);
};

export const dropUser = (context: SessionContext, statement: Of<'drop-user'>): void => {
  const database = requireUserDatabase(context, 'DROP USER');
  if (!context.userDatabase(database).users.has(statement.name.toLowerCase())) {
    if (statement.ifExists) return;
    throw serverError(15151, ['drop', 'user', statement.name]);
  }
  context.world.databases.dropUser(context.instanceName, database, statement.name);
};

export const role = (context: SessionContext, statement: Of<'role'>): void =>
  statement.scope === 'server' ? serverRole(context, statement) : databaseRole(context, statement);

const serverRole = (context: SessionContext, statement: Of<'role'>): void => {
  requirePermission(context, 'ALTER ANY SERVER ROLE');
  const key = statement.role.toLowerCase();
  const known = key in fixedServerRoles || context.state.serverRoles.has(key);
  switch (statement.action) {
    case 'create':
      if (known) throw serverError(15025, [statement.role]);
      context.state.serverRoles.set(key, statement.role);
      context.world.journal.mark(`create server role ${statement.role} on ${context.instanceName}`);
      return;
    case 'drop':
      if (!context.state.serverRoles.has(key))
        throw serverError(15151, ['drop', 'server role', statement.role]);
      if (
        [...context.instance.logins.values()].some((login) => login.roles.has(key)) ||
        [...context.state.rolesOfRoles.values()].some((roles) => roles.has(key))
      )
        throw serverError(15144);
      context.state.serverRoles.delete(key);
      context.state.rolesOfRoles.delete(key);
      context.state.permissions = context.state.permissions.filter(
        (entry) => entry.scope !== 'server' || !sameName(entry.principal, statement.role),
      );
      context.world.journal.mark(`drop server role ${statement.role} on ${context.instanceName}`);
      return;
    case 'add-member':
    case 'drop-member': {
      const adds = statement.action === 'add-member';
      if (!known || key === 'public') throw serverError(15151, ['alter', 'server role', statement.role]);
      const member = statement.member ?? '';
      if (context.state.serverRoles.has(member.toLowerCase())) {
        nestRole(context, member, key, adds);
        return;
      }
      if (!context.instance.logins.has(member.toLowerCase())) {
        throw serverError(15151, [adds ? 'add' : 'drop', 'principal', member]);
      }
      context.world.logins.setRole(context.instanceName, member, statement.role, adds);
    }
  }
};

/** A user-defined server role may be a member of another one. @throws 15413 for a circle (its number is inferred) */
const nestRole = (context: SessionContext, member: string, role: string, adds: boolean): void => {
  const { rolesOfRoles } = context.state;
  const inner = member.toLowerCase();
  const outer = new Set([role]);
  // A set is walked to its end, also to what is added meanwhile.
  for (const each of outer) for (const next of rolesOfRoles.get(each) ?? []) outer.add(next);
  if (adds && outer.has(inner)) throw serverError(15413);
  const roles = rolesOfRoles.get(inner) ?? new Set<string>();
  if (adds) roles.add(role);
  else roles.delete(role);
  rolesOfRoles.set(inner, roles);
  context.world.journal.mark(`${adds ? 'add' : 'drop'} role ${member} of ${role} on ${context.instanceName}`);
};

const databaseRole = (context: SessionContext, statement: Of<'role'>): void => {
  const database = requireUserDatabase(context, 'ALTER ROLE');
  const key = statement.role.toLowerCase();
  const custom = `${database}.${key}`.toLowerCase();
  const known = key in fixedDatabaseRoles || context.state.databaseRoles.has(custom);
  switch (statement.action) {
    case 'create':
      if (known) throw serverError(15023, [statement.role]);
      context.state.databaseRoles.set(custom, statement.role);
      context.world.journal.mark(`create role ${statement.role} in ${database} on ${context.instanceName}`);
      return;
    case 'drop':
      if (!context.state.databaseRoles.delete(custom))
        throw serverError(15151, ['drop', 'role', statement.role]);
      context.world.journal.mark(`drop role ${statement.role} in ${database} on ${context.instanceName}`);
      return;
    case 'add-member':
    case 'drop-member': {
      const adds = statement.action === 'add-member';
      if (!known) throw serverError(15151, ['alter', 'role', statement.role]);
      const member = statement.member ?? '';
      if (!context.userDatabase(database).users.has(member.toLowerCase())) {
        throw serverError(15151, [adds ? 'add' : 'drop', 'principal', member]);
      }
      context.world.databases.setUserRole(context.instanceName, database, member, statement.role, adds);
    }
  }
};

const serverWords =
  /\b(SERVER|LOGIN|LOGINS|ENDPOINT|AVAILABILITY GROUP|CONNECT SQL|CONNECT ANY DATABASE|ANY DATABASE|ANY CONNECTION|CREDENTIAL|LINKED SERVER|SHUTDOWN|ANY DEFINITION|SETTINGS|TRACE|BULK OPERATIONS)\b/;

/** Server scope follows from the permission or the securable's class. */
const isServerScope = (permissionName: string, securableClass: string | undefined): boolean => {
  if (securableClass !== undefined) {
    return ['ENDPOINT', 'LOGIN', 'AVAILABILITY GROUP', 'SERVER ROLE'].includes(securableClass);
  }
  return serverWords.test(permissionName);
};

export const permission = (context: SessionContext, statement: Of<'permission'>): void => {
  const { clause } = statement;
  if (clause.securable?.class === 'OBJECT') requireObject(context, clause.securable.name);
  for (const name of clause.permissions) {
    const server = isServerScope(name, clause.securable?.class);
    if (server) requirePermission(context, 'CONTROL SERVER');
    else if (!hasDatabaseRole(context, context.database, 'db_securityadmin')) throw serverError(15247);
    if (server && !sameName(context.database, 'master')) throw serverError(4621);
    for (const grantee of clause.principals) applyPermission(context, statement, name, grantee, server);
  }
};

/**
 * Names of the product's own objects pass: it has more of them than are simulated here.
 * @throws 15151 when neither a table, a system view nor a procedure has that name
 */
const requireObject = (context: SessionContext, text: string): void => {
  const name = splitName(text);
  const known =
    name !== undefined &&
    (/^([sx]p|fn|dm)_/i.test(name.object) ||
      catalogStore(context, context.database)?.table(name.schema ?? 'dbo', name.object) !== undefined ||
      findView(context, name) !== undefined ||
      findProcedure(context, name) !== undefined);
  if (!known) throw serverError(15151, ['find', 'object', name?.object ?? text]);
};

const applyPermission = (
  context: SessionContext,
  statement: Of<'permission'>,
  name: string,
  grantee: string,
  server: boolean,
): void => {
  const { clause, action } = statement;
  const principals = server ? serverPrincipals(context) : databasePrincipals(context, context.database);
  const principal = principals.find((entry) => sameName(entry.name, grantee));
  // SYSTEM is a login of every Windows installation, which the documented script for 2016 grants rights to.
  const builtIn = server && /^NT (AUTHORITY|SERVICE)\\/i.test(grantee);
  if (principal === undefined && !builtIn) {
    throw server
      ? serverError(15151, ['find', 'login', grantee])
      : serverError(15151, ['find', 'user', grantee]);
  }
  const scope = server ? 'server' : context.database.toLowerCase();
  const securable = clause.securable?.name ?? '';
  const grantor = server ? grantorOf(context, clause.grantor) : undefined;
  const isSame = (entry: StoredPermission): boolean =>
    entry.scope === scope &&
    entry.permission === name &&
    sameName(entry.principal, grantee) &&
    sameName(entry.securable, securable);
  // One row for each grantor: each takes back only what it gave (sys.server_permissions, grantor_principal_id).
  const others = context.state.permissions.filter(
    (entry) => !(isSame(entry) && sameName(entry.grantor ?? 'sa', grantor ?? 'sa')),
  );
  const state = action === 'DENY' ? 'DENY' : clause.withGrantOption ? 'GRANT_WITH_GRANT_OPTION' : 'GRANT';
  context.state.permissions =
    action === 'REVOKE'
      ? others
      : [
          ...others,
          {
            scope,
            state,
            permission: name,
            securableClass: clause.securable?.class ?? (server ? 'SERVER' : 'DATABASE'),
            securable,
            principal: principal?.name ?? grantee,
            ...(grantor === undefined ? {} : { grantor }),
          },
        ];
  context.world.journal.mark(`${action.toLowerCase()} ${name} to ${grantee} on ${context.instanceName}`);
  if (!server || !context.instance.logins.has(grantee.toLowerCase())) return;
  const left = context.state.permissions.filter(isSame);
  if (left.some((entry) => entry.state === 'DENY')) pushToLogin(context, 'DENY', name, grantee);
  else pushToLogin(context, left.length > 0 ? 'GRANT' : 'REVOKE', name, grantee);
};

/** Members of sysadmin give as sa (inferred); others as they are. @throws 15151 */
const grantorOf = (context: SessionContext, named: string | undefined): string | undefined => {
  if (named !== undefined && !serverPrincipals(context).some((entry) => sameName(entry.name, named)))
    throw serverError(15151, ['find', 'server principal', named]);
  const grantor = named ?? (context.isSysadmin ? 'sa' : context.loginName);
  return sameName(grantor, 'sa') ? undefined : grantor;
};

const pushToLogin = (
  context: SessionContext,
  action: 'GRANT' | 'DENY' | 'REVOKE',
  name: string,
  login: string,
): void => {
  if (name === 'CONNECT SQL') {
    context.world.logins.alter(context.instanceName, login, {
      connectDenied: action === 'DENY',
      connectRevoked: action === 'REVOKE',
    });
    return;
  }
  context.world.logins.setPermission(context.instanceName, login, name, action === 'GRANT');
};

export const alterAuthorization = (context: SessionContext, statement: Of<'alter-authorization'>): void => {
  requirePermission(context, 'CONTROL SERVER');
  if (!serverPrincipals(context).some((principal) => sameName(principal.name, statement.owner))) {
    throw serverError(15151, ['find', 'principal', statement.owner]);
  }
  throw serverError(40510, [`ALTER AUTHORIZATION ON ${statement.class}`]);
};
