import type { CatchUpEvidence, Health } from '../../activities/run/api';
import type { Carried } from '../../activities/run/carried';
import type { PreflightReport } from '../../model/run/check';
import type { FailoverCheck } from '../../model/run/failover-facts';
import type { HookRecord } from '../../model/run/hook-message';
import type { JournalEntry } from '../../model/run/journal';
import type { RunSpec } from '../../model/run/run-spec';
import type { CutoverSchedule } from '../../model/run/settings';
import type { SiteId } from '../../model/run/site';
import type { DrillRecord, DrillUnderWay } from './drill-messages';
import type { AcceptedDrift, FailoverRecord } from './failover-record';
import type { BlockedBy, CutoverAttempt, PhaseTimes, RunEvent } from './messages';
import type { Notice } from './notices';
import type { SplitBrain, StandingRequest } from './standing-messages';
import type { UnliftedFence } from './unlifted-fences';

/**
 * What a run carries from one history to the next, whatever its topology, which adds fields of its own beside these.
 * Versioned: an older state must stay readable.
 */
export interface RunState {
  readonly version: 1;
  phase: string;
  preflight: PreflightReport | null;
  /** Steps that this run began, with the facts before each: what abort undoes, latest first (promise 5). */
  startedSteps: StartedStep[];
  /** Of what repeats, the newest entries; the histories hold all. */
  journal: JournalEntry[];
  phases: PhaseTimes[];
  events: RunEvent[];
  /** The newest difference of logins or jobs that somebody let a crossing go on with. */
  acceptedDrift?: AcceptedDrift;
  health: Health | null;
  /** Newest health with a lag that was seen: what a forced failover may lose is estimated from it. */
  lastLag?: Health | null;
  /** What keeps the watch from looking, as people were told; absent while it looks. */
  watchProblem?: string;
  /** Notifications that the history before could not deliver in time. */
  untold?: readonly Notice[];
  /** What was left out for want of room; absent: nothing. */
  leftOutOfState?: LeftOutOfState;
  paused: boolean;
  approval: { by: string; at: string; acceptsDrift?: true } | null;
  /** Replicas on which the fence could not be lifted yet; absent where there are none. */
  unliftedFences?: readonly UnliftedFence[];
  /** A person was told that an approval is needed, and none was given since. */
  approvalAsked?: boolean;
  postponedUntil: string | null;
  schedule: CutoverSchedule;
  /** The newest ones. */
  attempts: CutoverAttempt[];
  /** Attempts that are not kept any more. */
  earlierAttempts?: number;
  nextAttemptAt: string | null;
  blockedBy: BlockedBy | null;
  fencedAt: string | null;
  pointOfNoReturn: CatchUpEvidence | null;
  /** Why the run cannot be aborted any more, beside a proof of catch-up; null while it can. */
  forwardOnly: string | null;
  failedOverAt: string | null;
  rtoMs: number | null;
  /** When the new primary took its first good write, ISO 8601. */
  firstWriteAt?: string;
  /** The newest calls of hooks. */
  hookCalls?: readonly HookRecord[];
  /** What a look at the new primary found. */
  checks?: readonly FailoverCheck[];
  /** Only of what stands for years, once it is set up. */
  protection: Protection | null;
}

/** A step that a run began. Most begin once; objects outside of the database are copied again and again. */
export interface StartedStep {
  readonly stepId: string;
  readonly server?: string;
  /** Facts before it. */
  readonly before: unknown;
  /** Facts when it had failed, null when nobody could take them: what came later is not the run's. Absent: it was done. */
  readonly after?: unknown;
  /** Statements or requests that undo it, for a person; absent where none are known. */
  readonly byHand?: readonly string[];
  /** What an undoing that gave up may have sent, for the next one. */
  undoing?: Carried;
  /** Copied besides: an abort may leave it, and all else can be taken down without it. */
  readonly mayBeLeft?: true;
}

/** What stands for years: who leads it, and what was done to it. */
export interface Protection {
  primary: SiteId;
  /** The newest ones; older ones have workflows of their own. */
  failovers: FailoverRecord[];
  /** All that ever were, also those that are not kept here. */
  failoverCount?: number;
  request: StandingRequest | null;
  /** A forced failover to which the planned one under way, or the drill, gives way. */
  preemptedBy?: Extract<StandingRequest, { kind: 'failover' }>;
  /** The failover under way has its proof: the site that it made the primary leads. Its record is in the list. */
  proven?: true;
  /** The failover under way is withdrawn, or its workflow ended without a result: what it leaves is dealt with. */
  givenUp?: true;
  /** Workflow of the failover that made the primary what it is, while what follows its swap is not done yet. */
  followUpOf?: string;
  /** Workflow of the failover under way. */
  failoverWorkflow?: string;
  splitBrain: SplitBrain | null;
  /** Somebody else deleted it; absent while it stands. */
  deletedExternally?: { readonly since: string; readonly reason: string };
  /** A drill that is under way: another site leads, for a while. */
  drill?: DrillUnderWay;
  lastDrill?: DrillRecord;
}

/** What was left out of the state for want of room, and how much of it. */
export interface LeftOutOfState {
  readonly statements: number;
  readonly journalEntries: number;
  readonly events: number;
  readonly attempts: number;
  readonly failovers: number;
  readonly checks: number;
  /** Steps of which an abort cannot undo what they copied, because what it needs for that is too long. */
  readonly undo: readonly string[];
}

export interface RunInput<Spec extends RunSpec = RunSpec, Own extends object = object> {
  readonly spec: Spec;
  /** Search attributes are registered on this server. */
  readonly visibility: boolean;
  /** Begin a new history once it has this many events; the server's own suggestion counts as well. */
  readonly maxHistoryEvents?: number;
  /** Present after continue-as-new. */
  readonly state?: RunState & Own;
}

/** @param own what the topology keeps besides */
export function initialState<Own extends object>(spec: RunSpec, own: Own): RunState & Own {
  return {
    version: 1,
    phase: 'preflight',
    preflight: null,
    startedSteps: [],
    journal: [],
    phases: [],
    events: [],
    health: null,
    paused: false,
    approval: null,
    postponedUntil: null,
    schedule: spec.settings.cutover.schedule,
    attempts: [],
    nextAttemptAt: null,
    blockedBy: null,
    fencedAt: null,
    pointOfNoReturn: null,
    forwardOnly: null,
    protection: null,
    failedOverAt: null,
    rtoMs: null,
    ...own,
  };
}
