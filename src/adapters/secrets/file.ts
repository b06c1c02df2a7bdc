import { readFile, stat } from 'node:fs/promises';
import type { SecretReference } from '../../model/secret-reference';
import { SecretFailure } from '../../ports/failures';

const OTHERS_MAY_READ = 0o004;

/** file:PATH. One newline at the end, as editors and `echo` leave it, is no part of the secret. */
export async function readFileSecret(
  reference: SecretReference,
  path: string,
  warn: ((message: string) => void) | undefined,
): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new SecretFailure(reference, `${reference}: ${remedy(error)}`);
  });
  const value = text.replace(/\r?\n$/, '');
  if (value === '')
    throw new SecretFailure(reference, `${reference}: the file is empty. Write the secret into it.`);
  await warnOfOpenFile(reference, path, warn);
  return value;
}

/** Only a warning: mounted secrets of Kubernetes and Docker are readable by all in their container. */
async function warnOfOpenFile(
  reference: SecretReference,
  path: string,
  warn: ((message: string) => void) | undefined,
): Promise<void> {
  if (warn === undefined || process.platform === 'win32') return;
  const { mode } = await stat(path);
  if ((mode & OTHERS_MAY_READ) !== 0)
    warn(`${reference} can be read by every user of this machine; consider: chmod 600 ${path}`);
}

function remedy(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file where the worker runs. Create it, or correct the path.';
    case 'EACCES':
    case 'EPERM':
      return "the worker's user may not read the file. Change its owner or permissions.";
    case 'EISDIR':
      return 'this is a directory. Name the file in it.';
    default:
      return `the file cannot be read (${String(code)}).`;
  }
}
