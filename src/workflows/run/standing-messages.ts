/** Messages and views of a link that stays (purpose: disaster-recovery). */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CatchUpEvidence, DivergedLog, LossReport } from '../../activities/link/api';
import type { LinkHealth } from '../../activities/run/api';
import type { LinkSite } from '../../model/link/procedure';
import type { ResolvedLink } from '../../model/link/spec';
import type { FailoverCheck } from '../../model/run/failover-facts';
import type { HookRecord } from '../../model/run/hook-message';
import type { FailoverType } from '../../model/run/procedure';
import type { LagSeen } from '../../rules/run/rpo';
import type { Answer, Request } from './answers';
import type { DrillRecord, DrillRequest, DrillView } from './drill-messages';
import type { Problem } from './run-control';
import type { UnliftedFence } from './state';

/** A forced failover never happens by accident (promise 7): a reason, and a loss that the person accepts. */
export interface FailoverRequest extends Request {
  readonly type: FailoverType;
  /** Side that shall be the primary. */
  readonly to: LinkSite;
  /** Forced only: how many seconds of committed transactions may be lost. */
  readonly acceptLossSeconds?: number;
  /** Name of the person who acknowledges another failover within the cool-down. */
  readonly acknowledgedBy?: string;
  /** Planned only: logins and jobs that differ between the sides do not hold it. */
  readonly acceptDrift?: true;
}
export const failoverUpdate = defineUpdate<Answer, [FailoverRequest]>('failover');

export interface RepairRequest extends Request {
  /** Side whose data stays. */
  readonly survivor: LinkSite;
}
export const repairUpdate = defineUpdate<Answer, [RepairRequest]>('repair');

/** The spec in force is replaced by this one, as far as that can be while the link stands. */
export interface ChangeSpecRequest extends Request {
  readonly spec: ResolvedLink;
}
export const changeSpecUpdate = defineUpdate<Answer, [ChangeSpecRequest]>('changeSpec');

export const removeUpdate = defineUpdate<Answer, [Request]>('remove');

/** What the run was asked to do next. */
export type StandingRequest =
  | {
      readonly kind: 'failover';
      readonly request: FailoverRequest;
      /** What a person acknowledged by name, and when. */
      readonly acknowledged?: Acknowledgement;
    }
  | { readonly kind: 'drill'; readonly request: DrillRequest; readonly acknowledged?: Acknowledgement }
  | { readonly kind: 'change-spec'; readonly request: ChangeSpecRequest }
  | ({ readonly kind: 'repair'; readonly request: RepairRequest } & Begun)
  | ({ readonly kind: 'remove'; readonly request: Request } & Begun);

/** From its first step on a request does not give way to a forced failover any more. */
interface Begun {
  readonly begun?: true;
}

/** Somebody who put a name to what would be refused otherwise. */
export interface Acknowledgement {
  readonly by: string;
  readonly at: string;
  /** What it is that was acknowledged, one sentence. */
  readonly what: string;
}

/** Input of the child workflow that carries one failover out. */
export interface FailoverInput {
  readonly spec: ResolvedLink;
  readonly request: FailoverRequest;
  readonly lastHealth: LinkHealth | null;
  /** Forced only: when the link took the request, ISO 8601. What came before this workflow counts, too. */
  readonly askedAt?: string;
}

/** Who went on although logins or jobs differed, and what differed. */
export interface AcceptedDrift {
  readonly by: string;
  /** One sentence for people. */
  readonly what: string;
}

/** Result of one failover, with its evidence. */
export interface FailoverRecord {
  readonly workflowId: string;
  /** `outside`: others swapped the roles, by means that this run does not know. */
  readonly type: FailoverType | 'outside';
  readonly to: LinkSite;
  /** Who asked; `outside` when it was nobody who asked this run. */
  readonly by: string;
  readonly reason: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  /** `withdrawn`: nothing crossed, the fence is lifted. `failed`: its workflow ended without saying what it did. */
  readonly outcome: 'done' | 'withdrawn' | 'failed';
  readonly summary: string;
  /** Milliseconds from the fence (forced: from the request) to the first good write. */
  readonly rtoMs: number | null;
  /** Planned: equal LSNs behind the fence. */
  readonly evidence: CatchUpEvidence | null;
  /** Forced: what was lost, measured or estimated. */
  readonly loss: LossReport | null;
  /** Forced, once the old primary is back: what it has alone. */
  readonly diverged?: DivergedLog | null;
  /** Logins or jobs differed, and somebody let it go on all the same. */
  readonly acceptedDrift?: AcceptedDrift;
  /** Hooks that were called, in order. */
  readonly hooks?: readonly HookRecord[];
  /** What a look at the new primary found. */
  readonly checks?: readonly FailoverCheck[];
  /** Cool-down or missing full backup that a person went ahead in spite of. */
  readonly acknowledged?: Acknowledgement;
  /** It was a way of a drill. */
  readonly drill?: 'there' | 'back';
  /** It ended where it was, for a forced failover that was asked for meanwhile. */
  readonly preempted?: {
    /** Side whose fence stays as it is; null when there was none. */
    readonly fenceOn: LinkSite | null;
  };
  /** Replicas on which the fence could not be lifted; absent where there are none. */
  readonly unliftedFences?: readonly UnliftedFence[];
}

/** One run of a workflow. A name is used again, and signals outlive those who sent them. */
export interface WorkflowRun {
  readonly workflowId: string;
  readonly runId: string;
}

/** Who speaks, in messages between a link and its failover. Anybody can send one, so it may be missing. */
export interface FromRun {
  readonly from?: WorkflowRun;
}

export const isFrom = ({ from }: FromRun, { workflowId, runId }: WorkflowRun): boolean =>
  from?.workflowId === workflowId && from.runId === runId;

/** What a failover tells the link that began it, while it goes on. */
export type FailoverNews =
  /** The gate is passed: the watch of the old primary is to end. */
  | { readonly kind: 'fencing' }
  /** The new primary took a write, the applications are in: it is watched while hooks and checks go on. */
  | { readonly kind: 'new-primary-proven'; readonly record: FailoverRecord }
  /** What it waits for before that, for the status of the link; null when it waits no more. */
  | { readonly kind: 'waiting'; readonly waitingFor: string | null }
  /** A person is needed, or no more (null): the link's status shows it, and its `resume` is passed on. */
  | { readonly kind: 'problem'; readonly problem: (Problem & { readonly where: string }) | null };
export const failoverNewsSignal = defineSignal<[FailoverNews & FromRun]>('failoverNews');

/** What was asked of the link and concerns the failover under way. */
export type FailoverControl =
  | { readonly kind: 'pause' | 'retry' }
  /** A forced failover was asked for: a planned one ends where it is. */
  | { readonly kind: 'preempt'; readonly by: string };
export const failoverControlSignal = defineSignal<[FailoverControl & FromRun]>('failoverControl');

/** Two primaries, since when, and what the old one has alone. */
export interface SplitBrain {
  readonly since: string;
  readonly reason: string;
  readonly diverged?: DivergedLog | null;
}

/** What can be asked of a link that stays, and what cannot, with reasons. */
export interface StandingStatus {
  readonly primary: LinkSite;
  readonly splitBrain: SplitBrain | null;
  readonly pendingRequest: string | null;
  readonly failovers: readonly FailoverRecord[];
  /** Absent while the link stands in Azure. */
  readonly deletedExternally?: { readonly since: string; readonly reason: string };
  /** Absent while there is none. */
  readonly drill?: DrillView;
  /** Absent as long as there was none. */
  readonly lastDrill?: DrillRecord;
  /** Azure's first full backup since the instance leads: ISO 8601, null until it is seen; absent while SQL Server leads. */
  readonly fullBackupAt?: string | null;
  /** Newest lag that the run itself has noted; null when it saw none in this direction. */
  readonly lastLag?: LagSeen | null;
  readonly possible: readonly string[];
  readonly notPossible: readonly NotPossible[];
}

export interface NotPossible {
  readonly what: string;
  /** Rule that decides so (docs/requests.md). */
  readonly rule: string;
  readonly reason: string;
}
