import type { ArmRequest } from '../model/arm-request';
import type { AzureLinkFacts } from '../model/link/azure-link';
import type { ManagedInstanceFacts, TrustCertificateFacts } from '../model/sql-server/observation';

/**
 * State of a long-running operation that another worker can resume. Sealed by the adapter, since it holds signed
 * URLs (promise 11): opaque to everybody else, safe in heartbeats and histories.
 */
export type SealedOperation = string & { readonly __sealedOperation: unique symbol };

export type OperationProgress =
  | {
      readonly status: 'running';
      readonly operation: SealedOperation;
      readonly detail: string;
      readonly retryAfterMs: number;
    }
  | { readonly status: 'succeeded' }
  | { readonly status: 'failed'; readonly code: string; readonly message: string }
  /** The state cannot be opened or Azure does not know it any more: look at the resource instead. */
  | { readonly status: 'lost'; readonly reason: string };

/** Azure Resource Manager, seen from one managed instance. Rejects with AzureFailure (src/ports/failures.ts). */
export interface ManagedInstancePort {
  readonly name: string;
  readInstance(signal?: AbortSignal): Promise<ManagedInstanceFacts>;
  /** @returns undefined when there is no such link. */
  readLink(linkName: string, signal?: AbortSignal): Promise<AzureLinkFacts | undefined>;
  readTrustCertificates(signal?: AbortSignal): Promise<readonly TrustCertificateFacts[]>;
  /** @returns the public key of the instance's mirroring endpoint, hexadecimal without 0x. */
  readEndpointCertificate(signal?: AbortSignal): Promise<string>;
  /** Sends a changing request once, without the driver's own retries. Callers look first whether it is needed. */
  begin(request: ArmRequest, signal?: AbortSignal): Promise<OperationProgress>;
  poll(operation: SealedOperation, signal?: AbortSignal): Promise<OperationProgress>;
}
