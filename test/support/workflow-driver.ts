/**
 * Drives a workflow from the real bundle, in the real sandbox, with no server and in virtual time: fault matrices by
 * the thousand. Uses internals of @temporalio/worker, which is pinned to an exact version; this is the one file that
 * does. Not simulated: retries and time-outs of activities (a fake's outcome is the final one).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ActivityFailure,
  type ApplicationFailure,
  CancelledFailure,
  DefaultFailureConverter,
  defaultPayloadConverter,
  RetryState,
  TypedSearchAttributes,
} from '@temporalio/common';
import { msToTs, tsToMs } from '@temporalio/common/lib/time';
import { coresdk } from '@temporalio/proto';
import { parseWorkflowCode } from '@temporalio/worker/lib/worker';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm';
import { createUnsafeRandomSource } from '@temporalio/workflow/lib/random-helpers';

type Job = coresdk.workflow_activation.IWorkflowActivationJob;
type Command = coresdk.workflow_commands.IWorkflowCommand;

export interface ActivityCall {
  readonly type: string;
  readonly input: unknown;
  /** Virtual milliseconds since the start. */
  readonly at: number;
  readonly count: number;
}

/** What a fake activity does: answer at once, later, never (until cancelled), or fail for good. */
export type FakeOutcome =
  | { readonly kind: 'answer'; readonly value: unknown; readonly afterMs?: number }
  | { readonly kind: 'fail'; readonly failure: ApplicationFailure; readonly afterMs?: number }
  | { readonly kind: 'hang' };

export type FakeActivity = (call: ActivityCall) => FakeOutcome;

export const answer = (value: unknown, afterMs = 0): FakeOutcome => ({ kind: 'answer', value, afterMs });
export const fail = (failure: ApplicationFailure, afterMs = 0): FakeOutcome => ({
  kind: 'fail',
  failure,
  afterMs,
});
export const hang: FakeOutcome = { kind: 'hang' };

export type Ending =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'continued-as-new'; readonly input: unknown }
  /** Nothing is due any more: the workflow waits for a message. */
  | { readonly kind: 'idle' };

interface Due {
  readonly at: number;
  readonly order: number;
  readonly job: Job;
  readonly key: string;
}

const converter = defaultPayloadConverter;
const failures = new DefaultFailureConverter();
const toPayload = (value: unknown) => converter.toPayload(value === undefined ? null : value);
const START = Date.parse('2026-11-01T00:00:00Z');

let creator: Promise<ReusableVMWorkflowCreator> | undefined;

function workflowCreator(): Promise<ReusableVMWorkflowCreator> {
  creator ??= ReusableVMWorkflowCreator.create(
    parseWorkflowCode(readFileSync(join(__dirname, '../../dist/workflow-bundle.js'), 'utf8')),
    5_000,
    new Set(),
  );
  return creator;
}

/** To be called once after the tests of a file. */
export async function closeWorkflowDrivers(): Promise<void> {
  await (await creator)?.destroy();
  creator = undefined;
}

let runs = 0;

export class WorkflowDriver {
  readonly calls: ActivityCall[] = [];
  /** Every batch of jobs with the commands it led to, for the determinism check. */
  private readonly batches: { readonly at: number; readonly jobs: Job[]; readonly commands: string }[] = [];
  private due: Due[] = [];
  private order = 0;
  private now = START;
  private updates = 0;
  private ending: Ending | undefined;
  private readonly answers = new Map<string, { rejected?: string; value?: unknown }>();
  private readonly pending = new Map<number, { cancelled: boolean; type: string }>();

  private constructor(
    private workflow: Awaited<ReturnType<ReusableVMWorkflowCreator['createWorkflow']>>,
    private readonly runId: string,
    private readonly activities: Readonly<Record<string, FakeActivity>>,
    private readonly workflowType: string,
  ) {}

  static async start(
    workflowType: string,
    input: unknown,
    activities: Readonly<Record<string, FakeActivity>>,
  ): Promise<WorkflowDriver> {
    runs += 1;
    const runId = `run-${process.pid}-${runs}`;
    const driver = new WorkflowDriver(await create(workflowType, runId), runId, activities, workflowType);
    await driver.activate([
      {
        initializeWorkflow: {
          workflowId: 'test',
          workflowType,
          arguments: [toPayload(input)],
        },
      },
    ]);
    return driver;
  }

  /** Virtual milliseconds since the start. */
  get elapsed(): number {
    return this.now - START;
  }

  get ended(): Ending | undefined {
    return this.ending;
  }

  /** Goes on until the workflow ends, nothing is due, or the condition holds (looked at after every batch). */
  async run(until: () => boolean = () => false, untilMs = Number.POSITIVE_INFINITY): Promise<Ending> {
    while (this.ending === undefined && !until()) {
      const next = this.due[0];
      if (next === undefined || next.at - START > untilMs) {
        if (Number.isFinite(untilMs)) this.now = Math.max(this.now, START + untilMs);
        return { kind: 'idle' };
      }
      this.now = Math.max(this.now, next.at);
      const batch = this.due.filter((due) => due.at <= this.now && due.order <= next.order);
      this.due = this.due.filter((due) => !batch.includes(due));
      await this.activate(batch.map((due) => due.job));
    }
    return this.ending ?? { kind: 'idle' };
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

  async query<T>(name: string): Promise<T> {
    const commands = await this.send([
      { queryWorkflow: { queryId: 'q', queryType: name, arguments: [], headers: {} } },
    ]);
    const response = commands.find((command) => command.respondToQuery)?.respondToQuery;
    const payload = response?.succeeded?.response;
    if (!payload) throw new Error(`query ${name} failed: ${JSON.stringify(response?.failed?.message)}`);
    return converter.fromPayload<T>(payload);
  }

  async cancel(): Promise<void> {
    await this.activate([{ cancelWorkflow: { reason: 'test' } }]);
  }

  /** Replays all jobs in a new instance, as a restarted worker would, and compares every command. */
  async replay(): Promise<void> {
    await this.workflow.dispose();
    this.workflow = await create(this.workflowType, this.runId);
    for (const batch of this.batches) {
      const commands = await this.send(batch.jobs, batch.at, true);
      const text = describe(commands);
      if (text !== batch.commands) {
        throw new Error(`replay differs:\n was ${batch.commands}\n now ${text}`);
      }
    }
  }

  async dispose(): Promise<void> {
    await this.workflow.dispose();
  }

  private async activate(jobs: Job[]): Promise<void> {
    const at = this.now;
    const commands = await this.send(jobs, at);
    this.batches.push({ at, jobs, commands: describe(commands) });
    for (const command of commands) this.obey(command);
  }

  private async send(jobs: Job[], at = this.now, isReplaying = false): Promise<Command[]> {
    const activation = coresdk.workflow_activation.WorkflowActivation.fromObject({
      runId: this.runId,
      timestamp: msToTs(at),
      isReplaying,
      historyLength: 3 + this.batches.length * 5,
      jobs,
    });
    const completion = await this.workflow.activate(activation);
    if (completion.failed) throw new Error(`workflow task failed: ${completion.failed.failure?.message}`);
    return completion.successful?.commands ?? [];
  }

  private obey(command: Command): void {
    if (command.startTimer) {
      const { startToFireTimeout } = command.startTimer;
      const seq = command.startTimer.seq ?? 0;
      this.schedule(tsToMs(startToFireTimeout), `timer-${seq}`, { fireTimer: { seq } });
    } else if (command.cancelTimer) {
      this.unschedule(`timer-${command.cancelTimer.seq}`);
    } else if (command.scheduleActivity) {
      this.callActivity(command.scheduleActivity);
    } else if (command.requestCancelActivity) {
      this.cancelActivity(command.requestCancelActivity.seq ?? 0);
    } else if (command.updateResponse) {
      this.noteAnswer(command.updateResponse);
    } else if (command.completeWorkflowExecution) {
      const payload = command.completeWorkflowExecution.result;
      this.ending = { kind: 'completed', result: payload ? converter.fromPayload(payload) : undefined };
    } else if (command.failWorkflowExecution) {
      const failure = command.failWorkflowExecution.failure ?? {};
      this.ending = { kind: 'failed', error: failures.failureToError(failure, converter) };
    } else if (command.cancelWorkflowExecution) {
      this.ending = { kind: 'cancelled' };
    } else if (command.continueAsNewWorkflowExecution) {
      const [payload] = command.continueAsNewWorkflowExecution.arguments ?? [];
      this.ending = { kind: 'continued-as-new', input: payload ? converter.fromPayload(payload) : undefined };
    }
  }

  private callActivity(command: coresdk.workflow_commands.IScheduleActivity): void {
    const type = command.activityType ?? '';
    const seq = command.seq ?? 0;
    const [payload] = command.arguments ?? [];
    const call: ActivityCall = {
      type,
      input: payload ? converter.fromPayload(payload) : undefined,
      at: this.elapsed,
      count: this.calls.filter((earlier) => earlier.type === type).length + 1,
    };
    this.calls.push(call);
    this.pending.set(seq, { cancelled: false, type });
    const fake = this.activities[type];
    if (fake === undefined) throw new Error(`no fake for activity ${type}`);
    const outcome = fake(call);
    if (outcome.kind === 'hang') return;
    const result =
      outcome.kind === 'answer'
        ? { completed: { result: toPayload(outcome.value) } }
        : {
            failed: {
              failure: this.activityFailure(type, outcome.failure, RetryState.NON_RETRYABLE_FAILURE),
            },
          };
    this.schedule(outcome.afterMs ?? 0, `activity-${seq}`, { resolveActivity: { seq, result } });
  }

  private cancelActivity(seq: number): void {
    this.unschedule(`activity-${seq}`);
    const type = this.pending.get(seq)?.type ?? '';
    const failure = this.activityFailure(
      type,
      new CancelledFailure('cancelled'),
      RetryState.CANCEL_REQUESTED,
    );
    this.schedule(0, `activity-${seq}`, { resolveActivity: { seq, result: { cancelled: { failure } } } });
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

  private schedule(afterMs: number, key: string, job: Job): void {
    this.order += 1;
    this.due.push({ at: this.now + afterMs, order: this.order, job, key });
    this.due.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  private unschedule(key: string): void {
    this.due = this.due.filter((due) => due.key !== key);
  }
}

async function create(workflowType: string, runId: string) {
  const now = START;
  return (await workflowCreator()).createWorkflow({
    info: {
      workflowType,
      runId,
      workflowId: 'test',
      namespace: 'default',
      firstExecutionRunId: runId,
      originalExecutionRunId: runId,
      attempt: 1,
      taskTimeoutMs: 1_000,
      taskQueue: 'test',
      searchAttributes: {},
      typedSearchAttributes: new TypedSearchAttributes(),
      historyLength: 3,
      historySize: 300,
      continueAsNewSuggested: false,
      targetWorkerDeploymentVersionChanged: false,
      unsafe: {
        isReplaying: false,
        isReplayingHistoryEvents: false,
        now: Date.now,
        random: createUnsafeRandomSource(Math.random),
      },
      startTime: new Date(now),
      runStartTime: new Date(now),
    },
    randomnessSeed: [57, 5, 0, 0, 0, 0, 0, 0],
    now,
    showStackTraceSources: false,
  });
}

const describe = (commands: readonly Command[]): string =>
  JSON.stringify(commands.filter((command) => !command.respondToQuery));
