/** What may have been left out by a cutover that deletes the link. */
import { equalLsnOf } from './equal-lsn';
import { linkActivities } from './link-activities';
import type { LinkRun } from './state';

/**
 * Deleting a link does not demote its server: logins outside the fence may have written there after the last look, and
 * nothing would ever tell. So the SQL Server is read again, and a difference goes to people and into the result.
 */
export async function lookForLeftOut(run: LinkRun): Promise<void> {
  const { state, spec } = run;
  const { server, database } = spec.settings;
  const evidence = equalLsnOf(state.pointOfNoReturn);
  if (evidence === null) return;
  const { primaryEndOfLogLsn: lsn } = evidence;
  const now = await linkActivities(run)
    .fewAttempts.readEndOfLog({ spec })
    .then(
      (seen) => seen.lsn,
      () => null,
    );
  if (now === lsn) {
    run.logEvent(
      'info',
      'cutover.nothing-left-out',
      `after the deletion of the link ${server} still stands at LSN ${lsn}`,
    );
    return;
  }
  const found =
    now === null
      ? `the log of ${database} on ${server} could not be read after the deletion of the link, so nobody knows whether it went on from LSN ${lsn}`
      : `the log of ${database} on ${server} went on from LSN ${lsn} to ${now} about when the link was deleted`;
  const remedy = `what logins outside the fence wrote on ${server} since ${evidence.observedAt} is not on the instance: look for it in the old copy before it is dropped`;
  state.unreplicatedTail = `${found}; ${remedy}`;
  await run.notify('critical', 'cutover.log-moved', found, remedy);
}
