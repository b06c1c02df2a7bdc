/** The evidence of catch-up of a link: both ends at the same LSN. */
import type { CatchUpEvidence } from '../../activities/run/api';
import type { EqualLsnEvidence } from '../../activities/sql-server/api';

const isEqualLsn = (evidence: CatchUpEvidence): evidence is EqualLsnEvidence =>
  evidence.method === 'equal-lsn';

/** @throws RangeError for evidence of another method, which no link gives */
export function equalLsnOf(evidence: CatchUpEvidence | null): EqualLsnEvidence | null {
  if (evidence === null || isEqualLsn(evidence)) return evidence;
  throw new RangeError(`${evidence.method} is no method by which a link shows its catch-up`);
}
