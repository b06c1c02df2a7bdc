/**
 * Gives back what a run made. Whatever does not get through within a bounded time is told once, does not stand before
 * what concerns another server, and is tried again at growing intervals until it gets through or somebody decides:
 * `resume` tries at once, `leaveBehind` leaves it by name (promise 5).
 */
import { ApplicationFailure } from '@temporalio/common';
import { ActivityFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import type { JournalEffect } from '../../model/run/journal';
import { isAboutAccess } from '../../rules/errors/access';
import { accept, type Decision, type Request, refuse } from './answers';
import { type OpenUndo, type Problem, problemOf, type RunControl } from './run-control';
import type { StartedStep } from './state';

/** One thing to be given back. */
export interface UndoItem {
  readonly what: string;
  /** Who must answer for it: while it does not, nothing else that needs it is tried. */
  readonly where: string;
  /** Statements or requests that a person can send instead. */
  readonly byHand: readonly string[];
  /** One attempt, within a bounded time. */
  readonly undo: () => Promise<void>;
}

export interface LeftItem {
  readonly item: UndoItem;
  readonly problem: Problem;
}

export interface UndoPolicy {
  /** What a server refused for good is left by name, or waited for as what did not get through. */
  readonly refused: 'leave' | 'wait';
  /** Before the second attempt, milliseconds; each pause is twice the one before it. */
  readonly firstPauseMs: number;
  /** @param since when the undoing began, milliseconds */
  readonly longestPauseMs: (since: number) => number;
  /** Command that leaves things behind; null where nothing may be left. */
  readonly leaveCommand: string | null;
  /** Where a person finds the problem: the name of what waits. */
  readonly title: (item: UndoItem) => string;
  readonly onLeft: (left: LeftItem) => void;
}

interface Failed extends Problem {
  /** Somebody answered, and the answer is no. */
  readonly isRefusal: boolean;
}

/** A sentence about what was left, with what a person can send instead. */
export function leftSentence({ item, problem }: LeftItem): string {
  return `${item.what} could not be undone: ${problem.message}${handText(item)}`;
}

const handText = ({ where, byHand }: UndoItem): string =>
  byHand.length === 0 ? '' : `; by hand on ${where}: ${byHand.join(' ')}`;

export class Undo implements OpenUndo {
  private open: readonly UndoItem[];
  private left: readonly LeftItem[] = [];
  private readonly stuck = new Map<UndoItem, Problem>();
  /** Problems that people know. */
  private readonly told = new Set<string>();
  private trying: { readonly item: UndoItem; readonly scope: CancellationScope } | null = null;

  /** @param items in the order in which they are undone */
  constructor(
    private readonly control: RunControl,
    items: readonly UndoItem[],
    private readonly policy: UndoPolicy,
  ) {
    this.open = items;
  }

  /** Tries each item once, and waits for nobody. @returns what was not undone */
  async once(): Promise<readonly LeftItem[]> {
    await this.round(async () => undefined);
    this.control.showWaits(this, []);
    return [...this.left, ...[...this.stuck].map(([item, problem]) => ({ item, problem }))];
  }

  /** Until all is undone, or left by name. @throws AbortRequested where nothing may be left, and the run is aborted */
  async all(): Promise<readonly LeftItem[]> {
    const since = Date.now();
    try {
      for (let pauseMs = this.policy.firstPauseMs; ; ) {
        const asked = this.control.retriesAsked;
        await this.round((item, problem) => this.tell(item, problem));
        if (this.open.length === 0) return this.left;
        this.show(new Date(Date.now() + pauseMs).toISOString());
        const isRetry = await this.control.untilRetried(asked, pauseMs, () => this.isDecided());
        if (this.policy.leaveCommand === null) this.control.throwIfAborted();
        if (isRetry) this.told.clear();
        pauseMs = isRetry
          ? this.policy.firstPauseMs
          : Math.min(2 * pauseMs, this.policy.longestPauseMs(since));
      }
    } finally {
      this.control.showWaits(this, []);
    }
  }

  /** Leaves by name what does not get through. What was not tried yet is tried still. */
  leave(request: Request): Decision {
    const items = this.open.filter((item) => this.stuck.has(item));
    if (this.policy.leaveCommand === null || items.length === 0) {
      return refuse('leave.nothing-waits', 'nothing waits to be left behind', 'look at status');
    }
    this.leaveItems(items, ` (left behind by ${request.by}${request.reason ? `: ${request.reason}` : ''})`);
    if (this.trying !== null && items.includes(this.trying.item)) this.trying.scope.cancel();
    return accept(
      'leave.left',
      `left behind, and named in the result: ${items.map(({ what }) => what).join(', ')}`,
    );
  }

  private isDecided(): boolean {
    return this.open.length === 0 || (this.policy.leaveCommand === null && this.control.isAborted);
  }

  /** Each item once, in order. What needs a server that did not get through is left for the next round. */
  private async round(tell: (item: UndoItem, problem: Problem) => Promise<void>): Promise<void> {
    const silent = new Set<string>();
    for (const item of this.open) {
      if (!this.open.includes(item) || silent.has(item.where)) continue;
      const problem = await this.tryItem(item);
      if (problem === undefined) continue;
      if (problem.isRefusal && this.policy.refused === 'leave') {
        this.stuck.set(item, problem);
        this.leaveItems([item], '');
        continue;
      }
      if (!problem.isRefusal) silent.add(item.where);
      for (const one of problem.isRefusal ? [item] : this.needing(item.where)) this.stuck.set(one, problem);
      await tell(item, problem);
    }
  }

  private async tryItem(item: UndoItem): Promise<Failed | undefined> {
    const scope = new CancellationScope();
    this.trying = { item, scope };
    try {
      await scope.run(item.undo);
      this.settle(item);
      return undefined;
    } catch (error) {
      const isLeft = !this.open.includes(item);
      if (isLeft) return undefined;
      if (isCancellation(error)) throw error;
      return failed(error);
    } finally {
      this.trying = null;
    }
  }

  /** Also when it got through although it was left in that moment. */
  private settle(item: UndoItem): void {
    this.open = this.open.filter((other) => other !== item);
    this.left = this.left.filter((other) => other.item !== item);
    this.stuck.delete(item);
    this.show(null);
  }

  private leaveItems(items: readonly UndoItem[], decision: string): void {
    for (const item of items) {
      const problem = this.stuck.get(item);
      if (problem === undefined) continue;
      this.stuck.delete(item);
      const left = { item, problem: { ...problem, message: `${problem.message}${decision}` } };
      this.left = [...this.left, left];
      this.policy.onLeft(left);
    }
    this.open = this.open.filter((item) => !items.includes(item));
    this.show(null);
  }

  private needing(where: string): readonly UndoItem[] {
    return this.open.filter((item) => item.where === where);
  }

  /** Once for each server and reason; again after somebody had it tried again. */
  private async tell(item: UndoItem, problem: Problem): Promise<void> {
    this.show(null);
    const title = this.policy.title(item);
    const key = `${title}: ${problem.code}: ${problem.message}`;
    if (this.told.has(key)) return;
    this.told.add(key);
    const [wait] = this.waitsOf(null).filter(({ where }) => where === title);
    if (wait !== undefined) await this.control.announce(wait.problem, title);
  }

  /** @param nextAt when they are tried again, ISO 8601; null while they are */
  private show(nextAt: string | null): void {
    this.control.showWaits(this, this.waitsOf(nextAt));
  }

  private waitsOf(nextAt: string | null): readonly { problem: Problem; where: string }[] {
    const byTitle = new Map<string, UndoItem[]>();
    for (const item of this.open.filter((one) => this.stuck.has(one))) {
      const title = this.policy.title(item);
      byTitle.set(title, [...(byTitle.get(title) ?? []), item]);
    }
    return [...byTitle].map(([where, items]) => ({ where, problem: this.problemWith(items, nextAt) }));
  }

  private problemWith(items: readonly UndoItem[], nextAt: string | null): Problem {
    const [problem] = items.flatMap((item) => this.stuck.get(item) ?? []);
    const { code = 'Unknown', message = '', remedy = '' } = problem ?? {};
    const again = nextAt === null ? '' : `; it is tried again at ${nextAt}`;
    const { leaveCommand } = this.policy;
    const leave = leaveCommand === null ? '' : `; to leave it behind: ${leaveCommand}`;
    return {
      code,
      message: `${items.map(({ what }) => what).join(', ')} cannot be undone yet: ${message}${again}`,
      remedy: `${remedy}${items.map(handText).join('')}${leave}`,
    };
  }
}

function failed(error: unknown): Failed {
  const problem = problemOf(error);
  if (problem === undefined) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: 'Unexpected', message, remedy: 'look at the log of the worker', isRefusal: true };
  }
  return { ...problem, isRefusal: isForPerson(error) && !isAboutAccess(problem.code) };
}

/** Trying again is useless before a person did something: it was not tried in vain for its time, it was refused. */
export function isForPerson(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.nonRetryable === true;
}

/** A batch of statements may be long; a person finds the whole of it in the journal. */
const LONGEST_BY_HAND = 500;

/** What a person can send to undo a step, when sqlferry cannot. */
export function byHandOf(planned: readonly Pick<JournalEffect, 'undo'>[]): Pick<StartedStep, 'byHand'> {
  const byHand = planned.flatMap(({ undo }) => (undo === undefined ? [] : [undo])).toReversed();
  if (byHand.length === 0) return {};
  const isLong = byHand.join('').length > LONGEST_BY_HAND;
  return { byHand: isLong ? ['what the statements of this step say, turned round'] : byHand };
}
