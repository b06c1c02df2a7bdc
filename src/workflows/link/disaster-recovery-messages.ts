/** Messages and views of a link that stays (purpose: disaster-recovery). */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CatchUpEvidence, DivergedLog, LinkHealth, LossReport } from '../../activities/link/api';
import type { FailoverType, LinkSide } from '../../model/link/procedure';
import type { ResolvedLinkMigration } from '../../model/link/spec';
import type { Answer, Request } from '../messages';
import type { Problem } from '../run-control';

export const DISASTER_RECOVERY_WORKFLOW = 'disasterRecoveryLink';
export const FAILOVER_WORKFLOW = 'linkFailover';

/** A forced failover never happens by accident (promise 6): a reason, and a loss that the person accepts. */
export interface FailoverRequest extends Request {
  readonly type: FailoverType;
  /** Side that shall be the primary. */
  readonly to: LinkSide;
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
  readonly survivor: LinkSide;
}
export const repairUpdate = defineUpdate<Answer, [RepairRequest]>('repairSplitBrain');

export const removeUpdate = defineUpdate<Answer, [Request]>('removeLink');

/** What the run was asked to do next. */
export type LinkRequest =
  | { readonly kind: 'failover'; readonly request: FailoverRequest }
  | { readonly kind: 'repair'; readonly request: RepairRequest }
  | { readonly kind: 'remove'; readonly request: Request };

/** Input of the child workflow that carries one failover out. */
export interface LinkFailoverInput {
  readonly spec: ResolvedLinkMigration;
  readonly request: FailoverRequest;
  readonly lastHealth: LinkHealth | null;
}

/** Result of one failover, with its evidence. */
export interface FailoverRecord {
  readonly workflowId: string;
  readonly type: FailoverType;
  readonly to: LinkSide;
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
}

/** What a failover tells the link that began it, while it goes on. */
export type FailoverNews =
  /** The gate is passed: the guard of the old primary is to end. */
  | { readonly kind: 'closing-in' }
  /** A person is needed, or no more (null): the link's status shows it, and its `resume` is passed on. */
  | { readonly kind: 'problem'; readonly problem: (Problem & { readonly where: string }) | null };
export const failoverNewsSignal = defineSignal<[FailoverNews]>('failoverNews');

/** What was asked of the link and concerns the failover under way. */
export type FailoverControl = { readonly kind: 'pause' | 'retry' };
export const failoverControlSignal = defineSignal<[FailoverControl]>('failoverControl');

/** Two primaries, since when, and what the old one has alone. */
export interface SplitBrain {
  readonly since: string;
  readonly reason: string;
  readonly diverged?: DivergedLog | null;
}

/** What can be asked of a link that stays, and what cannot, with reasons. */
export interface ProtectionStatus {
  readonly primary: LinkSide;
  readonly splitBrain: SplitBrain | null;
  readonly pendingRequest: string | null;
  readonly failovers: readonly FailoverRecord[];
  readonly possible: readonly string[];
  readonly notPossible: readonly { readonly what: string; readonly reason: string }[];
}
