import type { LinkPlan } from '../../activities/link/plan';
import { EXIT, type ExitCode } from '../exit-codes';
import { withLocalPorts } from '../local-ports';
import type { Output } from '../output';
import { loadLinkMigration, type SpecFileOptions } from '../spec-files';
import { planAsMarkdown, planAsScript } from '../terminal/plan-view';

export interface PlanOptions extends SpecFileOptions {
  readonly format: 'sql' | 'markdown';
}

/** Prints every statement and request of a run, in order, with what would undo each. Changes nothing. */
export async function plan(output: Output, options: PlanOptions): Promise<ExitCode> {
  const spec = await loadLinkMigration(options);
  const { preflightLink } = await import('../../activities/link/preflight');
  const { planLinkMigration } = await import('../../activities/link/plan');
  const { planned, report } = await withLocalPorts(spec, async (context) => {
    const outcome = await preflightLink(context);
    return { planned: await planLinkMigration(context, outcome.route), report: outcome.report };
  });
  output.say(render(planned, options.format));
  if (report.blockers > 0) {
    output.note(
      `preflight finds ${report.blockers} blocker${report.blockers === 1 ? '' : 's'}: a run would stop before the first statement; see: sqlferry preflight`,
    );
  }
  output.result({ ...planned, blockers: report.blockers });
  return EXIT.ok;
}

function render(planned: LinkPlan, format: PlanOptions['format']): string {
  switch (format) {
    case 'sql':
      return planAsScript(planned);
    case 'markdown':
      return planAsMarkdown(planned);
  }
}
