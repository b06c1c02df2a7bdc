/**
 * Scenario files: a plain object (JSON or YAML) that says what the world holds. Everything has a default; the empty
 * object gives one SQL Server 2022 with one database and one managed instance.
 */
import { z } from 'zod';
import { describeIssues } from '../faults/registry';
import { faultRuleSchema } from '../faults/rules';

export const MB = 1024 * 1024;
export const GB = 1024 * MB;

const name = z.string().min(1).max(128);
const bytes = z.number().int().positive();
const rate = z.number().nonnegative();
const durationMs = z.number().nonnegative();
/** TCP port on 127.0.0.1; 0 = any free one. */
const port = z.number().int().min(0).max(65535).default(0);

const loginSchema = z.strictObject({
  name,
  /** `windows`: shows in the catalog, its users in databases as well; nobody can log in by it, as there is no domain. */
  type: z.enum(['sql', 'windows']).default('sql'),
  password: z.string().min(1),
  roles: z.array(z.string()).default(['sysadmin']),
  disabled: z.boolean().default(false),
});

const fileSchema = z.strictObject({
  type: z.enum(['ROWS', 'LOG', 'FILESTREAM']),
  name,
  filegroup: z.string().optional(),
  state: z.enum(['ONLINE', 'DEFUNCT', 'OFFLINE']).default('ONLINE'),
  sizeBytes: bytes.default(8 * MB),
});

export const databaseSchema = z.strictObject({
  name,
  dataBytes: bytes.default(24 * GB),
  logBytes: bytes.default(2 * GB),
  logMaxBytes: bytes.default(64 * GB),
  logGrowthBytes: bytes.default(512 * MB),
  recoveryModel: z.enum(['FULL', 'SIMPLE', 'BULK_LOGGED']).default('FULL'),
  /** A full backup (not copy-only) was taken before the story begins. */
  fullBackup: z.boolean().default(true),
  compatibilityLevel: z.number().int().optional(),
  collation: z.string().optional(),
  state: z.enum(['ONLINE', 'OFFLINE', 'SUSPECT', 'RESTORING']).default('ONLINE'),
  userAccess: z.enum(['MULTI_USER', 'SINGLE_USER', 'RESTRICTED_USER']).default('MULTI_USER'),
  readOnly: z.boolean().default(false),
  autoClose: z.boolean().default(false),
  brokerEnabled: z.boolean().default(false),
  cdcEnabled: z.boolean().default(false),
  published: z.boolean().default(false),
  acceleratedRecovery: z.boolean().default(true),
  versionStoreFilegroup: z.string().default('PRIMARY'),
  /** TDE with this certificate (its thumbprint is made up from the name). */
  tdeCertificate: z.string().optional(),
  /**
   * On a managed instance: encrypted by a key of the service, or by the customer's own one in Key Vault. That the SQL
   * Server reaches such a key is taken for granted.
   */
  tdeKey: z.enum(['service-managed', 'customer-managed']).optional(),
  memoryOptimized: z.boolean().default(false),
  unsupportedFeature: z.string().optional(),
  /** Files besides the one data and the one log file. */
  extraFiles: z.array(fileSchema).default([]),
  users: z.array(z.strictObject({ name, login: z.string().optional() })).default([]),
  /** Log bytes per simulated second written by a workload that nobody sees. */
  syntheticLogRate: rate.default(0),
});

const certificateSchema = z.strictObject({
  name,
  subject: z.string().min(1),
  /** Days from the base time; negative = expired already. */
  expiresInDays: z.number().default(365),
});

const endpointSchema = z.strictObject({
  name: name.default('database_mirroring_endpoint'),
  state: z.enum(['STARTED', 'STOPPED', 'DISABLED']).default('STARTED'),
  port: z.number().int().min(1).max(65535).default(5022),
  certificate: z.string().optional(),
  encryption: z.enum(['REQUIRED', 'SUPPORTED', 'DISABLED']).default('REQUIRED'),
});

const versions = ['2016', '2017', '2019', '2022', '2025'] as const;

export const sqlServerSchema = z.strictObject({
  kind: z.literal('sql-server'),
  name,
  /** Where it takes clients (TDS). */
  port,
  version: z.enum(versions).default('2022'),
  /** RTM, SP3, CU16, AzureConnect ...: resolves to a build; or the build itself, `16.0.4165.4`. */
  update: z.string().optional(),
  edition: z.enum(['Enterprise', 'Standard', 'Developer', 'Express', 'Web']).default('Developer'),
  platform: z.enum(['windows', 'linux']).default('windows'),
  collation: z.string().default('SQL_Latin1_General_CP1_CI_AS'),
  hadrEnabled: z.boolean().default(true),
  clustered: z.boolean().optional(),
  addresses: z.array(z.string()).default([]),
  traceFlags: z.array(z.number().int().positive()).default([]),
  masterKey: z.boolean().default(false),
  certificates: z.array(certificateSchema).default([]),
  endpoint: endpointSchema.optional(),
  logins: z.array(loginSchema).prefault([{ name: 'sa', password: 'Ferry!Passw0rd' }]),
  databases: z.array(databaseSchema).default([]),
});

export const managedInstanceSchema = z.strictObject({
  kind: z.literal('managed-instance'),
  name,
  /** Where it takes clients (TDS). */
  port,
  subscriptionId: z.string().default('00000000-0000-0000-0000-000000000001'),
  resourceGroup: z.string().default('rg-ferry'),
  location: z.string().default('westeurope'),
  dnsZone: z.string().default('a1b2c3d4e5f6'),
  tier: z.enum(['GeneralPurpose', 'BusinessCritical']).default('GeneralPurpose'),
  vCores: z.number().int().positive().default(8),
  storageSizeInGB: z.number().int().positive().default(1024),
  databaseFormat: z.enum(['SQLServer2022', 'SQLServer2025', 'AlwaysUpToDate']).default('SQLServer2022'),
  collation: z.string().default('SQL_Latin1_General_CP1_CI_AS'),
  inFailoverGroup: z.boolean().default(false),
  logins: z.array(loginSchema).prefault([{ name: 'ferryadmin', password: 'Ferry!Passw0rd' }]),
  databases: z.array(databaseSchema).default([]),
});

/** An availability group that stands already; the first replica leads it. Each replica needs an endpoint. */
const groupSchema = z.strictObject({
  name,
  replicas: z.array(name).min(1),
  databases: z.array(name).default([]),
  clusterType: z.enum(['WSFC', 'NONE']).default('WSFC'),
  availabilityMode: z.enum(['SYNCHRONOUS_COMMIT', 'ASYNCHRONOUS_COMMIT']).default('SYNCHRONOUS_COMMIT'),
  failoverMode: z.enum(['MANUAL', 'AUTOMATIC']).default('MANUAL'),
  secondaryAllowConnections: z.enum(['NO', 'READ_ONLY', 'ALL']).default('NO'),
  listener: z
    .strictObject({
      name,
      /** Address in the world, where partners reach the primary; clients come to `port` on 127.0.0.1. */
      address: z.string().min(1),
      port,
    })
    .optional(),
});

/** Rates and durations of the platform. Bytes per simulated second, simulated milliseconds. */
export const ratesSchema = z.strictObject({
  /** Network between any two instances, shared by what runs on it. 84 GB/h is the sizing example of the docs. */
  networkBandwidth: rate.positive().default(125 * MB),
  networkLatencyMs: durationMs.default(20),
  /** One seeding stream reads, sends and writes at most this much. */
  seedingRate: rate.positive().default(100 * MB),
  /** Seeding bytes on the wire per data byte with and without trace flag 9567. */
  seedingCompression: z.number().positive().max(1).default(0.6),
  redoRate: rate.positive().default(80 * MB),
  backupRate: rate.positive().default(200 * MB),
  backupCompression: z.number().positive().max(1).default(0.35),
  connectMs: durationMs.default(5_000),
  /** From the end of streaming to the end of the restore on the target: the rest of the dangerous window. */
  restoreTailMs: durationMs.default(30_000),
  linkCreateMs: durationMs.default(13_000),
  linkDeleteMs: durationMs.default(12_000),
  trustCertificateMs: durationMs.default(3_000),
  failoverGeneralPurposeMs: durationMs.default(15_000),
  failoverBusinessCriticalMs: durationMs.default(8_000),
  forcedFailoverMs: durationMs.default(10_000),
  /** Send and redo queues above these refuse a planned failover (47515, 47516); the limits are not published. */
  failoverMaxSendQueue: rate.default(1 * GB),
  failoverMaxRedoQueue: rate.default(1 * GB),
  /** Failovers of one managed instance under way at once; 8 is documented (failover how-to of the link). */
  failoversAtOnce: z.number().int().positive().default(8),
  restartMs: durationMs.default(30_000),
  reconnectMs: durationMs.default(10_000),
  firstFullBackupDelayMs: durationMs.default(600_000),
  /** A JOIN of a distributed group waits this long for the configuration of the primary (47106; inferred). */
  joinTimeoutMs: durationMs.default(10_000),
  /** Managed instances back the log up by themselves about this often while they are primary. */
  managedLogBackupMs: durationMs.positive().default(600_000),
});

export const definitionSchema = z.strictObject({
  seed: z.number().int().default(1),
  clock: z
    .strictObject({
      mode: z.enum(['real', 'manual']).default('real'),
      /** Simulated ms per real ms. */
      speed: z.number().positive().default(1),
      /** ISO time at which the story begins; absent = 2026-01-15T08:00:00Z, so that runs are alike. */
      base: z.iso.datetime().default('2026-01-15T08:00:00Z'),
    })
    .prefault({}),
  instances: z
    .array(z.discriminatedUnion('kind', [sqlServerSchema, managedInstanceSchema]))
    .min(1)
    .optional(),
  groups: z.array(groupSchema).default([]),
  rates: ratesSchema.prefault({}),
  /** Of Azure (Resource Manager and Entra ID, HTTPS) and of the control API (HTTP). */
  ports: z.strictObject({ azure: port, control: port }).prefault({}),
  faults: z.array(faultRuleSchema).default([]),
});

export type DatabaseDefinition = z.infer<typeof databaseSchema>;
export type SqlServerDefinition = z.infer<typeof sqlServerSchema>;
export type ManagedInstanceDefinition = z.infer<typeof managedInstanceSchema>;
export type GroupDefinition = z.infer<typeof groupSchema>;
export type InstanceDefinition = SqlServerDefinition | ManagedInstanceDefinition;
export type Rates = z.infer<typeof ratesSchema>;
export type EstateDefinitionInput = z.input<typeof definitionSchema>;
export type EstateDefinition = Omit<z.infer<typeof definitionSchema>, 'instances'> & {
  readonly instances: readonly InstanceDefinition[];
};

/** A scenario that does not validate; the message names the path of each bad field. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}

/** SQL1 (SQL Server 2022 Developer CU16) with Sales (24 GB), and the managed instance mi-west. */
export const defaultInstances = (): readonly InstanceDefinition[] => [
  sqlServerSchema.parse({
    kind: 'sql-server',
    name: 'SQL1',
    version: '2022',
    update: 'CU16',
    databases: [{ name: 'Sales', dataBytes: 24 * GB }],
  }),
  managedInstanceSchema.parse({ kind: 'managed-instance', name: 'mi-west' }),
];

/** @throws DefinitionError */
export function parseDefinition(input: unknown): EstateDefinition {
  const result = definitionSchema.safeParse(input);
  if (!result.success) throw new DefinitionError(describeIssues(result.error));
  const instances = result.data.instances ?? defaultInstances();
  rejectDuplicates(
    instances.map((instance) => instance.name),
    'instances',
  );
  instances.forEach((instance, index) => {
    rejectDuplicates(
      instance.databases.map((database) => database.name),
      `instances[${index}].databases`,
    );
  });
  return { ...result.data, instances };
}

function rejectDuplicates(names: readonly string[], path: string): void {
  const seen = new Set<string>();
  names.forEach((entry, index) => {
    const key = entry.toLowerCase();
    if (seen.has(key)) throw new DefinitionError(`${path}[${index}].name: '${entry}' is there twice`);
    seen.add(key);
  });
}
