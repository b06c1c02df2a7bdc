import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Folder of the product's package.json. The same module runs from src/ (tests), dist/src/ and dist/bench/src/, so a
 * fixed relative path would be wrong somewhere.
 * @throws Error outside of an installation of sqlferry.
 */
export function packageRoot(from: string = __dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'bin', 'sqlferry.js')))
      return folder;
    if (folder === dirname(folder)) throw new Error(`no installation of sqlferry around ${from}`);
  }
}

/** The workflows as `npm run build` bundled them, for a worker's `workflowBundle: { codePath }`. */
export const workflowBundlePath = (): string => join(packageRoot(), 'dist', 'workflow-bundle.js');
