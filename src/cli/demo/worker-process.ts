import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../temporal/package-root';

/** A worker as a process of its own, so that it can die like one. */
export class WorkerProcess {
  private child: ChildProcess | undefined;
  private readonly log: WriteStream;

  /** @param logFile where the workers' output goes, one after the other */
  constructor(
    private readonly env: NodeJS.ProcessEnv,
    logFile: string,
  ) {
    this.log = createWriteStream(logFile, { flags: 'a' });
  }

  /** Starts a worker; resolves once it says that it is ready. @throws Error when it ends before that */
  async start(): Promise<number> {
    const child = spawn(process.execPath, [join(packageRoot(), 'bin', 'sqlferry.js'), 'worker'], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    child.stderr?.pipe(this.log, { end: false });
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        this.log.write(chunk);
        if (chunk.toString().includes('worker ready')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before it was ready`)));
      child.once('error', reject);
    });
    return child.pid ?? 0;
  }

  /** SIGKILL: no farewell, no cleaning up. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    this.log.end();
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
