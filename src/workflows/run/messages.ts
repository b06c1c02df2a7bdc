/** Messages and views of any run; shared by workflow and client, free of I/O. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { CatchUpEvidence, Health } from '../../activities/run/api';
import type { PreflightReport } from '../../model/run/check';
import type { FailoverCheck } from '../../model/run/failover-facts';
import type { HookRecord } from '../../model/run/hook-message';
import type { JournalEntry } from '../../model/run/journal';
import type { RunSpec } from '../../model/run/run-spec';
import type { CutoverSchedule } from '../../model/run/settings';
import type { Answer, Request } from './answers';
import type { StatusAsked } from './as-of';
import type { StandingStatus } from './standing-messages';
import type { UnliftedFence } from './unlifted-fences';

export interface ApproveRequest extends Request {
  /** Logins and jobs that differ between the sides do not hold the cutover. */
  readonly acceptDrift?: true;
}
export const approveUpdate = defineUpdate<Answer, [ApproveRequest]>('approve');

export interface PostponeRequest extends Request {
  /** ISO 8601 with offset. */
  readonly until: string;
}
export const postponeUpdate = defineUpdate<Answer, [PostponeRequest]>('postpone');

export interface ChangeScheduleRequest extends Request {
  readonly schedule: CutoverSchedule;
}
export const changeScheduleUpdate = defineUpdate<Answer, [ChangeScheduleRequest]>('changeSchedule');

export const statusQuery = defineQuery<RunStatus, [asked?: StatusAsked]>('status');
export const journalQuery = defineQuery<readonly JournalEntry[]>('journal');
export const preflightQuery = defineQuery<PreflightReport | null>('preflight');

/** The spec in force, with references to secrets in place of these. */
export const specQuery = defineQuery<RunSpec>('spec');

export type RunOutcome = 'running' | 'completed' | 'aborted' | 'failed';

export interface PhaseTimes {
  /** One of the phases of the procedure. */
  readonly phase: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** Something worth telling, in the order in which it happened. */
export interface RunEvent {
  readonly at: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly code: string;
  readonly message: string;
  /** Rule that decided what is told; absent: no rule did. */
  readonly rule?: string;
  /** Who asked for what was decided; absent: nobody did. */
  readonly by?: string;
}

/** A failure that waits for a person. */
export interface BlockedBy {
  readonly since: string;
  readonly stepId: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export interface CutoverAttempt {
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: 'running' | 'succeeded' | 'withdrawn';
  readonly reason: string;
}

/** What every run shows of itself; a topology shows more. */
export interface RunStatus {
  /** Of the spec: the topology. */
  readonly kind: string;
  readonly name: string;
  readonly database: string;
  /** Replicas on which the fence could not be lifted yet; absent where there are none. */
  readonly unliftedFences?: readonly UnliftedFence[];
  readonly outcome: RunOutcome;
  /** When what is possible now, and what it waits for, was judged: ISO 8601. Absent: at the last task of the workflow. */
  readonly asOf?: string;
  /** One of the phases of the procedure. */
  readonly phase: string;
  readonly step: string | null;
  /** Why the run is not further, one sentence. */
  readonly waitingFor: string;
  readonly phases: readonly PhaseTimes[];
  readonly events: readonly RunEvent[];
  /** What the run could not keep for want of room, one sentence each; absent: nothing. */
  readonly notKept?: readonly string[];
  readonly paused: boolean;
  readonly blockedBy: BlockedBy | null;
  readonly approval: { readonly by: string; readonly at: string; readonly expiresAt: string } | null;
  readonly postponedUntil: string | null;
  readonly schedule: CutoverSchedule;
  readonly nextCutoverAt: string | null;
  readonly health: Health | null;
  readonly attempts: readonly CutoverAttempt[];
  readonly pointOfNoReturn: CatchUpEvidence | null;
  /** Milliseconds from the fence to the first good write on the new primary. */
  readonly rtoMs: number | null;
  readonly nextSteps: readonly string[];
  /** Hooks that the newest failovers or attempts called; absent: none. */
  readonly hooks?: readonly HookRecord[];
  /** What a look at the new primary found; absent: nobody looked. */
  readonly checks?: readonly FailoverCheck[];
  /** Only of what stands for years, once it is set up. */
  readonly protection: StandingStatus | null;
}
