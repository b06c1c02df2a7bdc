/**
 * Pause, resume, abort and "waits for a person", for runs of any topology. Handlers only note what was asked; the
 * run itself acts at its next quiet point, so that there is a single writer.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  TimeoutFailure,
} from '@temporalio/workflow';
import {
  abortUpdate,
  accept,
  type Decision,
  info,
  leaveBehindUpdate,
  pauseUpdate,
  type Request,
  refuse,
  resumeUpdate,
} from './answers';
import type { Incoming } from './incoming';
import { requestShape } from './request-shapes';

/** A failure that only a person can mend, as it left an activity. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export interface ControlledRun {
  /** Why the run goes forward only, so that abort is refused (promise 5); null while it may be undone. */
  readonly forwardOnly: () => string | null;
  /** Pausing makes sense although the run cannot be undone any more. */
  readonly mayPause: () => boolean;
  readonly isPaused: () => boolean;
  /** What a pause holds now and what not, for its answer. */
  readonly pauseNote: () => string;
  readonly setPaused: (paused: boolean) => void;
  /** The way in for a request, which notes what was decided. */
  readonly on: (incoming: Incoming<Request>) => void;
  readonly problem: () => Problem | null;
  readonly setProblem: (problem: Problem | null, where: string) => void;
  /** Tells people; must not throw. */
  readonly announce: (problem: Problem, where: string) => Promise<void>;
}

/** Where it is decided what becomes of things that cannot be undone. */
export interface OpenUndo {
  leave(request: Request): Decision;
}

interface Wait {
  readonly problem: Problem;
  readonly where: string;
}

/** The run was asked to stop and undo. */
export class AbortRequested extends Error {
  override readonly name = 'AbortRequested';
  constructor(readonly request: Request) {
    super(`abort requested by ${request.by}`);
  }
}

const UNDOING = 'what the run made is being undone, and a pause does not hold that';

/** What `RunControl` takes; each run names these beside its own. */
export const CONTROL_UPDATES = [pauseUpdate, resumeUpdate, leaveBehindUpdate, abortUpdate] as const;

export class RunControl {
  private abort: Request | undefined;
  private retries = 0;
  /** Waits for a person that are under way, the first first: work that goes on beside other work may need one, too. */
  private readonly waits = new Map<object, readonly Wait[]>();
  private desk: OpenUndo | null = null;
  private readonly scope = new CancellationScope({ cancellable: true });

  constructor(private readonly run: ControlledRun) {
    const { on } = run;
    on({
      update: pauseUpdate,
      shape: requestShape,
      asked: () => 'pause',
      decide: (request) => this.pause(request),
    });
    on({
      update: resumeUpdate,
      shape: requestShape,
      asked: () => 'resume',
      decide: (request) => this.resume(request),
    });
    on({
      update: leaveBehindUpdate,
      shape: requestShape,
      asked: () => 'leave',
      decide: (request) => this.leaveBehind(request),
    });
    on({
      update: abortUpdate,
      shape: requestShape,
      asked: () => 'abort',
      decide: (request) => this.requestAbort(request),
    });
  }

  get abortRequest(): Request | undefined {
    return this.abort;
  }

  get isAborted(): boolean {
    return this.abort !== undefined && this.run.forwardOnly() === null;
  }

  /** What the run made is being undone, or was. */
  get isUndoing(): boolean {
    return this.desk !== null;
  }

  /** From here on what the run made is being undone: it is not paused any more, and things may be left behind. */
  beginUndo(desk: OpenUndo): void {
    this.desk = desk;
  }

  /** Grows whenever somebody asks to try again what failed; a child that waits for a person is told of it. */
  get retriesAsked(): number {
    return this.retries;
  }

  /** Tries again what waits for a person: the resume was asked of the run's parent. */
  retry(): void {
    this.retries += 1;
  }

  /** Runs what an abort may interrupt. Throws AbortRequested when it was interrupted. */
  async abortable<T>(fn: () => Promise<T>): Promise<T> {
    try {
      return await this.scope.run(fn);
    } catch (error) {
      if (this.abort !== undefined) throw new AbortRequested(this.abort);
      throw error;
    }
  }

  /** A quiet point: waits while paused, leaves when an abort was asked for. */
  async quietPoint(): Promise<void> {
    this.throwIfAborted();
    await condition(() => !this.run.isPaused() || this.abort !== undefined);
    this.throwIfAborted();
  }

  throwIfAborted(): void {
    if (this.run.forwardOnly() !== null) return;
    if (this.abort !== undefined) throw new AbortRequested(this.abort);
    // An activity may complete although it was asked to stop: its result must not carry a cancelled run on.
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the run was cancelled');
  }

  /**
   * Runs something until it succeeds. A failure that only a person can mend is told and waited upon, and so is one that
   * ended an activity after all its attempts, as a time-out may: `resume` tries again, `abort` gives up. Nothing is lost
   * meanwhile.
   */
  async untilDone<T>(where: string, fn: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await fn();
      } catch (error) {
        this.throwIfAborted();
        const problem = problemOf(error);
        if (problem === undefined) throw error;
        await this.waitForPerson(problem, where);
      }
    }
  }

  /** Tells the problem and waits: `resume` returns, `abort` throws. */
  async waitForPerson(problem: Problem, where: string): Promise<void> {
    const seen = this.retries;
    const end = this.show(problem, where);
    try {
      await this.announce(problem, where);
      await condition(() => this.retries > seen || this.isAborted);
    } finally {
      // Also when the wait was cancelled: nobody waits for the person any more.
      end();
    }
    this.throwIfAborted();
  }

  announce(problem: Problem, where: string): Promise<void> {
    return this.run.announce(problem, where);
  }

  /**
   * Waits for somebody who asks to try again, for a while.
   * @param asked `retriesAsked` when it was tried last
   * @returns whether somebody asked
   */
  async untilRetried(asked: number, withinMs: number, orLeave: () => boolean): Promise<boolean> {
    await condition(() => this.retries > asked || orLeave(), withinMs);
    return this.retries > asked;
  }

  /** Shows a problem that waits for a person, here or elsewhere, beside the others. @returns what ends that */
  show(problem: Problem, where: string): () => void {
    const wait = { problem, where };
    this.showWaits(wait, [wait]);
    return () => this.showWaits(wait, []);
  }

  /**
   * Shows what waits for a person. The oldest problem is shown, the others with it: it is often their cause.
   * @param owner whose waits these are, in place of those that it showed before
   */
  showWaits(owner: object, waits: readonly Wait[]): void {
    if (waits.length > 0) this.waits.set(owner, waits);
    else if (!this.waits.delete(owner)) return;
    const [first, ...others] = [...this.waits.values()].flat();
    if (first === undefined) {
      this.run.setProblem(null, '');
      return;
    }
    const also = others.map(({ problem, where }) => `; also ${where}: ${problem.message}`).join('');
    this.run.setProblem({ ...first.problem, message: `${first.problem.message}${also}` }, first.where);
  }

  private pause({ by }: Request): Decision {
    if (this.isUndoing || this.abort !== undefined)
      return refuse('pause.undoing', UNDOING, 'let it end; status shows how far it is');
    const forwardOnly = this.run.forwardOnly();
    if (forwardOnly !== null && !this.run.mayPause()) {
      return refuse('pause.forward-only', forwardOnly, 'let the run finish; it needs no further decision');
    }
    if (this.run.isPaused()) return accept('pause.already', 'the run is paused already');
    this.run.setPaused(true);
    return accept('pause.pauses', this.run.pauseNote(), info('run.paused', `paused by ${by}`));
  }

  private resume({ by }: Request): Decision {
    const problem = this.run.problem();
    if (!this.run.isPaused() && problem === null) {
      return refuse(
        'resume.nothing-waits',
        'the run is neither paused nor waiting for a person',
        'look at status',
      );
    }
    if (this.run.isPaused()) this.run.setPaused(false);
    if (problem !== null) this.retries += 1;
    const resumed = info('run.resumed', `resumed by ${by}`);
    return problem === null
      ? accept('resume.goes-on', 'the run goes on', resumed)
      : accept('resume.tries-again', `trying again what failed with ${problem.code}`, resumed);
  }

  private leaveBehind(request: Request): Decision {
    return this.desk === null
      ? refuse(
          'leave.nothing-undone',
          'nothing is being undone',
          'look at status; abort ends a run and undoes what it made',
        )
      : this.desk.leave(request);
  }

  private requestAbort(request: Request): Decision {
    const forwardOnly = this.run.forwardOnly();
    if (forwardOnly !== null)
      return refuse('abort.forward-only', forwardOnly, 'look at status: it says what can be asked now');
    if (this.isUndoing || this.abort !== undefined)
      return accept('abort.already', 'the run is being undone already');
    this.abort = request;
    this.scope.cancel();
    const why = request.reason === undefined ? '' : `: ${request.reason}`;
    return accept(
      'abort.undoes',
      'what this run made will be undone, latest first',
      info('run.abort-requested', `abort requested by ${request.by}${why}`),
    );
  }
}

/** @returns the problem when the failure is one for a person; undefined when it is Temporal's or ours. */
export function personProblem(error: unknown): Problem | undefined {
  if (!(error instanceof ActivityFailure)) return undefined;
  const { cause } = error;
  if (cause instanceof CancelledFailure || !(cause instanceof ApplicationFailure)) return undefined;
  const [detail] = cause.details ?? [];
  return {
    code: cause.type ?? 'Unknown',
    message: cause.message,
    remedy: isDetail(detail) ? detail.remedy : 'see the message; then resume to try again, or abort',
  };
}

/** As `personProblem`, of an activity that ended for good by a time-out or the like: it is begun again, not silently. */
export function activityProblem(error: unknown): Problem | undefined {
  if (!(error instanceof ActivityFailure) || error.cause instanceof CancelledFailure) return undefined;
  return {
    code: error.cause?.name ?? error.name,
    message: error.cause?.message ?? error.message,
    remedy: 'look at the log of the worker; it is tried again',
  };
}

/** As `personProblem`, of whatever kept an activity from its end; undefined when it was cancelled, or is none. */
export function problemOf(error: unknown): Problem | undefined {
  const known = personProblem(error);
  if (known !== undefined || !(error instanceof ActivityFailure)) return known;
  if (!(error.cause instanceof TimeoutFailure)) return activityProblem(error);
  const last = error.cause.cause?.message;
  return {
    code: 'TimedOut',
    message: `no answer came within the time limit${last === undefined ? '' : ` (${last})`}`,
    remedy: 'see whether the servers and Azure answer, and look at the log of the worker',
  };
}

function isDetail(detail: unknown): detail is { readonly remedy: string } {
  return (
    typeof detail === 'object' && detail !== null && 'remedy' in detail && typeof detail.remedy === 'string'
  );
}
