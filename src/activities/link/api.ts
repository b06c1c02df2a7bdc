/**
 * The activities of a link as their callers see them. Workflows import these types only; the implementation stands
 * beside. All inputs and results are plain data, without secrets.
 */

import type { CutoverRoute } from '../../model/link/facts';
import type { LinkSite } from '../../model/link/procedure';
import type { ResolvedLink } from '../../model/link/spec';
import type { PreflightReport } from '../../model/run/check';
import type { JournalEffect } from '../../model/run/journal';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { Lsn } from '../../model/sql-server/lsn';
import type { Notification } from '../../ports/notifier';
import type { HealthChanged, LiftedFence, LinkHealth, ObservedStep, ReadinessEvidence } from '../run/api';
import type { TakesOver } from '../run/carried';
import type { StepOutcome, UndoneStep } from '../run/run-step';
import type { LogBackupTaken } from '../sql-server/api';

export interface LinkInput {
  readonly spec: ResolvedLink;
}

export interface StepInput extends LinkInput, TakesOver {
  /** Of the steps of the topology; one that it does not know is refused. */
  readonly stepId: string;
  /** Replica that the step is about, by its name in the inventory. */
  readonly server?: string;
}

export interface PreflightOutcome {
  readonly report: PreflightReport;
  readonly route: CutoverRoute;
  readonly serverName: string;
  readonly instanceFqdn: string;
  readonly databaseBytes: number;
}

export interface UndoInput extends StepInput {
  readonly before: unknown;
  /** Facts when the step had failed; null when nobody could take them. Absent: the step was done. */
  readonly after?: unknown;
}

/** What is known of a seeding, so that the same news is not told twice. */
export interface SeedingMark {
  readonly operationId: string | null;
  readonly attempts: number;
  readonly transferredBytes: number;
  /** Told already, so not to be told again. */
  readonly told: readonly ('stalled' | 'log-alarm')[];
  /** Clock of the SQL Server when this copy was first looked at, ISO 8601 UTC: log backups from then on are looked for. */
  readonly backupsSince?: string;
  /** Jobs of others whose log backups were told already. */
  readonly foreignJobs?: readonly string[];
}

/** Azure gave the link up; it must be dropped and created again. */
export interface BrokenLink {
  readonly kind: 'broken';
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export type LinkConnection = { readonly kind: 'connected'; readonly evidence: string } | BrokenLink;

/** The SQL Server joined a link that the instance leads; or Azure did not wait for it. */
export type LinkJoined = { readonly kind: 'joined'; readonly outcome: StepOutcome } | BrokenLink;

export type SeedingNews =
  | BrokenLink
  | { readonly kind: 'completed'; readonly serverTime: string; readonly evidence: string }
  | { readonly kind: 'restarted'; readonly reason: string; readonly mark: SeedingMark }
  | { readonly kind: 'stalled'; readonly reason: string; readonly mark: SeedingMark }
  | { readonly kind: 'log-alarm'; readonly reason: string; readonly mark: SeedingMark }
  /** Somebody else backs up the log while the copy is under way. */
  | { readonly kind: 'foreign-log-backup'; readonly reason: string; readonly mark: SeedingMark };

export type ReplicationNews =
  | { readonly kind: 'log-backup-taken'; readonly backup: LogBackupTaken; readonly health: LinkHealth }
  | HealthChanged
  | SplitBrainNews
  | { readonly kind: 'log-alarm'; readonly reason: string; readonly health: LinkHealth }
  /** Another replica leads the availability group of the SQL Server now. */
  | { readonly kind: 'group-failed-over'; readonly leader: string; readonly health: LinkHealth }
  /** Somebody else backs up the log as well. */
  | {
      readonly kind: 'foreign-log-backup';
      readonly reason: string;
      readonly jobs: readonly string[];
      readonly health: LinkHealth;
    }
  | ExternalFailoverNews
  | DeletedExternallyNews
  /** Replicas that did not answer when the fence was lifted do now. */
  | { readonly kind: 'fences-lifted'; readonly fences: readonly LiftedFence[]; readonly health: LinkHealth }
  /** Nothing happened for long: the workflow may begin a new history. */
  | { readonly kind: 'checkpoint'; readonly health: LinkHealth };

/** Both sides agree on a primary that this run did not make one. */
export interface ExternalFailoverNews {
  readonly kind: 'external-failover';
  readonly primary: LinkSite;
  /** What was seen, and when. */
  readonly reason: string;
  /** Clock of the instance, ISO 8601 UTC; null when it could not be read. */
  readonly instanceTime: string | null;
  readonly health: LinkHealth;
}

/** Somebody deleted the link. */
export interface DeletedExternallyNews {
  readonly kind: 'deleted-externally';
  readonly reason: string;
  readonly health: LinkHealth;
}

/** What a link that stays asks of its watch beside its health; absent in inputs of older versions. */
export interface ExternalChangesInput {
  /** Roles that others swapped, and a link that others removed, are news. */
  readonly externalChanges?: {
    /** The removal by others is known already. */
    readonly deletionKnown: boolean;
  };
}

/** Both sides say that they are the primary. */
export interface SplitBrainNews {
  readonly kind: 'split-brain';
  readonly reason: string;
  readonly health: LinkHealth;
  /** How far each log reaches now. */
  readonly logEnds: Readonly<Record<LinkSite, Lsn | null>>;
}

/** The part of a former primary's log that the new primary does not have. */
export interface DivergedLog {
  readonly on: LinkSite;
  /** The new primary had hardened this much when it took over; what came after it is on one side only. */
  readonly afterLsn: Lsn | null;
  readonly toLsn: Lsn;
  /** One sentence for people. */
  readonly summary: string;
}

export interface ReplicationWatchInput extends LinkInput, ExternalChangesInput {
  /** End of the last log backup that this run took, by the clock of the SQL Server, ISO 8601 UTC; absent: none is known. */
  readonly lastBackupAt?: string;
  /** Health that the workflow knows already: only changes are news. */
  readonly knownHealthy: boolean;
  readonly logAlarmRaised: boolean;
  /** Present for a link that stays: both sides are asked for their roles, and two primaries are news unless known. */
  readonly splitBrainKnown?: boolean;
  /**
   * Log backups of others that are looked for: those after `since` (ISO 8601 UTC, clock of the SQL Server) by jobs that
   * nobody was told of. Absent: none are looked for.
   */
  readonly foreignBackups?: { readonly since: string; readonly told: readonly string[] };
  /**
   * Replica that led the availability group when it was last told, by its name in the inventory; null before that.
   * Absent where the group has one replica.
   */
  readonly knownLeader?: string | null;
  /** Logins of the fence to be opened where they could not be before; absent where there are none. */
  readonly unliftedFences?: readonly PendingOnServer[];
  /** Return a checkpoint after this long without news, milliseconds. */
  readonly checkpointAfterMs: number;
}

/** Proof that the instance has all that was committed at the server: taken after the fence, equal and stable. */
export interface CatchUpEvidence {
  readonly observedAt: string;
  readonly fencedAt: string;
  readonly primaryEndOfLogLsn: Lsn;
  readonly secondaryHardenedLsn: Lsn;
  readonly samples: number;
  /** Clock of the instance at that moment, ISO 8601 UTC: what Azure does afterwards is later than this. */
  readonly instanceTime: string;
}

/** How far the side that becomes the primary is behind, as well as it can be known. */
export interface LossReport {
  readonly observedAt: string;
  /** `measured`: both ends were read; `estimate`: the last lag that was seen while the link was healthy. */
  readonly method: 'measured' | 'estimate' | 'unknown';
  /** Upper bound in seconds of committed transactions; null when nothing is known. */
  readonly seconds: number | null;
  readonly oldPrimaryEndOfLogLsn: Lsn | null;
  readonly newPrimaryHardenedLsn: Lsn | null;
  /** Clock of the side that becomes the primary, ISO 8601 UTC. */
  readonly newPrimaryTime: string | null;
  /** One sentence for people. */
  readonly summary: string;
}

export interface PrimaryInput extends LinkInput {
  readonly primary: LinkSite;
}

/** News of a link that the instance leads. */
export type InstancePrimaryNews =
  | HealthChanged
  | SplitBrainNews
  | ExternalFailoverNews
  | DeletedExternallyNews
  /** Azure finished the first full backup since the instance leads. */
  | { readonly kind: 'full-backup'; readonly at: string; readonly health: LinkHealth }
  | { readonly kind: 'checkpoint'; readonly health: LinkHealth };

export interface InstancePrimaryInput extends LinkInput, ExternalChangesInput {
  readonly knownHealthy: boolean;
  readonly splitBrainKnown: boolean;
  /** Azure's first full backup after this time (clock of the instance, ISO 8601 UTC) is news; absent: it is not. */
  readonly fullBackupSince?: string;
  readonly checkpointAfterMs: number;
}

/** The log of the SQL Server is nearly full while nothing else looks at it. */
export interface LogSpaceNews {
  readonly kind: 'log-alarm';
  readonly reason: string;
}

/** What ends by itself within minutes, or while somebody waits for it. */
export interface LinkSteps {
  /** What a forced failover would lose now. */
  measureLoss(
    input: LinkInput & { readonly to: LinkSite; readonly lastHealth: LinkHealth | null },
  ): Promise<LossReport>;
  preflight(input: LinkInput): Promise<PreflightOutcome>;
  observeStep(input: StepInput): Promise<ObservedStep>;
  performStep(input: StepInput): Promise<StepOutcome>;
  /** @returns the effects alone where nothing is left to undo, as it always did: histories hold that */
  undoStep(input: UndoInput): Promise<readonly JournalEffect[] | UndoneStep>;
  /** Asks once each replica that did not answer when the fence was lifted. */
  liftRemainingFences(
    input: LinkInput & { readonly fences: readonly PendingOnServer[] },
  ): Promise<readonly LiftedFence[]>;
  /** Only of a link that the instance leads at first. */
  joinFromInstance(input: LinkInput): Promise<LinkJoined>;
  takeFirstLogBackup(input: LinkInput & { readonly seedingCompletedAt: string }): Promise<LogBackupTaken>;
  awaitCatchUp(input: PrimaryInput & { readonly fencedAt: string }): Promise<CatchUpEvidence>;
  /** Last look before the point of no return; its completion in the history is the journal entry. */
  confirmPointOfNoReturn(
    input: PrimaryInput & { readonly evidence: CatchUpEvidence },
  ): Promise<CatchUpEvidence>;
  /** Where the log of the SQL Server ends now; null when the link does not show there any more. */
  readEndOfLog(input: LinkInput): Promise<{ readonly lsn: Lsn | null }>;
  notifyPerson(input: Notification): Promise<void>;
}

/** What waits for hours, or for as long as a link stands: served on a task queue of its own. */
export interface LinkWatches {
  /** Watches the log while a person is waited for, before the link replicates. */
  watchLogSpace(input: LinkInput & { readonly alarmRaised: boolean }): Promise<LogSpaceNews>;
  /** Watches a link whose primary is the instance; both sides are asked for their roles. */
  watchInstancePrimary(input: InstancePrimaryInput): Promise<InstancePrimaryNews>;
  /** Waits until the link replicates again after a repair. */
  awaitHealthy(input: PrimaryInput): Promise<{ readonly evidence: string }>;
  awaitLinkConnected(input: LinkInput): Promise<LinkConnection>;
  watchSeeding(input: LinkInput & { readonly mark: SeedingMark | null }): Promise<SeedingNews>;
  watchReplication(input: ReplicationWatchInput): Promise<ReplicationNews>;
  awaitReadiness(input: PrimaryInput): Promise<ReadinessEvidence>;
  /** `since`: clock of the instance before the failover. */
  awaitAzureFullBackup(input: LinkInput & { readonly since: string }): Promise<{ readonly evidence: string }>;
}

export interface LinkActivities extends LinkSteps, LinkWatches {}
