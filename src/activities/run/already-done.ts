import { AzureFailure, SqlServerFailure } from '../../ports/failures';
import { classify } from '../../rules/errors/classify';

/** True when the failure says that the effect is there already (promise 1): 41122, 41965, 35280 and their like. */
export function isAlreadyDone(error: unknown): boolean {
  if (error instanceof AzureFailure && error.status === 404) return error.operation.startsWith('delete-');
  if (error instanceof AzureFailure || error instanceof SqlServerFailure) {
    return classify(error).entry.reaction === 'already-done';
  }
  return false;
}
