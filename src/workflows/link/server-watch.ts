/** The watch of a link that SQL Server leads: its log backups, its health, and what others do to it. */
import type { ReplicationNews, ReplicationWatchInput } from '../../activities/link/api';
import {
  adoptExternalFailover,
  externalChangesKnown,
  noteDeletedExternally,
  noteExistsAgain,
} from '../run/external-changes';
import { historyIsLong } from '../run/history';
import type { Watched } from '../run/replication-watch';
import type { Run } from '../run/run';
import { noteSplitBrain } from '../run/split-brain';
import { noteHealth, type Protection } from '../run/state';
import { noteLiftedFences } from '../sql-server/unlifted-fences';

/** A quiet link returns this often, so that a new history can begin. */
const CHECKPOINT_MS = 7 * 24 * 3_600_000;

/**
 * Takes log backups and watches the link's health while it replicates.
 * @param protection of a link that stays: two primaries are looked for as well
 */
export const serverWatch = (run: Run, protection?: Protection): Watched<ReplicationNews> => ({
  endsWith:
    protection === undefined
      ? 'the watch of the link to end; a log backup that runs just now is not interrupted'
      : 'the watch of the link to end; a log backup that runs just now has a few seconds',
  doing: 'watching the log: ',
  look: () => run.watches.watchReplication(inputOf(run, protection)),
  note: (news, isStopping) => note(run, protection, news, isStopping),
});

const inputOf = (run: Run, protection: Protection | undefined): ReplicationWatchInput => ({
  spec: run.spec,
  knownHealthy: run.state.health?.healthy ?? true,
  logAlarmRaised: run.state.logAlarmRaised,
  ...(protection === undefined
    ? {}
    : { splitBrainKnown: protection.splitBrain !== null, ...externalChangesKnown(protection) }),
  ...foreignBackups(run),
  ...(run.state.lastBackupAt === undefined ? {} : { lastBackupAt: run.state.lastBackupAt }),
  ...(run.spec.replicas === undefined ? {} : { knownLeader: run.state.groupLeader ?? null }),
  ...unliftedFences(run),
  // Of a link that stays the first look is news: a forced failover may be asked at any time.
  checkpointAfterMs: protection !== undefined && run.state.health === null ? 0 : CHECKPOINT_MS,
});

async function note(
  run: Run,
  protection: Protection | undefined,
  news: ReplicationNews,
  isStopping: () => boolean,
): Promise<void> {
  const { state } = run;
  noteHealth(state, news.health);
  switch (news.kind) {
    case 'log-backup-taken': {
      const { backup } = news;
      state.logBackups = { count: state.logBackups.count + 1, lastAt: backup.at };
      if (backup.serverAt !== undefined) state.lastBackupAt = backup.serverAt;
      state.logAlarmRaised = false;
      run.journal(
        { id: 'server.log-backup', title: 'Log backup', phase: 'replicating' },
        'done',
        backup.effects,
        `${backup.reason} (${backup.ruleId})`,
        backup.durationMs,
      );
      break;
    }
    case 'split-brain':
      if (protection !== undefined) await noteSplitBrain(run, protection, news);
      break;
    case 'external-failover':
      // The roles of a failover that ends this watch are its own doing.
      if (protection !== undefined && !isStopping()) await adoptExternalFailover(run, protection, news);
      break;
    case 'deleted-externally':
      if (protection !== undefined) await noteDeletedExternally(run, protection, news);
      break;
    case 'health-changed':
      if (protection !== undefined) noteExistsAgain(protection, news.health);
      if (news.lastSeen !== undefined) state.lastLag = news.lastSeen;
      await run.notify(
        news.health.healthy ? 'info' : 'warning',
        news.health.healthy ? 'link.healthy' : 'link.unhealthy',
        news.health.summary,
        news.health.healthy ? 'nothing' : 'check the connection between the endpoints and their certificates',
      );
      break;
    case 'log-alarm':
      state.logAlarmRaised = true;
      await run.notify(
        'critical',
        'log-backup.alarm',
        news.reason,
        'give the log more room, or mend what holds it',
      );
      break;
    case 'group-failed-over':
      await noteLeader(run, news.leader);
      break;
    case 'fences-lifted':
      await noteLiftedFences(run, news.fences);
      break;
    case 'foreign-log-backup':
      state.foreignLogBackups = [...(state.foreignLogBackups ?? []), ...news.jobs];
      await run.notify(
        'warning',
        'log-backup.foreign',
        news.reason,
        'keep the backup files of both for as long as you may have to restore, or stop one of the two',
      );
      break;
    case 'checkpoint':
      break;
  }
  // What the cutover waits for does not depend on this news: waking it would cost two events for each backup.
  if (historyIsLong(run)) run.revision += 1;
}

/** The first leader that is seen is no news; another one is, since the link must have found its way to it. */
async function noteLeader(run: Run, leader: string): Promise<void> {
  const former = run.state.groupLeader;
  run.state.groupLeader = leader;
  const { availabilityGroup } = run.spec.names;
  if (former === undefined) {
    run.logEvent('info', 'group.leader', `${leader} leads the availability group ${availabilityGroup}`);
    return;
  }
  await run.notify(
    'warning',
    'group.failed-over',
    `${leader} leads the availability group ${availabilityGroup} now, in place of ${former}; the run goes on there`,
    `nothing, if somebody failed it over on purpose; else find out why ${former} lost the role`,
  );
}

function unliftedFences({ state }: Run): Pick<ReplicationWatchInput, 'unliftedFences'> {
  if (state.unliftedFences === undefined) return {};
  const fences = state.unliftedFences.map(({ server, logins, statement }) => ({ server, logins, statement }));
  return { unliftedFences: fences };
}

/** By the clock of the SQL Server, like the backup history itself. */
function foreignBackups({ state }: Run): Pick<ReplicationWatchInput, 'foreignBackups'> {
  if (state.seedingCompletedAt === null) return {};
  return { foreignBackups: { since: state.seedingCompletedAt, told: state.foreignLogBackups ?? [] } };
}
