/**
 * The Temporal service of a simulation: executions, their workflow tasks, activities, timers, children and messages, as
 * far as the product uses them. What it has written down is never lost; everything on the way to and from it may be.
 */
import { DefaultFailureConverter, defaultPayloadConverter, type Payload } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time';
import { coresdk, temporal } from '@temporalio/proto';
import type { Command, Job } from '../support/workflow-sandbox';
import { ActivityTask } from './activity-task';
import type { FaultOffer, Faults } from './faults';
import type { Network } from './network';
import type { TemporalWorker } from './temporal-worker';
import type { Party, Scheduled, VirtualTime } from './virtual-time';
import { type Ending, type TaskResult, WorkflowExecution } from './workflow-execution';

const converter = defaultPayloadConverter;
const failures = new DefaultFailureConverter();

/** Default time-out of a workflow task. */
const TASK_TIMEOUT_MS = 10_000;
/** How long a task waits for the worker that has the workflow in its cache; `STICKY_TIMEOUT` of the product. */
const STICKY_MS = 2_000;
const NO_WORKER_MS = 1_000;
/** A workflow task that failed is tried again; the service's backoff begins here. */
const FAILED_TASK_MS = 1_000;

const TASK_FAULTS: readonly FaultOffer[] = [
  { kind: 'evict', weight: 4, ms: [1, 1] },
  { kind: 'lost-completion', weight: 2, ms: [1, 1] },
  { kind: 'delay', weight: 2, ms: [10, 30_000] },
];

/** What happens at the service, for those who watch. */
export interface ServiceEvents {
  attemptHandedOut(task: ActivityTask, worker: TemporalWorker): void;
  attemptEnded(task: ActivityTask, how: string): void;
  workflowEnded(execution: WorkflowExecution, ending: Ending): void;
}

export interface Delivered {
  /** Activity attempts that were handed out, by type. */
  readonly attempts: Map<string, number>;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** What keeps a workflow from going on; a simulation must not have any. */
export interface Trouble {
  readonly workflowId: string;
  readonly message: string;
}

export class TemporalService {
  readonly delivered: Delivered = { attempts: new Map() };
  readonly troubles: Trouble[] = [];
  private readonly executions = new Map<string, WorkflowExecution>();
  private readonly workers = new Set<TemporalWorker>();
  private readonly activities = new Map<WorkflowExecution, Map<number, ActivityTask>>();
  private readonly timers = new Map<WorkflowExecution, Map<number, Scheduled>>();
  private readonly children = new Map<WorkflowExecution, Map<number, WorkflowExecution>>();
  private readonly updates = new Map<string, Waiting & { readonly execution: WorkflowExecution }>();
  private runs = 0;
  private tasks = 0;
  private updateCount = 0;

  constructor(
    readonly time: VirtualTime,
    readonly party: Party,
    private readonly network: Network,
    private readonly faults: Faults,
    private readonly onError: (error: unknown) => void,
    private readonly events: ServiceEvents,
  ) {}

  addWorker(worker: TemporalWorker): void {
    this.workers.add(worker);
  }

  removeWorker(worker: TemporalWorker): void {
    this.workers.delete(worker);
    for (const execution of this.executions.values()) {
      if (execution.cachedOn === worker) void execution.evict();
    }
  }

  execution(workflowId: string): WorkflowExecution | undefined {
    return this.executions.get(workflowId);
  }

  /** Every execution that there was, also those that continued as new. */
  readonly history: WorkflowExecution[] = [];

  get all(): readonly WorkflowExecution[] {
    return [...this.executions.values()];
  }

  /** Activities that are under way or due, of the newest execution of each workflow. */
  get open(): readonly ActivityTask[] {
    return this.all.flatMap((execution) => [...(this.activities.get(execution)?.values() ?? [])]);
  }

  toWorker(worker: TemporalWorker, run: () => void): void {
    this.network.send(this.party, worker.party, run);
  }

  fromWorker(worker: TemporalWorker, run: () => void): void {
    this.network.send(worker.party, this.party, run);
  }

  /** A worker that takes tasks of the queue and can be reached; the service cannot tell a frozen one from others. */
  workerOf(queue: string): TemporalWorker | undefined {
    const able = [...this.workers].filter(
      (worker) =>
        worker.party.state !== 'dead' &&
        worker.queues.has(queue) &&
        !this.network.isCut(this.party, worker.party),
    );
    this.tasks += 1;
    return able[this.tasks % Math.max(able.length, 1)];
  }

  noteAttempt(task: ActivityTask, worker: TemporalWorker): void {
    this.delivered.attempts.set(task.type, (this.delivered.attempts.get(task.type) ?? 0) + 1);
    this.events.attemptHandedOut(task, worker);
  }

  noteAttemptEnd(task: ActivityTask, how: string): void {
    this.events.attemptEnded(task, how);
  }

  // --- what clients ask for -----------------------------------------------------------------------------------------

  start(
    workflowType: string,
    workflowId: string,
    args: readonly unknown[],
    parent?: { readonly execution: WorkflowExecution; readonly seq: number },
  ): WorkflowExecution {
    return this.begin(workflowType, workflowId, args.map(toPayload), parent);
  }

  private begin(
    workflowType: string,
    workflowId: string,
    args: readonly Payload[],
    parent?: { readonly execution: WorkflowExecution; readonly seq: number },
  ): WorkflowExecution {
    this.runs += 1;
    const execution = new WorkflowExecution({
      workflowType,
      workflowId,
      runId: `run-${this.runs}`,
      taskQueue: QUEUE,
      startedAt: Math.floor(this.time.now),
      ...(parent === undefined ? {} : { parent }),
    });
    this.executions.set(workflowId, execution);
    this.history.push(execution);
    this.tell(execution, { initializeWorkflow: { workflowId, workflowType, arguments: [...args] } });
    return execution;
  }

  signal(workflowId: string, signalName: string, args: readonly Payload[]): boolean {
    const execution = this.executions.get(workflowId);
    if (execution === undefined || execution.ending !== undefined) return false;
    this.tell(execution, { signalWorkflow: { signalName, input: [...args], headers: {} } });
    return true;
  }

  /** Rejects when the workflow refuses it, or is over before it answers. */
  update(workflowId: string, name: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const execution = this.executions.get(workflowId);
      if (execution === undefined || execution.ending !== undefined) {
        reject(new Error(`no workflow ${workflowId} runs`));
        return;
      }
      this.updateCount += 1;
      const id = `update-${this.updateCount}`;
      this.updates.set(id, { resolve, reject, execution });
      this.tell(execution, {
        doUpdate: {
          id,
          protocolInstanceId: id,
          name,
          input: args.map(toPayload),
          headers: {},
          meta: { identity: 'person' },
          runValidator: true,
        },
      });
    });
  }

  /** Answered by a worker: rejects when the handler throws. */
  query(workflowId: string, name: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const execution = this.executions.get(workflowId);
      if (execution === undefined) return reject(new Error(`there is no workflow ${workflowId}`));
      const ask = (): void => {
        const worker = this.workerOf(QUEUE);
        if (worker === undefined || execution.task !== undefined) {
          this.time.schedule(this.party, NO_WORKER_MS, ask);
          return;
        }
        const job: Job = { queryWorkflow: { queryId: 'q', queryType: name, arguments: [], headers: {} } };
        this.toWorker(worker, () => {
          if (execution.task !== undefined) return this.fromWorker(worker, ask);
          void execution.process(worker, [job], Math.floor(this.time.now)).then((result) => {
            this.fromWorker(worker, () => answerQuery(result, { resolve, reject }));
          }, this.onError);
        });
      };
      ask();
    });
  }

  terminate(workflowId: string): void {
    const execution = this.executions.get(workflowId);
    if (execution !== undefined && execution.ending === undefined)
      this.end(execution, { kind: 'terminated' });
  }

  // --- workflow tasks -----------------------------------------------------------------------------------------------

  private tell(execution: WorkflowExecution, job: Job): void {
    if (execution.ending !== undefined) return;
    execution.pending.push(job);
    this.schedule(execution);
  }

  private schedule(execution: WorkflowExecution, afterMs = 0): void {
    if (execution.task !== undefined || execution.ending !== undefined || execution.pending.length === 0)
      return;
    this.tasks += 1;
    const task = this.tasks;
    execution.task = task;
    this.time.schedule(this.party, afterMs, () => this.offer(execution, task));
  }

  private offer(execution: WorkflowExecution, task: number): void {
    if (execution.task !== task || execution.ending !== undefined) return;
    const cached = [...this.workers].find((worker) => worker === execution.cachedOn);
    const worker = cached ?? this.workerOf(QUEUE);
    if (worker === undefined || this.network.isCut(this.party, worker.party)) {
      // Whoever has it in its cache does not ask: after a while any other worker may.
      if (cached !== undefined) void execution.evict();
      this.time.schedule(this.party, cached === undefined ? NO_WORKER_MS : STICKY_MS, () =>
        this.offer(execution, task),
      );
      return;
    }
    const fault = this.faults.at('workflow task', TASK_FAULTS);
    if (fault?.kind === 'delay') {
      this.time.schedule(this.party, fault.ms, () => this.hand(execution, task, worker, false));
      return;
    }
    if (fault?.kind === 'evict') void execution.evict();
    this.hand(execution, task, worker, fault?.kind === 'lost-completion');
  }

  private hand(execution: WorkflowExecution, task: number, worker: TemporalWorker, isLost: boolean): void {
    if (execution.task !== task || execution.ending !== undefined) return;
    const jobs = [...execution.pending];
    const at = Math.floor(this.time.now);
    this.time.schedule(this.party, TASK_TIMEOUT_MS, () => this.loseTask(execution, task));
    this.toWorker(worker, () => {
      if (execution.task !== task || execution.ending !== undefined) return;
      void execution.process(worker, jobs, at).then((result) => {
        if (isLost) return;
        this.fromWorker(worker, () => void this.complete(execution, task, jobs, result));
      }, this.onError);
    });
  }

  private loseTask(execution: WorkflowExecution, task: number): void {
    if (execution.task !== task) return;
    execution.task = undefined;
    void execution.evict().then(() => this.schedule(execution));
  }

  private async complete(
    execution: WorkflowExecution,
    task: number,
    jobs: readonly Job[],
    result: TaskResult,
  ): Promise<void> {
    if (execution.task !== task || execution.ending !== undefined) return;
    execution.task = undefined;
    if (result.kind === 'failed') {
      this.troubles.push({ workflowId: execution.info.workflowId, message: result.message });
      this.schedule(execution, FAILED_TASK_MS);
      return;
    }
    // UnhandledCommand: the workflow must hear what came meanwhile before it may end.
    if (result.commands.some(isEnding) && execution.pending.length > jobs.length) {
      await execution.evict();
      this.schedule(execution);
      return;
    }
    execution.record(jobs, result);
    for (const command of result.commands) this.obey(execution, command);
    this.schedule(execution);
  }

  // --- commands -----------------------------------------------------------------------------------------------------

  private obey(execution: WorkflowExecution, command: Command): void {
    if (command.startTimer) this.startTimer(execution, command.startTimer);
    else if (command.cancelTimer)
      mapOf(this.timers, execution)
        .get(command.cancelTimer.seq ?? 0)
        ?.cancel();
    else if (command.scheduleActivity) this.startActivity(execution, command.scheduleActivity);
    else if (command.requestCancelActivity) {
      mapOf(this.activities, execution)
        .get(command.requestCancelActivity.seq ?? 0)
        ?.requestCancel();
    } else if (command.updateResponse) this.answerUpdate(command.updateResponse);
    else if (command.startChildWorkflowExecution)
      this.startChild(execution, command.startChildWorkflowExecution);
    else if (command.cancelChildWorkflowExecution) {
      const child = mapOf(this.children, execution).get(
        command.cancelChildWorkflowExecution.childWorkflowSeq ?? 0,
      );
      const current = child && this.executions.get(child.info.workflowId);
      if (current) this.tell(current, { cancelWorkflow: { reason: 'by the parent' } });
    } else if (command.signalExternalWorkflowExecution) {
      this.signalOther(execution, command.signalExternalWorkflowExecution);
    } else this.obeyEnding(execution, command);
  }

  private obeyEnding(execution: WorkflowExecution, command: Command): void {
    if (command.completeWorkflowExecution) {
      const payload = command.completeWorkflowExecution.result;
      this.end(execution, {
        kind: 'completed',
        result: payload ? converter.fromPayload(payload) : undefined,
      });
    } else if (command.failWorkflowExecution) {
      const failure = command.failWorkflowExecution.failure ?? {};
      this.end(execution, { kind: 'failed', error: failures.failureToError(failure, converter) }, failure);
    } else if (command.cancelWorkflowExecution) {
      this.end(execution, { kind: 'cancelled' });
    } else if (command.continueAsNewWorkflowExecution) {
      const { workflowType, workflowId, parent } = execution.info;
      const args = command.continueAsNewWorkflowExecution.arguments ?? [];
      this.close(execution);
      const next = this.begin(workflowType, workflowId, args, parent);
      execution.ending = { kind: 'continued-as-new', next };
      this.events.workflowEnded(execution, execution.ending);
    }
  }

  private startTimer(
    execution: WorkflowExecution,
    { seq, startToFireTimeout }: coresdk.workflow_commands.IStartTimer,
  ): void {
    const number = seq ?? 0;
    const timer = this.time.schedule(this.party, tsToMs(startToFireTimeout), () =>
      this.tell(execution, { fireTimer: { seq: number } }),
    );
    mapOf(this.timers, execution).set(number, timer);
  }

  private startActivity(
    execution: WorkflowExecution,
    command: coresdk.workflow_commands.IScheduleActivity,
  ): void {
    const task = new ActivityTask(this, execution, command);
    mapOf(this.activities, execution).set(task.seq, task);
    task.start();
  }

  activityClosed(task: ActivityTask, result: coresdk.activity_result.IActivityResolution): void {
    mapOf(this.activities, task.execution).delete(task.seq);
    this.tell(task.execution, { resolveActivity: { seq: task.seq, result } });
  }

  private startChild(
    parent: WorkflowExecution,
    command: coresdk.workflow_commands.IStartChildWorkflowExecution,
  ): void {
    const workflowId = command.workflowId ?? '';
    const workflowType = command.workflowType ?? '';
    const seq = command.seq ?? 0;
    const running = this.executions.get(workflowId);
    if (running !== undefined && running.ending === undefined) {
      const { START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS: cause } =
        coresdk.child_workflow.StartChildWorkflowExecutionFailedCause;
      this.tell(parent, {
        resolveChildWorkflowExecutionStart: { seq, failed: { workflowId, workflowType, cause } },
      });
      return;
    }
    const child = this.begin(workflowType, workflowId, command.input ?? [], { execution: parent, seq });
    mapOf(this.children, parent).set(seq, child);
    this.tell(parent, {
      resolveChildWorkflowExecutionStart: { seq, succeeded: { runId: child.info.runId } },
    });
  }

  private signalOther(
    execution: WorkflowExecution,
    command: coresdk.workflow_commands.ISignalExternalWorkflowExecution,
  ): void {
    const seq = command.seq ?? 0;
    const id = command.childWorkflowId || command.workflowExecution?.workflowId || '';
    const runId = command.workflowExecution?.runId || undefined;
    const other = this.executions.get(id);
    const isThere = other !== undefined && (runId === undefined || other.info.runId === runId);
    const isHeard = isThere && this.signal(id, command.signalName ?? '', command.args ?? []);
    const failure = failures.errorToFailure(new Error(`no workflow ${id} runs`), converter);
    this.tell(execution, { resolveSignalExternalWorkflow: { seq, ...(isHeard ? {} : { failure }) } });
  }

  private answerUpdate(response: coresdk.workflow_commands.IUpdateResponse): void {
    const id = response.protocolInstanceId ?? '';
    const waiting = this.updates.get(id);
    if (waiting === undefined || response.accepted) return;
    this.updates.delete(id);
    if (response.rejected) waiting.reject(failures.failureToError(response.rejected, converter));
    else waiting.resolve(response.completed ? converter.fromPayload(response.completed) : undefined);
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  private end(
    execution: WorkflowExecution,
    ending: Ending,
    failure?: temporal.api.failure.v1.IFailure,
  ): void {
    this.close(execution);
    execution.ending = ending;
    this.events.workflowEnded(execution, ending);
    const { parent } = execution.info;
    if (parent === undefined) return;
    const current = this.executions.get(parent.execution.info.workflowId);
    // A parent that continued as new has let go of its children.
    if (current !== parent.execution) return;
    this.tell(parent.execution, {
      resolveChildWorkflowExecution: { seq: parent.seq, result: childResult(execution, ending, failure) },
    });
  }

  /** Timers, activities and messages of an execution that is over are over too, and so are its children. */
  private close(execution: WorkflowExecution): void {
    for (const timer of mapOf(this.timers, execution).values()) timer.cancel();
    for (const task of mapOf(this.activities, execution).values()) task.abandon();
    this.activities.delete(execution);
    this.timers.delete(execution);
    execution.pending = [];
    execution.task = undefined;
    void execution.evict();
    for (const [id, waiting] of this.updates) {
      if (waiting.execution !== execution) continue;
      this.updates.delete(id);
      waiting.reject(new Error(`the workflow ${execution.info.workflowId} is over`));
    }
    for (const child of mapOf(this.children, execution).values()) {
      const current = this.executions.get(child.info.workflowId);
      if (current?.info.parent?.execution === execution) this.terminate(child.info.workflowId);
    }
  }
}

/** The product's queue of runs and steps in a simulation. */
export const QUEUE = 'sqlferry';

const isEnding = (command: Command): boolean =>
  Boolean(
    command.completeWorkflowExecution ||
      command.failWorkflowExecution ||
      command.cancelWorkflowExecution ||
      command.continueAsNewWorkflowExecution,
  );

function childResult(
  { info }: WorkflowExecution,
  ending: Ending,
  failure: temporal.api.failure.v1.IFailure | undefined,
): coresdk.child_workflow.IChildWorkflowResult {
  if (ending.kind === 'completed') return { completed: { result: toPayload(ending.result) } };
  const cause =
    failure ?? (ending.kind === 'terminated' ? { terminatedFailureInfo: {} } : { canceledFailureInfo: {} });
  const wrapped: temporal.api.failure.v1.IFailure = {
    message: 'Child Workflow execution failed',
    cause: { message: ending.kind, ...cause },
    childWorkflowExecutionFailureInfo: {
      namespace: 'default',
      workflowExecution: { workflowId: info.workflowId, runId: info.runId },
      workflowType: { name: info.workflowType },
      retryState: temporal.api.enums.v1.RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE,
    },
  };
  return ending.kind === 'cancelled' ? { cancelled: { failure: wrapped } } : { failed: { failure: wrapped } };
}

function answerQuery(result: TaskResult, { resolve, reject }: Waiting): void {
  if (result.kind === 'failed') {
    reject(new Error(result.message));
    return;
  }
  const response = result.commands.find((command) => command.respondToQuery)?.respondToQuery;
  const payload = response?.succeeded?.response;
  if (payload) resolve(converter.fromPayload(payload));
  else reject(new Error(`the query failed: ${response?.failed?.message ?? ''}`));
}

const toPayload = (value: unknown): Payload => converter.toPayload(value === undefined ? null : value);

function mapOf<K, V>(maps: Map<K, Map<number, V>>, key: K): Map<number, V> {
  const known = maps.get(key);
  if (known !== undefined) return known;
  const made = new Map<number, V>();
  maps.set(key, made);
  return made;
}
