import { EXIT, type ExitCode } from './exit-codes';
import { CliFailure } from './failure';
import { type Style, styleFor } from './terminal/style';

/** Where a command writes: text for people, or one JSON object for machines, on standard output. */
export interface Output {
  readonly json: boolean;
  readonly style: Style;
  /** A line for people; nothing with --json. */
  say(line: string): void;
  /** What the command found; the one thing that --json prints. */
  result(value: unknown): void;
  /** A remark for people, also with --json; on standard error. */
  note(line: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    style: styleFor(process.stdout),
    say: (line) => {
      if (!json) process.stdout.write(`${line}\n`);
    },
    result: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    note: (line) => {
      process.stderr.write(`${line}\n`);
    },
  };
}

/** Prints a failure with its next steps. @returns the exit code */
export function printFailure(error: unknown, json: boolean): ExitCode {
  const failure = toCliFailure(error);
  if (json) {
    const { message, exitCode, nextSteps, data } = failure;
    process.stdout.write(`${JSON.stringify({ error: { message, exitCode, nextSteps, ...data } })}\n`);
    return exitCode;
  }
  const style = styleFor(process.stderr);
  process.stderr.write(`${style.red('error:')} ${failure.message}\n`);
  for (const step of failure.nextSteps) process.stderr.write(`  ${style.dim('→')} ${step}\n`);
  return failure.exitCode;
}

/** Failures of other rooms, by name: their classes are not loaded only to be compared. */
function toCliFailure(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  switch (error instanceof Error ? error.name : '') {
    case 'NoSuchMigration':
    case 'NoSuchSchedule':
    case 'NoRotationRuns':
      return new CliFailure(message, EXIT.notFound);
    case 'StillRunning':
    case 'RunIsOver':
    case 'RotationRuns':
    case 'RequestRejected':
      return new CliFailure(message, EXIT.refused);
    case 'NoWorkerAnswers':
    case 'TemporalConnectionFailure':
    case 'TemporalBinaryMissing':
      return new CliFailure(message, EXIT.unreachable);
    case 'BadWorkerConfig':
      return new CliFailure(message, EXIT.usage);
    default:
      return new CliFailure(
        message,
        EXIT.failed,
        [],
        process.env.SQLFERRY_DEBUG ? { stack: stackOf(error) } : {},
      );
  }
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? '') : '');
