/** Certificates, keys, endpoints, principals and permissions. */
import type { SessionContext } from '../context';
import { databasePrincipals, databaseRoleMembers, serverPrincipals, serverRoleMembers } from '../principals';
import { dateTime } from '../values';
import {
  bit,
  char,
  datetime,
  defineView,
  guid,
  int,
  notNull,
  nvarchar,
  since,
  sysname,
  varbinary,
  variantColumn,
} from './definition';

const pvtKeyDescription = { MK: 'ENCRYPTED_BY_MASTER_KEY', NA: 'NO_PRIVATE_KEY' } as const;

/** String SID of a certificate as SQL Server derives it: S-1-9-1- and the thumbprint's words. */
const stringSid = (thumbprint: Uint8Array): string => {
  const words = new DataView(thumbprint.buffer, thumbprint.byteOffset, thumbprint.byteLength);
  const parts = [0, 4, 8, 12, 16]
    .filter((at) => at + 4 <= thumbprint.length)
    .map((at) => words.getUint32(at, true));
  return `S-1-9-1-${parts.join('-')}`;
};

const isMaster = (database: string): boolean => database.toLowerCase() === 'master';

const serverPrincipalColumns = {
  name: notNull(sysname),
  principal_id: notNull(int),
  sid: varbinary(85),
  type: notNull(char(1)),
  type_desc: nvarchar(60),
  is_disabled: bit,
  create_date: notNull(datetime),
  modify_date: notNull(datetime),
  default_database_name: sysname,
  default_language_name: sysname,
  credential_id: int,
} as const;

export const securityViews = [
  defineView('sys.certificates', {
    columns: {
      name: notNull(sysname),
      certificate_id: notNull(int),
      principal_id: int,
      pvt_key_encryption_type: notNull(char(2)),
      pvt_key_encryption_type_desc: nvarchar(60),
      is_active_for_begin_dialog: bit,
      issuer_name: nvarchar(884),
      cert_serial_number: nvarchar(64),
      sid: varbinary(85),
      string_sid: nvarchar(128),
      subject: nvarchar(4000),
      expiry_date: datetime,
      start_date: datetime,
      thumbprint: notNull(varbinary(32)),
      attested_by: nvarchar(260),
      pvt_key_last_backup_date: datetime,
      key_length: since(13, int),
    },
    rows: (context, database) =>
      isMaster(database)
        ? [...context.instance.certificates.values()].map((certificate) => ({
            name: certificate.name,
            certificate_id: certificate.certificateId,
            principal_id: 1,
            pvt_key_encryption_type: certificate.privateKey,
            pvt_key_encryption_type_desc: pvtKeyDescription[certificate.privateKey],
            is_active_for_begin_dialog: true,
            issuer_name: certificate.issuer,
            cert_serial_number: certificate.serialNumber,
            sid: Uint8Array.from([1, 6, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0, ...certificate.thumbprint]),
            string_sid: stringSid(certificate.thumbprint),
            subject: certificate.subject,
            expiry_date: dateTime(certificate.expiryDate),
            start_date: dateTime(certificate.startDate),
            thumbprint: certificate.thumbprint,
            key_length: 2048,
          }))
        : [],
  }),
  defineView('sys.symmetric_keys', {
    columns: {
      name: notNull(sysname),
      principal_id: int,
      symmetric_key_id: notNull(int),
      key_length: notNull(int),
      key_algorithm: notNull(char(2)),
      algorithm_desc: nvarchar(60),
      create_date: notNull(datetime),
      modify_date: notNull(datetime),
      key_guid: guid,
      key_thumbprint: variantColumn,
      provider_type: nvarchar(120),
      cryptographic_provider_guid: guid,
      cryptographic_provider_algid: variantColumn,
    },
    rows: symmetricKeys,
  }),
  defineView('sys.key_encryptions', {
    columns: { key_id: int, thumbprint: varbinary(32), crypt_type: char(4), crypt_type_desc: nvarchar(60) },
    rows: (context, database) =>
      isMaster(database) && context.instance.masterKey !== undefined
        ? [
            {
              key_id: 101,
              thumbprint: Uint8Array.of(1),
              crypt_type: 'ESKM',
              crypt_type_desc: 'ENCRYPTION_BY_MASTER_KEY',
            },
            { key_id: 101, crypt_type: 'ESKP', crypt_type_desc: 'ENCRYPTION_BY_PASSWORD' },
          ]
        : [],
  }),
  defineView('sys.server_principals', {
    columns: {
      ...serverPrincipalColumns,
      owning_principal_id: int,
      is_fixed_role: notNull(bit),
      tenant_id: since(16, guid),
    },
    rows: (context) =>
      serverPrincipals(context).map((principal) => ({
        name: principal.name,
        principal_id: principal.id,
        sid: principal.sid,
        type: principal.type,
        type_desc: principal.typeDescription,
        is_disabled: principal.disabled,
        create_date: dateTime(principal.createdAt),
        modify_date: dateTime(principal.modifiedAt),
        default_database_name: principal.defaultDatabase,
        default_language_name: principal.defaultLanguage,
        owning_principal_id: principal.type === 'R' ? 1 : null,
        is_fixed_role: principal.fixedRole,
      })),
  }),
  defineView('sys.sql_logins', {
    columns: {
      ...serverPrincipalColumns,
      is_policy_checked: bit,
      is_expiration_checked: bit,
      password_hash: varbinary(256),
    },
    rows: sqlLogins,
  }),
  defineView('sys.server_role_members', {
    columns: { role_principal_id: notNull(int), member_principal_id: notNull(int) },
    rows: (context) =>
      serverRoleMembers(context).map(([role, member]) => ({
        role_principal_id: role,
        member_principal_id: member,
      })),
  }),
  defineView('sys.database_principals', {
    columns: {
      name: notNull(sysname),
      principal_id: notNull(int),
      type: notNull(char(1)),
      type_desc: nvarchar(60),
      default_schema_name: sysname,
      create_date: notNull(datetime),
      modify_date: notNull(datetime),
      owning_principal_id: int,
      sid: varbinary(85),
      is_fixed_role: notNull(bit),
      authentication_type: notNull(int),
      authentication_type_desc: nvarchar(60),
      default_language_name: sysname,
      default_language_lcid: int,
      allow_encrypted_value_modifications: notNull(bit),
    },
    rows: (context, database) =>
      databasePrincipals(context, database).map((principal) => ({
        name: principal.name,
        principal_id: principal.id,
        type: principal.type,
        type_desc: principal.typeDescription,
        default_schema_name: principal.defaultSchema,
        create_date: dateTime(principal.createdAt),
        modify_date: dateTime(principal.createdAt),
        owning_principal_id: principal.type === 'R' ? 1 : null,
        sid: principal.sid,
        is_fixed_role: principal.fixedRole,
        authentication_type: { NONE: 0, INSTANCE: 1, WINDOWS: 3, EXTERNAL: 4 }[principal.authentication],
        authentication_type_desc: principal.authentication,
        allow_encrypted_value_modifications: false,
      })),
  }),
  defineView('sys.database_role_members', {
    columns: { role_principal_id: notNull(int), member_principal_id: notNull(int) },
    rows: (context, database) =>
      databaseRoleMembers(context, database).map(([role, member]) => ({
        role_principal_id: role,
        member_principal_id: member,
      })),
  }),
  defineView('sys.credentials', {
    columns: {
      credential_id: notNull(int),
      name: notNull(sysname),
      credential_identity: nvarchar(4000),
      create_date: notNull(datetime),
      modify_date: notNull(datetime),
      target_type: nvarchar(100),
      target_id: int,
    },
    rows: (context) =>
      [...context.state.credentials.values()].map((credential) => ({
        credential_id: credential.id,
        name: credential.name,
        credential_identity: credential.identity,
        create_date: dateTime(credential.createdAt),
        modify_date: dateTime(credential.createdAt),
      })),
  }),
  defineView('sys.servers', {
    columns: {
      server_id: notNull(int),
      name: notNull(sysname),
      product: notNull(sysname),
      provider: notNull(sysname),
      data_source: nvarchar(4000),
      location: nvarchar(4000),
      provider_string: nvarchar(4000),
      catalog: sysname,
      connect_timeout: int,
      query_timeout: int,
      is_linked: notNull(bit),
      is_remote_login_enabled: notNull(bit),
      is_rpc_out_enabled: notNull(bit),
      is_data_access_enabled: notNull(bit),
      is_collation_compatible: notNull(bit),
      uses_remote_collation: notNull(bit),
      collation_name: sysname,
      lazy_schema_validation: notNull(bit),
      is_system: notNull(bit),
      is_publisher: notNull(bit),
      is_subscriber: bit,
      is_distributor: bit,
      modify_date: notNull(datetime),
    },
    rows: (context) => [serverRow(context, 0, context.instance.serverName), ...linkedServerRows(context)],
  }),
  defineView('sys.linked_logins', {
    columns: {
      server_id: int,
      local_principal_id: int,
      uses_self_credential: notNull(bit),
      remote_name: sysname,
      modify_date: notNull(datetime),
    },
    rows: (context) =>
      [...context.state.linkedServers.values()].flatMap((server) =>
        server.logins.map((login) => ({
          server_id: server.serverId,
          local_principal_id:
            login.localLogin === null
              ? 0
              : (context.instance.logins.get(login.localLogin.toLowerCase())?.principalId ?? 0),
          uses_self_credential: login.remoteName === null,
          remote_name: login.remoteName,
          modify_date: dateTime(server.modifiedAt),
        })),
      ),
  }),
];

function symmetricKeys(context: SessionContext, database: string) {
  if (!isMaster(database)) return [];
  const service = {
    name: '##MS_ServiceMasterKey##',
    principal_id: 1,
    symmetric_key_id: 102,
    key_length: 256,
    key_algorithm: 'A3',
    algorithm_desc: 'AES_256',
    create_date: dateTime(Date.UTC(2024, 0, 1)),
    modify_date: dateTime(Date.UTC(2024, 0, 1)),
  };
  const { masterKey } = context.instance;
  if (masterKey === undefined) return [service];
  return [
    {
      ...service,
      name: '##MS_DatabaseMasterKey##',
      symmetric_key_id: 101,
      create_date: dateTime(masterKey.createdAt),
      modify_date: dateTime(masterKey.createdAt),
    },
    service,
  ];
}

function sqlLogins(context: SessionContext) {
  return serverPrincipals(context)
    .filter((principal) => principal.type === 'S')
    .map((principal) => {
      const login = context.instance.logins.get(principal.name.toLowerCase());
      return {
        name: principal.name,
        principal_id: principal.id,
        sid: principal.sid,
        type: 'S',
        type_desc: 'SQL_LOGIN',
        is_disabled: principal.disabled,
        create_date: dateTime(principal.createdAt),
        modify_date: dateTime(principal.modifiedAt),
        default_database_name: principal.defaultDatabase,
        default_language_name: principal.defaultLanguage,
        is_policy_checked: login?.policyChecked ?? true,
        is_expiration_checked: login?.expirationChecked ?? false,
        // Hashes are only for those with CONTROL SERVER.
        password_hash: context.may('CONTROL SERVER') ? (login?.passwordHash ?? null) : null,
      };
    });
}

function serverRow(context: SessionContext, id: number, name: string) {
  return {
    server_id: id,
    name,
    product: 'SQL Server',
    provider: 'SQLNCLI',
    data_source: name,
    connect_timeout: 0,
    query_timeout: 0,
    is_linked: id !== 0,
    is_remote_login_enabled: true,
    is_rpc_out_enabled: true,
    is_data_access_enabled: id !== 0,
    is_collation_compatible: false,
    uses_remote_collation: true,
    lazy_schema_validation: false,
    is_system: false,
    is_publisher: false,
    is_subscriber: false,
    is_distributor: false,
    modify_date: dateTime(context.instance.startedAt),
  };
}

function linkedServerRows(context: SessionContext) {
  return [...context.state.linkedServers.values()].map((server) => ({
    ...serverRow(context, server.serverId, server.name),
    product: server.product,
    provider: server.provider,
    data_source: server.dataSource,
    catalog: server.catalog,
    modify_date: dateTime(server.modifiedAt),
  }));
}
