/** Settings that a spec of every run has: when it crosses, how often it looks, how it fails over. */
import { z } from 'zod';
import { durationSchema } from '../duration-schema';
import { failoversAtOnceSchema } from './after-failover-schema';

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

/** A topology may add to it. */
export const cutoverSchema = z.strictObject({
  schedule: cutoverScheduleSchema.prefault({ type: 'as-soon-as-ready' }),
  approval: z
    .strictObject({
      required: z.boolean().default(true),
      validFor: durationSchema.prefault('1d').describe('An approval older than this must be given again'),
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
});
export type CutoverSettings = z.output<typeof cutoverSchema>;

export const pollingSchema = z
  .strictObject({
    steady: durationSchema
      .prefault('30s')
      .describe('While it replicates. All pauses in which nobody waits are multiples of it'),
    seeding: durationSchema.prefault('30s'),
    active: durationSchema
      .prefault('2s')
      .describe(
        'While a step waits for its effect. All pauses in which somebody waits are multiples of it; behind the fence it is a tenth',
      ),
    heartbeatTimeout: durationSchema
      .prefault('1m')
      .describe('After this long without a sign of life of its worker, another worker takes a step over'),
  })
  .prefault({});
export type Polling = z.output<typeof pollingSchema>;

export const failoverSchema = z
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
  .prefault({});
export type FailoverSettings = z.output<typeof failoverSchema>;
