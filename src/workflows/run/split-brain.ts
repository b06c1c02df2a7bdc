import type { SplitBrainNews } from '../../activities/run/api';
import { repairCommand } from './change-requests';
import type { Run } from './run';
import type { Protection } from './state';
import { replaceFailover } from './state-entries';

/** Two sites take writes: people are told at once, with what the former primary has alone. */
export async function noteSplitBrain(
  run: Run,
  protection: Protection,
  news: Pick<SplitBrainNews, 'reason' | 'logEnds'>,
): Promise<void> {
  const diverged = run.topology.diverged(protection, news);
  protection.splitBrain = { since: run.now(), reason: news.reason, diverged };
  const last = protection.failovers.at(-1);
  if (last?.type === 'forced' && diverged !== null) replaceFailover(protection, { ...last, diverged });
  run.revision += 1;
  const alone = diverged === null ? '' : `; ${diverged.summary}`;
  await run.notify(
    'critical',
    'split-brain.found',
    `${news.reason}; both may take writes${alone}`,
    `look at what diverged, then: ${repairCommand(run, protection)}`,
  );
}
