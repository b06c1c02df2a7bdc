/** The watch of a link that the instance leads: its health, and whether the SQL Server claims to be the primary as well. */
import type { InstancePrimaryNews } from '../../activities/link/api';
import {
  adoptExternalFailover,
  externalChangesKnown,
  fullBackupSince,
  noteDeletedExternally,
  noteExistsAgain,
} from '../run/external-changes';
import type { Watched } from '../run/replication-watch';
import type { Run } from '../run/run';
import { noteSplitBrain } from '../run/split-brain';
import { noteHealth, type Protection } from '../run/state';

/** The health that is known is at most this old: the loss of a forced failover is estimated from it. */
const CHECKPOINT_MS = 3_600_000;

export const instanceWatch = (run: Run, protection: Protection): Watched<InstancePrimaryNews> => ({
  endsWith: 'the watch of the link to end',
  doing: '',
  look: () =>
    run.watches.watchInstancePrimary({
      spec: run.spec,
      knownHealthy: run.state.health?.healthy ?? true,
      splitBrainKnown: protection.splitBrain !== null,
      ...externalChangesKnown(protection),
      ...fullBackupSince(run, protection),
      // After a failover nothing is known of this direction: the first look is news.
      checkpointAfterMs: run.state.health === null ? 0 : CHECKPOINT_MS,
    }),
  note: (news, isStopping) => note(run, protection, news, isStopping),
});

async function note(
  run: Run,
  protection: Protection,
  news: InstancePrimaryNews,
  isStopping: () => boolean,
): Promise<void> {
  noteHealth(run.state, news.health);
  run.revision += 1;
  switch (news.kind) {
    case 'split-brain':
      return noteSplitBrain(run, protection, news);
    case 'external-failover':
      // The roles of a failover that ends this watch are its own doing.
      return isStopping() ? undefined : adoptExternalFailover(run, protection, news);
    case 'deleted-externally':
      return noteDeletedExternally(run, protection, news);
    case 'full-backup':
      protection.fullBackupAt = news.at;
      run.logEvent('info', 'after.full-backup', `Azure finished its first full backup at ${news.at}`);
      return undefined;
    case 'health-changed':
      noteExistsAgain(protection, news.health);
      if (news.lastSeen !== undefined) run.state.lastLag = news.lastSeen;
      return run.notify(
        news.health.healthy ? 'info' : 'warning',
        news.health.healthy ? 'link.healthy' : 'link.unhealthy',
        news.health.summary,
        news.health.healthy ? 'nothing' : 'see whether both sides run and reach each other',
      );
    case 'checkpoint':
      return undefined;
  }
}
