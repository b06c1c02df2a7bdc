import { EXIT, type ExitCode } from '../exit-codes';
import { withLocalPorts } from '../local-ports';
import type { Output } from '../output';
import { loadLinkMigration, type SpecFileOptions } from '../spec-files';
import { checkLines } from '../terminal/check-view';

export interface PreflightOptions extends SpecFileOptions {
  /** Show what passed, too. */
  readonly all: boolean;
}

/** Runs the checks from here, without Temporal. Reads only. */
export async function preflight(output: Output, options: PreflightOptions): Promise<ExitCode> {
  const spec = await loadLinkMigration(options);
  const { preflight } = await import('../../activities/link/preflight');
  const outcome = await withLocalPorts(spec, (context) => preflight(context));
  for (const line of checkLines(outcome.report, output.style, options.all ? 'all' : 'open')) output.say(line);
  output.result(outcome);
  return outcome.report.blockers > 0 ? EXIT.refused : EXIT.ok;
}
