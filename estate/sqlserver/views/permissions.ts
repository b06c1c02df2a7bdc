/** Permissions granted and denied, at the server and in a database. */
import type { SessionContext } from '../context';
import { databasePrincipals, serverPrincipals } from '../principals';
import { stableHash } from '../values';
import { char, defineView, int, notNull, nvarchar, tinyint } from './definition';

const classCode: Readonly<Record<string, number>> = {
  SERVER: 100,
  LOGIN: 101,
  'SERVER ROLE': 101,
  ENDPOINT: 105,
  'AVAILABILITY GROUP': 108,
  DATABASE: 0,
  OBJECT: 1,
  SCHEMA: 3,
  USER: 4,
  ROLE: 4,
  CERTIFICATE: 25,
};

const stateLetter = { GRANT: 'G', DENY: 'D', GRANT_WITH_GRANT_OPTION: 'W' } as const;

const permissionColumns = {
  class: notNull(tinyint),
  class_desc: nvarchar(60),
  major_id: notNull(int),
  minor_id: notNull(int),
  grantee_principal_id: notNull(int),
  grantor_principal_id: notNull(int),
  type: notNull(char(4)),
  permission_name: nvarchar(128),
  state: notNull(char(1)),
  state_desc: nvarchar(60),
} as const;

/** Four-letter codes of the permissions that matter here; others take their initials. */
const permissionType: Readonly<Record<string, string>> = {
  'CONNECT SQL': 'COSQ',
  CONNECT: 'CO  ',
  'VIEW SERVER STATE': 'VWSS',
  'ALTER ANY AVAILABILITY GROUP': 'ALAG',
  'CONTROL SERVER': 'CL  ',
  SELECT: 'SL  ',
  INSERT: 'IN  ',
  UPDATE: 'UP  ',
  DELETE: 'DL  ',
  EXECUTE: 'EX  ',
};

const typeOf = (permission: string): string =>
  permissionType[permission] ??
  permission
    .split(' ')
    .map((word) => word[0] ?? '')
    .join('')
    .slice(0, 4)
    .padEnd(4, ' ');

const securableId = (context: SessionContext, kind: string, name: string): number => {
  if (kind === 'ENDPOINT') return context.instance.endpoint?.endpointId ?? 0;
  return name === '' ? 0 : stableHash(`${kind}/${name}`) & 0x7fffffff;
};

export const permissionViews = [
  defineView('sys.server_permissions', { columns: permissionColumns, rows: serverPermissions }),
  defineView('sys.database_permissions', { columns: permissionColumns, rows: databasePermissions }),
];

function serverPermissions(context: SessionContext) {
  const logins = [...context.instance.logins.values()].filter((login) => !login.connectRevoked);
  const connect = logins.map((login) => ({
    class: 100,
    class_desc: 'SERVER',
    major_id: 0,
    minor_id: 0,
    grantee_principal_id: login.principalId,
    grantor_principal_id: 1,
    type: 'COSQ',
    permission_name: 'CONNECT SQL',
    state: login.connectDenied ? 'D' : 'G',
    state_desc: login.connectDenied ? 'DENY' : 'GRANT',
  }));
  const stored = context.state.permissions
    .filter((entry) => entry.scope === 'server' && entry.permission !== 'CONNECT SQL')
    .map((entry) => permissionRow(context, entry, granteeId(context, entry.principal)));
  return [...connect, ...stored];
}

const granteeId = (context: SessionContext, name: string): number =>
  serverPrincipals(context).find((principal) => principal.name.toLowerCase() === name.toLowerCase())?.id ?? 0;

function permissionRow(
  context: SessionContext,
  entry: SessionContext['state']['permissions'][number],
  grantee: number,
) {
  return {
    class: classCode[entry.securableClass] ?? 100,
    class_desc:
      entry.securableClass === 'OBJECT' ? 'OBJECT_OR_COLUMN' : entry.securableClass.replace(/ /g, '_'),
    major_id: securableId(context, entry.securableClass, entry.securable),
    minor_id: 0,
    grantee_principal_id: grantee,
    grantor_principal_id: entry.grantor === undefined ? 1 : granteeId(context, entry.grantor),
    type: typeOf(entry.permission),
    permission_name: entry.permission,
    state: stateLetter[entry.state],
    state_desc: entry.state,
  };
}

function databasePermissions(context: SessionContext, database: string) {
  const principals = databasePrincipals(context, database);
  const connect = principals
    .filter(
      (principal) =>
        principal.type === 'S' &&
        principal.id < 16384 &&
        principal.id !== 2 &&
        principal.id !== 3 &&
        principal.id !== 4,
    )
    .map((principal) => ({
      class: 0,
      class_desc: 'DATABASE',
      major_id: 0,
      minor_id: 0,
      grantee_principal_id: principal.id,
      grantor_principal_id: 1,
      type: 'CO  ',
      permission_name: 'CONNECT',
      state: 'G',
      state_desc: 'GRANT',
    }));
  const stored = context.state.permissions
    .filter((entry) => entry.scope === database.toLowerCase())
    .map((entry) =>
      permissionRow(
        context,
        entry,
        principals.find((principal) => principal.name.toLowerCase() === entry.principal.toLowerCase())?.id ??
          0,
      ),
    );
  return [...connect, ...stored];
}
