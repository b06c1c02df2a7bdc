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
import type { ResolvedLink } from '../../src/model/link/spec';
import { workflowBundlePath } from '../../src/temporal/package-root';
import { findTemporalCli } from '../../src/temporal/server-binary';
import { watchQueueOf } from '../../src/temporal/task-queues';
import { FakeLink, type FakeLinkOptions, needsPerson } from './fake-link';
import { linkSpecWith } from './link-spec';
import { type ActivityCall, answer, type FakeOutcome, fail, hang } from './workflow-driver';

type History = temporal.api.history.v1.IHistory;

const TASK_QUEUE = 'sqlferry';
const FOLDER = join(__dirname, '../histories');
/** Real milliseconds for whatever lasts longer in the fake world. */
const LONGEST_MS = 30;

const AT_ONCE = linkSpecWith('cutover: { approval: { required: false }, retryAfter: [100ms] }\n');
const APPROVED = linkSpecWith('cutover: { fence: { disableLogins: [app] } }\n');

interface Recording {
  readonly name: string;
  /** `linkMigration` unless another one is named. */
  readonly workflow?: 'disasterRecoveryLink';
  readonly fake?: FakeLinkOptions;
  readonly spec?: ResolvedLink;
  readonly maxHistoryEvents?: number;
  /** What people do meanwhile. */
  readonly act?: (handle: WorkflowHandle) => Promise<void>;
}

const STAYS = linkSpecWith('purpose: disaster-recovery\nfailover: { coolDown: 1s }\n');

interface Status {
  readonly phase: string;
  readonly logBackups: { readonly count: number };
  readonly protection: {
    readonly primary: string;
    readonly pendingRequest: string | null;
    readonly splitBrain: unknown;
    readonly failovers: readonly unknown[];
  } | null;
}

const status = (handle: WorkflowHandle) => handle.query<Status>('status');

/** Asks a link that stays, and waits until it has done what it was asked. */
async function ask(handle: WorkflowHandle, update: string, request: Record<string, unknown>): Promise<void> {
  await handle.executeUpdate(update, { args: [{ by: 'operator', ...request }] });
  await untilStatus(handle, ({ protection }) => protection?.pendingRequest === null);
}

const PLANNED = { type: 'planned', acknowledgedBy: 'operator' };
const FORCED = {
  type: 'forced',
  acknowledgedBy: 'operator',
  reason: 'an exercise',
  acceptLossSeconds: 1_000_000,
};
const SEEN = {
  observedAt: '2026-11-01T00:00:00.000Z',
  healthy: true,
  summary: 'fine',
  lagSeconds: 1,
  logUsedPercent: 5,
};

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
    call.type === 'watchReplication' ? hang : override(call);

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
      override: (call) => (call.type === 'watchReplication' && call.count > 8 ? hang : undefined),
    },
    act: async (handle) => {
      await untilStatus(handle, ({ logBackups }) => logBackups.count >= 8);
      await handle.executeUpdate('approve', { args: [{ by: 'operator' }] });
    },
  },
  {
    name: 'stays-planned-there-and-back',
    workflow: 'disasterRecoveryLink',
    spec: STAYS,
    fake: { override: quiet() },
    act: async (handle) => {
      await untilStatus(handle, ({ protection }) => protection !== null);
      await ask(handle, 'failover', { ...PLANNED, to: 'instance' });
      await ask(handle, 'failover', { ...PLANNED, to: 'server' });
      await handle.executeUpdate('remove', { args: [{ by: 'operator' }] });
    },
  },
  {
    name: 'stays-forced-and-repaired',
    workflow: 'disasterRecoveryLink',
    spec: STAYS,
    fake: {
      override: quiet((call) =>
        call.type === 'watchInstancePrimary' && call.count === 1
          ? answer({
              kind: 'split-brain',
              reason: 'both say that they are PRIMARY',
              health: SEEN,
              logEnds: { server: '43', instance: '42' },
            })
          : undefined,
      ),
    },
    act: async (handle) => {
      await untilStatus(handle, ({ protection }) => protection !== null);
      await ask(handle, 'failover', { ...FORCED, to: 'instance' });
      await untilStatus(handle, ({ protection }) => protection?.splitBrain !== null);
      await ask(handle, 'repair', { survivor: 'instance' });
      await handle.executeUpdate('remove', { args: [{ by: 'operator' }] });
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
  const options = {
    connection: env.nativeConnection,
    activities: activitiesOf(link),
    identity: 'worker',
    buildId: 'recorded',
    maxHeartbeatThrottleInterval: 10,
  };
  const worker = await Worker.create({
    ...options,
    taskQueue: TASK_QUEUE,
    workflowBundle: { codePath: workflowBundlePath() },
  });
  const watches = await Worker.create({ ...options, taskQueue: watchQueueOf(TASK_QUEUE) });
  const served = <T>(work: () => Promise<T>): Promise<T> => watches.runUntil(() => worker.runUntil(work));
  const runs = await served(async () => {
    const handle = await env.client.workflow.start(recording.workflow ?? 'linkMigration', {
      workflowId: `sqlferry-${recording.name}`,
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
    const own = await chainOf(env, handle.workflowId, handle.firstExecutionRunId);
    const chains = (type: string) =>
      Promise.all(childrenIn(own, type).map((child) => chainOf(env, child.id, child.runId)));
    return { own, failovers: await chains('failover'), turns: await chains('failoverSlots') };
  });
  write(recording.name, runs.own);
  write(`${recording.name}-failover`, runs.failovers.flat());
  // All runs of an instance share them: one is enough.
  if (recording === RECORDINGS[0]) write('instance-turns', runs.turns.flat());
}

function write(name: string, histories: readonly string[]): void {
  histories.forEach((history, index) => {
    const part = histories.length === 1 ? '' : `-${index + 1}`;
    writeFileSync(join(FOLDER, `${name}${part}.json`), history);
  });
}

/** Workflows of a type that the runs began. */
function childrenIn(
  histories: readonly string[],
  type: string,
): readonly { readonly id: string; readonly runId: string }[] {
  return histories.flatMap((history) => {
    const { events } = JSON.parse(history) as {
      readonly events: readonly {
        readonly childWorkflowExecutionStartedEventAttributes?: {
          readonly workflowExecution: { readonly workflowId: string; readonly runId: string };
          readonly workflowType: { readonly name: string };
        };
      }[];
    };
    return events.flatMap(({ childWorkflowExecutionStartedEventAttributes: started }) =>
      started?.workflowType.name !== type
        ? []
        : [{ id: started.workflowExecution.workflowId, runId: started.workflowExecution.runId }],
    );
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
