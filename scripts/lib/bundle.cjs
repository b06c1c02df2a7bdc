/**
 * Bundles the compiled workflows into one file for `workflowBundle: { codePath }`. Interceptors and converters must be
 * given here, not to the worker (Temporal TypeScript SDK, WorkerOptions.workflowBundle); the worker's own module
 * `src/worker/bundle-options.ts`, where there is one, exports them as `bundleOptions`.
 *
 *   node scripts/lib/bundle.cjs OUTPUT
 */
const { existsSync, renameSync, writeFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { bundleWorkflowCode, DefaultLogger } = require('@temporalio/worker');

const dist = resolve(__dirname, '../../dist');
const output = process.argv[2] ?? join(dist, 'workflow-bundle.js');

async function main() {
  const ownOptions = join(dist, 'src', 'worker', 'bundle-options.js');
  const { bundleOptions = {} } = existsSync(ownOptions) ? require(ownOptions) : {};
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(dist, 'src', 'workflows', 'index.js'),
    logger: new DefaultLogger('ERROR'),
    ...bundleOptions,
  });
  // A worker that starts meanwhile must not read half a file.
  writeFileSync(`${output}.${process.pid}`, code);
  renameSync(`${output}.${process.pid}`, output);
}

main().catch((error) => {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
