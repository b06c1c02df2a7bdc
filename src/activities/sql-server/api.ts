/** What activities of any SQL Server give, as their callers see it: types alone. */
import type { JournalEffect } from '../../model/run/journal';

export interface LogBackupTaken {
  readonly at: string;
  /** The same by the clock of the server, ISO 8601 UTC; absent where it was not read. */
  readonly serverAt?: string;
  readonly ruleId: string;
  readonly reason: string;
  readonly effects: readonly JournalEffect[];
  readonly durationMs: number;
}
