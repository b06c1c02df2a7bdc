/** The activities around certificates as workflows see them. All inputs and results are plain data, without secrets. */

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
import type { CertificateSpec } from './certificate-spec';

export interface CertificateInput<Spec = CertificateSpec> {
  readonly spec: Spec;
}

/** The specs that use one endpoint: `spec`, and those to other instances. */
export interface EndpointInput<Spec = CertificateSpec> extends CertificateInput<Spec> {
  readonly others: readonly Spec[];
}

export interface RotationVerdict {
  readonly refusals: readonly RotationRefusal[];
  /** Null when there is nothing to rotate, or when it is refused. */
  readonly plan: RotationPlan | null;
}

export interface RotationStepInput<Spec = CertificateSpec> extends CertificateInput<Spec>, TakesOver {
  readonly plan: RotationPlan;
  readonly stepId: RotationStepId;
}

export interface ConnectionProof {
  /** False: not all connections came back within the limit. */
  readonly connected: boolean;
  /** What was seen, one sentence. */
  readonly evidence: string;
  /** Upper bound: from the change of the endpoint until all connections were up for good, as it was sampled; null when not known. */
  readonly secondsWithoutConnection: number | null;
  readonly looks: number;
}

export interface ProofInput<Spec = CertificateSpec> extends EndpointInput<Spec> {
  readonly plan: RotationPlan;
  /** When the endpoint was changed, ISO 8601. */
  readonly since: string;
  /** Longest time to wait, milliseconds. */
  readonly limitMs: number;
}

/** @typeParam Spec of the topology whose endpoints they are */
export interface CertificateActivities<Spec = CertificateSpec> {
  /** Reads every certificate that the connection to the instance depends on; changes nothing. */
  readCertificateInventory(input: CertificateInput<Spec>): Promise<CertificateInventory>;
  /** Whether a rotation may begin, and what it would do; changes nothing. */
  planCertificateRotation(input: EndpointInput<Spec>): Promise<RotationVerdict>;
  /** @returns null when the SQL Server has no certificate of this name */
  readCertificate(
    input: CertificateInput<Spec> & { readonly name: string },
  ): Promise<RotatedCertificate | null>;
  observeRotationStep(input: RotationStepInput<Spec>): Promise<ObservedStep>;
  performRotationStep(input: RotationStepInput<Spec>): Promise<StepOutcome>;
  undoRotationStep(
    input: RotationStepInput<Spec> & { readonly before: unknown },
  ): Promise<readonly JournalEffect[]>;
  /** Waits until all distributed groups of the endpoint are connected and take the log. */
  proveConnection(input: ProofInput<Spec>): Promise<ConnectionProof>;
  /** Drops what the SQL Server holds of the instance and of the authorities, so that the next steps import it anew. */
  dropInstanceTrust(input: CertificateInput<Spec>): Promise<StepOutcome>;
}
