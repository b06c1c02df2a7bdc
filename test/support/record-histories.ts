/**
 * Records the replay fixtures of test/histories: real workflow, real dev server, fake activities. Run by hand as
 * test/histories/README.md says, never by `npm test`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { ResolvedLinkMigration } from '../../src/model/link/spec';
import { workflowBundlePath } from '../../src/temporal/package-root';
import { findTemporalCli } from '../../src/temporal/server-binary';
import { FakeLink, type FakeLinkOptions, needsPerson } from './fake-link';
import { linkSpecWith } from './link-spec';
import { type ActivityCall, type FakeOutcome, fail, hang } from './workflow-driver';

type History = temporal.api.history.v1.IHistory;

const TASK_QUEUE = 'sqlferry';
const FOLDER = join(__dirname, '../histories');
/** Real milliseconds for whatever lasts longer in the fake world. */
const LONGEST_MS = 30;

const AT_ONCE = linkSpecWith('cutover: { approval: { required: false }, retryAfter: [100ms] }\n');
const APPROVED = linkSpecWith('cutover: { fence: { disableLogins: [app] } }\n');

interface Recording {
  readonly name: string;
  readonly fake?: FakeLinkOptions;
  readonly spec?: ResolvedLinkMigration;
  readonly maxHistoryEvents?: number;
  /** What people do meanwhile. */
  readonly act?: (handle: WorkflowHandle) => Promise<void>;
}

const status = (handle: WorkflowHandle) =>
  handle.query<{ readonly phase: string; readonly logBackups: { readonly count: number } }>('status');

async function untilStatus(
  handle: WorkflowHandle,
  holds: (seen: Awaited<ReturnType<typeof status>>) => boolean,
): Promise<void> {
  while (!holds(await status(handle))) await delay(20);
}

/** Log backups by the hundred would only make a fixture long. */
const quiet =
  (override: NonNullable<FakeLinkOptions['override']> = () => undefined) =>
  (call: ActivityCall): FakeOutcome | undefined =>
    call.type === 'guardReplication' ? hang : override(call);

const RECORDINGS: readonly Recording[] = [
  { name: 'planned-failover-complete', fake: { override: quiet() } },
  { name: 'delete-link-complete', fake: { route: 'delete-link', override: quiet() } },
  {
    name: 'aborted',
    fake: { override: (call) => (call.type === 'watchSeeding' ? hang : undefined) },
    act: async (handle) => {
      await untilStatus(handle, ({ phase }) => phase === 'seeding');
      await handle.executeUpdate('abort', { args: [{ by: 'operator', reason: 'not tonight' }] });
    },
  },
  {
    name: 'withdrawn-then-complete',
    fake: {
      override: quiet((call) =>
        call.type === 'confirmPointOfNoReturn' && call.count === 1
          ? fail(needsPerson('LogMovedBehindFence'))
          : undefined,
      ),
    },
  },
  {
    name: 'continued-as-new',
    spec: APPROVED,
    maxHistoryEvents: 150,
    fake: {
      override: (call) => (call.type === 'guardReplication' && call.count > 8 ? hang : undefined),
    },
    act: async (handle) => {
      await untilStatus(handle, ({ logBackups }) => logBackups.count >= 8);
      await handle.executeUpdate('approveCutover', { args: [{ by: 'operator' }] });
    },
  },
];

function activitiesOf(link: FakeLink): Record<string, (input: unknown) => Promise<unknown>> {
  const counts = new Map<string, number>();
  const perform = async (type: keyof FakeLink['activities'], input: unknown): Promise<unknown> => {
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    const outcome = link.activities[type]({ type, input, at: 0, count });
    const lasts = outcome.kind === 'hang' ? Number.POSITIVE_INFINITY : (outcome.afterMs ?? 0);
    const endsAt = Date.now() + (lasts === Number.POSITIVE_INFINITY ? lasts : Math.min(lasts, LONGEST_MS));
    while (Date.now() < endsAt) {
      heartbeat();
      await delay(10);
      if (cancellationSignal().aborted) throw withoutPaths(new CancelledFailure('asked to stop'));
    }
    if (outcome.kind === 'fail') throw withoutPaths(outcome.failure);
    return outcome.kind === 'answer' ? outcome.value : undefined;
  };
  const names = Object.keys(link.activities) as (keyof FakeLink['activities'])[];
  return Object.fromEntries(names.map((type) => [type, (input: unknown) => perform(type, input)]));
}

/** Stacks name the folders of the machine that recorded. */
function withoutPaths<T extends Error>(error: T): T {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

async function record(env: TestWorkflowEnvironment, recording: Recording): Promise<void> {
  const link = new FakeLink(recording.fake ?? {});
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: TASK_QUEUE,
    workflowBundle: { codePath: workflowBundlePath() },
    activities: activitiesOf(link),
    identity: 'worker',
    buildId: 'recorded',
    maxHeartbeatThrottleInterval: 10,
  });
  const runs = await worker.runUntil(async () => {
    const handle = await env.client.workflow.start('linkMigration', {
      workflowId: `sqlferry-link-${recording.name}`,
      taskQueue: TASK_QUEUE,
      args: [
        {
          spec: recording.spec ?? AT_ONCE,
          visibility: false,
          ...(recording.maxHistoryEvents === undefined
            ? {}
            : { maxHistoryEvents: recording.maxHistoryEvents }),
        },
      ],
    });
    await recording.act?.(env.client.workflow.getHandle(handle.workflowId));
    await handle.result();
    return chainOf(env, handle.workflowId, handle.firstExecutionRunId);
  });
  runs.forEach((history, index) => {
    const part = runs.length === 1 ? '' : `-${index + 1}`;
    writeFileSync(join(FOLDER, `${recording.name}${part}.json`), history);
  });
}

/** Says who did what on which machine; no replay looks at it, and it is a third of the file. */
const NOISE: readonly string[] = ['identity', 'meteringMetadata', 'requestId', 'taskId', 'workerVersion'];

const withoutNoise = (key: string, value: unknown): unknown => (NOISE.includes(key) ? undefined : value);

/** Histories of a run and of those that continued it. */
async function chainOf(env: TestWorkflowEnvironment, workflowId: string, first: string): Promise<string[]> {
  const found: string[] = [];
  for (let runId: string | undefined = first; runId !== undefined; ) {
    const history: History = await env.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const { events } = JSON.parse(historyToJSON(history), withoutNoise) as {
      readonly events: readonly unknown[];
    };
    found.push(`{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`);
    runId =
      history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return found;
}

test('record', async () => {
  const { path } = await findTemporalCli();
  const env = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path } },
    client: { identity: 'client' },
  });
  try {
    for (const recording of RECORDINGS) await record(env, recording);
  } finally {
    await env.teardown();
  }
}, 120_000);
