/** Failover, drill, repair, removal, change of the spec: what may be asked of what stands. */

import { answerDrill, answerFailover, answerRemoval, answerRepair } from './change-requests';
import { drillUpdate } from './drill-messages';
import { onUpdate, refuseOtherUpdates } from './incoming';
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
  onUpdate(failoverUpdate, failoverShape(sites), (request) => answerFailover(run, request));
  onUpdate(drillUpdate, drillShape, (request) => answerDrill(run, request));
  onUpdate(repairUpdate, repairShape(sites), (request) => answerRepair(run, request));
  onUpdate(removeUpdate, requestShape, (request) => answerRemoval(run, request));
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
