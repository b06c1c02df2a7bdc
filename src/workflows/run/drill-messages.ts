/** Messages and views of drills: a planned failover, held for a time, and one back. */
import { defineUpdate } from '@temporalio/workflow';
import type { SiteId } from '../../model/run/site';
import type { Answer, Request } from './answers';
import type { FailoverRecord } from './failover-record';

export interface DrillRequest extends Request {
  /** How long the other site leads before the way back begins, milliseconds. */
  readonly holdMs: number;
  /** Name of the person who acknowledges a drill within the cool-down. */
  readonly acknowledgedBy?: string;
}
export const drillUpdate = defineUpdate<Answer, [DrillRequest]>('drill');

/** A drill between its two failovers. Versioned with the state of the run. */
export interface DrillUnderWay {
  readonly request: DrillRequest;
  readonly startedAt: string;
  /** Site that led before, and shall lead again. */
  readonly from: SiteId;
  readonly there: FailoverRecord;
  /** When the way back begins by itself, ISO 8601. */
  readonly holdUntil: string;
  /** Somebody asked for the way back before its time. */
  readonly endedEarlyBy?: string;
  /** The same person lets the way back begin although logins or jobs differ. */
  readonly acceptsDrift?: true;
}

/** What status shows of a drill that is under way. */
export interface DrillView {
  readonly by: string;
  readonly startedAt: string;
  readonly from: SiteId;
  /** Null once the way back has begun. */
  readonly holdUntil: string | null;
}

export interface DrillRecord {
  readonly by: string;
  readonly reason: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Who asked for the way back before the hold was over; absent: it ended by itself. */
  readonly endedEarlyBy?: string;
  /** Site that led before the drill. */
  readonly from: SiteId;
  /** Site that was tried. */
  readonly to: SiteId;
  /**
   * `done`: there and back. `withdrawn`: it did not get there, nobody was fenced out. `not-back`: the way back was
   * withdrawn. `stopped`: somebody stopped it, or swapped the roles, while the other site led.
   */
  readonly outcome: 'done' | 'withdrawn' | 'not-back' | 'stopped';
  /** One sentence; it says where the primary is. */
  readonly summary: string;
  /** How long the other site led between the two failovers, milliseconds; null when it never did. */
  readonly heldMs: number | null;
  /** Both failovers with their evidence: RTO, catch-up, proof. */
  readonly there: FailoverRecord;
  readonly back: FailoverRecord | null;
}
