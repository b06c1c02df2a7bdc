import type { EqualLsnEvidence } from '../../activities/sql-server/api';
import type { CutoverRoute } from '../../model/link/facts';
import type { FailoverCheck } from '../../model/run/failover-facts';
import type { HookRecord } from '../../model/run/hook-message';
import type { PhaseTimes } from '../run/messages';

/** Result of the workflow of a migration. */
export interface MigrationResult {
  readonly outcome: 'completed' | 'aborted';
  readonly summary: string;
  readonly route: CutoverRoute;
  readonly phases: readonly PhaseTimes[];
  readonly logBackups: number;
  readonly seedingRestarts: number;
  readonly cutoverAttempts: number;
  readonly rtoMs: number | null;
  readonly pointOfNoReturn: EqualLsnEvidence | null;
  readonly hooks?: readonly HookRecord[];
  readonly checks?: readonly FailoverCheck[];
  /** What stays behind and what to do about it. */
  readonly leftovers: readonly string[];
}
