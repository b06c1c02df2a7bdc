/** Why a run failed, in the words of the error catalogue. */
export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

const FALLBACK = 'look at the log of the worker and at the history in the Temporal UI';

/**
 * Finds the cause below WorkflowFailedError and ActivityFailure. The SDK's classes are read by shape, so that this
 * file loads without them.
 * @returns undefined when the error is no failure of a run
 */
export function runFailure(error: unknown): RunFailure | undefined {
  if (!(error instanceof Error) || error.name !== 'WorkflowFailedError') return undefined;
  let cause: unknown = error.cause;
  while (cause instanceof Error && cause.name === 'ActivityFailure' && cause.cause !== undefined)
    cause = cause.cause;
  if (!(cause instanceof Error)) return { code: 'Unknown', message: error.message, remedy: FALLBACK };
  return { code: typeOf(cause), message: cause.message, remedy: remedyOf(cause) ?? FALLBACK };
}

function typeOf(error: Error): string {
  if ('type' in error && typeof error.type === 'string') return error.type;
  return error.name;
}

function remedyOf(error: Error): string | undefined {
  if (!('details' in error) || !Array.isArray(error.details)) return undefined;
  const [first] = error.details as readonly unknown[];
  if (typeof first !== 'object' || first === null || !('remedy' in first)) return undefined;
  return typeof first.remedy === 'string' ? first.remedy : undefined;
}
