/** What is kept of one failover, whoever carried it out. */
import type { CatchUpEvidence, Divergence, LossReport } from '../../activities/run/api';
import type { FailoverCheck } from '../../model/run/failover-facts';
import type { HookRecord } from '../../model/run/hook-message';
import type { FailoverType } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import type { UnliftedFence } from './unlifted-fences';

/** Somebody who put a name to what would be refused otherwise. */
export interface Acknowledgement {
  readonly by: string;
  readonly at: string;
  /** What it is that was acknowledged, one sentence. */
  readonly what: string;
}

/** Who went on although logins or jobs differed, and what differed. */
export interface AcceptedDrift {
  readonly by: string;
  /** One sentence for people. */
  readonly what: string;
}

/** Who asked for what, and when it was carried out. */
export interface FailoverRecordHead {
  readonly workflowId: string;
  /** `outside`: others swapped the roles, by means that this run does not know. */
  readonly type: FailoverType | 'outside';
  readonly to: SiteId;
  /** Who asked; `outside` when it was nobody who asked this run. */
  readonly by: string;
  readonly reason: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
}

/** Result of one failover, with its evidence. */
export interface FailoverRecord extends FailoverRecordHead {
  /** `withdrawn`: nothing crossed, the fence is lifted. `failed`: its workflow ended without saying what it did. */
  readonly outcome: 'done' | 'withdrawn' | 'failed';
  readonly summary: string;
  /** Milliseconds from the fence (forced: from the request) to the first good write. */
  readonly rtoMs: number | null;
  /** Planned: proof of catch-up behind the fence. */
  readonly evidence: CatchUpEvidence | null;
  /** Forced: what was lost, measured or estimated. */
  readonly loss: LossReport | null;
  /** Forced, once the old primary is back: what it has alone. */
  readonly diverged?: Divergence | null;
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
    /** Site whose fence stays as it is; null when there was none. */
    readonly fenceOn: SiteId | null;
  };
  /** Replicas on which the fence could not be lifted; absent where there are none. */
  readonly unliftedFences?: readonly UnliftedFence[];
}

/** A failover as somebody asked for it. */
interface Asked {
  readonly type: FailoverRecordHead['type'];
  readonly to: SiteId;
  readonly by: string;
  readonly reason?: string | undefined;
}

/** A record of what is known of every failover; what it came to is put beside it. */
export const failoverRecordOf = (
  { type, to, by, reason }: Asked,
  head: Pick<FailoverRecord, 'workflowId' | 'startedAt' | 'endedAt' | 'outcome' | 'summary'>,
): FailoverRecord => ({
  workflowId: head.workflowId,
  type,
  to,
  by,
  reason: reason ?? null,
  startedAt: head.startedAt,
  endedAt: head.endedAt,
  outcome: head.outcome,
  summary: head.summary,
  rtoMs: null,
  evidence: null,
  loss: null,
});

/** Older failovers have workflows of their own, whose results hold all of it: a state stays small. */
export const withoutDetails = ({
  hooks: _hooks,
  checks: _checks,
  unliftedFences: _unliftedFences,
  ...record
}: FailoverRecord): FailoverRecord => record;
