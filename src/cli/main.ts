import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { packageRoot } from '../temporal/package-root';
import { certificateCommands } from './certificate-commands';
import type { Run } from './command-parts';
import { EXIT, type ExitCode } from './exit-codes';
import { CliFailure } from './failure';
import { createOutput, printFailure } from './output';
import { processCommands } from './process-commands';
import { protectionCommands } from './protection-commands';
import { requestCommands } from './request-commands';
import { runCommands } from './run-commands';
import { specCommands } from './spec-commands';

/**
 * The `sqlferry` command. Each command's code is loaded when it is called: `--version` must not wait for the SDKs of
 * Temporal, Azure and SQL Server.
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const wantsJson = argv.includes('--json');
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram(wantsJson, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return printFailure(error, wantsJson);
    if (error.exitCode === 0) return EXIT.ok;
    // Commander has written its text already; machines get theirs here.
    return wantsJson ? printFailure(wrongUse(error), true) : EXIT.usage;
  }
}

const wrongUse = ({ message }: CommanderError): CliFailure =>
  new CliFailure(message.replace(/^error: /, ''), EXIT.usage, ['sqlferry --help']);

function createProgram(wantsJson: boolean, end: (code: ExitCode) => void): Command {
  const program = new Command('sqlferry')
    .description('Carries SQL Server databases to Azure SQL Managed Instance, as durable Temporal workflows.')
    .version(ownVersion())
    .exitOverride()
    // Else options of a sub-command's sub-command would be taken by the command in between.
    .enablePositionalOptions()
    .showHelpAfterError('(see: sqlferry --help, or --help after the command)')
    .configureOutput(wantsJson ? { writeErr: () => {} } : {})
    .addHelpText('after', EXIT_CODES);

  /** Gives a command's action its output, and takes its exit code. */
  const run =
    <Args extends readonly unknown[]>(work: Run<Args>) =>
    async (...given: unknown[]): Promise<void> => {
      const command = given.at(-1) as Command;
      const args = given.slice(0, -1) as unknown as Args;
      end((await work(createOutput(command.opts().json === true), ...args)) ?? EXIT.ok);
    };

  specCommands(program, run);
  runCommands(program, run);
  requestCommands(program, run);
  protectionCommands(program, run);
  certificateCommands(program, run);
  processCommands(program, run);
  return program;
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong use or broken spec, 3 refused, 4 unreachable, 5 no such migration, 130 interrupted`;
