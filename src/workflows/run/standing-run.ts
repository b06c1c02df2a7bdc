/** The workflow of what stands for years: set up once, watched, failed over and back on request, taken down at last. */
import {
  allHandlersFinished,
  ContinueAsNew,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RunSpec } from '../../model/run/run-spec';
import type { SiteId } from '../../model/run/site';
import { asOf } from './as-of';
import { dropNewsOfOthers } from './failover-child';
import {
  journalQuery,
  preflightQuery,
  type RunOutcome,
  type RunStatus,
  specQuery,
  statusQuery,
} from './messages';
import { protect } from './protect';
import { Run } from './run';
import { AbortRequested } from './run-control';
import { handleStandingRequests } from './standing-requests';
import type { RunInput } from './state';
import { boundState } from './state-size';
import { stateOf } from './state-version';
import { statusOf } from './status';
import type { WorkflowTopology } from './topology';
import { failWith, tellLeftovers, undoRun } from './undo';

export interface StandingResult {
  readonly outcome: 'removed' | 'aborted';
  readonly failovers: number;
  readonly leftovers: readonly string[];
}

/** What one topology brings to it by hand. */
export interface Standing<Spec extends RunSpec, Own extends object> {
  readonly topology: WorkflowTopology<Spec, Own>;
  /** Preflight to the first moment at which it replicates. It reads like the page of the manual that it replaces. */
  establish(run: Run<Spec, Own>): Promise<void>;
  /** Site that leads then. */
  firstPrimary(spec: Spec): SiteId;
  /** What it shows beside what every run shows. */
  status?(run: Run<Spec, Own>, outcome: RunOutcome, now: number): RunStatus;
}

/** @param input its shape is checked already, but for the state that it carries */
export async function standingRun<Spec extends RunSpec, Own extends object>(
  standing: Standing<Spec, Own>,
  input: RunInput<Spec, Own>,
): Promise<StandingResult> {
  const { topology } = standing;
  const state = stateOf(topology, input);
  const run = new Run(topology, input, state, workflowInfo().workflowId);
  let outcome: RunOutcome = 'running';
  setHandler(statusQuery, (asked) => asOf(asked, (now) => (standing.status ?? statusOf)(run, outcome, now)));
  setHandler(journalQuery, () => state.journal);
  setHandler(preflightQuery, () => state.preflight);
  setHandler(specQuery, () => run.spec);
  handleStandingRequests(run);
  dropNewsOfOthers(run);
  try {
    const next = await run.control.abortable(() => establishAndProtect(standing, run));
    if (next === 'new-history') return await beginNewHistory(run);
    outcome = 'completed';
    run.leavePhase();
    const leftovers = [...topology.leftBehind(run), ...(await run.fences.liftOnceMore())];
    await run.notices.delivered();
    await condition(allHandlersFinished);
    return { outcome: 'removed', failovers: state.protection?.failoverCount ?? 0, leftovers };
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const isStanding = state.protection !== null;
    run.isEnding = isStanding;
    outcome = isCancellation(error) || error instanceof AbortRequested ? 'aborted' : 'failed';
    // What stands is data that others rely on: it is removed on request only.
    const leftovers = isStanding ? [] : await undoRun(run);
    if (!(error instanceof AbortRequested)) throw await failWith(run, error, leftovers);
    await tellLeftovers(run, leftovers);
    await run.notices.delivered();
    await condition(allHandlersFinished);
    return { outcome: 'aborted', failovers: 0, leftovers };
  }
}

async function establishAndProtect<Spec extends RunSpec, Own extends object>(
  { topology, establish, firstPrimary }: Standing<Spec, Own>,
  run: Run<Spec, Own>,
): Promise<'removed' | 'new-history'> {
  if (run.state.protection === null) {
    await establish(run);
    // An abort may have been accepted while the last activity was at its end: from the next line on there is none.
    run.control.throwIfAborted();
    run.state.protection = {
      primary: firstPrimary(run.spec),
      failovers: [],
      request: null,
      splitBrain: null,
    };
    run.state.forwardOnly = `the ${topology.procedure.thing} stands; it is taken down with: sqlferry remove`;
  }
  return protect(run);
}

/** A request that comes meanwhile does not wait for a notifier: what is not delivered goes along. */
async function beginNewHistory(run: Run): Promise<never> {
  await run.notices.delivered(() => run.state.protection?.request !== null);
  await condition(allHandlersFinished);
  run.carryNoticesOver();
  return continueAsNew({ ...run.input, state: boundState(run.state) });
}
