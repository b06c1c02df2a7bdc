import type { ResolvedLink } from '../../../model/link/spec';
import type { Effect } from '../../../model/statement';
import { backupLog } from '../../../tsql/backup';
import { readServer } from '../../../tsql/queries/server';
import { defineLinkStep, queryServer } from '../../link/context';

/** A backup of a log that grew for days may take long. */
const BACKUP_DEADLINE_MS = 12 * 3_600_000;

/** Name of the backup sets of this run: what tells them from those of others. */
export const logBackupName = ({ settings }: ResolvedLink): string =>
  `${settings.name} log backup by sqlferry`;

/** @param serverTime time of the SQL Server, ISO 8601; it names the file */
export function logBackupEffect(spec: ResolvedLink, serverTime: string): Effect {
  const { directory, compression } = spec.settings.logBackups;
  const separator = /^[A-Za-z]:|\\/.test(directory) ? '\\' : '/';
  const folder = directory.replace(/[\\/]+$/, '');
  const stamp = serverTime.slice(0, 19).replaceAll(/[-:]/g, '');
  const file = (time: string): string =>
    `${folder}${separator}${fileName(spec.settings.database)}_${time}.trn`;
  return {
    kind: 'tsql',
    on: 'server',
    statement: backupLog({
      database: spec.settings.database,
      path: file(stamp),
      displayPath: file('<time>'),
      name: logBackupName(spec),
      compression,
    }),
    deadlineMs: BACKUP_DEADLINE_MS,
  };
}

export const logBackup = defineLinkStep<{ readonly serverTime: string }>({
  id: 'server.log-backup',
  always: true,
  async observe(context) {
    const [server] = await queryServer(context, readServer());
    return { serverTime: server?.serverTime ?? new Date(context.clock.now()).toISOString() };
  },
  settled: () => undefined,
  effects: async ({ serverTime }, { spec }) => [logBackupEffect(spec, serverTime)],
});

/** Characters that no file system of SQL Server likes become underscores. */
const fileName = (database: string): string => database.replaceAll(/[^\p{L}\p{N}_.-]/gu, '_');
