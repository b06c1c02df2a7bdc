/** Certificates, keys, endpoints, principals and permissions. */
import type { SessionContext } from '../context';
import { databasePrincipals, databaseRoleMembers, serverPrincipals, serverRoleMembers } from '../principals';
import { dateTime, stableHash } from '../values';
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
  tinyint,
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

const connectionAuth: Readonly<Record<string, number>> = {
  NTLM: 1,
  KERBEROS: 2,
  NEGOTIATE: 3,
  CERTIFICATE: 4,
  'NTLM, CERTIFICATE': 5,
  'KERBEROS, CERTIFICATE': 6,
  'NEGOTIATE, CERTIFICATE': 7,
  'CERTIFICATE, NTLM': 8,
  'CERTIFICATE, KERBEROS': 9,
  'CERTIFICATE, NEGOTIATE': 10,
};

/** encryption_algorithm and its words, as sys.database_mirroring_endpoints documents them. */
const encryptionAlgorithm: Readonly<Record<string, readonly [number, string]>> = {
  NONE: [0, 'NONE'],
  RC4: [1, 'RC4'],
  AES: [2, 'AES'],
  'RC4 AES': [5, 'RC4, AES'],
  'AES RC4': [6, 'AES, RC4'],
};

const endpointState = { STARTED: 0, STOPPED: 1, DISABLED: 2 } as const;
const endpointRole = { PARTNER: 1, WITNESS: 2, ALL: 3 } as const;

const endpointColumns = {
  name: notNull(sysname),
  endpoint_id: notNull(int),
  principal_id: int,
  protocol: notNull(tinyint),
  protocol_desc: nvarchar(60),
  type: notNull(tinyint),
  type_desc: nvarchar(60),
  state: tinyint,
  state_desc: nvarchar(60),
  is_admin_endpoint: notNull(bit),
} as const;

const builtInEndpoints = [
  {
    name: 'Dedicated Admin Connection',
    endpoint_id: 1,
    protocol: 2,
    protocol_desc: 'TCP',
    is_admin_endpoint: true,
  },
  {
    name: 'TSQL Local Machine',
    endpoint_id: 2,
    protocol: 4,
    protocol_desc: 'SHARED_MEMORY',
    is_admin_endpoint: false,
  },
  {
    name: 'TSQL Named Pipes',
    endpoint_id: 3,
    protocol: 3,
    protocol_desc: 'NAMED_PIPES',
    is_admin_endpoint: false,
  },
  { name: 'TSQL Default TCP', endpoint_id: 4, protocol: 2, protocol_desc: 'TCP', is_admin_endpoint: false },
].map((endpoint) => ({
  ...endpoint,
  principal_id: 1,
  type: 2,
  type_desc: 'TSQL',
  state: 0,
  state_desc: 'STARTED',
}));

const mirroringRow = (context: SessionContext) => {
  const { endpoint } = context.instance;
  if (endpoint === undefined) return [];
  return [
    {
      name: endpoint.name,
      endpoint_id: endpoint.endpointId,
      principal_id: 1,
      protocol: 2,
      protocol_desc: 'TCP',
      type: 4,
      type_desc: 'DATABASE_MIRRORING',
      state: endpointState[endpoint.state],
      state_desc: endpoint.state,
      is_admin_endpoint: false,
    },
  ];
};

const mirroringDetails = (context: SessionContext) => {
  const { endpoint, certificates } = context.instance;
  if (endpoint === undefined) return [];
  const [algorithm, words] = encryptionAlgorithm[endpoint.algorithm] ?? [0, 'NONE'];
  const certificate =
    endpoint.certificateName === undefined
      ? undefined
      : certificates.get(endpoint.certificateName.toLowerCase());
  return mirroringRow(context).map((row) => ({
    ...row,
    role: endpointRole[endpoint.role],
    role_desc: endpoint.role,
    is_encryption_enabled: endpoint.encryption !== 'DISABLED',
    connection_auth: connectionAuth[endpoint.authentication] ?? 0,
    connection_auth_desc: endpoint.authentication,
    certificate_id: certificate?.certificateId ?? 0,
    encryption_algorithm: algorithm,
    encryption_algorithm_desc: words,
  }));
};

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
  defineView('sys.endpoints', {
    columns: endpointColumns,
    rows: (context) => [...builtInEndpoints, ...mirroringRow(context)],
  }),
  defineView('sys.tcp_endpoints', {
    columns: {
      ...endpointColumns,
      port: notNull(int),
      is_dynamic_port: notNull(bit),
      ip_address: nvarchar(45),
    },
    rows: (context) => [
      ...builtInEndpoints
        .filter((endpoint) => endpoint.protocol === 2)
        .map((endpoint) => ({ ...endpoint, port: 0, is_dynamic_port: false })),
      ...mirroringRow(context).map((row) => ({
        ...row,
        port: context.instance.endpoint?.port ?? 0,
        is_dynamic_port: false,
        ip_address:
          context.instance.endpoint?.listenerIp === 'ALL' ? null : context.instance.endpoint?.listenerIp,
      })),
    ],
  }),
  defineView('sys.database_mirroring_endpoints', {
    columns: {
      ...endpointColumns,
      role: tinyint,
      role_desc: nvarchar(60),
      is_encryption_enabled: notNull(bit),
      connection_auth: notNull(tinyint),
      connection_auth_desc: nvarchar(60),
      certificate_id: notNull(int),
      encryption_algorithm: notNull(tinyint),
      encryption_algorithm_desc: nvarchar(60),
    },
    rows: mirroringDetails,
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
        authentication_type:
          principal.authentication === 'INSTANCE' ? 1 : principal.authentication === 'EXTERNAL' ? 4 : 0,
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
  defineView('sys.server_permissions', { columns: permissionColumns, rows: serverPermissions }),
  defineView('sys.database_permissions', { columns: permissionColumns, rows: databasePermissions }),
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

function serverPermissions(context: SessionContext) {
  const logins = [...context.instance.logins.values()];
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
    grantor_principal_id: 1,
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
