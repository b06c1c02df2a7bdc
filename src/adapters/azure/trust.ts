import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { SettingFailure } from '../../ports/failures';

/**
 * Certificates to trust for Azure: the usual roots and the authorities of a PEM file. Node's `ca` option replaces the
 * roots, so they are given along.
 * @returns undefined when there is no file: the defaults hold.
 * @throws SettingFailure naming the file when it cannot be read.
 */
export async function trustedAuthorities(caFile: string | undefined): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  const own = await readAuthority(caFile);
  return [...getCACertificates('default'), own].join('\n');
}

async function readAuthority(caFile: string): Promise<string> {
  const text = await readFile(caFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SettingFailure(
      'azure.caFile',
      `azure.caFile ${caFile} cannot be read: ${error.code ?? error.message}`,
    );
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new SettingFailure('azure.caFile', `azure.caFile ${caFile} holds no PEM certificate`);
  return text;
}
