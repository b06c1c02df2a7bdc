/** What the npm scripts do once dependencies and dist/ stand. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at, capture, projectNode, run, Stop, toolEnvironment } from './exec.mjs';

/** Fetches the Temporal executables. */
export async function setUp() {
  const servers = await temporalServers();
  process.stderr.write(`sqlferry: ready; Temporal CLI ${servers.cli}, test server ${servers.testServer}\n`);
}

/** @returns paths of the two Temporal executables; they are fetched into the cache when they are nowhere. */
async function temporalServers() {
  const script = at('scripts', 'lib', 'temporal-servers.cjs');
  const result = await capture(projectNode, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (result.code !== 0) throw new Stop('no Temporal server can be had; see the lines above');
  return JSON.parse(result.stdout);
}

export function runDemo(args) {
  return run(projectNode, [at('bin', 'sqlferry.js'), 'demo', ...args]);
}

export function runBench(args) {
  return run(projectNode, [at('dist', 'bench', 'bench', 'index.js'), ...args]);
}

export function runSimulation(args) {
  return run(projectNode, [at('dist', 'simulation', 'test', 'simulation', 'cli.js'), ...args]);
}

/** Runs jest; the last line is a count of its own, whatever jest printed. */
export async function runTests(args) {
  const servers = await temporalServers();
  const folder = mkdtempSync(join(tmpdir(), 'sqlferry-test-'));
  const summary = join(folder, 'summary.json');
  try {
    // Last: jest would take paths behind an option with many values for further values.
    const reporters = ['--reporters=default', `--reporters=${at('scripts', 'lib', 'summary-reporter.cjs')}`];
    const code = await run(
      projectNode,
      [at('node_modules', 'jest', 'bin', 'jest.js'), ...args, ...reporters],
      {
        env: toolEnvironment({
          SQLFERRY_TEMPORAL_CLI: servers.cli,
          SQLFERRY_TEMPORAL_TEST_SERVER: servers.testServer,
          SQLFERRY_TEST_SUMMARY: summary,
        }),
      },
    );
    return finish(summary, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function finish(summary, code) {
  if (!existsSync(summary)) throw new Stop('the tests did not run to their end', code === 0 ? 1 : code);
  const { passed, failed, skipped } = JSON.parse(readFileSync(summary, 'utf8'));
  if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return code;
}
