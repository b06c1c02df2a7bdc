/** Failover, drill, repair, removal: what may be asked of a link that stays. */

import { answerDrill, answerFailover, answerRemoval, answerRepair } from './change-requests';
import { drillUpdate } from './drill-messages';
import { onUpdate, refuseOtherUpdates } from './incoming';
import { requestShape } from './request-shapes';
import type { Run } from './run';
import { CONTROL_UPDATES } from './run-control';
import { changeSpecUpdate, failoverUpdate, removeUpdate, repairUpdate } from './standing-messages';
import { drillShape, failoverShape, repairShape } from './standing-request-shapes';

export function handleProtectionMessages(run: Run): void {
  onUpdate(failoverUpdate, failoverShape, (request) => answerFailover(run, request));
  onUpdate(drillUpdate, drillShape, (request) => answerDrill(run, request));
  onUpdate(repairUpdate, repairShape, (request) => answerRepair(run, request));
  onUpdate(removeUpdate, requestShape, (request) => answerRemoval(run, request));
  const { name } = run.spec.settings;
  refuseOtherUpdates({
    run: 'a DR link',
    updates: [failoverUpdate, drillUpdate, repairUpdate, removeUpdate, changeSpecUpdate, ...CONTROL_UPDATES],
    nextStep: `sqlferry failover, drill, repair, remove, change, pause, resume or abort ${name}`,
  });
}
