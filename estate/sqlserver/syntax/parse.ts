/** Finds the parser of an administrative statement by its first words. */
import type { TokenCursor } from '../../sql/host';
import type { ParsedStatement, Statement } from './ast';
import { alterAvailabilityGroup, createAvailabilityGroup, dropAvailabilityGroup } from './availability-group';
import { backup, restore } from './backup';
import { alterDatabase, createDatabase, dropDatabase } from './database';
import {
  alterCertificate,
  alterMasterKey,
  createCertificate,
  createMasterKey,
  credential,
  dropCertificate,
  openMasterKey,
} from './encryption';
import { alterEndpoint, createEndpoint, dropEndpoint } from './endpoint';
import { checkpoint, dbcc, kill, reconfigure, shutdown } from './maintenance';
import {
  alterAuthorization,
  alterLogin,
  alterRole,
  alterUser,
  createLogin,
  createUser,
  permission,
  roleDefinition,
} from './principal';
import { type Dialect, name } from './reader';

type Parser = (cursor: TokenCursor, dialect: Dialect, line: number) => Statement;

/** First words and the parser of the rest; longer openings stand before their prefixes. */
const openings: readonly (readonly [readonly string[], Parser])[] = [
  [['CREATE', 'AVAILABILITY', 'GROUP'], createAvailabilityGroup],
  [['ALTER', 'AVAILABILITY', 'GROUP'], alterAvailabilityGroup],
  [['DROP', 'AVAILABILITY', 'GROUP'], (cursor, _dialect, line) => dropAvailabilityGroup(cursor, line)],
  [['CREATE', 'DATABASE'], (cursor, _dialect, line) => createDatabase(cursor, line)],
  [['ALTER', 'DATABASE'], alterDatabase],
  [['DROP', 'DATABASE'], (cursor, _dialect, line) => dropDatabase(cursor, line)],
  [['CREATE', 'MASTER', 'KEY'], (cursor, _dialect, line) => createMasterKey(cursor, line)],
  [['ALTER', 'MASTER', 'KEY'], (cursor, _dialect, line) => alterMasterKey(cursor, line)],
  [['DROP', 'MASTER', 'KEY'], (_cursor, _dialect, line) => ({ kind: 'drop-master-key', line })],
  [['OPEN', 'MASTER', 'KEY'], (cursor, _dialect, line) => openMasterKey(cursor, line)],
  [['CLOSE', 'MASTER', 'KEY'], (_cursor, _dialect, line) => ({ kind: 'close-master-key', line })],
  [['CREATE', 'CERTIFICATE'], (cursor, _dialect, line) => createCertificate(cursor, line)],
  [['ALTER', 'CERTIFICATE'], (cursor, _dialect, line) => alterCertificate(cursor, line)],
  [['DROP', 'CERTIFICATE'], (cursor, _dialect, line) => dropCertificate(cursor, line)],
  [['CREATE', 'CREDENTIAL'], (cursor, dialect, line) => credential(cursor, 'CREATE', dialect, line)],
  [['ALTER', 'CREDENTIAL'], (cursor, dialect, line) => credential(cursor, 'ALTER', dialect, line)],
  [['DROP', 'CREDENTIAL'], (cursor, dialect, line) => credential(cursor, 'DROP', dialect, line)],
  [['CREATE', 'ENDPOINT'], (cursor, _dialect, line) => createEndpoint(cursor, line)],
  [['ALTER', 'ENDPOINT'], (cursor, _dialect, line) => alterEndpoint(cursor, line)],
  [['DROP', 'ENDPOINT'], (cursor, _dialect, line) => dropEndpoint(cursor, line)],
  [['ALTER', 'AUTHORIZATION'], (cursor, _dialect, line) => alterAuthorization(cursor, line)],
  [['CREATE', 'LOGIN'], createLogin],
  [['ALTER', 'LOGIN'], (cursor, _dialect, line) => alterLogin(cursor, line)],
  [['DROP', 'LOGIN'], (cursor, _dialect, line) => ({ kind: 'drop-login', name: name(cursor), line })],
  [['CREATE', 'USER'], (cursor, _dialect, line) => createUser(cursor, line)],
  [['ALTER', 'USER'], (cursor, _dialect, line) => alterUser(cursor, line)],
  [
    ['DROP', 'USER'],
    (cursor, _dialect, line) => {
      const ifExists = cursor.accept('IF', 'EXISTS');
      return { kind: 'drop-user', name: name(cursor), ifExists, line };
    },
  ],
  [
    ['CREATE', 'SERVER', 'ROLE'],
    (cursor, _dialect, line) => roleDefinition(cursor, 'server', 'create', line),
  ],
  [['DROP', 'SERVER', 'ROLE'], (cursor, _dialect, line) => roleDefinition(cursor, 'server', 'drop', line)],
  [['ALTER', 'SERVER', 'ROLE'], (cursor, _dialect, line) => alterRole(cursor, 'server', line)],
  [['CREATE', 'ROLE'], (cursor, _dialect, line) => roleDefinition(cursor, 'database', 'create', line)],
  [['DROP', 'ROLE'], (cursor, _dialect, line) => roleDefinition(cursor, 'database', 'drop', line)],
  [['ALTER', 'ROLE'], (cursor, _dialect, line) => alterRole(cursor, 'database', line)],
  [['BACKUP'], (cursor, _dialect, line) => backup(cursor, line)],
  [['RESTORE'], (cursor, _dialect, line) => restore(cursor, line)],
  [['GRANT'], (cursor, _dialect, line) => permission(cursor, 'GRANT', line)],
  [['DENY'], (cursor, _dialect, line) => permission(cursor, 'DENY', line)],
  [['REVOKE'], (cursor, _dialect, line) => permission(cursor, 'REVOKE', line)],
  [['KILL'], (cursor, _dialect, line) => kill(cursor, line)],
  [['DBCC'], (cursor, _dialect, line) => dbcc(cursor, line)],
  [['RECONFIGURE'], (cursor, _dialect, line) => reconfigure(cursor, line)],
  [['CHECKPOINT'], (cursor, _dialect, line) => checkpoint(cursor, line)],
  [['SHUTDOWN'], (cursor, _dialect, line) => shutdown(cursor, line)],
];

/**
 * Parses the administrative statement at the cursor.
 * @returns undefined, with the cursor where it was, when the statement is none of these
 * @throws 102 or 156 near the first word that the statement's grammar does not allow there
 */
export const parseAdministrativeStatement = (
  cursor: TokenCursor,
  dialect: Dialect,
): ParsedStatement | undefined => {
  const { line, offset } = cursor.peek();
  const opening = openings.find(([words]) => cursor.accept(...words));
  if (opening === undefined) return undefined;
  const statement = opening[1](cursor, dialect, line);
  if (!cursor.atStatementEnd()) cursor.fail();
  const following = cursor.peek();
  const end = following.kind === 'end' ? undefined : following.offset;
  return { ...statement, text: cursor.source?.slice(offset, end).trim() ?? '' };
};
