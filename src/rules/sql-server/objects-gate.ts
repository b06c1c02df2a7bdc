/** Whether differences outside of the database keep a planned failover, or a cutover, from beginning. */
import { driftOf, type ObjectFinding, type ObjectsReport } from '../../model/sql-server/instance-objects';
import type { InstanceObjects } from '../../model/sql-server/instance-objects-spec';
import type { GateReason } from '../run/gate-reason';

/** Id of the one rule of this gate. */
export const OBJECTS_GATE = 'gate.instance-objects';

export interface ObjectsVerdict {
  readonly mayBegin: boolean;
  /** Differences that were found and do not hold it; a person is told. */
  readonly told: readonly GateReason[];
  readonly reasons: readonly GateReason[];
}

/**
 * @param acceptedBy who goes on in spite of the differences; null when nobody said so
 */
export function objectsGate(
  report: ObjectsReport,
  policy: InstanceObjects['drift'],
  acceptedBy: string | null,
): ObjectsVerdict {
  const reasons = driftOf(report).map(
    (finding): GateReason => ({
      id: OBJECTS_GATE,
      reason: sentence(finding),
      evidence: `read at ${report.observedAt}`,
      mayChangeAt: null,
    }),
  );
  const holds = policy === 'block' && acceptedBy === null && reasons.length > 0;
  if (policy === 'ignore') return { mayBegin: true, told: [], reasons: [] };
  return holds ? { mayBegin: false, told: [], reasons } : { mayBegin: true, told: reasons, reasons: [] };
}

/** Longest list in one message: a status is read by people. */
const SHOWN = 5;

/** The reasons in one text, the number of those that are left out included. */
export function gateText(reasons: readonly Pick<GateReason, 'reason'>[]): string {
  const shown = reasons.slice(0, SHOWN).map(({ reason }) => reason);
  const rest = reasons.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
}

const sentence = ({ kind, name, detail }: ObjectFinding): string => `${kind} ${name}: ${detail}`;
