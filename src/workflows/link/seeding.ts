import { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, condition } from '@temporalio/workflow';
import type { SeedingMark, SeedingNews } from '../../activities/link/api';
import { formatDuration } from '../../model/duration';
import type { LinkStepInfo } from '../../model/link/procedure';
import type { LinkRun } from './run';

/** The copy was not complete in time; Azure cancels the creation of a link after 6 days. */
export const SEEDING_DEADLINE_EXCEEDED = 'SeedingDeadlineExceeded';

/**
 * Creates the link and waits until it is connected. The operation in Azure may outlast the seeding, so it is
 * followed beside what comes next; `creation` fails if Azure gives up.
 */
export async function createLinkAndSeed(run: LinkRun): Promise<void> {
  const [step] = run.steps('link');
  if (step === undefined) return;
  run.state.linkRequestedAt ??= run.now();
  await withDeadline(run, async () => {
    const creation = run.perform(step);
    // Awaited further down; until then a failure must not count as unhandled.
    creation.catch(() => undefined);
    await followCreation(creation, connect(run));
    run.enter('seeding');
    await followCreation(creation, seed(run, step));
    await creation;
  });
}

/** Resolves with `work`; rejects as soon as the creation of the link failed. */
async function followCreation(creation: Promise<void>, work: Promise<void>): Promise<void> {
  await Promise.race([work, creation.then(() => work)]);
}

async function connect(run: LinkRun): Promise<void> {
  run.waitingFor = 'the link to connect; documented to take up to a minute, Azure gives up after five';
  const { evidence } = await run.control.untilDone('Link connects', () =>
    run.long.awaitLinkConnected({ spec: run.spec }),
  );
  run.event('info', 'link.connected', evidence);
  run.waitingFor = '';
}

async function seed(run: LinkRun, step: LinkStepInfo): Promise<void> {
  run.waitingFor = 'the copy of the database to be complete';
  let mark: SeedingMark | null = null;
  let broken = false;
  for (;;) {
    const news: SeedingNews = await run.control.untilDone('Seeding', async () => {
      // A link that broke is not repaired by waiting: the step drops it and creates it again.
      if (broken) await run.perform(step);
      broken = true;
      const heard = await run.long.watchSeeding({ spec: run.spec, mark });
      broken = false;
      return heard;
    });
    if (news.kind === 'completed') {
      run.state.seedingCompletedAt = news.serverTime;
      run.event('info', 'seeding.completed', news.evidence);
      run.waitingFor = '';
      return;
    }
    mark = news.mark;
    await reportSeeding(run, news);
  }
}

async function reportSeeding(run: LinkRun, news: Exclude<SeedingNews, { kind: 'completed' }>): Promise<void> {
  switch (news.kind) {
    case 'restarted':
      run.state.seedingRestarts += 1;
      return run.tell(
        'warning',
        'seeding.restarted',
        `seeding began again from zero: ${news.reason}`,
        'look for lost connections between the instances; any loss in either direction restarts seeding',
      );
    case 'stalled':
      return run.tell(
        'warning',
        'seeding.stalled',
        news.reason,
        'check the network between the endpoints and the load of the source disks',
      );
    case 'log-alarm':
      return run.tell(
        'critical',
        'log-backup.alarm',
        news.reason,
        'give the log more room; a log backup now could break the seeding, so none is taken',
      );
  }
}

/** Deadline and warnings as durable timers; they outlive every worker. */
async function withDeadline(run: LinkRun, work: () => Promise<void>): Promise<void> {
  const { deadline, warnBefore } = run.spec.migration.seeding;
  const requestedAt = Date.parse(run.state.linkRequestedAt ?? run.now());
  const deadlineAt = requestedAt + deadline;
  let done = false;
  const scope = new CancellationScope();
  const working = scope.run(work).finally(() => {
    done = true;
  });
  const watching = warnAndExpire(run, deadlineAt, warnBefore, () => done);
  const expired = await Promise.race([working.then(() => false), watching]);
  if (!expired) return;
  scope.cancel();
  await working.catch(() => undefined);
  run.control.throwIfAborted();
  throw ApplicationFailure.create({
    type: SEEDING_DEADLINE_EXCEEDED,
    nonRetryable: true,
    message: `seeding was not complete ${formatDuration(deadline)} after the link was requested; Azure cancels such a link`,
    details: [
      {
        remedy:
          'the link was undone; make seeding faster (bandwidth, trace flag 9567, less load) or the database smaller, and start again',
      },
    ],
  });
}

/** @returns true when the deadline passed before the work was done. */
async function warnAndExpire(
  run: LinkRun,
  deadlineAt: number,
  warnBefore: readonly number[],
  isDone: () => boolean,
): Promise<boolean> {
  for (const before of [...warnBefore].sort((a, b) => b - a)) {
    const wait = deadlineAt - before - Date.now();
    if (wait <= 0) continue;
    if (await condition(isDone, wait)) return false;
    await run.tell(
      'warning',
      'seeding.deadline-near',
      `seeding has ${formatDuration(before)} left before Azure cancels the link`,
      'look at the rate and the ETA in status; free bandwidth for it',
    );
  }
  return !(await condition(isDone, Math.max(deadlineAt - Date.now(), 1)));
}
