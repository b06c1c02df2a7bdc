/** What the newest looks at a link tell: from heartbeats, from the run, and from the last check of its certificates. */
import type { CertificateWatch, LastCheck } from '../client/certificates';
import type { RunView } from '../client/runs';
import type { LinkPhase } from '../model/link/step';
import type { LogSpace, Progress } from '../model/run/progress';
import { type LagSeen, newerLag, type RpoEstimate, rpoEstimate } from '../rules/run/rpo';
import { type NextExpiry, nextExpiry } from '../rules/sql-server/certificate-next';
import { logReuseWaitAdvice, logReuseWaitWords } from '../rules/sql-server/log-reuse-wait';

export interface LinkLook {
  /** What each side says that it is; null when nobody looked yet. Only of a link that stays. */
  readonly roles: {
    readonly server: string | null;
    readonly instance: string | null;
    readonly observedAt: string;
  } | null;
  /** What would be lost if the primary were gone now. Only of a link that stays. */
  readonly rpo: RpoEstimate | null;
  /** Of the SQL Server while it leads; null when nobody looked yet, and while the instance leads. */
  readonly log:
    | (LogSpace & { readonly observedAt: string; readonly meaning: string; readonly advice: string | null })
    | null;
  /** Null when nobody looks at the certificates regularly; `unreadable` when that could not be asked. */
  readonly certificates: CertificateLook | 'unreadable' | null;
}

export interface CertificateLook extends Omit<CertificateWatch, 'last'> {
  /** When a check looked last; null when none has looked yet, or none is kept any more. */
  readonly checkedAt: string | null;
  readonly next: NextExpiry | null;
  readonly chain: LastCheck['inventory']['chain'] | null;
}

/** @param now milliseconds since 1970-01-01 UTC */
export function linkLook(
  view: RunView,
  watch: CertificateWatch | 'unreadable' | null,
  now: number,
): LinkLook {
  const seen = view.pending.flatMap(({ progress }) => (progress === null ? [] : [progress]));
  return {
    roles: rolesOf(seen),
    rpo: rpoOf(view, seen, now),
    log: logOf(view, seen),
    certificates: watch === null || watch === 'unreadable' ? watch : certificateLook(watch, now),
  };
}

function certificateLook({ last, ...watch }: CertificateWatch, now: number): CertificateLook {
  return {
    ...watch,
    checkedAt: last?.checkedAt ?? null,
    next: last === null ? null : nextExpiry(last.inventory, now),
    chain: last?.inventory.chain ?? null,
  };
}

function rolesOf(seen: readonly Progress[]): LinkLook['roles'] {
  const look = seen.find(({ roles }) => roles !== undefined);
  return look?.roles === undefined ? null : { ...look.roles, observedAt: look.observedAt };
}

function rpoOf({ status }: RunView, seen: readonly Progress[], now: number): RpoEstimate | null {
  // Workers of older versions say nothing of it.
  if (status.outcome !== 'running' || status.protection == null) return null;
  const noted = status.protection.lastLag ?? null;
  return rpoEstimate(newerLag(noted, lagOf(seen)), now);
}

function lagOf(seen: readonly Progress[]): LagSeen | null {
  for (const { lagSeconds, observedAt } of seen) {
    if (lagSeconds !== undefined) return { lagSeconds, observedAt };
  }
  return null;
}

/** A log backup could break a copy that is being made: none is taken then. */
const WITHOUT_BACKUPS: ReadonlySet<string> = new Set<LinkPhase>(['link', 'seeding']);

function logOf({ status }: RunView, seen: readonly Progress[]): LinkLook['log'] {
  const look = seen.find(({ log }) => log !== undefined);
  if (look?.log === undefined) return null;
  const { reuseWait } = look.log;
  const isHeldBack = reuseWait === 'LOG_BACKUP' && WITHOUT_BACKUPS.has(status.phase);
  return {
    ...look.log,
    observedAt: look.observedAt,
    meaning: logReuseWaitWords(reuseWait),
    advice: isHeldBack ? 'none is taken while the copy is made' : logReuseWaitAdvice(reuseWait),
  };
}
