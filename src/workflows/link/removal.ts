/** A link that stays is taken down. */
import { TAKE_DOWN } from '../../model/link/procedure';
import { isPreempted, unlessPreempted } from '../run/failover-child';
import type { Run } from '../run/run';
import type { StandingRequest } from '../run/standing-messages';
import type { Protection } from '../run/state';
import { takeDownSteps } from './link-migration';

/**
 * Link first, then the distributed group, then the group if this run made it.
 * @returns false when it gave way to a forced failover, before its first step
 */
export async function remove(
  run: Run,
  protection: Protection,
  asked: Extract<StandingRequest, { kind: 'remove' }>,
): Promise<boolean> {
  run.enter('after');
  // Where others deleted the link already, there is nothing left to wait with.
  const isGone = protection.deletedExternally !== undefined;
  if (protection.primary === 'instance' && run.state.failedOverAt !== null && !isGone) {
    const since = run.state.failedOverAt;
    run.waitingFor = 'the first full backup that Azure takes of the new primary';
    await unlessPreempted(run, async () => {
      const { evidence } = await run.control.untilDone('Full backup by Azure', () =>
        run.watches.awaitAzureFullBackup({ spec: run.spec, since }),
      );
      run.logEvent('info', 'after.full-backup', evidence);
    });
  }
  if (isPreempted(run)) return false;
  protection.request = { ...asked, begun: true };
  for (const step of takeDownSteps(run, TAKE_DOWN)) await run.perform(step);
  return true;
}
