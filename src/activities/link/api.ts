/**
 * The activities of a link as its own workflows see them, beside those of any run. Workflows import these types only; the
 * implementation stands beside. All inputs and results are plain data, without secrets.
 */

import type { CutoverRoute } from '../../model/link/facts';
import type { ResolvedLink } from '../../model/link/spec';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { Lsn } from '../../model/sql-server/lsn';
import type {
  CommonNews,
  Health,
  LiftedFence,
  PreflightOutcome,
  RunActivities,
  RunSteps,
  RunWatches,
  WatchInput,
} from '../run/api';
import type { StepOutcome } from '../run/run-step';
import type { LogBackupTaken } from '../sql-server/api';

export interface LinkInput {
  readonly spec: ResolvedLink;
}

export interface LinkPreflightOutcome extends PreflightOutcome {
  readonly route: CutoverRoute;
  readonly serverName: string;
  readonly instanceFqdn: string;
  readonly databaseBytes: number;
}

export interface LinkHealth extends Health {
  readonly logUsedPercent: number;
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

/** What only the watch of a link tells, whoever leads it. */
export type LinkNews =
  | { readonly kind: 'log-backup-taken'; readonly backup: LogBackupTaken; readonly health: Health }
  | { readonly kind: 'log-alarm'; readonly reason: string; readonly health: Health }
  /** Another replica leads the availability group of the SQL Server now. */
  | { readonly kind: 'group-failed-over'; readonly leader: string; readonly health: Health }
  /** Somebody else backs up the log as well. */
  | {
      readonly kind: 'foreign-log-backup';
      readonly reason: string;
      readonly jobs: readonly string[];
      readonly health: Health;
    }
  /** Replicas that did not answer when the fence was lifted do now. */
  | { readonly kind: 'fences-lifted'; readonly fences: readonly LiftedFence[]; readonly health: Health }
  /** Azure finished the first full backup since the instance leads. */
  | { readonly kind: 'full-backup'; readonly at: string; readonly health: Health };

/** What a run of a link knows already, beside what every run knows. */
export interface LinkKnown {
  readonly logAlarmRaised: boolean;
  /** End of the last log backup that this run took, by the clock of the SQL Server, ISO 8601 UTC; absent: none is known. */
  readonly lastBackupAt?: string;
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
  /** Azure's first full backup after this time (clock of the instance, ISO 8601 UTC) is news; absent: it is not. */
  readonly fullBackupSince?: string;
}

export interface LinkWatchInput extends WatchInput {
  readonly spec: ResolvedLink;
  readonly known: LinkKnown;
}

/** The log of the SQL Server is nearly full while nothing else looks at it. */
export interface LogSpaceNews {
  readonly kind: 'log-alarm';
  readonly reason: string;
}

/** What ends by itself within minutes, or while somebody waits for it. */
export interface LinkSteps extends Omit<RunSteps, 'preflight'> {
  preflight(input: LinkInput): Promise<LinkPreflightOutcome>;
  /** Only of a link that the instance leads at first. */
  joinFromInstance(input: LinkInput): Promise<LinkJoined>;
  takeFirstLogBackup(input: LinkInput & { readonly seedingCompletedAt: string }): Promise<LogBackupTaken>;
  /** Where the log of the SQL Server ends now; null when the link does not show there any more. */
  readEndOfLog(input: LinkInput): Promise<{ readonly lsn: Lsn | null }>;
}

/** What waits for hours, or for as long as a link stands: served on a task queue of its own. */
export interface LinkWatches extends Omit<RunWatches, 'watch'> {
  watch(input: LinkWatchInput): Promise<CommonNews | LinkNews>;
  /** Watches the log while a person is waited for, before the link replicates. */
  watchLogSpace(input: LinkInput & { readonly alarmRaised: boolean }): Promise<LogSpaceNews>;
  awaitLinkConnected(input: LinkInput): Promise<LinkConnection>;
  watchSeeding(input: LinkInput & { readonly mark: SeedingMark | null }): Promise<SeedingNews>;
  /** `since`: clock of the instance before the failover. */
  awaitAzureFullBackup(input: LinkInput & { readonly since: string }): Promise<{ readonly evidence: string }>;
}

export interface LinkActivities extends LinkSteps, LinkWatches {}

/** What only a link has. */
export type LinkOwnActivities = Omit<LinkActivities, keyof RunActivities>;
