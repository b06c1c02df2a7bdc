/** A link that stays, watched while the instance leads it. */
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import type { ActivityReporter } from '../run/activity-boundary';
import type { CommonNews } from '../run/api';
import { HealthNews } from '../run/health-news';
import { keepLastHealth, orAborted } from '../run/last-health';
import { sharedAgeMs, untilNextLook } from '../run/snapshots';
import type { LinkHealth, LinkKnown, LinkNews } from './api';
import type { LinkWatchRequest } from './context';
import { linkGone, rolesByOthers, rolesSeen } from './external-changes';
import { healthOf } from './health';
import { linkFacts, type Observing } from './link-facts';
import { sideFacts } from './side-facts';
import { otherFacts, splitBrain } from './split-brain';

type News = CommonNews | LinkNews;

/** Watches until there is news. The instance backs up its log itself. */
export function watchInstanceLed(
  observing: Observing,
  reporter: ActivityReporter,
  input: LinkWatchRequest,
): Promise<News> {
  return keepLastHealth(reporter.signal, (keep) => watch(observing, reporter, input, keep));
}

async function watch(
  observing: Observing,
  reporter: ActivityReporter,
  input: LinkWatchRequest,
  keep: (health: LinkHealth) => void,
): Promise<News> {
  const { spec, clock } = observing;
  const { polling } = spec.settings;
  const { signal } = reporter;
  const healthNews = new HealthNews(clock, input, signal);
  for (;;) {
    let facts: DistributedReplicaFacts | undefined;
    try {
      facts = await orAborted(linkFacts(observing, sharedAgeMs(polling.steady), 'instance'), signal);
      healthNews.answered();
    } catch (error) {
      const unreadable = (message: string): LinkHealth =>
        notSeen(`the instance cannot be looked at: ${message}`, clock.now());
      const news = healthNews.ofFailure(error, unreadable);
      if (news !== undefined) return news;
      await clock.sleep(polling.active, signal);
      continue;
    }
    const health = facts === undefined ? notSeen('the instance shows no link', clock.now()) : healthOf(facts);
    healthNews.saw(health);
    keep(health);
    const byOthers = await orAborted(newsOfOthers(observing, signal, input, facts, health), signal);
    if (byOthers !== undefined) return byOthers;
    const fullBackup = await fullBackupSince(observing, signal, input.known);
    if (fullBackup !== null) return { kind: 'full-backup', at: fullBackup, health };
    const other = await orAborted(otherFacts(observing, 'server'), signal);
    if (input.standing?.splitBrainKnown === false) {
      const split = await orAborted(splitBrain(observing, 'instance', facts, other), signal);
      if (split !== undefined) return { ...split, health };
    }
    const changed = healthNews.ofLook(health);
    if (changed !== undefined) return changed;
    reporter.report({
      version: 1,
      activity: 'instance-leads',
      waitingFor: 'a request; the instance is the primary and backs up its log itself',
      observedAt: health.observedAt,
      ...(health.lagSeconds === null ? {} : { lagSeconds: health.lagSeconds }),
      roles: rolesSeen('instance', facts, other),
      details: { link: health.summary },
    });
    await clock.sleep(untilNextLook(clock.now(), polling.steady), signal);
  }
}

/** Roles that others swapped, or a link that others removed. */
async function newsOfOthers(
  observing: Observing,
  signal: AbortSignal,
  { standing }: LinkWatchRequest,
  facts: DistributedReplicaFacts | undefined,
  health: LinkHealth,
): Promise<News | undefined> {
  if (standing === undefined) return undefined;
  if (facts?.localRoleDesc === 'SECONDARY' || standing.splitBrainKnown) {
    const roles = await rolesByOthers(observing, 'instance', standing.splitBrainKnown, signal);
    if (roles !== undefined) return { ...roles, health };
  }
  if (health.healthy || standing.deletionKnown) return undefined;
  const gone = await linkGone(observing, 'instance', signal);
  return gone === undefined ? undefined : { ...gone, health };
}

/** @returns when Azure finished the full backup that is waited for, ISO 8601; null as long as there is none */
async function fullBackupSince(
  observing: Observing,
  signal: AbortSignal,
  { fullBackupSince: since }: LinkKnown,
): Promise<string | null> {
  if (since === undefined) return null;
  const at = await sideFacts(observing, 'instance', signal).then(
    ({ lastFullBackupAt }) => lastFullBackupAt,
    () => null,
  );
  return at !== null && Date.parse(at) > Date.parse(since) ? at : null;
}

const notSeen = (summary: string, now: number): LinkHealth => ({
  observedAt: new Date(now).toISOString(),
  healthy: false,
  summary,
  lagSeconds: null,
  logUsedPercent: 0,
});
