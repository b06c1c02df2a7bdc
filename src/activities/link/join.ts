/** The JOIN of a link that the instance leads, within the five minutes that Azure waits for it. */

import { SqlServerFailure } from '../../ports/failures';
import { classify } from '../../rules/errors/classify';
import type { ActivityReporter } from '../run/activity-boundary';
import type { ApplyContext } from '../run/apply-effect';
import { runStep } from '../run/run-step';
import type { LinkJoined } from './api';
import type { LinkContext } from './context';
import { joinDistributedGroup } from './steps/from-instance';
import { isFailedReplicaState } from './steps/link';

/**
 * Tries the JOIN until it succeeds, Azure gives the link up, or it fails for a reason that does not pass. It waits for
 * Azure to show the link first: before that the instance cannot know the group (47106).
 * @returns `broken` when Azure gave the link up
 */
export async function joinFromInstance(
  context: LinkContext,
  apply: ApplyContext,
  reporter: ActivityReporter,
): Promise<LinkJoined> {
  const { ports, spec, clock, signal } = context;
  let lastError = 'the join was not tried yet';
  for (;;) {
    const link = await ports.azure.readLink(spec.names.distributedGroup, signal);
    const state = link?.database?.replicaState;
    if (isFailedReplicaState(state)) {
      return {
        kind: 'broken',
        code: 'LinkNotJoined',
        message: `Azure gave the link up (${state}): ${spec.settings.server} did not join it in time; ${lastError}`,
        remedy:
          'check that TCP 5022 and 11000-11999 are open both ways and both certificates are trusted; then resume: the link is requested again',
      };
    }
    if (link !== undefined) {
      try {
        return { kind: 'joined', outcome: await runStep(joinDistributedGroup, context, apply) };
      } catch (error) {
        if (signal.aborted || !mayPass(error)) throw error;
        lastError = `last error: ${error.message}`;
      }
    }
    reporter.report({
      version: 1,
      activity: 'joining',
      waitingFor:
        link === undefined
          ? 'Azure to show the link'
          : `the instance to give its configuration to the SQL Server; Azure gives up after five minutes (${lastError})`,
      observedAt: new Date(clock.now()).toISOString(),
    });
    await clock.sleep(spec.settings.polling.active, signal);
  }
}

/** 47106 while the instance does not know the group yet, and what the transport brings (35250 and its like). */
const mayPass = (error: unknown): error is SqlServerFailure =>
  error instanceof SqlServerFailure && classify(error).entry.reaction === 'retry';
