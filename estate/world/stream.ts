/**
 * Replication of one database from one copy to another as a fluid: the log arrives `latency` after it was written and
 * at most at `sendSlope`; redo follows at most at `redoSlope`. Positions are exact at any time without ticking: the
 * source's log is a curve of straight segments, and between two events everything is a straight line.
 */
import type { Clock, TimerHandle } from './api';
import type { CommitRecord, LogSegment } from './log';
import type { DatabaseCopy } from './state';

type Mark = 'hardened' | 'redone';

interface Waiter {
  readonly position: number;
  readonly mark: Mark;
  readonly resolve: () => void;
  timer?: TimerHandle;
}

/** Positions in the log, as of `at`. */
interface Positions {
  at: number;
  hardened: number;
  redone: number;
  /** Segment of the source's curve that arrives at `at`. */
  cursor: number;
}

/** Less than a byte is rounding. */
const EPSILON = 1e-3;

export class ReplicationStream {
  mode: 'SYNCHRONOUS_COMMIT' | 'ASYNCHRONOUS_COMMIT' = 'ASYNCHRONOUS_COMMIT';
  lastHardenedTime: number;
  lastRedoneTime: number;
  readonly hold: { reason: 'AVAILABILITY_REPLICA'; position: () => number };
  private positions: Positions;
  private nextCommit: number;
  private flowing = true;
  private sendSlope: number;
  private redoSlope: number;
  private latencyMs: number;
  private closed = false;
  private readonly waiters = new Set<Waiter>();

  /**
   * @param start position up to which the target has the log already
   * @param slopes bytes per ms, and the one-way latency in ms
   */
  constructor(
    private readonly clock: Clock,
    readonly source: DatabaseCopy,
    readonly target: DatabaseCopy,
    start: number,
    slopes: { send: number; redo: number; latencyMs: number },
  ) {
    const now = clock.now();
    source.log.settle(now);
    this.sendSlope = slopes.send;
    this.redoSlope = slopes.redo;
    this.latencyMs = slopes.latencyMs;
    this.positions = { at: now, hardened: start, redone: start, cursor: source.log.lastSegmentIndex };
    this.nextCommit = source.log.nextCommitAfter(start);
    this.lastHardenedTime = now;
    this.lastRedoneTime = now;
    this.hold = { reason: 'AVAILABILITY_REPLICA', position: () => this.positions.hardened };
    source.log.holds.add(this.hold);
    source.streams.add(this);
    target.incoming = this;
  }

  get hardened(): number {
    return this.positions.hardened;
  }

  get redone(): number {
    return this.positions.redone;
  }

  get running(): boolean {
    return this.flowing && !this.closed;
  }

  /** True while what has arrived is still being redone, even if nothing more arrives. */
  get redoing(): boolean {
    return !this.closed && this.redone < this.hardened;
  }

  get sendRate(): number {
    return this.hardened < this.source.log.end - EPSILON && this.running ? this.sendSlope * 1000 : 0;
  }

  get maxSendRate(): number {
    return this.sendSlope * 1000;
  }

  get maxRedoRate(): number {
    return this.redoSlope * 1000;
  }

  /** Brings both copies to now: positions, the target's log, and the commits that redo has passed. */
  settle(): void {
    if (this.closed) return;
    const now = this.clock.now();
    this.source.log.settle(now);
    const before = { ...this.positions };
    this.advance(this.positions, now);
    if (this.positions.hardened > before.hardened) this.lastHardenedTime = now;
    if (this.positions.redone > before.redone) this.lastRedoneTime = now;
    this.redo();
    this.target.log.receive(this.positions.hardened, now);
    this.target.log.truncateTo(Math.min(this.source.log.truncatedTo, this.positions.redone));
    this.source.log.truncate();
    this.source.log.forgetSegmentsBefore(this.source.firstNeededSegment());
  }

  get cursor(): number {
    return this.positions.cursor;
  }

  /** Starts or stops the flow (connection lost, data movement suspended). Redo of what has arrived goes on. */
  setFlowing(flowing: boolean): void {
    this.settle();
    this.flowing = flowing;
    if (!flowing) this.mode = 'ASYNCHRONOUS_COMMIT';
    this.reconsider();
  }

  setMode(mode: 'SYNCHRONOUS_COMMIT' | 'ASYNCHRONOUS_COMMIT'): void {
    this.settle();
    this.mode = mode;
    this.reconsider();
  }

  setSlopes(slopes: { send?: number; redo?: number; latencyMs?: number }): void {
    this.settle();
    this.sendSlope = slopes.send ?? this.sendSlope;
    this.redoSlope = slopes.redo ?? this.redoSlope;
    this.latencyMs = slopes.latencyMs ?? this.latencyMs;
    this.reconsider();
  }

  /** Recovery: everything hardened is redone at once, as when the target becomes primary. */
  recover(): void {
    this.settle();
    this.positions.redone = this.positions.hardened;
    this.redo();
  }

  /** Ends the stream where it is; whoever waits is released and has to look again. */
  close(): void {
    this.settle();
    this.closed = true;
    this.source.log.holds.delete(this.hold);
    this.source.streams.delete(this);
    if (this.target.incoming === this) delete this.target.incoming;
    this.source.log.truncate();
    for (const waiter of [...this.waiters]) this.release(waiter);
  }

  /** Resolves when the position is there, or when waiting has lost its sense (stopped, asynchronous, closed). */
  whenReached(mark: Mark, position: number): Promise<void> {
    this.settle();
    if (this.closed || this.positions[mark] >= position - EPSILON) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = { position, mark, resolve };
      this.waiters.add(waiter);
      this.schedule(waiter);
    });
  }

  /** When that position will be there if nothing changes; undefined = not in sight. */
  expectedAt(mark: Mark, position: number): number | undefined {
    if (!this.running) return undefined;
    const { at, hardened, redone } = this.positions;
    const sent = at + Math.max(0, position - hardened) / this.sendSlope;
    const there = Math.max(sent, this.arrivalOf(position));
    const expected = mark === 'hardened' ? there : Math.max(there, at + (position - redone) / this.redoSlope);
    // Up to the next whole millisecond: a time of 10^12 ms has too few bits left for fractions of a byte.
    return Number.isFinite(expected) ? Math.ceil(expected) + 1 : undefined;
  }

  /** Seconds by which the target's redo is behind the source's newest log. */
  lagSeconds(): number {
    if (this.positions.redone >= this.source.log.end - EPSILON) return 0;
    const oldest = this.source.log.commits.find((commit) => commit.position > this.positions.redone);
    const since = oldest ? oldest.at : this.segmentTimeOf(this.positions.redone);
    return Math.max(0, Math.floor((this.clock.now() - since) / 1000));
  }

  private segmentTimeOf(position: number): number {
    for (let index = this.positions.cursor; ; index += 1) {
      const segment = this.source.log.segment(index);
      if (!segment) return this.positions.at;
      const next = this.source.log.segment(index + 1);
      if (next && next.position <= position) continue;
      if (segment.slope === 0) return segment.at;
      return Math.max(segment.at, segment.at + (position - segment.position) / segment.slope);
    }
  }

  /**
   * Exact positions at `to`. Within one segment the input is a straight line, what has hardened is then
   * min(own speed, input), which is concave, and so redone is min(own speed, hardened): no further events are needed.
   */
  private advance(state: Positions, to: number): void {
    while (state.at < to) {
      const segment = this.segmentAt(state.cursor);
      const nextAt = this.arrivalOfNext(state.cursor);
      if (nextAt <= state.at) {
        state.cursor += 1;
        continue;
      }
      this.step(state, segment, Math.min(to, nextAt));
    }
    while (this.arrivalOfNext(state.cursor) <= state.at) state.cursor += 1;
  }

  private step(state: Positions, segment: LogSegment, until: number): void {
    const elapsed = until - state.at;
    if (this.flowing) {
      const arrived = segment.position + segment.slope * Math.max(0, until - this.latencyMs - segment.at);
      const reachable = state.hardened + this.sendSlope * elapsed;
      state.hardened = Math.min(reachable, Math.max(state.hardened, arrived));
    }
    state.redone = Math.min(state.hardened, state.redone + this.redoSlope * elapsed);
    state.at = until;
  }

  private segmentAt(cursor: number): LogSegment {
    const segment = this.source.log.segment(cursor);
    if (!segment) throw new Error('the log forgot a segment that replication still needs');
    return segment;
  }

  private arrivalOfNext(cursor: number): number {
    const next = this.source.log.segment(cursor + 1);
    return next ? next.at + this.latencyMs : Number.POSITIVE_INFINITY;
  }

  /** Time at which the source's log up to `position` can have arrived, however slow the wire. */
  private arrivalOf(position: number): number {
    for (let cursor = this.positions.cursor; ; cursor += 1) {
      const segment = this.source.log.segment(cursor);
      if (!segment) return Number.POSITIVE_INFINITY;
      if (segment.position >= position) return segment.at + this.latencyMs;
      const at = segment.slope > 0 ? segment.at + (position - segment.position) / segment.slope : Infinity;
      if (at + this.latencyMs <= this.arrivalOfNext(cursor)) return at + this.latencyMs;
    }
  }

  private redo(): void {
    const { commits } = this.source.log;
    const reached = this.positions.redone + EPSILON;
    const passed: CommitRecord[] = [];
    let index = this.indexOfNextCommit();
    for (; index < commits.length; index += 1) {
      const commit = commits[index];
      if (!commit || commit.position > reached) break;
      passed.push(commit);
    }
    for (const commit of passed) {
      this.target.store.apply(commit.changes);
      this.target.log.adopt(commit);
      this.nextCommit = commit.sequence + 1;
    }
  }

  /** Sequences in the log are consecutive, so the index is found by subtraction. */
  private indexOfNextCommit(): number {
    const first = this.source.log.commits[0];
    return first ? Math.max(0, this.nextCommit - first.sequence) : 0;
  }

  private reconsider(): void {
    for (const waiter of [...this.waiters]) {
      waiter.timer?.cancel();
      if (!this.running || this.positions[waiter.mark] >= waiter.position - EPSILON) this.release(waiter);
      else this.schedule(waiter);
    }
  }

  private schedule(waiter: Waiter): void {
    if (!this.running) {
      this.release(waiter);
      return;
    }
    const due = this.expectedAt(waiter.mark, waiter.position);
    if (due === undefined) return;
    waiter.timer = this.clock.at(due, () => {
      this.settle();
      if (this.positions[waiter.mark] >= waiter.position - EPSILON) this.release(waiter);
      else this.schedule(waiter);
    });
  }

  private release(waiter: Waiter): void {
    waiter.timer?.cancel();
    this.waiters.delete(waiter);
    waiter.resolve();
  }
}
