/** One failover of what stands, as a workflow of its own: id, result and evidence apart from those of its run. */
import { CancellationScope, setHandler, workflowInfo } from '@temporalio/workflow';
import { byWord } from '../../model/by-word';
import { asOf } from './as-of';
import type { FailoverWorkflow } from './failover-child';
import { handleFailoverMessages } from './failover-control';
import { failoverInputShape } from './failover-input-shape';
import { tellProblems, tellRefusals } from './failover-news';
import type { FailoverRecord } from './failover-record';
import { failOverForced } from './forced-failover';
import { checkInput } from './incoming';
import { journalQuery, statusQuery } from './messages';
import { pauseOfFailover } from './pause-notes';
import { failOverPlanned } from './planned-failover';
import { Preemption } from './preemption';
import { Run } from './run';
import { withKnownSpec } from './spec-version';
import type { FailoverInput } from './standing-messages';
import { initialState } from './state';
import { statusOf } from './status';
import { type Topologies, topologyOf } from './topologies';

/** @param topologies by the kinds of their specs */
export const failoverOf =
  (topologies: Topologies): FailoverWorkflow =>
  async (given) => {
    const input = withKnownSpec(given);
    const topology = topologyOf('failover', topologies, input);
    checkInput('failover', failoverInputShape(topology, input.spec), input);
    const { spec } = input;
    const state = initialState(spec, topology.initial(spec));
    const run = new Run(topology, { spec, visibility: false }, state, workflowInfo().workflowId);
    setHandler(statusQuery, (asked) => asOf(asked, (now) => statusOf(run, 'running', now)));
    setHandler(journalQuery, () => run.state.journal);
    return carryOut(run, input);
  };

async function carryOut(run: Run, input: FailoverInput): Promise<FailoverRecord> {
  const { type } = input.request;
  run.pauseNote = () => pauseOfFailover(type);
  const way = new Preemption(run);
  handleFailoverMessages(run, way);
  run.enter('cutover');
  const telling = new CancellationScope();
  telling.run(() => tellProblems(run)).catch(() => undefined);
  telling.run(() => tellRefusals(run)).catch(() => undefined);
  try {
    const failOver = byWord('type of a failover', type, {
      planned: failOverPlanned,
      forced: failOverForced,
    });
    return await failOver(run, input, way);
  } finally {
    telling.cancel();
    await CancellationScope.nonCancellable(() => run.notices.delivered(() => way.reason !== null));
  }
}
