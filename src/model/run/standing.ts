/** What is known of a run that stands when something is asked of it, and what is asked. */
import type { Site, SiteId } from './site';

/** What the run is doing. */
export const STANDING_ACTIVITIES = [
  'establishing',
  'idle',
  'planned-failover',
  'forced-failover',
  /** The new primary is proven; hooks and checks go on. */
  'failover-proven',
  /** Withdrawn, or its workflow ended without a result: applications are let in, and what was asked of hooks given back. */
  'failover-given-up',
  'drill-failover',
  'drill-hold',
  'drill-failback',
  /** A repair, a removal or a change of the spec that has not begun its first step: it waits for the end of a watch. */
  'request-pending',
  'repair',
  'removal',
] as const;
export type StandingActivity = (typeof STANDING_ACTIVITIES)[number];

export type SwapType = 'planned' | 'forced';

export interface StandingFacts {
  /** Name of the run, for the commands that an answer names. */
  readonly name: string;
  /** What stands, in sentences: `link`. */
  readonly thing: string;
  readonly sites: readonly Site[];
  readonly activity: StandingActivity;
  /** Null while nothing stands, where two lead, and where nobody can tell. */
  readonly primary: SiteId | null;
  readonly paused: boolean;
  /** Two primaries, and why it is thought so; null where there is one. */
  readonly splitBrain: string | null;
  /** Somebody else deleted what stood; null while it stands. */
  readonly deletedExternally: string | null;
  /** Why no failover is possible at all, for example the versions; null where it is. */
  readonly cannotFailOver: string | null;
  /** A forced failover waits for the end of what is under way. */
  readonly preempted: boolean;
  /** Workflow of the failover under way, for what a person does about one that is stuck; null where none is. */
  readonly failoverWorkflow: string | null;
  /** Only while a drill is under way. */
  readonly drill: { readonly from: SiteId; readonly holdUntil: string } | null;
  /** Site that the last failover forced to lead; null where the last one was planned, or none was. */
  readonly forcedTo: SiteId | null;
  /**
   * What each site says of itself, where it was asked just now: `none` has no part in it, null is no answer. A run that
   * stands does not ask.
   */
  readonly roles: Readonly<Record<SiteId, string | null>> | null;
  /** What a person has to put a name to before such a failover: cool-down, a missing full backup. */
  readonly toAcknowledge: (type: SwapType, to: SiteId) => string | null;
  /** Upper bound of what a forced failover loses, in seconds; null when it is not known (never 0 then). */
  readonly loss: { readonly seconds: number; readonly evidence: string } | null;
}

export type StandingRequestFacts =
  | {
      readonly kind: 'failover';
      readonly type: SwapType;
      readonly to: SiteId;
      readonly isAcknowledged: boolean;
      /** Null: status and plan ask whether it is possible, not whether the request is complete. */
      readonly forced: { readonly reason: string; readonly acceptLossSeconds: number | null } | null;
    }
  | { readonly kind: 'drill'; readonly holdMs: number; readonly isAcknowledged: boolean }
  | { readonly kind: 'repair'; readonly survivor: SiteId }
  | { readonly kind: 'removal' }
  /** A new spec is to be in force. */
  | { readonly kind: 'change' };

export type StandingRequestKind = StandingRequestFacts['kind'];

/** `preempt`: what is under way ends where it is. `end-hold`: the drill goes back before its time. */
export type StandingAct = 'begin' | 'preempt' | 'end-hold';

export type StandingVerdict =
  | { readonly allowed: true; readonly rule: string; readonly act: StandingAct; readonly sentence: string }
  | { readonly allowed: false; readonly rule: string; readonly reason: string; readonly nextStep: string };
