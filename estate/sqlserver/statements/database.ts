/** Runs CREATE / ALTER / DROP DATABASE. */
import { SqlError } from '../../sql/errors';
import type { Database, DatabaseOptions } from '../../world/model';
import { isSystemDatabase, type SessionContext, sameName } from '../context';
import { serverError, serverInfo } from '../messages/raise';
import { hasDatabaseRole } from '../principals';
import type { DatabaseOption, FileClause, ParsedStatement, Termination } from '../syntax/ast';
import { failWith, type StatementIo } from './io';

type Of<Kind extends ParsedStatement['kind']> = Extract<ParsedStatement, { kind: Kind }>;

const total = (files: readonly FileClause[]): number | undefined => {
  const sizes = files.flatMap((file) => (file.sizeBytes === undefined ? [] : [file.sizeBytes]));
  return sizes.length === 0 ? undefined : sizes.reduce((sum, size) => sum + size, 0);
};

export const createDatabase = (context: SessionContext, statement: Of<'create-database'>): void => {
  if (!context.may('CREATE ANY DATABASE')) throw serverError(262, ['CREATE DATABASE', 'master']);
  if (isSystemDatabase(statement.name)) throw serverError(1801, [statement.name]);
  if (context.managedInstance && statement.data.length + statement.log.length > 0) throw serverError(41918);
  const dataBytes = total(statement.data);
  const logBytes = total(statement.log);
  const [log] = statement.log;
  const options: Partial<DatabaseOptions> = {
    compatibilityLevel: context.major * 10,
    collation: statement.collation ?? context.instance.collation,
  };
  context.world.databases.create(context.instanceName, {
    name: statement.name,
    // A new database is a copy of model: 8 MB of data and 8 MB of log.
    dataBytes: dataBytes ?? 8 * 1024 * 1024,
    logBytes: logBytes ?? 8 * 1024 * 1024,
    ...(typeof log?.maxSizeBytes === 'number' ? { logMaxBytes: log.maxSizeBytes } : {}),
    ...(log?.growthBytes === undefined ? {} : { logGrowthBytes: log.growthBytes }),
    options,
  });
};

const sessionsIn = (context: SessionContext, database: string): number[] =>
  [...context.instance.sessions.values()]
    .filter((session) => session.spid !== context.spid && sameName(session.database, database))
    .map((session) => session.spid);

export const dropDatabase = (context: SessionContext, statement: Of<'drop-database'>): void => {
  for (const name of statement.names) dropOne(context, name, statement.ifExists);
};

const dropOne = (context: SessionContext, name: string, ifExists: boolean): void => {
  if (isSystemDatabase(name)) throw serverError(3708, ['drop', 'database', name, 'database']);
  const database = context.world.databases.find(context.instanceName, name);
  if (database === undefined) {
    if (ifExists) return;
    throw serverError(3701, ['drop', 'database', name]);
  }
  if (!context.may('ALTER ANY DATABASE') && !hasDatabaseRole(context, name, 'db_owner')) {
    throw serverError(3701, ['drop', 'database', name]);
  }
  const inUse = sameName(context.database, name) || sessionsIn(context, name).length > 0;
  if (inUse && database.groupName === undefined) throw serverError(3702, [database.name]);
  context.world.databases.drop(context.instanceName, name);
};

/** The column of sys.databases that shows an option which has no further effect here. */
export const settingColumns: Readonly<Record<string, string>> = {
  AUTO_SHRINK: 'is_auto_shrink_on',
  AUTO_CREATE_STATISTICS: 'is_auto_create_stats_on',
  AUTO_UPDATE_STATISTICS: 'is_auto_update_stats_on',
  AUTO_UPDATE_STATISTICS_ASYNC: 'is_auto_update_stats_async_on',
  DB_CHAINING: 'is_db_chaining_on',
  ANSI_NULLS: 'is_ansi_nulls_on',
  ANSI_NULL_DEFAULT: 'is_ansi_null_default_on',
  ANSI_PADDING: 'is_ansi_padding_on',
  ANSI_WARNINGS: 'is_ansi_warnings_on',
  ARITHABORT: 'is_arithabort_on',
  CONCAT_NULL_YIELDS_NULL: 'is_concat_null_yields_null_on',
  NUMERIC_ROUNDABORT: 'is_numeric_roundabort_on',
  QUOTED_IDENTIFIER: 'is_quoted_identifier_on',
  RECURSIVE_TRIGGERS: 'is_recursive_triggers_on',
  CURSOR_CLOSE_ON_COMMIT: 'is_cursor_close_on_commit_on',
  DATE_CORRELATION_OPTIMIZATION: 'is_date_correlation_on',
  HONOR_BROKER_PRIORITY: 'is_honor_broker_priority_on',
  MIXED_PAGE_ALLOCATION: 'is_mixed_page_allocation_on',
  QUERY_STORE: 'is_query_store_on',
  PAGE_VERIFY: 'page_verify_option_desc',
  TARGET_RECOVERY_TIME: 'target_recovery_time_in_seconds',
  CONTAINMENT: 'containment_desc',
  DELAYED_DURABILITY: 'delayed_durability_desc',
};

const remember = (context: SessionContext, database: string, option: string, value: string): void => {
  if (settingColumns[option] === undefined) throw serverError(5058, [option, database]);
  const key = database.toLowerCase();
  const settings = context.state.databaseSettings.get(key) ?? new Map<string, string>();
  context.state.databaseSettings.set(key, settings);
  if (settings.get(option) === value) return;
  settings.set(option, value);
  context.world.journal.mark(`set ${option} of ${database} on ${context.instanceName}`);
};

type Change = Partial<DatabaseOptions> | 'settings' | { readonly online: boolean };

const changeOf = (context: SessionContext, database: string, option: DatabaseOption): Change => {
  switch (option.kind) {
    case 'recovery':
      return { recoveryModel: option.model };
    case 'access':
      return { userAccess: option.access };
    case 'updatability':
      return { readOnly: option.readOnly };
    case 'compatibility':
      return compatibility(context, option.level);
    case 'broker':
      return { brokerEnabled: option.mode !== 'DISABLE_BROKER' };
    case 'adr':
      return {
        acceleratedRecovery: option.on,
        ...(option.filegroup === undefined ? {} : { versionStoreFilegroup: option.filegroup }),
      };
    case 'state':
      if (option.state === 'EMERGENCY') throw serverError(5058, ['EMERGENCY', database]);
      return { online: option.state === 'ONLINE' };
    case 'encryption':
      return refuseEncryption(context, database, option.on);
    case 'switch':
      return switchChange(option.name, option.on);
    case 'value':
      return 'settings';
  }
};

/** Databases are encrypted, or not, from the scenario's beginning: there is no key to switch with. */
const refuseEncryption = (context: SessionContext, database: string, on: boolean): never => {
  const encrypted = context.userDatabase(database).options.tdeThumbprint !== undefined;
  const leadsLink = context.world.links
    .list(context.instanceName)
    .some((link) => sameName(link.databaseName, database) && link.instanceLinkRole === 'Primary');
  if (context.managedInstance && leadsLink && !encrypted && on)
    throw new SqlError(
      41980,
      `Database '${database}' cannot be encrypted with a service-managed key while it is the primary of a Managed Instance link.`,
      { severity: 16, state: 1 },
    );
  if (!encrypted) throw serverError(33106);
  throw on ? serverError(33107) : serverError(40510, ['ALTER DATABASE SET ENCRYPTION OFF']);
};

const switchChange = (name: string, on: boolean): Change => {
  switch (name) {
    case 'AUTO_CLOSE':
      return { autoClose: on };
    case 'TRUSTWORTHY':
      return { trustworthy: on };
    case 'READ_COMMITTED_SNAPSHOT':
      return { readCommittedSnapshot: on };
    case 'ALLOW_SNAPSHOT_ISOLATION':
      return { snapshotIsolation: on };
    default:
      return 'settings';
  }
};

const compatibility = (context: SessionContext, level: number): Change => {
  const highest = context.major * 10;
  if (level < 100 || level > highest || level % 10 !== 0) throw serverError(15048, [highest]);
  return { compatibilityLevel: level };
};

/** Options that end other sessions' work when the statement says how. */
const needsExclusive = (option: DatabaseOption): boolean =>
  (option.kind === 'access' && option.access === 'SINGLE_USER') ||
  option.kind === 'updatability' ||
  (option.kind === 'state' && option.state === 'OFFLINE');

const clearSessions = (
  context: SessionContext,
  database: string,
  termination: Termination | undefined,
  io: StatementIo,
): void => {
  const others = sessionsIn(context, database);
  if (others.length === 0) return;
  if (termination?.kind === 'no-wait') throw serverError(5070, [database]);
  // Without a termination clause the server waits for the lock without end; a refusal says the same (inferred).
  if (termination === undefined) throw serverError(5061, [database]);
  for (const spid of others) context.world.instances.killSession(context.instanceName, spid);
  io.output.info(serverInfo(5060, [100]));
};

export const alterDatabaseSet = async (
  context: SessionContext,
  statement: Of<'alter-database-set'>,
  io: StatementIo,
): Promise<void> => {
  const name = statement.database ?? context.database;
  const closing: SqlError = serverError(5069);
  try {
    await setAll(context, name, statement, io);
  } catch (error) {
    failWith(error, closing);
  }
};

const setAll = async (
  context: SessionContext,
  name: string,
  statement: Of<'alter-database-set'>,
  io: StatementIo,
): Promise<void> => {
  if (isSystemDatabase(name)) {
    if (!context.isSysadmin) throw serverError(5011, [name]);
    throw serverError(5058, [firstWord(statement.options[0]), name]);
  }
  const database = context.world.databases.find(context.instanceName, name);
  if (database === undefined || !mayAlter(context, name)) throw serverError(5011, [name]);
  const changes = statement.options.map((option) => changeOf(context, database.name, option));
  if (database.groupName === undefined && statement.options.some(needsExclusive)) {
    if (statement.termination?.kind === 'after') {
      await context.world.clock.sleep(statement.termination.seconds * 1000, io.signal);
    }
    clearSessions(context, name, statement.termination, io);
  }
  statement.options.forEach((option, index) => {
    applyChange(context, database.name, option, changes[index] ?? 'settings');
  });
};

const applyChange = (context: SessionContext, name: string, option: DatabaseOption, change: Change): void => {
  if (change === 'settings') {
    if (option.kind === 'switch') remember(context, name, option.name, option.on ? 'ON' : 'OFF');
    if (option.kind === 'value') remember(context, name, option.name, option.value);
    return;
  }
  if ('online' in change) {
    context.world.databases.setOnline(context.instanceName, name, change.online);
    return;
  }
  context.world.databases.setOptions(context.instanceName, name, change);
};

const firstWord = (option: DatabaseOption | undefined): string => {
  if (option === undefined) return '';
  if (option.kind === 'switch' || option.kind === 'value') return option.name;
  return option.kind.toUpperCase();
};

const mayAlter = (context: SessionContext, name: string): boolean =>
  context.may('ALTER ANY DATABASE') || hasDatabaseRole(context, name, 'db_owner');

export const alterDatabaseHadr = (context: SessionContext, statement: Of<'alter-database-hadr'>): void => {
  const { world, instanceName } = context;
  const name = statement.database;
  if (!context.may('ALTER ANY AVAILABILITY GROUP') && !mayAlter(context, name))
    throw serverError(5011, [name]);
  const database = context.userDatabase(name);
  switch (statement.action.kind) {
    case 'suspend':
    case 'resume':
      world.databases.setDataMovement(instanceName, name, statement.action.kind === 'suspend');
      return;
    case 'off': {
      // On a secondary the database leaves its group and stays RESTORING; on the primary it is refused (35240).
      if (database.groupName === undefined) throw serverError(41132, [name]);
      world.groups.removeDatabase(instanceName, database.groupName, name);
      return;
    }
    case 'join':
      if (world.groups.get(instanceName, statement.action.group) === undefined) {
        throw serverError(15151, ['alter', 'availability group', statement.action.group]);
      }
      world.groups.addDatabase(instanceName, statement.action.group, name);
  }
};

export const alterDatabaseFiles = (context: SessionContext, statement: Of<'alter-database-files'>): void => {
  const name = statement.database ?? context.database;
  try {
    changeFile(context, name, statement);
  } catch (error) {
    failWith(error, serverError(5069));
  }
};

const changeFile = (context: SessionContext, name: string, statement: Of<'alter-database-files'>): void => {
  if (isSystemDatabase(name) || !mayAlter(context, name)) throw serverError(5011, [name]);
  const database = context.userDatabase(name);
  const { file, action } = statement;
  const found = database.files.find((entry) => sameName(entry.logicalName, file.logicalName));
  if (action === 'add-file' || action === 'add-log') {
    if (action === 'add-log' && isLinked(context, database)) throw serverError(47508);
    if (found !== undefined) throw serverError(1828, [file.logicalName]);
    throw serverError(40510, [
      action === 'add-log' ? 'ALTER DATABASE ADD LOG FILE' : 'ALTER DATABASE ADD FILE',
    ]);
  }
  if (found === undefined) throw serverError(5041, [file.logicalName]);
  if (action === 'remove' || found.type !== 'LOG') {
    throw serverError(40510, [
      action === 'remove' ? 'ALTER DATABASE REMOVE FILE' : 'ALTER DATABASE MODIFY FILE',
    ]);
  }
  const maximum = file.maxSizeBytes === 'UNLIMITED' ? 2 * 1024 ** 4 : file.maxSizeBytes;
  const current = context.world.databases.log(context.instanceName, name).sizeBytes;
  if (file.sizeBytes !== undefined && file.sizeBytes < current) throw serverError(5039, [file.logicalName]);
  context.world.databases.resizeLog(context.instanceName, name, file.sizeBytes, maximum);
};

/** True while the database's group takes part in a distributed one (the link). */
const isLinked = (context: SessionContext, database: Database): boolean =>
  database.groupName !== undefined &&
  [...context.instance.groups.values()].some(
    (group) =>
      group.distributed && group.replicas.some((member) => sameName(member.name, database.groupName ?? '')),
  );

const linkedFilegroup = { FILESTREAM: 47509, MEMORY_OPTIMIZED_DATA: 47507 } as const;

export const refuseFilegroup = (context: SessionContext, statement: Of<'alter-database-filegroup'>): void => {
  const database = context.userDatabase(statement.database ?? context.database);
  if (statement.contains !== undefined && isLinked(context, database)) {
    throw serverError(linkedFilegroup[statement.contains]);
  }
  throw serverError(40510, [
    statement.remove === true ? 'ALTER DATABASE REMOVE FILEGROUP' : 'ALTER DATABASE ADD FILEGROUP',
  ]);
};

export const renameDatabase = (context: SessionContext, statement: Of<'rename-database'>): void => {
  const database = context.userDatabase(statement.database);
  if (database.groupName !== undefined) throw serverError(1468, [database.name]);
  throw serverError(40510, ['ALTER DATABASE MODIFY NAME']);
};
