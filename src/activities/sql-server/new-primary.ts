/** The looks at a database of SQL Server that has a new primary. */
import type {
  AfterFailoverFacts,
  DatabaseProperties,
  FailoverCheck,
  GroupMode,
} from '../../model/run/failover-facts';
import type { SiteId } from '../../model/run/site';
import type { SqlServerSpec } from '../../model/sql-server/spec';
import { sameName } from '../../rules/names';
import { afterFailoverChecks, type Repairs } from '../../rules/sql-server/after-failover';
import {
  changeDatabaseOwner,
  enableServiceBroker,
  mapUserToLogin,
  setCompatibilityLevel,
} from '../../tsql/after-failover';
import { readDatabaseProperties } from '../../tsql/queries/after-failover';
import { groupAvailabilityGroups, readAvailabilityGroups } from '../../tsql/queries/availability-groups';
import type { AfterFailoverInput } from '../run/failover-api';
import { readAt, type SqlServerContext } from './context';
import { findOrphans } from './steps/orphans';

/** The database as the catalog of one site shows it. */
export async function databaseProperties(context: SqlServerContext, on: SiteId): Promise<DatabaseProperties> {
  const [row] = await readAt(context, on, readDatabaseProperties(context.spec.settings.database));
  const absent = {
    stateDesc: null,
    updateability: null,
    compatibilityLevel: null,
    owner: null,
    ownerSid: null,
    isBrokerEnabled: null,
    isAcceleratedDatabaseRecoveryOn: null,
  };
  return { ...(row ?? absent), on, observedAt: new Date(context.clock.now()).toISOString() };
}

/** @param commitMode statement that lets groups commit asynchronously again, for people */
export async function checkNewPrimary(
  context: SqlServerContext,
  { primary, before, firstWriteAt, replicates }: Omit<AfterFailoverInput, 'spec'>,
  commitMode: (groups: readonly string[]) => string,
): Promise<readonly FailoverCheck[]> {
  const [now, orphans, modes] = await Promise.all([
    databaseProperties(context, primary),
    findOrphans(context, primary),
    replicates ? modesOf(context) : null,
  ]);
  const facts: AfterFailoverFacts = { now, before, orphans, modes, firstWriteAt };
  return afterFailoverChecks(facts, repairsFor(context.spec, commitMode));
}

/** Each site holds the distributed group of its own; one that does not answer says nothing about itself. */
async function modesOf(context: SqlServerContext): Promise<readonly GroupMode[]> {
  const modes = await Promise.all(
    context.spec.sites.map(async ({ id: on, label }): Promise<readonly GroupMode[]> => {
      const rows = await readAt(context, on, readAvailabilityGroups()).catch(() => []);
      const group = groupAvailabilityGroups(rows).find(({ name }) =>
        sameName(name, context.spec.names.distributedGroup),
      );
      return (group?.replicas ?? []).map(({ name, availabilityModeDesc }) => ({
        on,
        label,
        member: name,
        mode: availabilityModeDesc,
      }));
    }),
  );
  return modes.flat();
}

function repairsFor({ settings }: SqlServerSpec, asynchronous: Repairs['asynchronous']): Repairs {
  const { database } = settings;
  return {
    user: ({ user, login }) => mapUserToLogin({ database, user, login }).display,
    compatibilityLevel: (level) => setCompatibilityLevel(database, level).display,
    owner: (login) => changeDatabaseOwner(database, login).display,
    broker: enableServiceBroker(database).display,
    asynchronous,
  };
}
