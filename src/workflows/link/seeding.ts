import { ApplicationFailure } from '@temporalio/common';
import { CancellationScope } from '@temporalio/workflow';
import type { BrokenLink, SeedingMark, SeedingNews } from '../../activities/link/api';
import { formatDuration } from '../../model/duration';
import { CREATE_LINK } from '../../model/link/procedure';
import { beforeDeadline } from '../run/deadline';
import { linkActivities } from './link-activities';
import type { LinkRun } from './state';

/** The copy was not complete in time; Azure cancels the creation of a link after 6 days. */
export const SEEDING_DEADLINE_EXCEEDED = 'SeedingDeadlineExceeded';

/**
 * Creates the link and follows it until the copy is complete. A link that Azure gave up is not repaired by waiting:
 * a person looks for the cause, and it is created again, with a deadline of its own.
 */
export async function createLinkAndSeed(run: LinkRun): Promise<void> {
  for (;;) {
    run.enter('link');
    run.state.linkRequestedAt = run.now();
    const broken = await withDeadline(run, () => createAndSeedOnce(run));
    if (broken === undefined) return;
    await run.control.waitForPerson(broken, 'Seeding');
  }
}

/** The operation in Azure may outlast the seeding, so it is followed beside what comes next. */
async function createAndSeedOnce(run: LinkRun): Promise<BrokenLink | undefined> {
  return besideCreation(
    () => run.perform(CREATE_LINK, run.acting(CREATE_LINK, run.watches)),
    async (creation) => {
      const unconnected = await connect(run, creation);
      if (unconnected !== undefined) return unconnected;
      run.enter('seeding');
      const broken = await seed(run, creation);
      if (broken !== undefined) return broken;
      await creation.done;
      return undefined;
    },
  );
}

/**
 * Creates a link and follows what comes of it, side by side: the creation lasts as long as the seeding. Whichever of both
 * ends badly ends the other one, too, and is waited for: nothing may be given back beneath an activity that is at work.
 */
export async function besideCreation<T>(
  create: () => Promise<void>,
  follow: (creation: Creation) => Promise<T>,
): Promise<T> {
  const scope = new CancellationScope();
  const running: Promise<unknown>[] = [];
  try {
    return await scope.run(() => {
      const creation = new Creation(create());
      const following = follow(creation);
      running.push(creation.done, following);
      return creation.beside(following);
    });
  } finally {
    scope.cancel();
    await CancellationScope.nonCancellable(() => Promise.allSettled(running));
  }
}

/** The step that creates the link, while others wait for what it leads to. */
class Creation {
  isDone = false;

  constructor(readonly done: Promise<void>) {
    // Awaited by those who follow it; until then a failure must not count as unhandled.
    done.then(
      () => {
        this.isDone = true;
      },
      () => undefined,
    );
  }

  /** Resolves with `work`; rejects as soon as the creation failed. */
  beside<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.done.then(() => work)]);
  }
}

/** While it is not done, a link that broke may be dropped and created again by it. */
export type CreationState = Pick<Creation, 'isDone' | 'done'>;

export async function connect(run: LinkRun, creation: CreationState): Promise<BrokenLink | undefined> {
  run.waitingFor = 'the link to connect; documented to take up to a minute, Azure gives up after five';
  for (;;) {
    const seen = await run.control.untilDone('Link connects', () =>
      linkActivities(run).watches.awaitLinkConnected({ spec: run.spec }),
    );
    if (seen.kind === 'connected') {
      run.logEvent('info', 'link.connected', seen.evidence);
      run.waitingFor = '';
      return undefined;
    }
    // While the creation is under way, it drops and creates the link again by itself.
    if (creation.isDone) return seen;
    await creation.done;
  }
}

export async function seed(run: LinkRun, creation: CreationState): Promise<BrokenLink | undefined> {
  run.waitingFor = 'the copy of the database to be complete';
  let mark: SeedingMark | null = null;
  for (;;) {
    const news: SeedingNews = await run.control.untilDone('Seeding', () =>
      linkActivities(run).watches.watchSeeding({ spec: run.spec, mark }),
    );
    if (news.kind === 'completed') {
      run.state.seedingCompletedAt = news.serverTime;
      run.logEvent('info', 'seeding.completed', news.evidence);
      run.waitingFor = '';
      return undefined;
    }
    if (news.kind === 'broken') {
      if (creation.isDone) return news;
      // The creation makes it again by itself, which may take long: meanwhile nobody is left without a word.
      await run.notify(
        'warning',
        'seeding.broken',
        news.message,
        'find the cause; the link is dropped and created again without being asked',
      );
      await creation.done;
      continue;
    }
    mark = news.mark;
    await reportSeeding(run, news);
  }
}

async function reportSeeding(
  run: LinkRun,
  news: Exclude<SeedingNews, { kind: 'completed' | 'broken' }>,
): Promise<void> {
  switch (news.kind) {
    case 'restarted':
      run.state.seedingRestarts += 1;
      return run.notify(
        'warning',
        'seeding.restarted',
        `seeding began again from zero: ${news.reason}`,
        'look for lost connections between the instances; any loss in either direction restarts seeding',
      );
    case 'stalled':
      return run.notify(
        'warning',
        'seeding.stalled',
        news.reason,
        'check the network between the endpoints and the load of the disks of the SQL Server',
      );
    case 'foreign-log-backup':
      return run.notify(
        'warning',
        'seeding.foreign-log-backup',
        news.reason,
        'stop that job until the first log backup of this run is taken; no log is lost, it only grows',
      );
    case 'log-alarm':
      return run.notify(
        'critical',
        'log-backup.alarm',
        news.reason,
        'give the log more room; a log backup now could break the seeding, so none is taken',
      );
  }
}

/** Azure cancels the creation of a link after 6 days. */
export function withDeadline<T>(run: LinkRun, work: () => Promise<T>): Promise<T> {
  const { deadline, warnBefore } = run.spec.settings.seeding;
  const requestedAt = Date.parse(run.state.linkRequestedAt ?? run.now());
  return beforeDeadline(run, work, {
    at: requestedAt + deadline,
    warnBefore,
    warn: (left) =>
      run.notify(
        'warning',
        'seeding.deadline-near',
        `seeding has ${formatDuration(left)} left before Azure cancels the link`,
        'look at the rate and the ETA in status; free bandwidth for it',
      ),
    missed: () => notSeededWithin(deadline),
  });
}

const notSeededWithin = (deadline: number): ApplicationFailure =>
  ApplicationFailure.create({
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
