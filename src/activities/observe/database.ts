import type { DatabaseFacts, TargetDatabaseFacts } from '../../model/observation';
import type { Clock } from '../../ports/clock';
import type { SqlServerPort } from '../../ports/sql-server';
import { readFullBackup } from '../../tsql/queries/backups';
import { readDatabase, readDatabaseFeatures, readDatabaseFiles } from '../../tsql/queries/database';
import { readTargetDatabase } from '../../tsql/queries/target';
import { FactsMissing, observedAt, withSignal } from './reading';

/** Nothing can be asked of the catalog of a database that is not ONLINE; preflight refuses it for that already. */
const NO_FEATURES = { hasFilestream: false, hasFileTables: false, hasMemoryOptimizedFilegroup: false };

/** A database as preflight and monitoring need it. @returns null when there is none of that name */
export async function readDatabaseFacts(
  port: SqlServerPort,
  clock: Clock,
  name: string,
  signal?: AbortSignal,
): Promise<DatabaseFacts | null> {
  const options = withSignal(signal);
  const [[database], files, [backup]] = await Promise.all([
    port.query(readDatabase(name), options),
    port.query(readDatabaseFiles(name), options),
    port.query(readFullBackup(name), options),
  ]);
  if (database === undefined) return null;
  const features =
    database.stateDesc === 'ONLINE'
      ? (await port.query(readDatabaseFeatures(database.name), options))[0]
      : NO_FEATURES;
  if (features === undefined) throw new FactsMissing(port.name, `features of ${name}`);
  return {
    observedAt: observedAt(clock),
    ...database,
    ...features,
    files,
    lastFullBackupAt: backup?.finishedAt ?? null,
  };
}

/** The copy of a database on the managed instance. */
export async function readTargetDatabaseFacts(
  port: SqlServerPort,
  clock: Clock,
  name: string,
  linkName: string,
  signal?: AbortSignal,
): Promise<TargetDatabaseFacts> {
  const [row] = await port.query(readTargetDatabase(name, linkName), withSignal(signal));
  if (row === undefined) throw new FactsMissing(port.name, `state of ${name}`);
  return { observedAt: observedAt(clock), database: name, ...row };
}
