/**
 * Records the replay fixtures of test/histories: real workflow, real dev server, fake activities. Run by hand as
 * test/histories/README.md says, never by `npm test`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { ResolvedLink } from '../../src/model/link/spec';
import { workflowBundlePath } from '../../src/temporal/package-root';
import { findTemporalCli } from '../../src/temporal/server-binary';
import { watchQueueOf } from '../../src/temporal/task-queues';
import { FakeLink, type FakeLinkOptions, isWatch, named, needsPerson } from './fake-link';
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
  /** It is recorded as it rests once this holds, and is not waited for. Absent: it is recorded whole. */
  readonly rests?: (seen: Status) => boolean;
}

const STAYS = linkSpecWith('purpose: disaster-recovery\nfailover: { coolDown: 1s }\n');

interface Status {
  readonly phase: string;
  readonly paused: boolean;
  readonly blockedBy: unknown;
  readonly waitingFor: string;
  readonly events: readonly { readonly code: string }[];
  readonly logBackups: { readonly count: number };
  readonly protection: {
    readonly primary: string;
    readonly pendingRequest: string | null;
    readonly splitBrain: unknown;
    readonly failovers: readonly unknown[];
    readonly drill?: { readonly holdUntil: string | null };
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

const SPLIT_BRAIN = {
  kind: 'split-brain',
  reason: 'both say that they are PRIMARY',
  health: SEEN,
  logEnds: { server: '43', instance: '42' },
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
    isWatch(call, 'server') ? hang : override(call);

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
      override: (call) => (isWatch(call, 'server') && call.count > 8 ? hang : undefined),
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
        isWatch(call, 'instance') && call.count === 1 ? answer(SPLIT_BRAIN) : undefined,
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

const isTold =
  (code: string) =>
  ({ events }: Status): boolean =>
    events.some((event) => event.code === code);
const hangs = (...types: readonly string[]) =>
  quiet((call) => (types.includes(call.type) ? hang : undefined));
const failsStep = (stepId: string, failure: () => ApplicationFailure) =>
  quiet((call) =>
    call.type === 'performStep' && (call.input as { stepId: string }).stepId === stepId
      ? fail(failure())
      : undefined,
  );
const whenItStands = async (handle: WorkflowHandle, update: string, request: object): Promise<void> => {
  await untilStatus(handle, ({ protection }) => protection !== null);
  await handle.executeUpdate(update, { args: [{ by: 'operator', ...request }] });
};
const STANDING = { workflow: 'disasterRecoveryLink', spec: STAYS } as const;

/** Where runs rest for minutes, days or years: a deployment meets them there. */
const RESTING: readonly Recording[] = [
  {
    name: 'resting-seeding',
    fake: { override: hangs('watchSeeding') },
    rests: ({ phase }) => phase === 'seeding',
  },
  {
    name: 'resting-approval',
    spec: APPROVED,
    fake: { override: quiet() },
    rests: isTold('cutover.approval-needed'),
  },
  {
    name: 'resting-blocked',
    fake: { override: failsStep('server.availability-group', () => needsPerson('Forbidden')) },
    rests: ({ blockedBy }) => blockedBy !== null,
  },
  {
    name: 'resting-paused',
    spec: APPROVED,
    fake: { override: quiet() },
    act: async (handle) => {
      await untilStatus(handle, isTold('cutover.approval-needed'));
      await handle.executeUpdate('pause', { args: [{ by: 'operator' }] });
    },
    rests: ({ paused }) => paused,
  },
  {
    name: 'resting-fenced',
    fake: { override: hangs('awaitCatchUp') },
    rests: ({ waitingFor }) => waitingFor.includes('harden'),
  },
  {
    name: 'resting-past-no-return',
    fake: { override: failsStep('server.planned-failover', () => passing('FailoverInProgress')) },
    rests: isTold('failover.refused'),
  },
  {
    name: 'resting-undo',
    fake: {
      override: (call) =>
        call.type === 'watchSeeding'
          ? hang
          : call.type === 'undoStep'
            ? fail(needsPerson('LoginFailed'))
            : undefined,
    },
    act: async (handle) => {
      await untilStatus(handle, ({ phase }) => phase === 'seeding');
      await handle.executeUpdate('abort', { args: [{ by: 'operator' }] });
    },
    rests: ({ blockedBy }) => blockedBy !== null,
  },
  {
    name: 'resting-standing',
    ...STANDING,
    fake: { override: quiet() },
    rests: ({ protection }) => protection !== null,
  },
  {
    name: 'resting-instance-leads',
    ...STANDING,
    fake: { override: quiet() },
    act: (handle) => whenItStands(handle, 'failover', { ...PLANNED, to: 'instance' }),
    rests: ({ protection }) => protection?.primary === 'instance' && protection.pendingRequest === null,
  },
  {
    name: 'resting-gate',
    ...STANDING,
    fake: { override: hangs('awaitReadiness') },
    act: (handle) => whenItStands(handle, 'failover', { ...PLANNED, to: 'instance' }),
    rests: ({ protection }) => protection?.pendingRequest === 'failover',
  },
  {
    name: 'resting-failover-fenced',
    ...STANDING,
    fake: { override: hangs('awaitCatchUp') },
    act: (handle) => whenItStands(handle, 'failover', { ...PLANNED, to: 'instance' }),
    rests: ({ protection }) => protection?.pendingRequest === 'failover',
  },
  {
    name: 'resting-drill',
    ...STANDING,
    fake: { override: quiet() },
    act: (handle) => whenItStands(handle, 'drill', { holdMs: 3_600_000 }),
    rests: isTold('drill.holding'),
  },
  {
    name: 'resting-split-brain',
    ...STANDING,
    fake: {
      override: quiet((call) =>
        isWatch(call, 'instance') ? (call.count === 1 ? answer(SPLIT_BRAIN) : hang) : undefined,
      ),
    },
    act: (handle) => whenItStands(handle, 'failover', { ...FORCED, to: 'instance' }),
    rests: ({ protection }) => protection?.splitBrain != null && protection.pendingRequest === null,
  },
];

/** A failure that passes by itself, it is said. */
const passing = (code: string): ApplicationFailure =>
  ApplicationFailure.create({
    type: code,
    message: `${code} happened`,
    details: [{ remedy: `wait for ${code}` }],
  });

function activitiesOf(link: FakeLink): Record<string, (input: unknown) => Promise<unknown>> {
  const counts = new Map<string, number>();
  const perform = async (type: keyof FakeLink['activities'], input: unknown): Promise<unknown> => {
    const call = { type, input, at: 0, count: 0 };
    const count = (counts.get(named(call)) ?? 0) + 1;
    counts.set(named(call), count);
    const outcome = link.activities[type]({ ...call, count });
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
    const newest = env.client.workflow.getHandle(handle.workflowId);
    await recording.act?.(newest);
    if (recording.rests === undefined) await handle.result();
    else await untilRested(newest, recording.rests);
    const own = await chainOf(env, handle.workflowId, handle.firstExecutionRunId);
    const chains = (type: string) =>
      Promise.all(childrenIn(own, type).map((child) => chainOf(env, child.id, child.runId)));
    const runs = { own, failovers: await chains('failover'), turns: await chains('failoverSlots') };
    if (recording.rests !== undefined) {
      for (const { id } of [...childrenIn(own, 'failover'), ...childrenIn(own, 'failoverSlots')])
        await env.client.workflow
          .getHandle(id)
          .terminate()
          .catch(() => undefined);
      await newest.terminate();
    }
    return runs;
  });
  write(recording.name, runs.own);
  write(`${recording.name}-failover`, runs.failovers.flat());
  // All runs of an instance share them: one is enough.
  if (recording === RECORDINGS[0]) write('failover-slots', runs.turns.flat());
}

/** What it led to is in its history as well: two looks apart in time see the same. */
async function untilRested(handle: WorkflowHandle, rests: (seen: Status) => boolean): Promise<void> {
  await untilStatus(handle, rests);
  for (let before = -1; ; ) {
    const { historyLength } = await handle.describe();
    if (historyLength === before) return;
    before = historyLength;
    await delay(1_500);
  }
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
    for (const recording of [...RECORDINGS, ...RESTING]) await record(env, recording);
  } finally {
    await env.teardown();
  }
}, 300_000);
