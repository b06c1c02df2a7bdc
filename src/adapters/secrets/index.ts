/** Secrets from where they are kept: environment, files, Azure Key Vault. Values are never logged and kept 5 minutes at most. */
import type { SecretReference } from '../../model/secret-reference';
import type { Clock } from '../../ports/clock';
import { SecretFailure } from '../../ports/failures';
import type { SecretsPort } from '../../ports/secrets';
import { readEnvironment } from './environment';
import { readFileSecret } from './file';
import { type KeyVaultOptions, readKeyVault } from './key-vault';

export type { KeyVaultOptions } from './key-vault';

export interface SecretsOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Told of a secret file that others may read; the file is used all the same. */
  readonly warn?: (message: string) => void;
  /** Needed for azure-keyvault: references. */
  readonly keyVault?: KeyVaultOptions;
}

/** Key vaults are asked again after this, so that a rotated secret is seen: milliseconds. */
const KEPT_MS = 5 * 60_000;

interface Kept {
  readonly until: number;
  readonly value: Promise<string>;
}

/** Environment and files are read every time; what a vault gave is kept for 5 minutes. */
export function createSecrets(options: SecretsOptions): SecretsPort {
  const kept = new Map<SecretReference, Kept>();
  return {
    read: (reference) => {
      if (!reference.startsWith('azure-keyvault:')) return read(reference, options);
      const now = options.clock.now();
      const known = kept.get(reference);
      if (known !== undefined && now < known.until) return known.value;
      const value = read(reference, options);
      kept.set(reference, { until: now + KEPT_MS, value });
      // A failure is not kept: what a person repairs must work at once.
      value.catch(() => kept.delete(reference));
      return value;
    },
  };
}

async function read(reference: SecretReference, options: SecretsOptions): Promise<string> {
  const separator = reference.indexOf(':');
  const place = reference.slice(separator + 1);
  switch (reference.slice(0, separator)) {
    case 'env':
      return readEnvironment(reference, place, options.env ?? process.env);
    case 'file':
      return readFileSecret(reference, place, options.warn);
    case 'azure-keyvault':
      return readKeyVault(reference, place, options.keyVault, options.clock);
    default:
      throw new SecretFailure(reference, `${reference}: unknown kind of secret reference`);
  }
}
