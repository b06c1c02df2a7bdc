/** All views of a server by name, and who may read which. */
import { SqlErrors } from '../../sql/errors';
import type { ObjectName, RowSource } from '../../sql/host';
import { isSystemDatabase, type SessionContext, sameName } from '../context';
import { serverError } from '../messages/raise';
import { availabilityViews } from './availability';
import { constraintViews } from './constraints';
import { databaseViews } from './databases';
import { rowSource, type ViewDefinition } from './definition';
import { endpointViews } from './endpoints';
import { indexViews } from './indexes';
import { informationSchemaViews } from './information-schema';
import { moduleViews } from './modules';
import { msdbViews } from './msdb';
import { objectViews } from './objects';
import { permissionViews } from './permissions';
import { securityViews } from './security';
import { seedingViews } from './seeding';
import { serverViews } from './server';
import { sessionViews } from './sessions';

const all: ViewDefinition[] = [
  ...databaseViews,
  ...availabilityViews,
  ...seedingViews,
  ...securityViews,
  ...endpointViews,
  ...permissionViews,
  ...sessionViews,
  ...serverViews,
  ...msdbViews,
  ...constraintViews,
  ...indexViews,
  ...moduleViews,
  ...informationSchemaViews,
];
all.push(...objectViews((context) => visibleViews(context)));

const exists = (context: SessionContext, view: ViewDefinition): boolean =>
  (view.since ?? 0) <= context.major && (view.managedInstanceOnly !== true || context.managedInstance);

/** Views that this version and kind of server has. */
export const visibleViews = (context: SessionContext): readonly ViewDefinition[] =>
  all.filter((view) => exists(context, view));

/** Tools also write the old names: master..sysdatabases and friends live in `sys` and answer to dbo. */
const schemaFits = (view: ViewDefinition, schema: string | undefined, database: string): boolean => {
  if (schema !== undefined) {
    return sameName(view.schema, schema) || (view.name === 'sysprocesses' && sameName(schema, 'dbo'));
  }
  // Without a schema only objects of dbo resolve, and the compatibility views.
  return view.database !== undefined ? sameName(view.database, database) : view.name === 'sysprocesses';
};

/** A definition by name, without regard to permissions. */
export const findView = (context: SessionContext, name: ObjectName): ViewDefinition | undefined => {
  const database = name.database ?? context.database;
  return all.find(
    (view) =>
      sameName(view.name, name.object) &&
      exists(context, view) &&
      schemaFits(view, name.schema, database) &&
      (view.database === undefined || sameName(view.database, database)),
  );
};

/** 2022 split VIEW SERVER STATE: what these views show now needs VIEW SERVER PERFORMANCE STATE. */
const requirePermission = (context: SessionContext, permission: string): void => {
  const needed =
    permission === 'VIEW SERVER STATE' && context.major >= 16 ? 'VIEW SERVER PERFORMANCE STATE' : permission;
  if (context.may(needed)) return;
  throw new SqlErrors([serverError(300, [needed, 'server', 'master']), serverError(297)]);
};

/**
 * Opens a view for a session.
 * @returns undefined when there is no such view here
 * @throws 300 and 297 without the permission, 911 when the named database does not exist
 */
export const openView = (context: SessionContext, name: ObjectName): RowSource | undefined => {
  const view = findView(context, name);
  if (view === undefined) return undefined;
  if (view.permission !== undefined) requirePermission(context, view.permission);
  return rowSource(view, context, spelled(context, name.database));
};

const spelled = (context: SessionContext, database: string | undefined): string => {
  if (database === undefined) return context.database;
  if (isSystemDatabase(database)) return database.toLowerCase();
  return context.userDatabase(database).name;
};
