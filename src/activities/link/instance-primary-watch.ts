/** A link that stays: watched while the instance leads it, its loss measured, its health awaited. */

import type { LinkSite } from '../../model/link/procedure';
import { bySite, otherSite } from '../../model/link/side';
import { compareLsn, type Lsn } from '../../model/sql-server/lsn';
import type { LinkReplicaFacts } from '../../model/sql-server/observation';
import { sameName } from '../../rules/names';
import { readServer } from '../../tsql/queries/server';
import type { ActivityReporter } from '../run/activity-boundary';
import type { LinkHealth } from '../run/api';
import { sharedAgeMs, untilNextLook } from '../run/snapshots';
import { readInstanceDatabaseFacts } from '../sql-server/observe/database';
import { askLostSide } from '../sql-server/observe/reading';
import type { InstancePrimaryInput, InstancePrimaryNews, LossReport } from './api';
import { linkGone, rolesByOthers, rolesSeen } from './external-changes';
import { healthOf } from './health';
import { keepLastHealth, orAborted } from './last-health';
import { linkFacts, type Observing } from './link-facts';
import { readLinkReplicaFacts } from './observe-link';
import { whatPasses } from './replication-watch';
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

/**
 * What a forced failover would lose. Measured where both ends answer; else the last lag that was seen, with its age:
 * all that was committed since then may be lost as well.
 */
export async function measureLoss(
  observing: Observing,
  signal: AbortSignal,
  to: LinkSite,
  lastHealth: LinkHealth | null,
): Promise<LossReport> {
  const { clock } = observing;
  const from = otherSite(to);
  const now = clock.now();
  const [old, hardened, newPrimaryTime] = await Promise.all([
    lostSideFacts(observing, from, signal),
    hardenedLsn(observing, to, signal),
    serverTime(observing, to, signal),
  ]);
  const common = {
    observedAt: new Date(now).toISOString(),
    oldPrimaryEndOfLogLsn: old?.endOfLogLsn ?? null,
    newPrimaryHardenedLsn: hardened,
    newPrimaryTime,
  };
  if (old?.endOfLogLsn != null && hardened !== null) {
    const behind = compareLsn(old.endOfLogLsn, hardened) > 0;
    const seconds = behind ? upperBound(old.secondaryLagSeconds ?? 0) : 0;
    const summary = behind
      ? `the old primary stands at LSN ${old.endOfLogLsn}, the new one at ${hardened}: ${seconds} s of transactions`
      : `both ends stand at LSN ${hardened}: nothing would be lost`;
    return { ...common, method: 'measured', seconds, summary };
  }
  if (lastHealth?.lagSeconds == null) {
    return {
      ...common,
      method: 'unknown',
      seconds: null,
      summary: 'no lag was ever seen: the loss is not known',
    };
  }
  const age = Math.max(0, (now - Date.parse(lastHealth.observedAt)) / 1_000);
  const seconds = upperBound(lastHealth.lagSeconds + age);
  return {
    ...common,
    method: 'estimate',
    seconds,
    summary: `estimate: a lag of ${lastHealth.lagSeconds} s was seen ${Math.round(age)} s ago, so at most ${seconds} s of transactions`,
  };
}

/** secondary_lag_seconds comes in whole seconds, so up to one more may be meant. */
const upperBound = (seconds: number): number => Math.ceil(seconds) + 1;

export async function awaitHealthy(
  observing: Observing,
  reporter: ActivityReporter,
  primary: LinkSite,
): Promise<{ readonly evidence: string }> {
  const { spec, clock } = observing;
  for (;;) {
    const facts = await linkFacts(observing, 0, primary);
    if (facts?.localRoleDesc === 'PRIMARY') {
      const health = healthOf(facts);
      if (health.healthy) return { evidence: health.summary };
    }
    reporter.report({
      version: 1,
      activity: 'resynchronising',
      waitingFor: `the link to be healthy again (${facts === undefined ? 'not seen' : healthOf(facts).summary})`,
      observedAt: new Date(clock.now()).toISOString(),
    });
    await clock.sleep(spec.settings.polling.active, reporter.signal);
  }
}

/** Undefined when it does not answer soon, or has no such link. */
async function lostSideFacts(
  { ports, spec, clock }: Observing,
  from: LinkSite,
  signal: AbortSignal,
): Promise<LinkReplicaFacts | undefined> {
  const port = bySite(from, ports);
  const all = await askLostSide((options) => readLinkReplicaFacts(port, clock, options), clock, signal);
  return all?.find(({ linkName }) => sameName(linkName, spec.names.link));
}

const notSeen = (summary: string, now: number): LinkHealth => ({
  observedAt: new Date(now).toISOString(),
  healthy: false,
  summary,
  lagSeconds: null,
  logUsedPercent: 0,
});

/** Null when it cannot be read: its clock is evidence, not a condition. */
async function serverTime({ ports }: Observing, side: LinkSite, signal: AbortSignal): Promise<string | null> {
  const port = bySite(side, ports);
  return port.query(readServer(), { signal }).then(
    ([server]) => server?.serverTime ?? null,
    () => null,
  );
}

async function hardenedLsn(observing: Observing, side: LinkSite, signal: AbortSignal): Promise<Lsn | null> {
  return sideFacts(observing, side, signal).then(
    (facts) => facts.lastHardenedLsn,
    () => null,
  );
}

function sideFacts({ ports, spec, clock }: Observing, side: LinkSite, signal: AbortSignal) {
  const port = bySite(side, ports);
  return readInstanceDatabaseFacts(port, clock, spec.settings.database, spec.names.link, signal);
}
