/**
 * SQL for a time of msdb.dbo.backupset (alias b) in UTC. The table keeps local times, with the server's distance from
 * UTC in quarters of an hour as it was then (time_zone; 127 = unknown: today's distance is taken).
 * @param column for example `backup_finish_date`
 */
export const utcOf = (column: string): string =>
  `DATEADD(minute, -(CASE WHEN b.time_zone BETWEEN -48 AND 48 THEN 15 * b.time_zone ` +
  `ELSE DATEPART(tzoffset, SYSDATETIMEOFFSET()) END), b.${column})`;
