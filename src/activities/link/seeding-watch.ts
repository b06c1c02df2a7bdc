import { firstPrimary, instanceIsFirst } from '../../model/link/initial-primary';
import { bySite } from '../../model/link/side';
import type { Progress } from '../../model/run/progress';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { describeSeedingFailure } from '../../rules/link/seeding-failure';
import { ageMs } from '../../rules/run/age';
import {
  foreignBeforeBreak,
  foreignLogBackups,
  foreignWhileSeeding,
  toldJobs,
} from '../../rules/sql-server/foreign-backups';
import {
  type LogBackupVerdict,
  type LogUseSample,
  logBackupVerdict,
} from '../../rules/sql-server/log-backup';
import {
  type SeedingProgress,
  type SeedingSample,
  seedingPhase,
  seedingProgress,
  seedingRestart,
  seedingSample,
} from '../../rules/sql-server/seeding';
import { readBackups } from '../../tsql/queries/backups';
import type { ActivityReporter } from '../run/activity-boundary';
import { logBackupName } from '../sql-server/steps/log-backup';
import type { BrokenLink, SeedingMark, SeedingNews } from './api';
import { type Observing, requireLinkFacts } from './link-facts';
import { logSpaceOf } from './log-space';
import { isFailedReplicaState } from './steps/link';

/** Samples kept for the rate; older ones say little of the rate now. */
const SAMPLES_KEPT = 40;
/** Azure is asked for the state of the link after this many looks at the SQL Server. */
const LOOKS_PER_AZURE_READ = 10;
const TRUNCATED_TOO_EARLY: readonly number[] = [1408, 1412];

/**
 * Watches the copy until there is something worth recording. Looks more often towards the end, so that nobody waits
 * for a poll. `broken`: the link must be created again (errors 1408, 1412 and others).
 */
export async function watchSeeding(
  observing: Observing,
  reporter: ActivityReporter,
  mark: SeedingMark | null,
): Promise<SeedingNews> {
  const { spec, clock } = observing;
  const { polling } = spec.settings;
  const from = firstPrimary(spec);
  let { samples, backupsSince } = seenEarlier(reporter.resumeState);
  let logUse: readonly LogUseSample[] = [];
  let backupsReadAt: number | undefined;
  for (let look = 0; ; look += 1) {
    const facts = await requireLinkFacts(observing, polling.active / 2, from);
    const now = clock.now();
    // Of an attempt on a worker whose clock goes ahead: no rate and no stillness can be told across two clocks.
    if (ageMs(samples.at(-1)?.at ?? now, now) === null) samples = [];
    if (facts.seeding !== null)
      samples = [...samples, seedingSample(facts.seeding, now)].slice(-SAMPLES_KEPT);
    logUse = [...logUse, { at: Date.parse(facts.serverTime), usedBytes: facts.logUsedBytes }].slice(
      -SAMPLES_KEPT,
    );
    const verdict = logVerdict(facts, observing, logUse);
    backupsSince = mark?.backupsSince ?? backupsSince ?? facts.serverTime;
    reporter.saveResumeState({ samples, backupsSince });
    const progress = seedingProgress(samples, now, spec.settings.seeding.stalledAfter);
    const here = markOf(samples.at(-1), mark, backupsSince);
    // The log of an instance is Azure's to look after.
    const news = newsOf(
      facts,
      samples,
      progress,
      mark,
      here,
      bySite(from, { server: verdict, instance: undefined }),
    );
    // Of an instance Azure alone backs up the log.
    const mayLook =
      from === 'server' && (backupsReadAt === undefined || now - backupsReadAt >= polling.seeding);
    // What was sampled is lost with other news, and would take its time to be seen again.
    if (mayLook && (news === undefined || news.kind === 'completed')) {
      backupsReadAt = now;
      const foreign = await findForeign(observing, here, reporter.signal);
      if (foreign !== undefined) return foreign;
    }
    // After the backups were looked at: one that broke the copy is told as its likely cause.
    if (look % LOOKS_PER_AZURE_READ === 0 || seedingPhase(facts) === 'failed') {
      const broken = await findBroken(observing, facts, backupsSince, reporter.signal);
      if (broken !== undefined) return broken;
    }
    if (news !== undefined) return news;
    reporter.report(progressOf(facts, progress, verdict, now));
    await clock.sleep(nextLook(progress, polling.seeding, polling.active), reporter.signal);
  }
}

function newsOf(
  facts: DistributedReplicaFacts,
  samples: readonly SeedingSample[],
  progress: SeedingProgress | undefined,
  mark: SeedingMark | null,
  here: SeedingMark,
  verdict: LogBackupVerdict | undefined,
): SeedingNews | undefined {
  if (seedingPhase(facts) === 'completed') {
    const bytes = facts.seeding?.transferredBytes ?? facts.seeding?.databaseBytes;
    const amount = bytes == null ? '' : `, ${bytes} bytes sent`;
    const state = `${facts.synchronizationStateDesc}, ${facts.synchronizationHealthDesc}`;
    return {
      kind: 'completed',
      serverTime: facts.serverTime,
      evidence: `the copy is complete (${state}${amount})`,
    };
  }
  const last = samples.at(-1);
  const restart = last === undefined || mark === null ? progress?.restart : restartSince(mark, last);
  if (restart !== undefined) return { kind: 'restarted', reason: restart, mark: { ...here, told: [] } };
  if (progress?.stalled === true && progress.stillForMs !== null && !here.told.includes('stalled')) {
    const minutes = Math.round(progress.stillForMs / 60_000);
    const reason = `no byte was sent for ${minutes} minutes`;
    return { kind: 'stalled', reason, mark: { ...here, told: [...here.told, 'stalled'] } };
  }
  if (verdict?.alarm !== undefined && !here.told.includes('log-alarm')) {
    return {
      kind: 'log-alarm',
      reason: verdict.alarm.reason,
      mark: { ...here, told: [...here.told, 'log-alarm'] },
    };
  }
  return undefined;
}

/** No backup is taken while the copy is made: what is asked for is the room that is left, and whether to tell somebody. */
export function logVerdict(
  facts: DistributedReplicaFacts,
  { spec, clock }: Observing,
  samples: readonly LogUseSample[],
): LogBackupVerdict {
  return logBackupVerdict({
    facts,
    policy: spec.settings.logBackups,
    now: clock.now(),
    factsMaxAgeMs: spec.settings.polling.heartbeatTimeout,
    lastBackupAt: null,
    seedingCompleted: false,
    samples,
  });
}

function restartSince(mark: SeedingMark, last: SeedingSample): string | undefined {
  if (mark.operationId === null) return undefined;
  const before = {
    operationId: mark.operationId,
    attempts: mark.attempts,
    transferredBytes: mark.transferredBytes,
  };
  return seedingRestart(before, last);
}

/** Log backups by others since this copy was first looked at: a danger while it lasts, and told once for each job. */
async function findForeign(
  { ports, spec }: Observing,
  here: SeedingMark,
  signal: AbortSignal,
): Promise<SeedingNews | undefined> {
  const { database } = spec.settings;
  const told = here.foreignJobs ?? [];
  const jobs = foreignLogBackups({
    backups: await ports.server.query(readBackups(database), { signal }),
    ownName: logBackupName(spec),
    since: here.backupsSince ?? '',
    told,
  });
  if (jobs.length === 0) return undefined;
  const foreignJobs = toldJobs(
    told,
    jobs.map(({ job }) => job),
  );
  return {
    kind: 'foreign-log-backup',
    reason: foreignWhileSeeding(database, jobs),
    mark: { ...here, foreignJobs },
  };
}

function markOf(
  last: SeedingSample | undefined,
  mark: SeedingMark | null,
  backupsSince: string,
): SeedingMark {
  return {
    operationId: last?.operationId ?? mark?.operationId ?? null,
    attempts: last?.attempts ?? mark?.attempts ?? 0,
    transferredBytes: last?.transferredBytes ?? 0,
    told: mark?.told ?? [],
    backupsSince,
    foreignJobs: mark?.foreignJobs ?? [],
  };
}

/**
 * The SQL Server alone does not show that Azure gave the link up.
 * @param since when this copy was first looked at, ISO 8601 UTC by the clock of the server
 */
async function findBroken(
  { ports, spec }: Observing,
  facts: DistributedReplicaFacts,
  since: string,
  signal: AbortSignal,
): Promise<BrokenLink | undefined> {
  const link = await ports.azure.readLink(spec.names.distributedGroup, signal);
  const state = link?.database?.replicaState;
  if (!isFailedReplicaState(state)) return undefined;
  const failure = facts.seeding?.failureState;
  const onServer = failure == null ? '' : `; seeding: ${describeSeedingFailure(failure)}`;
  const error = link?.database?.mostRecentLinkError;
  const cause = mayBeTruncation(error, facts) ? await byWhom({ ports, spec }, since, signal) : '';
  return {
    kind: 'broken',
    code: 'LinkBroken',
    message: `Azure reports ${state}${error ? ` (${error})` : ''}${onServer}: this copy cannot be completed${cause}`,
    remedy: instanceIsFirst(spec)
      ? 'find the cause (a database of this name on the SQL Server? room on its disks?) and resume: the link is created again'
      : 'find the cause (a log backup during seeding? see sqlferry explain 1412) and resume: the link is dropped and created again',
  };
}

/** Log that the copy needed was removed, as far as the errors tell: they need not say anything. */
function mayBeTruncation(
  azureError: string | null | undefined,
  { seeding }: DistributedReplicaFacts,
): boolean {
  const numbers = [...(azureError ?? '').matchAll(/\d+/g)].map(([digits]) => Number(digits));
  const known = seeding?.errorCode == null ? numbers : [...numbers, seeding.errorCode];
  return known.length === 0 || known.some((number) => TRUNCATED_TOO_EARLY.includes(number));
}

/** Whose log backups came while the copy was made, for the name of whoever broke it. */
async function byWhom(
  { ports, spec }: Pick<Observing, 'ports' | 'spec'>,
  since: string,
  signal: AbortSignal,
): Promise<string> {
  if (instanceIsFirst(spec)) return '';
  const { database } = spec.settings;
  const backups = await ports.server.query(readBackups(database), { signal });
  const jobs = foreignLogBackups({ backups, ownName: logBackupName(spec), since, told: [] });
  return jobs.length === 0 ? '' : `; ${foreignBeforeBreak(database, jobs)}`;
}

function progressOf(
  facts: DistributedReplicaFacts,
  progress: SeedingProgress | undefined,
  verdict: LogBackupVerdict,
  now: number,
): Progress {
  const state = facts.seeding?.currentState ?? 'not begun';
  return {
    version: 1,
    activity: 'seeding',
    waitingFor: `the copy of the database (${state})`,
    observedAt: new Date(now).toISOString(),
    ...(progress?.percent == null ? {} : { percent: progress.percent }),
    ...(progress?.transferredBytes == null ? {} : { doneBytes: progress.transferredBytes }),
    ...(progress?.databaseBytes == null ? {} : { totalBytes: progress.databaseBytes }),
    ...(progress?.bytesPerSecond == null ? {} : { bytesPerSecond: progress.bytesPerSecond }),
    ...(progress?.remainingMs == null ? {} : { etaMs: progress.remainingMs }),
    ...(facts.logSizeBytes > 0
      ? { logUsedPercent: verdict.usedPercent, log: logSpaceOf(facts, verdict) }
      : {}),
  };
}

/** A third of what remains, between the two intervals: the end is noticed soon, the middle costs little. */
function nextLook(progress: SeedingProgress | undefined, steadyMs: number, activeMs: number): number {
  const remaining = progress?.remainingMs;
  if (remaining == null) return Math.min(steadyMs, activeMs * 2);
  return Math.min(steadyMs, Math.max(activeMs, remaining / 3));
}

interface SeenEarlier {
  readonly samples: readonly SeedingSample[];
  readonly backupsSince?: string;
}

/** What an earlier attempt of this activity had seen, so that the rate does not begin anew. */
function seenEarlier(state: unknown): SeenEarlier {
  // Older workers kept the samples alone.
  if (Array.isArray(state)) return { samples: state as readonly SeedingSample[] };
  if (typeof state === 'object' && state !== null && 'samples' in state) return state as SeenEarlier;
  return { samples: [] };
}
