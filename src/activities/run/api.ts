/**
 * What the activities of any run take and give, as their callers see it: types alone. There is one set of activity types;
 * the kind of the spec chooses the topology that does the work (`run/topology.ts`). All of it is plain data, without secrets.
 */
import type { PreflightReport } from '../../model/run/check';
import type { JournalEffect } from '../../model/run/journal';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { RunSpec } from '../../model/run/run-spec';
import type { SiteId, SiteRoles } from '../../model/run/site';
import type { Notification } from '../../ports/notifier';
import type { TakesOver } from './carried';
import type { StepOutcome, UndoneStep } from './run-step';

export interface SpecInput {
  readonly spec: RunSpec;
}

export interface PrimaryInput extends SpecInput {
  /** Site that leads. */
  readonly primary: SiteId;
}

export interface StepInput extends SpecInput, TakesOver {
  /** Of the steps of the topology; one that it does not know is refused. */
  readonly stepId: string;
  /** Replica that the step is about, by its name in the inventory. */
  readonly server?: string;
}

export interface UndoInput extends StepInput {
  readonly before: unknown;
  /** Facts when the step had failed; null when nobody could take them. Absent: the step was done. */
  readonly after?: unknown;
}

/** A topology may find out more, for its own workflows. */
export interface PreflightOutcome {
  readonly report: PreflightReport;
}

/** What a step would do now, with the facts that undoing it needs. */
export interface ObservedStep {
  readonly before: unknown;
  /** Evidence that nothing is to be done; undefined otherwise. */
  readonly settled?: string;
  readonly planned: readonly JournalEffect[];
  /** Should the step fail, its facts are to be observed once more, for `undoStep`. */
  readonly asksAfter?: true;
  /** Settled, but for servers that do not answer; absent where there are none. */
  readonly unreached?: readonly PendingOnServer[];
}

/** A replica that answers again, with what opened the logins of the fence there; nothing when they were open. */
export interface LiftedFence {
  readonly server: string;
  readonly effects: readonly JournalEffect[];
}

/** Health of the replication between the sites. */
export interface Health {
  readonly observedAt: string;
  readonly healthy: boolean;
  /** One sentence for people. */
  readonly summary: string;
  /** Null when it is not known. */
  readonly lagSeconds: number | null;
}

/** `lastSeen`: the newest look that knew a lag, when nobody can look any more. */
export interface HealthChanged {
  readonly kind: 'health-changed';
  readonly health: Health;
  readonly lastSeen?: Health;
}

/** Two sites say that they are the primary. */
export interface SplitBrainNews {
  readonly kind: 'split-brain';
  readonly reason: string;
  readonly health: Health;
  /** How far the log of each site reaches now (LSN, decimal string); absent where sites have no log that can be read. */
  readonly logEnds?: Readonly<Record<SiteId, string | null>>;
}

/** All sites agree on a primary that this run did not make one. */
export interface ExternalFailoverNews {
  readonly kind: 'external-failover';
  readonly primary: SiteId;
  /** What was seen, and when. */
  readonly reason: string;
  /** Clock of the platform, ISO 8601 UTC; null when it could not be read. */
  readonly platformTime: string | null;
  readonly health: Health;
}

/** Somebody deleted what replicated. */
export interface DeletedExternallyNews {
  readonly kind: 'deleted-externally';
  readonly reason: string;
  readonly health: Health;
}

/** Nothing happened for long: the workflow may begin a new history. */
export interface Checkpoint {
  readonly kind: 'checkpoint';
  readonly health: Health;
}

/** What the watch of any topology may tell. */
export type CommonNews =
  | HealthChanged
  | SplitBrainNews
  | ExternalFailoverNews
  | DeletedExternallyNews
  | Checkpoint;

/** What only one topology tells. */
export interface OwnNews {
  readonly kind: string;
  readonly health: Health;
}

export interface WatchInput extends PrimaryInput {
  /** Health that the workflow knows already: only changes are news. */
  readonly knownHealthy: boolean;
  /** Of a run that stands: two primaries, roles that others swapped and a removal by others are news unless known. Absent: none is. */
  readonly standing?: { readonly splitBrainKnown: boolean; readonly deletionKnown: boolean };
  /** Return a checkpoint after this long without news, milliseconds. */
  readonly checkpointAfterMs: number;
  /** What the topology knows besides. */
  readonly known: object;
}

export interface ReadinessEvidence {
  readonly observedAt: string;
  readonly summary: string;
}

/** Proof that the other site has all that was committed on the primary, taken after the fence. */
export interface CatchUpEvidence {
  /** How it was found: `equal-lsn`, `copy-sync`, `roles`. */
  readonly method: string;
  readonly observedAt: string;
  readonly fencedAt: string;
  /** One sentence for people. */
  readonly summary: string;
  /** Clock of the platform at that moment, ISO 8601 UTC: what it does afterwards is later than this. Absent: it was not read. */
  readonly platformTime?: string;
}

/** How far the site that becomes the primary is behind, as well as it can be known. */
export interface LossReport {
  readonly observedAt: string;
  /** `measured`: both ends were read; `estimate`: the last lag that was seen while the replication was healthy. */
  readonly method: 'measured' | 'estimate' | 'unknown';
  /** Upper bound in seconds of committed transactions; null when nothing is known. */
  readonly seconds: number | null;
  /** Clock of the site that becomes the primary, ISO 8601 UTC; null when it was not read. */
  readonly newPrimaryTime: string | null;
  /** One sentence for people. */
  readonly summary: string;
}

/** What a former primary has that the new one does not. */
export interface Divergence {
  readonly on: SiteId;
  /** One sentence for people. */
  readonly summary: string;
}

/** What ends by itself within minutes, or while somebody waits for it. */
export interface RunSteps {
  preflight(input: SpecInput): Promise<PreflightOutcome>;
  observeStep(input: StepInput): Promise<ObservedStep>;
  performStep(input: StepInput): Promise<StepOutcome>;
  undoStep(input: UndoInput): Promise<UndoneStep>;
  /** Asks once each replica that did not answer when the fence was lifted. */
  liftRemainingFences(
    input: SpecInput & { readonly fences: readonly PendingOnServer[] },
  ): Promise<readonly LiftedFence[]>;
  /** What each site says that it is. @param input.lost site that may hang: it is not waited for long */
  readRoles(input: SpecInput & { readonly lost?: SiteId }): Promise<SiteRoles>;
  awaitCatchUp(input: PrimaryInput & { readonly fencedAt: string }): Promise<CatchUpEvidence>;
  /** Last look before the point of no return; its completion in the history is the journal entry. */
  confirmPointOfNoReturn(
    input: PrimaryInput & { readonly evidence: CatchUpEvidence },
  ): Promise<CatchUpEvidence>;
  /** What a forced failover would lose now. */
  measureLoss(
    input: SpecInput & { readonly to: SiteId; readonly lastHealth: Health | null },
  ): Promise<LossReport>;
  notifyPerson(input: Notification): Promise<void>;
}

/** What waits for hours, or for as long as something stands: served on a task queue of its own. */
export interface RunWatches<News extends OwnNews = OwnNews> {
  /** Waits until there is something worth recording. */
  watch(input: WatchInput): Promise<CommonNews | News>;
  /** Waits until the replication lets a failover begin; tells why it does not. */
  awaitReadiness(input: PrimaryInput): Promise<ReadinessEvidence>;
  /** Waits until it replicates again after a repair. */
  awaitHealthy(input: PrimaryInput): Promise<{ readonly evidence: string }>;
}

export interface RunActivities extends RunSteps, RunWatches {}
