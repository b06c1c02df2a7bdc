/**
 * SQL logins as they are on another server: with SID and password hash, so that users of a database find their login
 * and applications their password. The form is the one of the documented script sp_help_revlogin.
 */
import type { ConnectRight, LoginSettings, ServerPermission } from '../model/sql-server/instance-objects';
import type { Statement } from '../model/statement';
import { binaryLiteral, permissionName, quoteIdentifier } from './quote';
import { HASH_MASK } from './secrets';
import { lines, statement } from './statement';

export interface NewLogin {
  readonly name: string;
  /** Hexadecimal digits without 0x. */
  readonly sid: string;
  /** Secret: hexadecimal digits without 0x; `display` masks it. */
  readonly passwordHash: string;
  readonly settings: LoginSettings;
}

/** The login alone, without roles and rights. A disabled one is never open in between: both are one batch. */
export function createCopiedLogin({ name, sid, passwordHash, settings }: NewLogin): Statement {
  const text = (hash: string): string =>
    lines(
      `CREATE LOGIN ${quoteIdentifier(name)} WITH PASSWORD = ${hash} HASHED,`,
      `    SID = ${binaryLiteral(sid)},`,
      `    ${options(settings)};`,
      settings.isDisabled ? `ALTER LOGIN ${quoteIdentifier(name)} DISABLE;` : undefined,
    );
  return statement('create-copied-login', text(binaryLiteral(passwordHash)), { display: text(HASH_MASK) });
}

/** Undo of {@link createCopiedLogin}. */
export const dropLogin = (name: string): Statement =>
  statement('drop-login', `DROP LOGIN ${quoteIdentifier(name)};`);

/** The password of another server. Sessions that are open stay. @param passwordHash secret; `display` masks it */
export function setPasswordHash(name: string, passwordHash: string): Statement {
  const text = (hash: string): string =>
    `ALTER LOGIN ${quoteIdentifier(name)} WITH PASSWORD = ${hash} HASHED;`;
  return statement('set-password-hash', text(binaryLiteral(passwordHash)), { display: text(HASH_MASK) });
}

/** A fresh login of these settings has no roles and no rights but CONNECT SQL. */
export const freshLogin = (settings: LoginSettings): LoginSettings => ({
  ...settings,
  connect: 'granted',
  roles: [],
  permissions: [],
});

/** What turns the settings of a login into others, in an order that never opens more than both allow. */
export function changeLogin(name: string, from: LoginSettings, to: LoginSettings): readonly Statement[] {
  const login = quoteIdentifier(name);
  const alter = (text: string): Statement => statement('alter-login', `ALTER LOGIN ${login} ${text};`);
  const differing = options(from) !== options(to);
  return [
    ...(to.isDisabled && !from.isDisabled ? [alter('DISABLE')] : []),
    ...(differing ? [alter(`WITH ${options(to)}`)] : []),
    ...(from.connect === to.connect
      ? []
      : [statement('connect-sql', `${CONNECT_SQL[to.connect]} ${login};`)]),
    ...changeRoles(name, from.roles, to.roles),
    ...changePermissions(name, from.permissions, to.permissions),
    ...(!to.isDisabled && from.isDisabled ? [alter('ENABLE')] : []),
  ];
}

const CONNECT_SQL: Readonly<Record<ConnectRight, string>> = {
  granted: 'GRANT CONNECT SQL TO',
  denied: 'DENY CONNECT SQL TO',
  revoked: 'REVOKE CONNECT SQL FROM',
};

/** CHECK_EXPIRATION without CHECK_POLICY is refused (15122), so both always go together. */
const options = (settings: LoginSettings): string =>
  [
    `DEFAULT_DATABASE = ${quoteIdentifier(settings.defaultDatabase)}`,
    ...(settings.defaultLanguage === null
      ? []
      : [`DEFAULT_LANGUAGE = ${quoteIdentifier(settings.defaultLanguage)}`]),
    `CHECK_POLICY = ${onOff(settings.isPolicyChecked)}`,
    `CHECK_EXPIRATION = ${onOff(settings.isExpirationChecked)}`,
  ].join(', ');

const onOff = (value: boolean): string => (value ? 'ON' : 'OFF');

function changeRoles(name: string, from: readonly string[], to: readonly string[]): readonly Statement[] {
  const change = (role: string, verb: 'ADD' | 'DROP'): Statement =>
    statement(
      verb === 'ADD' ? 'add-role-member' : 'drop-role-member',
      `ALTER SERVER ROLE ${quoteIdentifier(role)} ${verb} MEMBER ${quoteIdentifier(name)};`,
    );
  const lacks = (roles: readonly string[], role: string): boolean =>
    !roles.some((other) => other.toLowerCase() === role.toLowerCase());
  return [
    ...from.filter((role) => lacks(to, role)).map((role) => change(role, 'DROP')),
    ...to.filter((role) => lacks(from, role)).map((role) => change(role, 'ADD')),
  ];
}

/** What turns the permissions of a login or a role into others. */
export function changePermissions(
  principal: string,
  from: readonly ServerPermission[],
  to: readonly ServerPermission[],
): readonly Statement[] {
  const has = (list: readonly ServerPermission[], wanted: ServerPermission): boolean =>
    list.some(({ name, state }) => name === wanted.name && state === wanted.state);
  const gone = from.filter((old) => !to.some(({ name }) => name === old.name));
  const replaced = from.filter((old) => to.some(({ name }) => name === old.name) && !has(to, old));
  // A grant that may be passed on is not taken back by a plain GRANT.
  const weaker = replaced.filter(({ state }) => state === 'GRANT_WITH_GRANT_OPTION');
  // What others granted, or denied, would go on to hold beside the new one.
  const ofOthers = replaced.filter(({ state }) => state === 'DENY');
  return [
    ...[...gone, ...weaker].flatMap((old) => [revoke(principal, old), ...revokeOfOthers(principal, old)]),
    ...ofOthers.flatMap((old) => revokeOfOthers(principal, old)),
    ...to.filter((wanted) => !has(from, wanted)).map((wanted) => grant(principal, wanted)),
  ];
}

function revoke(principal: string, { name, state }: ServerPermission): Statement {
  const cascade = state === 'GRANT_WITH_GRANT_OPTION' ? ' CASCADE' : '';
  return statement(
    'revoke-server-permission',
    `REVOKE ${permissionName(name)} FROM ${quoteIdentifier(principal)}${cascade};`,
  );
}

/** REVOKE takes back only what its own grantor gave ("REVOKE Server Permissions", AS). */
const revokeOfOthers = (principal: string, { name, grantors = [] }: ServerPermission): readonly Statement[] =>
  grantors.map((grantor) =>
    statement(
      'revoke-server-permission',
      `REVOKE ${permissionName(name)} FROM ${quoteIdentifier(principal)} CASCADE AS ${quoteIdentifier(grantor)};`,
    ),
  );

function grant(principal: string, { name, state }: ServerPermission): Statement {
  const to = quoteIdentifier(principal);
  switch (state) {
    case 'GRANT':
      return statement('grant-server-permission', `GRANT ${permissionName(name)} TO ${to};`);
    case 'GRANT_WITH_GRANT_OPTION':
      return statement(
        'grant-server-permission',
        `GRANT ${permissionName(name)} TO ${to} WITH GRANT OPTION;`,
      );
    case 'DENY':
      return statement('deny-server-permission', `DENY ${permissionName(name)} TO ${to};`);
  }
}

/** A user-defined server role, without members and rights. */
export const createServerRole = (name: string): Statement =>
  statement('create-server-role', `CREATE SERVER ROLE ${quoteIdentifier(name)};`);

/** Undo of {@link createServerRole}. Refused while it has members (15144). */
export const dropServerRole = (name: string): Statement =>
  statement('drop-server-role', `DROP SERVER ROLE ${quoteIdentifier(name)};`);
