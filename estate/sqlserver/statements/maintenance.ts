/** Runs KILL, DBCC, RECONFIGURE, CHECKPOINT and SHUTDOWN. */
import type { SqlColumn, SqlValue } from '../../sql/types';
import { isSystemDatabase, type SessionContext, systemDatabases } from '../context';
import { printed, serverError, serverInfo } from '../messages/raise';
import type { DbccArgument, ParsedStatement } from '../syntax/ast';
import { asNumber, asText, big } from '../values';
import { virtualLogFiles } from '../views/table-functions';
import type { StatementIo } from './io';

type Of<Kind extends ParsedStatement['kind']> = Extract<ParsedStatement, { kind: Kind }>;

export const kill = (context: SessionContext, statement: Of<'kill'>, io: StatementIo): void => {
  if (!context.may('ALTER ANY CONNECTION')) throw serverError(6102);
  if (statement.spid === context.spid) throw serverError(6104);
  if (statement.spid <= 50) throw serverError(statement.spid < 1 ? 6101 : 6107, [statement.spid]);
  if (!context.instance.sessions.has(statement.spid)) throw serverError(6106, [statement.spid]);
  if (statement.statusOnly) {
    io.output.info(serverInfo(6120, [statement.spid, 100, 0]));
    return;
  }
  context.world.instances.killSession(context.instanceName, statement.spid);
};

const column = (name: string, type: SqlColumn['type']): SqlColumn => ({ name, type, nullable: true });

const send = (io: StatementIo, columns: readonly SqlColumn[], rows: Iterable<readonly SqlValue[]>): void => {
  io.output.columns(columns);
  for (const row of rows) void io.output.row(row);
  io.output.endRows();
};

const int: SqlColumn['type'] = { kind: 'int' };
const smallint: SqlColumn['type'] = { kind: 'smallint' };
const bigint: SqlColumn['type'] = { kind: 'bigint' };
const real: SqlColumn['type'] = { kind: 'real' };
const sysname: SqlColumn['type'] = { kind: 'nvarchar', length: 128 };

const numberOf = (io: StatementIo, argument: DbccArgument | undefined): number | null => {
  if (argument === undefined) return null;
  if (typeof argument === 'object') return asNumber(io.evaluate(argument.expression).value);
  return Number(argument);
};

const textOf = (io: StatementIo, argument: DbccArgument | undefined): string | null => {
  if (argument === undefined) return null;
  if (typeof argument === 'object') return asText(io.evaluate(argument.expression).value);
  return String(argument);
};

const finished = (io: StatementIo, options: readonly string[]): void => {
  if (!options.includes('NO_INFOMSGS')) io.output.info(serverInfo(2528));
};

export const dbcc = async (
  context: SessionContext,
  statement: Of<'dbcc'>,
  io: StatementIo,
): Promise<void> => {
  switch (statement.command) {
    case 'TRACEON':
    case 'TRACEOFF':
      setTraceFlags(context, statement, io);
      break;
    case 'TRACESTATUS':
      traceStatus(context, statement, io);
      break;
    case 'SQLPERF':
      logSpace(context, statement, io);
      break;
    case 'LOGINFO':
      logInfo(context, statement, io);
      break;
    case 'OPENTRAN':
      openTransaction(context, statement, io);
      break;
    case 'CHECKDB':
      await checkDatabase(context, statement, io);
      break;
    case 'SHRINKFILE':
      shrinkFile(context, statement, io);
      break;
    case 'INPUTBUFFER':
      inputBuffer(context, statement, io);
      break;
    case 'USEROPTIONS':
      userOptions(io);
      break;
    case 'FREEPROCCACHE':
    case 'DROPCLEANBUFFERS':
      // Caches do not exist here; emptying them changes nothing that could be seen.
      break;
    default:
      throw serverError(40510, [`DBCC ${statement.command}`]);
  }
  finished(io, statement.options);
};

const setTraceFlags = (context: SessionContext, statement: Of<'dbcc'>, io: StatementIo): void => {
  if (!context.isSysadmin) throw serverError(2571, [context.loginName, statement.command]);
  const numbers = statement.arguments.map((argument) => numberOf(io, argument));
  const global = numbers.includes(-1);
  const flags = numbers.filter((flag): flag is number => flag !== null && flag > 0);
  if (flags.length === 0) throw serverError(2583);
  const on = statement.command === 'TRACEON';
  for (const flag of flags) {
    if (global) context.world.instances.setTraceFlag(context.instanceName, flag, on);
    else if (on) context.sessionTraceFlags.add(flag);
    else context.sessionTraceFlags.delete(flag);
  }
};

const traceStatus = (context: SessionContext, statement: Of<'dbcc'>, io: StatementIo): void => {
  const asked = statement.arguments
    .map((argument) => numberOf(io, argument))
    .filter((flag) => flag !== null && flag > 0);
  const { traceFlags } = context.instance;
  const shown =
    asked.length > 0
      ? asked
      : [...new Set([...traceFlags, ...context.sessionTraceFlags])].sort((a, b) => a - b);
  const columns = [
    column('TraceFlag', smallint),
    column('Status', smallint),
    column('Global', smallint),
    column('Session', smallint),
  ];
  const rows = shown.map((flag): SqlValue[] => {
    const global = flag !== null && traceFlags.has(flag);
    const session = flag !== null && context.sessionTraceFlags.has(flag);
    return [flag, global || session ? 1 : 0, global ? 1 : 0, session ? 1 : 0];
  });
  send(io, columns, rows);
};

const logSpace = (context: SessionContext, statement: Of<'dbcc'>, io: StatementIo): void => {
  if (textOf(io, statement.arguments[0])?.toUpperCase() !== 'LOGSPACE') throw serverError(2583);
  if (!context.may('VIEW SERVER STATE')) throw serverError(300, ['VIEW SERVER STATE', 'server', 'master']);
  const columns = [
    column('Database Name', sysname),
    column('Log Size (MB)', real),
    column('Log Space Used (%)', real),
    column('Status', int),
  ];
  const system = systemDatabases.map((database): SqlValue[] => [
    database.name,
    Math.fround(7.992188),
    Math.fround(12.5),
    0,
  ]);
  const user = context.userDatabases().map((database): SqlValue[] => {
    const log = context.world.databases.log(context.instanceName, database.name);
    return [database.name, Math.fround(log.sizeBytes / 1_048_576), Math.fround(log.usedPercent), 0];
  });
  send(io, columns, [...system, ...user]);
};

const databaseOf = (context: SessionContext, io: StatementIo, argument: DbccArgument | undefined): string => {
  const given = textOf(io, argument);
  if (given === null || given === '0') return context.database;
  const name = /^\d+$/.test(given) ? context.databaseName(Number(given)) : given;
  if (name === undefined || context.databaseId(name) === undefined) throw serverError(2520, [given]);
  return name;
};

const logInfo = (context: SessionContext, statement: Of<'dbcc'>, io: StatementIo): void => {
  const name = databaseOf(context, io, statement.arguments[0]);
  const columns = [
    column('RecoveryUnitId', int),
    column('FileId', int),
    column('FileSize', bigint),
    column('StartOffset', bigint),
    column('FSeqNo', int),
    column('Status', int),
    column('Parity', { kind: 'tinyint' }),
    column('CreateLSN', { kind: 'decimal', precision: 25, scale: 0 }),
  ];
  const files = isSystemDatabase(name) ? [] : virtualLogFiles(context, name);
  send(
    io,
    columns,
    files.map((vlf) => [
      0,
      vlf.fileId,
      big(vlf.sizeBytes),
      big(vlf.offset),
      vlf.sequence,
      vlf.active ? 2 : 0,
      64,
      null,
    ]),
  );
};

const openTransaction = (context: SessionContext, statement: Of<'dbcc'>, io: StatementIo): void => {
  const name = databaseOf(context, io, statement.arguments[0]);
  const oldest = [...context.instance.sessions.values()].find(
    (session) => session.openTransactions > 0 && session.database.toLowerCase() === name.toLowerCase(),
  );
  if (oldest === undefined) {
    io.output.info(serverInfo(7969));
    return;
  }
  io.output.info(
    printed(
      `Transaction information for database '${name}'.\n\nOldest active transaction:\n    SPID (server process ID): ${oldest.spid}\n    UID (user ID) : -1\n    Name          : user_transaction`,
    ),
  );
};

const checkDatabase = async (
  context: SessionContext,
  statement: Of<'dbcc'>,
  io: StatementIo,
): Promise<void> => {
  const name = databaseOf(context, io, statement.arguments[0]);
  if (!isSystemDatabase(name)) context.world.databases.storeForRead(context.instanceName, name, true);
  io.signal.throwIfAborted();
  if (!statement.options.includes('NO_INFOMSGS')) io.output.info(serverInfo(8989, [0, 0, name]));
};

/** A log shrinks to what is used; the world keeps the file at least that big. */
const shrinkFile = (context: SessionContext, statement: Of<'dbcc'>, io: StatementIo): void => {
  const name = context.database;
  const asked = textOf(io, statement.arguments[0]) ?? '';
  const database = context.userDatabase(name);
  const file = database.files.find(
    (entry) => entry.logicalName.toLowerCase() === asked.toLowerCase() || String(entry.fileId) === asked,
  );
  if (file === undefined) throw serverError(8985, [asked]);
  if (file.type !== 'LOG') throw serverError(40510, ['DBCC SHRINKFILE of a data file']);
  const log = context.world.databases.log(context.instanceName, name);
  const target = (numberOf(io, statement.arguments[1]) ?? 0) * 1_048_576;
  const size = Math.max(target, Math.ceil(log.usedBytes / 1_048_576) * 1_048_576, 1_048_576);
  if (size < log.sizeBytes) context.world.databases.resizeLog(context.instanceName, name, size);
  const after = Math.min(size, log.sizeBytes);
  const names = ['DbId', 'FileId', 'CurrentSize', 'MinimumSize', 'UsedPages', 'EstimatedPages'];
  const pages = Math.ceil(after / 8192);
  send(
    io,
    names.map((label) => column(label, int)),
    [[database.databaseId, file.fileId, pages, 128, pages, 128]],
  );
};

const inputBuffer = (context: SessionContext, statement: Of<'dbcc'>, io: StatementIo): void => {
  const spid = numberOf(io, statement.arguments[0]);
  const session = spid === null ? undefined : context.instance.sessions.get(spid);
  if (session === undefined) throw serverError(6106, [spid ?? 0]);
  send(
    io,
    [
      column('EventType', { kind: 'nvarchar', length: 30 }),
      column('Parameters', smallint),
      column('EventInfo', { kind: 'nvarchar', length: 4000 }),
    ],
    [['Language Event', 0, (session.text ?? '').slice(0, 4000)]],
  );
};

const userOptions = (io: StatementIo): void => {
  const options: readonly (readonly [string, string])[] = [
    ['textsize', '2147483647'],
    ['language', 'us_english'],
    ['dateformat', 'mdy'],
    ['datefirst', '7'],
    ['lock_timeout', '-1'],
    ['quoted_identifier', 'SET'],
    ['arithabort', 'SET'],
    ['ansi_null_dflt_on', 'SET'],
    ['ansi_warnings', 'SET'],
    ['ansi_padding', 'SET'],
    ['ansi_nulls', 'SET'],
    ['concat_null_yields_null', 'SET'],
    ['isolation level', 'read committed'],
  ];
  send(io, [column('Set Option', sysname), column('Value', sysname)], options);
};

export const reconfigure = (context: SessionContext): void => {
  if (!context.may('ALTER SETTINGS')) throw serverError(5812);
  let changed = false;
  for (const entry of context.state.configurations) {
    if (!entry.dynamic || entry.valueInUse === entry.value) continue;
    entry.valueInUse = entry.value;
    changed = true;
  }
  if (changed) context.world.journal.mark(`reconfigure ${context.instanceName}`);
};

export const shutdown = (context: SessionContext): void => {
  if (!context.may('SHUTDOWN')) throw serverError(6004);
  if (context.managedInstance) throw serverError(40510, ['SHUTDOWN']);
  context.world.instances.stop(context.instanceName);
};
