/** Reads what one side has of logins, jobs and the other objects outside of a database. */
import type {
  ConnectRight,
  Job,
  Login,
  ReportedObject,
  ServerPermission,
  SideObjects,
} from '../../../model/sql-server/instance-objects';
import type { SqlServerPort } from '../../../ports/sql-server';
import { collapsePermissions } from '../../../rules/sql-server/server-permissions';
import {
  readJobCategories,
  readJobSchedules,
  readJobSteps,
  readJobs,
} from '../../../tsql/queries/agent-jobs';
import {
  readDatabaseNames,
  readInstanceLogins,
  readPasswordHashes,
  readServerPermissions,
  readServerRoleMembers,
  readServerRoles,
  type ServerPermissionRow,
} from '../../../tsql/queries/instance-logins';
import { readReportedObjects } from '../../../tsql/queries/reported-objects';

/**
 * Names of one server are compared as they stand: it may tell cases apart.
 * @param jobNames the jobs that the spec names: others are nobody's business here
 */
export async function readSideObjects(
  port: SqlServerPort,
  jobNames: readonly string[],
  signal: AbortSignal,
): Promise<SideObjects> {
  const [rows, members, permissions, roles, databases, jobs, categories] = await Promise.all([
    port.query(readInstanceLogins(), { signal }),
    port.query(readServerRoleMembers(), { signal }),
    port.query(readServerPermissions(), { signal }),
    port.query(readServerRoles(), { signal }),
    port.query(readDatabaseNames(), { signal }),
    readAgentJobs(port, jobNames, signal),
    port.query(readJobCategories(), { signal }),
  ]);
  const logins = rows.map(
    (row): Login => ({
      ...row,
      connect: connectRight(row.name, permissions),
      roles: rolesOf(row.name, members),
      permissions: permissionsOf(row.name, permissions),
    }),
  );
  return {
    logins,
    roles: roles.map(({ name }) => ({
      name,
      permissions: permissionsOf(name, permissions),
      roles: rolesOf(name, members),
    })),
    databases: databases.map(({ name }) => name),
    jobs,
    jobCategories: categories.map(({ name }) => name),
  };
}

const rolesOf = (
  principal: string,
  members: readonly { readonly role: string; readonly member: string }[],
): readonly string[] => members.filter(({ member }) => member === principal).map(({ role }) => role);

const CONNECT_SQL = 'CONNECT SQL';

/** Every login has the right from its creation on: no row means that it was revoked. */
function connectRight(login: string, permissions: readonly ServerPermissionRow[]): ConnectRight {
  const [right] = collapsePermissions(
    permissions.filter(({ grantee, name }) => grantee === login && name === CONNECT_SQL),
  );
  if (right === undefined) return 'revoked';
  return right.state === 'DENY' ? 'denied' : 'granted';
}

const permissionsOf = (
  principal: string,
  permissions: readonly ServerPermissionRow[],
): readonly ServerPermission[] =>
  collapsePermissions(
    permissions.filter(({ grantee, name }) => grantee === principal && name !== CONNECT_SQL),
  );

/** Jobs with all their parts. Their commands may hold secrets: they stay within the activity. */
export async function readAgentJobs(
  port: SqlServerPort,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly Job[]> {
  if (names.length === 0) return [];
  const [jobs, steps, schedules] = await Promise.all([
    port.query(readJobs(names), { signal }),
    port.query(readJobSteps(names), { signal }),
    port.query(readJobSchedules(names), { signal }),
  ]);
  return jobs.map((row) => ({
    ...row,
    steps: steps.filter(({ job }) => job === row.name).map(({ job: _job, ...step }) => step),
    schedules: schedules.filter(({ job }) => job === row.name).map(({ job: _job, ...schedule }) => schedule),
  }));
}

/** **Secret.** @returns hashes by SID; null where they cannot be read */
export async function readHashes(
  port: SqlServerPort,
  sids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string | null>> {
  if (sids.length === 0) return new Map();
  const rows = await port.query(readPasswordHashes(sids), { signal });
  return new Map(rows.map(({ sid, hash }) => [sid, hash]));
}

export async function readReported(
  port: SqlServerPort,
  signal: AbortSignal,
): Promise<readonly ReportedObject[]> {
  return (await Promise.all(readReportedObjects().map((query) => port.query(query, { signal })))).flat();
}
