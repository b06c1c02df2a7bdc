#!/usr/bin/env node
'use strict';
/**
 * Entry of the `sqlferry` command. It runs on any Node: on one that is too old it starts again on the Node that the
 * npm package `node` brings, and before the product is built it says how to build it.
 */
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const MINIMUM = [22, 19];

function isTooOld() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1]);
}

function fail(message) {
  process.stderr.write(`sqlferry: ${message}\n`);
  process.exitCode = 1;
}

function runOnProjectNode() {
  const node = join(root, 'node_modules', '.bin', 'node');
  if (!existsSync(node)) {
    fail(
      `Node ${MINIMUM.join('.')} or later is needed, this is ${process.versions.node}. Run "npm run setup" first.`,
    );
    return;
  }
  const { spawn } = require('node:child_process');
  const child = spawn(node, [__filename, ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal sends SIGINT to both processes; the others come to this one alone.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 1 : (code ?? 1);
  });
}

/** `sqlferry logs x | head` closes the pipe early: that is no failure, and nobody reads on. */
function endWithReader(error) {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

function main() {
  if (isTooOld()) return runOnProjectNode();
  const entry = join(root, 'dist', 'src', 'cli', 'main.js');
  if (!existsSync(entry)) return fail('not built yet. Run "npm run build" first.');
  process.stdout.on('error', endWithReader);
  // Compiled code is kept between starts, so that short commands answer at once.
  require('node:module').enableCompileCache?.();
  require(entry)
    .main(process.argv.slice(2))
    .then((exitCode) => {
      process.exitCode = exitCode;
    });
}

main();
