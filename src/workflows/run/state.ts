import type { CatchUpEvidence } from '../../activities/link/api';
import type { LinkHealth } from '../../activities/run/api';
import type { Carried } from '../../activities/run/carried';
import type { CutoverRoute } from '../../model/link/facts';
import type { LinkSite } from '../../model/link/procedure';
import type { ResolvedLink } from '../../model/link/spec';
import type { PreflightReport } from '../../model/run/check';
import type { FailoverCheck } from '../../model/run/failover-facts';
import type { HookRecord } from '../../model/run/hook-message';
import type { JournalEntry } from '../../model/run/journal';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { CutoverSchedule } from '../../model/run/settings';
import type { ObjectFinding } from '../../model/sql-server/instance-objects';
import type { DrillRecord, DrillUnderWay } from './drill-messages';
import type { BlockedBy, CutoverAttempt, PhaseTimes, RunEvent } from './messages';
import type { Notice } from './notices';
import type { AcceptedDrift, FailoverRecord, SplitBrain, StandingRequest } from './standing-messages';
import { withoutDetails } from './state-parts';
import { boundJournal, isRepeated, type LeftOutOfState } from './state-size';

/** What a run carries from one history to the next. Versioned: an older state must stay readable. */
export interface RunState {
  readonly version: 1;
  phase: string;
  route: CutoverRoute | null;
  preflight: PreflightReport | null;
  serverName: string;
  /** Steps that this run began, with the facts before each: what abort undoes, latest first (promise 5). */
  startedSteps: StartedStep[];
  /** Of what repeats, the newest entries; the histories hold all. */
  journal: JournalEntry[];
  phases: PhaseTimes[];
  events: RunEvent[];
  linkRequestedAt: string | null;
  /** Time of the SQL Server, from which the first log backup counts. */
  seedingCompletedAt: string | null;
  seedingRestarts: number;
  logBackups: { count: number; lastAt: string | null };
  /** The newest difference of logins or jobs that somebody let a crossing go on with. */
  acceptedDrift?: AcceptedDrift;
  /** End of the last log backup of this run by the clock of the SQL Server, ISO 8601 UTC. */
  lastBackupAt?: string;
  health: LinkHealth | null;
  /** Newest health with a lag that was seen: what a forced failover may lose is estimated from it. */
  lastLag?: LinkHealth | null;
  logAlarmRaised: boolean;
  /** What keeps the watch of the link from looking, as people were told; absent while it looks. */
  watchProblem?: string;
  /** Notifications that the history before could not deliver in time. */
  untold?: readonly Notice[];
  /** Jobs of others that back up the log of the link; a person was told of them. */
  foreignLogBackups?: readonly string[];
  /** Objects outside of the database, as they were compared last. */
  instanceObjects?: ObjectsState;
  /** What was left out for want of room; absent: nothing. */
  leftOutOfState?: LeftOutOfState;
  paused: boolean;
  approval: { by: string; at: string; acceptsDrift?: true } | null;
  /** Replica that led the availability group when it was last looked at; only where it has several. */
  groupLeader?: string;
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
  /** Why the run cannot be aborted any more, other than by equal LSNs; null while it can. */
  forwardOnly: string | null;
  failedOverAt: string | null;
  /** On the route `delete-link`: the SQL Server may have gone on after the last look, as a sentence. */
  unreplicatedTail?: string;
  rtoMs: number | null;
  /** When the new primary took its first good write, ISO 8601. */
  firstWriteAt?: string;
  /** The newest calls of hooks. */
  hookCalls?: readonly HookRecord[];
  /** What a look at the new primary found. */
  checks?: readonly FailoverCheck[];
  /** Only of a link for disaster recovery, once it stands. */
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
}

/** Logins of the fence on a replica that did not answer when they were to be opened. */
export interface UnliftedFence extends PendingOnServer {
  readonly since: string;
  readonly told: boolean;
}

/** What is known of the objects outside of the database. */
export interface ObjectsState {
  /** Side from which they were copied. */
  readonly primary: LinkSite;
  readonly observedAt: string;
  /** `driftMark` of what was found. */
  readonly mark: string;
  /** All differences. */
  readonly count: number;
  /** The first ones, for people. */
  readonly drift: readonly ObjectFinding[];
}

/** A link that stays: who leads it, and what was done to it. */
export interface Protection {
  primary: LinkSite;
  /** The newest ones; older ones have workflows of their own. */
  failovers: FailoverRecord[];
  /** All that ever were, also those that are not kept here. */
  failoverCount?: number;
  request: StandingRequest | null;
  /** A forced failover to which the planned one under way, or the drill, gives way. */
  preemptedBy?: Extract<StandingRequest, { kind: 'failover' }>;
  /** The failover under way has its proof: the side that it made the primary leads. Its record is in the list. */
  proven?: true;
  /** The swap of the last failover came through after it was given up; what follows a swap is still to be done. */
  lateSwap?: true;
  splitBrain: SplitBrain | null;
  /** Somebody else deleted the link; absent while it stands. */
  deletedExternally?: { readonly since: string; readonly reason: string };
  /** Azure's first full backup since the instance leads, ISO 8601; absent until it is seen, and while SQL Server leads. */
  fullBackupAt?: string;
  /** A drill that is under way: the other side leads, for a while. */
  drill?: DrillUnderWay;
  lastDrill?: DrillRecord;
}

export interface RunInput {
  readonly spec: ResolvedLink;
  /** Search attributes are registered on this server. */
  readonly visibility: boolean;
  /** Begin a new history once it has this many events; the server's own suggestion counts as well. */
  readonly maxHistoryEvents?: number;
  /** Present after continue-as-new. */
  readonly state?: RunState;
}

/** What is kept of what repeats; `state-size` sees to it that it is not too long, either. */
const JOURNAL_KEPT = 100;
const EVENTS_KEPT = 60;
/** Events of one code that messages of others cause. */
const OF_OTHERS_KEPT = 3;
const ATTEMPTS_KEPT = 20;
const PHASES_KEPT = 60;
/** Characters of a message. */
const LONGEST_TEXT = 400;

export function initialState(spec: ResolvedLink): RunState {
  return {
    version: 1,
    phase: 'preflight',
    route: null,
    preflight: null,
    serverName: spec.settings.server,
    startedSteps: [],
    journal: [],
    phases: [],
    events: [],
    linkRequestedAt: null,
    seedingCompletedAt: null,
    seedingRestarts: 0,
    logBackups: { count: 0, lastAt: null },
    health: null,
    logAlarmRaised: false,
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
  };
}

/** Failovers kept in the state; older ones have workflows of their own. */
const FAILOVERS_KEPT = 20;

export function addFailover(protection: Protection, record: FailoverRecord): void {
  protection.failovers = [...protection.failovers.map(withoutDetails), record].slice(-FAILOVERS_KEPT);
  protection.failoverCount = (protection.failoverCount ?? protection.failovers.length - 1) + 1;
}

/** A side that does not answer has no lag; the last one that was seen is remembered. */
export function noteHealth(state: RunState, health: LinkHealth): void {
  state.health = health;
  if (health.lagSeconds !== null) state.lastLag = health;
}

/** Keeps the state small enough to be carried over for years. */
export function addEvent(state: RunState, event: RunEvent): void {
  state.events.push({ ...event, message: shortened(event.message) });
  if (state.events.length > EVENTS_KEPT) state.events.splice(0, state.events.length - EVENTS_KEPT);
}

/** What others send, however much, pushes nothing else out: of each code the newest ones are kept. */
export function addEventOfOthers(state: RunState, event: RunEvent): void {
  const isSuch = ({ code }: RunEvent): boolean => code === event.code;
  if (state.events.filter(isSuch).length >= OF_OTHERS_KEPT)
    state.events.splice(state.events.findIndex(isSuch), 1);
  addEvent(state, event);
}

/** Log backups and attempts repeat for ever: of those only the newest entries are kept. */
export function addJournalEntry(state: RunState, entry: JournalEntry): void {
  state.journal.push(entry);
  if (state.journal.length > JOURNAL_KEPT) state.journal.splice(oldestRepeated(state.journal), 1);
  boundJournal(state);
}

export function addPhase(state: RunState, phase: PhaseTimes): void {
  state.phases.push(phase);
  if (state.phases.length > PHASES_KEPT) state.phases.splice(oldestRepeated(state.phases), 1);
}

export function addAttempt(state: RunState, attempt: CutoverAttempt): void {
  state.attempts.push({ ...attempt, reason: shortened(attempt.reason) });
  if (state.attempts.length <= ATTEMPTS_KEPT) return;
  state.attempts.shift();
  state.earlierAttempts = (state.earlierAttempts ?? 0) + 1;
}

/** All attempts of the run, also those that are not kept. */
export const attemptsMade = (state: RunState): number => (state.earlierAttempts ?? 0) + state.attempts.length;

/** Phases that come again and again come after those that come once. */
const oldestRepeated = (entries: readonly { readonly phase: string }[]): number =>
  Math.max(entries.findIndex(isRepeated), 0);

/** The history and the notifications hold the whole text. */
const shortened = (text: string): string =>
  text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
