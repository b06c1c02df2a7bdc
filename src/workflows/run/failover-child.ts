/** The side of the run that begins a failover, a workflow of its own: passes on what is asked, hears its news. */
import { ChildWorkflowFailure } from '@temporalio/common';
import {
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  isCancellation,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { unknownWord } from '../../model/by-word';
import { formatDuration } from '../../model/duration';
import { type FailoverRecord, failoverRecordOf } from './failover-record';
import { onSignal } from './incoming';
import { isPreempted, msUntilStuck, STUCK_AFTER_MS } from './preemption';
import type { Run } from './run';
import { failoverNewsShape } from './signal-shapes';
import {
  type FailoverControl,
  type FailoverInput,
  type FailoverNews,
  type FailoverRequest,
  type FromRun,
  failoverControlSignal,
  failoverNewsSignal,
  isFrom,
} from './standing-messages';

/** Type of the workflow that carries one failover out: of one name, whatever the topology. */
const FAILOVER_WORKFLOW = 'failover';
export type FailoverWorkflow = (input: FailoverInput) => Promise<FailoverRecord>;

/** What the run does at the news of its failover. */
export interface FailoverListener {
  /** The gate is passed, or a forced failover is asked for over this one. */
  readonly closingIn: () => void;
  /** The new primary is proved. @param record as it is then */
  readonly crossed: (record: FailoverRecord) => void;
  /** It goes back. */
  readonly givenUp: () => void;
}

/**
 * @returns its record, also when its workflow failed or was ended by somebody: the run goes on in any case
 */
export async function runFailoverChild(
  run: Run,
  request: FailoverRequest,
  listener: FailoverListener,
): Promise<FailoverRecord> {
  const startedAt = run.now();
  const workflowId = `${run.workflowId}/failover-${Date.now()}`;
  const { protection } = run.state;
  if (protection !== null) protection.failoverWorkflow = workflowId;
  const desk = new ChildNews(run, workflowId, listener);
  onNews(run, (message) => desk.take(message));
  try {
    const child = await startChild<FailoverWorkflow>(FAILOVER_WORKFLOW, {
      workflowId,
      args: [{ spec: run.spec, request, lastHealth: run.state.lastLag ?? null, ...askedAtOf(run, request) }],
      staticSummary: `${request.type} failover to the ${run.site(request.to).label}, asked by ${request.by}`,
      // Applications may be behind the fence: a failover ends in order even when its run is ended by force.
      parentClosePolicy: 'ABANDON',
    });
    desk.open(child.firstExecutionRunId);
    return await resultOf(run, child, listener.closingIn);
  } catch (error) {
    // Somebody ended the run, not the failover alone.
    if (CancellationScope.current().consideredCancelled) throw error;
    return failed(run, request, workflowId, startedAt, error);
  } finally {
    desk.close();
    dropNewsOfOthers(run);
    delete protection?.failoverWorkflow;
  }
}

function askedAtOf(run: Run, { type }: FailoverRequest): Pick<FailoverInput, 'askedAt'> {
  return type === 'forced' && run.forcedAt !== null ? { askedAt: forcedAtOf(run) } : {};
}

const forcedAtOf = ({ forcedAt }: Run): string => new Date(forcedAt ?? Date.now()).toISOString();

/** While no failover is under way nobody's news are awaited: a signal without a handler would wait for the next one. */
export function dropNewsOfOthers(run: Run): void {
  onNews(run, (message) => noteOthers(run, message));
}

function onNews(run: Run, take: (message: FailoverNews & FromRun) => void): void {
  onSignal(failoverNewsSignal, failoverNewsShape(run.sites), take, (why) => run.noteIgnored(why));
}

function noteOthers(run: Run, { from, kind }: FailoverNews & FromRun): void {
  // The last word of a failover that is over.
  if (run.state.protection?.failovers.some(({ workflowId }) => workflowId === from?.workflowId)) return;
  const who = from?.workflowId ?? 'somebody without a name';
  const message = `${who} told of a failover (${kind}) that is not of this run; it was not listened to`;
  run.noteIgnored(message, 'failover.news-of-others');
}

/** Hears the news of one failover, known by its workflow and run. */
class ChildNews {
  private runId: string | undefined;
  /** What came before it was known which run was begun. */
  private early: (FailoverNews & FromRun)[] = [];
  private endProblem: () => void = () => undefined;

  constructor(
    private readonly run: Run,
    private readonly workflowId: string,
    private readonly listener: FailoverListener,
  ) {}

  take(message: FailoverNews & FromRun): void {
    const { workflowId } = this;
    if (this.runId === undefined && message.from?.workflowId === workflowId) this.early.push(message);
    else if (this.runId !== undefined && isFrom(message, { workflowId, runId: this.runId }))
      this.hear(message);
    else noteOthers(this.run, message);
  }

  open(runId: string): void {
    this.runId = runId;
    for (const message of this.early.splice(0)) this.take(message);
  }

  /** Nobody waits for a person there any more. */
  close(): void {
    this.endProblem();
  }

  private hear(news: FailoverNews): void {
    switch (news.kind) {
      case 'new-primary-proven':
        this.listener.crossed(news.record);
        return;
      case 'fencing':
        this.listener.closingIn();
        return;
      case 'given-up':
        this.listener.givenUp();
        return;
      case 'waiting':
        this.run.waitingFor = news.waitingFor ?? 'the failover under way';
        return;
      case 'problem': {
        this.endProblem();
        this.endProblem = () => undefined;
        if (news.problem === null) return;
        const { where, ...problem } = news.problem;
        this.endProblem = this.run.control.show(problem, where);
        return;
      }
      default:
        unknownWord('news of a failover', news);
    }
  }
}

async function resultOf(
  run: Run,
  child: ChildWorkflowHandle<FailoverWorkflow>,
  closingIn: () => void,
): Promise<FailoverRecord> {
  const scope = new CancellationScope();
  const passing = scope.run(() => forwardControl(run, child, closingIn));
  passing.catch(() => undefined);
  // A cancellation of the run is no end of its failover.
  const stuck = scope.run(() => failIfStuck(run, child.workflowId)).catch(throwUnlessCancelled);
  try {
    return await Promise.race([child.result(), stuck]);
  } finally {
    scope.cancel();
  }
}

async function throwUnlessCancelled(error: unknown): Promise<never> {
  if (!isCancellation(error)) throw error;
  return new Promise<never>(() => undefined);
}

/** A timer that fires later than this says that no worker was there, for the failover neither. */
const LATE_MS = 1_000;

/**
 * A failover that gives way ends within seconds, whatever it waits for. One that does not has a workflow whose tasks
 * fail: the forced one is not kept waiting for it. What asked it to give way stands in its history, so that it does
 * nothing more but give way should its tasks succeed again.
 * @throws StuckFailover
 */
async function failIfStuck(run: Run, workflowId: string): Promise<never> {
  await condition(() => isPreempted(run));
  for (let ms = msUntilStuck(run); ; ) {
    const dueAt = Date.now() + ms;
    await sleep(ms);
    const late = Date.now() - dueAt;
    if (late <= LATE_MS) break;
    // It gets the time that it did not have.
    ms = Math.min(late, STUCK_AFTER_MS);
  }
  const stuck = new StuckFailover(workflowId);
  await run.notify(
    'critical',
    'failover.not-ended',
    `${stuck.message}; the forced one begins without it`,
    `look at it in Temporal; if its tasks fail, end it, so that what it began stops, too: temporal workflow terminate -w '${workflowId}'`,
  );
  throw stuck;
}

class StuckFailover extends Error {
  override readonly name = 'StuckFailover';
  constructor(workflowId: string) {
    super(
      `the failover that was under way (${workflowId}) had not ended ${formatDuration(STUCK_AFTER_MS)} after it was asked to give way: its workflow may be stuck`,
    );
  }
}

/** People talk to the run: a pause and a resume that concern the failover reach it from there. */
async function forwardControl(
  run: Run,
  child: ChildWorkflowHandle<FailoverWorkflow>,
  closingIn: () => void,
): Promise<void> {
  const { workflowId, runId } = workflowInfo();
  const from = { workflowId, runId };
  // A pause may have been accepted before the failover began: it is passed on at once.
  let paused = false;
  let retries = run.control.retriesAsked;
  let wayIsGiven = false;
  for (;;) {
    await condition(
      () =>
        run.state.paused !== paused ||
        run.control.retriesAsked !== retries ||
        (isPreempted(run) && !wayIsGiven),
    );
    const asked: FailoverControl[] = [];
    const preemptedBy = run.state.protection?.preemptedBy;
    if (preemptedBy !== undefined && !wayIsGiven) {
      asked.push({ kind: 'preempt', by: preemptedBy.request.by, at: forcedAtOf(run) });
      wayIsGiven = true;
      // The watch has the same time to stop as the failover: neither waits for the other.
      closingIn();
    }
    if (run.state.paused && !paused) asked.push({ kind: 'pause' });
    if (run.control.retriesAsked !== retries) asked.push({ kind: 'retry' });
    paused = run.state.paused;
    retries = run.control.retriesAsked;
    for (const control of asked) await child.signal(failoverControlSignal, { ...control, from });
  }
}

function failed(
  run: Run,
  request: FailoverRequest,
  workflowId: string,
  startedAt: string,
  error: unknown,
): FailoverRecord {
  const cause = error instanceof ChildWorkflowFailure ? (error.cause ?? error) : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  const summary = error instanceof StuckFailover ? why : `its workflow ended without a result: ${why}`;
  return failoverRecordOf(request, {
    workflowId,
    startedAt,
    endedAt: run.now(),
    outcome: 'failed',
    summary,
  });
}
