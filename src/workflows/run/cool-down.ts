/** What a failover of a link that stays needs a person's name for, and what is only told. */
import { formatDuration } from '../../model/duration';
import { otherSite } from '../../model/side';
import type { Run } from './run';
import type { Acknowledgement, FailoverRequest } from './standing-messages';
import type { Protection } from './state';

type Asked = Pick<FailoverRequest, 'type' | 'to'>;

/** @returns what a person must acknowledge by name before such a failover begins, one sentence; null when nothing */
export function toAcknowledge(run: Run, protection: Protection, asked: Asked): string | null {
  const flapping = coolDown(run, protection, asked);
  if (flapping !== null) return flapping;
  if (run.spec.settings.failover.firstFullBackup !== 'acknowledge') return null;
  return withoutFullBackup(run, protection, asked);
}

/** What is told when such a failover begins, since nobody has to acknowledge it; null when there is nothing to tell. */
export const disclosure = (run: Run, protection: Protection, asked: Asked): string | null =>
  run.spec.settings.failover.firstFullBackup === 'acknowledge'
    ? null
    : withoutFullBackup(run, protection, asked);

/** @param what the answer of `toAcknowledge` */
export const acknowledgement = (
  run: Run,
  what: string | null,
  by: string | undefined,
): { readonly acknowledged?: Acknowledgement } =>
  what === null || by === undefined ? {} : { acknowledged: { by, at: run.now(), what } };

/** Anti-flapping: a second failover soon after the first. The way back of a drill is no flapping. */
function coolDown(run: Run, protection: Protection, { to }: Asked): string | null {
  const last = protection.failovers.findLast(({ outcome }) => outcome === 'done');
  if (last === undefined) return null;
  if (last.drill === 'there' && to === otherSite(last.to)) return null;
  const until = Date.parse(last.endedAt) + run.spec.settings.failover.coolDown;
  if (until <= Date.now()) return null;
  const ago = formatDuration(Math.max(Date.now() - Date.parse(last.endedAt), 1_000));
  return `the last failover was ${ago} ago; until ${new Date(until).toISOString()} another one needs an acknowledgement (--acknowledge-by)`;
}

/**
 * Azure takes a full backup of an instance that became the primary; it may delay the next failover, and a link that is
 * dropped before it can leave the database unavailable (troubleshooting page of the link).
 */
function withoutFullBackup(run: Run, protection: Protection, { type, to }: Asked): string | null {
  const { failedOverAt } = run.state;
  if (type !== 'planned' || to !== 'server' || protection.primary !== 'instance') return null;
  if (failedOverAt === null || protection.fullBackupAt !== undefined) return null;
  return `Azure's first full backup since the failover at ${failedOverAt} was not seen yet; it may delay a failover back`;
}
