import { formatDuration } from '../../model/duration';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { staleness } from '../freshness';
import type { GateReason } from '../run/gate-reason';
import { drainTime } from '../sql-server/lag';
import { isReplicating, seedingPhase } from '../sql-server/seeding';

/** A queue this small is applied at once, whatever rate is reported for a link that has nothing to do. */
const SMALL_REDO_KB = 1024;

export interface LinkGateInput {
  /** Null when the link does not show on the SQL Server. */
  readonly facts: DistributedReplicaFacts | null;
  /** Milliseconds since 1970-01-01 UTC, by the clock that stamped the facts. */
  readonly now: number;
  /** Facts older than this are refused, milliseconds. */
  readonly factsMaxAgeMs: number;
  /** Longest lag, milliseconds. */
  readonly maxLag: number;
}

/** @returns every reason in the state of the link why the cutover may not begin now; empty when it may */
export function linkGate(input: LinkGateInput): readonly GateReason[] {
  const { facts, now, factsMaxAgeMs } = input;
  if (facts === null) {
    return [
      gate(
        'gate.link-missing',
        'The link does not show on the SQL Server.',
        'no row of the distributed group',
      ),
    ];
  }
  const stale = staleness(facts.observedAt, now, factsMaxAgeMs);
  // Nothing else is judged on old facts: it would only be said of the past (promise 3).
  if (stale !== undefined)
    return [gate('gate.stale-facts', 'The state of the link is not known freshly.', stale)];
  return [
    ...roleReason(facts),
    ...connectionReason(facts),
    ...suspendedReason(facts),
    ...seedingReason(facts),
    ...healthReason(facts),
    ...lagReason(facts, input.maxLag),
    ...redoReason(facts, input.maxLag),
  ];
}

function roleReason({ localRoleDesc }: DistributedReplicaFacts): readonly GateReason[] {
  if (localRoleDesc === 'PRIMARY') return [];
  return [
    gate('gate.role', 'The SQL Server is not the primary of the link.', `its role is ${localRoleDesc}`),
  ];
}

function connectionReason(facts: DistributedReplicaFacts): readonly GateReason[] {
  if (facts.connectedStateDesc === 'CONNECTED') return [];
  const error = facts.lastConnectErrorNumber === null ? '' : `, last error ${facts.lastConnectErrorNumber}`;
  const evidence = `the connection is ${facts.connectedStateDesc ?? 'not reported'}${error}`;
  return [gate('gate.connection', 'The instance is not connected.', evidence)];
}

function suspendedReason({ isSuspended, suspendReasonDesc }: DistributedReplicaFacts): readonly GateReason[] {
  if (!isSuspended) return [];
  return [
    gate('gate.suspended', 'Data movement is suspended.', suspendReasonDesc ?? 'no reason is reported'),
  ];
}

/** An operation that runs; without any, the health of the link says enough. */
function seedingReason(facts: DistributedReplicaFacts): readonly GateReason[] {
  const { seeding } = facts;
  if (seeding === null || seedingPhase(facts) === 'completed') return [];
  if (seeding.currentState === 'COMPLETED' && !seeding.isStreaming) return [];
  const failed = seeding.currentState === 'FAILED' && !seeding.isStreaming;
  const reason = failed ? 'Seeding failed.' : 'Seeding is not complete.';
  return [
    gate('gate.seeding', reason, `seeding is ${seeding.currentState}, attempt ${seeding.numberOfAttempts}`),
  ];
}

function healthReason(facts: DistributedReplicaFacts): readonly GateReason[] {
  if (isReplicating(facts)) return [];
  const evidence = `${facts.synchronizationStateDesc ?? 'no state'}, ${facts.synchronizationHealthDesc ?? 'no health'}`;
  return [gate('gate.health', 'The link is not healthy and synchronizing.', evidence)];
}

function lagReason(facts: DistributedReplicaFacts, maxLag: number): readonly GateReason[] {
  const lagMs =
    facts.secondaryLagSeconds === null ? drainTime(facts).totalMs : facts.secondaryLagSeconds * 1000;
  if (lagMs === null) {
    return [
      gate(
        'gate.lag-unknown',
        'How far the instance is behind is not known.',
        'no lag and no rates are reported',
      ),
    ];
  }
  if (lagMs <= maxLag) return [];
  const reason = `The instance is ${formatDuration(lagMs)} behind; at most ${formatDuration(maxLag)} are allowed.`;
  return [
    gate('gate.lag', reason, `lag ${formatDuration(lagMs)}, send queue ${facts.logSendQueueKb ?? '?'} KB`),
  ];
}

/**
 * What is hardened on the secondary, yet not applied. FAILOVER is refused over a large redo queue (47516), and behind
 * the point of no return that refusal keeps applications out; the time to apply it is part of the downtime anyhow.
 */
export function redoReason(
  facts: Pick<DistributedReplicaFacts, 'redoQueueKb' | 'redoRateKbPerSecond'>,
  maxLag: number,
): readonly GateReason[] {
  const { redoQueueKb, redoRateKbPerSecond } = facts;
  if (redoQueueKb !== null && redoQueueKb <= SMALL_REDO_KB) return [];
  const evidence = `redo queue ${redoQueueKb ?? '?'} KB, redo rate ${redoRateKbPerSecond ?? '?'} KB/s`;
  const redoMs = drainTime({ ...facts, logSendQueueKb: 0, logSendRateKbPerSecond: 0 }).redoMs;
  if (redoMs === null) {
    return [
      gate('gate.redo-unknown', 'How long the secondary needs to apply its log is not known.', evidence),
    ];
  }
  if (redoMs <= maxLag) return [];
  const reason = `The secondary needs ${formatDuration(redoMs)} to apply its log; at most ${formatDuration(maxLag)} are allowed.`;
  return [gate('gate.redo', reason, evidence)];
}

const gate = (id: string, reason: string, evidence: string): GateReason => ({
  id,
  reason,
  evidence,
  mayChangeAt: null,
});
