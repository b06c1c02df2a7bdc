/** managedInstances/{mi}/databases: reading, making empty ones, dropping; restoreDetails is refused. */

import { SqlError } from '../sql/errors';
import type { Database } from '../world/model';
import {
  type ArmContext,
  accept,
  bodyProperties,
  jsonBody,
  type ManagedInstance,
  managedInstance,
  member,
  NO_CONTENT,
  nameAt,
  ok,
} from './context';
import { ArmError, badRequest, childNotFound, databaseNotFound, invalidParameterValue } from './errors';
import type { HttpResponse } from './http';
import { running } from './links';
import { instant, type OperationState } from './operations';
import { page } from './paging';
import { toArmError } from './refusals';

const TYPE = 'Microsoft.Sql/managedInstances/databases';
const RESERVED = ['master', 'model', 'msdb', 'tempdb', 'distribution', 'mssqlsystemresource'];

/** Not documented as a figure of its own; both are quick operations of the service (inferred). Simulated ms. */
const CREATE_MS = 15_000;
const DELETE_MS = 8_000;

export function listDatabases(context: ArmContext): HttpResponse {
  const target = managedInstance(context);
  const databases = [...target.instance.databases.values()];
  return page(context.request, databases, (each) => render(target, each));
}

export function getDatabase(context: ArmContext): HttpResponse {
  const target = managedInstance(context);
  return ok(render(target, requireDatabase(context, target)));
}

export function putDatabase(context: ArmContext): HttpResponse {
  const target = running(context);
  const name = nameAt(context, 1);
  if (/\s$/.test(name))
    throw badRequest(
      'CannotUseTrailingWhitespacesInDatabaseName',
      `Database name '${name}' must not end with white space.`,
    );
  if (RESERVED.includes(name.toLowerCase()))
    throw badRequest('CannotUseReservedDatabaseName', `Database name '${name}' is reserved.`);
  if (member(jsonBody(context), 'location') === undefined)
    throw badRequest('LocationRequired', 'The location property is required for this definition.');
  const properties = bodyProperties(context) ?? {};
  const createMode = member(properties, 'createMode') ?? 'Default';
  if (createMode !== 'Default')
    // Restores need storage that the estate does not have.
    throw invalidParameterValue('createMode');
  const collation = member(properties, 'collation');
  if (collation !== undefined && typeof collation !== 'string') throw invalidParameterValue('collation');
  const { databases, journal } = context.world;
  const exists = databases.find(target.instance.name, name) !== undefined;
  return timed(context, target, 'CreateManagedDatabase', exists ? 0 : CREATE_MS, {
    begin: () => {
      if (!exists) journal.mark(`create database ${target.instance.name}/${name}`);
    },
    finish: () => {
      if (databases.find(target.instance.name, name) !== undefined) return;
      const options = collation === undefined ? {} : { options: { collation } };
      databases.create(target.instance.name, { name, ...options });
    },
    result: () => getDatabase(context),
  });
}

export function deleteDatabase(context: ArmContext): HttpResponse {
  const target = running(context);
  const name = nameAt(context, 1);
  const database = context.world.databases.find(target.instance.name, name);
  if (database === undefined) return NO_CONTENT;
  if (linked(context, target, name))
    throw badRequest(
      'OperationCanNotStartDueToMiLink',
      `The operation cannot start on database '${name}' because it is part of a managed instance link.`,
    );
  return timed(context, target, 'DropManagedDatabase', DELETE_MS, {
    begin: () => context.world.journal.mark(`drop database ${target.instance.name}/${name}`),
    finish: () => context.world.databases.drop(target.instance.name, name),
    result: () => NO_CONTENT,
  });
}

function linked(context: ArmContext, target: ManagedInstance, name: string): boolean {
  return context.world.links
    .list(target.instance.name)
    .some((link) => link.databaseName.toLowerCase() === name.toLowerCase());
}

/** Log replay is what it reports on; a database of a link is seeded, not restored from backups. */
export function getRestoreDetails(context: ArmContext): HttpResponse {
  const target = managedInstance(context);
  const database = requireDatabase(context, target);
  const name = nameAt(context, 2);
  if (name.toLowerCase() !== 'default') throw childNotFound(`${TYPE}/restoreDetails`, name);
  throw new ArmError(
    404,
    'ResourceNotFound',
    `No restore operation was found for database '${database.name}'. Restore details exist only for databases that are restored from backups.`,
  );
}

interface Timed {
  readonly begin: () => void;
  readonly finish: () => void;
  readonly result: () => HttpResponse;
}

function timed(
  context: ArmContext,
  target: ManagedInstance,
  name: string,
  durationMs: number,
  work: Timed,
): HttpResponse {
  const { clock } = context.world;
  const scripted = context.failure;
  let current: OperationState = { status: 'InProgress' };
  if (scripted?.takesEffect !== false) work.begin();
  const end = (): void => {
    current = finished(scripted?.takesEffect === false ? () => undefined : work.finish);
    if (scripted !== undefined) current = { status: 'Failed', error: scripted };
  };
  if (durationMs === 0) end();
  else clock.after(durationMs, end);
  return accept(context, target, {
    type: 'managedDatabase',
    name,
    startedAt: clock.now(),
    state: () => current,
    result: work.result,
  });
}

/** What the world refuses at the end of an operation makes it fail. */
function finished(work: () => void): OperationState {
  try {
    work();
    return { status: 'Succeeded' };
  } catch (error) {
    const refusal = toArmError(error);
    if (refusal === undefined) throw error;
    return {
      status: 'Failed',
      error: { code: refusal.code, message: refusal.message, status: refusal.status },
    };
  }
}

function requireDatabase(context: ArmContext, target: ManagedInstance): Database {
  const name = nameAt(context, 1);
  try {
    return context.world.databases.get(target.instance.name, name);
  } catch (error) {
    if (error instanceof SqlError) throw databaseNotFound(name);
    throw error;
  }
}

/**
 * ManagedDatabaseStatus has no value of its own for the secondary of a link, and what the service shows for it is not
 * documented: Online once it can be read, Creating before (inferred).
 */
function status(database: Database): string {
  switch (database.state) {
    case 'ONLINE':
      return 'Online';
    case 'OFFLINE':
      return 'Offline';
    case 'RESTORING':
    case 'RECOVERING':
      return database.groupName === undefined ? 'Restoring' : 'Creating';
    case 'RECOVERY_PENDING':
    case 'SUSPECT':
    case 'EMERGENCY':
      return 'Inaccessible';
    default:
      return database.state satisfies never;
  }
}

function render({ managed }: ManagedInstance, database: Database): unknown {
  return {
    properties: {
      collation: database.options.collation,
      status: status(database),
      creationDate: instant(database.createdAt),
      defaultSecondaryLocation: managed.location,
    },
    location: managed.location,
    tags: {},
    id: `${managed.resourceId}/databases/${database.name}`,
    name: database.name,
    type: TYPE,
  };
}
