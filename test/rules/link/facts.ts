import { inventorySchema } from '../../../src/model/inventory';
import type { LinkPreflightFacts } from '../../../src/model/link/facts';
import { type LinkSpec, linkNames, linkSchema, type ResolvedLink } from '../../../src/model/link/spec';
import type { Lsn } from '../../../src/model/sql-server/lsn';
import type {
  AvailabilityGroupFacts,
  CertificateFacts,
  DatabaseFacts,
  EndpointFacts,
  ManagedInstanceFacts,
  ServerFacts,
} from '../../../src/model/sql-server/observation';

export const NOW_TEXT = '2027-03-01T10:00:00.000Z';
export const NOW = Date.parse(NOW_TEXT);
export const FQDN = 'mi-01.a1b2c3.database.windows.net';

export const server = (changes: Partial<ServerFacts> = {}): ServerFacts => ({
  observedAt: NOW_TEXT,
  serverTime: NOW_TEXT,
  serverName: 'SQL01',
  productVersion: '16.0.4165.4',
  productLevel: 'RTM',
  productUpdateLevel: 'CU16',
  edition: 'Enterprise Edition (64-bit)',
  engineEdition: 3,
  hostPlatform: 'Windows',
  isHadrEnabled: true,
  collation: 'SQL_Latin1_General_CP1_CI_AS',
  isSysadmin: true,
  hasMasterKey: true,
  canValidateCertificateChain: true,
  canTrustCertificateIssuers: true,
  traceFlags: [1800, 9567],
  ...changes,
});

export const database = (changes: Partial<DatabaseFacts> = {}): DatabaseFacts => ({
  observedAt: NOW_TEXT,
  name: 'Orders',
  databaseId: 5,
  stateDesc: 'ONLINE',
  userAccessDesc: 'MULTI_USER',
  isReadOnly: false,
  isAutoCloseOn: false,
  recoveryModelDesc: 'FULL',
  compatibilityLevel: 160,
  collationName: 'SQL_Latin1_General_CP1_CI_AS',
  isBrokerEnabled: true,
  isCdcEnabled: false,
  isPublished: false,
  isEncrypted: false,
  tdeEncryptorType: null,
  tdeCertificateName: null,
  isAcceleratedDatabaseRecoveryOn: true,
  availabilityGroupName: null,
  lastLogBackupLsn: '43000000062400001' as Lsn,
  lastFullBackupAt: '2027-02-28T23:00:00.000Z',
  logReuseWaitDesc: 'NOTHING',
  files: [
    { name: 'Orders', typeDesc: 'ROWS', stateDesc: 'ONLINE', sizeBytes: 40 * 1024 ** 3 },
    { name: 'Orders_log', typeDesc: 'LOG', stateDesc: 'ONLINE', sizeBytes: 4 * 1024 ** 3 },
  ],
  hasFilestream: false,
  hasFileTables: false,
  hasMemoryOptimizedFilegroup: false,
  ...changes,
});

export const instance = (changes: Partial<ManagedInstanceFacts> = {}): ManagedInstanceFacts => ({
  observedAt: NOW_TEXT,
  resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/managedInstances/mi-01',
  name: 'mi-01',
  location: 'westeurope',
  fullyQualifiedDomainName: FQDN,
  state: 'Ready',
  provisioningState: 'Succeeded',
  tier: 'GeneralPurpose',
  collation: 'SQL_Latin1_General_CP1_CI_AS',
  databaseFormat: 'SQLServer2022',
  storageSizeGb: 256,
  distributedGroupNames: [],
  databaseNames: ['Other'],
  isInFailoverGroup: false,
  ...changes,
});

export const endpoint = (changes: Partial<EndpointFacts> = {}): EndpointFacts => ({
  name: 'database_mirroring_endpoint',
  stateDesc: 'STARTED',
  roleDesc: 'ALL',
  connectionAuthDesc: 'CERTIFICATE',
  isEncryptionEnabled: true,
  encryptionAlgorithmDesc: 'AES',
  certificateName: 'Cert_SQL01_endpoint',
  port: 5022,
  ...changes,
});

export const certificate = (changes: Partial<CertificateFacts> = {}): CertificateFacts => ({
  name: 'Cert_SQL01_endpoint',
  certificateId: 257,
  subject: 'Certificate for Cert_SQL01_endpoint',
  issuerName: 'Certificate for Cert_SQL01_endpoint',
  startDate: '2027-01-01T00:00:00.000Z',
  expiryDate: '2028-01-01T00:00:00.000Z',
  thumbprint: 'AB01',
  privateKeyEncryptionType: 'MK',
  ...changes,
});

export const ownGroups: readonly AvailabilityGroupFacts[] = [
  {
    name: 'AG_Orders',
    isDistributed: false,
    clusterTypeDesc: 'NONE',
    databases: ['Orders'],
    replicas: [
      { name: 'SQL01', endpointUrl: 'TCP://10.0.1.8:5022', availabilityModeDesc: 'SYNCHRONOUS_COMMIT' },
    ],
    localRoleDesc: 'PRIMARY',
  },
  {
    name: 'DAG_Orders',
    isDistributed: true,
    clusterTypeDesc: null,
    databases: [],
    replicas: [
      { name: 'AG_Orders', endpointUrl: 'TCP://10.0.1.8:5022', availabilityModeDesc: 'ASYNCHRONOUS_COMMIT' },
      {
        name: 'AG_Orders_MI',
        endpointUrl: `tcp://${FQDN}:5022;Server=[mi-01]`,
        availabilityModeDesc: 'ASYNCHRONOUS_COMMIT',
      },
    ],
    localRoleDesc: 'PRIMARY',
  },
];

export const facts = (changes: Partial<LinkPreflightFacts> = {}): LinkPreflightFacts => ({
  server: server(),
  database: database(),
  certificates: [certificate()],
  endpoints: [endpoint()],
  availabilityGroups: [],
  missingFenceLogins: [],
  instance: instance(),
  instanceServer: server({
    serverName: FQDN,
    engineEdition: 8,
    edition: 'SQL Azure',
    productVersion: '12.0.2000.8',
  }),
  trustCertificates: [],
  ...changes,
});

export function migration(changes: Record<string, unknown> = {}): LinkSpec {
  return linkSchema.parse({
    apiVersion: 'sqlferry/v1',
    kind: 'Link',
    name: 'orders',
    database: 'Orders',
    server: 'sql-01',
    instance: 'mi-01',
    logBackups: { directory: '/backup' },
    cutover: { fence: { disableLogins: ['app'] } },
    ...changes,
  });
}

export function spec(
  changes: Record<string, unknown> = {},
  serverChanges: Record<string, unknown> = {},
): ResolvedLink {
  const inventory = inventorySchema.parse({
    apiVersion: 'sqlferry/v1',
    kind: 'Inventory',
    sqlServers: {
      'sql-01': {
        host: 'sql01',
        authentication: { type: 'sql', user: 'ferry', password: 'env:SQL_PASSWORD' },
        endpoint: { address: '10.0.1.8' },
        ...serverChanges,
      },
    },
    managedInstances: {
      'mi-01': {
        resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/managedInstances/mi-01',
        authentication: { type: 'entra' },
      },
    },
  });
  const parsed = migration(changes);
  const server = inventory.sqlServers['sql-01'];
  const instance = inventory.managedInstances['mi-01'];
  if (server === undefined || instance === undefined) throw new Error('fixture');
  return {
    kind: 'link',
    version: 1,
    settings: parsed,
    names: linkNames(parsed),
    server,
    instance,
    azure: inventory.azure,
  };
}
