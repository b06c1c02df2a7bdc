import { z } from 'zod';
import { durationSchema } from '../duration-schema';
import type { AzureAccess, ManagedInstance, SqlServer } from '../inventory';
import { nameSchema } from '../inventory';
import { afterFailoverSchema, failoversAtOnceSchema } from '../run/after-failover-schema';
import { hooksSchema } from '../run/hooks';
import { instanceObjectsSchema } from '../sql-server/instance-objects-spec';

const DAY = '1d';

/** SQL Server identifiers are at most 128 characters (sysname). */
const sysnameSchema = z.string().min(1).max(128);

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:30');

export const maintenanceWindowSchema = z.strictObject({
  days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).min(1),
  from: clockTime,
  to: clockTime.describe('An end before the start means the next day'),
  timezone: z.string().default('UTC').describe('IANA name, for example Europe/Berlin'),
});
export type MaintenanceWindow = z.output<typeof maintenanceWindowSchema>;

/** When the cutover may begin. Approval, where required, comes on top. */
export const cutoverScheduleSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('as-soon-as-ready') }),
  z.strictObject({ type: z.literal('at'), time: z.iso.datetime({ offset: true }) }),
  z.strictObject({ type: z.literal('in-windows'), windows: z.array(maintenanceWindowSchema).min(1) }),
]);
export type CutoverSchedule = z.output<typeof cutoverScheduleSchema>;

const seedingSchema = z
  .strictObject({
    deadline: durationSchema
      .prefault('6d')
      .describe('From the create request; Azure itself cancels the creation after 6 days'),
    warnBefore: z.array(durationSchema).prefault([DAY, '6h', '1h']),
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

const cutoverSchema = z
  .strictObject({
    schedule: cutoverScheduleSchema.prefault({ type: 'as-soon-as-ready' }),
    approval: z
      .strictObject({
        required: z.boolean().default(true),
        validFor: durationSchema.prefault(DAY).describe('An approval older than this must be given again'),
      })
      .prefault({}),
    fence: z
      .strictObject({
        disableLogins: z
          .array(sysnameSchema)
          .default([])
          .describe(
            'Logins of the applications; disabled on the SQL Server at cutover, their sessions ended',
          ),
      })
      .prefault({}),
    maxLag: durationSchema
      .prefault('30s')
      .describe('The gate opens only while the secondary is at most this far behind'),
    catchUpTimeout: durationSchema
      .prefault('10m')
      .describe('Longest time behind the fence; then the fence is lifted and the cutover tried again later'),
    attempts: z.int().min(1).max(20).default(4),
    retryAfter: z.array(durationSchema).min(1).prefault(['1m', '5m', '10m', '30m']),
    afterwards: z
      .enum(['remove-link', 'keep-link'])
      .default('remove-link')
      .describe('remove-link waits for the first full backup that Azure takes after the failover'),
  })
  .prefault({});

const pollingSchema = z
  .strictObject({
    steady: durationSchema.prefault('30s').describe('While a link replicates'),
    seeding: durationSchema.prefault('30s'),
    active: durationSchema.prefault('2s').describe('While a step waits for its effect, and behind the fence'),
    heartbeatTimeout: durationSchema
      .prefault('1m')
      .describe('After this long without a sign of life of its worker, another worker takes a step over'),
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
  cutover: cutoverSchema,
  failover: z
    .strictObject({
      coolDown: durationSchema
        .prefault('30m')
        .describe('disaster-recovery: no second failover within this time unless a person acknowledges it'),
      atOnce: failoversAtOnceSchema,
      firstFullBackup: z
        .enum(['tell', 'acknowledge'])
        .default('tell')
        .describe(
          'disaster-recovery: a failover back before the first full backup by Azure is told, or needs an acknowledgement',
        ),
    })
    .prefault({}),
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
  readonly link: string;
  readonly availabilityGroup: string;
  readonly instanceAvailabilityGroup: string;
}

/** A migration with its inventory entries: all that a workflow or an activity needs. Holds references to secrets, no secret. */
export interface ResolvedLink {
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
    link: migration.link.name ?? cut(`DAG_${migration.database}`),
    availabilityGroup: migration.link.availabilityGroup ?? cut(`AG_${migration.database}`),
    instanceAvailabilityGroup:
      migration.link.instanceAvailabilityGroup ?? `${cut(`AG_${migration.database}`).slice(0, 125)}_MI`,
  };
}
