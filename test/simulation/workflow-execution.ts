/**
 * One execution of a workflow as the Temporal service holds it: what happened, in the batches in which a worker was told
 * of it, with the commands that each led to. A worker that has the workflow in its cache gets the newest batch; any
 * other one replays all of them first, and must come to the same commands.
 */
import { differenceOf, inOrder, patchesOf } from '../support/activation';
import { type Command, type Job, WorkflowSandbox } from '../support/workflow-sandbox';

export interface ExecutionInfo {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly taskQueue: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly parent?: { readonly execution: WorkflowExecution; readonly seq: number };
}

interface Batch {
  readonly jobs: readonly Job[];
  readonly at: number;
  readonly commands: readonly Command[];
  readonly flags: readonly number[];
}

export type TaskResult =
  | {
      readonly kind: 'done';
      readonly at: number;
      readonly commands: readonly Command[];
      readonly flags: readonly number[];
    }
  | { readonly kind: 'failed'; readonly message: string };

/** A replay led to other commands than the history has. */
export class NotDeterministic extends Error {
  override readonly name = 'NotDeterministic';
}

export class WorkflowExecution {
  /** What no completed workflow task has told the workflow yet. */
  pending: Job[] = [];
  /** How the execution ended; absent while it runs. */
  ending: Ending | undefined;
  /** Whose cache holds the workflow. */
  cachedOn: object | undefined;
  /** Number of the workflow task under way; undefined: none is. */
  task: number | undefined;
  private readonly batches: Batch[] = [];
  private sandbox: WorkflowSandbox | undefined;

  constructor(readonly info: ExecutionInfo) {}

  get historyLength(): number {
    return 3 + this.batches.length * 5;
  }

  /**
   * Runs on a worker: the workflow is told of the jobs.
   * @throws NotDeterministic
   */
  async process(worker: object, jobs: readonly Job[], at: number): Promise<TaskResult> {
    const sandbox = await this.sandboxOn(worker);
    try {
      const { commands, flags } = await sandbox.activate({
        jobs: inOrder(jobs),
        at,
        historyLength: this.historyLength,
      });
      return { kind: 'done', at, commands, flags };
    } catch (error) {
      await this.evict();
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** The service has written down what came of the jobs. */
  record(jobs: readonly Job[], result: Extract<TaskResult, { kind: 'done' }>): void {
    const { at, commands, flags } = result;
    this.batches.push({ jobs: asInHistory(jobs, commands), at, commands: commands.filter(isKept), flags });
    this.pending = this.pending.filter((job) => !jobs.includes(job));
  }

  /** The worker's cache holds it no more. */
  async evict(): Promise<void> {
    const { sandbox } = this;
    this.sandbox = undefined;
    this.cachedOn = undefined;
    await sandbox?.dispose();
  }

  /** Replays all that happened, on no worker, and compares every command. @throws NotDeterministic */
  async replayWhole(): Promise<void> {
    await this.evict();
    await this.sandboxOn(this);
    await this.evict();
  }

  private async sandboxOn(worker: object): Promise<WorkflowSandbox> {
    if (this.sandbox !== undefined && this.cachedOn === worker) return this.sandbox;
    await this.evict();
    const { workflowType, workflowId, runId, taskQueue, startedAt, parent } = this.info;
    const sandbox = await WorkflowSandbox.create({
      workflowType,
      workflowId,
      runId,
      taskQueue,
      startedAt,
      ...(parent === undefined
        ? {}
        : {
            parent: {
              workflowId: parent.execution.info.workflowId,
              runId: parent.execution.info.runId,
            },
          }),
    });
    this.sandbox = sandbox;
    this.cachedOn = worker;
    if (this.batches.length > 0) await this.replay(sandbox);
    return sandbox;
  }

  private async replay(sandbox: WorkflowSandbox): Promise<void> {
    for (const [before, batch] of this.batches.entries()) {
      if (batch.jobs.length === 0) continue;
      const { commands } = await sandbox.activate({
        jobs: inOrder([...patchesOf(batch.commands), ...batch.jobs]),
        at: batch.at,
        historyLength: 3 + before * 5,
        replayedFlags: batch.flags,
      });
      const difference = differenceOf(batch.commands, commands.filter(isKept));
      if (difference !== undefined) {
        throw new NotDeterministic(`${this.info.workflowId}, batch ${before}: ${difference}`);
      }
    }
  }
}

export type Ending =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'terminated' }
  | { readonly kind: 'continued-as-new'; readonly next: WorkflowExecution };

const rejectedUpdates = (commands: readonly Command[]): ReadonlySet<string> =>
  new Set(
    commands.flatMap(({ updateResponse }) =>
      updateResponse?.rejected ? [updateResponse.protocolInstanceId ?? ''] : [],
    ),
  );

/** A rejected update leaves no trace in a history; an accepted one is not validated again. */
function asInHistory(jobs: readonly Job[], commands: readonly Command[]): readonly Job[] {
  const rejected = rejectedUpdates(commands);
  return jobs.flatMap((job) => {
    const { doUpdate } = job;
    if (!doUpdate) return [job];
    if (rejected.has(doUpdate.protocolInstanceId ?? '')) return [];
    return [{ doUpdate: { ...doUpdate, runValidator: false } }];
  });
}

/** Answers to queries and rejections of updates are told to those who asked, and are no history. */
const isKept = ({ respondToQuery, updateResponse }: Command): boolean =>
  !respondToQuery && !updateResponse?.rejected;
