import type { OrphanedUser } from '../../../model/run/failover-facts';
import { otherSiteOf, type SiteId } from '../../../model/run/site';
import { orphanedUsers } from '../../../rules/sql-server/orphaned-users';
import { mapUserToLogin } from '../../../tsql/after-failover';
import { readInstanceUsers, readLoginSids } from '../../../tsql/queries/after-failover';
import { readInstanceDatabase } from '../../../tsql/queries/instance-database';
import { defineSqlServerStep, readAt, type SqlServerContext, type SqlServerStep } from '../context';

interface OrphanState {
  readonly orphans: readonly OrphanedUser[];
}

/**
 * Users whose login has another SID on the new primary get the login of their name ("Troubleshoot orphaned users").
 * Only where a spec asks for it: a login of the same name is usually, but not always, the same person.
 */
export function orphanedUsersRepair(on: SiteId): SqlServerStep {
  return defineSqlServerStep<OrphanState>({
    id: `${on}.repair-orphaned-users`,
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
export async function findOrphans(
  context: Omit<SqlServerContext, 'secret'>,
  on: SiteId,
): Promise<readonly OrphanedUser[]> {
  const { database } = context.spec.settings;
  const [row] = await readAt(
    context,
    on,
    readInstanceDatabase(database, context.spec.names.distributedGroup),
  );
  const readable = row?.updateability === 'READ_WRITE' ? on : otherSiteOf(context.spec.sites, on).id;
  const [users, logins] = await Promise.all([
    readAt(context, readable, readInstanceUsers(database)),
    readAt(context, on, readLoginSids()),
  ]);
  return orphanedUsers(users, logins);
}
