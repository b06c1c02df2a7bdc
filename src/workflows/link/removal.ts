/** A link that stays is taken down. */
import { REMOVAL } from '../../model/link/procedure';
import type { Run } from '../run/run';
import type { Protection } from '../run/state';
import { mayDrop } from './link-migration';

/** Link first, then the distributed group, then the group if this run made it. */
export async function remove(run: Run, protection: Protection): Promise<void> {
  run.enter('after');
  // Where others deleted the link already, there is nothing left to wait with.
  const isGone = protection.deletedExternally !== undefined;
  if (protection.primary === 'instance' && run.state.failedOverAt !== null && !isGone) {
    const since = run.state.failedOverAt;
    run.waitingFor = 'the first full backup that Azure takes of the new primary';
    const { evidence } = await run.control.untilDone('Full backup by Azure', () =>
      run.watches.awaitAzureFullBackup({ spec: run.spec, since }),
    );
    run.logEvent('info', 'after.full-backup', evidence);
  }
  for (const step of REMOVAL.filter(({ id }) => mayDrop(run, id))) await run.perform(step);
}
