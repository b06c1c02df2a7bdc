/** Which certificate of an endpoint ends first, judged now, from what the last check found. */
import { type CertificateLevel, judgeExpiry, levelRank } from './certificate-expiry';
import type { CertificateInventory, CertificateItem } from './certificate-inventory';

export interface NextExpiry {
  readonly name: string;
  readonly where: CertificateItem['where'];
  readonly expiresAt: string | null;
  /** Whole days left now; null when the end is not known. */
  readonly daysLeft: number | null;
  readonly level: CertificateLevel;
}

/**
 * The certificate that a person has to think of next: what is missing or over first, then the one that ends first.
 * What the instance proves itself with is left out while it is good: Azure renews that one by itself.
 * @param now milliseconds since 1970-01-01 UTC
 * @returns null when the check found no certificate at all
 */
export function nextExpiry(inventory: Pick<CertificateInventory, 'items'>, now: number): NextExpiry | null {
  const judged = inventory.items.map((item) => judgedNow(item, now)).filter(matters);
  const [first] = judged.sort((a, b) => urgency(b) - urgency(a) || endOf(a) - endOf(b));
  if (first === undefined) return null;
  const { name, where, expiresAt, daysLeft, level } = first;
  return { name, where, expiresAt, daysLeft, level };
}

function judgedNow(item: CertificateItem, now: number): CertificateItem {
  return item.level === 'missing' ? item : { ...item, ...judgeExpiry(item.expiresAt, now) };
}

const matters = ({ use, level }: CertificateItem): boolean =>
  use !== 'instance' || levelRank(level) >= levelRank('critical');

/** A date that cannot be read is less urgent than any that can. */
const urgency = ({ level }: CertificateItem): number => (level === 'unknown' ? -1 : levelRank(level));

const endOf = ({ expiresAt }: CertificateItem): number =>
  expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
