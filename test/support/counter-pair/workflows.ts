/** The workflows of a pair of counters, as a worker of its own would bundle them. */

import { failoverOf } from '../../../src/workflows/run/failover';
import { checkInput } from '../../../src/workflows/run/incoming';
import { performSteps } from '../../../src/workflows/run/phase';
import { passPreflight } from '../../../src/workflows/run/preflight';
import { runInputShape } from '../../../src/workflows/run/run-input-shape';
import { anyObject, anyText, including, oneOf, versionOne } from '../../../src/workflows/run/shapes';
import { type StandingResult, standingRun } from '../../../src/workflows/run/standing-run';
import type { RunInput } from '../../../src/workflows/run/state';
import type { WorkflowTopology } from '../../../src/workflows/run/topology';
import { COUNTER_PROCEDURE, PAIRING } from './procedure';
import type { CounterPairSpec } from './spec';

const COUNTER_WORKFLOWS: WorkflowTopology<CounterPairSpec> = {
  procedure: COUNTER_PROCEDURE,
  specShape: including<CounterPairSpec>({
    kind: oneOf(['counter-pair']),
    version: versionOne,
    left: anyText,
    right: anyText,
    settings: anyObject(),
  }),
  ownShape: {},
  initial: () => ({}),
  watch: {
    checkpointAfterMs: () => 3_600_000,
    known: () => ({}),
    note: async () => undefined,
    endsWith: () => 'the watch of the counters to end',
    doing: () => '',
    remedy: () => 'see whether both counters answer',
  },
  cannotFailOver: () => null,
  caveat: () => null,
  diverged: () => null,
  leftBehind: () => [],
};

export const failover = failoverOf({ 'counter-pair': COUNTER_WORKFLOWS });

export async function counterPair(input: RunInput<CounterPairSpec>): Promise<StandingResult> {
  checkInput('counterPair', runInputShape(COUNTER_WORKFLOWS), input);
  return standingRun(
    {
      topology: COUNTER_WORKFLOWS,
      establish: async (run) => {
        await passPreflight(run, () => run.fewAttempts.preflight({ spec: run.spec }));
        await performSteps(run, 'pairing', PAIRING);
      },
      firstPrimary: () => 'left',
    },
    input,
  );
}
