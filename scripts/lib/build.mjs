/**
 * dist/: the compiled product and the prebuilt workflow bundle (a worker that bundles at its start takes over a second
 * longer). Both are skipped when their inputs are unchanged.
 */
import { existsSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { digestOf, filesUnder, whenChanged } from './digest.mjs';
import { at, capture, projectNode, run, Stop, say } from './exec.mjs';
import { withLock } from './lock.mjs';

/** The product and the estate; each lies in dist/ under the name that it has here. */
const COMPILED_FOLDERS = ['src', 'estate'];

const COMPILE_INPUTS = [
  ...COMPILED_FOLDERS.map((folder) => at(folder)),
  at('tsconfig.json'),
  at('tsconfig.build.json'),
  at('package-lock.json'),
];

/** Workflow code reaches only these folders (test/arrows.test.ts holds that); activities give types alone. */
const BUNDLE_INPUTS = [
  at('src', 'workflows'),
  at('src', 'model'),
  at('src', 'rules'),
  at('src', 'temporal'),
  at('src', 'worker', 'bundle-options.ts'),
  at('package-lock.json'),
  at('scripts', 'lib', 'bundle.cjs'),
];

export function build() {
  return withLock(at('.sqlferry', 'build.lock'), async () => {
    const started = Date.now();
    const compiled = await compile();
    const bundled = await bundle();
    if (compiled || bundled) say(`built dist/ in ${seconds(started)}`);
  });
}

function compile() {
  return whenChanged(at('dist', '.compile-stamp'), digestOf(...COMPILE_INPUTS), [], async () => {
    removeOrphans();
    await tsc(at('tsconfig.build.json'));
  });
}

/** A module that was deleted must not live on in dist. */
function removeOrphans() {
  for (const file of filesUnder(at('dist'))) {
    const name = relative(at('dist'), file);
    if (/^(bench|simulation)\b/.test(name) || !/\.js(\.map)?$/.test(name) || name === 'workflow-bundle.js')
      continue;
    if (!existsSync(at(name.replace(/\.js(\.map)?$/, '.ts')))) rmSync(file);
  }
}

async function tsc(project) {
  const code = await run(projectNode, [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', project], {
    stdio: ['ignore', 2, 2],
  });
  if (code !== 0) throw new Stop(`the TypeScript compiler reported errors in ${relative(at(), project)}`);
}

async function bundle() {
  if (!existsSync(at('dist', 'src', 'workflows', 'index.js'))) {
    say('no src/workflows/index.ts: no workflow bundle was made');
    return false;
  }
  const output = at('dist', 'workflow-bundle.js');
  return whenChanged(at('dist', '.bundle-stamp'), digestOf(...BUNDLE_INPUTS), [output], async () => {
    const result = await capture(projectNode, [at('scripts', 'lib', 'bundle.cjs'), output]);
    if (result.code === 0) return;
    process.stderr.write(result.stderr || result.stdout);
    throw new Stop('the workflow bundle could not be made; see the lines above');
  });
}

/** Benchmarks are compiled on their own: they are no part of the product. */
export function buildBench() {
  if (!existsSync(at('bench', 'index.ts'))) throw new Stop('there is no bench/index.ts');
  return withLock(at('.sqlferry', 'build.lock'), () =>
    whenChanged(
      at('dist', '.bench-stamp'),
      digestOf(...COMPILE_INPUTS, at('bench'), at('config', 'tsconfig.bench.json')),
      [],
      () => tsc(at('config', 'tsconfig.bench.json')),
    ),
  );
}

/** The simulation is compiled on its own, with the product and the estate as they are. */
export function buildSimulation() {
  return withLock(at('.sqlferry', 'build.lock'), () =>
    whenChanged(
      at('dist', '.simulation-stamp'),
      digestOf(
        ...COMPILE_INPUTS,
        at('test', 'simulation'),
        at('test', 'support'),
        at('config', 'tsconfig.simulation.json'),
      ),
      [],
      () => tsc(at('config', 'tsconfig.simulation.json')),
    ),
  );
}

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;
