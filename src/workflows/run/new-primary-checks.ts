/** A look at the new primary, and what a spec asks to be mended there. The applications are admitted already. */
import {
  ActivityFailure,
  type ActivityInterfaceFor,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { RunSteps } from '../../activities/run/api';
import type { AroundFailoverActivities } from '../../activities/run/failover-api';
import type { DatabaseProperties } from '../../model/run/failover-facts';
import type { StepRef } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import { fewAttempts, lookAfterwards } from './activity-policies';
import type { Run } from './run';

export interface NewPrimary {
  readonly site: SiteId;
  /** From before the failover; null when nobody could look. */
  readonly before: DatabaseProperties | null;
  /** False where the failover ended the replication. */
  readonly replicates: boolean;
}

/** The database as the site shows it that still leads. Never a reason not to fail over: null when it cannot be read. */
export async function readBefore(run: Run, on: SiteId): Promise<DatabaseProperties | null> {
  if (!run.spec.settings.afterFailover.checks) return null;
  const activities: ActivityInterfaceFor<AroundFailoverActivities> = proxyActivities(
    fewAttempts(run.spec.settings.polling),
  );
  try {
    return await activities.readDatabaseProperties({ spec: run.spec, on });
  } catch (error) {
    if (isCancellation(error)) throw error;
    run.logEvent(
      'warning',
      'after.unknown-before',
      `the database could not be looked at before: ${why(error)}`,
    );
    return null;
  }
}

/** Mends what the spec asks for, then looks. Whatever fails is told; nothing waits for it. */
export async function checkNewPrimary(run: Run, primary: NewPrimary): Promise<void> {
  const asked = run.spec.settings.afterFailover;
  const repair = run.procedure.repairOfUsers?.(primary.site);
  if (asked.repairOrphanedUsers && repair !== undefined) await repairUsers(run, repair);
  if (asked.checks) await check(run, primary);
}

async function repairUsers(run: Run, step: StepRef): Promise<void> {
  const { spec } = run;
  const stepId = step.id;
  const activities: ActivityInterfaceFor<RunSteps> = proxyActivities(lookAfterwards(spec.settings.polling));
  try {
    const { settled, planned } = await activities.observeStep({ spec, stepId });
    if (settled !== undefined) {
      run.journal(step, 'already-done', [], settled, 0);
      return;
    }
    const done = await activities.performStep.executeWithOptions({ summary: step.title }, [{ spec, stepId }]);
    run.journal(step, 'done', planned, done.evidence, done.durationMs);
  } catch (error) {
    if (isCancellation(error)) throw error;
    await run.notify(
      'critical',
      'after.users-not-repaired',
      `orphaned users did not get their logins: ${why(error)}`,
      'give each its login by hand: ALTER USER ... WITH LOGIN = ...; the checks of this run name them',
    );
  }
}

async function check(run: Run, { site, before, replicates }: NewPrimary): Promise<void> {
  const { spec, state } = run;
  const activities: ActivityInterfaceFor<AroundFailoverActivities> = proxyActivities(
    lookAfterwards(spec.settings.polling),
  );
  try {
    const firstWriteAt = state.firstWriteAt ?? null;
    state.checks = await activities.checkAfterFailover({
      spec,
      primary: site,
      before,
      firstWriteAt,
      replicates,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    const remedy = 'look at the users, the owner and the compatibility level of the database yourself';
    await run.notify(
      'warning',
      'after.not-checked',
      `the new primary could not be checked: ${why(error)}`,
      remedy,
    );
    return;
  }
  for (const { id, outcome, evidence, remedy } of state.checks) {
    if (outcome === 'warning') await run.notify('warning', id, evidence, remedy ?? 'see the evidence');
  }
}

function why(error: unknown): string {
  if (error instanceof ActivityFailure) return error.cause?.message ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
