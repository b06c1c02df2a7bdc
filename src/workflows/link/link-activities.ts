/** The activities of a link, by how often and how long each is tried: those of any run, and a link's own. */
import { type ActivityInterfaceFor, proxyActivities } from '@temporalio/workflow';
import type { LinkSteps, LinkWatches } from '../../activities/link/api';
import { fewAttempts, longPoll, watch } from '../run/activity-policies';
import type { LinkRun } from './state';

export interface LinkActivities {
  readonly fewAttempts: ActivityInterfaceFor<LinkSteps>;
  readonly longPoll: ActivityInterfaceFor<LinkSteps>;
  /** On the task queue of the watches. */
  readonly watches: ActivityInterfaceFor<LinkWatches>;
}

export function linkActivities({ spec }: Pick<LinkRun, 'spec'>): LinkActivities {
  const { polling } = spec.settings;
  return {
    fewAttempts: proxyActivities<LinkSteps>(fewAttempts(polling)),
    longPoll: proxyActivities<LinkSteps>(longPoll(polling)),
    watches: proxyActivities<LinkWatches>(watch(polling)),
  };
}
