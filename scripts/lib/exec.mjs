/** Running other programs, and talking about it: everything a script says of its own goes to stderr. */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const at = (...parts) => join(root, ...parts);

/** The Node that the npm package `node` brings (24 LTS). */
export const projectNode = at('node_modules', '.bin', 'node');

/** Ends a script with one clear line. */
export class Stop extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function say(message) {
  process.stderr.write(`sqlferry: ${message}\n`);
}

/** Environment in which the project's own tools come first on PATH. */
export function toolEnvironment(extra = {}) {
  const path = `${at('node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  return { ...process.env, PATH: path, ...extra };
}

/**
 * Runs a program with the terminal's streams and waits for its end. SIGTERM and SIGHUP are passed on; SIGINT reaches
 * the whole foreground group by itself.
 * @returns exit code; 128 + signal number when a signal ended it.
 */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: toolEnvironment(), ...options });
    const pass = (signal) => child.kill(signal);
    const wait = () => {};
    process.on('SIGTERM', pass).on('SIGHUP', pass).on('SIGINT', wait);
    const free = () => process.off('SIGTERM', pass).off('SIGHUP', pass).off('SIGINT', wait);
    child.once('error', (error) => {
      free();
      fail(new Stop(`cannot run ${command}: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      free();
      done(signal ? 128 + (SIGNAL_NUMBERS[signal] ?? 15) : (code ?? 1));
    });
  });
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Runs a program and keeps what it says. @returns exit code, stdout and stderr. */
export function capture(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: toolEnvironment(),
      ...options,
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.once('error', (error) => fail(new Stop(`cannot run ${command}: ${error.message}`)));
    child.once('close', (code) => done({ code: code ?? 1, stdout, stderr }));
  });
}
