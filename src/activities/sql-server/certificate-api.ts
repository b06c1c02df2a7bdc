/** The activities around certificates as workflows see them. All inputs and results are plain data, without secrets. */

import type { ResolvedLink } from '../../model/link/spec';
import type { JournalEffect } from '../../model/run/journal';
import type { CertificateInventory } from '../../rules/sql-server/certificate-inventory';
import type {
  RotatedCertificate,
  RotationPlan,
  RotationRefusal,
  RotationStepId,
} from '../../rules/sql-server/certificate-rotation';
import type { ObservedStep } from '../run/api';
import type { TakesOver } from '../run/carried';
import type { StepOutcome } from '../run/run-step';

export interface CertificateInput {
  readonly spec: ResolvedLink;
}

/** The links of one endpoint: `spec`, and those to other instances. */
export interface EndpointInput extends CertificateInput {
  readonly others: readonly ResolvedLink[];
}

export interface RotationVerdict {
  readonly refusals: readonly RotationRefusal[];
  /** Null when there is nothing to rotate, or when it is refused. */
  readonly plan: RotationPlan | null;
}

export interface RotationStepInput extends CertificateInput, TakesOver {
  readonly plan: RotationPlan;
  readonly stepId: RotationStepId;
}

export interface ConnectionProof {
  /** False: not all links came back within the limit. */
  readonly connected: boolean;
  /** What was seen, one sentence. */
  readonly evidence: string;
  /** Upper bound: from the change of the endpoint until all links were up for good, as it was sampled. */
  readonly secondsWithoutConnection: number;
  readonly looks: number;
}

export interface ProofInput extends EndpointInput {
  readonly plan: RotationPlan;
  /** When the endpoint was changed, ISO 8601. */
  readonly since: string;
  /** Longest time to wait, milliseconds. */
  readonly limitMs: number;
}

export interface CertificateActivities {
  /** Reads every certificate that the link depends on; changes nothing. */
  readLinkCertificates(input: CertificateInput): Promise<CertificateInventory>;
  /** Whether a rotation may begin, and what it would do; changes nothing. */
  planCertificateRotation(input: EndpointInput): Promise<RotationVerdict>;
  /** @returns null when the SQL Server has no certificate of this name */
  readCertificate(input: CertificateInput & { readonly name: string }): Promise<RotatedCertificate | null>;
  observeRotationStep(input: RotationStepInput): Promise<ObservedStep>;
  performRotationStep(input: RotationStepInput): Promise<StepOutcome>;
  undoRotationStep(
    input: RotationStepInput & { readonly before: unknown },
  ): Promise<readonly JournalEffect[]>;
  /** Waits until all links of the endpoint are connected and take the log. */
  proveConnection(input: ProofInput): Promise<ConnectionProof>;
  /** Drops what the SQL Server holds of the instance and of the authorities, so that the next steps import it anew. */
  dropInstanceTrust(input: CertificateInput): Promise<StepOutcome>;
}
