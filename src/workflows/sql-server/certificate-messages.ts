/** Messages, inputs and results of the workflows around certificates. */
import { defineQuery } from '@temporalio/workflow';
import type { CertificateSpec } from '../../activities/sql-server/certificate-spec';
import type { JournalEntry } from '../../model/run/journal';
import type { CertificateInventory } from '../../rules/sql-server/certificate-inventory';
import type { RotatedCertificate, RotationRefusal } from '../../rules/sql-server/certificate-rotation';
import type { Problem } from '../run/run-control';

/** Those that use one endpoint. */
export interface EndpointSpecs<Spec extends CertificateSpec = CertificateSpec> {
  readonly spec: Spec;
  /** Those from the same SQL Server to other instances: they get the new public key as well. */
  readonly others: readonly Spec[];
}

export interface CertificateRotationInput<Spec extends CertificateSpec = CertificateSpec>
  extends EndpointSpecs<Spec> {
  readonly by: string;
  readonly reason: string | null;
  /** Give the endpoint of the SQL Server a new certificate. */
  readonly rotateEndpoint: boolean;
  /** Import the certificate of the instance and the authorities anew. */
  readonly reimportInstance: boolean;
  /** Longest time for the connections to come back, milliseconds. */
  readonly connectWithinMs: number;
}

export type RotationOutcome =
  /** All that was asked for is done. */
  | 'done'
  /** The connections did not come back: the old certificate is in use again. */
  | 'rolled-back'
  /** Nothing was changed, or all of it was given back, for reasons that the result names. */
  | 'refused'
  /** Ended on request before the new certificate was proved; what was made is undone where that was possible. */
  | 'aborted';

export interface CertificateRotationResult {
  readonly outcome: RotationOutcome;
  /** One sentence for people. */
  readonly summary: string;
  readonly by: string;
  readonly reason: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly refusals: readonly RotationRefusal[];
  readonly oldCertificate: RotatedCertificate | null;
  readonly newCertificate: RotatedCertificate | null;
  /** Proof that all are connected, or why they are not. */
  readonly proof: string | null;
  /** Upper bound, as it was sampled; null when the endpoint was not touched. */
  readonly secondsWithoutConnection: number | null;
  /** The certificate of the instance was imported anew, with this evidence. */
  readonly reimport: string | null;
  /** What stays behind, and what to do about it. */
  readonly leftovers: readonly string[];
  readonly journal: readonly JournalEntry[];
}

export interface RotationStatus {
  readonly waitingFor: string;
  readonly blockedBy: Problem | null;
  readonly paused: boolean;
  readonly forwardOnly: string | null;
}
export const rotationStatusQuery = defineQuery<RotationStatus>('status');
export const rotationJournalQuery = defineQuery<readonly JournalEntry[]>('journal');

export interface CertificateCheckInput<Spec extends CertificateSpec = CertificateSpec>
  extends EndpointSpecs<Spec> {
  /** A certificate with less time left is rotated, milliseconds; null: only told. */
  readonly rotateBeforeMs: number | null;
  readonly connectWithinMs: number;
}

export interface CertificateCheckResult {
  /** Null when nobody could look. */
  readonly inventory: CertificateInventory | null;
  /** Why nobody could look; null when somebody did. Absent in results of older workers. */
  readonly failure?: Problem | null;
  /** When the check began, ISO 8601. */
  readonly checkedAt?: string;
  /** What people were told of each certificate, and of a failure: not told again until it changes. */
  readonly told: Readonly<Record<string, string>>;
  readonly rotation: CertificateRotationResult | null;
  readonly summary: string;
}
