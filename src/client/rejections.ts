/**
 * What a run says against what it was asked, below the errors of the SDK. These are read by shape, so that this file
 * loads without it.
 */

/** @returns why an update was rejected or failed; undefined when the error is another one */
export function rejection(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'WorkflowUpdateFailedError') return undefined;
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}

/** gRPC: the newest task of the workflow failed, so that nothing can be asked of it. */
const FAILED_PRECONDITION = 9;

/** @returns why a worker that is there does not answer a query; undefined when none answered */
export function queryFailure(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'QueryNotRegisteredError') return error.message;
  const { cause } = error;
  const isStuck = cause instanceof Error && 'code' in cause && cause.code === FAILED_PRECONDITION;
  return isStuck ? cause.message : undefined;
}
