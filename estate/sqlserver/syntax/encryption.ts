/** Master keys, certificates and credentials. */
import type { TokenCursor } from '../../sql/host';
import type { Statement } from './ast';
import { binary, type Dialect, literal, name, nameOrLiteral, oneOf, onOff } from './reader';

const byPassword = (cursor: TokenCursor): string => {
  cursor.expect('BY', 'PASSWORD', '=');
  return literal(cursor);
};

/** After CREATE MASTER KEY. Without a password only Azure accepts it. */
export const createMasterKey = (cursor: TokenCursor, line: number): Statement => {
  if (!cursor.accept('ENCRYPTION')) return { kind: 'create-master-key', line };
  return { kind: 'create-master-key', password: byPassword(cursor), line };
};

/** After ALTER MASTER KEY. */
export const alterMasterKey = (cursor: TokenCursor, line: number): Statement => {
  const force = cursor.accept('FORCE');
  if (force || cursor.accept('REGENERATE')) {
    if (force) cursor.expect('REGENERATE');
    cursor.expect('WITH', 'ENCRYPTION');
    return { kind: 'alter-master-key', password: byPassword(cursor), force, line };
  }
  oneOf(cursor, 'ADD', 'DROP');
  cursor.expect('ENCRYPTION', 'BY');
  if (cursor.accept('SERVICE', 'MASTER', 'KEY')) return { kind: 'alter-master-key', force: false, line };
  cursor.expect('PASSWORD', '=');
  return { kind: 'alter-master-key', password: literal(cursor), force: false, line };
};

/** After OPEN MASTER KEY. */
export const openMasterKey = (cursor: TokenCursor, line: number): Statement => {
  cursor.expect('DECRYPTION');
  return { kind: 'open-master-key', password: byPassword(cursor), line };
};

const privateKey = (cursor: TokenCursor): void => {
  cursor.expect('(');
  oneOf(cursor, 'FILE', 'BINARY');
  cursor.expect('=');
  if (cursor.peek().kind === 'binary') binary(cursor);
  else literal(cursor);
  while (cursor.accept(',')) {
    oneOf(cursor, 'ENCRYPTION', 'DECRYPTION');
    byPassword(cursor);
  }
  cursor.expect(')');
};

const dialogClause = (cursor: TokenCursor): boolean =>
  cursor.accept('ACTIVE', 'FOR', 'BEGIN_DIALOG', '=') ? onOff(cursor) : true;

const importedCertificate = (cursor: TokenCursor, certificate: string, line: number): Statement => {
  if (cursor.accept('FILE', '=')) {
    const path = literal(cursor);
    if (cursor.accept('WITH', 'PRIVATE', 'KEY')) privateKey(cursor);
    return {
      kind: 'create-certificate',
      name: certificate,
      source: { kind: 'file', path },
      activeForDialog: dialogClause(cursor),
      line,
    };
  }
  cursor.expect('BINARY', '=');
  const der = binary(cursor);
  if (cursor.accept('WITH', 'PRIVATE', 'KEY')) privateKey(cursor);
  return {
    kind: 'create-certificate',
    name: certificate,
    source: { kind: 'binary', der },
    activeForDialog: dialogClause(cursor),
    line,
  };
};

/** After CREATE CERTIFICATE. */
export const createCertificate = (cursor: TokenCursor, line: number): Statement => {
  const certificate = name(cursor);
  if (cursor.accept('AUTHORIZATION')) name(cursor);
  if (cursor.accept('FROM')) return importedCertificate(cursor, certificate, line);
  if (cursor.accept('ENCRYPTION')) byPassword(cursor);
  cursor.expect('WITH', 'SUBJECT', '=');
  const subject = literal(cursor);
  let start: string | undefined;
  let expiry: string | undefined;
  while (cursor.accept(',')) {
    const option = oneOf(cursor, 'START_DATE', 'EXPIRY_DATE');
    cursor.expect('=');
    if (option === 'START_DATE') start = literal(cursor);
    else expiry = literal(cursor);
  }
  return {
    kind: 'create-certificate',
    name: certificate,
    source: {
      kind: 'self-signed',
      subject,
      ...(start === undefined ? {} : { start }),
      ...(expiry === undefined ? {} : { expiry }),
    },
    activeForDialog: dialogClause(cursor),
    line,
  };
};

/** After ALTER CERTIFICATE. */
export const alterCertificate = (cursor: TokenCursor, line: number): Statement => {
  const certificate = name(cursor);
  if (cursor.accept('REMOVE', 'PRIVATE', 'KEY'))
    return { kind: 'alter-certificate', name: certificate, line };
  cursor.expect('WITH');
  if (cursor.accept('PRIVATE', 'KEY')) {
    privateKey(cursor);
    return { kind: 'alter-certificate', name: certificate, line };
  }
  cursor.expect('ACTIVE', 'FOR', 'BEGIN_DIALOG', '=');
  return { kind: 'alter-certificate', name: certificate, activeForDialog: onOff(cursor), line };
};

/** After DROP CERTIFICATE. */
export const dropCertificate = (cursor: TokenCursor, line: number): Statement => ({
  kind: 'drop-certificate',
  name: name(cursor),
  line,
});

/** After CREATE/ALTER/DROP CREDENTIAL. */
export const credential = (
  cursor: TokenCursor,
  action: 'CREATE' | 'ALTER' | 'DROP',
  _dialect: Dialect,
  line: number,
): Statement => {
  const credentialName = nameOrLiteral(cursor);
  if (action === 'DROP') return { kind: 'create-credential', action, name: credentialName, line };
  cursor.expect('WITH', 'IDENTITY', '=');
  const identity = literal(cursor);
  if (cursor.accept(',')) {
    cursor.expect('SECRET', '=');
    literal(cursor);
  }
  return { kind: 'create-credential', action, name: credentialName, identity, line };
};
