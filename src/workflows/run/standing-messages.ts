/** Messages and views of what stands for years: failed over, repaired and removed on request. */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Divergence, Health } from '../../activities/run/api';
import type { FailoverType } from '../../model/run/procedure';
import type { RunSpec } from '../../model/run/run-spec';
import type { SiteId } from '../../model/run/site';
import type { LagSeen } from '../../rules/run/rpo';
import type { Answer, Request } from './answers';
import type { DrillRecord, DrillRequest, DrillView } from './drill-messages';
import type { Acknowledgement, FailoverRecord } from './failover-record';
import type { Problem } from './run-control';

/** A forced failover never happens by accident (promise 7): a reason, and a loss that the person accepts. */
export interface FailoverRequest extends Request {
  readonly type: FailoverType;
  /** Site that shall be the primary. */
  readonly to: SiteId;
  /** Forced only: how many seconds of committed transactions may be lost. */
  readonly acceptLossSeconds?: number;
  /** Name of the person who acknowledges another failover within the cool-down. */
  readonly acknowledgedBy?: string;
  /** Planned only: logins and jobs that differ between the sides do not hold it. */
  readonly acceptDrift?: true;
}
export const failoverUpdate = defineUpdate<Answer, [FailoverRequest]>('failover');

export interface RepairRequest extends Request {
  /** Site whose data stays. */
  readonly survivor: SiteId;
}
export const repairUpdate = defineUpdate<Answer, [RepairRequest]>('repair');

/** The spec in force is replaced by this one, as far as that can be while it stands. */
export interface ChangeSpecRequest extends Request {
  readonly spec: RunSpec;
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

/** Input of the child workflow that carries one failover out. */
export interface FailoverInput {
  readonly spec: RunSpec;
  readonly request: FailoverRequest;
  readonly lastHealth: Health | null;
  /** Forced only: when the run took the request, ISO 8601. What came before this workflow counts, too. */
  readonly askedAt?: string;
}

/** One run of a workflow. A name is used again, and signals outlive those who sent them. */
export interface WorkflowRun {
  readonly workflowId: string;
  readonly runId: string;
}

/** Who speaks, in messages between a run and its failover. Anybody can send one, so it may be missing. */
export interface FromRun {
  readonly from?: WorkflowRun;
}

export const isFrom = ({ from }: FromRun, { workflowId, runId }: WorkflowRun): boolean =>
  from?.workflowId === workflowId && from.runId === runId;

/** What a failover tells the run that began it, while it goes on. */
export type FailoverNews =
  /** The gate is passed: the watch of the old primary is to end. */
  | { readonly kind: 'fencing' }
  /** The new primary took a write, the applications are in: it is watched while hooks and checks go on. */
  | { readonly kind: 'new-primary-proven'; readonly record: FailoverRecord }
  /** It goes back, and opens what it shut: the next forced one need not wait for that. */
  | { readonly kind: 'given-up' }
  /** What it waits for before that, for the status of the run; null when it waits no more. */
  | { readonly kind: 'waiting'; readonly waitingFor: string | null }
  /** A person is needed, or no more (null): the status of the run shows it, and its `resume` is passed on. */
  | { readonly kind: 'problem'; readonly problem: (Problem & { readonly where: string }) | null };
export const failoverNewsSignal = defineSignal<[FailoverNews & FromRun]>('failoverNews');

/** What was asked of the run and concerns the failover under way. */
export type FailoverControl =
  | { readonly kind: 'pause' | 'retry' }
  /** A forced failover was asked for: one that is under way, or goes back, ends where it is. */
  | { readonly kind: 'preempt'; readonly by: string; readonly at: string };
export const failoverControlSignal = defineSignal<[FailoverControl & FromRun]>('failoverControl');

/** Two primaries, since when, and what the old one has alone. */
export interface SplitBrain {
  readonly since: string;
  readonly reason: string;
  readonly diverged?: Divergence | null;
}

/** What can be asked of what stands, and what cannot, with reasons. */
export interface StandingStatus {
  readonly primary: SiteId;
  readonly splitBrain: SplitBrain | null;
  readonly pendingRequest: string | null;
  readonly failovers: readonly FailoverRecord[];
  /** Absent while it stands. */
  readonly deletedExternally?: { readonly since: string; readonly reason: string };
  /** Absent while there is none. */
  readonly drill?: DrillView;
  /** Absent as long as there was none. */
  readonly lastDrill?: DrillRecord;
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
