/** Tables of a database: a user database's own, or the ones that live in a system database of this server. */

import { MemoryTableStore } from '../sql/session/memory-store';
import type { TableStore } from '../sql/storage';
import { isSystemDatabase, type SessionContext } from './context';

/** Store of a system database; made on first use and kept with the server. */
export const systemStore = (context: SessionContext, database: string): TableStore => {
  const key = database.toLowerCase();
  const found = context.state.ownedStores.get(key);
  if (found !== undefined) return found;
  const made = new MemoryTableStore();
  context.state.ownedStores.set(key, made);
  return made;
};

/** Tables of a database for catalog views; a database that cannot be opened shows none. */
export const catalogStore = (context: SessionContext, database: string): TableStore | undefined => {
  if (isSystemDatabase(database)) return systemStore(context, database);
  const found = context.world.databases.find(context.instanceName, database);
  if (found === undefined || found.state !== 'ONLINE') return undefined;
  return found.store;
};
