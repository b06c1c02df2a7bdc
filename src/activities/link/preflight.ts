import { cutoverRoute } from '../../rules/link/capability';
import { runLinkPreflight } from '../../rules/link/preflight';
import type { LinkPreflightOutcome } from './api';
import type { LinkContext } from './context';
import { readLinkPreflightFacts } from './observe-link';

/** Reads all that the checks ask for and judges it. Changes nothing. */
export async function preflight(context: Omit<LinkContext, 'secret'>): Promise<LinkPreflightOutcome> {
  const { ports, spec, clock, signal } = context;
  const facts = await readLinkPreflightFacts(ports, spec, clock, signal);
  const report = runLinkPreflight(facts, spec, clock.now());
  return {
    report,
    route: cutoverRoute(facts.server, facts.instance),
    serverName: facts.server.serverName,
    instanceFqdn: facts.instance.fullyQualifiedDomainName,
    databaseBytes: (facts.database?.files ?? []).reduce((sum, file) => sum + file.sizeBytes, 0),
  };
}
