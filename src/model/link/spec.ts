import { z } from 'zod';
import { durationSchema } from '../duration-schema';
import type { AzureAccess, ManagedInstance, SqlServer } from '../inventory';
import { nameSchema, sysnameSchema } from '../inventory';
import { afterFailoverSchema } from '../run/after-failover-schema';
import { hooksSchema } from '../run/hooks';
import type { RunSpec } from '../run/run-spec';
import { cutoverSchema, failoverSchema, pollingSchema } from '../run/settings';
import { fenceSchema } from '../sql-server/fence-settings';
import { instanceObjectsSchema } from '../sql-server/instance-objects-spec';

const seedingSchema = z
  .strictObject({
    deadline: durationSchema
      .prefault('6d')
      .describe('From the create request; Azure itself cancels the creation after 6 days'),
    warnBefore: z.array(durationSchema).prefault(['1d', '6h', '1h']),
    stalledAfter: durationSchema
      .prefault('30m')
      .describe('A person is told when no byte moved for this long'),
    watchLog: z
      .boolean()
      .default(true)
      .describe('The room in the log is watched also while the run waits for a person'),
    keepLog: z
      .enum(['none', 'trace-flag-12381'])
      .default('none')
      .describe(
        'trace-flag-12381: turned on for the server while the copy is made, so that log backups of others cannot break it; the log grows meanwhile',
      ),
  })
  .prefault({});

const logBackupsSchema = z.strictObject({
  directory: z.string().min(1).describe('Directory on the SQL Server, or a URL for BACKUP TO URL'),
  every: durationSchema.prefault('15m'),
  atUsedPercent: z
    .number()
    .min(1)
    .max(99)
    .default(60)
    .describe('Log used percent that triggers a backup early'),
  beforeFullIn: durationSchema
    .prefault('5m')
    .describe('A backup is taken early when, at its present growth, the log is full sooner than this'),
  alarmAtUsedPercent: z
    .number()
    .min(1)
    .max(100)
    .default(85)
    .describe('Log used percent at which a person is told, also while backups are held for seeding'),
  compression: z.boolean().default(true),
});

const linkCutoverSchema = cutoverSchema
  .extend({
    fence: fenceSchema,
    afterwards: z
      .enum(['remove-link', 'keep-link'])
      .default('remove-link')
      .describe('remove-link waits for the first full backup that Azure takes after the failover'),
  })
  .prefault({});

const groupListenerSchema = z.strictObject({
  address: z.string().min(1).describe('IP address of the listener (or its name), as the instance reaches it'),
  port: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe(
      'Port of the mirroring endpoints behind it, not the port for clients; by default endpoint.port of the SQL Server',
    ),
});

/** migration.yaml: one database and how it shall cross. */
export const linkSchema = z.strictObject({
  apiVersion: z.literal('sqlferry/v1'),
  kind: z.literal('Link'),
  name: nameSchema,
  purpose: z
    .enum(['migration', 'disaster-recovery'])
    .default('migration')
    .describe('migration: cross once and end; disaster-recovery: stay for years, fail over on request'),
  initialPrimary: z
    .enum(['server', 'instance'])
    .default('server')
    .describe(
      'Side that has the database when the link is made; instance only with purpose disaster-recovery, SQL Server 2022 CU10 or later, and a matching update policy',
    ),
  database: sysnameSchema,
  server: nameSchema.describe('Name of a SQL Server in the inventory'),
  instance: nameSchema.describe('Name of a managed instance in the inventory'),
  link: z
    .strictObject({
      name: sysnameSchema.optional().describe('Distributed availability group; by default DAG_<database>'),
      availabilityGroup: sysnameSchema.optional().describe('On the SQL Server; by default AG_<database>'),
      instanceAvailabilityGroup: sysnameSchema
        .optional()
        .describe('On the instance; by default AG_<database>_MI'),
      replicas: z
        .array(nameSchema)
        .min(1)
        .optional()
        .describe(
          'The other replicas of an availability group that exists, by their names under sqlServers; server is one of its replicas, too',
        ),
      listener: groupListenerSchema
        .optional()
        .describe(
          'Listener of an availability group that exists: the instance reaches the primary through it',
        ),
    })
    .prefault({}),
  certificate: z
    .strictObject({
      name: sysnameSchema
        .refine((name) => !name.includes('\\'), 'must not contain a backslash')
        .optional()
        .describe('By default Cert_<server>_endpoint'),
      validFor: durationSchema.prefault('365d'),
    })
    .prefault({}),
  seeding: seedingSchema,
  logBackups: logBackupsSchema,
  cutover: linkCutoverSchema,
  failover: failoverSchema,
  hooks: hooksSchema.optional().describe('Called around a failover or cutover'),
  afterFailover: afterFailoverSchema,
  instanceObjects: instanceObjectsSchema
    .optional()
    .describe('What lives outside of the database and must be on the other side before a failover'),
  polling: pollingSchema,
});
export type LinkSpec = z.output<typeof linkSchema>;

/** Names of the objects that a link consists of, with the defaults filled in. */
export interface LinkNames {
  /** Distributed availability group and, in Azure, the link. */
  readonly distributedGroup: string;
  readonly availabilityGroup: string;
  readonly instanceAvailabilityGroup: string;
}

/** A migration with its inventory entries: all that a workflow or an activity needs. Holds references to secrets, no secret. */
export interface ResolvedLink extends RunSpec {
  readonly kind: 'link';
  readonly version: 1;
  readonly settings: LinkSpec;
  readonly names: LinkNames;
  readonly server: SqlServer;
  readonly instance: ManagedInstance;
  readonly azure: AzureAccess;
  /** The other replicas of the availability group; absent where it has one replica. */
  readonly replicas?: readonly GroupReplica[];
}

/** A SQL Server that is a replica of the availability group. */
export interface GroupReplica {
  /** Name in the inventory. */
  readonly name: string;
  readonly server: SqlServer;
}

/** @returns names of the link's objects; a name that the spec gives is kept as it is. */
export function linkNames(migration: Pick<LinkSpec, 'database' | 'link'>): LinkNames {
  const cut = (name: string): string => name.slice(0, 128);
  return {
    distributedGroup: migration.link.name ?? cut(`DAG_${migration.database}`),
    availabilityGroup: migration.link.availabilityGroup ?? cut(`AG_${migration.database}`),
    instanceAvailabilityGroup:
      migration.link.instanceAvailabilityGroup ?? `${cut(`AG_${migration.database}`).slice(0, 125)}_MI`,
  };
}
