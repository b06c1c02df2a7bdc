/**
 * The watch of a link. While SQL Server leads: its log backups, its health, and what others do to it. While the instance
 * leads: its health, and whether the SQL Server claims to be the primary as well.
 */
import type { LinkKnown, LinkNews } from '../../activities/link/api';
import { unknownWord } from '../../model/by-word';
import { bySite, linkSite } from '../../model/link/side';
import type { ResolvedLink } from '../../model/link/spec';
import type { SiteId } from '../../model/run/site';
import { toldJobs } from '../../rules/sql-server/foreign-backups';
import type { TopologyWatch } from '../run/topology';
import { fullBackupAt, type LinkOwn, type LinkRun, type LinkState } from './state';

const HOUR_MS = 3_600_000;
/** A quiet link that SQL Server leads returns this often, so that a new history can begin. */
const SERVER_CHECKPOINT_MS = 7 * 24 * HOUR_MS;
/** The health that is known is at most this old: the loss of a forced failover is estimated from it. */
const INSTANCE_CHECKPOINT_MS = HOUR_MS;

const of = <Choice>(primary: SiteId, choices: Readonly<Record<'server' | 'instance', Choice>>): Choice =>
  bySite(linkSite(primary), choices);

export const LINK_WATCH: TopologyWatch<ResolvedLink, LinkOwn, LinkNews> = {
  checkpointAfterMs: (primary) =>
    of(primary, { server: SERVER_CHECKPOINT_MS, instance: INSTANCE_CHECKPOINT_MS }),
  known: (run: LinkRun, primary) => of(primary, { server: serverKnown, instance: instanceKnown })(run),
  note: (run: LinkRun, news) => note(run, news),
  endsWith: (primary, stands) =>
    of(primary, {
      server: `the watch of the link to end; a log backup that runs just now ${stands ? 'has a few seconds' : 'is not interrupted'}`,
      instance: 'the watch of the link to end',
    }),
  doing: (primary) => of(primary, { server: 'watching the log: ', instance: '' }),
  remedy: (primary) =>
    of(primary, {
      server: 'check the connection between the endpoints and their certificates',
      instance: 'see whether both sides run and reach each other',
    }),
};

function serverKnown({ spec, state, fences }: LinkRun): LinkKnown {
  return {
    logAlarmRaised: state.logAlarmRaised,
    ...foreignBackups(state),
    ...(state.lastBackupAt === undefined ? {} : { lastBackupAt: state.lastBackupAt }),
    ...(spec.replicas === undefined ? {} : { knownLeader: state.groupLeader ?? null }),
    ...(state.unliftedFences === undefined ? {} : { unliftedFences: fences.pending }),
  };
}

/** Azure's first full backup is looked for once the instance leads by a failover. */
function instanceKnown({ state }: LinkRun): LinkKnown {
  const { logAlarmRaised, failedOverAt: since } = state;
  if (since === null || fullBackupAt(state) !== null) return { logAlarmRaised };
  return { logAlarmRaised, fullBackupSince: since };
}

async function note(run: LinkRun, news: LinkNews): Promise<void> {
  switch (news.kind) {
    case 'log-backup-taken':
      return noteBackup(run, news);
    case 'log-alarm':
      run.state.logAlarmRaised = true;
      return run.notify(
        'critical',
        'log-backup.alarm',
        news.reason,
        'give the log more room, or mend what holds it',
      );
    case 'group-failed-over':
      return noteLeader(run, news.leader);
    case 'fences-lifted':
      return run.fences.noteLifted(news.fences);
    case 'foreign-log-backup':
      run.state.foreignLogBackups = toldJobs(run.state.foreignLogBackups ?? [], news.jobs);
      return run.notify(
        'warning',
        'log-backup.foreign',
        news.reason,
        'keep the backup files of both for as long as you may have to restore, or stop one of the two',
      );
    case 'full-backup':
      return noteFullBackup(run, news.at);
    default:
      return unknownWord('news of a link', news);
  }
}

function noteBackup(run: LinkRun, { backup }: Extract<LinkNews, { kind: 'log-backup-taken' }>): void {
  const { state } = run;
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
}

function noteFullBackup(run: LinkRun, at: string): void {
  const { failedOverAt } = run.state;
  if (failedOverAt !== null) run.state.fullBackup = { since: failedOverAt, at };
  run.logEvent('info', 'after.full-backup', `Azure finished its first full backup at ${at}`);
}

/** The first leader that is seen is no news; another one is, since the link must have found its way to it. */
async function noteLeader(run: LinkRun, leader: string): Promise<void> {
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

/** By the clock of the SQL Server, like the backup history itself. */
function foreignBackups(state: LinkState): Pick<LinkKnown, 'foreignBackups'> {
  if (state.seedingCompletedAt === null) return {};
  return { foreignBackups: { since: state.seedingCompletedAt, told: state.foreignLogBackups ?? [] } };
}
