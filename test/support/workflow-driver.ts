/**
 * Drives a workflow from the real bundle, in the real sandbox, with no server and in virtual time: fault matrices by
 * the thousand. Not simulated: retries of activities (a fake's outcome is the final one), and of their time-outs all but
 * schedule-to-close, which ends an activity that hangs.
 */
import {
  ActivityFailure,
  type ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  DefaultFailureConverter,
  defaultPayloadConverter,
  RetryState,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time';
import { coresdk } from '@temporalio/proto';
import { differenceOf, inOrder, patchesOf } from './activation';
import { type Command, closeSandboxes, type Job, WorkflowSandbox } from './workflow-sandbox';

const { ActivityCancellationType } = coresdk.workflow_commands;

export interface ActivityCall {
  readonly type: string;
  readonly input: unknown;
  /** Virtual milliseconds since the start. */
  readonly at: number;
  readonly count: number;
  readonly taskQueue?: string;
  /** How often it would be tried; 0 is without limit. */
  readonly attempts?: number;
}

/** What a fake activity does: answer at once, later, never (until cancelled), or fail for good. */
export type FakeOutcome =
  | { readonly kind: 'answer'; readonly value: unknown; readonly afterMs?: number }
  | {
      readonly kind: 'fail';
      readonly failure: ApplicationFailure | TimeoutFailure;
      readonly afterMs?: number;
      /** It would have been tried again, had it not been the last attempt. */
      readonly isLastAttempt?: true;
    }
  | { readonly kind: 'hang' };

export type FakeActivity = (call: ActivityCall) => FakeOutcome;

export const answer = (value: unknown, afterMs = 0): FakeOutcome => ({ kind: 'answer', value, afterMs });
export const fail = (failure: ApplicationFailure, afterMs = 0): FakeOutcome => ({
  kind: 'fail',
  failure,
  afterMs,
});
/** It gives up with its last attempt, though it may pass by itself. */
export const giveUp = (failure: ApplicationFailure | TimeoutFailure): FakeOutcome => ({
  kind: 'fail',
  failure,
  isLastAttempt: true,
});
export const hang: FakeOutcome = { kind: 'hang' };

export type Ending =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'continued-as-new'; readonly input: unknown }
  /** Nothing is due any more: the workflow waits for a message. */
  | { readonly kind: 'idle' };

export interface DriverOptions {
  /** An activity that is asked to stop takes this long to do so, virtual milliseconds. */
  readonly cancellationTakesMs?: number;
  /** An activity that is asked to stop does its work to the end, as one may that hears of it late. */
  readonly cancellationIsLate?: boolean;
  /** Result of the run before this one, as a schedule hands it on. */
  readonly lastResult?: unknown;
}

/** What became of one call of an activity. */
export interface TracedCall {
  readonly call: ActivityCall;
  state: 'running' | 'completed' | 'failed' | 'cancelled';
}

interface Pending {
  readonly traced: TracedCall;
  /** False: the workflow goes on at once when it asks an activity to stop, and never learns when it did. */
  readonly stopIsWaitedFor: boolean;
  isForgotten: boolean;
}

const converter = defaultPayloadConverter;
const failures = new DefaultFailureConverter();
const toPayload = (value: unknown) => converter.toPayload(value === undefined ? null : value);
const START = Date.parse('2026-11-01T00:00:00Z');

interface Due {
  readonly owner: WorkflowDriver;
  readonly at: number;
  readonly job: Job;
  readonly key: string;
}

/** What is due, of a workflow and its children, in one virtual time. */
class Timetable {
  now = START;
  private due: Due[] = [];
  /** Workflows by id: signals find their way. */
  readonly workflows = new Map<string, WorkflowDriver>();
  readonly calls: ActivityCall[] = [];
  readonly trace: TracedCall[] = [];
  readonly counts = new Map<string, number>();

  get next(): Due | undefined {
    return this.due[0];
  }

  shift(): Due | undefined {
    return this.due.shift();
  }

  has(owner: WorkflowDriver, key: string): boolean {
    return this.due.some((due) => due.owner === owner && due.key === key);
  }

  schedule(owner: WorkflowDriver, afterMs: number, key: string, job: Job): void {
    const due = { owner, at: this.now + afterMs, job, key };
    const place = this.due.findIndex((other) => other.at > due.at);
    this.due.splice(place === -1 ? this.due.length : place, 0, due);
  }

  /** What was to come with a message, and no message came. @returns false when there was nothing */
  async deliverHeld(): Promise<boolean> {
    let wasHeld = false;
    for (const workflow of [...this.workflows.values()]) wasHeld = (await workflow.release()) || wasHeld;
    return wasHeld;
  }

  unschedule(owner: WorkflowDriver, key?: string): void {
    this.due = this.due.filter((due) => due.owner !== owner || (key !== undefined && due.key !== key));
  }
}

interface Child {
  readonly seq: number;
  readonly parent: WorkflowDriver;
}

/** To be called once after the tests of a file. */
export const closeWorkflowDrivers = closeSandboxes;

let runs = 0;

export class WorkflowDriver {
  /** Children that this workflow began, in order; each is a driver of its own in the same virtual time. */
  readonly children: WorkflowDriver[] = [];
  /** Every batch of jobs with the commands it led to, for the determinism check. */
  private readonly batches: {
    readonly at: number;
    readonly jobs: Job[];
    readonly commands: Command[];
    readonly flags: readonly number[];
  }[] = [];
  /** Flags of the SDK that the newest activation has used: a history holds them, and a replay is told them. */
  private flags: readonly number[] = [];
  private updates = 0;
  private ending: Ending | undefined;
  private isStuck = false;
  private readonly answers = new Map<string, { rejected?: string; value?: unknown }>();
  private readonly pending = new Map<number, Pending>();
  /** What travels in the activation of whatever is sent next, as a worker that was busy gets it. */
  private held: Job[] = [];

  private constructor(
    private workflow: WorkflowSandbox,
    readonly runId: string,
    private readonly activities: Readonly<Record<string, FakeActivity>>,
    private readonly workflowType: string,
    private options: DriverOptions,
    readonly workflowId: string,
    private readonly table: Timetable,
    private readonly child?: Child,
  ) {
    table.workflows.set(workflowId, this);
  }

  /** @param beside another workflow, in whose virtual time this one runs */
  static async start(
    workflowType: string,
    input: unknown,
    activities: Readonly<Record<string, FakeActivity>>,
    options: DriverOptions = {},
    beside?: { readonly driver: WorkflowDriver; readonly workflowId: string },
  ): Promise<WorkflowDriver> {
    const runId = newRunId();
    const workflowId = beside?.workflowId ?? 'test';
    const workflow = await newSandbox(workflowType, runId, workflowId);
    const table = beside?.driver.table ?? new Timetable();
    const driver = new WorkflowDriver(workflow, runId, activities, workflowType, options, workflowId, table);
    await driver.initialize([toPayload(input)]);
    return driver;
  }

  private initialize(args: coresdk.workflow_activation.IInitializeWorkflow['arguments']): Promise<void> {
    const { workflowId, workflowType } = this;
    const { lastResult } = this.options;
    const last =
      lastResult === undefined ? {} : { lastCompletionResult: { payloads: [toPayload(lastResult)] } };
    return this.activate([
      { initializeWorkflow: { workflowId, workflowType, arguments: args ?? [], ...last } },
    ]);
  }

  /** Calls of activities, of the children too. */
  get calls(): readonly ActivityCall[] {
    return this.table.calls;
  }

  /** As `calls`, with what became of each. */
  get trace(): readonly TracedCall[] {
    return this.table.trace;
  }

  /** Virtual milliseconds since the start. */
  get elapsed(): number {
    return this.table.now - START;
  }

  get ended(): Ending | undefined {
    return this.ending;
  }

  /** Goes on until the workflow ends, nothing is due, or the condition holds (looked at after every batch). */
  async run(until: () => boolean = () => false, untilMs = Number.POSITIVE_INFINITY): Promise<Ending> {
    while (this.ending === undefined && !until()) {
      const { next } = this.table;
      if ((next === undefined || next.at > this.table.now) && (await this.table.deliverHeld())) continue;
      if (next === undefined || next.at - START > untilMs) {
        if (Number.isFinite(untilMs)) this.table.now = Math.max(this.table.now, START + untilMs);
        return { kind: 'idle' };
      }
      this.table.now = Math.max(this.table.now, next.at);
      this.table.shift();
      await next.owner.deliver(next.job);
    }
    return this.ending ?? { kind: 'idle' };
  }

  private async deliver(job: Job): Promise<void> {
    if (this.ending === undefined && !this.isStuck) await this.activate([job]);
  }

  /**
   * Goes on until the answer to a call is due, and holds it: it comes in one activation with the next message to the
   * workflow that made the call, or at the end of this very moment.
   * @param number which call, from 1. @returns false when no answer will come by itself
   */
  async holdAnswerTo(number: number): Promise<boolean> {
    const traced = this.table.trace[number - 1];
    for (const owner of this.table.workflows.values()) {
      for (const [seq, pending] of owner.pending) {
        if (pending.traced === traced) return this.hold(owner, `activity-${seq}`);
      }
    }
    return false;
  }

  /** As `holdAnswerTo`, of the next signal, timer, activity or end of a child that is due to this workflow. */
  async holdNext(kind: 'signal' | 'timer' | 'activity' | 'child'): Promise<boolean> {
    await this.run(() => this.table.next?.owner === this && this.table.next.key.startsWith(`${kind}-`));
    const key = this.table.next?.key;
    return key === undefined ? false : this.hold(this, key);
  }

  private async hold(owner: WorkflowDriver, key: string): Promise<boolean> {
    if (!this.table.has(owner, key)) return false;
    const isNext = () => this.table.next?.owner === owner && this.table.next.key === key;
    await this.run(() => isNext() || !this.table.has(owner, key));
    if (!isNext()) return false;
    const due = this.table.shift();
    if (due === undefined) return false;
    this.table.now = Math.max(this.table.now, due.at);
    owner.held.push(due.job);
    return true;
  }

  /** Somebody signals this workflow; it hears of it before anything else happens. */
  async signal(signalName: string, ...args: readonly unknown[]): Promise<void> {
    await this.activate([{ signalWorkflow: { signalName, input: args.map(toPayload), headers: {} } }]);
  }

  /** @returns false when nothing was held */
  async release(): Promise<boolean> {
    if (this.held.length === 0) return false;
    if (this.ending === undefined) await this.activate([]);
    this.held = [];
    return true;
  }

  /** No worker runs for this long, virtual milliseconds: what falls due meanwhile comes afterwards, each thing late. */
  noWorkerFor(ms: number): void {
    this.table.now += ms;
  }

  /** From now on its activities take this long to stop once they are asked to, virtual milliseconds. */
  stopsWithin(cancellationTakesMs: number): void {
    this.options = { ...this.options, cancellationTakesMs };
  }

  /** From now on its activities do their work to the end, although they are asked to stop. */
  hearsTooLate(): void {
    this.options = { ...this.options, cancellationIsLate: true };
  }

  /** From now on its workflow tasks fail: whatever is sent to it has no effect. */
  getStuck(): void {
    this.isStuck = true;
  }

  /** Somebody ends this workflow by force; its parent learns of it. */
  terminate(): void {
    this.end({ kind: 'failed', error: new TerminatedFailure('terminated') });
  }

  /** Sends an update and goes on until it is answered. Rejections of a validator reject here. */
  async update<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    this.updates += 1;
    const id = `update-${this.updates}`;
    await this.activate([
      {
        doUpdate: {
          id,
          protocolInstanceId: id,
          name,
          input: args.map(toPayload),
          headers: {},
          meta: { identity: 'test' },
          runValidator: true,
        },
      },
    ]);
    await this.run(() => this.answers.has(id));
    const given = this.answers.get(id);
    if (given === undefined) throw new Error(`update ${name} was not answered`);
    if (given.rejected !== undefined) throw new Error(given.rejected);
    return given.value as T;
  }

  async query<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    const commands = await this.send([
      { queryWorkflow: { queryId: 'q', queryType: name, arguments: args.map(toPayload), headers: {} } },
    ]);
    const response = commands.find((command) => command.respondToQuery)?.respondToQuery;
    const payload = response?.succeeded?.response;
    if (!payload) throw new Error(`query ${name} failed: ${JSON.stringify(response?.failed?.message)}`);
    return converter.fromPayload<T>(payload);
  }

  /** As `signal`, with bytes that say nothing of what they are. */
  async signalWithBytes(name: string, bytes: Uint8Array, encoding: string): Promise<void> {
    const payload = { metadata: { encoding: Buffer.from(encoding) }, data: bytes };
    await this.activate([{ signalWorkflow: { signalName: name, input: [payload], headers: {} } }]);
  }

  async cancel(): Promise<void> {
    await this.activate([{ cancelWorkflow: { reason: 'test' } }]);
  }

  /** Replays all jobs in a new instance, as a restarted worker would, and compares every command. */
  async replay(): Promise<void> {
    await this.workflow.dispose();
    this.workflow = await newSandbox(this.workflowType, this.runId, this.workflowId, this.child?.parent);
    for (const [before, batch] of this.batches.entries()) {
      const jobs = [...patchesOf(batch.commands), ...batch.jobs];
      const commands = await this.send(jobs, batch.at, before);
      const difference = differenceOf(withoutAnswers(batch.commands), withoutAnswers(commands));
      if (difference !== undefined) throw new Error(difference);
    }
    for (const child of this.children) await child.replay();
  }

  async dispose(): Promise<void> {
    for (const child of this.children) await child.dispose();
    await this.workflow.dispose();
  }

  private async activate(sent: Job[]): Promise<void> {
    const at = this.table.now;
    const jobs = inOrder([...this.held, ...sent]);
    this.held = [];
    for (const job of jobs) this.noteOutcome(job);
    const commands = await this.send(jobs, at);
    this.batches.push({ at, jobs, commands, flags: this.flags });
    for (const command of commands) await this.obey(command);
  }

  private async send(jobs: Job[], at = this.table.now, replayed?: number): Promise<Command[]> {
    const { commands, flags } = await this.workflow.activate({
      jobs,
      at,
      historyLength: 3 + (replayed ?? this.batches.length) * 5,
      ...(replayed === undefined ? {} : { replayedFlags: this.batches[replayed]?.flags ?? [] }),
    });
    this.flags = flags;
    return commands;
  }

  private async obey(command: Command): Promise<void> {
    if (command.startTimer) {
      const { startToFireTimeout } = command.startTimer;
      const seq = command.startTimer.seq ?? 0;
      this.table.schedule(this, tsToMs(startToFireTimeout), `timer-${seq}`, { fireTimer: { seq } });
    } else if (command.cancelTimer) {
      this.table.unschedule(this, `timer-${command.cancelTimer.seq}`);
    } else if (command.scheduleActivity) {
      this.callActivity(command.scheduleActivity);
    } else if (command.requestCancelActivity) {
      this.cancelActivity(command.requestCancelActivity.seq ?? 0);
    } else if (command.updateResponse) {
      this.noteAnswer(command.updateResponse);
    } else if (command.startChildWorkflowExecution) {
      await this.startChild(command.startChildWorkflowExecution);
    } else if (command.cancelChildWorkflowExecution) {
      const { childWorkflowSeq } = command.cancelChildWorkflowExecution;
      const child = this.children.find((each) => each.child?.seq === childWorkflowSeq);
      this.table.schedule(child ?? this, 0, 'cancel', { cancelWorkflow: { reason: 'by the parent' } });
    } else if (command.signalExternalWorkflowExecution) {
      this.signalOther(command.signalExternalWorkflowExecution);
    } else if (command.completeWorkflowExecution) {
      const payload = command.completeWorkflowExecution.result;
      this.end({ kind: 'completed', result: payload ? converter.fromPayload(payload) : undefined });
    } else if (command.failWorkflowExecution) {
      const failure = command.failWorkflowExecution.failure ?? {};
      this.end({ kind: 'failed', error: failures.failureToError(failure, converter) });
    } else if (command.cancelWorkflowExecution) {
      this.end({ kind: 'cancelled' });
    } else if (command.continueAsNewWorkflowExecution) {
      const [payload] = command.continueAsNewWorkflowExecution.arguments ?? [];
      this.ending = { kind: 'continued-as-new', input: payload ? converter.fromPayload(payload) : undefined };
    }
  }

  private async startChild(command: coresdk.workflow_commands.IStartChildWorkflowExecution): Promise<void> {
    const workflowId = command.workflowId ?? '';
    const workflowType = command.workflowType ?? '';
    const seq = command.seq ?? 0;
    const running = this.table.workflows.get(workflowId);
    if (running !== undefined && running.ending === undefined) {
      const { START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS: cause } =
        coresdk.child_workflow.StartChildWorkflowExecutionFailedCause;
      this.table.schedule(this, 0, `child-start-${seq}`, {
        resolveChildWorkflowExecutionStart: { seq, failed: { workflowId, workflowType, cause } },
      });
      return;
    }
    const runId = newRunId();
    const workflow = await newSandbox(workflowType, runId, workflowId, this);
    const child = new WorkflowDriver(
      workflow,
      runId,
      this.activities,
      workflowType,
      this.options,
      workflowId,
      this.table,
      { seq, parent: this },
    );
    this.children.push(child);
    this.table.schedule(this, 0, `child-start-${seq}`, {
      resolveChildWorkflowExecutionStart: { seq, succeeded: { runId } },
    });
    await child.initialize(command.input);
  }

  private signalOther(command: coresdk.workflow_commands.ISignalExternalWorkflowExecution): void {
    const seq = command.seq ?? 0;
    const id = command.childWorkflowId || command.workflowExecution?.workflowId || '';
    const runId = command.workflowExecution?.runId || undefined;
    const other = this.table.workflows.get(id);
    const isGone =
      other === undefined || other.ending !== undefined || (runId !== undefined && runId !== other.runId);
    if (!isGone) {
      this.table.schedule(other, 0, `signal-${seq}`, {
        signalWorkflow: { signalName: command.signalName ?? '', input: command.args ?? [], headers: {} },
      });
    }
    const failure = failures.errorToFailure(new Error(`no workflow ${id} runs`), converter);
    this.table.schedule(this, 0, `signal-resolved-${seq}`, {
      resolveSignalExternalWorkflow: { seq, ...(isGone ? { failure } : {}) },
    });
  }

  /** The workflow is over: nothing of it is due any more, and its parent is told. */
  private end(ending: Ending): void {
    this.ending = ending;
    this.table.unschedule(this);
    if (this.child === undefined) return;
    const { seq, parent } = this.child;
    this.table.schedule(parent, 0, `child-${seq}`, {
      resolveChildWorkflowExecution: { seq, result: this.childResult(ending) },
    });
  }

  private childResult(ending: Ending): coresdk.child_workflow.IChildWorkflowResult {
    if (ending.kind === 'completed') return { completed: { result: toPayload(ending.result) } };
    const isCancelled = ending.kind === 'cancelled';
    const cause = ending.kind === 'failed' ? ending.error : new CancelledFailure('cancelled');
    const error = new ChildWorkflowFailure(
      'default',
      { workflowId: this.workflowId, runId: this.runId },
      this.workflowType,
      RetryState.NON_RETRYABLE_FAILURE,
      cause,
    );
    const failure = failures.errorToFailure(error, converter);
    return isCancelled ? { cancelled: { failure } } : { failed: { failure } };
  }

  private callActivity(command: coresdk.workflow_commands.IScheduleActivity): void {
    const type = command.activityType ?? '';
    const seq = command.seq ?? 0;
    const [payload] = command.arguments ?? [];
    const count = (this.table.counts.get(type) ?? 0) + 1;
    this.table.counts.set(type, count);
    const call: ActivityCall = {
      type,
      input: payload ? converter.fromPayload(payload) : undefined,
      at: this.elapsed,
      count,
      taskQueue: command.taskQueue ?? '',
      attempts: command.retryPolicy?.maximumAttempts ?? 0,
    };
    const traced: TracedCall = { call, state: 'running' };
    this.table.calls.push(call);
    this.table.trace.push(traced);
    this.pending.set(seq, {
      traced,
      stopIsWaitedFor: command.cancellationType === ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      isForgotten: false,
    });
    const fake = this.activities[type];
    if (fake === undefined) throw new Error(`no fake for activity ${type}`);
    const outcome = fake(call);
    if (outcome.kind === 'hang') {
      this.timeOut(seq, type, command);
      return;
    }
    const result =
      outcome.kind === 'answer'
        ? { completed: { result: toPayload(outcome.value) } }
        : {
            failed: {
              failure: this.activityFailure(
                type,
                outcome.failure,
                outcome.isLastAttempt
                  ? RetryState.MAXIMUM_ATTEMPTS_REACHED
                  : RetryState.NON_RETRYABLE_FAILURE,
              ),
            },
          };
    this.table.schedule(this, outcome.afterMs ?? 0, `activity-${seq}`, { resolveActivity: { seq, result } });
  }

  private timeOut(seq: number, type: string, command: coresdk.workflow_commands.IScheduleActivity): void {
    const { scheduleToCloseTimeout } = command;
    if (!scheduleToCloseTimeout) return;
    const cause = new TimeoutFailure('activity ScheduleToClose timeout', undefined, 'SCHEDULE_TO_CLOSE');
    const failure = this.activityFailure(type, cause, RetryState.TIMEOUT);
    this.table.schedule(this, tsToMs(scheduleToCloseTimeout), `activity-${seq}`, {
      resolveActivity: { seq, result: { failed: { failure } } },
    });
  }

  private cancelActivity(seq: number): void {
    const key = `activity-${seq}`;
    const pending = this.pending.get(seq);
    // Its answer came in the very activation that asks it to stop.
    if (pending === undefined) return;
    if (!pending.stopIsWaitedFor) {
      this.forget(seq, pending);
      return;
    }
    if (this.options.cancellationIsLate === true && this.table.has(this, key)) return;
    this.table.unschedule(this, key);
    this.table.schedule(this, this.options.cancellationTakesMs ?? 0, key, this.cancelled(seq));
  }

  /** The activity runs on, as far as anybody knows. */
  private forget(seq: number, pending: Pending): void {
    const key = `activity-${seq}`;
    pending.isForgotten =
      this.options.cancellationIsLate === true || this.options.cancellationTakesMs !== undefined;
    this.table.unschedule(this, key);
    this.table.schedule(this, 0, key, this.cancelled(seq));
  }

  private cancelled(seq: number): Job {
    const type = this.pending.get(seq)?.traced.call.type ?? '';
    const failure = this.activityFailure(
      type,
      new CancelledFailure('cancelled'),
      RetryState.CANCEL_REQUESTED,
    );
    return { resolveActivity: { seq, result: { cancelled: { failure } } } };
  }

  private noteOutcome({ resolveActivity }: Job): void {
    const pending = this.pending.get(resolveActivity?.seq ?? -1);
    const { result } = resolveActivity ?? {};
    if (resolveActivity?.seq != null) this.pending.delete(resolveActivity.seq);
    if (pending === undefined || pending.isForgotten || !result) return;
    pending.traced.state = result.completed ? 'completed' : result.cancelled ? 'cancelled' : 'failed';
  }

  private activityFailure(type: string, cause: Error, retryState: RetryState) {
    const error = new ActivityFailure('activity failed', type, '1', retryState, 'test', cause);
    return failures.errorToFailure(error, converter);
  }

  private noteAnswer(response: coresdk.workflow_commands.IUpdateResponse): void {
    const id = response.protocolInstanceId ?? '';
    if (response.rejected) this.answers.set(id, { rejected: response.rejected.message ?? 'rejected' });
    if (response.completed) this.answers.set(id, { value: converter.fromPayload(response.completed) });
  }
}

const newRunId = (): string => {
  runs += 1;
  return `run-${process.pid}-${runs}`;
};

const newSandbox = (workflowType: string, runId: string, workflowId: string, parent?: WorkflowDriver) =>
  WorkflowSandbox.create({
    workflowType,
    runId,
    workflowId,
    taskQueue: 'test',
    startedAt: START,
    ...(parent === undefined ? {} : { parent: { workflowId: parent.workflowId, runId: parent.runId } }),
  });

const withoutAnswers = (commands: readonly Command[]): readonly Command[] =>
  commands.filter(({ respondToQuery }) => respondToQuery == null);
