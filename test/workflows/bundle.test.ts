import { readFileSync } from 'node:fs';
import { workflowBundlePath } from '../../src/temporal/package-root';

test('the workflow bundle holds no zod: every running workflow would evaluate it anew, at some 8 MB each', () => {
  const code = readFileSync(workflowBundlePath(), 'utf8');
  expect(code).toContain('linkMigration');
  expect(code).not.toContain('node_modules/zod');
});
