/** The roles of a link, as both sides tell them. */
import { bySite, type LinkSite } from '../../model/link/side';
import { readInstanceDatabase } from '../../tsql/queries/instance-database';
import { askLostSide } from '../sql-server/observe/reading';
import type { LinkContext } from './context';

/** Null while a side does not answer: a dead primary is why one forces. `none`: it has no part in the link. */
export type LinkRoles = Readonly<Record<LinkSite, string | null>>;

/** @param lost side that is not asked for long: it may hang, and what forces the other one to lead does not wait */
export async function readRoles(context: LinkContext, lost?: LinkSite): Promise<LinkRoles> {
  const { clock, signal, ports, spec } = context;
  const query = readInstanceDatabase(spec.settings.database, spec.names.distributedGroup);
  const read = async (on: LinkSite): Promise<string | null> => {
    const port = bySite(on, ports);
    const rows =
      on === lost
        ? await askLostSide((options) => port.query(query, options), clock, signal)
        : await port.query(query, { signal }).catch(() => undefined);
    return rows === undefined ? null : (rows[0]?.groupRoleDesc ?? 'none');
  };
  const [server, instance] = await Promise.all([read('server'), read('instance')]);
  return { server, instance };
}
