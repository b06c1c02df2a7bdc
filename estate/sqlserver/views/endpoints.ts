/** Endpoints. */
import type { SessionContext } from '../context';
import { bit, defineView, int, notNull, nvarchar, sysname, tinyint } from './definition';

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

/** Where encryption is supported but not required, the connection may also go without: NONE comes first. */
const supportedAlgorithm: Readonly<Record<string, readonly [number, string]>> = {
  RC4: [3, 'NONE, RC4'],
  AES: [4, 'NONE, AES'],
  'RC4 AES': [7, 'NONE, RC4, AES'],
  'AES RC4': [8, 'NONE, AES, RC4'],
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
  const known = endpoint.encryption === 'SUPPORTED' ? supportedAlgorithm : encryptionAlgorithm;
  const [algorithm, words] = known[endpoint.algorithm] ?? [0, 'NONE'];
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

export const endpointViews = [
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
];
