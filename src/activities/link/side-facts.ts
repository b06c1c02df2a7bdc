import { bySite, type LinkSite } from '../../model/link/side';
import { readInstanceDatabaseFacts } from '../sql-server/observe/database';
import type { Observing } from './link-facts';

/** The database as one side itself shows it. */
export function sideFacts({ ports, spec, clock }: Observing, side: LinkSite, signal: AbortSignal) {
  const port = bySite(side, ports);
  return readInstanceDatabaseFacts(port, clock, spec.settings.database, spec.names.distributedGroup, signal);
}
