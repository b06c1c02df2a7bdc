import type { LinkSite } from '../../model/link/side';
import { readInstanceDatabase } from '../../tsql/queries/instance-database';
import type { LinkContext } from './context';

/** @returns the side that is the primary of the link; the SQL Server while there is none */
export async function leadingSide({ ports, spec, signal }: Omit<LinkContext, 'secret'>): Promise<LinkSite> {
  const { database } = spec.settings;
  const [row] = await ports.server.query(readInstanceDatabase(database, spec.names.distributedGroup), {
    signal,
  });
  return row?.groupRoleDesc === 'SECONDARY' ? 'instance' : 'server';
}
