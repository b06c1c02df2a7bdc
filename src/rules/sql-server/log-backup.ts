import { type DurationMs, formatDuration } from '../../model/duration';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { staleness } from '../freshness';
import { type LogGrowth, type LogUseSample, logGrowth } from './log-growth';
import { logReuseWaitWords } from './log-reuse-wait';
import { type SeedingPhase, seedingPhase } from './seeding';

export type { LogUseSample } from './log-growth';

export interface LogBackupPolicy {
  /** Milliseconds. */
  readonly every: DurationMs;
  readonly atUsedPercent: number;
  readonly alarmAtUsedPercent: number;
  /**
   * Milliseconds: a backup is taken early when the log would be full sooner, and a person is told when no backup would
   * help. Absent in specs of older versions: growth alone asks for nothing.
   */
  readonly beforeFullIn?: DurationMs;
}

export interface LogBackupInput {
  readonly facts: DistributedReplicaFacts;
  readonly policy: LogBackupPolicy;
  /** Milliseconds since 1970-01-01 UTC, by the clock that stamped the facts. */
  readonly now: number;
  readonly factsMaxAgeMs: number;
  /** Finish of the last log backup after seeding, milliseconds since 1970-01-01 UTC; null when there was none. */
  readonly lastBackupAt: number | null;
  /** The run saw seeding end; a group that is merely down does not count as seeding again. */
  readonly seedingCompleted: boolean;
  /** Earlier looks at the log, for its growth. */
  readonly samples?: readonly LogUseSample[];
  /** Other distributed groups of the same database: a copy that one of them makes needs the log, too. */
  readonly others?: readonly DistributedReplicaFacts[];
}

export type LogBackupRule =
  | 'log-backup.stale-facts'
  | 'log-backup.not-primary'
  | 'log-backup.before-seeding'
  | 'log-backup.while-streaming'
  | 'log-backup.dangerous-window'
  | 'log-backup.seeding-failed'
  | 'log-backup.other-group'
  | 'log-backup.first'
  | 'log-backup.pressure'
  | 'log-backup.growth'
  | 'log-backup.cadence'
  | 'log-backup.not-due';

export interface LogBackupVerdict {
  readonly decision: 'take' | 'hold' | 'not-due';
  readonly ruleId: LogBackupRule;
  /** One sentence. */
  readonly reason: string;
  /** When the next one is due by cadence, ISO 8601 UTC; null while that is not known. */
  readonly nextDueAt: string | null;
  readonly usedPercent: number;
  /** Milliseconds until the log is full if it grows on as it did; null when it does not grow or that is not known. */
  readonly fullInMs: DurationMs | null;
  /** Bytes per second; 0 when it does not grow, null when that is not known. */
  readonly growthBytesPerSecond: number | null;
  /** A person must know: the log is near its end, whatever was decided. */
  readonly alarm?: { readonly ruleId: 'log-backup.alarm'; readonly reason: string };
}

type Decision = Pick<LogBackupVerdict, 'decision' | 'ruleId' | 'reason' | 'nextDueAt'>;

/** Is a log backup due, and is it safe? It never forces one: a full log wakes a person, a broken seeding is lost. */
export function logBackupVerdict(input: LogBackupInput): LogBackupVerdict {
  const used = usedPercent(input.facts);
  const growth = logGrowth(input.samples ?? [], input.facts);
  const { fullInMs, bytesPerSecond } = growth;
  const decision = decide(input, used, growth);
  const alarm = alarmOf(input, used, fullInMs, decision);
  const verdict = { ...decision, usedPercent: used, fullInMs, growthBytesPerSecond: bytesPerSecond };
  return alarm === undefined ? verdict : { ...verdict, alarm: { ruleId: 'log-backup.alarm', reason: alarm } };
}

/**
 * The server refused the backup that was decided: it saw a copy of the database being made that the facts did not show
 * yet. It has the last word, and a log near its end still wakes a person.
 * @param reason what the server said, one sentence
 */
export function heldByServer(verdict: LogBackupVerdict, reason: string): LogBackupVerdict {
  const { alarm } = verdict;
  return {
    ...verdict,
    ...hold('log-backup.other-group', reason),
    ...(alarm === undefined
      ? {}
      : { alarm: { ...alarm, reason: `${alarm.reason} No backup is taken: ${reason}` } }),
  };
}

export function usedPercent({
  logUsedBytes,
  logSizeBytes,
}: Pick<DistributedReplicaFacts, 'logUsedBytes' | 'logSizeBytes'>): number {
  return logSizeBytes > 0 ? (logUsedBytes / logSizeBytes) * 100 : 0;
}

function decide(input: LogBackupInput, used: number, growth: LogGrowth): Decision {
  const { facts, now, factsMaxAgeMs } = input;
  const stale = staleness(facts.observedAt, now, factsMaxAgeMs);
  if (stale !== undefined) return hold('log-backup.stale-facts', `No log backup is decided: ${stale}.`);
  if (facts.localRoleDesc !== 'PRIMARY') {
    return notDue(
      'log-backup.not-primary',
      `The SQL Server is ${facts.localRoleDesc}; the primary takes log backups.`,
    );
  }
  const phase = phaseOf(input);
  switch (phase) {
    case 'completed':
      return otherSeeding(input, used) ?? afterSeeding(input, used, growth);
    case 'not-started':
      return onPressure(
        input,
        used,
        'log-backup.before-seeding',
        'Seeding has not begun to read the database',
      );
    case 'streaming':
      return onPressure(
        input,
        used,
        'log-backup.while-streaming',
        'The database is still being read for seeding',
      );
    case 'catching-up':
      return hold(
        'log-backup.dangerous-window',
        'Between the end of streaming and a healthy, synchronizing copy a log backup could remove log that the copy needs (errors 1408, 1412).',
      );
    case 'failed':
      return onPressure(input, used, 'log-backup.seeding-failed', 'Seeding failed and must begin again');
  }
}

/** Another group of this database makes a copy: the log that it needs is kept. One that is down needs none. */
function otherSeeding(input: LogBackupInput, used: number): Decision | undefined {
  for (const other of input.others ?? []) {
    if (other.connectedStateDesc !== 'CONNECTED') continue;
    const phase = seedingPhase(other);
    if (phase === 'catching-up') {
      const reason = `The copy of distributed availability group ${other.groupName} is catching up: a log backup could remove log that it needs (errors 1408, 1412).`;
      return hold('log-backup.other-group', reason);
    }
    if (phase === 'streaming') {
      const why = `The database is being read for the copy of distributed availability group ${other.groupName}`;
      return onPressure(input, used, 'log-backup.other-group', why);
    }
  }
  return undefined;
}

/** Once the run saw the end of seeding, only a new running operation is a seeding again. */
function phaseOf({ facts, seedingCompleted }: LogBackupInput): SeedingPhase {
  const phase = seedingPhase(facts);
  if (!seedingCompleted) return phase;
  const state = facts.seeding?.currentState;
  const isOver = state === undefined || state === 'COMPLETED' || state === 'FAILED';
  return isOver && facts.seeding?.isStreaming !== true ? 'completed' : phase;
}

/** Before and in the first part of seeding a backup is safe (gate of the troubleshooting page), yet not wanted. */
function onPressure(input: LogBackupInput, used: number, ruleId: LogBackupRule, why: string): Decision {
  const { policy, facts } = input;
  if (used < policy.atUsedPercent || facts.logReuseWaitDesc !== 'LOG_BACKUP' || tooSoon(input)) {
    return notDue(ruleId, `${why}; the log is ${percent(used)} used and needs no backup.`);
  }
  return {
    decision: 'take',
    ruleId,
    reason: `${why}, and the log is ${percent(used)} used.`,
    nextDueAt: null,
  };
}

function afterSeeding(input: LogBackupInput, used: number, { fullInMs }: LogGrowth): Decision {
  const { policy, lastBackupAt, now, facts } = input;
  if (lastBackupAt === null) {
    const reason = 'Seeding is over and no log backup was taken since.';
    return { decision: 'take', ruleId: 'log-backup.first', reason, nextDueAt: iso(now) };
  }
  const nextDueAt = iso(lastBackupAt + policy.every);
  if (now - lastBackupAt >= policy.every) {
    const reason = `The last log backup is ${formatDuration(now - lastBackupAt)} old; one is due every ${formatDuration(policy.every)}.`;
    return { decision: 'take', ruleId: 'log-backup.cadence', reason, nextDueAt };
  }
  // Where something else holds the log, more backups do not free it.
  if (used >= policy.atUsedPercent && facts.logReuseWaitDesc === 'LOG_BACKUP' && !tooSoon(input)) {
    const reason = `The log is ${percent(used)} used; a backup is due at ${percent(policy.atUsedPercent)}.`;
    return { decision: 'take', ruleId: 'log-backup.pressure', reason, nextDueAt };
  }
  if (fillsSoon(policy, fullInMs) && facts.logReuseWaitDesc === 'LOG_BACKUP' && !tooSoon(input)) {
    const reason = `The log is ${percent(used)} used and full in about ${formatDuration(fullInMs)}; a backup is due below ${formatDuration(policy.beforeFullIn ?? 0)}.`;
    return { decision: 'take', ruleId: 'log-backup.growth', reason, nextDueAt };
  }
  const reason = `The next log backup is due at ${nextDueAt}; the log is ${percent(used)} used.`;
  return { decision: 'not-due', ruleId: 'log-backup.not-due', reason, nextDueAt };
}

/** A backup frees whole virtual log files only: under pressure there is still a pause between two. */
function tooSoon({ lastBackupAt, now, policy }: LogBackupInput): boolean {
  return lastBackupAt !== null && now - lastBackupAt < Math.min(policy.every / 10, 60_000);
}

function fillsSoon({ beforeFullIn }: LogBackupPolicy, fullInMs: DurationMs | null): fullInMs is DurationMs {
  return fullInMs !== null && beforeFullIn !== undefined && fullInMs < beforeFullIn;
}

function alarmOf(
  { facts, policy }: LogBackupInput,
  used: number,
  fullInMs: DurationMs | null,
  decision: Decision,
): string | undefined {
  // Where no backup helps, a log that fills up soon is news before it is nearly full.
  const isHeld = facts.logReuseWaitDesc !== 'LOG_BACKUP' && used >= policy.atUsedPercent;
  if (used < policy.alarmAtUsedPercent && !(isHeld && fillsSoon(policy, fullInMs))) return undefined;
  const until =
    fullInMs === null ? '' : ` It is full in about ${formatDuration(fullInMs)} unless it can grow.`;
  const held = decision.decision === 'hold' ? ` No backup is taken: ${decision.reason}` : '';
  return `The log is ${percent(used)} used: ${logReuseWaitWords(facts.logReuseWaitDesc)}.${until}${held}`;
}

const percent = (value: number): string => `${Math.round(value)} %`;
const iso = (ms: number): string => new Date(ms).toISOString();
const hold = (ruleId: LogBackupRule, reason: string): Decision => ({
  decision: 'hold',
  ruleId,
  reason,
  nextDueAt: null,
});
const notDue = (ruleId: LogBackupRule, reason: string): Decision => ({
  decision: 'not-due',
  ruleId,
  reason,
  nextDueAt: null,
});
