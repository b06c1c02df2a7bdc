import { type ChildProcess, spawn } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import type { HookMessage, HookReply } from '../../model/run/hook-message';
import type { CommandHook } from '../../model/run/hooks';
import type { Clock } from '../../ports/clock';
import type { HookCallOptions } from '../../ports/hooks';
import { BoundedText, firstLine } from './text';

/** Time between asking a command to end and ending it. */
const GRACE_MS = 2_000;
/** Output may still be in the pipe when the process is gone; a child of it that keeps the pipe is not waited for. */
const OUTPUT_GRACE_MS = 200;

export interface CommandSettings {
  readonly clock: Clock;
  /** Directories whose programs a spec may name; none: no command is run. */
  readonly directories: readonly string[];
  /** PATH of the worker. Nothing else of its environment reaches a hook: it holds secrets. */
  readonly path: string | undefined;
}

/**
 * Runs a program without a shell. It gets the message on standard input and its main fields as SQLFERRY_* variables.
 * It is a process group of its own, so that its children end with it when its time is over.
 */
export async function runCommand(
  hook: CommandHook,
  message: HookMessage,
  { timeoutMs, signal }: HookCallOptions,
  settings: CommandSettings,
): Promise<HookReply> {
  const program = await allowedProgram(hook.executable, settings.directories);
  if ('refusal' in program) return { kind: 'not-allowed', reason: program.refusal };
  signal.throwIfAborted();
  // What was looked at is run: a link may lead elsewhere a moment later.
  const child = spawn(program.path, hook.args, {
    argv0: hook.executable,
    shell: false,
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environmentOf(message, settings.path),
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  // A program need not read what it is given.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(JSON.stringify(message));
  const ending = await endOf(child, timeoutMs, signal, settings.clock);
  await settledOutput(child, settings.clock);
  signal.throwIfAborted();
  if (ending.kind === 'no-answer') return ending;
  return { ...ending, text: firstLine(stdout.text) || firstLine(stderr.text) };
}

/** @returns the program, or why this worker does not run it; links are followed first, so that none leads out of the directory */
async function allowedProgram(
  executable: string,
  directories: readonly string[],
): Promise<{ readonly path: string } | { readonly refusal: string }> {
  if (directories.length === 0) {
    return {
      refusal:
        'the worker runs no commands; set SQLFERRY_COMMAND_HOOKS to the directory of those that it may run',
    };
  }
  const real = await realpath(executable).catch(() => undefined);
  if (real === undefined) return { refusal: `${executable} is not there on the host of the worker` };
  const allowed = await Promise.all(
    directories.map((directory) => realpath(directory).catch(() => undefined)),
  );
  const isInside = allowed.some(
    (directory) =>
      directory !== undefined && real.startsWith(directory.endsWith(sep) ? directory : directory + sep),
  );
  return isInside
    ? { path: real }
    : { refusal: `${executable} is in no directory that SQLFERRY_COMMAND_HOOKS of the worker names` };
}

function environmentOf(message: HookMessage, path: string | undefined): NodeJS.ProcessEnv {
  const { from, to } = message;
  return {
    ...(path === undefined ? {} : { PATH: path }),
    LANG: 'C.UTF-8',
    SQLFERRY_RUN: message.run,
    SQLFERRY_WORKFLOW_ID: message.workflowId,
    SQLFERRY_DATABASE: message.database,
    SQLFERRY_HOOK: message.hook,
    SQLFERRY_PHASE: message.phase,
    SQLFERRY_KIND: message.kind,
    SQLFERRY_FROM: from.name,
    SQLFERRY_FROM_SIDE: from.side,
    SQLFERRY_FROM_HOST: from.host ?? '',
    SQLFERRY_FROM_PORT: String(from.port),
    SQLFERRY_TO: to.name,
    SQLFERRY_TO_SIDE: to.side,
    SQLFERRY_TO_HOST: to.host ?? '',
    SQLFERRY_TO_PORT: String(to.port),
    SQLFERRY_TIME: message.time,
    SQLFERRY_REASON: message.reason ?? '',
    SQLFERRY_IDEMPOTENCY_KEY: message.idempotencyKey,
  };
}

type CommandEnding =
  | { readonly kind: 'exit'; readonly code: number; readonly text: '' }
  | { readonly kind: 'no-answer'; readonly reason: string };

function endOf(
  child: ChildProcess,
  timeoutMs: number,
  signal: AbortSignal,
  clock: Clock,
): Promise<CommandEnding> {
  return new Promise((resolve) => {
    let outOfTime = false;
    const ended = new AbortController();
    const after = (ms: number, act: () => void): void => {
      clock.sleep(ms, ended.signal).then(act, () => undefined);
    };
    const stop = (): void => {
      endGroup(child, 'SIGTERM');
      after(GRACE_MS, () => endGroup(child, 'SIGKILL'));
    };
    after(timeoutMs, () => {
      outOfTime = true;
      stop();
    });
    const done = (ending: CommandEnding): void => {
      ended.abort();
      signal.removeEventListener('abort', stop);
      // What ignored the first request, or was begun by the command, does not outlive it.
      if (outOfTime || signal.aborted) endGroup(child, 'SIGKILL');
      resolve(ending);
    };
    signal.addEventListener('abort', stop, { once: true });
    child.once('error', (error) => {
      done({ kind: 'no-answer', reason: `it cannot be run: ${firstLine(error.message)}` });
    });
    child.once('exit', (code, killedBy) => {
      if (outOfTime) done({ kind: 'no-answer', reason: 'it did not end in time and was ended' });
      else if (code === null)
        done({ kind: 'no-answer', reason: `it was ended by ${killedBy ?? 'a signal'}` });
      else done({ kind: 'exit', code, text: '' });
    });
  });
}

/** The whole group: a script's children would go on otherwise. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

function collect(stream: NodeJS.ReadableStream | null): BoundedText {
  const kept = new BoundedText();
  stream?.on('data', (chunk: Buffer) => kept.add(chunk));
  stream?.on('error', () => undefined);
  return kept;
}

/** The end of the output, or a short while: a child in the background may keep the pipe open for ever. */
async function settledOutput({ stdout, stderr }: ChildProcess, clock: Clock): Promise<void> {
  const streams = [stdout, stderr].filter((stream) => stream !== null && !stream.closed);
  const closed = Promise.all(
    streams.map((stream) => new Promise<void>((resolve) => stream?.once('close', () => resolve()))),
  );
  const ended = new AbortController();
  const enough = clock.sleep(OUTPUT_GRACE_MS, ended.signal).catch(() => undefined);
  await Promise.race([closed, enough]);
  ended.abort();
  stdout?.destroy();
  stderr?.destroy();
}
