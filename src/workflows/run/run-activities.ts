/** The activities of a run, by how often and how long each is tried. */
import { type ActivityInterfaceFor, proxyActivities } from '@temporalio/workflow';
import type { LinkSteps, LinkWatches } from '../../activities/link/api';
import { bounded, fewAttempts, longPoll, notification, untilItSucceeds, watch } from './activity-policies';

export interface RunActivities {
  readonly untilItSucceeds: ActivityInterfaceFor<LinkSteps>;
  readonly longPoll: ActivityInterfaceFor<LinkSteps>;
  readonly fewAttempts: ActivityInterfaceFor<LinkSteps>;
  readonly bounded: ActivityInterfaceFor<LinkSteps>;
  readonly notifications: ActivityInterfaceFor<Pick<LinkSteps, 'notifyPerson'>>;
  /** On a task queue of its own: what waits for days takes no slot from what is to happen at once. */
  readonly watches: ActivityInterfaceFor<LinkWatches & Pick<LinkSteps, 'performStep'>>;
}

/** @param heartbeat milliseconds without a sign of life of a worker, after which another one takes over */
export const runActivities = (heartbeat: number): RunActivities => ({
  untilItSucceeds: proxyActivities<LinkSteps>(untilItSucceeds(heartbeat)),
  longPoll: proxyActivities<LinkSteps>(longPoll(heartbeat)),
  fewAttempts: proxyActivities<LinkSteps>(fewAttempts(heartbeat)),
  bounded: proxyActivities<LinkSteps>(bounded(heartbeat)),
  notifications: proxyActivities<LinkSteps>(notification),
  watches: proxyActivities<LinkWatches & Pick<LinkSteps, 'performStep'>>(watch(heartbeat)),
});
