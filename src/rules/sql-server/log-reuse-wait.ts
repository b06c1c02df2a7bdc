/** sys.databases.log_reuse_wait_desc in words, and whether a log backup helps (page on error 9002). */
const WORDS: Readonly<Record<string, string>> = {
  NOTHING: 'nothing holds the log',
  CHECKPOINT: 'a checkpoint has not happened yet',
  LOG_BACKUP: 'the log waits for a log backup',
  ACTIVE_BACKUP_OR_RESTORE: 'a backup, a restore or seeding is running',
  ACTIVE_TRANSACTION: 'a transaction is open',
  DATABASE_MIRRORING: 'the mirror is behind or paused',
  REPLICATION: 'replication or change data capture has not read the log',
  DATABASE_SNAPSHOT_CREATION: 'a database snapshot is being created',
  LOG_SCAN: 'the log is being scanned',
  AVAILABILITY_REPLICA: 'a secondary has not hardened the log: it is behind or not connected',
  OLDEST_PAGE: 'an old page is not yet written (indirect checkpoints)',
  XTP_CHECKPOINT: 'a checkpoint of In-Memory OLTP has not happened yet',
};

/** @returns words for people; a value that is not known is told as it came */
export const logReuseWaitWords = (logReuseWaitDesc: string): string =>
  (Object.hasOwn(WORDS, logReuseWaitDesc) ? WORDS[logReuseWaitDesc] : undefined) ??
  `the log is held by ${logReuseWaitDesc}`;

/** What a person does about it (page on error 9002); for a wait that passes by itself there is nothing. */
const ADVICE: Readonly<Record<string, string>> = {
  LOG_BACKUP: 'the run takes one when it is due',
  ACTIVE_BACKUP_OR_RESTORE: 'wait for it to end; no backup frees the log before',
  ACTIVE_TRANSACTION:
    'find the oldest transaction (DBCC OPENTRAN) and end it; no backup frees the log before',
  REPLICATION: 'see whether the log reader or the capture job runs',
  AVAILABILITY_REPLICA: 'look at that secondary: no backup frees the log before it has caught up',
};

/** @returns what to do, or null when there is nothing to do */
export const logReuseWaitAdvice = (logReuseWaitDesc: string): string | null =>
  (Object.hasOwn(ADVICE, logReuseWaitDesc) ? ADVICE[logReuseWaitDesc] : undefined) ?? null;
