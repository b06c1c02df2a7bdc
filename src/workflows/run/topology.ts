/**
 * What the workflows of any run ask of their topology: its procedure, the shapes of what is its own, its watch, and what
 * surrounds its failovers. What it does to set something up it writes by hand, beside.
 */
import type { Divergence, OwnNews, SplitBrainNews } from '../../activities/run/api';
import type { FailoverType, Procedure } from '../../model/run/procedure';
import type { RunSpec } from '../../model/run/run-spec';
import type { SiteId } from '../../model/run/site';
import type { SpecChange } from '../../model/run/spec-change';
import type { Fields, Shape } from './shapes';
import type { Protection, RunState } from './state';

/** The run, as it is handed to its topology: whose own code knows the whole class, and may ask for it. */
export interface RunOf<Spec extends RunSpec, Own extends object> {
  readonly spec: Spec;
  readonly state: RunState & Own;
}

export interface WorkflowTopology<
  Spec extends RunSpec = RunSpec,
  Own extends object = object,
  News extends OwnNews = OwnNews,
> {
  readonly procedure: Procedure<Spec>;
  readonly specShape: Shape<Spec>;
  /** Fields of the state that are its own. */
  readonly ownShape: Fields<Own>;
  /** The same when a run begins. */
  initial(spec: Spec): Own;
  readonly watch: TopologyWatch<Spec, Own, News>;
  /** What is not replicated and must be on the other site all the same; absent: nothing is. */
  readonly objects?: UnreplicatedObjects<Spec, Own>;
  /** Why no failover is possible at all, for example the versions; null where it is. */
  cannotFailOver(state: RunState & Own): string | null;
  /** What people should know before a failover to a site, one sentence; null: nothing. The spec says whether they must acknowledge it. */
  caveat(state: RunState & Own, type: FailoverType, to: SiteId): string | null;
  /** Since when the new primary leads, for what the platform does afterwards; null: since the news of it. */
  leadsSince?(state: RunState & Own, primary: SiteId): string | null;
  /** What a former primary has alone; null when nobody can tell. */
  diverged(protection: Protection, news: Pick<SplitBrainNews, 'logEnds'>): Divergence | null;
  /** What of a new spec may be in force while it stands; absent: its spec cannot be changed. */
  specChange?(run: RunOf<Spec, Own>, wanted: Spec): SpecChange;
  /** What is known by the spec before and holds no more. @param changed fields, as they are called in the spec files */
  forgetChanged?(state: RunState & Own, changed: readonly string[]): void;
  /** What is waited for before what stands is taken down. A forced failover ends it. */
  beforeRemoval?(run: RunOf<Spec, Own>, protection: Protection): Promise<void>;
  /** What stays behind once it is taken down, one sentence each. */
  leftBehind(run: RunOf<Spec, Own>): readonly string[];
}

/** The watch of what replicates, whichever site leads: one activity, which waits for the next thing worth recording. */
export interface TopologyWatch<
  Spec extends RunSpec = RunSpec,
  Own extends object = object,
  News extends OwnNews = OwnNews,
> {
  /** A quiet watch returns this often, milliseconds. */
  checkpointAfterMs(primary: SiteId): number;
  /** What the run knows that only this topology's watch asks for. */
  known(run: RunOf<Spec, Own>, primary: SiteId): object;
  /** Notes what only this topology's watch tells. */
  note(run: RunOf<Spec, Own>, news: News): Promise<void>;
  /** Why the watch is waited for at its end, in words: a log backup that runs just now. @param stands false where it crosses once */
  endsWith(primary: SiteId, stands: boolean): string;
  /** What a failure of the watch keeps from being done, in front of its message; may be empty. */
  doing(primary: SiteId): string;
  /** What a person looks at when it is not healthy. */
  remedy(primary: SiteId): string;
}

/** What lives outside of what is replicated: logins, jobs. */
export interface UnreplicatedObjects<Spec extends RunSpec = RunSpec, Own extends object = object> {
  /** The spec asks for it. */
  areKept(run: RunOf<Spec, Own>): boolean;
  /** While something else is waited for, the other site is kept as the primary is. @returns what `work` does */
  keepWhile<T>(run: RunOf<Spec, Own>, primary: SiteId, work: Promise<T>): Promise<T>;
  /** Before anybody is fenced out: waits until they are the same, or somebody goes on all the same. */
  passGate(run: RunOf<Spec, Own>, primary: SiteId, options: ObjectsGateOptions): Promise<void>;
  /** What runs where the primary is, is switched. @param by how the roles were swapped */
  switchTo(run: RunOf<Spec, Own>, primary: SiteId, by: FailoverType): Promise<void>;
  /** A forced failover waits for nothing: what was known to differ is told. */
  tellKnownDrift(run: RunOf<Spec, Own>): Promise<void>;
}

export interface ObjectsGateOptions {
  /** Name of the person who goes on in spite of differences; null while nobody does. */
  readonly acceptedBy: () => string | null;
  /** Something else came in between: the gate is left without an answer. */
  readonly mustLeave: () => boolean;
}
