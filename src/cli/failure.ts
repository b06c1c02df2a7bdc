import type { ExitCode } from './exit-codes';

/** An end of the command that the person shall understand: what, why, and the next step. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  constructor(
    message: string,
    readonly exitCode: ExitCode,
    readonly nextSteps: readonly string[] = [],
    /** Further data for --json. */
    readonly data: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}
