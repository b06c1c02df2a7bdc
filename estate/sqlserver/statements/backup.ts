/** Runs BACKUP and RESTORE. */
import { SqlError } from '../../sql/errors';
import type { BackupSet } from '../../world/model';
import { isSystemDatabase, type SessionContext } from '../context';
import { serverError, serverInfo } from '../messages/raise';
import { hasDatabaseRole } from '../principals';
import type { BackupDevice, ParsedStatement } from '../syntax/ast';
import { columnsOf, type ViewDefinition } from '../views/definition';
import { filesOf } from '../views/files';
import { filesOfBackup, headersOfBackup } from './backup-listing';
import { failWith, resolveText, type StatementIo } from './io';

type Of<Kind extends ParsedStatement['kind']> = Extract<ParsedStatement, { kind: Kind }>;

/** Characters that no Windows path has. */
const badPath = /[<>"|?*]/;

/**
 * Refuses a device that cannot be opened. Without a real disk, paths are judged by form: on Windows a drive, a share
 * or a bare file name, on Linux an absolute path or a bare name; drive Z: does not exist on any server here.
 */
const openDevice = (context: SessionContext, device: BackupDevice, path: string): void => {
  if (device.type === 'TAPE')
    throw serverError(3201, [path, '2(The system cannot find the file specified.)']);
  if (device.type === 'LOGICAL') throw serverError(3206, [path]);
  if (context.managedInstance && device.type !== 'URL') throw serverError(41902);
  if (device.type === 'URL') {
    if (!/^https:\/\/[^/]+\/.+/i.test(path)) {
      throw serverError(3201, [path, '87(The parameter is incorrect.)']);
    }
    return;
  }
  const bare = /^[^\\/:]+$/.test(path);
  const absolute =
    context.instance.platform === 'linux'
      ? path.startsWith('/')
      : /^[a-y]:\\/i.test(path) || /^\\\\[^\\]+\\[^\\]+/.test(path);
  if (path === '' || badPath.test(path)) {
    throw serverError(3201, [
      path,
      '123(The filename, directory name, or volume label syntax is incorrect.)',
    ]);
  }
  if (!bare && !absolute) throw serverError(3201, [path, '3(The system cannot find the path specified.)']);
};

/** A bare name goes to the instance's backup folder. */
const fullPath = (context: SessionContext, path: string): string => {
  if (!/^[^\\/:]+$/.test(path)) return path;
  return context.instance.platform === 'linux'
    ? `/var/opt/mssql/data/${path}`
    : `C:\\Program Files\\Microsoft SQL Server\\MSSQL${context.major}.MSSQLSERVER\\MSSQL\\Backup\\${path}`;
};

const mayBackUp = (context: SessionContext, database: string): boolean =>
  hasDatabaseRole(context, database, 'db_owner') || hasDatabaseRole(context, database, 'db_backupoperator');

export const backup = async (
  context: SessionContext,
  statement: Of<'backup'>,
  io: StatementIo,
): Promise<void> => {
  const verb = `BACKUP ${statement.what}`;
  try {
    await runBackup(context, statement, io, verb);
  } catch (error) {
    failWith(error, serverError(3013, [verb]));
  }
};

const runBackup = async (
  context: SessionContext,
  statement: Of<'backup'>,
  io: StatementIo,
  verb: string,
): Promise<void> => {
  const name = resolveText(io, statement.database);
  if (context.openTransactions > 0) throw serverError(3021);
  if (name.toLowerCase() === 'tempdb') throw serverError(3147);
  if (context.databaseId(name) === undefined) throw serverError(911, [name]);
  if (!mayBackUp(context, name)) throw serverError(262, [verb, name]);
  const [device] = statement.devices;
  if (device === undefined) return;
  const path = resolveText(io, device.path);
  if (context.managedInstance) refuseOnManaged(statement);
  for (const each of statement.devices) openDevice(context, each, resolveText(io, each.path));
  if (isSystemDatabase(name)) {
    if (statement.what === 'LOG') throw serverError(4208, [verb]);
    throw serverError(40510, [`BACKUP DATABASE ${name}`]);
  }
  if (statement.options.differential) throw serverError(40510, ['BACKUP DATABASE ... WITH DIFFERENTIAL']);
  if (statement.options.noRecovery) throw serverError(40510, ['BACKUP LOG ... WITH NORECOVERY']);
  const { options } = statement;
  const label = options.name === undefined ? undefined : resolveText(io, options.name);
  const report = progress(options.stats, io);
  const request = {
    device: fullPath(context, path),
    copyOnly: options.copyOnly,
    compression:
      options.compression ||
      (context.state.configuration('backup compression default')?.valueInUse ?? 0) === 1,
    userName: context.loginName,
    onPercent: report,
    ...(label === undefined ? {} : { name: label }),
  };
  const set =
    statement.what === 'DATABASE'
      ? await context.world.backups.full(context.instanceName, name, request, io.signal)
      : await context.world.backups.log(context.instanceName, name, request, io.signal);
  finished(context, name, set, io, verb);
};

const refuseOnManaged = (statement: Of<'backup'>): void => {
  if (statement.what === 'LOG') throw serverError(41924);
  if (!statement.options.copyOnly) throw serverError(41904);
};

/** STATS = n: message 3211 at each n per cent, sent at once. */
const progress = (step: number | undefined, io: StatementIo): ((percent: number) => void) => {
  let next = step ?? Number.POSITIVE_INFINITY;
  return (percent) => {
    while (step !== undefined && step > 0 && percent >= next && next <= 100) {
      io.output.info(serverInfo(3211, [next]), true);
      next += step;
    }
  };
};

const finished = (
  context: SessionContext,
  name: string,
  set: BackupSet,
  io: StatementIo,
  verb: string,
): void => {
  const log = set.type === 'L';
  let pages = 0;
  for (const file of filesOf(context, name).filter((entry) => entry.isLog === log)) {
    const count = log || file.fileId === 1 ? Math.max(1, Math.ceil(set.backupSizeBytes / 8192)) : 0;
    pages += count;
    io.output.info(serverInfo(4035, [count, name, file.name, 1]));
  }
  const seconds = Math.max(0.001, (set.finishedAt - set.startedAt) / 1000);
  const rate = (pages * 8192) / 1_048_576 / seconds;
  io.output.info(serverInfo(3014, [verb, pages, seconds.toFixed(3), rate.toFixed(3)]));
};

export const restore = (context: SessionContext, statement: Of<'restore'>, io: StatementIo): void => {
  const verb = `RESTORE ${statement.what}`;
  try {
    runRestore(context, statement, io, verb);
  } catch (error) {
    failWith(error, serverError(3013, [verb]));
  }
};

const runRestore = (
  context: SessionContext,
  statement: Of<'restore'>,
  io: StatementIo,
  verb: string,
): void => {
  const name = resolveText(io, statement.database);
  if (!context.may('CREATE ANY DATABASE')) throw serverError(262, [verb, 'master']);
  if (isSystemDatabase(name)) throw serverError(40510, [`${verb} ${name}`]);
  for (const device of statement.devices) {
    const path = resolveText(io, device.path);
    openDevice(context, device, path);
    if (backupsOn(context, path).length === 0) {
      throw serverError(3201, [path, '2(The system cannot find the file specified.)'], 2);
    }
  }
  const database = context.world.databases.find(context.instanceName, name);
  if (statement.devices.length > 0) {
    if (database?.groupName !== undefined) throw serverError(3104, [name]);
    // Backup files hold no pages in this simulation, so their content cannot come back.
    throw serverError(40510, [`${verb} ... FROM`]);
  }
  if (database === undefined) throw serverError(911, [name]);
  if (statement.options.recovery !== 'RECOVERY') throw serverError(3118, [name]);
  context.world.databases.recover(context.instanceName, name);
  io.output.info(serverInfo(3014, [verb, 0, '0.412', '0.000']));
};

const backupsOn = (context: SessionContext, path: string): BackupSet[] =>
  context.instance.backups.filter(
    (set) => set.device.toLowerCase() === fullPath(context, path).toLowerCase(),
  );

export const inspectBackup = (
  context: SessionContext,
  statement: Of<'inspect-backup'>,
  io: StatementIo,
): void => {
  const verb = statement.what === 'VERIFYONLY' ? 'VERIFY DATABASE' : `RESTORE ${statement.what}`;
  try {
    const [device] = statement.devices;
    const path = device === undefined ? '' : resolveText(io, device.path);
    if (device !== undefined) openDevice(context, device, path);
    const sets = backupsOn(context, path);
    if (sets.length === 0)
      throw serverError(3201, [path, '2(The system cannot find the file specified.)'], 2);
    answerInspection(context, statement.what, sets, io);
  } catch (error) {
    failWith(error, serverError(3013, [verb]));
  }
};

const answerInspection = (
  context: SessionContext,
  what: Of<'inspect-backup'>['what'],
  sets: readonly BackupSet[],
  io: StatementIo,
): void => {
  switch (what) {
    case 'VERIFYONLY':
      io.output.info(serverInfo(3262, [1]));
      return;
    case 'HEADERONLY':
      send(context, headersOfBackup(sets), io);
      return;
    case 'FILELISTONLY':
      send(context, filesOfBackup(sets), io);
      return;
    case 'LABELONLY':
      throw new SqlError(
        40510,
        "Statement 'RESTORE LABELONLY' is not supported in this version of SQL Server.",
      );
  }
};

/** Sends a view's rows as a result set. */
const send = (context: SessionContext, view: ViewDefinition, io: StatementIo): void => {
  const columns = columnsOf(view, context.major);
  io.output.columns(columns);
  for (const row of view.rows(context, context.database)) {
    void io.output.row(columns.map((column) => row[column.name] ?? null));
  }
  io.output.endRows();
};
