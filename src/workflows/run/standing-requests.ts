/** Failover, drill, repair, removal, change of the spec: what may be asked of what stands. */

import { answerDrill, answerFailover, answerRemoval, answerRepair } from './change-requests';
import { drillUpdate } from './drill-messages';
import { refuseOtherUpdates } from './incoming';
import { requestShape } from './request-shapes';
import type { Run } from './run';
import { CONTROL_UPDATES } from './run-control';
import { handleSpecChange } from './spec-change';
import { changeSpecUpdate, failoverUpdate, removeUpdate, repairUpdate } from './standing-messages';
import { drillShape, failoverShape, repairShape } from './standing-request-shapes';

export function handleStandingRequests(run: Run): void {
  const mayChange = run.topology.specChange !== undefined;
  if (mayChange) handleSpecChange(run);
  const { sites } = run;
  run.on({
    update: failoverUpdate,
    shape: failoverShape(sites),
    asked: ({ type }) => `${type} failover`,
    decide: (request) => answerFailover(run, request),
  });
  run.on({
    update: drillUpdate,
    shape: drillShape,
    asked: () => 'drill',
    decide: (request) => answerDrill(run, request),
  });
  run.on({
    update: repairUpdate,
    shape: repairShape(sites),
    asked: () => 'repair',
    decide: (request) => answerRepair(run, request),
  });
  run.on({
    update: removeUpdate,
    shape: requestShape,
    asked: () => 'removal',
    decide: (request) => answerRemoval(run, request),
  });
  const { name } = run.spec.settings;
  refuseOtherUpdates({
    run: run.procedure.standing,
    updates: [
      failoverUpdate,
      drillUpdate,
      repairUpdate,
      removeUpdate,
      ...(mayChange ? [changeSpecUpdate] : []),
      ...CONTROL_UPDATES,
    ],
    nextStep: `sqlferry failover, drill, repair, remove, ${mayChange ? 'change, ' : ''}pause, resume or abort ${name}`,
  });
}
