/** What the watch of any topology may tell, noted in the state of the run. */
import type { CommonNews, HealthChanged, OwnNews } from '../../activities/run/api';
import { unknownWord } from '../../model/by-word';
import type { SiteId } from '../../model/run/site';
import { adoptExternalFailover, noteDeletedExternally, noteExistsAgain } from './external-changes';
import type { Run } from './run';
import { noteSplitBrain } from './split-brain';

const COMMON: Readonly<Record<CommonNews['kind'], true>> = {
  'health-changed': true,
  'split-brain': true,
  'external-failover': true,
  'deleted-externally': true,
  checkpoint: true,
};

export const isCommonNews = (news: CommonNews | OwnNews): news is CommonNews =>
  Object.hasOwn(COMMON, news.kind);

/** Whose news they are. */
export interface Watcher {
  readonly primary: SiteId;
  /** A failover ends this watch: the roles it sees are its own doing. */
  readonly isStopping: () => boolean;
  /** Changes from outside that people were told of: as long as one watch lasts, at most one request is under way. */
  readonly told: Set<string>;
}

export async function noteCommonNews(
  run: Run,
  news: CommonNews,
  { primary, isStopping, told }: Watcher,
): Promise<void> {
  const { protection } = run.state;
  switch (news.kind) {
    case 'health-changed':
      return noteHealthChanged(run, news, primary);
    case 'split-brain':
      return protection === null ? undefined : noteSplitBrain(run, protection, news);
    case 'external-failover':
      return protection === null || isStopping()
        ? undefined
        : adoptExternalFailover(run, protection, news, told);
    case 'deleted-externally':
      return protection === null ? undefined : noteDeletedExternally(run, protection, news);
    case 'checkpoint':
      return undefined;
    default:
      return unknownWord('news of a watch', news);
  }
}

function noteHealthChanged(run: Run, { health, lastSeen }: HealthChanged, primary: SiteId): Promise<void> {
  const { state, spec, topology } = run;
  if (state.protection !== null) noteExistsAgain(state.protection, health);
  if (lastSeen !== undefined) state.lastLag = lastSeen;
  return run.notify(
    health.healthy ? 'info' : 'warning',
    health.healthy ? `${spec.kind}.healthy` : `${spec.kind}.unhealthy`,
    health.summary,
    health.healthy ? 'nothing' : topology.watch.remedy(primary),
  );
}
