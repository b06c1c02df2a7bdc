/** What a failover of a link that stays needs a person's name for, and what is only told. */
import { formatDuration } from '../../model/duration';
import { otherSite } from '../../model/link/side';
import type { Acknowledgement, FailoverRequest } from './standing-messages';
import type { Protection, RunInput, RunState } from './state';

type Asked = Pick<FailoverRequest, 'type' | 'to'>;

/** What is known when something is asked. */
export interface Known {
  readonly spec: RunInput['spec'];
  readonly state: RunState;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
}

/** @returns what a person must acknowledge by name before such a failover begins, one sentence; null when nothing */
export function toAcknowledge(known: Known, protection: Protection, asked: Asked): string | null {
  const flapping = coolDown(known, protection, asked);
  if (flapping !== null) return flapping;
  if (known.spec.settings.failover.firstFullBackup !== 'acknowledge') return null;
  return withoutFullBackup(known, protection, asked);
}

/** What is told when such a failover begins, since nobody has to acknowledge it; null when there is nothing to tell. */
export const disclosure = (known: Known, protection: Protection, asked: Asked): string | null =>
  known.spec.settings.failover.firstFullBackup === 'acknowledge'
    ? null
    : withoutFullBackup(known, protection, asked);

/** @param what the answer of `toAcknowledge` */
export const acknowledgement = (
  { now }: Known,
  what: string | null,
  by: string | undefined,
): { readonly acknowledged?: Acknowledgement } =>
  what === null || by === undefined ? {} : { acknowledged: { by, at: new Date(now).toISOString(), what } };

/** Anti-flapping: a second failover soon after the first. The way back of a drill is no flapping. */
function coolDown({ spec, now }: Known, protection: Protection, { to }: Asked): string | null {
  const last = protection.failovers.findLast(({ outcome }) => outcome === 'done');
  if (last === undefined) return null;
  if (last.drill === 'there' && to === otherSite(last.to)) return null;
  const until = Date.parse(last.endedAt) + spec.settings.failover.coolDown;
  if (until <= now) return null;
  const ago = formatDuration(Math.max(now - Date.parse(last.endedAt), 1_000));
  return `the last failover was ${ago} ago; until ${new Date(until).toISOString()} another one needs an acknowledgement (--acknowledge-by)`;
}

/**
 * Azure takes a full backup of an instance that became the primary; it may delay the next failover, and a link that is
 * dropped before it can leave the database unavailable (troubleshooting page of the link).
 */
function withoutFullBackup({ state }: Known, protection: Protection, { type, to }: Asked): string | null {
  const { failedOverAt } = state;
  if (type !== 'planned' || to !== 'server' || protection.primary !== 'instance') return null;
  if (failedOverAt === null || protection.fullBackupAt !== undefined) return null;
  return `Azure's first full backup since the failover at ${failedOverAt} was not seen yet; it may delay a failover back`;
}
