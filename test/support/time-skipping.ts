/**
 * The native time-skipping test server of Temporal with fake activities of a link: real retries, time-outs and
 * heartbeats, while days pass in seconds. It has no search attributes, no lists and no schedules. All workflows share
 * its clock, so each run has a server of its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import type { ResolvedLink } from '../../src/model/link/spec';
import { workflowBundlePath } from '../../src/temporal/package-root';
import { findTemporalTestServer } from '../../src/temporal/server-binary';
import { watchQueueOf } from '../../src/temporal/task-queues';
import { FakeLink, type FakeLinkOptions } from './fake-link';

/**
 * Shorter waits are left out. The server stops its clock while an activity runs and lets it go for one that sleeps
 * (`TestWorkflowEnvironment.sleep`); two that sleep at once confuse its count.
 */
const SHORTEST_SLEEP_MS = 5 * 60_000;
/** Real milliseconds until the server has a heartbeat. */
const HEARTBEAT_TRAVEL_MS = 10;

/** One attempt of an activity, as the server made it. */
export interface Attempt {
  readonly type: string;
  readonly attempt: number;
  /** Virtual, Unix milliseconds. */
  readonly at: number;
}

export interface SkippedRun {
  readonly link: FakeLink;
  readonly attempts: readonly Attempt[];
  /** Virtual milliseconds from the start to the last attempt of an activity. */
  readonly elapsedMs: number;
  readonly outcome: PromiseSettledResult<unknown>;
}

/** What a fake attempt does instead of its default. */
export type AttemptOverride = (attempt: Attempt) => Promise<unknown> | undefined;

let runtimeInstalled = false;

export class TimeSkipping {
  private constructor(private readonly env: TestWorkflowEnvironment) {}

  static async start(): Promise<TimeSkipping> {
    if (!runtimeInstalled) {
      runtimeInstalled = true;
      // The core warns of what this server lacks each time a worker begins.
      const telemetry = {
        logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
      };
      Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: telemetry });
    }
    const path = process.env.SQLFERRY_TEMPORAL_TEST_SERVER ?? (await findTemporalTestServer()).path;
    return new TimeSkipping(
      await TestWorkflowEnvironment.createTimeSkipping({
        server: { executable: { type: 'existing-path', path } },
      }),
    );
  }

  now(): Promise<number> {
    return this.env.currentTimeMs();
  }

  async stop(): Promise<void> {
    await this.env.teardown();
  }

  /** Runs one migration to its end. To be called once: the server's clock has run far on afterwards. */
  async run(
    spec: ResolvedLink,
    fake: FakeLinkOptions,
    override: AttemptOverride = () => undefined,
  ): Promise<SkippedRun> {
    const link = new FakeLink(fake);
    const attempts: Attempt[] = [];
    const startedAt = await this.now();
    const taskQueue = 'time-skipping';
    const options = {
      connection: this.env.nativeConnection,
      activities: this.activities(link, spec.settings.polling.heartbeatTimeout, attempts, override),
      // In real time: at virtual speed a heartbeat that is held back for a second is days late.
      maxHeartbeatThrottleInterval: 1,
      defaultHeartbeatThrottleInterval: 1,
    };
    const worker = await Worker.create({
      ...options,
      taskQueue,
      workflowBundle: { codePath: workflowBundlePath() },
    });
    const watches = await Worker.create({ ...options, taskQueue: watchQueueOf(taskQueue) });
    // The client of the environment lets the clock run while it waits for the result, unless an activity is at work.
    const run = () =>
      this.env.client.workflow.execute('linkMigration', {
        workflowId: taskQueue,
        taskQueue,
        args: [{ spec, visibility: false }],
      });
    const [outcome] = await watches.runUntil(() => worker.runUntil(() => Promise.allSettled([run()])));
    // Not the clock of now: it runs on, to the next time-out of a workflow that has ended.
    return { link, attempts, elapsedMs: (attempts.at(-1)?.at ?? startedAt) - startedAt, outcome };
  }

  private activities(
    link: FakeLink,
    heartbeatTimeoutMs: number,
    attempts: Attempt[],
    override: AttemptOverride,
  ): Record<string, (input: unknown) => Promise<unknown>> {
    const counts = new Map<string, number>();
    const perform = async (type: string, input: unknown): Promise<unknown> => {
      const { attempt } = activityInfo();
      const at = await this.now();
      attempts.push({ type, attempt, at });
      const instead = override({ type, attempt, at });
      if (instead !== undefined) return instead;
      const count = (counts.get(type) ?? 0) + 1;
      counts.set(type, count);
      const fake = link.activities[type as keyof FakeLink['activities']];
      const outcome = fake({ type, input, at, count });
      const lasts = outcome.kind === 'hang' ? Number.POSITIVE_INFINITY : (outcome.afterMs ?? 0);
      await this.alive(lasts, heartbeatTimeoutMs / 3);
      if (outcome.kind === 'fail') throw outcome.failure;
      return outcome.kind === 'answer' ? outcome.value : undefined;
    };
    return Object.fromEntries(
      Object.keys(link.activities).map((type) => [type, (input: unknown) => perform(type, input)]),
    );
  }

  /** Lets virtual time pass with signs of life. @throws CancelledFailure when the activity is asked to stop */
  private async alive(lastsMs: number, everyMs: number): Promise<void> {
    if (lastsMs < SHORTEST_SLEEP_MS) return;
    for (let left = lastsMs; left > 0; left -= everyMs) {
      heartbeat();
      // It leaves in the background, and hours may pass in the next millisecond.
      await delay(HEARTBEAT_TRAVEL_MS);
      await this.env.sleep(Math.min(left, everyMs));
      if (cancellationSignal().aborted) throw new CancelledFailure('asked to stop');
    }
  }
}
