import type { CatchUpEvidence, LinkHealth } from '../../activities/link/api';
import type { PreflightReport } from '../../model/check';
import type { JournalEntry } from '../../model/journal';
import type { CutoverRoute } from '../../model/link/facts';
import type { LinkPhase, LinkSide, LinkStepId } from '../../model/link/procedure';
import type { CutoverSchedule, ResolvedLinkMigration } from '../../model/link/spec';
import type { FailoverRecord, LinkRequest, SplitBrain } from './disaster-recovery-messages';
import type { BlockedBy, CutoverAttempt, PhaseTimes, RunEvent } from './messages';

/** What a run carries from one history to the next. Versioned: an older state must stay readable. */
export interface LinkRunState {
  readonly version: 1;
  phase: LinkPhase;
  route: CutoverRoute | null;
  preflight: PreflightReport | null;
  sourceServerName: string;
  /** Steps that this run began, with the facts before each: what abort undoes, latest first (promise 4). */
  begun: { readonly stepId: LinkStepId; readonly before: unknown }[];
  journal: JournalEntry[];
  phases: PhaseTimes[];
  events: RunEvent[];
  linkRequestedAt: string | null;
  /** Time of the source, from which the first log backup counts. */
  seedingCompletedAt: string | null;
  seedingRestarts: number;
  logBackups: { count: number; lastAt: string | null };
  health: LinkHealth | null;
  /** Newest health with a lag that was seen: what a forced failover may lose is estimated from it. */
  lastLag?: LinkHealth | null;
  logAlarmRaised: boolean;
  /** Jobs of others that back up the log of the link; a person was told of them. */
  foreignLogBackups?: readonly string[];
  paused: boolean;
  approval: { by: string; at: string } | null;
  /** A person was told that an approval is needed, and none was given since. */
  approvalAsked?: boolean;
  postponedUntil: string | null;
  schedule: CutoverSchedule;
  attempts: CutoverAttempt[];
  nextAttemptAt: string | null;
  blockedBy: BlockedBy | null;
  fencedAt: string | null;
  pointOfNoReturn: CatchUpEvidence | null;
  /** Why the run cannot be aborted any more, other than by equal LSNs; null while it can. */
  forwardOnly: string | null;
  failedOverAt: string | null;
  /** On the route `delete-link`: the source may have gone on after the last look, as a sentence. */
  leftOut?: string;
  rtoMs: number | null;
  /** Only of a link for disaster recovery, once it stands. */
  protection: Protection | null;
}

/** A link that stays: who leads it, and what was done to it. */
export interface Protection {
  primary: LinkSide;
  /** The newest ones; older ones have workflows of their own. */
  failovers: FailoverRecord[];
  /** All that ever were, also those that are not kept here. */
  failoverCount?: number;
  request: LinkRequest | null;
  splitBrain: SplitBrain | null;
}

export interface LinkMigrationInput {
  readonly spec: ResolvedLinkMigration;
  /** Search attributes are registered on this server. */
  readonly visibility: boolean;
  /** Begin a new history once it has this many events; the server's own suggestion counts as well. */
  readonly maxHistoryEvents?: number;
  /** Present after continue-as-new. */
  readonly state?: LinkRunState;
}

const EVENTS_KEPT = 100;
const JOURNAL_KEPT = 400;

export function initialState(spec: ResolvedLinkMigration): LinkRunState {
  return {
    version: 1,
    phase: 'preflight',
    route: null,
    preflight: null,
    sourceServerName: spec.migration.source,
    begun: [],
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
    schedule: spec.migration.cutover.schedule,
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

/** A side that does not answer has no lag; the last one that was seen is remembered. */
export function noteHealth(state: LinkRunState, health: LinkHealth): void {
  state.health = health;
  if (health.lagSeconds !== null) state.lastLag = health;
}

/** Keeps the state small enough to be carried over for years. */
export function addEvent(state: LinkRunState, event: RunEvent): void {
  state.events.push(event);
  if (state.events.length > EVENTS_KEPT) state.events.splice(0, state.events.length - EVENTS_KEPT);
}

/** Log backups repeat for ever: of those only the newest entries are kept. */
export function addJournalEntry(state: LinkRunState, entry: JournalEntry): void {
  state.journal.push(entry);
  if (state.journal.length <= JOURNAL_KEPT) return;
  const oldest = state.journal.findIndex((candidate) => candidate.phase === 'replicating');
  state.journal.splice(Math.max(oldest, 0), 1);
}
