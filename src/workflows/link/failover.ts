/** One failover of a link that stays, as a workflow of its own: id, result and evidence apart from the link's. */
import { CancellationScope, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import { failoverProcedure } from '../../model/link/procedure';
import { AbortRequested } from '../run-control';
import { approachPointOfNoReturn, crossOver, giveBack, reasonOf } from './crossing';
import type { FailoverRecord, LinkFailoverInput } from './disaster-recovery-messages';
import { journalQuery, statusQuery } from './messages';
import { otherSide, sideName } from './protection';
import { LinkRun } from './run';
import { initialState } from './state';
import { statusOf } from './status';

export async function linkFailover(input: LinkFailoverInput): Promise<FailoverRecord> {
  const { workflowId } = workflowInfo();
  const run = new LinkRun({ spec: input.spec, visibility: false }, initialState(input.spec), workflowId);
  setHandler(statusQuery, () => statusOf(run, 'running'));
  setHandler(journalQuery, () => run.state.journal);
  run.enter('cutover');
  return input.request.type === 'planned' ? failOverPlanned(run, input) : failOverForced(run, input);
}

/** Gate, fence, equal LSNs, swap, proof. Before the point of no return everything that fails withdraws it. */
async function failOverPlanned(run: LinkRun, { spec, request }: LinkFailoverInput): Promise<FailoverRecord> {
  const startedAt = run.now();
  const { fence, forward } = failoverProcedure('planned', request.to);
  const primary = otherSide(request.to);
  try {
    await run.control.abortable(async () => {
      run.waitingFor = 'the link to be healthy and close enough behind';
      await run.control.untilDone('Failover gate', () => run.long.awaitCutoverReadiness({ spec, primary }));
      if (fence !== null) {
        await approachPointOfNoReturn(run, {
          fence,
          modes: [],
          primary,
          throwIfHeld: () => throwIfPaused(run),
        });
      }
    });
  } catch (error) {
    await CancellationScope.nonCancellable(() => giveBack(run, fence === null ? [] : [fence]));
    if (isCancellation(error) && !(error instanceof AbortRequested)) throw error;
    return record(run, request, startedAt, 'withdrawn', `${reasonOf(error, run)}; the fence is lifted`);
  }
  await CancellationScope.nonCancellable(() => crossOver(run, forward));
  return record(
    run,
    request,
    startedAt,
    'done',
    `the ${sideName(request.to)} is the primary; nothing was lost`,
  );
}

/** A pause is no reason to keep applications waiting behind the fence: the failover is withdrawn. */
function throwIfPaused(run: LinkRun): void {
  if (run.state.paused) throw new Error('the failover was paused');
}

/** The old primary is out of reach. What is lost is measured or estimated before, since nobody can tell afterwards. */
async function failOverForced(
  run: LinkRun,
  { spec, request, lastHealth }: LinkFailoverInput,
): Promise<FailoverRecord> {
  const startedAt = run.now();
  const { forward } = failoverProcedure('forced', request.to);
  const loss = await run.quick.measureLoss({ spec, to: request.to, lastHealth });
  run.state.fencedAt = startedAt;
  run.state.forwardOnly = 'a forced failover is under way';
  await CancellationScope.nonCancellable(() => crossOver(run, forward));
  return { ...record(run, request, startedAt, 'done', `forced: ${loss.summary}`), loss };
}

function record(
  run: LinkRun,
  { type, to, by, reason }: LinkFailoverInput['request'],
  startedAt: string,
  outcome: FailoverRecord['outcome'],
  summary: string,
): FailoverRecord {
  run.leavePhase();
  return {
    workflowId: run.workflowId,
    type,
    to,
    by,
    reason: reason ?? null,
    startedAt,
    endedAt: run.now(),
    outcome,
    summary,
    rtoMs: outcome === 'done' ? run.state.rtoMs : null,
    evidence: run.state.pointOfNoReturn,
    loss: null,
  };
}
