import type { SecretReference } from '../../model/secret-reference';
import { SecretFailure } from '../../ports/failures';

/** env:VARIABLE */
export function readEnvironment(reference: SecretReference, name: string, env: NodeJS.ProcessEnv): string {
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  const state = value === undefined ? 'is not set' : 'is empty';
  throw new SecretFailure(
    reference,
    `${reference}: the variable ${state} where the worker runs. Set ${name} in the worker's environment and restart it.`,
  );
}
