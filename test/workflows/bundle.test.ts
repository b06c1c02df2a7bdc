import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workflowBundlePath } from '../../src/temporal/package-root';
import { readSources } from '../support/source-structure';

const ROOT = join(__dirname, '../..');

test('the workflow bundle holds no zod: each thread that runs workflows would evaluate it, at some 8 MB', () => {
  const code = readFileSync(workflowBundlePath(), 'utf8');
  expect(code).toContain('linkMigration');
  expect(code).not.toContain('node_modules/zod');
});

describe('modules that all workflows of a worker share', () => {
  /** Filled with what follows from its key alone, whichever run asks first. */
  const PURE_CACHES: readonly string[] = ['src/rules/run/time-zone.ts'];
  /** What can be assigned or filled later, outside of every function. */
  const STATE = /^(?:export )?(?:let|var)\b|^(?:export )?const [^\n]*= (?:new \w+(?:<[^\n]*>)?\(\)|\[\]);$/m;

  test('are evaluated once for the worker, not for each workflow', () => {
    const code = readFileSync(workflowBundlePath(), 'utf8');
    expect(code).toMatch(/function preloadModules\(\) \{\s+__webpack_require__\([^\n]*workflows\/index\.js/);
  });

  test('keep nothing of a run outside of their functions', () => {
    const sources = new Map(readSources(ROOT, 'src').map((source) => [source.path, source]));
    const shared = new Set(['src/workflows/index.ts']);
    for (const path of shared) for (const next of sources.get(path)?.imports ?? []) shared.add(next);
    expect(shared.size).toBeGreaterThan(100);
    const stateful = [...shared].filter((path) => STATE.test(readFileSync(join(ROOT, path), 'utf8')));
    expect(stateful).toEqual(PURE_CACHES);
  });
});
