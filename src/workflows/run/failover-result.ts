/** The record with which the workflow of a failover ends. */
import type { SiteId } from '../../model/run/site';
import { type FailoverRecord, failoverRecordOf } from './failover-record';
import type { Preemption } from './preemption';
import type { Run } from './run';
import type { FailoverInput } from './standing-messages';

/** Leaves the phase: nothing follows. */
export function resultOf(
  run: Run,
  { request }: Pick<FailoverInput, 'spec' | 'request'>,
  startedAt: string,
  outcome: FailoverRecord['outcome'],
  summary: string,
): FailoverRecord {
  run.leavePhase();
  const { rtoMs, pointOfNoReturn, acceptedDrift, unliftedFences } = run.state;
  const { workflowId } = run;
  return {
    ...failoverRecordOf(request, { workflowId, startedAt, endedAt: run.now(), outcome, summary }),
    rtoMs: outcome === 'done' ? rtoMs : null,
    evidence: pointOfNoReturn,
    ...(acceptedDrift === undefined ? {} : { acceptedDrift }),
    ...(unliftedFences === undefined ? {} : { unliftedFences }),
  };
}

export interface LeftBehind {
  /** Site whose fence stays; null where there is none. */
  readonly fenceOn: SiteId | null;
  /** Why it was being withdrawn, where it was. */
  readonly why: string | null;
}

/** The record of a failover that gave way: what it leaves to the forced one, by name. */
export function leftBehind(
  run: Run,
  input: Pick<FailoverInput, 'spec' | 'request'>,
  startedAt: string,
  { reason }: Preemption,
  { fenceOn, why }: LeftBehind,
): FailoverRecord {
  const { shut } = run.procedure.fence(run.spec);
  const stays = fenceOn !== null && shut !== null ? fenceOn : null;
  const fence =
    stays === null ? 'nobody was fenced out' : `the fence stays on ${run.site(stays).name} (${shut})`;
  const hasPassed = run.state.pointOfNoReturn !== null;
  const swap = hasPassed ? '; the swap of the roles may have begun, or be done' : '';
  const reasons = [...new Set([why, reason])].filter((one) => one !== null).join('; ');
  return {
    ...resultOf(run, input, startedAt, hasPassed ? 'failed' : 'withdrawn', `${reasons}; ${fence}${swap}`),
    preempted: { fenceOn: stays },
  };
}
