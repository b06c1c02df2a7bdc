import type { SiteId } from '../../../model/run/site';
import type { SqlServerSpec } from '../../../model/sql-server/spec';
import type { Effect } from '../../../model/statement';
import { SqlServerFailure } from '../../../ports/failures';
import { backupLog, HELD_FOR_SEEDING } from '../../../tsql/backup';
import { readServer } from '../../../tsql/queries/server';
import { defineSqlServerStep, readAt, type SqlServerStep } from '../context';

/** A backup of a log that grew for days may take long. */
const BACKUP_DEADLINE_MS = 12 * 3_600_000;

/** Name of the backup sets of this run: what tells them from those of others. */
export const logBackupName = ({ settings }: Pick<SqlServerSpec, 'settings'>): string =>
  `${settings.name} log backup by sqlferry`;

/** @returns why the server itself refused a log backup at the last moment; undefined for any other failure */
export function heldForSeeding(error: unknown): string | undefined {
  if (!(error instanceof SqlServerFailure)) return undefined;
  return error.errors.find(({ number }) => number === HELD_FOR_SEEDING)?.message;
}

/**
 * @param on site whose SQL Server backs up its log
 * @param serverTime time of the SQL Server, ISO 8601; it names the file
 */
export function logBackupEffect(
  on: SiteId,
  spec: Pick<SqlServerSpec, 'settings' | 'names'>,
  serverTime: string,
): Effect {
  const { directory, compression } = spec.settings.logBackups;
  const separator = /^[A-Za-z]:|\\/.test(directory) ? '\\' : '/';
  const folder = directory.replace(/[\\/]+$/, '');
  const stamp = serverTime.slice(0, 19).replaceAll(/[-:]/g, '');
  const file = (time: string): string =>
    `${folder}${separator}${fileName(spec.settings.database)}_${time}.trn`;
  return {
    kind: 'tsql',
    on,
    statement: backupLog({
      database: spec.settings.database,
      path: file(stamp),
      displayPath: file('<time>'),
      name: logBackupName(spec),
      compression,
      heldForSeeding: { ownGroup: spec.names.distributedGroup },
    }),
    deadlineMs: BACKUP_DEADLINE_MS,
  };
}

export const logBackup = (on: SiteId): SqlServerStep =>
  defineSqlServerStep<{ readonly serverTime: string }>({
    id: `${on}.log-backup`,
    always: true,
    async observe(context) {
      const [server] = await readAt(context, on, readServer());
      return { serverTime: server?.serverTime ?? new Date(context.clock.now()).toISOString() };
    },
    settled: () => undefined,
    effects: async ({ serverTime }, { spec }) => [logBackupEffect(on, spec, serverTime)],
  });

/** Characters that no file system of SQL Server likes become underscores. */
const fileName = (database: string): string => database.replaceAll(/[^\p{L}\p{N}_.-]/gu, '_');
