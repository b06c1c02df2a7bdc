/** The watch of a link that the instance leads: its health, and whether the SQL Server claims to be the primary as well. */
import type { ReversedNews } from '../../activities/link/api';
import { followRoles, fullBackupSince, noteLinkBack, noteLinkGone, watchOthers } from './others';
import type { Watched } from './replication-watch';
import type { LinkRun } from './run';
import { noteSplitBrain } from './split-brain';
import { noteHealth, type Protection } from './state';

/** The health that is known is at most this old: the loss of a forced failover is estimated from it. */
const CHECKPOINT_MS = 3_600_000;

export const instanceWatch = (run: LinkRun, protection: Protection): Watched<ReversedNews> => ({
  endsWith: 'the watch of the link to end',
  doing: '',
  look: () =>
    run.watches.watchReversedLink({
      spec: run.spec,
      knownHealthy: run.state.health?.healthy ?? true,
      splitBrainKnown: protection.splitBrain !== null,
      ...watchOthers(protection),
      ...fullBackupSince(run, protection),
      // After a failover nothing is known of this direction: the first look is news.
      checkpointAfterMs: run.state.health === null ? 0 : CHECKPOINT_MS,
    }),
  note: (news, isStopping) => note(run, protection, news, isStopping),
});

async function note(
  run: LinkRun,
  protection: Protection,
  news: ReversedNews,
  isStopping: () => boolean,
): Promise<void> {
  noteHealth(run.state, news.health);
  run.changes += 1;
  switch (news.kind) {
    case 'split-brain':
      return noteSplitBrain(run, protection, news);
    case 'roles-by-others':
      // The roles of a failover that ends this watch are its own doing.
      return isStopping() ? undefined : followRoles(run, protection, news);
    case 'link-gone':
      return noteLinkGone(run, protection, news);
    case 'full-backup':
      protection.fullBackupAt = news.at;
      run.event('info', 'after.full-backup', `Azure finished its first full backup at ${news.at}`);
      return undefined;
    case 'health-changed':
      noteLinkBack(protection, news.health);
      if (news.lastSeen !== undefined) run.state.lastLag = news.lastSeen;
      return run.tell(
        news.health.healthy ? 'info' : 'warning',
        news.health.healthy ? 'link.healthy' : 'link.unhealthy',
        news.health.summary,
        news.health.healthy ? 'nothing' : 'see whether both sides run and reach each other',
      );
    case 'checkpoint':
      return undefined;
  }
}
