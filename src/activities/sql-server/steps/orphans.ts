import type { OrphanedUser } from '../../../model/run/failover-facts';
import { otherSite } from '../../../model/side';
import type { Side } from '../../../model/statement';
import { orphanedUsers } from '../../../rules/sql-server/orphaned-users';
import { mapUserToLogin } from '../../../tsql/after-failover';
import { readInstanceUsers, readLoginSids } from '../../../tsql/queries/after-failover';
import { readInstanceDatabase } from '../../../tsql/queries/instance-database';
import { defineLinkStep, type LinkContext, readOn } from '../../link/context';

interface OrphanState {
  readonly orphans: readonly OrphanedUser[];
}

/**
 * Users whose login has another SID on the new primary get the login of their name ("Troubleshoot orphaned users").
 * Only where a spec asks for it: a login of the same name is usually, but not always, the same person.
 */
export const repairOnInstance = defineRepair('instance.repair-orphaned-users', 'instance');
export const repairOnServer = defineRepair('server.repair-orphaned-users', 'server');

function defineRepair(id: string, on: Side) {
  return defineLinkStep<OrphanState>({
    id,
    observe: async (context) => ({ orphans: await findOrphans(context, on) }),
    settled({ orphans }) {
      const mendable = orphans.filter(({ login }) => login !== null);
      if (mendable.length > 0) return undefined;
      return orphans.length === 0
        ? 'every user has its login'
        : `no login of the same name for ${orphans.map(({ user }) => user).join(', ')}`;
    },
    async effects({ orphans }, { spec }) {
      const { database } = spec.settings;
      return orphans.flatMap(({ user, login }) =>
        login === null
          ? []
          : [{ kind: 'tsql' as const, on, statement: mapUserToLogin({ database, user, login }) }],
      );
    },
  });
}

/**
 * Users are read where the database can be read: before a failover, for a plan, that is the other side, and its users
 * come along with the database. Logins are those of the side that is asked for.
 */
export async function findOrphans(context: LinkContext, on: Side): Promise<readonly OrphanedUser[]> {
  const { database } = context.spec.settings;
  const [row] = await readOn(context, on, readInstanceDatabase(database, context.spec.names.link));
  const readable = row?.updateability === 'READ_WRITE' ? on : otherSite(on);
  const [users, logins] = await Promise.all([
    readOn(context, readable, readInstanceUsers(database)),
    readOn(context, on, readLoginSids()),
  ]);
  return orphanedUsers(users, logins);
}
