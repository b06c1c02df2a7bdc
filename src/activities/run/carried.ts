import type { SealedOperation } from '../../ports/managed-instance';

/**
 * What an activity that gives up leaves to the next one of the same step. It travels in the details of its failure, so it
 * lies in the history.
 */
export interface Carried {
  /** Operation of Azure that is under way; absent when there is none. */
  readonly operation?: SealedOperation;
  /** A request was sent to Azure of which nobody knows the answer. */
  readonly mayHaveSent: boolean;
}

/** Input of activities that may take over from one that gave up. */
export interface TakesOver {
  readonly carried?: Carried;
}
