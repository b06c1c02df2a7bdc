import type { DatabaseFacts, InstanceDatabaseFacts } from '../../../model/sql-server/observation';
import type { Clock } from '../../../ports/clock';
import { SqlServerFailure } from '../../../ports/failures';
import type { SqlServerPort } from '../../../ports/sql-server';
import { readFullBackup } from '../../../tsql/queries/backups';
import {
  type DatabaseFeaturesRow,
  type DatabaseRow,
  readDatabase,
  readDatabaseFeatures,
  readDatabaseFiles,
} from '../../../tsql/queries/database';
import { readInstanceDatabase } from '../../../tsql/queries/instance-database';
import { FactMissing } from '../../run/failures';
import { observedAt, withSignal } from './reading';

/** Nothing can be asked of the catalog of a database that is not ONLINE; preflight refuses it for that already. */
const NO_FEATURES = { hasFilestream: false, hasFileTables: false, hasMemoryOptimizedFilegroup: false };

/** Refusals of a database that is not the readable copy of its availability group. */
const NOT_READABLE: ReadonlySet<number> = new Set([976, 978, 979, 982, 983]);

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
  const inside = await readInside(port, database, signal);
  return {
    observedAt: observedAt(clock),
    ...database,
    ...inside,
    files,
    lastFullBackupAt: backup?.finishedAt ?? null,
  };
}

type Inside = DatabaseFeaturesRow & Pick<DatabaseFacts, 'stateDesc'>;

/** A copy that is a secondary without read access is ONLINE to sys.databases; its catalog refuses (976, 978, 983 ...). */
async function readInside(
  port: SqlServerPort,
  { name, stateDesc }: DatabaseRow,
  signal: AbortSignal | undefined,
): Promise<Inside> {
  if (stateDesc !== 'ONLINE') return { ...NO_FEATURES, stateDesc };
  try {
    const [features] = await port.query(readDatabaseFeatures(name), withSignal(signal));
    if (features === undefined) throw new FactMissing(port.name, `features of ${name}`);
    return { ...features, stateDesc };
  } catch (error) {
    const refusal =
      error instanceof SqlServerFailure
        ? error.errors.find(({ number }) => NOT_READABLE.has(number))
        : undefined;
    if (refusal === undefined) throw error;
    return { ...NO_FEATURES, stateDesc: `ONLINE, but it cannot be read here (error ${refusal.number})` };
  }
}

/** The copy of a database on the managed instance. */
export async function readInstanceDatabaseFacts(
  port: SqlServerPort,
  clock: Clock,
  name: string,
  groupName: string,
  signal?: AbortSignal,
): Promise<InstanceDatabaseFacts> {
  const [row] = await port.query(readInstanceDatabase(name, groupName), withSignal(signal));
  if (row === undefined) throw new FactMissing(port.name, `state of ${name}`);
  return { observedAt: observedAt(clock), database: name, ...row };
}
