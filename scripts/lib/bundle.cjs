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
  writeFileSync(`${output}.${process.pid}`, withoutSources(code));
  renameSync(`${output}.${process.pid}`, output);
}

const SOURCE_MAP = '//# sourceMappingURL=data:application/json;charset=utf-8;base64,';

/**
 * The worker holds the source map several times over, as text and as an object, in each of its threads. Stack traces need
 * its mappings alone; the sources in it are half of the bundle.
 */
function withoutSources(code) {
  const at = code.lastIndexOf(SOURCE_MAP);
  if (at < 0)
    throw new Error('the bundle of the workflows has no source map: stack traces would name no file');
  const encoded = code.slice(at + SOURCE_MAP.length);
  const { sourcesContent: _, ...map } = JSON.parse(Buffer.from(encoded, 'base64').toString());
  return `${code.slice(0, at + SOURCE_MAP.length)}${Buffer.from(JSON.stringify(map)).toString('base64')}\n`;
}

main().catch((error) => {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
