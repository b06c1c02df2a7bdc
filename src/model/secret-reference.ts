import { z } from 'zod';

/**
 * Where a secret is kept. Specs, histories and logs hold only this reference; the value is read inside an
 * activity and goes nowhere else (promise 11).
 */
export type SecretReference = string & { readonly __secretReference: unique symbol };

const FORMS = /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|azure-keyvault:[a-z0-9-]+\/[A-Za-z0-9-]+(\/[a-f0-9]+)?)$/;

export const secretReferenceSchema = z
  .string()
  .regex(FORMS, {
    message:
      'must refer to a secret, not hold it: env:VARIABLE, file:/path/to/file or azure-keyvault:vault-name/secret-name',
  })
  .transform((text) => text as SecretReference)
  .meta({ description: 'Reference to a secret: env:VARIABLE, file:PATH or azure-keyvault:VAULT/SECRET' });
