import { type DurationMs, formatDuration } from '../../model/duration';
import type { DistributedReplicaFacts, SeedingFacts } from '../../model/sql-server/observation';
import { ageMs } from '../run/age';
import { formatBytes } from '../sizes';

/** Where seeding stands. States that are not known here count as running (promise 12). */
export type SeedingPhase =
  /** No operation, or one that waits for its turn: nothing is read yet. */
  | 'not-started'
  /** The database is being read (VDI) and sent. */
  | 'streaming'
  /** Streaming is over, the copy is being recovered and catches up: a log backup now could break it (1408, 1412). */
  | 'catching-up'
  | 'completed'
  | 'failed';

type ReplicaState = Pick<
  DistributedReplicaFacts,
  'synchronizationStateDesc' | 'synchronizationHealthDesc' | 'seeding'
>;

/** States before streaming (troubleshooting page of the link, gate of log backups). */
const WAITING_STATES = ['PENDING', 'CHECK_IF_SEEDING_NEEDED', 'LIMIT_CONCURRENT_BACKUPS'];

/** The copy takes the log: seeding is over when the remote row says so (troubleshooting page). */
export const isReplicating = (facts: Omit<ReplicaState, 'seeding'>): boolean =>
  facts.synchronizationHealthDesc === 'HEALTHY' &&
  (facts.synchronizationStateDesc === 'SYNCHRONIZING' || facts.synchronizationStateDesc === 'SYNCHRONIZED');

export function seedingPhase(facts: ReplicaState): SeedingPhase {
  const { seeding } = facts;
  if (seeding === null) return isReplicating(facts) ? 'completed' : 'not-started';
  if (seeding.isStreaming) return 'streaming';
  // The history of operations is kept: an old failure says nothing while the copy takes the log.
  if (seeding.currentState === 'COMPLETED' || seeding.currentState === 'FAILED') {
    if (isReplicating(facts)) return 'completed';
    return seeding.currentState === 'FAILED' ? 'failed' : 'catching-up';
  }
  return WAITING_STATES.includes(seeding.currentState) ? 'not-started' : 'catching-up';
}

/** One look at a running seeding. */
export interface SeedingSample {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly at: number;
  readonly operationId: string;
  readonly attempts: number;
  readonly transferredBytes: number | null;
  readonly databaseBytes: number | null;
}

export const seedingSample = (seeding: SeedingFacts, at: number): SeedingSample => ({
  at,
  operationId: seeding.operationId,
  attempts: seeding.numberOfAttempts,
  transferredBytes: seeding.transferredBytes,
  databaseBytes: seeding.databaseBytes,
});

/** What is left of the bytes that were sent, where they fell to about nothing. */
const ABOUT_NOTHING = 0.1;

/**
 * A seeding that begins again is another operation, or another attempt of it. Of one that keeps both only bytes that fell
 * to about nothing say so: counters of a stream that goes on may be set right by a little.
 * @returns why the later look shows a seeding that began again from zero; undefined when it goes on
 */
export function seedingRestart(
  before: Omit<SeedingSample, 'at' | 'databaseBytes'>,
  after: Omit<SeedingSample, 'at' | 'databaseBytes'>,
): string | undefined {
  if (before.operationId !== after.operationId) {
    return `operation ${after.operationId} took the place of ${before.operationId}`;
  }
  if (after.attempts > before.attempts) return `attempt ${after.attempts} after attempt ${before.attempts}`;
  const from = before.transferredBytes ?? 0;
  const to = after.transferredBytes;
  if (to === null || to >= from || to > from * ABOUT_NOTHING) return undefined;
  return `transferred bytes fell from ${formatBytes(from)} to ${formatBytes(to)}`;
}

export interface SeedingProgress {
  readonly transferredBytes: number | null;
  readonly databaseBytes: number | null;
  /** 0 to 100; an under-estimate while the stream is compressed. */
  readonly percent: number | null;
  /** Over the samples since the last restart. */
  readonly bytesPerSecond: number | null;
  readonly remainingMs: DurationMs | null;
  /** Why seeding began again, if it did within the samples. */
  readonly restart: string | undefined;
  /** How long no byte has moved, milliseconds; null when the looks are of different clocks. */
  readonly stillForMs: DurationMs | null;
  readonly stalled: boolean;
}

/**
 * @param samples in the order in which they were taken; the window over which the rate is measured
 * @param stalledAfter how long no byte may move, milliseconds
 */
export function seedingProgress(
  samples: readonly SeedingSample[],
  now: number,
  stalledAfter: DurationMs,
): SeedingProgress | undefined {
  const last = samples.at(-1);
  if (last === undefined) return undefined;
  const { index, reason } = lastRestart(samples);
  const current = samples.slice(index);
  const bytesPerSecond = rateOf(current);
  const stillForMs = ageMs(lastMove(current), now);
  return {
    transferredBytes: last.transferredBytes,
    databaseBytes: last.databaseBytes,
    percent: percentOf(last),
    bytesPerSecond,
    remainingMs: remaining(last, bytesPerSecond),
    restart: reason,
    stillForMs,
    stalled: stillForMs !== null && stillForMs >= stalledAfter,
  };
}

function lastRestart(samples: readonly SeedingSample[]): { index: number; reason: string | undefined } {
  for (let index = samples.length - 1; index > 0; index--) {
    const before = samples[index - 1];
    const after = samples[index];
    const reason = before === undefined || after === undefined ? undefined : seedingRestart(before, after);
    if (reason !== undefined) return { index, reason };
  }
  return { index: 0, reason: undefined };
}

function rateOf(samples: readonly SeedingSample[]): number | null {
  const known = samples.filter(({ transferredBytes }) => transferredBytes !== null);
  const first = known[0];
  const last = known.at(-1);
  if (first === undefined || last === undefined || last.at <= first.at) return null;
  const bytes = (last.transferredBytes ?? 0) - (first.transferredBytes ?? 0);
  return bytes < 0 ? null : bytes / ((last.at - first.at) / 1000);
}

/** Time of the last sample that brought bytes; of the first one when none did. */
function lastMove(samples: readonly SeedingSample[]): number {
  let moved = samples[0];
  for (const sample of samples) {
    if ((sample.transferredBytes ?? 0) > (moved?.transferredBytes ?? 0)) moved = sample;
  }
  return moved?.at ?? 0;
}

function percentOf({ transferredBytes, databaseBytes }: SeedingSample): number | null {
  if (transferredBytes === null || databaseBytes === null || databaseBytes <= 0) return null;
  return Math.min(100, (transferredBytes / databaseBytes) * 100);
}

function remaining(
  { transferredBytes, databaseBytes }: SeedingSample,
  bytesPerSecond: number | null,
): DurationMs | null {
  if (transferredBytes === null || databaseBytes === null) return null;
  const left = Math.max(0, databaseBytes - transferredBytes);
  if (left === 0) return 0;
  return bytesPerSecond === null || bytesPerSecond <= 0 ? null : (left / bytesPerSecond) * 1000;
}

export interface SeedingDeadline {
  readonly ruleId:
    | 'seeding.in-time'
    | 'seeding.warning-due'
    | 'seeding.deadline-passed'
    | 'seeding.will-be-late';
  readonly reason: string;
  readonly deadlineAt: string;
  readonly leftMs: DurationMs;
  /** Warnings (lengths of time before the deadline) whose moment has come, the latest first. */
  readonly warningsDue: readonly DurationMs[];
}

/**
 * The time that is left: Azure cancels what it creates 6 days after it was requested (troubleshooting page).
 * @param requestedAt time of the create request, milliseconds since 1970-01-01 UTC
 * @param remainingMs what the seeding will still take, when that is known
 */
export function seedingDeadline(
  requestedAt: number,
  policy: { readonly deadline: DurationMs; readonly warnBefore: readonly DurationMs[] },
  now: number,
  remainingMs: DurationMs | null = null,
): SeedingDeadline {
  const deadline = requestedAt + policy.deadline;
  const leftMs = deadline - now;
  const warningsDue = policy.warnBefore.filter((before) => leftMs <= before).sort((a, b) => a - b);
  const common = { deadlineAt: new Date(deadline).toISOString(), leftMs, warningsDue };
  if (leftMs <= 0) {
    const reason = `Seeding was not over ${formatDuration(policy.deadline)} after it was requested.`;
    return { ...common, ruleId: 'seeding.deadline-passed', reason };
  }
  if (remainingMs !== null && remainingMs > leftMs) {
    const reason = `Seeding needs about ${formatDuration(remainingMs)} more; only ${formatDuration(leftMs)} are left.`;
    return { ...common, ruleId: 'seeding.will-be-late', reason };
  }
  const ruleId = warningsDue.length > 0 ? 'seeding.warning-due' : 'seeding.in-time';
  return { ...common, ruleId, reason: `${formatDuration(leftMs)} are left until the deadline.` };
}
