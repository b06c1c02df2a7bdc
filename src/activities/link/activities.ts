/** The activities that only a link has, beside those of any run. */
import { callsOf } from '../run/call';
import { takeFirstLogBackup } from '../sql-server/first-log-backup';
import type { LinkOwnActivities } from './api';
import { type LinkActivityDependencies, observingOf } from './call';
import { awaitAzureFullBackup } from './catch-up';
import { awaitConnected } from './connection';
import { joinFromInstance } from './join';
import { linkFacts } from './link-facts';
import { watchLogSpace } from './log-space-watch';
import { watchSeeding } from './seeding-watch';

/** What the workflows that set a link up and take it down ask for. */
export function createLinkActivities(dependencies: LinkActivityDependencies): LinkOwnActivities {
  const call = callsOf(dependencies);

  return {
    joinFromInstance: ({ spec }) =>
      call(spec, ({ context, apply, reporter }) => joinFromInstance(context, apply, reporter)),

    awaitLinkConnected: ({ spec }) =>
      call(spec, (opened) => awaitConnected(observingOf(opened), opened.reporter)),

    watchSeeding: ({ spec, mark }) =>
      call(spec, (opened) => watchSeeding(observingOf(opened), opened.reporter, mark)),

    watchLogSpace: ({ spec, alarmRaised }) =>
      call(spec, (opened) => watchLogSpace(observingOf(opened), opened.reporter, alarmRaised)),

    takeFirstLogBackup: ({ spec, seedingCompletedAt }) =>
      call(spec, (opened) =>
        takeFirstLogBackup({ on: 'server', ...observingOf(opened) }, opened.apply, seedingCompletedAt),
      ),

    readEndOfLog: ({ spec }) =>
      call(spec, async (opened) => ({
        lsn: (await linkFacts(observingOf(opened), 0))?.endOfLogLsn ?? null,
      })),

    awaitAzureFullBackup: ({ spec, since }) =>
      call(spec, (opened) => awaitAzureFullBackup(observingOf(opened), opened.reporter, since)),
  };
}
