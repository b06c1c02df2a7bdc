/** Content digests, so that a task is skipped when its inputs are what they were. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from './exec.mjs';

export const sha256 = (data) => createHash('sha256').update(data).digest('hex');

/** All files under the given files and folders, sorted; what does not exist is left out. */
export function filesUnder(...paths) {
  return paths.flatMap(listFiles).sort();
}

function listFiles(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => listFiles(join(path, name)));
}

/** @returns one digest of names and contents. */
export function digestOf(...paths) {
  const hash = createHash('sha256');
  for (const file of filesUnder(...paths)) {
    hash.update(`${relative(root, file)}\0${sha256(readFileSync(file))}\n`);
  }
  return hash.digest('hex');
}

/** Runs `work` unless `stamp` holds `digest` and every output is there. @returns true when it ran. */
export async function whenChanged(stamp, digest, outputs, work) {
  if (
    existsSync(stamp) &&
    outputs.every((output) => existsSync(output)) &&
    readFileSync(stamp, 'utf8') === digest
  )
    return false;
  rmSync(stamp, { force: true });
  await work();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
  return true;
}
