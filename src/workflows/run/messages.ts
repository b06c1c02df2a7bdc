/** Messages and views of a link migration; shared by workflow and client, free of I/O. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { CatchUpEvidence } from '../../activities/link/api';
import type { LinkHealth } from '../../activities/run/api';
import type { CutoverRoute } from '../../model/link/facts';
import type { ResolvedLink } from '../../model/link/spec';
import type { PreflightReport } from '../../model/run/check';
import type { FailoverCheck } from '../../model/run/failover-facts';
import type { HookRecord } from '../../model/run/hook-message';
import type { JournalEntry } from '../../model/run/journal';
import type { CutoverSchedule } from '../../model/run/settings';
import type { Answer, Request } from './answers';
import type { StandingStatus } from './standing-messages';
import type { ObjectsState, UnliftedFence } from './state';

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

export const statusQuery = defineQuery<RunStatus>('status');
export const journalQuery = defineQuery<readonly JournalEntry[]>('journal');
export const preflightQuery = defineQuery<PreflightReport | null>('preflight');

/** The spec in force, with references to secrets in place of these. */
export const specQuery = defineQuery<ResolvedLink>('spec');

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

export interface RunStatus {
  readonly name: string;
  readonly database: string;
  readonly server: string;
  /** Replica that leads the availability group, where it has several. */
  readonly groupLeader?: string;
  /** Replicas on which the fence could not be lifted yet; absent where there are none. */
  readonly unliftedFences?: readonly UnliftedFence[];
  readonly instance: string;
  readonly outcome: RunOutcome;
  /** One of the phases of the procedure. */
  readonly phase: string;
  readonly step: string | null;
  /** Why the run is not further, one sentence. */
  readonly waitingFor: string;
  readonly route: CutoverRoute | null;
  /** Present where the instance leads first: SQL Server and instance say where the servers are, not where the database goes. */
  readonly initialPrimary?: 'instance';
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
  readonly seedingDeadline: string | null;
  readonly seedingRestarts: number;
  readonly logBackups: { readonly count: number; readonly lastAt: string | null };
  readonly health: LinkHealth | null;
  readonly attempts: readonly CutoverAttempt[];
  readonly pointOfNoReturn: CatchUpEvidence | null;
  /** Milliseconds from the fence to the first good write on the new primary. */
  readonly rtoMs: number | null;
  readonly nextSteps: readonly string[];
  /** Hooks that the newest failovers or attempts called; absent: none. */
  readonly hooks?: readonly HookRecord[];
  /** What a look at the new primary found; absent: nobody looked. */
  readonly checks?: readonly FailoverCheck[];
  /** Only of a link for disaster recovery, once it stands. */
  readonly protection: StandingStatus | null;
  /** Logins and jobs as they were compared last; absent where the spec has no instanceObjects. */
  readonly instanceObjects?: ObjectsState;
}

/** Result of the workflow. */
export interface MigrationResult {
  readonly outcome: 'completed' | 'aborted';
  readonly summary: string;
  readonly route: CutoverRoute;
  readonly phases: readonly PhaseTimes[];
  readonly logBackups: number;
  readonly seedingRestarts: number;
  readonly cutoverAttempts: number;
  readonly rtoMs: number | null;
  readonly pointOfNoReturn: CatchUpEvidence | null;
  readonly hooks?: readonly HookRecord[];
  readonly checks?: readonly FailoverCheck[];
  /** What stays behind and what to do about it. */
  readonly leftovers: readonly string[];
}
