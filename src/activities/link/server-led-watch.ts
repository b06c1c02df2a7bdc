import type { Progress } from '../../model/run/progress';
import type { LinkReplicaFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import {
  type ForeignLogBackups,
  foreignLogBackups,
  foreignWhileReplicating,
} from '../../rules/sql-server/foreign-backups';
import {
  type LogBackupVerdict,
  type LogUseSample,
  logBackupVerdict,
} from '../../rules/sql-server/log-backup';
import { readBackups } from '../../tsql/queries/backups';
import type { ActivityReporter } from '../run/activity-boundary';
import type { LinkHealth } from '../run/api';
import { applyEffect } from '../run/apply-effect';
import { whatPasses } from '../run/describe-failure';
import { NeedsPerson, NotYet } from '../run/failures';
import { toJournalEffect } from '../run/run-step';
import { sharedAgeMs, untilNextLook } from '../run/snapshots';
import type { LogBackupTaken } from '../sql-server/api';
import { newestLogBackup } from '../sql-server/first-log-backup';
import { logBackupEffect, logBackupName } from '../sql-server/steps/log-backup';
import { liftRemainingFences } from '../sql-server/unlifted-fences';
import type { ReplicationNews, ReplicationWatchInput } from './api';
import { linkGone, rolesByOthers, rolesSeen } from './external-changes';
import { healthOf } from './health';
import { keepLastHealth, orAborted } from './last-health';
import { type Observing, otherLinkFacts, requireLinkFacts } from './link-facts';
import { logSpaceOf } from './log-space';
import { otherFacts, splitBrain } from './split-brain';

const SAMPLES_KEPT = 20;
/** A SQL Server that does not answer for this long is news: a restart is over sooner. */
const UNREADABLE_MS = 2 * 60_000;
/**
 * A backup that runs when the watch of a link that stays is asked to end has this long to come to its end: a forced
 * failover may be the reason, and the server one that hangs. A backup that is cut off costs one backup, the next is whole.
 */
const BACKUP_GRACE_MS = 10_000;
/** A link that is down for one look is not news yet. */
const LOOKS_UNTIL_NEWS = 3;

/**
 * Watches a link that replicates and takes its log backups, until there is something worth recording. What was
 * backed up is read from the backup history of the server, so an activity that begins again does not take one twice,
 * and a backup by somebody else counts.
 */
export function watchReplication(
  observing: Observing,
  reporter: ActivityReporter,
  input: ReplicationWatchInput,
): Promise<ReplicationNews> {
  if (input.splitBrainKnown === undefined) return guard(observing, reporter, input, () => undefined);
  return keepLastHealth(reporter.signal, (keep) => guard(observing, reporter, input, keep));
}

async function guard(
  observing: Observing,
  reporter: ActivityReporter,
  input: ReplicationWatchInput,
  keep: (health: LinkHealth) => void,
): Promise<ReplicationNews> {
  const { spec, clock } = observing;
  const { polling } = spec.settings;
  const startedAt = clock.now();
  let samples: readonly LogUseSample[] = [];
  let looksOfOtherHealth = 0;
  let backups: BackupHistory | undefined;
  let unreadableSince: number | undefined;
  let lastSeen: LinkHealth | undefined;
  let secondarySince: number | undefined;
  const { externalChanges } = input;
  const { signal } = reporter;
  for (;;) {
    let facts: LinkReplicaFacts;
    let others: readonly LinkReplicaFacts[];
    const maxAgeMs = Math.min(sharedAgeMs(polling.steady), polling.heartbeatTimeout);
    try {
      facts = await orAborted(requireLinkFacts(observing, maxAgeMs), signal);
      others = await orAborted(otherLinkFacts(observing, maxAgeMs), signal);
      backups ??= knownHistory(input) ?? (await readHistory(observing, input, reporter.signal));
      unreadableSince = undefined;
    } catch (error) {
      const { message } = whatPasses(error, reporter.signal);
      if (externalChanges?.deletionKnown === false && error instanceof NotYet) {
        const gone = await orAborted(linkGone(observing, 'server', signal), signal);
        if (gone !== undefined) return { ...gone, health: unreadable(message, clock.now()) };
      }
      // Known already: Temporal tries again, and shows the last failure.
      if (!input.knownHealthy) throw error;
      unreadableSince ??= clock.now();
      if (clock.now() - unreadableSince >= UNREADABLE_MS)
        return {
          kind: 'health-changed',
          health: unreadable(message, clock.now()),
          ...(lastSeen === undefined ? {} : { lastSeen }),
        };
      await clock.sleep(polling.active, reporter.signal);
      continue;
    }
    const health = healthOf(facts);
    if (externalChanges !== undefined) {
      const mayDiffer = facts.localRoleDesc === 'SECONDARY' || input.splitBrainKnown === true;
      const roles = mayDiffer
        ? await orAborted(rolesByOthers(observing, 'server', input.splitBrainKnown === true, signal), signal)
        : undefined;
      if (roles !== undefined) return { ...roles, health };
      if (facts.localRoleDesc === 'SECONDARY') {
        // Roles that are about to swap agree soon.
        secondarySince ??= clock.now();
        if (clock.now() - secondarySince >= UNREADABLE_MS) throwIfNotPrimary(facts, observing);
        await clock.sleep(polling.active, reporter.signal);
        continue;
      }
      secondarySince = undefined;
      if (!health.healthy && !externalChanges.deletionKnown) {
        const gone = await orAborted(linkGone(observing, 'server', signal), signal);
        if (gone !== undefined) return { ...gone, health };
      }
    }
    throwIfNotPrimary(facts, observing);
    if (health.lagSeconds !== null) lastSeen = health;
    keep(health);
    if (input.unliftedFences !== undefined) {
      const fences = await liftRemainingFences({ ports: observing.ports, signal }, input.unliftedFences);
      if (fences.length > 0) return { kind: 'fences-lifted', fences, health };
    }
    const leader = observing.ports.group?.leader();
    if (input.knownLeader !== undefined && leader !== undefined && leader !== input.knownLeader) {
      return { kind: 'group-failed-over', leader, health };
    }
    const theirs =
      input.splitBrainKnown === undefined
        ? undefined
        : await orAborted(otherFacts(observing, 'instance'), signal);
    if (input.splitBrainKnown === false) {
      const split = await orAborted(splitBrain(observing, 'server', facts, theirs), signal);
      if (split !== undefined) return { ...split, health };
    }
    samples = [...samples, { at: Date.parse(facts.serverTime), usedBytes: facts.logUsedBytes }].slice(
      -SAMPLES_KEPT,
    );
    let verdict = judge(observing, facts, others, backups.lastAt, samples);
    if (verdict.decision === 'take') {
      // Somebody else may have taken one since: the history of the server decides.
      backups = await readHistory(observing, input, reporter.signal);
      verdict = judge(observing, facts, others, backups.lastAt, samples);
    }
    // Before the backup that is due: the next watch remembers that one, and looks no earlier than before another.
    if (backups.foreign.length > 0) {
      const jobs = backups.foreign.map(({ job }) => job);
      const reason = foreignWhileReplicating(spec.settings.database, backups.foreign);
      return { kind: 'foreign-log-backup', reason, jobs, health };
    }
    if (verdict.decision === 'take') {
      const graceMs = input.splitBrainKnown === undefined ? undefined : BACKUP_GRACE_MS;
      const backup = await backUp(observing, reporter, facts, verdict, graceMs);
      return { kind: 'log-backup-taken', backup, health };
    }
    if (verdict.alarm !== undefined && !input.logAlarmRaised) {
      return { kind: 'log-alarm', reason: verdict.alarm.reason, health };
    }
    looksOfOtherHealth = health.healthy === input.knownHealthy ? 0 : looksOfOtherHealth + 1;
    if (looksOfOtherHealth >= LOOKS_UNTIL_NEWS) return { kind: 'health-changed', health };
    if (clock.now() - startedAt >= input.checkpointAfterMs) return { kind: 'checkpoint', health };
    const progress = progressOf(facts, health, verdict);
    reporter.report(
      input.splitBrainKnown === undefined
        ? progress
        : { ...progress, roles: rolesSeen('server', facts, theirs) },
    );
    await clock.sleep(nextLook(verdict, facts, clock.now(), polling.steady), reporter.signal);
  }
}

/** A link that nobody can look at is not healthy: no log backups are taken meanwhile. */
const unreadable = (message: string, now: number): LinkHealth => ({
  observedAt: new Date(now).toISOString(),
  healthy: false,
  summary: `the link cannot be looked at, and no log backup be taken: ${message}`,
  lagSeconds: null,
  logUsedPercent: 0,
});

/**
 * Cadence is a matter of the SQL Server's own clock: its backup history is stamped with it. How old the facts are is a
 * matter of the worker's: that much later it is there, too.
 */
function judge(
  { spec, clock }: Observing,
  facts: LinkReplicaFacts,
  others: readonly LinkReplicaFacts[],
  lastBackupAt: number | null,
  samples: readonly LogUseSample[],
): LogBackupVerdict {
  const age = Math.max(0, clock.now() - Date.parse(facts.observedAt));
  return logBackupVerdict({
    facts: { ...facts, observedAt: facts.serverTime },
    policy: spec.settings.logBackups,
    now: Date.parse(facts.serverTime) + age,
    factsMaxAgeMs: spec.settings.polling.heartbeatTimeout,
    lastBackupAt,
    seedingCompleted: true,
    samples,
    others,
  });
}

interface BackupHistory {
  /** Finish of the newest log backup by anybody, milliseconds since 1970-01-01 UTC; null when there is none. */
  readonly lastAt: number | null;
  /** Jobs of others that nobody was told of. */
  readonly foreign: readonly ForeignLogBackups[];
}

/** What this run remembers of its own last backup says when to look again; before each backup the server is asked. */
const knownHistory = ({ lastBackupAt }: ReplicationWatchInput): BackupHistory | undefined =>
  lastBackupAt === undefined ? undefined : { lastAt: Date.parse(lastBackupAt), foreign: [] };

/** Read before each backup only: jobs of others are found as often as this run takes its own. */
async function readHistory(
  { ports, spec }: Observing,
  { foreignBackups }: ReplicationWatchInput,
  signal: AbortSignal,
): Promise<BackupHistory> {
  const backups = await ports.server.query(readBackups(spec.settings.database), { signal });
  const newest = newestLogBackup(backups);
  return {
    lastAt: newest === null ? null : Date.parse(newest),
    foreign:
      foreignBackups === undefined
        ? []
        : foreignLogBackups({ backups, ownName: logBackupName(spec), ...foreignBackups }),
  };
}

async function backUp(
  { ports, spec, clock }: Observing,
  reporter: ActivityReporter,
  facts: LinkReplicaFacts,
  verdict: LogBackupVerdict,
  graceMs: number | undefined,
): Promise<LogBackupTaken> {
  const startedAt = clock.now();
  const effect = logBackupEffect('server', spec, facts.serverTime);
  const { signal, end } = lateSignal(reporter.signal, clock, graceMs);
  try {
    await applyEffect(effect, { ports, clock, signal, reporter, pollMs: spec.settings.polling.active });
  } finally {
    end();
  }
  const now = clock.now();
  return {
    at: new Date(now).toISOString(),
    // As far from the facts by the worker's clock as by the server's.
    serverAt: new Date(Date.parse(facts.serverTime) + now - Date.parse(facts.observedAt)).toISOString(),
    ruleId: verdict.ruleId,
    reason: verdict.reason,
    effects: [toJournalEffect(effect)],
    durationMs: clock.now() - startedAt,
  };
}

/**
 * Not cancelled with the watch at once: an interrupted backup would only have to be taken again.
 * @param graceMs how long after `asked` the signal comes; undefined: never
 */
function lateSignal(
  asked: AbortSignal,
  clock: Clock,
  graceMs: number | undefined,
): { readonly signal: AbortSignal; readonly end: () => void } {
  const late = new AbortController();
  const ended = new AbortController();
  const begin = (): void => {
    if (graceMs === undefined) return;
    clock.sleep(graceMs, ended.signal).then(
      () => late.abort(asked.reason),
      () => undefined,
    );
  };
  if (asked.aborted) begin();
  else asked.addEventListener('abort', begin, { once: true });
  const end = (): void => {
    asked.removeEventListener('abort', begin);
    ended.abort();
  };
  return { signal: late.signal, end };
}

function throwIfNotPrimary(facts: LinkReplicaFacts, { spec }: Observing): void {
  if (facts.localRoleDesc !== 'SECONDARY') return;
  throw new NeedsPerson(
    'ServerNotPrimary',
    `${spec.settings.server} is SECONDARY of the link, and this run did not fail it over`,
    'find out who failed over; if the cutover happened by other means, abort this run: it leaves link, groups and copy as they are then',
  );
}

function progressOf(facts: LinkReplicaFacts, health: LinkHealth, verdict: LogBackupVerdict): Progress {
  return {
    version: 1,
    activity: 'replicating',
    waitingFor: verdict.reason,
    observedAt: facts.observedAt,
    logUsedPercent: health.logUsedPercent,
    log: logSpaceOf(facts, verdict),
    ...(health.lagSeconds === null ? {} : { lagSeconds: health.lagSeconds }),
    details: {
      link: health.summary,
      'send queue': `${facts.logSendQueueKb ?? '?'} KB`,
      'redo queue': `${facts.redoQueueKb ?? '?'} KB`,
    },
  };
}

/** Up to the next backup, if that is sooner than the next look. */
function nextLook(verdict: LogBackupVerdict, facts: LinkReplicaFacts, now: number, steadyMs: number): number {
  const untilLook = untilNextLook(now, steadyMs);
  if (verdict.nextDueAt === null) return untilLook;
  // The facts are shared, and may be older than this look.
  const serverNow = Date.parse(facts.serverTime) + Math.max(0, now - Date.parse(facts.observedAt));
  return Math.min(untilLook, Math.max(Date.parse(verdict.nextDueAt) - serverNow, 50));
}
