/**
 * One workflow of the real bundle in the SDK's real sandbox, without a server: activations in, commands out. Uses
 * internals of @temporalio/worker, which is pinned to an exact version; this is the one file that does.
 */
import { readFileSync } from 'node:fs';
import { promiseHooks } from 'node:v8';
import { TypedSearchAttributes } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time';
import { coresdk } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { parseWorkflowCode } from '@temporalio/worker/lib/worker';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm';
import { globalHandlers } from '@temporalio/worker/lib/workflow/vm-shared';
import { createUnsafeRandomSource } from '@temporalio/workflow/lib/random-helpers';
import { workflowBundlePath } from '../../src/temporal/package-root';

export type Job = coresdk.workflow_activation.IWorkflowActivationJob;
export type Command = coresdk.workflow_commands.IWorkflowCommand;

let creator: Promise<ReusableVMWorkflowCreator> | undefined;

/** No limit: node:vm starts a thread for every call that has one, which takes longer than the call itself. */
const ACTIVATION_LIMIT_MS = undefined as unknown as number;

function workflowCreator(): Promise<ReusableVMWorkflowCreator> {
  creator ??= createFrom(readFileSync(workflowBundlePath(), 'utf8'));
  return creator;
}

async function createFrom(code: string): Promise<ReusableVMWorkflowCreator> {
  const made = await ReusableVMWorkflowCreator.create(
    parseWorkflowCode(code),
    ACTIVATION_LIMIT_MS,
    new Set(),
  );
  markPromisesCheaply();
  return made;
}

/** Workflows of a test in place of the product's, until `closeSandboxes`. @param workflowsPath file that exports them */
export async function useWorkflowsOf(workflowsPath: string): Promise<void> {
  const logger = new DefaultLogger('ERROR');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger });
  creator = createFrom(code);
}

/** Run whose code is executing; only one does at any time. */
let activeRunId: string | undefined;
let promisesAreMarked = false;

/**
 * The SDK keeps a stack trace for every promise of a workflow, which takes most of the time of a run. All that is
 * needed here is whose promise it is, so that a rejection that nobody handles fails the workflow task.
 */
function markPromisesCheaply(): void {
  globalHandlers.uninstall();
  if (promisesAreMarked) return;
  promisesAreMarked = true;
  promiseHooks.createHook({
    init: (promise) => {
      if (activeRunId !== undefined) Object.assign(promise, { runId: activeRunId });
    },
  });
}

/** Loads the bundle, so that what comes afterwards waits for nothing outside of its own time. */
export async function openSandboxes(): Promise<void> {
  await workflowCreator();
}

/** To be called once after the tests of a file. */
export async function closeSandboxes(): Promise<void> {
  await (await creator)?.destroy();
  creator = undefined;
}

export interface SandboxInfo {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly taskQueue: string;
  readonly parent?: { readonly workflowId: string; readonly runId: string };
  /** Unix milliseconds. */
  readonly startedAt: number;
}

export interface Activation {
  readonly jobs: readonly Job[];
  /** Unix milliseconds. */
  readonly at: number;
  readonly historyLength: number;
  /** Set on a replay: flags of the SDK that the activation used when it was new. */
  readonly replayedFlags?: readonly number[];
}

export interface Activated {
  readonly commands: Command[];
  /** Flags of the SDK that this activation used: a history holds them, and a replay is told them. */
  readonly flags: readonly number[];
}

/** The workflow task failed: the code threw what is no failure of the workflow. */
export class WorkflowTaskFailed extends Error {
  override readonly name = 'WorkflowTaskFailed';
}

export class WorkflowSandbox {
  private constructor(
    private readonly workflow: Awaited<ReturnType<ReusableVMWorkflowCreator['createWorkflow']>>,
    private readonly runId: string,
  ) {}

  static async create(info: SandboxInfo): Promise<WorkflowSandbox> {
    return new WorkflowSandbox(await create(info), info.runId);
  }

  /** @throws WorkflowTaskFailed */
  async activate({ jobs, at, historyLength, replayedFlags }: Activation): Promise<Activated> {
    const activation = coresdk.workflow_activation.WorkflowActivation.fromObject({
      runId: this.runId,
      timestamp: msToTs(at),
      isReplaying: replayedFlags !== undefined,
      historyLength,
      jobs,
      ...(replayedFlags === undefined ? {} : { availableInternalFlags: [...replayedFlags] }),
    });
    const { failed, successful } = await this.execute(activation);
    if (failed) throw new WorkflowTaskFailed(`workflow task failed: ${failed.failure?.message}`);
    return { commands: successful?.commands ?? [], flags: successful?.usedInternalFlags ?? [] };
  }

  dispose(): Promise<void> {
    return this.workflow.dispose();
  }

  private async execute(activation: coresdk.workflow_activation.WorkflowActivation) {
    activeRunId = this.runId;
    try {
      return await this.workflow.activate(activation);
    } finally {
      activeRunId = undefined;
    }
  }
}

async function create(info: SandboxInfo) {
  const { workflowType, workflowId, runId, taskQueue, parent, startedAt } = info;
  return (await workflowCreator()).createWorkflow({
    info: {
      workflowType,
      runId,
      workflowId,
      ...(parent === undefined ? {} : { parent: { ...parent, namespace: 'default' } }),
      namespace: 'default',
      firstExecutionRunId: runId,
      originalExecutionRunId: runId,
      attempt: 1,
      taskTimeoutMs: 1_000,
      taskQueue,
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
      startTime: new Date(startedAt),
      runStartTime: new Date(startedAt),
    },
    randomnessSeed: [57, 5, 0, 0, 0, 0, 0, 0],
    now: startedAt,
    showStackTraceSources: false,
  });
}
