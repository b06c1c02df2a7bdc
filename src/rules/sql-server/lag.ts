import type { DistributedReplicaFacts } from '../../model/sql-server/observation';

type Queues = Pick<
  DistributedReplicaFacts,
  'logSendQueueKb' | 'logSendRateKbPerSecond' | 'redoQueueKb' | 'redoRateKbPerSecond'
>;

export interface DrainTime {
  /** Milliseconds until the queue is sent at the present rate; null when that is not known or nothing moves. */
  readonly sendMs: number | null;
  /** Milliseconds until the queue is applied. */
  readonly redoMs: number | null;
  /** Both, one after the other: an upper bound, since they overlap. */
  readonly totalMs: number | null;
}

/** Queue divided by rate (sys.dm_hadr_database_replica_states: KB and KB per second). */
export function drainTime(facts: Queues): DrainTime {
  const sendMs = drain(facts.logSendQueueKb, facts.logSendRateKbPerSecond);
  const redoMs = drain(facts.redoQueueKb, facts.redoRateKbPerSecond);
  return { sendMs, redoMs, totalMs: sendMs === null || redoMs === null ? null : sendMs + redoMs };
}

function drain(queueKb: number | null, rateKbPerSecond: number | null): number | null {
  if (queueKb === null) return null;
  if (queueKb <= 0) return 0;
  if (rateKbPerSecond === null || rateKbPerSecond <= 0) return null;
  return (queueKb / rateKbPerSecond) * 1000;
}
