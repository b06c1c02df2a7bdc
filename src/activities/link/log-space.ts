import type { LogSpace } from '../../model/run/progress';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import type { LogBackupVerdict } from '../../rules/sql-server/log-backup';

/** For those who look at the log while SQL Server leads, or while the copy is being made. */
export const logSpaceOf = (
  { logSizeBytes, logReuseWaitDesc }: DistributedReplicaFacts,
  { usedPercent, growthBytesPerSecond, fullInMs }: LogBackupVerdict,
): LogSpace => ({
  usedPercent,
  sizeBytes: logSizeBytes,
  growthBytesPerSecond,
  fullInMs,
  reuseWait: logReuseWaitDesc,
});
