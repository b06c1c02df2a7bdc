import { setTimeout as wait } from 'node:timers/promises';
import type { SqlFerry } from '../../client/runs';
import { EXIT, type ExitCode } from '../exit-codes';
import { CliFailure } from '../failure';
import type { Output } from '../output';
import { loadLinkMigration, type SpecFileOptions } from '../spec-files';
import { type TemporalOptions, withMigrations } from '../temporal';
import { checkLines } from '../terminal/check-view';
import { watchRun } from './status';

export interface StartOptions extends TemporalOptions, SpecFileOptions {
  readonly watch: boolean;
  /** False: return as soon as Temporal has accepted the run. */
  readonly wait: boolean;
}

const LOOK_MS = 300;

/** Starts a migration and, unless told otherwise, waits for the verdict of preflight: nothing is changed before it. */
export async function start(output: Output, options: StartOptions): Promise<ExitCode> {
  const spec = await loadLinkMigration(options);
  return withMigrations(options, async (migrations) => {
    const started = await migrations.start(spec);
    output.say(`started ${started.name} as workflow ${started.workflowId}`);
    if (options.wait || options.watch) await untilPreflightPassed(output, migrations, started.name);
    output.result({ ...started, state: options.wait ? 'preflight-passed' : 'started' });
    if (!options.watch) {
      output.say(`look at it with: sqlferry watch ${started.name}`);
      return EXIT.ok;
    }
    return watchRun(output, migrations, started.name, 1_000);
  });
}

async function untilPreflightPassed(output: Output, migrations: SqlFerry, name: string): Promise<void> {
  let told = false;
  for (;;) {
    const { status, closedAt, pending } = await migrations.view(name);
    if (closedAt !== null) return explainEnd(output, migrations, name);
    if (status.phase !== 'preflight') {
      output.say('preflight passed');
      return;
    }
    const failure = pending.find((work) => work.lastFailure !== null)?.lastFailure;
    // Once, and without the details: when it stays, the run ends with them.
    if (failure && !told) output.note('preflight could not be done yet; it is tried again');
    told ||= failure !== undefined;
    await wait(LOOK_MS);
  }
}

/** A run that is over already did not get past preflight. */
async function explainEnd(output: Output, migrations: SqlFerry, name: string): Promise<void> {
  const report = await migrations.preflight(name);
  if (report !== null && report.blockers > 0) {
    for (const line of checkLines(report, output.style, 'important')) output.say(line);
    throw new CliFailure(
      `preflight found ${report.blockers} blocker${report.blockers === 1 ? '' : 's'}; nothing was changed`,
      EXIT.refused,
      [`remove ${report.blockers === 1 ? 'it' : 'them'}, then start again`],
      { report },
    );
  }
  const failure = await migrations.failure(name);
  if (failure === undefined) throw new CliFailure(`${name} ended before preflight was over`, EXIT.failed);
  const { code, message, remedy } = failure;
  const { explain } = await import('../../rules/errors/catalogue');
  const known = explain(code);
  const passes = known.found && known.entry.reaction === 'retry';
  throw new CliFailure(
    `${message} [${code}]`,
    passes ? EXIT.unreachable : EXIT.failed,
    [remedy, 'nothing was changed: correct it, then start again'],
    { code },
  );
}
