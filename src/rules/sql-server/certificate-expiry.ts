/** How near the end of a certificate is, in the three steps in which people are told. */
const DAY_MS = 86_400_000;

/** Days before the end at which each level begins. */
export const EXPIRY_THRESHOLD_DAYS = { info: 90, warning: 30, critical: 7 } as const;

/** In rising order. `missing`: it should be there and is not. */
export const CERTIFICATE_LEVELS = [
  'ok',
  'unknown',
  'info',
  'warning',
  'critical',
  'missing',
  'expired',
] as const;
export type CertificateLevel = (typeof CERTIFICATE_LEVELS)[number];

export interface Expiry {
  readonly level: CertificateLevel;
  /** Whole days left, rounded down; negative when it is over; null when the end is not known. */
  readonly daysLeft: number | null;
}

/**
 * @param expiresAt ISO 8601; null when it cannot be read
 * @param now milliseconds, by the clock of the server that judges the certificate
 */
export function judgeExpiry(expiresAt: string | null, now: number): Expiry {
  const end = expiresAt === null ? Number.NaN : Date.parse(expiresAt);
  if (Number.isNaN(end)) return { level: 'unknown', daysLeft: null };
  const left = end - now;
  return { level: levelOf(left), daysLeft: Math.floor(left / DAY_MS) };
}

function levelOf(leftMs: number): CertificateLevel {
  if (leftMs <= 0) return 'expired';
  if (leftMs < EXPIRY_THRESHOLD_DAYS.critical * DAY_MS) return 'critical';
  if (leftMs < EXPIRY_THRESHOLD_DAYS.warning * DAY_MS) return 'warning';
  return leftMs < EXPIRY_THRESHOLD_DAYS.info * DAY_MS ? 'info' : 'ok';
}

export const levelRank = (level: CertificateLevel): number => CERTIFICATE_LEVELS.indexOf(level);

export const worstLevel = (levels: readonly CertificateLevel[]): CertificateLevel =>
  levels.reduce((worst, level) => (levelRank(level) > levelRank(worst) ? level : worst), 'ok');
