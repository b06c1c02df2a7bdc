/** What activities of any SQL Server give, as their callers see it: types alone. */
import type { JournalEffect } from '../../model/run/journal';
import type { Lsn } from '../../model/sql-server/lsn';
import type { CatchUpEvidence, Divergence, LossReport } from '../run/api';

export interface LogBackupTaken {
  readonly at: string;
  /** The same by the clock of the server, ISO 8601 UTC; absent where it was not read. */
  readonly serverAt?: string;
  readonly ruleId: string;
  readonly reason: string;
  readonly effects: readonly JournalEffect[];
  readonly durationMs: number;
}

/** Both ends stand at the same LSN behind the fence, several looks in a row. */
export interface EqualLsnEvidence extends CatchUpEvidence {
  readonly method: 'equal-lsn';
  readonly primaryEndOfLogLsn: Lsn;
  readonly secondaryHardenedLsn: Lsn;
  readonly samples: number;
  readonly platformTime: string;
}

/** A loss where both ends have a log. */
export interface LogLossReport extends LossReport {
  readonly oldPrimaryEndOfLogLsn: Lsn | null;
  readonly newPrimaryHardenedLsn: Lsn | null;
}

/** The part of a former primary's log that the new primary does not have. */
export interface DivergedLog extends Divergence {
  /** The new primary had hardened this much when it took over; what came after it is on one side only. */
  readonly afterLsn: Lsn | null;
  readonly toLsn: Lsn;
}
