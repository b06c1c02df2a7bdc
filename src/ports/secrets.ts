import type { SecretReference } from '../model/secret-reference';

/** Reads secrets where they are kept. Rejects with SecretFailure. */
export interface SecretsPort {
  read(reference: SecretReference): Promise<string>;
}
