/** Before the link replicates no watch looks at the log: while a person is waited for, this does. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { until } from '../run/until';
import { linkActivities } from './link-activities';
import type { LinkRun } from './state';

/** Does the work; whenever it waits for a person, the room in the log is watched meanwhile. */
export async function withLogSpaceWatch<T>(run: LinkRun, work: () => Promise<T>): Promise<T> {
  if (!run.spec.settings.seeding.watchLog) return work();
  const scope = new CancellationScope();
  const watching = scope.run(() => watchWheneverBlocked(run));
  watching.catch(() => undefined);
  try {
    return await work();
  } finally {
    scope.cancel();
    await CancellationScope.nonCancellable(() => watching.catch(() => undefined));
  }
}

async function watchWheneverBlocked(run: LinkRun): Promise<void> {
  for (;;) {
    await condition(() => run.state.blockedBy !== null);
    const isOver = (): boolean => run.state.blockedBy === null;
    try {
      await until(() => watchUntilTold(run), isOver);
    } catch (error) {
      if (isCancellation(error)) throw error;
      // Whatever keeps it from looking: the person who is waited for has been there then.
      await condition(isOver);
    }
  }
}

async function watchUntilTold(run: LinkRun): Promise<never> {
  for (;;) {
    const news = await linkActivities(run).watches.watchLogSpace({
      spec: run.spec,
      alarmRaised: run.state.logAlarmRaised,
    });
    run.state.logAlarmRaised = true;
    await run.notify(
      'critical',
      'log-backup.alarm',
      `${news.reason} The run waits for a person meanwhile`,
      'give the log more room, and mend what the run waits for',
    );
  }
}
