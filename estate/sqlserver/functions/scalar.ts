/** Built-in functions about the server, its databases, principals and certificates. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ObjectName, ScalarFunction, TypedValue } from '../../sql/host';
import { type SqlColumn, SqlVariant } from '../../sql/types';
import { isSystemDatabase, type SessionContext, sameName } from '../context';
import {
  databasePrincipals,
  fixedServerRoles,
  hasDatabaseRole,
  sameBytes,
  serverPrincipals,
  userIn,
} from '../principals';
import { findProcedure } from '../procedures/names';
import { catalogStore } from '../stores';
import { systemTypes, typeFacts } from '../system-types';
import {
  asNumber,
  asText,
  binaryValue,
  bitValue,
  dateTime,
  intType,
  intValue,
  nvarcharType,
  textValue,
  variantValue,
} from '../values';
import { columnsOf, type ViewDefinition } from '../views/definition';
import { filesOf } from '../views/files';
import { schemasOf, systemObjectId } from '../views/object-rows';
import { visibleViews } from '../views/registry';
import { tableObjectId } from '../views/table-facts';
import { splitName } from './names';
import { objectFunctions } from './objects';
import { databaseProperty, serverProperty } from './properties';

type Implementation = (context: SessionContext, args: readonly TypedValue[]) => TypedValue;

const at = (args: readonly TypedValue[], index: number): string | null => asText(args[index]?.value);
const numberAt = (args: readonly TypedValue[], index: number): number | null => asNumber(args[index]?.value);

const variantText = (value: string | null): TypedValue =>
  variantValue(value === null ? null : new SqlVariant(nvarcharType(128), value));
const variantInt = (value: number | null): TypedValue =>
  variantValue(value === null ? null : new SqlVariant(intType, value));

type NameParts = NonNullable<ReturnType<typeof splitName>>;

const viewNamed = (context: SessionContext, name: NameParts, database: string): ViewDefinition | undefined =>
  visibleViews(context).find(
    (entry) =>
      sameName(entry.name, name.object) &&
      (name.schema === undefined ? entry.schema === 'dbo' : sameName(entry.schema, name.schema)) &&
      (entry.database === undefined || sameName(entry.database, database)),
  );

const objectId: Implementation = (context, args) => {
  const given = at(args, 0);
  const kind = at(args, 1)?.trim().toUpperCase();
  const name = given === null ? undefined : splitName(given);
  if (name === undefined) return intValue(null);
  const database = name.database ?? context.database;
  const table = catalogStore(context, database)?.table(name.schema ?? 'dbo', name.object);
  if (table !== undefined && (kind === undefined || kind === 'U')) return intValue(tableObjectId(table));
  const view = viewNamed(context, name, database);
  const viewKind = view?.database === undefined ? 'V' : 'U';
  if (view !== undefined && (kind === undefined || kind === viewKind)) {
    return intValue(systemObjectId(view.schema, view.name));
  }
  const isProcedure = kind === undefined || kind === 'P' || kind === 'X';
  if (isProcedure && findProcedure(context, name) !== undefined) {
    return intValue(systemObjectId('sys', name.object));
  }
  return intValue(null);
};

const objectName: Implementation = (context, args) => {
  const id = numberAt(args, 0);
  const databaseId = numberAt(args, 1);
  const database = databaseId === null ? context.database : (context.databaseName(databaseId) ?? '');
  const table = catalogStore(context, database)
    ?.tables()
    .find((entry) => tableObjectId(entry) === id);
  if (table !== undefined) return textValue(table.definition.name);
  return textValue(
    visibleViews(context).find((view) => systemObjectId(view.schema, view.name) === id)?.name ?? null,
  );
};

const loginSid = (context: SessionContext, name: string | null): Uint8Array | null =>
  serverPrincipals(context).find((principal) => sameName(principal.name, name ?? context.loginName))?.sid ??
  null;

const sidArgument = (args: readonly TypedValue[]): Uint8Array | undefined => {
  const value = args[0]?.value;
  return value instanceof Uint8Array ? value : undefined;
};

const loginName: Implementation = (context, args) => {
  if (args.length === 0) return textValue(context.loginName);
  const sid = sidArgument(args);
  const found = serverPrincipals(context).find(
    (principal) => sid !== undefined && sameBytes(principal.sid, sid),
  );
  return textValue(found?.name ?? null);
};

const isServerRoleMember: Implementation = (context, args) => {
  const role = at(args, 0)?.toLowerCase() ?? '';
  const name = at(args, 1) ?? context.loginName;
  const login = context.instance.logins.get(name.toLowerCase());
  if (!(role in fixedServerRoles) && !context.state.serverRoles.has(role)) return intValue(null);
  if (login === undefined) return intValue(null);
  return intValue(role === 'public' || login.roles.has('sysadmin') || login.roles.has(role) ? 1 : 0);
};

const isMember: Implementation = (context, args) => {
  const role = at(args, 0) ?? '';
  const known = databasePrincipals(context, context.database).some(
    (principal) => principal.type === 'R' && sameName(principal.name, role),
  );
  return intValue(known ? Number(hasDatabaseRole(context, context.database, role)) : null);
};

const hasPermission: Implementation = (context, args) => {
  const securable = at(args, 0);
  const kind = at(args, 1)?.toUpperCase();
  const wanted = at(args, 2)?.toUpperCase() ?? '';
  if (securable === null && (kind === undefined || kind === 'SERVER')) {
    return intValue(Number(context.may(wanted)));
  }
  if (kind === 'DATABASE') {
    const name = securable ?? context.database;
    if (context.databaseId(name) === undefined) return intValue(null);
    const user = userIn(context, name);
    return intValue(
      Number(wanted === 'CONNECT' ? user !== undefined : hasDatabaseRole(context, name, 'db_owner')),
    );
  }
  return intValue(Number(context.isSysadmin || hasDatabaseRole(context, context.database, 'db_owner')));
};

const certificate = (context: SessionContext, id: number | null) =>
  id === null ? undefined : context.world.certificates.byId(context.instanceName, id);

const certificateProperty: Implementation = (context, args) => {
  const found = certificate(context, numberAt(args, 0));
  if (found === undefined) return variantValue(null);
  const date = (ms: number): TypedValue => {
    const value = dateTime(ms);
    return variantValue(value === null ? null : new SqlVariant({ kind: 'datetime' }, value));
  };
  switch (at(args, 1)?.toLowerCase()) {
    case 'expiry_date':
      return date(found.expiryDate);
    case 'start_date':
      return date(found.startDate);
    case 'issuer_name':
      return variantText(found.issuer);
    case 'subject':
      return variantText(found.subject);
    case 'cert_serial_number':
      return variantText(found.serialNumber);
    case 'sid':
      return variantValue(new SqlVariant({ kind: 'varbinary', length: 85 }, found.thumbprint));
    default:
      return variantValue(null);
  }
};

const loginProperty: Implementation = (context, args) => {
  const login = context.instance.logins.get((at(args, 0) ?? '').toLowerCase());
  if (login === undefined) return variantValue(null);
  switch (at(args, 1)?.toLowerCase()) {
    case 'passwordhash':
      return login.passwordHash === undefined || !context.may('CONTROL SERVER')
        ? variantValue(null)
        : variantValue(new SqlVariant({ kind: 'varbinary', length: 256 }, login.passwordHash));
    case 'passwordhashalgorithm':
      return variantInt(login.passwordHash === undefined ? null : 2);
    case 'islocked':
    case 'isexpired':
    case 'ismustchange':
    case 'badpasswordcount':
    case 'historylength':
      return variantInt(0);
    case 'defaultdatabase':
      return variantText(login.defaultDatabase);
    case 'defaultlanguage':
      return variantText(login.defaultLanguage);
    default:
      return variantValue(null);
  }
};

/** PWDCOMPARE(clear text, hash): SHA-512 of the UTF-16 password and the 4 bytes of salt, after 0x0200. */
const passwordCompare: Implementation = (_context, args) => {
  const clear = at(args, 0);
  const hash = args[1]?.value;
  if (clear === null || !(hash instanceof Uint8Array) || hash.length !== 70) return intValue(0);
  const digest = createHash('sha512')
    .update(Buffer.from(clear, 'utf16le'))
    .update(hash.subarray(2, 6))
    .digest();
  return intValue(Number(timingSafeEqual(digest, Buffer.from(hash.subarray(6)))));
};

const connectionProperty: Implementation = (context, args) => {
  switch (at(args, 0)?.toLowerCase()) {
    case 'net_transport':
    case 'physical_net_transport':
      return variantText('TCP');
    case 'protocol_type':
      return variantText('TSQL');
    case 'auth_scheme':
      return variantText('SQL');
    case 'client_net_address':
      return variantText(context.client.remoteAddress);
    case 'local_net_address':
      return variantText('127.0.0.1');
    default:
      return variantValue(null);
  }
};

const isPrimaryReplica: Implementation = (context, args) => {
  const name = at(args, 0) ?? '';
  if (isSystemDatabase(name) || context.databaseId(name) === undefined) return bitValue(null);
  return bitValue(context.world.groups.isPrimaryReplica(context.instanceName, name) ?? null);
};

/** COL_LENGTH: also for the columns of system views, which scripts ask before they use a newer one. */
const columnLength: Implementation = (context, args) => {
  const name = splitName(at(args, 0) ?? '');
  const column = name === undefined ? undefined : columnNamed(context, name, at(args, 1) ?? '');
  return {
    type: { kind: 'smallint' },
    value: column === undefined ? null : typeFacts(column.type).maxLength,
  };
};

const columnNamed = (context: SessionContext, name: NameParts, column: string): SqlColumn | undefined => {
  const database = name.database ?? context.database;
  const table = catalogStore(context, database)?.table(name.schema ?? 'dbo', name.object);
  const view = table === undefined ? viewNamed(context, name, database) : undefined;
  const columns = table?.definition.columns ?? (view === undefined ? [] : columnsOf(view, context.major));
  return columns.find((entry) => sameName(entry.name, column));
};

const currentUser: Implementation = (context) => textValue(userIn(context, context.database) ?? 'guest');

const implementations = new Map<string, Implementation>([
  ...objectFunctions,
  ['serverproperty', (context, args) => variantValue(serverProperty(context, at(args, 0) ?? ''))],
  [
    'databasepropertyex',
    (context, args) => variantValue(databaseProperty(context, at(args, 0) ?? '', at(args, 1) ?? '')),
  ],
  [
    'db_id',
    (context, args) => ({
      type: { kind: 'smallint' },
      value: context.databaseId(args.length === 0 ? context.database : (at(args, 0) ?? '')) ?? null,
    }),
  ],
  [
    'db_name',
    (context, args) =>
      textValue(
        args.length === 0 ? context.database : (context.databaseName(numberAt(args, 0) ?? -1) ?? null),
      ),
  ],
  ['original_db_name', (context) => textValue(context.database)],
  ['object_id', objectId],
  ['object_name', objectName],
  [
    'object_schema_name',
    (context, args) =>
      textValue(
        numberAt(args, 0) === null
          ? null
          : (numberAt(args, 0) ?? 0) < 0
            ? 'sys'
            : (catalogStore(context, context.database)
                ?.tables()
                .find((table) => tableObjectId(table) === numberAt(args, 0))?.definition.schema ?? null),
      ),
  ],
  ['suser_sname', loginName],
  [
    'suser_name',
    (context, args) =>
      args.length === 0
        ? textValue(context.loginName)
        : textValue(
            serverPrincipals(context).find((principal) => principal.id === numberAt(args, 0))?.name ?? null,
          ),
  ],
  ['suser_sid', (context, args) => binaryValue(loginSid(context, at(args, 0)), 85)],
  [
    'suser_id',
    (context, args) =>
      intValue(
        serverPrincipals(context).find((principal) =>
          sameName(principal.name, at(args, 0) ?? context.loginName),
        )?.id ?? null,
      ),
  ],
  ['original_login', (context) => textValue(context.loginName)],
  ['system_user', (context) => textValue(context.loginName)],
  [
    'user_name',
    (context, args) =>
      args.length === 0
        ? currentUser(context, args)
        : textValue(
            databasePrincipals(context, context.database).find(
              (principal) => principal.id === numberAt(args, 0),
            )?.name ?? null,
          ),
  ],
  ['user', currentUser],
  ['current_user', currentUser],
  ['session_user', currentUser],
  [
    'user_id',
    (context, args) =>
      intValue(
        databasePrincipals(context, context.database).find((principal) =>
          sameName(principal.name, at(args, 0) ?? userIn(context, context.database) ?? ''),
        )?.id ?? null,
      ),
  ],
  [
    'database_principal_id',
    (context, args) =>
      intValue(
        databasePrincipals(context, context.database).find((principal) =>
          sameName(principal.name, at(args, 0) ?? userIn(context, context.database) ?? ''),
        )?.id ?? null,
      ),
  ],
  ['is_srvrolemember', isServerRoleMember],
  ['is_member', isMember],
  ['is_rolemember', isMember],
  ['has_perms_by_name', hasPermission],
  [
    'has_dbaccess',
    (context, args) =>
      intValue(
        context.databaseId(at(args, 0) ?? '') === undefined
          ? null
          : Number(userIn(context, at(args, 0) ?? '') !== undefined),
      ),
  ],
  ['host_name', (context) => textValue(context.client.hostName)],
  ['host_id', () => textValue('4242    ', 10)],
  ['app_name', (context) => textValue(context.client.applicationName)],
  [
    'cert_id',
    (context, args) =>
      intValue(
        context.instance.certificates.get((at(args, 0) ?? '').replace(/^\[(.*)\]$/, '$1').toLowerCase())
          ?.certificateId ?? null,
      ),
  ],
  ['certencoded', (context, args) => binaryValue(certificate(context, numberAt(args, 0))?.der ?? null)],
  // The private key never leaves the server here.
  ['certprivatekey', () => binaryValue(null)],
  ['certproperty', certificateProperty],
  ['loginproperty', loginProperty],
  ['pwdcompare', passwordCompare],
  ['connectionproperty', connectionProperty],
  [
    'schema_name',
    (context, args) =>
      textValue(
        args.length === 0
          ? 'dbo'
          : (schemasOf(context, context.database).find(([, id]) => id === numberAt(args, 0))?.[0] ?? null),
      ),
  ],
  [
    'schema_id',
    (context, args) =>
      intValue(
        schemasOf(context, context.database).find(([name]) => sameName(name, at(args, 0) ?? 'dbo'))?.[1] ??
          null,
      ),
  ],
  [
    'type_name',
    (_context, args) =>
      textValue(systemTypes.find((type) => (type.userTypeId ?? type.id) === numberAt(args, 0))?.name ?? null),
  ],
  [
    'type_id',
    (_context, args) =>
      intValue(systemTypes.find((type) => sameName(type.name, at(args, 0) ?? ''))?.id ?? null),
  ],
  ['col_length', columnLength],
  [
    'file_id',
    (context, args) =>
      intValue(
        filesOf(context, context.database).find((file) => sameName(file.name, at(args, 0) ?? ''))?.fileId ??
          null,
      ),
  ],
  [
    'file_idex',
    (context, args) =>
      intValue(
        filesOf(context, context.database).find((file) => sameName(file.name, at(args, 0) ?? ''))?.fileId ??
          null,
      ),
  ],
  [
    'file_name',
    (context, args) =>
      textValue(
        filesOf(context, context.database).find((file) => file.fileId === numberAt(args, 0))?.name ?? null,
      ),
  ],
  ['fn_hadr_is_primary_replica', isPrimaryReplica],
  [
    'fn_hadr_backup_is_preferred_replica',
    (context, args) =>
      bitValue(context.world.groups.isPrimaryReplica(context.instanceName, at(args, 0) ?? '') !== false),
  ],
  [
    'fn_varbintohexstr',
    (_context, args) =>
      textValue(
        args[0]?.value instanceof Uint8Array ? `0x${Buffer.from(args[0].value).toString('hex')}` : null,
        'max',
      ),
  ],
  ['get_filestream_transaction_context', () => binaryValue(null)],
]);

/** Functions that are called with their schema (sys.fn_...). */
const withSchema = new Set([
  'fn_hadr_is_primary_replica',
  'fn_hadr_backup_is_preferred_replica',
  'fn_varbintohexstr',
]);

/** @returns undefined when there is no such built-in here */
export const scalarFunction = (context: SessionContext, name: ObjectName): ScalarFunction | undefined => {
  const key = name.object.toLowerCase();
  const found = implementations.get(key);
  if (found === undefined) return undefined;
  if (
    withSchema.has(key)
      ? !sameName(name.schema ?? '', 'sys') && !sameName(name.schema ?? '', 'dbo')
      : name.schema !== undefined
  ) {
    return undefined;
  }
  return (args) => found(context, args);
};
