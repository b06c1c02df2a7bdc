/** Settings of what surrounds a failover, beside its hooks. */
import { z } from 'zod';

/** "Up to 8 databases" of one instance may be failed over at once (failover how-to and migration page of the link). */
export const MOST_FAILOVERS_AT_ONCE = 8;

export const failoversAtOnceSchema = z
  .int()
  .min(1)
  .max(MOST_FAILOVERS_AT_ONCE)
  .default(MOST_FAILOVERS_AT_ONCE)
  .describe(
    'Failovers and cutovers of one managed instance at a time; the other ones wait for a failover slot',
  );

/** What is looked at, and mended, once the new primary takes writes. */
export const afterFailoverSchema = z
  .strictObject({
    checks: z
      .boolean()
      .default(true)
      .describe('Look at users without login, owner, compatibility level and commit mode of the new primary'),
    repairOrphanedUsers: z
      .boolean()
      .default(false)
      .describe('ALTER USER ... WITH LOGIN where a login of the same name exists under another SID'),
  })
  .prefault({});
export type AfterFailover = z.output<typeof afterFailoverSchema>;
