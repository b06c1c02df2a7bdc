/** Why a run failed, in the words of the error catalogue. */
export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** What the run could not undo; absent when it left nothing behind. */
  readonly leftovers?: readonly string[];
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
  const left = leftoversOf(cause);
  return {
    code: typeOf(cause),
    message: cause.message,
    remedy: remedyOf(cause) ?? FALLBACK,
    ...(left.length === 0 ? {} : { leftovers: left }),
  };
}

function typeOf(error: Error): string {
  if ('type' in error && typeof error.type === 'string') return error.type;
  return error.name;
}

function remedyOf(error: Error): string | undefined {
  const detail = detailOf(error);
  if (detail === undefined || !('remedy' in detail)) return undefined;
  return typeof detail.remedy === 'string' ? detail.remedy : undefined;
}

function leftoversOf(error: Error): readonly string[] {
  const detail = detailOf(error);
  if (detail === undefined || !('leftovers' in detail) || !Array.isArray(detail.leftovers)) return [];
  return detail.leftovers.filter((one): one is string => typeof one === 'string');
}

function detailOf(error: Error): object | undefined {
  if (!('details' in error) || !Array.isArray(error.details)) return undefined;
  const [first] = error.details as readonly unknown[];
  return typeof first === 'object' && first !== null ? first : undefined;
}
