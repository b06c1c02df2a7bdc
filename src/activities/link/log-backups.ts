/** The log backups of a link that the SQL Server leads: when one is due, by whom the last was, and taking it. */
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import {
  type ForeignLogBackups,
  foreignLogBackups,
  foreignWhileReplicating,
} from '../../rules/sql-server/foreign-backups';
import {
  heldByServer,
  type LogBackupVerdict,
  type LogUseSample,
  logBackupVerdict,
} from '../../rules/sql-server/log-backup';
import { readBackups } from '../../tsql/queries/backups';
import type { ActivityReporter } from '../run/activity-boundary';
import { applyEffect } from '../run/apply-effect';
import { toJournalEffect } from '../run/run-step';
import type { LogBackupTaken } from '../sql-server/api';
import { newestLogBackup } from '../sql-server/first-log-backup';
import { heldForSeeding, logBackupEffect, logBackupName } from '../sql-server/steps/log-backup';
import type { LinkKnown, LinkNews } from './api';
import type { Observing } from './link-facts';

const SAMPLES_KEPT = 20;
/**
 * A backup that runs when the watch of a link that stays is asked to end has this long to come to its end: a forced
 * failover may be the reason, and the server one that hangs. A backup that is cut off costs one backup, the next is whole.
 */
const BACKUP_GRACE_MS = 10_000;

/** News of the log, without the health of the link. */
type LogNews = OmitHealth<
  Extract<LinkNews, { readonly kind: 'log-backup-taken' | 'log-alarm' | 'foreign-log-backup' }>
>;
type OmitHealth<News> = News extends unknown ? Omit<News, 'health'> : never;

export interface LogLook {
  readonly verdict: LogBackupVerdict;
  readonly news?: LogNews;
}

/**
 * What was backed up is read from the backup history of the server, so an activity that begins again does not take one
 * twice, and a backup by somebody else counts.
 */
export class LogBackups {
  private samples: readonly LogUseSample[] = [];
  private history: BackupHistory | undefined;

  /** @param stays the link is one that stays */
  constructor(
    private readonly observing: Observing,
    private readonly reporter: ActivityReporter,
    private readonly known: LinkKnown,
    private readonly stays: boolean,
  ) {}

  /** Before the first look. */
  async readOnce(): Promise<void> {
    this.history ??= knownHistory(this.known) ?? (await this.read());
  }

  /** Takes the backup that is due. @param others the other links of the same database */
  async look(facts: DistributedReplicaFacts, others: readonly DistributedReplicaFacts[]): Promise<LogLook> {
    const { spec } = this.observing;
    const sample = { at: Date.parse(facts.serverTime), usedBytes: facts.logUsedBytes };
    this.samples = [...this.samples, sample].slice(-SAMPLES_KEPT);
    let history = this.history ?? (await this.read());
    let verdict = judge(this.observing, facts, others, history.lastAt, this.samples);
    if (verdict.decision === 'take') {
      // Somebody else may have taken one since: the history of the server decides.
      history = await this.read();
      verdict = judge(this.observing, facts, others, history.lastAt, this.samples);
    }
    this.history = history;
    // Before the backup that is due: the next watch remembers that one, and looks no earlier than before another.
    if (history.foreign.length > 0) {
      const jobs = history.foreign.map(({ job }) => job);
      const reason = foreignWhileReplicating(spec.settings.database, history.foreign);
      return { verdict, news: { kind: 'foreign-log-backup', reason, jobs } };
    }
    if (verdict.decision === 'take') {
      const graceMs = this.stays ? BACKUP_GRACE_MS : undefined;
      const taken = await backUp(this.observing, this.reporter, facts, verdict, graceMs);
      if ('backup' in taken) return { verdict, news: { kind: 'log-backup-taken', backup: taken.backup } };
      verdict = heldByServer(verdict, taken.heldBecause);
    }
    if (verdict.alarm === undefined || this.known.logAlarmRaised) return { verdict };
    return { verdict, news: { kind: 'log-alarm', reason: verdict.alarm.reason } };
  }

  private read(): Promise<BackupHistory> {
    return readHistory(this.observing, this.known, this.reporter.signal);
  }
}

/**
 * Cadence is a matter of the SQL Server's own clock: its backup history is stamped with it. How old the facts are is a
 * matter of the worker's: that much later it is there, too.
 */
function judge(
  { spec, clock }: Observing,
  facts: DistributedReplicaFacts,
  others: readonly DistributedReplicaFacts[],
  lastBackupAt: number | null,
  samples: readonly LogUseSample[],
): LogBackupVerdict {
  // One that cannot be is judged as such (promise 3).
  const age = clock.now() - Date.parse(facts.observedAt);
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
const knownHistory = ({ lastBackupAt }: LinkKnown): BackupHistory | undefined =>
  lastBackupAt === undefined ? undefined : { lastAt: Date.parse(lastBackupAt), foreign: [] };

/** Read before each backup only: jobs of others are found as often as this run takes its own. */
async function readHistory(
  { ports, spec }: Observing,
  { foreignBackups }: LinkKnown,
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
  facts: DistributedReplicaFacts,
  verdict: LogBackupVerdict,
  graceMs: number | undefined,
): Promise<{ readonly backup: LogBackupTaken } | { readonly heldBecause: string }> {
  const startedAt = clock.now();
  const effect = logBackupEffect('server', spec, facts.serverTime);
  const { signal, end } = lateSignal(reporter.signal, clock, graceMs);
  try {
    await applyEffect(effect, { ports, clock, signal, reporter, pollMs: spec.settings.polling.active });
  } catch (error) {
    const heldBecause = heldForSeeding(error);
    if (heldBecause === undefined) throw error;
    return { heldBecause };
  } finally {
    end();
  }
  const now = clock.now();
  const backup = {
    at: new Date(now).toISOString(),
    // As far from the facts by the worker's clock as by the server's.
    serverAt: new Date(Date.parse(facts.serverTime) + now - Date.parse(facts.observedAt)).toISOString(),
    ruleId: verdict.ruleId,
    reason: verdict.reason,
    effects: [toJournalEffect(effect)],
    durationMs: clock.now() - startedAt,
  };
  return { backup };
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
