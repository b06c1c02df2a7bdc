import { linkActivities } from './link-activities';
import type { LinkRun } from './state';

/**
 * Azure's first full backup of an instance that became the primary comes before any teardown: without it a restart could
 * lose the database (troubleshooting page of the link).
 * @param since clock of the instance, ISO 8601 UTC
 */
export async function awaitFullBackup(run: LinkRun, since: string): Promise<void> {
  run.waitingFor = 'the first full backup that Azure takes of the new primary';
  const { evidence } = await run.control.untilDone('Full backup by Azure', () =>
    linkActivities(run).watches.awaitAzureFullBackup({ spec: run.spec, since }),
  );
  run.logEvent('info', 'after.full-backup', evidence);
}
