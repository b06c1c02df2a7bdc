import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The secret from which the worker seals what a later attempt needs to go on with an Azure operation (its signed
 * URLs). Workers that share SQLFERRY_STATE_KEY resume each other's operations; others look at the resource instead.
 * @returns SQLFERRY_STATE_KEY, else the content of the key file in the state directory, made on first use
 */
export async function stateSecret(env: NodeJS.ProcessEnv, directory: string): Promise<string> {
  const given = env.SQLFERRY_STATE_KEY;
  if (given !== undefined && given !== '') return given;
  const file = join(directory, 'state.key');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // There is one already: ours from before, or another worker's that was first.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
