/** Result of one preflight check or gate condition: what was found, why it matters, what to do. */
export interface CheckResult {
  /** Stable id, for example `database.recovery-model`; stands in reports, docs and the audit trail. */
  readonly id: string;
  readonly title: string;
  /** What a failed check means: a blocker stops the run before anything is changed. */
  readonly severity: 'blocker' | 'warning' | 'info';
  /** `unknown`: the fact could not be read or is newer than this version knows; never treated as passed for a blocker. */
  readonly outcome: 'passed' | 'failed' | 'unknown' | 'not-applicable';
  /** What was read, in one sentence. */
  readonly evidence: string;
  /** What to do; null when nothing is to be done. */
  readonly remedy: string | null;
  /** Documentation page or error number that the check rests on. */
  readonly source: string;
  /** Error of SQL Server or Azure that a run would meet if the check were ignored. */
  readonly preventsError: string | null;
}

export interface PreflightReport {
  readonly observedAt: string;
  readonly checks: readonly CheckResult[];
  readonly blockers: number;
  readonly warnings: number;
}
