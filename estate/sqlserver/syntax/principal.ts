/** Logins, users, roles and permissions. */
import type { TokenCursor } from '../../sql/host';
import type { LoginOptions, PasswordClause, PermissionClause, Statement } from './ast';
import { binary, type Dialect, keywordAt, list, literal, name, oneOf, onOff } from './reader';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const password = (cursor: TokenCursor): PasswordClause => {
  if (cursor.peek().kind === 'binary') {
    const hash = binary(cursor);
    cursor.expect('HASHED');
    return { kind: 'hash', hash };
  }
  const clear = literal(cursor);
  return { kind: 'clear', password: clear, mustChange: cursor.accept('MUST_CHANGE') };
};

const loginOption = (cursor: TokenCursor, options: Mutable<LoginOptions>): void => {
  const option = oneOf(
    cursor,
    'PASSWORD',
    'SID',
    'DEFAULT_DATABASE',
    'DEFAULT_LANGUAGE',
    'CHECK_POLICY',
    'CHECK_EXPIRATION',
    'CREDENTIAL',
    'NAME',
    'OLD_PASSWORD',
  );
  cursor.expect('=');
  switch (option) {
    case 'PASSWORD':
      options.password = password(cursor);
      if (cursor.accept('OLD_PASSWORD', '=')) literal(cursor);
      options.unlock = cursor.accept('UNLOCK');
      return;
    case 'SID':
      options.sid = binary(cursor);
      return;
    case 'DEFAULT_DATABASE':
      options.defaultDatabase = name(cursor);
      return;
    case 'DEFAULT_LANGUAGE':
      options.defaultLanguage = name(cursor);
      return;
    case 'CHECK_POLICY':
      options.checkPolicy = onOff(cursor);
      return;
    case 'CHECK_EXPIRATION':
      options.checkExpiration = onOff(cursor);
      return;
    case 'CREDENTIAL':
      name(cursor);
      return;
    case 'NAME':
      options.newName = name(cursor);
      return;
    case 'OLD_PASSWORD':
      literal(cursor);
  }
};

const loginOptions = (cursor: TokenCursor): LoginOptions => {
  const options: Mutable<LoginOptions> = {};
  list(cursor, () => loginOption(cursor, options));
  return options;
};

/** After CREATE LOGIN. */
export const createLogin = (cursor: TokenCursor, dialect: Dialect, line: number): Statement => {
  const login = name(cursor);
  if (!cursor.accept('FROM')) {
    cursor.expect('WITH');
    if (keywordAt(cursor) !== 'PASSWORD') return cursor.fail();
    return { kind: 'create-login', name: login, source: 'PASSWORD', options: loginOptions(cursor), line };
  }
  if (cursor.accept('CERTIFICATE')) {
    return {
      kind: 'create-login',
      name: login,
      source: 'CERTIFICATE',
      certificate: name(cursor),
      options: {},
      line,
    };
  }
  const external = (dialect.managedInstance || dialect.major >= 16) && cursor.accept('EXTERNAL', 'PROVIDER');
  if (!external) cursor.expect('WINDOWS');
  const options = cursor.accept('WITH') ? loginOptions(cursor) : {};
  return {
    kind: 'create-login',
    name: login,
    source: external ? 'EXTERNAL PROVIDER' : 'WINDOWS',
    options,
    line,
  };
};

/** After ALTER LOGIN. */
export const alterLogin = (cursor: TokenCursor, line: number): Statement => {
  const login = name(cursor);
  const word = oneOf(cursor, 'ENABLE', 'DISABLE', 'WITH');
  if (word !== 'WITH') {
    return { kind: 'alter-login', name: login, enable: word === 'ENABLE', options: {}, line };
  }
  return { kind: 'alter-login', name: login, options: loginOptions(cursor), line };
};

/** After CREATE USER. */
export const createUser = (cursor: TokenCursor, line: number): Statement => {
  const user = name(cursor);
  let login: string | undefined;
  let without = false;
  let external = false;
  if (cursor.accept('WITHOUT', 'LOGIN')) without = true;
  else if (cursor.accept('FOR', 'LOGIN') || cursor.accept('FROM', 'LOGIN')) login = name(cursor);
  else if (cursor.accept('FROM', 'EXTERNAL', 'PROVIDER')) external = true;
  let defaultSchema: string | undefined;
  let secret: string | undefined;
  if (cursor.accept('WITH')) {
    list(cursor, () => {
      const option = oneOf(cursor, 'DEFAULT_SCHEMA', 'PASSWORD', 'DEFAULT_LANGUAGE');
      cursor.expect('=');
      if (option === 'PASSWORD') secret = literal(cursor);
      else if (option === 'DEFAULT_SCHEMA') defaultSchema = name(cursor);
      else name(cursor);
    });
  }
  return {
    kind: 'create-user',
    name: user,
    ...(login === undefined ? {} : { login }),
    without,
    external,
    ...(defaultSchema === undefined ? {} : { defaultSchema }),
    ...(secret === undefined ? {} : { password: secret }),
    line,
  };
};

/** After ALTER USER. */
export const alterUser = (cursor: TokenCursor, line: number): Statement => {
  const user = name(cursor);
  const changes: { login?: string; newName?: string; defaultSchema?: string } = {};
  cursor.expect('WITH');
  list(cursor, () => {
    const option = oneOf(cursor, 'LOGIN', 'NAME', 'DEFAULT_SCHEMA');
    cursor.expect('=');
    const value = name(cursor);
    if (option === 'LOGIN') changes.login = value;
    else if (option === 'NAME') changes.newName = value;
    else changes.defaultSchema = value;
  });
  return { kind: 'alter-user', name: user, ...changes, line };
};

/** After ALTER SERVER ROLE or ALTER ROLE. */
export const alterRole = (cursor: TokenCursor, scope: 'server' | 'database', line: number): Statement => {
  const role = name(cursor);
  const adds = oneOf(cursor, 'ADD', 'DROP') === 'ADD';
  cursor.expect('MEMBER');
  return {
    kind: 'role',
    scope,
    action: adds ? 'add-member' : 'drop-member',
    role,
    member: name(cursor),
    line,
  };
};

/** After CREATE/DROP [SERVER] ROLE. */
export const roleDefinition = (
  cursor: TokenCursor,
  scope: 'server' | 'database',
  action: 'create' | 'drop',
  line: number,
): Statement => {
  const role = name(cursor);
  if (action === 'create' && cursor.accept('AUTHORIZATION')) name(cursor);
  return { kind: 'role', scope, action, role, line };
};

const permissionWord = (cursor: TokenCursor): string => {
  const words: string[] = [];
  for (;;) {
    const token = cursor.peek();
    if (token.kind !== 'identifier' || token.keyword === 'ON' || token.keyword === 'TO') break;
    if (token.keyword === 'FROM') break;
    words.push(token.keyword);
    cursor.next();
  }
  if (words.length === 0) return cursor.fail();
  if (cursor.accept('(')) {
    list(cursor, () => name(cursor));
    cursor.expect(')');
  }
  return words.join(' ');
};

const securableClasses: readonly (readonly string[])[] = [
  ['AVAILABILITY', 'GROUP'],
  ['ENDPOINT'],
  ['LOGIN'],
  ['SERVER', 'ROLE'],
  ['DATABASE'],
  ['SCHEMA'],
  ['OBJECT'],
  ['CERTIFICATE'],
  ['USER'],
  ['ROLE'],
];

const securable = (cursor: TokenCursor): { class: string; name: string } => {
  const found = securableClasses.find((words) => cursor.accept(...words, '::'));
  if (found !== undefined) return { class: found.join(' '), name: qualified(cursor) };
  // Some tokenizers give '::' as two colons.
  const split = securableClasses.find((words) => cursor.accept(...words, ':', ':'));
  return { class: split?.join(' ') ?? 'OBJECT', name: qualified(cursor) };
};

const qualified = (cursor: TokenCursor): string => {
  const object = cursor.objectName();
  return object.schema === undefined ? object.object : `${object.schema}.${object.object}`;
};

/** After GRANT, DENY or REVOKE. */
export const permission = (
  cursor: TokenCursor,
  action: 'GRANT' | 'DENY' | 'REVOKE',
  line: number,
): Statement => {
  if (action === 'REVOKE') cursor.accept('GRANT', 'OPTION', 'FOR');
  const permissions = list(cursor, () => permissionWord(cursor));
  const target = cursor.accept('ON') ? securable(cursor) : undefined;
  if (!(action === 'REVOKE' && cursor.accept('FROM'))) cursor.expect('TO');
  const principals = list(cursor, () => (cursor.accept('PUBLIC') ? 'public' : name(cursor)));
  const withGrantOption = action === 'GRANT' && cursor.accept('WITH', 'GRANT', 'OPTION');
  if (action !== 'GRANT') cursor.accept('CASCADE');
  const grantor = cursor.accept('AS') ? name(cursor) : undefined;
  const clause: PermissionClause = {
    permissions,
    ...(target === undefined ? {} : { securable: target }),
    principals,
    withGrantOption,
    ...(grantor === undefined ? {} : { grantor }),
  };
  return { kind: 'permission', action, clause, line };
};

/** After ALTER AUTHORIZATION. */
export const alterAuthorization = (cursor: TokenCursor, line: number): Statement => {
  cursor.expect('ON');
  const target = securable(cursor);
  cursor.expect('TO');
  return { kind: 'alter-authorization', class: target.class, name: target.name, owner: name(cursor), line };
};
