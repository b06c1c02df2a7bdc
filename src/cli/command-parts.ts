/** What the definitions of commands have in common. */
import { type Command, InvalidArgumentError } from 'commander';
import { LONGEST_DURATION_MS, parseDuration } from '../model/duration';
import type { ExitCode } from './exit-codes';
import type { Output } from './output';

export type Run<Args extends readonly unknown[]> = (
  output: Output,
  ...args: Args
) => Promise<ExitCode | undefined>;

/** Gives a command's action its output, and takes its exit code. */
export type Runner = <Args extends readonly unknown[]>(
  work: Run<Args>,
) => (...given: unknown[]) => Promise<void>;

export function json(command: Command): Command {
  return command.exitOverride().option('--json', 'print one JSON object instead of text');
}

export function specOptions(command: Command): Command {
  return spec(json(command));
}

export function spec(command: Command): Command {
  return command
    .argument('<migration>', 'file that describes the migration')
    .option('-i, --inventory <file>', 'file that describes the instances', 'inventory.yaml');
}

export function temporalOptions(command: Command): Command {
  return json(command)
    .option('--address <host:port>', 'Temporal server (default: TEMPORAL_ADDRESS, then 127.0.0.1:7233)')
    .option('--namespace <name>', 'Temporal namespace (default: TEMPORAL_NAMESPACE)')
    .option('--task-queue <name>', 'task queue of the workers (default: SQLFERRY_TASK_QUEUE, then sqlferry)');
}

/** A request to one run, by whom and why. @param asks whether a person is asked to confirm it */
export function request(program: Command, name: string, description: string, asks: boolean): Command {
  const command = temporalOptions(program.command(name))
    .description(description)
    .argument('<name>', 'name of the migration')
    .option('--by <who>', 'who asks (default: the user of this machine)')
    .option('--reason <text>', 'why; stands in the journal');
  if (asks) command.option('--yes', 'do not ask; needed where there is no terminal', false);
  // These need options of their own, and show them in examples of their own.
  if (['postpone', 'schedule', 'failover', 'drill', 'repair', 'change'].includes(name)) return command;
  const line = `sqlferry ${name} sales-to-west`;
  return command.addHelpText('after', asks ? example(line, `${line} --yes --by dba --json`) : example(line));
}

export const example = (...lines: readonly string[]): string =>
  `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;

export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('write for example 500ms, 2s or 1m');
  if (ms > LONGEST_DURATION_MS) throw new InvalidArgumentError('a duration is at most 3650d (ten years)');
  return ms;
}
