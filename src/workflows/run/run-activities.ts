/** The activities of a run, by how often and how long each is tried. */
import { type ActivityInterfaceFor, proxyActivities } from '@temporalio/workflow';
import type { RunSteps, RunWatches } from '../../activities/run/api';
import type { Polling } from '../../model/run/settings';
import { bounded, fewAttempts, longPoll, notification, untilItSucceeds, watch } from './activity-policies';

export interface RunActivities {
  readonly untilItSucceeds: ActivityInterfaceFor<RunSteps>;
  readonly longPoll: ActivityInterfaceFor<RunSteps>;
  readonly fewAttempts: ActivityInterfaceFor<RunSteps>;
  readonly bounded: ActivityInterfaceFor<RunSteps>;
  readonly notifications: ActivityInterfaceFor<Pick<RunSteps, 'notifyPerson'>>;
  /** On a task queue of its own: what waits for days takes no slot from what is to happen at once. */
  readonly watches: ActivityInterfaceFor<RunWatches & Pick<RunSteps, 'performStep'>>;
}

export const runActivities = (polling: Polling): RunActivities => ({
  untilItSucceeds: proxyActivities<RunSteps>(untilItSucceeds(polling)),
  longPoll: proxyActivities<RunSteps>(longPoll(polling)),
  fewAttempts: proxyActivities<RunSteps>(fewAttempts(polling)),
  bounded: proxyActivities<RunSteps>(bounded(polling)),
  notifications: proxyActivities<RunSteps>(notification),
  watches: proxyActivities<RunWatches & Pick<RunSteps, 'performStep'>>(watch(polling)),
});
