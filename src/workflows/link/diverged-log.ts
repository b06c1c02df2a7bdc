/** What a former primary of a link has in its log that the new one does not have. */
import type { SplitBrainNews } from '../../activities/run/api';
import type { DivergedLog, LogLossReport } from '../../activities/sql-server/api';
import { byWord } from '../../model/by-word';
import { linkSite, otherSite, siteName } from '../../model/link/side';
import { compareLsn, parseLsn } from '../../model/sql-server/lsn';
import type { FailoverRecord } from '../run/failover-record';
import type { Protection } from '../run/state';

/** @returns null when the log of the former primary cannot be read */
export function divergedLog(
  protection: Protection,
  { logEnds }: Pick<SplitBrainNews, 'logEnds'>,
): DivergedLog | null {
  const primary = linkSite(protection.primary);
  const on = otherSite(primary);
  const toLsn = parseLsn(logEnds?.[on]);
  if (toLsn === undefined) return null;
  const last = protection.failovers.findLast(({ outcome }) => outcome === 'done');
  const takenOverAt = takenOverLsn(last);
  const afterLsn =
    last === undefined
      ? null
      : byWord('type of a failover', last.type, { planned: null, forced: takenOverAt, outside: null });
  const where = `the ${siteName(on)}`;
  if (afterLsn === null) {
    return { on, afterLsn, toLsn, summary: `the log of ${where} ends at LSN ${toLsn}` };
  }
  const summary =
    compareLsn(toLsn, afterLsn) > 0
      ? `${where} alone has what stands in its log after LSN ${afterLsn}, up to ${toLsn}`
      : `${where} has nothing that the ${siteName(primary)} did not have at LSN ${afterLsn}`;
  return { on, afterLsn, toLsn, summary };
}

/** The new primary had hardened this much when a forced failover made it one; null when it was not read. */
function takenOverLsn(record: FailoverRecord | undefined): LogLossReport['newPrimaryHardenedLsn'] {
  const loss = record?.loss;
  if (loss == null || !isOfLogs(loss)) return null;
  return loss.newPrimaryHardenedLsn;
}

const isOfLogs = (loss: object): loss is LogLossReport => 'newPrimaryHardenedLsn' in loss;
