/**
 * The transaction log of one copy. Its end moves by commits (jumps) and by the synthetic writer (a constant slope), so
 * it is a curve of few segments: whoever follows it later (a replication stream) reads the curve, and nobody ticks.
 */
import type { StorageChange } from '../sql/storage';
import { LOG_BLOCK, type LogFormat, lsnAt } from './lsn';
import type { LogReuseWait, LogStatus, Lsn } from './model';

/** From `at` on the end of the log is position + slope x (t - at), until the next segment. */
export interface LogSegment {
  readonly at: number;
  readonly position: number;
  /** Bytes per simulated millisecond. */
  readonly slope: number;
}

export interface CommitRecord {
  readonly sequence: number;
  /** End of the record: the commit is on a copy whose log has got so far. */
  readonly position: number;
  readonly at: number;
  readonly lsn: Lsn;
  readonly changes: readonly StorageChange[];
}

export interface LogSettings {
  readonly sizeBytes: number;
  readonly maxSizeBytes: number;
  readonly growthBytes: number;
}

/** Something that needs the log from a position on. */
export interface LogHold {
  readonly reason: Exclude<LogReuseWait, 'NOTHING' | 'LOG_BACKUP'>;
  readonly position: () => number;
}

/** A fresh log holds this much already (model database, first checkpoints). */
const INITIAL_POSITION = 512 * 1024;

export class TransactionLog {
  /** End of the log in bytes, as of `settledAt`. */
  end = INITIAL_POSITION;
  settledAt: number;
  /** Needed by nobody before here. */
  truncatedTo = 0;
  backedUpTo = INITIAL_POSITION;
  /** Bytes per ms that the synthetic writer adds while nothing stops it. */
  syntheticSlope = 0;
  /** The server is down: nobody writes. */
  paused = false;
  sizeBytes: number;
  maxSizeBytes: number;
  readonly growthBytes: number;
  readonly holds = new Set<LogHold>();
  readonly commits: CommitRecord[] = [];
  /** Under FULL with a log chain begun, only log backups free space; otherwise every checkpoint does. */
  keepsChain = false;
  lastCommit: CommitRecord | undefined;
  private readonly segments: LogSegment[];
  private firstSegment = 0;
  /** Commits after this position are still to be redone somewhere, though their log may be free. */
  retainFrom: () => number = () => Number.POSITIVE_INFINITY;
  private nextSequence = 1;

  constructor(
    readonly format: LogFormat,
    settings: LogSettings,
    now: number,
  ) {
    this.sizeBytes = settings.sizeBytes;
    this.maxSizeBytes = settings.maxSizeBytes;
    this.growthBytes = settings.growthBytes;
    this.settledAt = now;
    this.segments = [{ at: now, position: this.end, slope: 0 }];
  }

  lsn(position = this.end): Lsn {
    return lsnAt(this.format, position);
  }

  get usedBytes(): number {
    return Math.max(0, this.end - this.truncatedTo);
  }

  get limit(): number {
    return this.truncatedTo + this.maxSizeBytes;
  }

  /** Moves the end on by what the synthetic writer wrote until `now`; stops at the limit, as error 9002 would. */
  settle(now: number): void {
    this.truncate();
    while (this.settledAt < now) {
      const slope = this.end < this.limit && !this.paused ? this.syntheticSlope : 0;
      this.bend(slope);
      if (slope === 0) {
        this.settledAt = now;
        break;
      }
      const until = Math.min(now, this.settledAt + (this.limit - this.end) / slope);
      const full = until < now;
      this.end = full ? this.limit : this.end + slope * (until - this.settledAt);
      this.settledAt = Math.max(until, this.settledAt);
      this.truncate();
      if (full && this.end >= this.limit) this.syntheticStopped(now);
    }
    this.grow();
  }

  setSyntheticSlope(slope: number): void {
    this.syntheticSlope = slope;
    // A writer that pauses ends on a whole block, so that equal logs have equal LSNs.
    if (slope === 0) this.jump(roundUp(this.end));
    this.bend(slope);
  }

  /** Room for so many bytes more? Otherwise error 9002. */
  hasRoom(bytes: number): boolean {
    return this.end + bytes <= this.limit;
  }

  append(changes: readonly StorageChange[], bytes: number): CommitRecord {
    this.jump(roundUp(this.end + bytes));
    const record: CommitRecord = {
      sequence: this.nextSequence,
      position: this.end,
      at: this.settledAt,
      lsn: this.lsn(),
      changes,
    };
    this.nextSequence += 1;
    this.commits.push(record);
    this.lastCommit = record;
    this.grow();
    return record;
  }

  /** A secondary's log: the records come from elsewhere. */
  receive(end: number, now: number): void {
    this.end = end;
    this.settledAt = now;
    this.grow();
  }

  adopt(record: CommitRecord): void {
    this.commits.push(record);
    this.lastCommit = record;
    this.nextSequence = record.sequence + 1;
  }

  /** A copy that starts to write itself: its curve begins here. */
  restartCurve(now: number): void {
    this.settledAt = now;
    this.firstSegment += this.segments.length;
    this.segments.length = 0;
    this.segments.push({ at: now, position: this.end, slope: 0 });
  }

  /** Frees what no one needs; whole commits older than that are forgotten. */
  truncate(): void {
    this.truncateTo(this.reusable().position);
  }

  truncateTo(position: number): void {
    if (position <= this.truncatedTo) return;
    this.truncatedTo = position;
    const forget = Math.min(position, this.retainFrom());
    const keep = this.commits.findIndex((commit) => commit.position > forget);
    this.commits.splice(0, keep < 0 ? this.commits.length : keep);
  }

  /** Sequence of the first commit, made already or not, that ends after this position. */
  nextCommitAfter(position: number): number {
    return this.commits.find((commit) => commit.position > position)?.sequence ?? this.nextSequence;
  }

  /** First position that is still needed, and why. */
  reusable(): { readonly position: number; readonly reason: LogReuseWait } {
    let position = this.keepsChain ? this.backedUpTo : this.end;
    let reason: LogReuseWait = this.keepsChain && this.end > this.backedUpTo ? 'LOG_BACKUP' : 'NOTHING';
    for (const hold of this.holds) {
      const held = hold.position();
      if (held < position) {
        position = held;
        reason = hold.reason;
      }
    }
    return { position, reason };
  }

  status(): LogStatus {
    return {
      sizeBytes: this.sizeBytes,
      maxSizeBytes: this.maxSizeBytes,
      usedBytes: Math.floor(this.usedBytes),
      usedPercent: (100 * this.usedBytes) / this.sizeBytes,
      bytesSinceLastBackup: Math.floor(this.end - this.backedUpTo),
      reuseWait: this.reusable().reason,
      endOfLogLsn: this.lsn(),
      firstLsn: this.lsn(this.truncatedTo),
      vlfCount: Math.ceil(this.sizeBytes / this.format.vlfBytes),
    };
  }

  // ------------------------------------------------------------ the curve

  get lastSegmentIndex(): number {
    return this.firstSegment + this.segments.length - 1;
  }

  segment(index: number): LogSegment | undefined {
    return this.segments[index - this.firstSegment];
  }

  /** Forgets segments that every follower has passed. */
  forgetSegmentsBefore(index: number): void {
    const drop = Math.min(index, this.lastSegmentIndex) - this.firstSegment;
    if (drop < 64) return; // splice in bulk
    this.segments.splice(0, drop);
    this.firstSegment += drop;
  }

  private jump(position: number): void {
    if (position === this.end) return;
    this.end = position;
    const last = this.segments.at(-1);
    this.segments.push({ at: this.settledAt, position, slope: last?.slope ?? 0 });
  }

  private bend(slope: number): void {
    if (this.segments.at(-1)?.slope === slope) return;
    this.segments.push({ at: this.settledAt, position: this.end, slope });
  }

  private syntheticStopped(now: number): void {
    this.bend(0);
    this.settledAt = now;
  }

  private grow(): void {
    while (this.sizeBytes < this.usedBytes && this.sizeBytes < this.maxSizeBytes) {
      this.sizeBytes = Math.min(this.maxSizeBytes, this.sizeBytes + this.growthBytes);
    }
  }
}

const roundUp = (bytes: number): number => Math.ceil(bytes / LOG_BLOCK) * LOG_BLOCK;

/** Log bytes of a transaction whose caller does not know them: header and commit record, and the rows. */
export function estimateLogBytes(changes: readonly StorageChange[]): number {
  let bytes = 256;
  for (const change of changes) bytes += changeBytes(change);
  return bytes;
}

function changeBytes(change: StorageChange): number {
  if (change.kind !== 'insert' && change.kind !== 'update') return 160;
  let bytes = 120;
  for (const value of change.row) {
    if (typeof value === 'string') bytes += 2 * value.length;
    else if (value instanceof Uint8Array) bytes += value.length;
    else bytes += 9;
  }
  return bytes;
}
