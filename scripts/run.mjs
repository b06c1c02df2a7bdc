/**
 * Behind every npm script: brings what is missing, says so on stderr, then runs the task on the project's own Node.
 * Plain ESM without dependencies, since it must start on a fresh clone and on an older Node than the product needs.
 *
 *   node scripts/run.mjs setup | build | demo [...] | test [...] | bench [...] | simulate [...]
 */
import { build, buildBench, buildSimulation } from './lib/build.mjs';
import { ensureDependencies } from './lib/dependencies.mjs';
import { Stop, say } from './lib/exec.mjs';
import { runBench, runDemo, runSimulation, runTests, setUp } from './lib/tasks.mjs';

const TASKS = {
  setup: async () => {
    await build();
    await setUp();
    return 0;
  },
  build: async () => {
    await build();
    return 0;
  },
  demo: async (args) => {
    await build();
    return runDemo(args);
  },
  test: async (args) => {
    await build();
    return runTests(args);
  },
  bench: async (args) => {
    await build();
    await buildBench();
    return runBench(args);
  },
  simulate: async (args) => {
    await build();
    await buildSimulation();
    return runSimulation(args);
  },
};

async function main([name, ...args]) {
  const task = TASKS[name];
  if (!task) throw new Stop(`unknown task "${name ?? ''}": use one of ${Object.keys(TASKS).join(', ')}`, 2);
  await ensureDependencies();
  return task(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof Stop ? error.message : (error?.stack ?? String(error)));
  process.exitCode = error instanceof Stop ? error.exitCode : 1;
}
