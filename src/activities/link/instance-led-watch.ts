/** A link that stays, watched while the instance leads it. */

import type { LinkReplicaFacts } from '../../model/sql-server/observation';
import type { ActivityReporter } from '../run/activity-boundary';
import type { LinkHealth } from '../run/api';
import { whatPasses } from '../run/describe-failure';
import { sharedAgeMs, untilNextLook } from '../run/snapshots';
import type { InstancePrimaryInput, InstancePrimaryNews } from './api';
import { linkGone, rolesByOthers, rolesSeen } from './external-changes';
import { healthOf } from './health';
import { keepLastHealth, orAborted } from './last-health';
import { linkFacts, type Observing } from './link-facts';
import { sideFacts } from './side-facts';
import { otherFacts, splitBrain } from './split-brain';

const LOOKS_UNTIL_NEWS = 3;
/** An instance that does not answer for this long is news; a short break is not. */
const UNREADABLE_MS = 2 * 60_000;

/** Watches until there is news. Both sides are asked for their roles: two primaries are a split brain. */
export function watchInstancePrimary(
  observing: Observing,
  reporter: ActivityReporter,
  input: InstancePrimaryInput,
): Promise<InstancePrimaryNews> {
  return keepLastHealth(reporter.signal, (keep) => watch(observing, reporter, input, keep));
}

async function watch(
  observing: Observing,
  reporter: ActivityReporter,
  input: InstancePrimaryInput,
  keep: (health: LinkHealth) => void,
): Promise<InstancePrimaryNews> {
  const { spec, clock } = observing;
  const { polling } = spec.settings;
  const startedAt = clock.now();
  let looksOfOtherHealth = 0;
  let unreadableSince: number | undefined;
  let lastSeen: LinkHealth | undefined;
  const { signal } = reporter;
  for (;;) {
    let facts: LinkReplicaFacts | undefined;
    try {
      facts = await orAborted(linkFacts(observing, sharedAgeMs(polling.steady), 'instance'), reporter.signal);
      unreadableSince = undefined;
    } catch (error) {
      const { message } = whatPasses(error, reporter.signal);
      // Known already: Temporal tries again, and shows the last failure.
      if (!input.knownHealthy) throw error;
      unreadableSince ??= clock.now();
      if (clock.now() - unreadableSince >= UNREADABLE_MS) {
        const health = notSeen(`the instance cannot be looked at: ${message}`, clock.now());
        return { kind: 'health-changed', health, ...(lastSeen === undefined ? {} : { lastSeen }) };
      }
      await clock.sleep(polling.active, reporter.signal);
      continue;
    }
    const health = facts === undefined ? notSeen('the instance shows no link', clock.now()) : healthOf(facts);
    if (health.lagSeconds !== null) lastSeen = health;
    keep(health);
    const byOthers = await orAborted(newsOfOthers(observing, signal, input, facts, health), signal);
    if (byOthers !== undefined) return byOthers;
    const fullBackup = await fullBackupSince(observing, reporter.signal, input);
    if (fullBackup !== null) return { kind: 'full-backup', at: fullBackup, health };
    const other = await orAborted(otherFacts(observing, 'server'), signal);
    if (!input.splitBrainKnown) {
      const split = await orAborted(splitBrain(observing, 'instance', facts, other), signal);
      if (split !== undefined) return { ...split, health };
    }
    looksOfOtherHealth = health.healthy === input.knownHealthy ? 0 : looksOfOtherHealth + 1;
    if (looksOfOtherHealth >= LOOKS_UNTIL_NEWS) return { kind: 'health-changed', health };
    if (clock.now() - startedAt >= input.checkpointAfterMs) return { kind: 'checkpoint', health };
    reporter.report({
      version: 1,
      activity: 'instance-leads',
      waitingFor: 'a request; the instance is the primary and backs up its log itself',
      observedAt: health.observedAt,
      ...(health.lagSeconds === null ? {} : { lagSeconds: health.lagSeconds }),
      roles: rolesSeen('instance', facts, other),
      details: { link: health.summary },
    });
    await clock.sleep(untilNextLook(clock.now(), polling.steady), reporter.signal);
  }
}

/** Roles that others swapped, or a link that others removed. */
async function newsOfOthers(
  observing: Observing,
  signal: AbortSignal,
  { externalChanges, splitBrainKnown }: InstancePrimaryInput,
  facts: LinkReplicaFacts | undefined,
  health: LinkHealth,
): Promise<InstancePrimaryNews | undefined> {
  if (externalChanges === undefined) return undefined;
  if (facts?.localRoleDesc === 'SECONDARY' || splitBrainKnown) {
    const roles = await rolesByOthers(observing, 'instance', splitBrainKnown, signal);
    if (roles !== undefined) return { ...roles, health };
  }
  if (health.healthy || externalChanges.deletionKnown) return undefined;
  const gone = await linkGone(observing, 'instance', signal);
  return gone === undefined ? undefined : { ...gone, health };
}

/** @returns when Azure finished the full backup that is waited for, ISO 8601; null as long as there is none */
async function fullBackupSince(
  observing: Observing,
  signal: AbortSignal,
  { fullBackupSince: since }: InstancePrimaryInput,
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
