import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { isReplicating } from '../../rules/sql-server/seeding';
import type { LinkHealth } from './api';

/** Health of a link from the view of its primary. */
export function healthOf(facts: DistributedReplicaFacts): LinkHealth {
  const connected = facts.connectedStateDesc === 'CONNECTED';
  const healthy = connected && !facts.isSuspended && isReplicating(facts);
  const states = [
    facts.connectedStateDesc ?? 'not connected',
    facts.synchronizationStateDesc ?? 'no state',
    facts.synchronizationHealthDesc ?? 'no health',
    ...(facts.isSuspended ? [`suspended: ${facts.suspendReasonDesc ?? 'no reason'}`] : []),
  ];
  const error =
    connected || facts.lastConnectErrorDescription === null ? '' : `; ${facts.lastConnectErrorDescription}`;
  return {
    observedAt: facts.observedAt,
    healthy,
    summary: `${states.join(', ')}${error}`,
    lagSeconds: facts.secondaryLagSeconds,
    logUsedPercent: facts.logSizeBytes > 0 ? (facts.logUsedBytes / facts.logSizeBytes) * 100 : 0,
  };
}
