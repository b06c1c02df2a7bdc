import { firstPrimary } from '../../model/link/initial-primary';
import type { ActivityReporter } from '../run/activity-boundary';
import { NeedsPerson } from '../run/failures';
import type { LinkConnection } from './api';
import { linkFacts, type Observing } from './link-facts';
import { isFailedReplicaState } from './steps/link';

/** Azure gives a link up that has not begun to replicate after 5 minutes (error 41962); a little longer here. */
const PATIENCE_MS = 7 * 60_000;

const REMEDY =
  'check that TCP 5022 and 11000-11999 are open both ways, that endpoint.address can be reached from the instance, and both certificates';

/**
 * Waits until the SQL Server is connected to the instance (link-with-scripts: refresh until CONNECTED).
 * @returns `broken` when Azure gave the link up
 * @throws NeedsPerson with the last connection error when it does not connect
 */
export async function awaitConnected(
  observing: Observing,
  reporter: ActivityReporter,
): Promise<LinkConnection> {
  const { ports, spec, clock } = observing;
  const pollMs = spec.settings.polling.active;
  const startedAt = clock.now();
  for (;;) {
    const facts = await linkFacts(observing, pollMs / 2, firstPrimary(spec));
    if (facts?.connectedStateDesc === 'CONNECTED') {
      return {
        kind: 'connected',
        evidence: `${spec.names.distributedGroup} is CONNECTED (${facts.serverTime})`,
      };
    }
    const lastError =
      facts?.lastConnectErrorDescription == null
        ? 'no connection error is reported'
        : `last connection error ${facts.lastConnectErrorNumber ?? ''}: ${facts.lastConnectErrorDescription}`;
    const link = await ports.azure.readLink(spec.names.distributedGroup, reporter.signal);
    const state = link?.database?.replicaState;
    const said = `${lastError}; Azure says ${state ?? 'nothing'}${mostRecent(link?.database?.mostRecentLinkError)}`;
    if (isFailedReplicaState(state)) {
      return {
        kind: 'broken',
        code: 'LinkBroken',
        message: `the link did not connect: ${said}`,
        remedy: REMEDY,
      };
    }
    if (clock.now() - startedAt > PATIENCE_MS) {
      throw new NeedsPerson('LinkNotConnected', `the link does not connect: ${said}`, REMEDY);
    }
    reporter.report({
      version: 1,
      activity: 'connecting',
      waitingFor: `the link to connect (${facts?.connectedStateDesc ?? 'not there yet'}; ${lastError})`,
      observedAt: new Date(clock.now()).toISOString(),
    });
    await clock.sleep(pollMs, reporter.signal);
  }
}

const mostRecent = (error: string | null | undefined): string =>
  error ? `, most recent link error ${error}` : '';
