/** Log backups of a database that this run did not take, as the backup history of the server shows them. */

/** What the rule needs of a row of msdb.dbo.backupset. */
export interface LogBackupRow {
  /** D full, I differential, L log. */
  readonly type: string;
  readonly name: string | null;
  /** ISO 8601 UTC. */
  readonly finishedAt: string;
  readonly isCopyOnly: boolean;
}

/** Backups of one job: the name of the backup set is all that the history tells of who took them. */
export interface ForeignLogBackups {
  /** `jobOf` the names of its backup sets; empty when they have none. */
  readonly job: string;
  /** Name of its newest backup set; empty when it has none. */
  readonly name: string;
  readonly count: number;
  /** ISO 8601 UTC, by the clock of the server. */
  readonly newestAt: string;
}

export interface ForeignBackupsInput {
  readonly backups: readonly LogBackupRow[];
  /** Name that this run gives to its own backup sets. */
  readonly ownName: string;
  /** When the copy was requested, ISO 8601 UTC: older backups belong to the time before it. */
  readonly since: string;
  /** Jobs that a person was told of already. */
  readonly told: readonly string[];
}

/** Jobs that are remembered as told. More of them have names in which nothing stays the same: they are told again. */
const TOLD_KEPT = 50;
const CHANGING = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+/gi;

/** What stays the same of the name: maintenance plans put date and time into the name of each backup set, others a GUID. */
export const jobOf = (name: string): string => name.replaceAll(CHANGING, '#');

/** The newest ones last. */
export const toldJobs = (told: readonly string[], jobs: readonly string[]): readonly string[] =>
  [...new Set([...told, ...jobs].map(jobOf))].slice(-TOLD_KEPT);

/**
 * Copy-only log backups leave the log and its chain as they are, so they harm nothing.
 * @returns jobs that nobody was told of yet, the newest first
 */
export function foreignLogBackups(input: ForeignBackupsInput): readonly ForeignLogBackups[] {
  const told = new Set(input.told.map(jobOf));
  const jobs = new Map<string, ForeignLogBackups>();
  for (const backup of input.backups) {
    const name = backup.name ?? '';
    const job = jobOf(name);
    if (!isForeign(backup, input) || told.has(job)) continue;
    const known = jobs.get(job);
    const isNewer = known === undefined || Date.parse(backup.finishedAt) > Date.parse(known.newestAt);
    const newest = isNewer ? { name, newestAt: backup.finishedAt } : known;
    jobs.set(job, { ...newest, job, count: (known?.count ?? 0) + 1 });
  }
  return [...jobs.values()].sort((a, b) => Date.parse(b.newestAt) - Date.parse(a.newestAt));
}

function isForeign(backup: LogBackupRow, { ownName, since }: ForeignBackupsInput): boolean {
  if (backup.type !== 'L' || backup.isCopyOnly || backup.name === ownName) return false;
  return Date.parse(backup.finishedAt) > Date.parse(since);
}

/** @returns one sentence: who takes log backups while the copy is under way, and what that can break */
export function foreignWhileSeeding(database: string, jobs: readonly ForeignLogBackups[]): string {
  return `${taken(database, jobs)} while the copy is under way: one between the end of streaming and a healthy copy removes log that the copy needs (errors 1408, 1412), and the copy must be made again`;
}

/** @returns part of a sentence: who took log backups while a copy was made that broke */
export function foreignBeforeBreak(database: string, jobs: readonly ForeignLogBackups[]): string {
  return `the likely cause: ${taken(database, jobs)}, and the copy may have needed the log (errors 1408, 1412)`;
}

/** @returns one sentence: who shares the log chain of a database that replicates, and what that means for a restore */
export function foreignWhileReplicating(database: string, jobs: readonly ForeignLogBackups[]): string {
  return `${taken(database, jobs)} beside those of this run: both share one log chain, and a restore needs the files of both`;
}

function taken(database: string, jobs: readonly ForeignLogBackups[]): string {
  const list = jobs.map(({ name, newestAt }) => {
    const who = name === '' ? 'a job without a backup set name' : `"${name}"`;
    return `${who} (newest at ${newestAt})`;
  });
  return `log backups of ${database} are taken by ${list.join(' and ')}`;
}
