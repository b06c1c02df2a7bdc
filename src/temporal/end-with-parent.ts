/**
 * Child processes that must not outlive this process, however it ends: normally, by a signal, or by SIGKILL, which
 * no handler sees. For the last, a small watchdog shell waits for the end of a pipe that only this process holds open.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const children = new Set<ChildProcess>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Reads until the pipe ends, which happens when its holder is gone, and kills then. */
const WATCHDOG = 'while read -r _; do :; done; kill -9 "$1" 2>/dev/null';

/** @returns a function that lets go of the child, to be called once it has ended. */
export function endWithParent(child: ChildProcess): () => void {
  if (child.pid === undefined) return () => undefined;
  if (children.size === 0) watchThisProcess();
  children.add(child);
  const watchdog = startWatchdog(child.pid);
  child.once('exit', () => watchdog?.kill('SIGKILL'));
  return () => {
    watchdog?.kill('SIGKILL');
    children.delete(child);
    if (children.size === 0) unwatchThisProcess();
  };
}

function startWatchdog(pid: number): ChildProcess | undefined {
  if (process.platform === 'win32') return undefined;
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Its own group: a Ctrl-C in the terminal must not end it.
    detached: true,
  });
  // Without a watchdog the other ways still hold.
  watchdog.on('error', () => undefined);
  watchdog.unref();
  if (watchdog.stdin !== null && 'unref' in watchdog.stdin && typeof watchdog.stdin.unref === 'function') {
    watchdog.stdin.unref();
  }
  return watchdog;
}

function watchThisProcess(): void {
  process.on('exit', killAll);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function unwatchThisProcess(): void {
  process.off('exit', killAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

/**
 * A listener of ours takes away the signal's default effect: where nobody else listens, the process ends as it would
 * have. Somebody who does listen shuts down in their own order; `exit` ends the children then.
 */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  killAll();
  unwatchThisProcess();
  process.kill(process.pid, signal);
}
