/** One reason why the cutover may not begin now. */
export interface GateReason {
  /** Stable id, for example `gate.lag`; stands in the audit trail. */
  readonly id: string;
  /** One sentence for people. */
  readonly reason: string;
  /** What was read. */
  readonly evidence: string;
  /** When it may change by itself, ISO 8601 UTC; null when nobody can say, or a person must act. */
  readonly mayChangeAt: string | null;
}
