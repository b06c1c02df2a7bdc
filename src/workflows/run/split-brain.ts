import type { DivergedLog, SplitBrainNews } from '../../activities/link/api';
import { byWord } from '../../model/by-word';
import { compareLsn } from '../../model/sql-server/lsn';
import { otherSite, repairCommand, siteName } from './change-requests';
import type { Run } from './run';
import type { Protection } from './state';

/** Both sides take writes: people are told at once, with what the former primary has alone. */
export async function noteSplitBrain(
  run: Run,
  protection: Protection,
  { reason, logEnds }: Pick<SplitBrainNews, 'reason' | 'logEnds'>,
): Promise<void> {
  const diverged = divergedLog(protection, logEnds);
  protection.splitBrain = { since: run.now(), reason, diverged };
  const last = protection.failovers.at(-1);
  if (last?.type === 'forced' && diverged !== null) {
    protection.failovers = [...protection.failovers.slice(0, -1), { ...last, diverged }];
  }
  run.revision += 1;
  const alone = diverged === null ? '' : `; ${diverged.summary}`;
  await run.notify(
    'critical',
    'split-brain.found',
    `${reason}; both may take writes${alone}`,
    `look at what diverged, then: ${repairCommand(run, protection)}`,
  );
}

/** What the side that was primary before has in its log beyond the take-over; null when it cannot be read. */
function divergedLog(protection: Protection, logEnds: SplitBrainNews['logEnds']): DivergedLog | null {
  const on = otherSite(protection.primary);
  const toLsn = logEnds[on];
  if (toLsn === null) return null;
  const last = protection.failovers.findLast(({ outcome }) => outcome === 'done');
  const takenOverAt = last?.loss?.newPrimaryHardenedLsn ?? null;
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
      : `${where} has nothing that the ${siteName(protection.primary)} did not have at LSN ${afterLsn}`;
  return { on, afterLsn, toLsn, summary };
}
