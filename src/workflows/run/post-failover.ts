/** What follows the first good write of a new primary: hooks that repoint, a look, and both in the record. */
import { byWord } from '../../model/by-word';
import type { FailoverType } from '../../model/run/procedure';
import type { FailoverHooks, FailoverOccasion } from './failover-hooks';
import type { FailoverRecord } from './failover-record';
import { checkNewPrimary, type NewPrimary } from './new-primary-checks';
import type { Run } from './run';
import type { FailoverRequest } from './standing-messages';

/** @param attempt id of the failover's workflow: unique, since it holds the time at which it was asked for */
export const occasionOf = (attempt: string, { type, to, reason }: FailoverRequest): FailoverOccasion => ({
  attempt,
  kind: byWord<FailoverType, FailoverOccasion['kind']>('type of a failover', type, {
    planned: 'planned-failover',
    forced: 'forced-failover',
  }),
  to,
  reason: reason ?? null,
});

/** Of a failover that is over. @returns null for one that nobody asked this run for */
export function occasionOfRecord({
  workflowId,
  type,
  to,
  by,
  reason,
}: FailoverRecord): FailoverOccasion | null {
  if (type === 'outside') return null;
  return occasionOf(workflowId, { type, to, by, ...(reason === null ? {} : { reason }) });
}

/** Side by side: applications are repointed no later because somebody looks at their users. */
export async function runPostFailover(run: Run, hooks: FailoverHooks, primary: NewPrimary): Promise<void> {
  await Promise.all([hooks.afterwards(), checkNewPrimary(run, primary)]);
  run.waitingFor = '';
}

/** The record with what surrounded the failover, where anything did. */
export function withPostFailover(record: FailoverRecord, run: Run, hooks: FailoverHooks): FailoverRecord {
  const { checks } = run.state;
  return { ...withHooks(record, hooks), ...(checks === undefined ? {} : { checks }) };
}

/** The record with the hooks that were called since it was made. */
export const withHooks = (record: FailoverRecord, { records }: FailoverHooks): FailoverRecord =>
  records.length === 0 ? record : { ...record, hooks: [...(record.hooks ?? []), ...records] };
